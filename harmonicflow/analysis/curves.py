"""The curves of the guide: what the user's clip sounds like at each latent frame."""

from __future__ import annotations

import numpy as np

from harmonicflow.core.constants import HOP, SAMPLE_RATE

from .spectra import Floats, chroma, magnitudes

CURVES = 16
"""Onset strength in three bands, twelve pitch classes, loudness."""

ONSET_BANDS_HZ = ((30.0, 200.0), (200.0, 2000.0), (2000.0, 16000.0))
FLUX_HOP, FLUX_SIZE = HOP // 4, HOP // 2
CHROMA_SIZE = 4 * HOP


def clip_curves(mono_T: Floats, frames: int) -> Floats:
    """Curves [frames, 16] of a mono clip at 44.1 kHz, whose sample 0 is the first of latent frame 0.

    Columns: onset strength below 200 Hz, to 2 kHz, above; chroma C..B; loudness; all 0..1. The arithmetic is fixed and
    local (no measurement of the whole clip enters), so that a clip streamed in pieces gives the same curves. Frames
    beyond the clip's end are zero.
    """
    mono_T = np.asarray(mono_T, np.float32)[: frames * HOP]
    inside = -(-len(mono_T) // HOP)
    out = np.zeros((frames, CURVES), np.float32)
    if inside == 0:
        return out
    padded = np.pad(mono_T, (0, inside * HOP - len(mono_T)))
    power = np.mean(padded.reshape(inside, HOP) ** 2, axis=1)
    dbfs = 10 * np.log10(power + 1e-12)
    mag = magnitudes(padded, HOP // 2, HOP, inside, CHROMA_SIZE)
    pitch_classes = chroma(mag, SAMPLE_RATE)
    gate = np.clip((dbfs + 60) / 20, 0, 1)
    out[:inside, 0:3] = onset_strength(padded, inside)
    out[:inside, 3:15] = pitch_classes / (pitch_classes.max(axis=1, keepdims=True) + 1e-9) * gate[:, None]
    out[:inside, 15] = np.clip((dbfs + 60) / 60, 0, 1)
    return out


def onset_strength(x_T: Floats, frames: int) -> Floats:
    """Rise of the log spectrum in three bands [frames, 3], 0..1: the largest of four rises inside a latent frame."""
    mag = magnitudes(x_T, FLUX_HOP // 2 - FLUX_HOP, FLUX_HOP, 4 * frames + 1, FLUX_SIZE)
    level = np.log1p(300.0 * mag)
    rise = np.maximum(np.diff(level, axis=0), 0.0)
    bands = []
    for low, high in ONSET_BANDS_HZ:
        bins = slice(int(low * FLUX_SIZE / SAMPLE_RATE), int(high * FLUX_SIZE / SAMPLE_RATE) + 1)
        bands.append(rise[:, bins].mean(axis=1))
    strongest = np.stack(bands, axis=1).reshape(frames, 4, 3).max(axis=1)
    return (1.0 - np.exp(-2.0 * strongest)).astype(np.float32)
