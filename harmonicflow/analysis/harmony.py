"""Key and chords of a recording without a network: pitch classes per beat, templates with overtones, the best path.

Key: correlation with the probe-tone profiles of Krumhansl & Kessler (1982). Chords: cosine between a beat's pitch
classes and each chord's, twice: as they are heard, against chords whose tones bring their overtones along (Gomez 2006),
and with the overtones explained away (`pitch_profile`); what lies at the bottom; a leaning to the key and to common
chords; and the search that networks and MIDI use too (`score.chord_search`).

Shapes: N analysis frame, K beat, Q chord, P pitch class (12), M key (24).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from .pitch_profile import SEMITONES, find_peaks, folded, pooled, without_overtones
from .rolled import rolled
from .spectra import Floats, Times

if TYPE_CHECKING:
    from harmonicflow.core.tempo import Selection
    from harmonicflow.score.chord_search import FoundChord, SearchOptions
    from harmonicflow.score.chords import ChordSpan

OVERTONE: Final = 0.6  # an overtone's weight against the one below it, as heard
LEFT_OVER: Final = 0.3  # the same where overtones are explained away: not all of them are
AS_HEARD: Final = 0.5  # weight of the cosine of what is heard; the rest goes to that without overtones
FIT: Final = 35.0  # nats for a whole unit of cosine
BASS: Final = 2.0  # nats for a chord whose bass is the strongest low tone
ROOT: Final = 0.3  # nats for one whose root is
CHROMA_PITCHES: Final = (35, 96)  # MIDI, of what is heard
TONE_PITCHES: Final = (28, 88)  # of tones without overtones
BASS_PITCHES: Final = (28, 53)
WINDOW_S, HOP_S = 0.186, 0.0464
SHORTEST_BEAT_S: Final = 0.3  # faster beats are heard in pairs
SILENCE_DBFS: Final = -60.0
RECENT: Final = 8  # beats; what is much quieter than the loudest of them rings on and says little of its own
RINGING: Final = 0.25  # power of the ratio of powers by which it counts less, and the least that it counts
LEAST_COUNTED: Final = 0.1
# A chord changes by being struck: at 95 of 100 changes in rendered songs more than 0.29 of the spectrum is new.
STRUCK: Final = (0.1, 0.25)  # share that is new: none, enough
HELD_COST: Final = 15.0  # nats
OLD_NEWS: Final = 0.9  # of what a beat says that counts no more where nothing is struck: it has been counted before


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


def estimate_key(chroma_NP: Floats) -> KeyEstimate | None:
    """The key of some chroma ([P] or [N, P]); None where there is nothing to hear."""
    from harmonicflow.score.chord_table import KEYS
    from harmonicflow.score.key_search import key_correlations

    profile = np.asarray(chroma_NP, np.float64).reshape(-1, 12).sum(axis=0)
    if not profile.any() or np.ptp(profile) == 0:
        return None
    found = key_correlations(profile)[0]
    best, second = np.argsort(-found, kind="stable")[:2]
    key = KEYS[best]
    return KeyEstimate(key.tonic, key.mode, float(found[best]), float(found[best] - found[second]))


@dataclass(frozen=True)
class Harmony:
    """What was heard in a clip."""

    key: KeyEstimate | None  # None in noise or silence
    chords: tuple[ChordSpan, ...]  # in selection beats, with gaps where it is silent
    tuning: float = 0.0  # semitones above A = 440 Hz


@dataclass(frozen=True)
class BeatHarmony:
    """What is heard on each beat of a recording, whatever its beats are."""

    chroma_KP: Floats
    chords: list[FoundChord]  # by beats, None where it is silent
    tuning: float
    silent_K: NDArray[np.bool_]
    held_K: Floats  # nats, what a change of chord costs more where nothing is struck
    fit_KQ: Floats  # nats, how well each chord of the table fits, before any leaning


def estimate_harmony(mono_T: Floats, rate: int, selection: Selection) -> Harmony:
    """Key and chords of a clip whose sample 0 is the selection's first frame.

    `rate` is the clip's own; it may end before the selection does, and has no chords there.
    """
    from harmonicflow.score.chords import ChordSpan

    beats, place_K = selection_steps(selection)
    edges_s = np.array([float(selection.frame_at_beat(beat)) / selection.rate for beat in beats])
    heard = hear_harmony(mono_T, rate, edges_s, place_K)
    spans = (
        ChordSpan(beats[found.first], beats[found.last] - beats[found.first], found.chord)
        for found in rolled(heard.chords, heard.chroma_KP, edges_s)
        if found.chord is not None
    )
    return Harmony(estimate_key(heard.chroma_KP), tuple(spans), heard.tuning)


def estimate_chords(mono_T: Floats, rate: int, selection: Selection) -> tuple[ChordSpan, ...]:
    """Only the chords of `estimate_harmony`."""
    return estimate_harmony(mono_T, rate, selection).chords


def hear_harmony(mono_T: Floats, rate: int, edges_s: Times, place_K: NDArray[np.int64]) -> BeatHarmony:
    """Chords between consecutive edges, in seconds from sample 0; `place_K` is where in its bar each beat lies."""
    from harmonicflow.score.chord_search import find_chords, leanings
    from harmonicflow.score.key_search import key_probabilities

    size, hop = 2 ** round(np.log2(WINDOW_S * rate)), max(1, round(HOP_S * rate))
    peaks = find_peaks(np.asarray(mono_T, np.float32), rate, hop, size)
    edges_N = np.asarray(edges_s) * rate / hop
    rows = peaks.profile()
    if not len(rows):
        rows = np.zeros((1, SEMITONES), np.float32)
    level = pooled(_powers(mono_T, hop, len(rows))[:, None], edges_N)[:, 0]
    profile = pooled(rows, edges_N)
    chroma_KP = folded(profile, *CHROMA_PITCHES)
    silent_K = (level <= 10 ** (SILENCE_DBFS / 10)) | ~chroma_KP.any(axis=1)
    new_K = newness(level)
    held_K = held_costs(attacks(rows, edges_N) * new_K)
    fit_KQ = template_fit(carried(profile, held_K)) * new_K[:, None]
    scores = fit_KQ + leanings(key_probabilities(chroma_KP.sum(axis=0))[0], _options()) * new_K[:, None]
    scores = scores * counted(held_K)[:, None]
    chords = find_chords(scores, _options().change(place_K) + held_K, silent_K=silent_K)
    return BeatHarmony(chroma_KP, chords, peaks.tuning, silent_K, held_K, fit_KQ)


def attacks(rows_NS: Floats, edges_N: Times) -> Floats:
    """How much of the spectrum is new at the strongest attack of each beat [K], 0..1; one frame early counts too."""
    if len(rows_NS) < 3:
        return np.ones(len(edges_N) - 1)
    rise = np.maximum(rows_NS[2:] - rows_NS[:-2], 0).sum(axis=1) / (rows_NS[2:].sum(axis=1) + 1e-6)
    rise = np.concatenate([[0.0], rise, [0.0]])
    places = np.clip(np.round(edges_N).astype(int), 0, len(rows_NS) - 1)
    spans = zip(places, places[1:], strict=False)
    return np.array([rise[max(a - 1, 0) : max(b - 1, a + 1)].max() for a, b in spans])


def held_costs(struck_K: Floats) -> Floats:
    """What a change of chord costs more on each beat [K], in nats: much where nothing is struck."""
    none, enough = STRUCK
    return HELD_COST * np.clip((enough - struck_K) / (enough - none), 0, 1)


def counted(held_K: Floats) -> Floats:
    """What the evidence of each beat counts for [K], 0.1 where nothing is struck."""
    return np.asarray(1 - OLD_NEWS * held_K / HELD_COST)


def carried(rows_KD: Floats, held_K: Floats) -> Floats:
    """Rows of beats in which what was there lasts as long as nothing new is struck: tones that have died away are still
    the chord's. `held_K` from `held_costs`."""
    out = np.array(rows_KD, copy=True)
    for beat in np.flatnonzero(held_K > 0):
        if beat:
            share = held_K[beat] / HELD_COST
            out[beat] = np.maximum(out[beat], share * out[beat - 1] + (1 - share) * out[beat])
    return out


