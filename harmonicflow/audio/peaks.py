"""Peak overviews: the lowest and highest sample of every few hundred, from which waveforms are drawn.

The bytes are the data file of BBC audiowaveform, version 2, 16 bits, which players and web pages read:
six 32-bit numbers (version, flags, rate, samples per pixel, pixels, channels), then for every pixel and
channel the lowest and the highest sample as a 16-bit number.

Shapes: C channel, T sample, X pixel.
"""

import struct
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

SAMPLES_PER_PIXEL: Final = 256
VERSION: Final = 2
FULL_SCALE: Final = 32767


def peaks(x: ArrayLike, samples_per_pixel: int = SAMPLES_PER_PIXEL) -> NDArray[np.float32]:
    """The lowest and highest sample [C, X, 2] of every pixel of `x` [C, T] or [T]; the last pixel may be shorter."""
    sound = np.atleast_2d(np.asarray(x, np.float32))
    starts = np.arange(0, sound.shape[1], samples_per_pixel)
    if not len(starts):
        return np.zeros((len(sound), 0, 2), np.float32)
    lowest, highest = np.minimum.reduceat(sound, starts, axis=1), np.maximum.reduceat(sound, starts, axis=1)
    return np.stack([lowest, highest], axis=2)


def peaks_bytes(x: ArrayLike, rate: int, samples_per_pixel: int = SAMPLES_PER_PIXEL) -> bytes:
    """The overview of `x` [C, T] or [T] as an audiowaveform data file."""
    pairs = peaks(x, samples_per_pixel)
    channels, pixels, _ = pairs.shape
    head = struct.pack("<iIiiIi", VERSION, 0, rate, samples_per_pixel, pixels, channels)
    whole = np.rint(np.clip(pairs, -1.0, 1.0) * FULL_SCALE).astype("<i2")
    return head + whole.transpose(1, 0, 2).tobytes()
