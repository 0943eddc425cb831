"""Short-time spectra and chroma, the ground under the curves, the harmony and the probes.

Shapes: T sample, N analysis frame, F frequency bin. Frames are named by the sample at their centre, so that a
frame's time needs no correction; the signal is taken as zero outside itself.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
"""Sound, spectra, curves: float32 unless said otherwise."""
Times = NDArray[Any]
"""Seconds or beats: float64."""

CHROMA_LOW_HZ, CHROMA_HIGH_HZ = 60.0, 2100.0
"""Below it bins are wider than a semitone, above it are mostly upper partials."""

FRAMES_AT_ONCE = 1024
"""Long recordings are analysed in pieces of this many frames, so that memory stays flat."""


@lru_cache(maxsize=16)
def hann(size: int) -> Floats:
    """Periodic Hann window of unit mean, so that a sine of amplitude a shows a peak of a/2."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    window = (window / window.sum()).astype(np.float32)
    window.flags.writeable = False
    return window


def magnitudes(x_T: Floats, first: int, hop: int, count: int, size: int) -> Floats:
    """Magnitude spectra [count, size // 2 + 1] of frames centred at samples first, first + hop, ...

    A sine of amplitude a in the middle of a bin shows a/2.
    """
    before = max(0, size // 2 - first)
    after = max(0, first + hop * (count - 1) + size // 2 - len(x_T))
    padded = np.pad(np.asarray(x_T, np.float32), (before, after))
    start = first - size // 2 + before
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[start::hop][:count]
    out = np.empty((count, size // 2 + 1), np.float32)
    for at in range(0, count, FRAMES_AT_ONCE):
        piece = frames[at : at + FRAMES_AT_ONCE] * hann(size)
        out[at : at + len(piece)] = np.abs(np.fft.rfft(piece))
    return out


def hz_to_pitch(hz: NDArray[np.floating]) -> NDArray[np.floating]:
    """MIDI pitch (fractional; 69 = A4 = 440 Hz)."""
    return 69.0 + 12.0 * np.log2(hz / 440.0)


def spectral_peaks(
    mag_NF: Floats, rate: float, low_hz: float, high_hz: float
) -> tuple[NDArray[np.intp], Times, Floats]:
    """Local maxima of every spectrum between two frequencies.

    Gives three equal-length arrays: frame index, frequency in Hz (parabola through the log magnitudes, so that it is
    finer than a bin) and magnitude.
    """
    size = 2 * (mag_NF.shape[1] - 1)
    low = max(2, int(low_hz * size / rate))
    high = min(mag_NF.shape[1] - 2, int(high_hz * size / rate) + 1)
    middle = mag_NF[:, low:high]
    left, right = mag_NF[:, low - 1 : high - 1], mag_NF[:, low + 1 : high + 1]
    frame, place = np.nonzero((middle > left) & (middle >= right) & (middle > 1e-6))
    a, b, c = (np.log(part[frame, place] + 1e-9) for part in (left, middle, right))
    offset = 0.5 * (a - c) / np.minimum(a - 2 * b + c, -1e-6)
    hz = (low + place + np.clip(offset, -0.5, 0.5)) * rate / size
    return frame, hz.astype(np.float64), middle[frame, place]


def chroma(
    mag_NF: Floats, rate: float, low_hz: float = CHROMA_LOW_HZ, high_hz: float = CHROMA_HIGH_HZ, tuning: float = 0.0
) -> Floats:
    """Energy of the twelve pitch classes [N, 12] (0 = C) from the spectra's peaks; not normalised.

    A peak counts by the square root of its magnitude (a quiet chord tone is still a chord tone) and by how near it
    lies to its semitone (cos^2: quarter tones count for nothing). `tuning` is that of the recording, in semitones
    above A = 440 Hz.
    """
    frame, hz, magnitude = spectral_peaks(mag_NF, rate, low_hz, high_hz)
    pitch = hz_to_pitch(hz) - tuning
    nearest = np.round(pitch)
    weight = peak_loudness(mag_NF, frame, magnitude) * np.cos(np.pi * (pitch - nearest)) ** 2
    index = frame * 12 + nearest.astype(np.int64) % 12
    return np.bincount(index, weight, len(mag_NF) * 12).reshape(-1, 12).astype(np.float32)


def estimate_tuning(mag_NF: Floats, rate: float) -> float:
    """How far a recording lies from A = 440 Hz, in semitones, -0.5..0.5: the mean angle of its peaks' cents."""
    frame, hz, magnitude = spectral_peaks(mag_NF, rate, 150.0, CHROMA_HIGH_HZ)
    if len(hz) == 0:
        return 0.0
    angle = 2 * np.pi * hz_to_pitch(hz)
    return float(np.angle(np.sum(peak_loudness(mag_NF, frame, magnitude) * np.exp(1j * angle))) / (2 * np.pi))


def peak_loudness(mag_NF: Floats, frame: NDArray[np.intp], magnitude: Floats) -> Floats:
    """What a peak counts for; one 40 dB under its frame's largest is leakage or noise."""
    largest = mag_NF.max(axis=1)[frame]
    return np.where(magnitude > 0.01 * largest, np.sqrt(magnitude), 0.0)
