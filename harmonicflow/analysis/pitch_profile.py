"""How strongly each semitone sounds, with and without overtones: the ground of the chords heard without a network.

A spectrum's peaks fall into semitones; what of a semitone is another tone's overtone is explained away by approximate
non-negative least squares over harmonic tones (Mauch & Dixon 2010), so that a minor triad's fifth does not pass for
its ninth.

Shapes: N analysis frame, K step, S semitone (from LOWEST), P pitch class (12).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .spectra import FRAMES_AT_ONCE, Floats, Times, hz_to_pitch, magnitudes, peak_loudness, spectral_peaks

LOWEST, HIGHEST = 24, 108  # MIDI, C1 to C8
SEMITONES: Final = HIGHEST - LOWEST + 1
LOW_HZ, HIGH_HZ = 30.0, 4400.0
TUNING_FROM: Final = 50.0  # MIDI; below it bins are wide against a semitone
PARTIALS: Final = 10
PARTIAL_DECAY: Final = 0.25  # power of a partial against the one below it
ROUNDS: Final = 80  # of multiplicative updates


@dataclass(frozen=True)
class Peaks:
    """The spectral peaks of a recording: frame, pitch (MIDI, fractional, at A = 440 Hz) and what each counts for."""

    frame: NDArray[np.int64]
    pitch: Floats
    weight: Floats
    frames: int
    tuning: float  # of the recording, in semitones above A = 440 Hz

    def profile(self) -> Floats:
        """Strength of each semitone in each frame [N, S], in the recording's tuning; quarter tones count nothing."""
        pitch = self.pitch - self.tuning
        nearest = np.round(pitch)
        weight = self.weight * np.cos(np.pi * (pitch - nearest)) ** 2
        place = nearest.astype(np.int64) - LOWEST
        inside = (place >= 0) & (place < SEMITONES)
        index = self.frame[inside] * SEMITONES + place[inside]
        out = np.bincount(index, weight[inside], self.frames * SEMITONES).reshape(-1, SEMITONES)
        return out.astype(np.float32)


def find_peaks(mono_T: Floats, rate: int, hop: int, size: int) -> Peaks:
    """The peaks of frames centred at samples hop / 2, 3 hop / 2, ...; a long recording takes no more memory at a time.

    A peak counts by the square root of its magnitude, as in `spectra.chroma`.
    """
    count = len(mono_T) // hop
    rows: list[tuple[NDArray[np.int64], Floats, Floats]] = []
    for first in range(0, count, FRAMES_AT_ONCE):
        some = min(FRAMES_AT_ONCE, count - first)
        begin = max(0, first * hop - size)
        piece = mono_T[begin : (first + some) * hop + size]
        mag = magnitudes(piece, first * hop + hop // 2 - begin, hop, some, size)
        frame, hz, magnitude = spectral_peaks(mag, rate, LOW_HZ, HIGH_HZ)
        weight = peak_loudness(mag, frame, magnitude)
        kept = weight > 0
        rows.append((frame[kept] + first, hz_to_pitch(hz[kept]).astype(np.float32), weight[kept].astype(np.float32)))
    if not rows:
        return Peaks(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), 0, 0.0)
    frame, pitch, weight = (np.concatenate(column) for column in zip(*rows, strict=True))
    heard = pitch >= TUNING_FROM
    angle = np.angle(np.sum(weight[heard] * np.exp(2j * np.pi * pitch[heard])))
    return Peaks(frame, pitch, weight, count, float(angle / (2 * np.pi)))


def pooled(rows_ND: Floats, edges_N: Sequence[float] | Times) -> Floats:
    """Mean of the rows whose centre lies between consecutive edges [K, D]; zero where there is none."""
    sums = np.concatenate([np.zeros((1, rows_ND.shape[1])), np.cumsum(rows_ND, axis=0, dtype=np.float64)])
    places = np.clip(np.round(edges_N).astype(int), 0, len(rows_ND))
    width = np.maximum(np.diff(places), 1)[:, None]
    return ((sums[places[1:]] - sums[places[:-1]]) / width).astype(np.float32)


def without_overtones(profile_KS: Floats) -> Floats:
    """The tones whose overtones make up a profile [K, S], on the scale of the profile.

    Multiplicative updates of Lee & Seung (2001) for least squares, on powers, which add up where amplitudes do not.
    """
    power = np.asarray(profile_KS, np.float64) ** 2
    tones = _harmonic_tones()
    told, across = power @ tones, tones.T @ tones
    found = np.maximum(told, 1e-12)
    for _ in range(ROUNDS):
        found *= told / (found @ across + 1e-12)
    return np.sqrt(found).astype(np.float32)


def folded(profile_KS: Floats, lowest: int = LOWEST, highest: int = HIGHEST) -> Floats:
    """Pitch classes [K, P] (0 = C) of the pitches from `lowest` up to `highest`, not included."""
    pitches = np.arange(LOWEST, HIGHEST + 1)
    inside = (pitches >= lowest) & (pitches < highest)
    onto = (pitches[:, None] % 12 == np.arange(12)) & inside[:, None]
    return np.asarray(profile_KS @ onto.astype(np.float32))


@lru_cache(maxsize=1)
def _harmonic_tones() -> Floats:
    """Power of the partials of a tone of each semitone [S, S], one tone a column of unit length."""
    tones = np.zeros((SEMITONES, SEMITONES))
    for place in range(SEMITONES):
        for number in range(1, PARTIALS + 1):
            at = place + round(12 * np.log2(number))
            if at < SEMITONES:
                tones[at, place] += PARTIAL_DECAY ** (number - 1)
    tones /= np.linalg.norm(tones, axis=0)
    tones.flags.writeable = False
    return tones
