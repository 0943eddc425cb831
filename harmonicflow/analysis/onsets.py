"""When something begins in a recording, to a few milliseconds.

Spectral flux after Boeck & Widmer 2013 (SuperFlux): rise of log magnitudes in narrow bands over the largest value of
the neighbouring bands a little earlier, so that vibrato is no onset; here over the largest of the last 30 ms, so that
the ripple of a low bass is none either. Peaks of the flux are then placed where the short-time energy around them
rises fastest.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .spectra import Floats, Times, magnitudes

FLUX_SIZE_S: Final = 1024 / 44100
FLUX_HOP_S: Final = 256 / 44100
LAG: Final = 2  # hops
BEFORE: Final = 5  # hops, 29 ms: longer than a period of the lowest bass, whose ripple is no onset
BANDS_HZ: Final = (40.0, 16000.0)
BANDS_PER_OCTAVE: Final = 12
COMPRESSION: Final = 1000.0
SMALLEST_RISE: Final = 0.015  # of the flux over its surroundings, where struck sounds reach 0.2 to 1
SHARE_OF_LOUDEST: Final = 0.03
APART_S: Final = 0.03  # two onsets nearer than this are one, as they are for the ear


def onset_flux(x_T: Floats, rate: int) -> tuple[Times, Times]:
    """Times of the flux's frames in seconds, and the flux, whose largest values are near 1 for struck sounds."""
    size, hop = 2 ** round(np.log2(FLUX_SIZE_S * rate)), max(1, round(FLUX_HOP_S * rate))
    count = max(1, len(x_T) // hop)
    bands = magnitudes(x_T, 0, hop, count, size) @ _bands(size, rate)
    level = np.log10(1 + COMPRESSION * bands / (bands.max() + 1e-9))
    widest = level.copy()
    widest[:, 1:] = np.maximum(widest[:, 1:], level[:, :-1])
    widest[:, :-1] = np.maximum(widest[:, :-1], level[:, 1:])
    loudest = _running_max(widest, BEFORE - 1, 0)
    flux = np.zeros(count)
    flux[LAG:] = np.maximum(level[LAG:] - loudest[:-LAG], 0).mean(axis=1)
    return (np.arange(count) - LAG / 2) * hop / rate, flux


def onsets(x_T: Floats, rate: int) -> Times:
    """Onset times in seconds, ascending; none in silence."""
    times_s, flux = onset_flux(np.asarray(x_T, np.float32), rate)
    if len(flux) < 8 or float(np.abs(x_T).max()) < 1e-4:
        return np.zeros(0)
    step_s = float(times_s[1] - times_s[0])
    near, around = round(APART_S / step_s), round(0.1 / step_s)
    threshold = np.maximum(SMALLEST_RISE, SHARE_OF_LOUDEST * np.percentile(flux, 99))
    peak = (flux >= _running_max(flux, near, near)) & (flux > _running_mean(flux, around) + threshold)
    places = np.flatnonzero(peak)
    places = places[np.diff(places, prepend=-near) >= near]
    return np.sort(_refined(np.asarray(x_T, np.float32), rate, times_s[places]))


def _refined(x_T: Floats, rate: int, rough_s: Times) -> Times:
    """Move each onset to the steepest rise of the log energy within 20 ms (a step in 3 ms windows)."""
    hop = max(1, round(0.001 * rate))
    energy = np.add.reduceat(np.diff(x_T, prepend=x_T[:1]).astype(np.float64) ** 2, np.arange(0, len(x_T), hop))
    total = np.concatenate([[0.0], np.cumsum(energy)])
    reach, width = 20, 4
    floor = 1e-3 * energy.max() + 1e-12
    out = rough_s.copy()
    for number, rough in enumerate(rough_s):
        centre = round(rough * rate / hop)
        places = np.arange(max(width, centre - reach), min(len(energy) - width, centre + reach) + 1)
        if len(places) == 0:
            continue
        after, before = total[places + width] - total[places], total[places] - total[places - width]
        rise = np.log((after + floor) / (before + floor))
        out[number] = places[rise.argmax()] * hop / rate
    return out


@lru_cache(maxsize=8)
def _bands(size: int, rate: int) -> NDArray[Any]:
    """Triangular bands on a logarithmic axis [F, bands]; those narrower than a bin fall together."""
    octaves = np.log2(min(BANDS_HZ[1], 0.45 * rate) / BANDS_HZ[0])
    hz = BANDS_HZ[0] * 2 ** (np.arange(int(octaves * BANDS_PER_OCTAVE) + 2) / BANDS_PER_OCTAVE)
    bins = np.unique(np.round(hz * size / rate).astype(int))
    grid = np.arange(size // 2 + 1)[:, None]
    low, middle, high = bins[:-2], bins[1:-1], bins[2:]
    rising, falling = (grid - low) / (middle - low), (high - grid) / (high - middle)
    triangles = np.maximum(np.minimum(rising, falling), 0)
    return (triangles / triangles.sum(axis=0)).astype(np.float32)


def _running_max(values: Floats, before: int, after: int) -> Floats:
    """Largest value from `before` places before each row to `after` places after it."""
    padded = np.pad(values, ((before, after), *((0, 0),) * (values.ndim - 1)), mode="edge")
    out = padded[: len(values)].copy()
    for place in range(1, before + after + 1):
        np.maximum(out, padded[place : place + len(values)], out=out)
    return out


def _running_mean(values: Times, reach: int) -> Times:
    padded = np.pad(values, reach, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).mean(axis=1)