def newness(power_K: Floats) -> Floats:
    """What each beat counts for [K], 0.1 to 1, from its power: a chord that dies away loses its quiet tones first, and
    without new sound there is no new chord."""
    power_K = np.asarray(power_K, np.float64)
    padded = np.concatenate([np.zeros(RECENT - 1), power_K])
    recent = np.lib.stride_tricks.sliding_window_view(padded, RECENT).max(axis=1)[: len(power_K)]
    return np.clip((power_K / (recent + 1e-20)) ** RINGING, LEAST_COUNTED, 1.0)


def selection_steps(selection: Selection) -> tuple[list[Fraction], NDArray[np.int64]]:
    """Edges of the steps on which chords are heard, in selection beats, and each step's place in its bar.

    Beats of each bar from its line on, pairs of fast ones.
    """
    from harmonicflow.score.chord_search import BAR_LINE, HALF_BAR, WITHIN

    edges: dict[Fraction, int] = {Fraction(0): WITHIN}
    for bar in selection.bars():
        seconds = 60 / float(selection.bpm_at_beat(bar.start_beat))
        step = Fraction(1 if seconds >= SHORTEST_BEAT_S else 2)
        half = bar.meter.beats / 2
        beat = bar.grid_start
        while beat < bar.end_beat:
            if beat >= bar.start_beat:
                since = beat - bar.grid_start
                edges[beat] = BAR_LINE if not since else HALF_BAR if since == half and half > 1 else WITHIN
            beat += step
    places = np.array([edges[beat] for beat in sorted(edges)])
    return [*sorted(edges), selection.beats], places


