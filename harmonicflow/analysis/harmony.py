"""Key and chords of a recording: chroma per beat, templates with overtones, the best path through them.

Key: correlation with the probe-tone profiles of Krumhansl & Kessler (1982). Chords: cosine between a beat's chroma
and each chord's template, whose tones bring their overtones along (Gomez 2006), a look at the bass, a leaning to the
key, and Viterbi smoothing in which a chord changes most easily on a bar line (Bello & Pickens 2005).

Shapes: N analysis frame, K beat, Q chord.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from .spectra import Floats, chroma, estimate_tuning, magnitudes

if TYPE_CHECKING:
    from harmonicflow.core.tempo import Selection
    from harmonicflow.score.chords import Chord, ChordSpan

KRUMHANSL: Final = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}
SCALES: Final = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10, 11)}

# What a chord's score loses for being rarer: four tones fit any chroma a little better than three.
QUALITY_COST: Final = {"": 0.0, "m": 0.0, "7": 0.02, "m7": 0.02, "maj7": 0.02, "sus4": 0.04, "dim": 0.04, "m7b5": 0.05}
OVERTONE: Final = 0.6  # an overtone's weight against the one below it
BASS_WEIGHT: Final = 0.12  # for a chord whose root is heard at the bottom
KEY_WEIGHT: Final = 0.03  # for each chord that stays inside the key
CHANGE_COST: Final = {"bar": 0.15, "beat": 0.30}  # of a new chord on a bar line, elsewhere
WINDOW_S, HOP_S = 0.186, 0.0464
SHORTEST_BEAT_S: Final = 0.3  # faster beats are heard in pairs
SILENCE_DBFS: Final = -60.0


@dataclass(frozen=True)
class KeyEstimate:
    """A key and how far it stands out: its correlation with the profile, and the lead over the next key."""

    tonic: int
    mode: str
    correlation: float
    lead: float

    @property
    def name(self) -> str:
        """The key as people write it: "E minor"."""
        from harmonicflow.score.keys import Key

        return Key(self.tonic, self.mode).name


def estimate_key(chroma_N12: Floats) -> KeyEstimate | None:
    """The key of some chroma ([12] or [N, 12]); None where there is nothing to hear."""
    profile = np.asarray(chroma_N12, np.float64).reshape(-1, 12).sum(axis=0)
    if not profile.any() or np.ptp(profile) == 0:
        return None
    found = [
        (float(np.corrcoef(np.roll(weights, tonic), profile)[0, 1]), tonic, mode)
        for mode, weights in KRUMHANSL.items()
        for tonic in range(12)
    ]
    (best, tonic, mode), (second, _, _) = sorted(found, reverse=True)[:2]
    return KeyEstimate(tonic, mode, best, best - second)


@dataclass(frozen=True)
class Harmony:
    """What was heard in a clip."""

    key: KeyEstimate | None  # None in noise or silence
    chords: tuple[ChordSpan, ...]  # in selection beats, with gaps where it is silent
    tuning: float = 0.0  # semitones above A = 440 Hz


def estimate_harmony(mono_T: Floats, rate: int, selection: Selection) -> Harmony:
    """Key and chords of a clip whose sample 0 is the selection's first frame.

    `rate` is the clip's own; it may end before the selection does, and has no chords there.
    """
    from harmonicflow.score.chords import ChordSpan

    size = 2 ** round(np.log2(WINDOW_S * rate))
    hop = max(1, round(HOP_S * rate))
    count = len(mono_T) // hop
    if count == 0:
        return Harmony(None, ())
    mag = magnitudes(mono_T, hop // 2, hop, count, size)
    tuning = estimate_tuning(mag, rate)
    whole = chroma(mag, rate, tuning=tuning)
    key = estimate_key(whole)
    beats = chord_beats(selection)
    edges_N = [float(selection.frame_at_beat(beat)) / selection.rate * rate / hop for beat in beats]
    bass = chroma(mag, rate, 38.0, 240.0, tuning)
    heard, bottom = _pooled(whole, edges_N), _pooled(bass, edges_N)
    level = _pooled(10 ** (_dbfs(mono_T, hop, count)[:, None] / 10), edges_N)[:, 0]
    on_bar = _on_bar_lines(selection, beats[:-1])
    path = best_path(chord_scores(heard, bottom, key), on_bar)
    spans: list[ChordSpan] = []
    for place, chord in enumerate(path):
        start, end = beats[place], beats[place + 1]
        if level[place] <= 10 ** (SILENCE_DBFS / 10) or not heard[place].any():
            continue
        if spans and spans[-1].chord == chord_table()[chord] and spans[-1].start + spans[-1].duration == start:
            spans[-1] = ChordSpan(spans[-1].start, end - spans[-1].start, spans[-1].chord)
        else:
            spans.append(ChordSpan(start, end - start, chord_table()[chord]))
    return Harmony(key, tuple(spans), tuning)


def estimate_chords(mono_T: Floats, rate: int, selection: Selection) -> tuple[ChordSpan, ...]:
    """Only the chords of `estimate_harmony`."""
    return estimate_harmony(mono_T, rate, selection).chords


def chord_beats(selection: Selection) -> list[Fraction]:
    """Edges of the steps on which chords are heard, in selection beats: beats of each bar, pairs of fast ones."""
    edges: set[Fraction] = {Fraction(0)}
    for bar in selection.bars():
        seconds = 60 / float(selection.bpm_at_beat(bar.start_beat))
        step = Fraction(1 if seconds >= SHORTEST_BEAT_S else 2)
        edges.update((bar.start_beat, bar.end_beat))
        beat = bar.grid_start + step
        while beat < bar.end_beat:
            if beat > bar.start_beat:
                edges.add(beat)
            beat += step
    return sorted(edges)


def _on_bar_lines(selection: Selection, beats: list[Fraction]) -> NDArray[np.bool_]:
    lines = {bar.grid_start for bar in selection.bars()}
    return np.array([beat in lines for beat in beats])


def _dbfs(mono_T: Floats, hop: int, count: int) -> Floats:
    power = np.mean(np.asarray(mono_T[: count * hop], np.float64).reshape(count, hop) ** 2, axis=1)
    return 10 * np.log10(power + 1e-12)


def _pooled(rows_ND: Floats, edges_N: list[float]) -> Floats:
    """Mean of the rows whose centre lies between consecutive edges [K, D]; zero where there is none."""
    sums = np.concatenate([np.zeros((1, rows_ND.shape[1])), np.cumsum(rows_ND, axis=0, dtype=np.float64)])
    places = np.clip(np.round(edges_N).astype(int), 0, len(rows_ND))
    width = np.maximum(np.diff(places), 1)[:, None]
    return ((sums[places[1:]] - sums[places[:-1]]) / width).astype(np.float32)


# ------------------------------------------------------------------------------------------------- templates and paths


@lru_cache(maxsize=1)
def chord_table() -> tuple[Chord, ...]:
    """Every chord that can be heard, in the order of the scores' columns."""
    from harmonicflow.score.chords import Chord

    return tuple(Chord(root, quality) for quality in QUALITY_COST for root in range(12))


