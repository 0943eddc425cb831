"""The noise a generation starts from: a function of (seed, stem, latent frame, step) and nothing else.

Philox (Salmon et al. 2011) is a counter-based generator: its n-th block of bits is computed from n alone. A latent
frame owns 8 blocks of 4 x 64 bits, so frames can be drawn in any order and in any blocks of time. The raw bits are
specified by the paper, numpy's distributions are not, so normal numbers are made here (Box and Muller 1958):

    n1 + i n2 = sqrt(-2 ln u1) exp(2 pi i u2),    u1 in (0, 1), u2 in [0, 1)
"""

import zlib
from typing import Final

import numpy as np

from harmonicflow.core.constants import LATENT_CHANNELS

_BLOCK: Final = 4  # 64-bit words that one count of the generator gives
_BLOCKS: Final = LATENT_CHANNELS // _BLOCK

if LATENT_CHANNELS % (2 * _BLOCK):
    raise ImportError("a latent frame must own a whole number of blocks and of pairs")


def frame_noise(seed: int, stem: str, start: int, frames: int, step: int = 0) -> np.ndarray:
    """Normal numbers float32 [frames, 32] for the latent frames `start` on (counted from the take's first)."""
    key = np.array([seed, zlib.crc32(stem.encode()) | step << 32], np.uint64)
    counter = np.array([start * _BLOCKS, 0, 0, 0], np.uint64)
    words = np.random.Philox(key=key, counter=counter).random_raw(frames * LATENT_CHANNELS)
    unit = (words >> np.uint64(11)).astype(np.float64).reshape(frames, 2, LATENT_CHANNELS // 2) * 2.0**-53
    radius = np.sqrt(-2.0 * np.log(unit[:, 0] + 2.0**-54))
    angle = 2.0 * np.pi * unit[:, 1]
    return np.concatenate((radius * np.cos(angle), radius * np.sin(angle)), axis=1).astype(np.float32)


def cell_draws(seed: int, part: str, cell: int, count: int) -> np.ndarray:
    """`count` numbers float32 in [0, 1) for one cell of the composer: a part's beat, counted from the take's first."""
    blocks = -(-count // _BLOCK)
    key = np.array([seed, zlib.crc32(f"notes of {part}".encode())], np.uint64)
    counter = np.array([cell * blocks, 0, 0, 0], np.uint64)
    words = np.random.Philox(key=key, counter=counter).random_raw(blocks * _BLOCK)[:count]
    # 24 bits are what a float32 below 1 holds.
    return ((words >> np.uint64(40)).astype(np.float64) * 2.0**-24).astype(np.float32)
