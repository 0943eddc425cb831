"""The probes of the evaluation: are the notes there, on time, at their pitch, in their chord?

Each is validated against planted signals in the tests and, in every evaluation, against its ladder (true audio above
shifted, shuffled and noise). Asked notes are rows (onset s, offset s, MIDI pitch, ...); times are in seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .harmony import chord_templates
from .onsets import APART_S, onsets
from .pitches import DELAY_S, LOWEST_PITCH, VOICES, WINDOW_S, sounding_pitches
from .spectra import Floats, Times, chroma, estimate_tuning, magnitudes

__all__ = [
    "Counts",
    "beat_resultants",
    "chord_score",
    "f1_score",
    "log_mel_distance_db",
    "matches",
    "mel_levels_db",
    "merged_onsets",
    "offsets_s",
    "onset_counts",
    "onset_groups",
    "onsets",
    "pitch_counts",
    "spread",
]

STRUM_S: Final = 0.09
RING_S: Final = 0.3  # a note may be heard this long after its end: releases, pedals, rooms
LONGEST_CHORD_STEP_S: Final = 1.0


@dataclass(frozen=True)
class Counts:
    """Hits, misses and false alarms; they add up over songs."""

    hits: int = 0
    missed: int = 0
    extra: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.hits + other.hits, self.missed + other.missed, self.extra + other.extra)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None where nothing was asked."""
        if self.hits + self.missed == 0:
            return None
        return 2 * self.hits / (2 * self.hits + self.missed + self.extra)


def f1_score(said: NDArray[np.bool_], told: NDArray[np.bool_]) -> float:
    """F1 of what was said, element by element, against what is so; 0 where nothing is."""
    return 2 * float((said & told).sum()) / max(1.0, float(said.sum() + told.sum()))


# --------------------------------------------------------------------------------------------------------------- onsets


def onset_groups(times_s: Sequence[float] | Times) -> list[tuple[float, float]]:
    """First and last onset of each group a listener hears as one: steps of at most 30 ms, a strum of at most 90 ms."""
    groups: list[tuple[float, float]] = []
    for time in sorted(float(time) for time in times_s):
        if groups and time - groups[-1][1] <= APART_S and time - groups[-1][0] <= STRUM_S:
            groups[-1] = (groups[-1][0], time)
        else:
            groups.append((time, time))
    return groups


def merged_onsets(times_s: Sequence[float] | Times) -> Times:
    """Onsets as a listener counts them: the first of each group."""
    return np.array([first for first, _ in onset_groups(times_s)])


def matches(asked_s: Times, heard_s: Times, window_s: float) -> list[tuple[int, int]]:
    """Pairs (asked, heard) at most `window_s` apart, each used once; both ascending. In time order this is the most."""
    pairs, i, j = [], 0, 0
    while i < len(asked_s) and j < len(heard_s):
        difference = heard_s[j] - asked_s[i]
        if abs(difference) <= window_s:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif difference < 0:
            j += 1
        else:
            i += 1
    return pairs


def onset_counts(asked_s: Times, heard_s: Times, window_s: float) -> Counts:
    """Onsets asked for against onsets heard."""
    hits = len(matches(asked_s, heard_s, window_s))
    return Counts(hits, len(asked_s) - hits, len(heard_s) - hits)


def offsets_s(asked_s: Times, heard_s: Times, window_s: float = 0.05) -> Times:
    """How much later than asked each matched onset is heard."""
    return np.array([heard_s[j] - asked_s[i] for i, j in matches(asked_s, heard_s, window_s)])


def spread(values: Times) -> tuple[float, float] | None:
    """Median and interquartile range; None for fewer than four values."""
    if len(values) < 4:
        return None
    low, median, high = np.percentile(values, [25, 50, 75])
    return float(median), float(high - low)


# ----------------------------------------------------------------------------------------------------------------- beat

FEWEST_PHASES: Final = 4


def beat_resultants(
    onsets_s: Times, beats_s: Sequence[float] | Times, parts: Sequence[int] = (1, 2, 3, 4)
) -> dict[int, float]:
    """How far onsets gather at one phase of the beat, the half-beat ...: 0 anywhere, 1 always the same.

    For n onsets at beats b the resultant is R = |sum exp(2 pi i part b)| / n. Of random phases R^2 is 1/n on average,
    so it is given without that bias: sqrt((n R^2 - 1) / (n - 1)), at least 0. Fewer than four onsets gather nowhere.
    """
    times, beats_s = np.asarray(onsets_s, np.float64), np.asarray(beats_s, np.float64)
    if len(beats_s) < 2 or len(times) < FEWEST_PHASES:
        return dict.fromkeys(parts, 0.0)
    beat = _beats_at(times, beats_s)
    out = {}
    for part in parts:
        square = float(np.abs(np.exp(2j * np.pi * part * beat).mean()) ** 2)
        out[part] = float(np.sqrt(max(0.0, (len(beat) * square - 1) / (len(beat) - 1))))
    return out


def _beats_at(times_s: Times, beats_s: Times) -> Times:
    """Beat of each time; before the first beat and after the last the nearest beat's length goes on."""
    segment = np.clip(np.searchsorted(beats_s, times_s, side="right") - 1, 0, len(beats_s) - 2)
    return np.asarray(segment + (times_s - beats_s[segment]) / (beats_s[segment + 1] - beats_s[segment]))


# -------------------------------------------------------------------------------------------------------------- pitches