@lru_cache(maxsize=1)
def chord_templates() -> Floats:
    """Unit-length chroma [Q, 12] of each chord, its tones with five overtones each."""
    tone = np.zeros(12)
    for number in range(1, 7):
        tone[round(12 * np.log2(number)) % 12] += OVERTONE ** (number - 1)
    rows = np.array([sum(np.roll(tone, pitch) for pitch in chord.pitch_classes) for chord in chord_table()])
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def chord_scores(heard_K12: Floats, bass_K12: Floats, key: KeyEstimate | None) -> Floats:
    """How well each chord of `chord_table` fits each beat [K, Q]: a cosine, less costs, plus leanings."""
    unit = heard_K12 / (np.linalg.norm(heard_K12, axis=1, keepdims=True) + 1e-9)
    bottom = bass_K12 / (bass_K12.max(axis=1, keepdims=True) + 1e-9)
    scores = unit @ chord_templates().T
    roots = np.array([chord.root for chord in chord_table()])
    scores += BASS_WEIGHT * bottom[:, roots]
    scores -= np.array([QUALITY_COST[chord.quality] for chord in chord_table()])
    if key is not None:
        scale = {(key.tonic + step) % 12 for step in SCALES[key.mode]}
        scores += KEY_WEIGHT * np.array([chord.pitch_classes <= scale for chord in chord_table()])
    return scores.astype(np.float32)


def best_path(scores_KQ: Floats, on_bar_K: NDArray[np.bool_]) -> list[int]:
    """The sequence of chords with the largest sum of scores less the costs of changing (Viterbi)."""
    total = scores_KQ[0].astype(np.float64)
    came_from: list[NDArray[np.intp]] = []
    stay = np.arange(scores_KQ.shape[1])
    for scores, on_bar in zip(scores_KQ[1:], on_bar_K[1:], strict=True):
        best = int(total.argmax())
        changed = total[best] - CHANGE_COST["bar" if on_bar else "beat"]
        came_from.append(np.where(changed > total, best, stay))
        total = np.maximum(total, changed) + scores
    path = [int(total.argmax())]
    for origin in reversed(came_from):
        path.append(int(origin[path[-1]]))
    return path[::-1]
