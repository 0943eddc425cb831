"""Beats and bars without a network: how steeply the spectrum rises, in the place of the analyst's activations.

Spectral flux in narrow bands (Boeck & Widmer 2013), brought to one level over the recording; a bar is taken to begin
where the bass enters or the harmony changes (Goto 2001).

Shapes: T sample, N analysis frame, M row of harmony bands.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from .beats import SILENCE, Beats, hear_beats
from .listening import ANALYST_RATE, HELD, TIME_BANDS, spectra
from .spectra import Floats, Times

LEVEL_S: Final = 2.0  # over which the flux is brought to one level
STEEP: Final = 6.0  # log odds from no rise to the steepest
LIKELY: Final = (0.75, 0.95)  # share of the steepest from which on a beat, a downbeat are likelier than not


def flux_logits(mono_T: Floats) -> Floats:
    """Logits [N, 2] as the analyst's, at ANALYST_RATE, of a mono recording at 44.1 kHz: rises of the spectrum.

    The beat column is the spectral flux, the downbeat column what the bass and a change of harmony add to it.
    """
    time_NF, harmony_MF = spectra(mono_T)
    rise = _rises(time_NF).mean(axis=1)
    low = _rises(time_NF[:, : TIME_BANDS // 5]).mean(axis=1)
    change = np.repeat(_harmony_change(harmony_MF), HELD)
    level = _levelled(rise)
    first = _levelled(low) * 0.5 + _levelled(change) * 0.5
    out = np.stack([level, np.sqrt(np.maximum(level * first, 0))], axis=1)
    return (STEEP * (out - np.array(LIKELY))).astype(np.float32)


def hear_beats_without(mono_T: Floats, onsets_s: Times | None = None) -> Beats:
    """`hear_beats` of a mono recording at 44.1 kHz where the bundle has no analyst."""
    if len(mono_T) == 0 or float(np.abs(mono_T).max()) < 1e-4:
        return SILENCE
    return hear_beats(flux_logits(mono_T), ANALYST_RATE, onsets_s)


def _rises(loud_NF: Floats) -> Floats:
    """How much each band rises over two frames."""
    return np.maximum(loud_NF - np.concatenate([loud_NF[:1], loud_NF[:1], loud_NF[:-2]]), 0)


def _harmony_change(loud_MF: Floats) -> Floats:
    """How much the harmony of the next half second differs from that of the last [M], where it begins to."""
    width = round(ANALYST_RATE / HELD / 2)
    total = np.concatenate([np.zeros((1, loud_MF.shape[1])), np.cumsum(loud_MF, axis=0)])
    place = np.arange(len(loud_MF))
    before = total[place] - total[np.maximum(place - width, 0)]
    after = total[np.minimum(place + width, len(loud_MF))] - total[place]
    return np.maximum(after - before, 0).mean(axis=1)


def _levelled(curve_N: Floats) -> Times:
    """A curve over the mean of its local peaks, 0 to about 1."""
    width = max(1, round(LEVEL_S * ANALYST_RATE))
    blocks = np.pad(curve_N, (0, -len(curve_N) % width)).reshape(-1, width).max(axis=1)
    peaks = np.convolve(np.pad(blocks, 1, mode="edge"), np.full(3, 1 / 3), "valid")
    around = np.interp(np.arange(len(curve_N)), (np.arange(len(blocks)) + 0.5) * width, peaks)
    return np.minimum(curve_N / (0.7 * around + 0.1 * curve_N.max() + 1e-9), 1.2)