def _powers(mono_T: Floats, hop: int, count: int) -> Floats:
    """Mean square of each frame [N]."""
    if len(mono_T) < count * hop:
        return np.zeros(count)
    squares = np.square(np.asarray(mono_T[: count * hop], np.float32)).reshape(count, hop)
    return np.asarray(squares.mean(axis=1, dtype=np.float64))


# ------------------------------------------------------------------------------------------------------------ templates


@lru_cache(maxsize=1)
def _options() -> SearchOptions:
    from harmonicflow.score.chord_search import SearchOptions

    return SearchOptions(rarity=0.5, key=1.0, change_on_bar=3.5, change_on_half=5.0, change_on_beat=7.0)


@lru_cache(maxsize=4)
def chord_templates(overtone: float = OVERTONE) -> Floats:
    """Unit-length chroma [Q, P] of each chord of the table, its tones with five overtones each; major triads first,
    from C on, then minor ones."""
    from harmonicflow.score.chord_table import chord_table

    tone = np.zeros(12)
    for number in range(1, 7):
        tone[round(12 * np.log2(number)) % 12] += overtone ** (number - 1)
    rows = chord_table().tones_QP @ np.stack([np.roll(tone, pitch) for pitch in range(12)])
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def template_fit(profile_KS: Floats) -> Floats:
    """How well each chord of the table fits each beat [K, Q], in nats, from the strengths of semitones."""
    from harmonicflow.score.chord_table import chord_table

    table = chord_table()
    tones = without_overtones(profile_KS)
    fit = AS_HEARD * _unit(folded(profile_KS, *CHROMA_PITCHES)) @ chord_templates(OVERTONE).T
    fit += (1 - AS_HEARD) * _unit(folded(tones, *TONE_PITCHES)) @ chord_templates(LEFT_OVER).T
    low = folded(tones, *BASS_PITCHES)
    low = low / (low.max(axis=1, keepdims=True) + 1e-9)
    return np.asarray(FIT * fit + BASS * low[:, table.basses_Q] + ROOT * low[:, table.roots_Q])


def _unit(rows_KP: Floats) -> Floats:
    return rows_KP / (np.linalg.norm(rows_KP, axis=1, keepdims=True) + 1e-9)
