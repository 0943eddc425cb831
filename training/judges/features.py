"""What the judges hear of a stem: two coarse pictures that a CPU makes some 500 times faster than the sound plays.

  mel    48 bands from 40 Hz to 16 kHz, 43 frames a second: colour and time
  pitch  60 semitones from E1 (41 Hz) on, 21.5 frames a second from long windows: harmony

Both are levels in steps of 0.4 dB over a floor of -100 dB, in one byte, so that the pictures of 30 hours of stems take
300 MB. Frame n is centred at sample n * hop; a latent frame is two mel frames and one pitch frame long.

Shapes: T sample at 44.1 kHz, N mel frame, L pitch frame (a latent frame), M mel band, P semitone.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harmonicflow.audio.resample import resample
from harmonicflow.core.constants import HOP, SAMPLE_RATE

Bytes = NDArray[np.uint8]
Sound = NDArray[np.float32]

VERSION: Final = 1  # of these pictures: another number means that kept ones are made again
MELS: Final = 48
MEL_HOP, MEL_SIZE = HOP // 2, 2048  # samples
MEL_LOW_HZ, MEL_HIGH_HZ = 40.0, 16_000.0
PITCHES: Final = 60
LOWEST: Final = 28  # MIDI pitch of the first semitone
PITCH_RATE, PITCH_SIZE = 11_025, 4096  # Hz, samples: bins of 2.7 Hz, a semitone of the lowest pitch is 2.4
PITCH_HOP: Final = HOP * PITCH_RATE // SAMPLE_RATE
FLOOR_DB, STEP_DB = -100.0, 0.4  # up to +2 dB


@dataclass(frozen=True)
class Picture:
    """The two pictures of one sound: `mel` uint8 [N, M], `pitch` uint8 [L, P]."""

    mel: Bytes
    pitch: Bytes

    @property
    def frames(self) -> int:
        """L: pitch frames, each as long as a latent frame."""
        return min(len(self.pitch), len(self.mel) // 2)

    def cut(self, start: int, length: int) -> "Picture":
        """`length` pitch frames from `start` on; the floor where the sound has no more."""
        return Picture(_cut(self.mel, 2 * start, 2 * length), _cut(self.pitch, start, length))


def _cut(rows: Bytes, start: int, length: int) -> Bytes:
    piece = rows[start : start + length]
    return np.pad(piece, ((0, length - len(piece)), (0, 0)))


def picture(sound_T: Sound) -> Picture:
    """The pictures of a sound at 44.1 kHz; silence is all floor."""
    frames = max(1, len(sound_T) // HOP)
    mel = _levels(sound_T, MEL_SIZE, MEL_HOP, 2 * frames, _mel_bands())
    low = resample(np.asarray(sound_T, np.float64), SAMPLE_RATE, PITCH_RATE)
    return Picture(mel, _levels(low, PITCH_SIZE, PITCH_HOP, frames, _pitch_bands()))


def decibels(rows: Bytes) -> NDArray[np.float32]:
    """Levels in dB of stored bytes."""
    return rows.astype(np.float32) * np.float32(STEP_DB) + np.float32(FLOOR_DB)


def _levels(sound_T: NDArray[np.floating], size: int, hop: int, frames: int, bands: Tensor) -> Bytes:
    """uint8 [frames, bands]: mean power in each band of frames centred at 0, hop, 2 hop, ..."""
    needed = hop * (frames - 1) + size // 2
    body = np.asarray(sound_T[:needed], np.float32)
    padded = torch.from_numpy(np.pad(body, (size // 2, max(0, needed - len(body)))))
    window = torch.hann_window(size)
    out = []
    for block in torch.split(padded.unfold(0, size, hop), 1024):
        spectrum = torch.fft.rfft(block * (window / window.sum()))
        out.append((spectrum.real.square() + spectrum.imag.square()) @ bands)
    level = 10 * torch.log10(torch.cat(out) + 1e-10)
    return ((level - FLOOR_DB) / STEP_DB).round().clamp(0, 255).to(torch.uint8).numpy()


def _triangles(edges_hz: NDArray[np.float64], size: int, rate: float) -> Tensor:
    """[bins, bands]: triangles from each edge over the next to the one after; at least the bin that is nearest."""
    bins = np.arange(size // 2 + 1) * rate / size
    low, middle, high = edges_hz[:-2, None], edges_hz[1:-1, None], edges_hz[2:, None]
    up, down = (bins - low) / (middle - low), (high - bins) / (high - middle)
    bands = np.maximum(0.0, np.minimum(up, down))
    bands[np.arange(len(bands)), np.abs(bins - middle).argmin(axis=1)] += 1e-3
    return torch.from_numpy(bands.T.astype(np.float32))


@cache
def _mel_bands() -> Tensor:
    low, high = (2595 * np.log10(1 + hz / 700) for hz in (MEL_LOW_HZ, MEL_HIGH_HZ))
    return _triangles(700 * (10 ** (np.linspace(low, high, MELS + 2) / 2595) - 1), MEL_SIZE, SAMPLE_RATE)


@cache
def _pitch_bands() -> Tensor:
    pitches = np.arange(LOWEST - 1, LOWEST + PITCHES + 1)
    return _triangles(440 * 2 ** ((pitches - 69) / 12), PITCH_SIZE, PITCH_RATE)