def pitch_counts(
    x_T: Floats, rate: int, notes: Sequence[Sequence[float]], start_s: float, end_s: float, voices: int = VOICES
) -> Counts:
    """Is each note asked for heard at its onset, and nothing else?

    Onsets from `start_s` up to `end_s` count. A pitch heard there that belongs to any note still sounding is no false
    alarm; a pitch of no such note is. `voices` is the most the instrument plays at once: 1 for a bass.
    """
    asked = sorted((float(n[0]), float(n[1]), int(n[2])) for n in notes)
    groups = [group for group in onset_groups([onset for onset, _, _ in asked]) if start_s <= group[0] < end_s]
    if not groups:
        return Counts()
    onset, offset, pitch = (np.array(column) for column in zip(*asked, strict=True))
    hits = missed = extra = 0
    moments = np.array([first for first, _ in groups])
    for (moment, last), found in zip(groups, sounding_pitches(x_T, rate, moments, voices), strict=True):
        heard = set((np.flatnonzero(found) + LOWEST_PITCH).tolist())
        struck = set(pitch[(onset >= moment) & (onset <= last)].tolist())
        window_end = moment + DELAY_S + WINDOW_S / 2
        sounding = set(pitch[(onset < window_end) & (offset + RING_S > moment)].tolist())
        hits += len(struck & heard)
        missed += len(struck - heard)
        extra += len(heard - sounding)
    return Counts(hits, missed, extra)


# --------------------------------------------------------------------------------------------------------------- chords


def chord_score(
    x_T: Floats, rate: int, chords: Sequence[tuple[float, float, Any]], start_s: float, end_s: float
) -> tuple[float, float]:
    """Seconds in which the asked chord's triad fits best of all 24 major and minor ones, and seconds asked.

    Chords are (start, end, Chord). Those without a third (sus, power chords) are not asked about. Each is heard in
    steps of at most a second; steps without sound are wrong.
    """
    size, hop = 2 ** round(np.log2(WINDOW_S * rate)), max(1, round(0.0464 * rate))
    count = len(x_T) // hop
    steps = [step for step in _chord_steps(chords, start_s, end_s) if step[1] * rate <= len(x_T) + rate]
    asked_s = float(sum(end - start for start, end, _, _ in steps))
    if count == 0 or not steps:
        return 0.0, asked_s
    mag = magnitudes(x_T, hop // 2, hop, count, size)
    heard = chroma(mag, rate, tuning=estimate_tuning(mag, rate))
    right_s = 0.0
    for start, end, root, minor in steps:
        sound = heard[round(start * rate / hop) : round(end * rate / hop)].sum(axis=0)
        if sound.any() and int((chord_templates()[:24] @ sound).argmax()) == root + 12 * minor:
            right_s += end - start
    return right_s, asked_s


def _chord_steps(
    chords: Sequence[tuple[float, float, Any]], start_s: float, end_s: float
) -> list[tuple[float, float, int, int]]:
    """(start, end, root, 1 if minor) of the chords' parts inside a window."""
    steps = []
    for start, end, chord in chords:
        tones = {(pitch - chord.root) % 12 for pitch in chord.pitch_classes}
        start, end = max(start, start_s), min(end, end_s)
        if end - start < 0.2 or not tones & {3, 4}:
            continue
        edges = np.linspace(start, end, int(np.ceil((end - start) / LONGEST_CHORD_STEP_S)) + 1)
        minor = int(4 not in tones)
        steps += [(float(a), float(b), int(chord.root), minor) for a, b in zip(edges, edges[1:], strict=False)]
    return steps


# ---------------------------------------------------------------------------------------------------------------- sound

MEL_BANDS: Final = 64
QUIETEST_DB: Final = -80.0  # of full scale; what is below is silence, whatever its number


def log_mel_distance_db(x_T: Floats, y_T: Floats, rate: int) -> float:
    """Mean absolute difference of the two log-mel spectrograms in dB (46 ms windows, 64 bands to 16 kHz)."""
    size = 2 ** round(np.log2(rate * 0.0464))
    count = max(1, min(len(x_T), len(y_T)) // (size // 2))
    x_NM, y_NM = (mel_levels_db(sound_T, rate, size, size // 2, count) for sound_T in (x_T, y_T))
    return float(np.abs(x_NM - y_NM).mean())


def mel_levels_db(x_T: Floats, rate: int, size: int, hop: int, count: int) -> Floats:
    """Log-mel levels [count, 64] of frames centred at samples 0, hop, 2 hop ..., not below -80 dB of full scale."""
    power = magnitudes(x_T, 0, hop, count, size) ** 2 @ _mel_bands(size, rate)
    return np.asarray(np.maximum(10 * np.log10(power + 1e-12), QUIETEST_DB), np.float32)


@lru_cache(maxsize=4)
def _mel_bands(size: int, rate: int) -> Floats:
    """Triangular bands [F, 64], evenly spaced in mel (O'Shaughnessy 1987), each of unit height."""
    top = 2595 * np.log10(1 + min(16000.0, 0.45 * rate) / 700)
    edges = 700 * (10 ** (np.linspace(0, top, MEL_BANDS + 2) / 2595) - 1) * size / rate
    grid = np.arange(size // 2 + 1)[:, None]
    rising = (grid - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - grid) / (edges[2:] - edges[1:-1])
    return np.maximum(np.minimum(rising, falling), 0).astype(np.float32)
