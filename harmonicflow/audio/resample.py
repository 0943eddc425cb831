"""Sample-rate conversion, whole or in pieces, with the delay compensated and the length exact.

libsoxr does the work. Its stream gives the same bits however the input is cut, so a resampled stream
equals the resampled whole sample for sample. Sound is taken as zero outside what was given.

Shapes: C channel, T sample.
"""

from typing import Final

import numpy as np
import soxr
from numpy.typing import ArrayLike, NDArray

from harmonicflow.core.constants import MAX_RATE, MIN_RATE
from harmonicflow.core.errors import HarmonicFlowError

Audio = NDArray[np.float32]

QUALITY: Final = "VHQ"  # 28 bits: costs 7 ms for 12 s of mono, 5 ms would be saved by the next lower one
TAIL_S: Final = 0.1  # zeros fed after the end, again and again until the filter has given everything


def resampled_frames(frames: int, from_rate: int, to_rate: int) -> int:
    """How many frames a sound has at another rate, rounded half up."""
    return (2 * frames * to_rate + from_rate) // (2 * from_rate)


def resample(x: ArrayLike, from_rate: int, to_rate: int, frames: int | None = None) -> Audio:
    """Convert `x` [T] or [C, T] to another rate.

    `frames`: the exact length of the result (zeros are appended or the end is cut off), by default
    `resampled_frames(T)`. Raises `bad_rate`.
    """
    sound = np.atleast_2d(np.asarray(x, np.float32))
    stream = StreamResampler(from_rate, to_rate, len(sound))
    parts = [stream.process(sound), stream.finish(frames)]
    out: Audio = np.concatenate(parts, axis=1)[:, :frames]
    return out if np.ndim(x) == 2 else out[0]


class StreamResampler:
    """Convert a stream: `process` each piece [C, T] as it comes, then `finish` once.

    What comes back is aligned (its first frame is the time of the first frame given) but lags behind:
    a piece may give nothing and the rest comes with `finish`. At equal rates nothing lags.
    """

    def __init__(self, from_rate: int, to_rate: int, channels: int = 1) -> None:
        for what, rate in (("the sound given", from_rate), ("the sound asked for", to_rate)):
            if not MIN_RATE <= rate <= MAX_RATE:
                raise HarmonicFlowError("bad_rate", what=what, rate=rate, minimum=MIN_RATE, maximum=MAX_RATE)
        self._from, self._to, self._channels = from_rate, to_rate, channels
        self._taken = 0
        self._given = 0
        self._soxr = (
            None
            if from_rate == to_rate
            else soxr.ResampleStream(from_rate, to_rate, channels, dtype="float32", quality=QUALITY)
        )

    def process(self, x: ArrayLike) -> Audio:
        """The converted frames [C, any number] that are certain after the piece `x` [C, T] or, for one channel, [T]."""
        piece = np.atleast_2d(np.asarray(x, np.float32))
        self._taken += piece.shape[1]
        return self._feed(piece)

    def finish(self, frames: int | None = None) -> Audio:
        """The rest [C, any number], so that the whole stream has `frames` frames (by default its own length).

        Frames that were given out already are never taken back: `frames` below their number adds nothing.
        """
        total = resampled_frames(self._taken, self._from, self._to) if frames is None else frames
        missing = max(0, total - self._given)
        silence = np.zeros((self._channels, int(TAIL_S * self._from)), np.float32)
        parts = [np.zeros((self._channels, 0), np.float32)]
        while sum(part.shape[1] for part in parts) < missing:
            parts.append(self._feed(silence))
        return np.concatenate(parts, axis=1)[:, :missing]

    def _feed(self, piece: Audio) -> Audio:
        if self._soxr is None:
            out = piece.copy()
        else:
            flat = self._soxr.resample_chunk(np.ascontiguousarray(piece.T))
            out = np.ascontiguousarray(flat.reshape(-1, self._channels).T)
        self._given += out.shape[1]
        return out
