"""Loudness over time and the levels of bands between beats, for what is heard in a recording.

Shapes: C channel, T sample, K step, D band.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from harmonicflow.analysis.pitch_profile import pooled
from harmonicflow.analysis.spectra import FRAMES_AT_ONCE, magnitudes
from harmonicflow.audio.filters import Biquads
from harmonicflow.audio.loudness import OFFSET_LUFS, SILENCE_LUFS, decibels, integrated_lufs, k_weighting
from harmonicflow.core.constants import SAMPLE_RATE

from .heard import HeardLoudness

SHORT_TERM_S: Final = 3.0  # EBU Tech 3341: short-term loudness
EVERY_S: Final = 0.5
BANDS_HZ: Final = (0, 150, 400, 1000, 2500, 6000, 20000)
SIZE, HOP = 2048, 1024
SMALLEST: Final = 1e-4  # of a band's mean magnitude: -80 dB


def loudness_of(sound_CT: np.ndarray, rate: int) -> HeardLoudness:
    """Integrated loudness, peak, and short-term loudness each half second (of what there is, at the beginning)."""
    step = round(EVERY_S * rate)
    count = max(sound_CT.shape[1] // step, 1)
    weighted = Biquads(k_weighting(rate), len(sound_CT)).process(sound_CT[:, : count * step])
    power = np.square(weighted).sum(axis=0)[: count * step]
    steps = np.array([piece.mean() if len(piece) else 0.0 for piece in np.array_split(power, count)])
    sums = np.concatenate([[0.0], np.cumsum(steps)])
    last = np.arange(1, count + 1)
    first = np.maximum(last - round(SHORT_TERM_S / EVERY_S), 0)
    means = np.maximum(sums[last] - sums[first], 0) / (last - first)
    lufs = np.maximum(OFFSET_LUFS + 10 * np.log10(means + 1e-30), SILENCE_LUFS)
    peak = decibels(float(np.abs(sound_CT).max(initial=0)))
    curve_s = tuple(round(float(place) * EVERY_S, 3) for place in last)
    return HeardLoudness(integrated_lufs(sound_CT, rate), peak, curve_s, tuple(float(value) for value in lufs))


def band_levels(mono_T: np.ndarray, edges_s: np.ndarray) -> np.ndarray:
    """Level of six bands and how much they rise, in nepers [K, 2 D], between edges in seconds, of sound at 44.1 kHz."""
    count = max(len(mono_T) // HOP, 1)
    bins = np.array(BANDS_HZ) * SIZE // SAMPLE_RATE
    rows = []
    for first in range(0, count, FRAMES_AT_ONCE):
        some = min(FRAMES_AT_ONCE, count - first)
        begin = max(0, first * HOP - SIZE)
        mag = magnitudes(mono_T[begin : (first + some) * HOP + SIZE], first * HOP + HOP // 2 - begin, HOP, some, SIZE)
        rows.append(np.stack([mag[:, a:b].mean(axis=1) for a, b in zip(bins, bins[1:], strict=False)], axis=1))
    levels = np.log(np.concatenate(rows) + SMALLEST)
    rises = np.maximum(np.diff(levels, axis=0, prepend=levels[:1]), 0)
    return pooled(np.concatenate([levels, 4 * rises], axis=1), edges_s * SAMPLE_RATE / HOP)
