"""Sound to latents and back, in pieces that join exactly: each is computed with the codec's context on both sides.

Pieces lie on a fixed grid and rows are computed one at a time, so that a stream gives the bits of the whole however it
is cut, and memory depends on the piece alone. (Four rows at once took 10 to 25 % more time: one row fits the cache.)

Legend: B batch, L latent frames, C channels, T samples at 44.1 kHz.
"""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from harmonicflow.core.constants import HOP, LATENT_CHANNELS

from .runtime import Runtime

CHUNK: Final = 256  # latent frames (12 s) at once: bounds the memory

ReadLatents = Callable[[int, int], np.ndarray]  # the frames `low` up to `high` as [B, L, C]


def encode(runtime: Runtime, audio_BT: np.ndarray) -> np.ndarray:
    """Latents float32 [B, L, C] of audio [B, T]; the last frame is filled up with silence."""
    stream = EncodeStream(runtime, len(audio_BT))
    return np.concatenate((stream.process(audio_BT), stream.finish()), axis=1)


def decode(runtime: Runtime, latents_BLC: np.ndarray, start: int = 0, end: int | None = None) -> np.ndarray:
    """Audio float32 [B, (end - start) * 2048] of the frames `start` up to `end`, with the others as context."""
    latents_BLC = np.asarray(latents_BLC, np.float32)
    length = latents_BLC.shape[1]
    out = np.empty((len(latents_BLC), ((length if end is None else end) - start) * HOP), np.float32)
    done = 0
    for piece_BT in decode_pieces(runtime, lambda low, high: latents_BLC[:, low:high], length, start, end):
        out[:, done : done + piece_BT.shape[1]] = piece_BT
        done += piece_BT.shape[1]
    return out


def decode_pieces(
    runtime: Runtime, read: ReadLatents, length: int, start: int = 0, end: int | None = None
) -> Iterator[np.ndarray]:
    """The audio of `decode`, piece by piece [B, T], of `length` frames that are read as they are needed."""
    context = runtime.bundle.card.codec.context
    last = length if end is None else end
    for first in range(start, last, CHUNK):
        stop = min(first + CHUNK, last)
        low, high = max(0, first - context), min(length, stop + context)
        rows = [runtime.run("decoder", latents=row_LC[None]) for row_LC in read(low, high)]
        yield np.concatenate(rows)[:, (first - low) * HOP : (stop - low) * HOP]


class EncodeStream:
    """Encodes sound that comes in pieces of any size. Frames wait until the sound of their context is there."""

    def __init__(self, runtime: Runtime, rows: int) -> None:
        self._runtime = runtime
        self._context = runtime.bundle.card.codec.encoder_reach
        self._held_BT = np.zeros((rows, 0), np.float32)  # the samples from frame `_low` on
        self._low = 0
        self.done = 0  # latent frames given so far

    def process(self, audio_BT: np.ndarray) -> np.ndarray:
        """The latents [B, L, C] that are certain once the next samples [B, T] are there."""
        self._held_BT = np.concatenate((self._held_BT, np.asarray(audio_BT, np.float32)), axis=1)
        whole = self._low + self._held_BT.shape[1] // HOP
        return self._give(whole, (whole - self._context) // CHUNK * CHUNK)

    def finish(self, multiple: int = 1) -> np.ndarray:
        """The rest. Silence fills up the last frame, and more until their number is a multiple of `multiple`."""
        length = self._low - (-self._held_BT.shape[1] // HOP)
        length = -(-length // multiple) * multiple
        missing = (length - self._low) * HOP - self._held_BT.shape[1]
        self._held_BT = np.pad(self._held_BT, ((0, 0), (0, missing)))
        return self._give(length, length)

    def _give(self, length: int, end: int) -> np.ndarray:
        """The latents up to frame `end` of `length` whose sound is held; what is needed no longer is dropped."""
        parts = [np.empty((len(self._held_BT), 0, LATENT_CHANNELS), np.float32)]
        for first in range(self.done, end, CHUNK):
            stop = min(first + CHUNK, end)
            low, high = max(0, first - self._context), min(length, stop + self._context)
            sound_BT = self._held_BT[:, (low - self._low) * HOP : (high - self._low) * HOP]
            rows = [self._runtime.run("encoder", audio=row_T[None]) for row_T in sound_BT]
            parts.append(np.concatenate(rows)[:, first - low : stop - low])
        self.done = max(self.done, end)
        low = max(0, self.done - self._context)
        self._held_BT, self._low = self._held_BT[:, (low - self._low) * HOP :].copy(), low
        return np.concatenate(parts, axis=1)


class DecodeStream:
    """Decodes a growing canvas. Frames whose context is not there yet are held back, so nothing is ever taken back."""

    def __init__(self, runtime: Runtime, rows: list[int]) -> None:
        self._runtime = runtime
        self._rows = rows  # of the canvas
        self.done = 0  # latent frames given so far

    def process(self, latents_RLC: np.ndarray, ready: int) -> np.ndarray:
        """Audio [rows, T] that is certain once frames up to `ready` are generated (all L of them: the rest)."""
        length = latents_RLC.shape[1]
        end = length if ready >= length else max(ready - self._runtime.bundle.card.codec.context, self.done)
        audio = decode(self._runtime, latents_RLC[self._rows, :ready], self.done, end)
        self.done = end
        return audio
