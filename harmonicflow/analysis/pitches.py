"""Which pitches sound at given moments: harmonic sums over whitened spectra, strongest first, each then taken out.

After Klapuri 2006 (Multiple fundamental frequency estimation by summing harmonic amplitudes). It is a probe, not a
transcriber: the moments are given, and its score is read as a share of what it scores on true audio.

Shapes: N moment, F frequency bin, P pitch (88, from A0).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .spectra import Floats, Times, hann

LOWEST_PITCH, PITCHES = 21, 88
WINDOW_S: Final = 8192 / 44100  # resolves semitones from the second octave by their partials
DELAY_S: Final = 0.085  # from the onset to the window's centre: the attack is over, the note still young
PADDING: Final = 2  # spectrum bins per bin of the window: a partial is found to a fifth of a semitone
PARTIALS: Final = 20
VOICES: Final = 8
COMPRESSION: Final = 0.85  # 1 leaves the spectrum as it is, 0 flattens it and raises noise to the level of partials
REACH: Final = 0.015  # of its frequency, a quarter tone's half: how far from its place a partial is looked for
TAKE_OUT: Final = 0.5  # of a partial's magnitude, once its pitch is found
SMALLEST_SHARE: Final = 0.45  # of the strongest pitch's salience
SMALLEST_LEVEL: Final = 0.06  # of the recording's typical salience: silence and noise floors have no pitch


def sounding_pitches(x_T: Floats, rate: int, moments_s: Times, voices: int = VOICES) -> NDArray[np.bool_]:
    """Which pitches, at most `voices`, are heard just after each moment: bool [N, 88], pitch 21 first."""
    spectra = _whitened(_spectra(x_T, rate, moments_s))
    bins, weights = _partial_table(spectra.shape[1], rate)
    found = np.zeros((len(spectra), PITCHES), bool)
    strength = np.zeros((len(spectra), PITCHES))
    rows = np.arange(len(spectra))
    for _ in range(voices):
        heights = spectra[:, bins].max(axis=-1)  # [N, P, partials]
        salience = (heights * weights).sum(axis=-1)
        salience[found] = 0
        best = salience.argmax(axis=1)
        strength[rows, best] = salience[rows, best]
        found[rows, best] = True
        for row, pitch in zip(rows, best, strict=True):
            spectra[row, bins[pitch].ravel()] *= 1 - TAKE_OUT
    first = strength.max(axis=1, keepdims=True)
    loud = np.percentile(first, 75) if len(first) else 0.0
    found &= (strength >= SMALLEST_SHARE * first) & (strength >= SMALLEST_LEVEL * loud) & (strength > 0)
    return found


def _spectra(x_T: Floats, rate: int, moments_s: Times) -> Floats:
    size = 2 ** round(np.log2(WINDOW_S * rate))
    centres = np.round((np.asarray(moments_s) + DELAY_S) * rate).astype(int)
    padded = np.pad(np.asarray(x_T, np.float32), (size, 2 * size))
    places = np.clip(centres - size // 2 + size, 0, len(padded) - size)
    frames = padded[places[:, None] + np.arange(size)] * hann(size)
    return np.abs(np.fft.rfft(frames, PADDING * size)).astype(np.float32)


def _whitened(spectra_NF: Floats) -> NDArray[Any]:
    """Compress and flatten: each bin divided by the root of the level of its third of an octave."""
    power = spectra_NF.astype(np.float64) ** 2
    total = np.concatenate([np.zeros((len(power), 1)), np.cumsum(power, axis=1)], axis=1)
    grid = np.arange(power.shape[1])
    low = np.clip((grid / 1.26).astype(int) - 8, 0, None)
    high = np.clip((grid * 1.26).astype(int) + 9, None, power.shape[1])
    level = np.sqrt((total[:, high] - total[:, low]) / (high - low))
    return (spectra_NF * (level + 1e-9) ** -(1.0 - COMPRESSION)).astype(np.float32)


@lru_cache(maxsize=4)
def _partial_table(bins: int, rate: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Bins where each partial of each pitch may lie [P, partials, width], and the partials' weights [P, partials]."""
    per_hz = 2 * (bins - 1) / rate
    width = 7
    hz = 440.0 * 2 ** ((np.arange(PITCHES) + LOWEST_PITCH - 69) / 12)
    partial = np.arange(1, PARTIALS + 1)
    centre = hz[:, None] * partial * per_hz
    reach = np.maximum(centre * REACH, 1.0)
    steps = np.linspace(-1, 1, width)
    table = np.round(centre[:, :, None] + reach[:, :, None] * steps).astype(np.int64)
    inside = table.max(axis=-1) < bins
    weights = (hz[:, None] + 27.0) / (partial * hz[:, None] + 320.0) * inside
    return np.clip(table, 0, bins - 1), weights.astype(np.float32)
