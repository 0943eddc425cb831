"""Sound to latents and back, in pieces that join exactly: each is computed with the codec's context on both sides.

Legend: B batch, L latent frames, C channels, T samples at 44.1 kHz.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from harmonicflow.core.constants import HOP, LATENT_CHANNELS

from .runtime import Runtime

CHUNK: Final = 256  # latent frames (12 s) at once: bounds the memory


def encode(runtime: Runtime, audio_BT: np.ndarray) -> np.ndarray:
    """Latents float32 [B, L, C] of audio [B, T]; the last frame is filled up with silence."""
    length = -(-audio_BT.shape[1] // HOP)
    audio_BT = np.pad(np.asarray(audio_BT, np.float32), ((0, 0), (0, length * HOP - audio_BT.shape[1])))
    context = runtime.bundle.card.codec.encoder_reach
    out = np.empty((len(audio_BT), length, LATENT_CHANNELS), np.float32)
    for row, start, end, low, high in _pieces(len(audio_BT), 0, length, length, context):
        latents = runtime.run("encoder", audio=audio_BT[row : row + 1, low * HOP : high * HOP])
        out[row, start:end] = latents[0, start - low : end - low]
    return out


def decode(runtime: Runtime, latents_BLC: np.ndarray, start: int = 0, end: int | None = None) -> np.ndarray:
    """Audio float32 [B, (end - start) * 2048] of the frames `start` up to `end`, with the others as context."""
    latents_BLC = np.asarray(latents_BLC, np.float32)
    length = latents_BLC.shape[1]
    last = length if end is None else end
    context = runtime.bundle.card.codec.context
    out = np.empty((len(latents_BLC), (last - start) * HOP), np.float32)
    for row, first, stop, low, high in _pieces(len(latents_BLC), start, last, length, context):
        audio = runtime.run("decoder", latents=latents_BLC[row : row + 1, low:high])
        out[row, (first - start) * HOP : (stop - start) * HOP] = audio[0, (first - low) * HOP : (stop - low) * HOP]
    return out


def _pieces(rows: int, start: int, end: int, length: int, context: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Row, the frames of a piece, and the frames it is computed from. One row at a time: spectra are large."""
    for row in range(rows):
        for first in range(start, end, CHUNK):
            stop = min(first + CHUNK, end)
            yield row, first, stop, max(0, first - context), min(length, stop + context)


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
