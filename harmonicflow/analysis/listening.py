"""What the analyst hears: log spectra for time and for harmony, and the layout of its inputs and outputs.

Time needs short windows and coarse bands (Boeck & Davies 2020), harmony long windows and bands finer than a semitone,
so that a detuned recording shows as a shift (36 bands an octave, McFee & Bello 2017). Both stand side by side in one
array at the time bands' rate; the harmony bands are reckoned at every fourth frame and held. The arithmetic is fixed
and local (no measurement of the whole recording enters), so that pieces of a recording give the same rows.

Shapes: T sample, N analysis frame, F frequency bin.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from harmonicflow.core.constants import SAMPLE_RATE

from .spectra import Floats, magnitudes

ANALYST_HOP: Final = 512  # samples between frames
ANALYST_RATE: Final = SAMPLE_RATE / ANALYST_HOP  # 86.13 frames a second

TIME_SIZE: Final = 2048  # samples of a window for time
TIME_BANDS: Final = 64
TIME_BANDS_HZ: Final = (30.0, 16000.0)

HARMONY_SIZE: Final = 8192  # samples of a window for harmony
DEEP_SIZE: Final = 16384  # of a window for what lies below DEEP_PITCH, where semitones are narrow
DEEP_PITCH: Final = 52  # MIDI
LOWEST_PITCH: Final = 28  # MIDI, E1: the bass guitar's lowest string
OCTAVES: Final = 6
BANDS_PER_SEMITONE: Final = 3  # the middle one of each three is in tune at A = 440 Hz
HARMONY_BANDS: Final = 12 * OCTAVES * BANDS_PER_SEMITONE
HELD: Final = 4  # frames for which a row of harmony bands is held
THINNED, DEEP_THINNED = 4, 32  # only every so many-th sample is transformed for harmony: its bands end at 2.7 kHz
SINC_ZEROS: Final = 8  # zero crossings a side of the filter before that

SPECTRUM_BANDS: Final = TIME_BANDS + HARMONY_BANDS
TIME_COLUMNS: Final = slice(0, TIME_BANDS)
HARMONY_COLUMNS: Final = slice(TIME_BANDS, SPECTRUM_BANDS)

# ------------------------------------------------------------------------------------ what the network answers

TIME_OUT: Final = 2  # logits per frame
BEAT, DOWNBEAT = 0, 1  # columns of the time output

CHORD_FRAMES: Final = 8  # frames to a row of the harmony output; the frames of a call are a multiple of it
CHORD_RATE: Final = ANALYST_RATE / CHORD_FRAMES  # 10.77 rows a second; row i is about frames 8 i to 8 i + 8
NO_ROOT: Final = 12  # column of root and bass for "no chord"
ROOT: Final = slice(0, 13)  # logits of one class: pitch class of the root, or none
BASS: Final = slice(13, 26)  # the same of the lowest tone
PITCH_CLASSES: Final = slice(26, 38)  # twelve logits: is it in the chord?
KEY: Final = slice(38, 62)  # logits of one class: 12 major keys from C, 12 minor keys from C minor
HARMONY_OUT: Final = 62

# ------------------------------------------------------------------------------------------------- features

LOUDNESS: Final = 1000.0  # of log(1 + LOUDNESS m): bends at a magnitude of -60 dB
SCALE: Final = 0.4  # brings common values to 0..2


def frames_of(samples: int) -> int:
    """Frames of a recording: enough to hold it, and a multiple of CHORD_FRAMES."""
    return max(1, -(-samples // (ANALYST_HOP * CHORD_FRAMES))) * CHORD_FRAMES


def spectrum(mono_T: Floats) -> Floats:
    """What the analyst hears of a mono recording at 44.1 kHz: [frames_of(T), SPECTRUM_BANDS], 0 in silence.

    Row i is centred at sample i * ANALYST_HOP; its harmony bands at the middle of the four rows that share them.
    """
    time_NF, harmony_MF = spectra(mono_T)
    return np.concatenate([time_NF, np.repeat(harmony_MF, HELD, axis=0)], axis=1)


def spectra(mono_T: Floats) -> tuple[Floats, Floats]:
    """Time bands [N, TIME_BANDS] and harmony bands [N / HELD, HARMONY_BANDS], before they are put side by side."""
    mono_T = np.asarray(mono_T, np.float32)
    frames = frames_of(len(mono_T))
    time = magnitudes(mono_T, 0, ANALYST_HOP, frames, TIME_SIZE) @ _time_bank()
    thin = decimated(mono_T, THINNED)
    harmony = [
        _harmony_bands(decimated(thin, DEEP_THINNED // THINNED), DEEP_THINNED, DEEP_SIZE, frames // HELD, deep=True),
        _harmony_bands(thin, THINNED, HARMONY_SIZE, frames // HELD, deep=False),
    ]
    return _loud(time), _loud(np.concatenate(harmony, axis=1))


def decimated(x_T: Floats, factor: int) -> Floats:
    """Every `factor`-th sample [T // factor + 1] behind a low-pass filter without delay: sample i stays at i * factor.

    A windowed sinc with its edge at 0.8 of the new Nyquist frequency; what the harmony bands use lies below 0.5 of it.
    """
    reach = SINC_ZEROS * factor
    taps = np.arange(-reach, reach + 1) / factor
    kernel = (np.sinc(0.8 * taps) * np.hanning(len(taps) + 2)[1:-1]).astype(np.float32)
    padded = np.pad(x_T, (reach, reach + factor))
    return np.lib.stride_tricks.sliding_window_view(padded, len(kernel))[:: factor] @ (kernel / kernel.sum())


def _harmony_bands(x_T: Floats, thinned: int, size: int, rows: int, deep: bool) -> Floats:
    """Bands [rows, half of HARMONY_BANDS or so] of a recording thinned out, through windows of `size` samples once."""
    bank = _harmony_bank(deep)
    middle, step = ANALYST_HOP * HELD // 2, ANALYST_HOP * HELD
    return magnitudes(x_T, middle // thinned, step // thinned, rows, size // thinned)[:, : len(bank)] @ bank


def _loud(magnitude: Floats) -> Floats:
    return (SCALE * np.log1p(LOUDNESS * magnitude)).astype(np.float32)


def bands_hz() -> Floats:
    """The middle of each of the SPECTRUM_BANDS."""
    low, high = TIME_BANDS_HZ
    time = low * (high / low) ** (np.arange(TIME_BANDS) / (TIME_BANDS - 1))
    pitch = LOWEST_PITCH + (np.arange(HARMONY_BANDS) - (BANDS_PER_SEMITONE - 1) / 2) / BANDS_PER_SEMITONE
    return np.concatenate([time, 440.0 * 2 ** ((pitch - 69) / 12)])


@lru_cache(maxsize=1)
def _time_bank() -> Floats:
    """Triangles on a logarithmic axis [F, TIME_BANDS]; the lowest are as wide as a bin of the transform."""
    hz = bands_hz()[TIME_COLUMNS]
    return _triangles(hz, hz[1] / hz[0], TIME_SIZE)


@lru_cache(maxsize=2)
def _harmony_bank(deep: bool) -> Floats:
    """Triangles of a third of a semitone below DEEP_PITCH (for DEEP_SIZE) or from it on; unused bins are cut off."""
    hz, ratio = bands_hz()[HARMONY_COLUMNS], 2 ** (1 / (12 * BANDS_PER_SEMITONE))
    split = (DEEP_PITCH - LOWEST_PITCH) * BANDS_PER_SEMITONE
    bank = _triangles(hz[:split], ratio, DEEP_SIZE) if deep else _triangles(hz[split:], ratio, HARMONY_SIZE)
    return bank[: np.flatnonzero(bank.any(axis=1))[-1] + 1]


def _triangles(centres_hz: Floats, ratio: float, size: int) -> Floats:
    """Columns of unit sum around each centre, that reach to the next centre and at least one bin far."""
    centre = centres_hz * size / SAMPLE_RATE
    reach = np.maximum(centre * (ratio - 1), 1.0)
    weights = np.maximum(1 - np.abs(np.arange(size // 2 + 1)[:, None] - centre) / reach, 0)
    return (weights / weights.sum(axis=0)).astype(np.float32)
