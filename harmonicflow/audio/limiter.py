"""A look-ahead limiter on the true peak.

Let m[n] be the reduction (1 - gain) that brings the true peak at n to the ceiling. Ahead of a peak the
reduction must already be there, without a corner. Over a look-ahead of W samples:

    hold[n]    = max of m[n .. n + W]
    fall[n]    = max(hold[n], fall[n - 1] * release)
    reduce[n]  = mean of fall[n - W .. n]           >= m[n], since every hold[n - W .. n] contains m[n]

The stream is delayed by W instead of looking ahead, and the delay is taken off the result.

Shapes: C channel, T sample.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .blocks import BlockStream
from .loudness import TAPS, TruePeaks

Audio = NDArray[np.float32]
Reals = NDArray[np.float64]

CEILING_DB: Final = -1.0
MARGIN_DB: Final = 0.1  # a gain that moves shifts the values between samples a little
AHEAD_S: Final = 0.002
RELEASE_S: Final = 0.08
BLOCK: Final = 4096
NOTHING: Final = 1e-6  # a smaller reduction is none


class Limiter:
    """Keep the true peak of a stream under a ceiling; below it the sound passes bit for bit.

    `process` gives what is certain after each piece, `finish` the rest: together exactly as many
    samples as went in, aligned with them, the same bits however the stream was cut.
    """

    def __init__(self, rate: int, channels: int = 2, ceiling_db: float = CEILING_DB) -> None:
        self._ceiling = 10 ** ((ceiling_db - MARGIN_DB) / 20)
        self._ahead = max(1, round(AHEAD_S * rate))
        self._delay = self._ahead + TAPS // 2
        self._late = np.zeros((channels, self._delay), np.float32)
        self._skip = self._delay
        self._peaks = TruePeaks(channels)
        self._decay = np.exp(-np.arange(1, BLOCK + 1) / (RELEASE_S * rate))
        state = (np.zeros(self._ahead), np.zeros(self._ahead), 0.0)
        self._reduction: BlockStream[tuple[Reals, Reals, float]] = BlockStream(self._step, state, 1, BLOCK, np.float64)

    def process(self, x: ArrayLike) -> Audio:
        """Limited samples [C, any number] after the piece `x` [C, T]."""
        sound = np.asarray(x, np.float32)
        peaks = self._peaks.process(sound)
        needed = 1 - self._ceiling / np.maximum(peaks.astype(np.float64), self._ceiling)
        gain = 1 - self._reduction.process(needed[None])[0]
        late = np.concatenate([self._late, sound], axis=1)
        self._late = late[:, late.shape[1] - self._delay :]
        out = (late[:, : sound.shape[1]] * gain).astype(np.float32)
        skipped = min(self._skip, out.shape[1])
        self._skip -= skipped
        return np.asarray(out[:, skipped:])

    def finish(self) -> Audio:
        """The last samples."""
        return self.process(np.zeros_like(self._late))

    def _step(self, block: Reals, state: tuple[Reals, Reals, float]) -> tuple[Reals, tuple[Reals, Reals, float]]:
        needed_before, fall_before, last = state
        needed = np.concatenate([needed_before, block[0]])
        hold = _highest(needed, self._ahead + 1)
        fall = np.maximum(np.maximum.accumulate(hold / self._decay), last) * self._decay
        fall[fall < NOTHING] = 0.0
        both = np.concatenate([fall_before, fall])
        sums = np.concatenate([[0.0], np.cumsum(both)])
        reduction = (sums[self._ahead + 1 :] - sums[: -self._ahead - 1]) / (self._ahead + 1)
        return reduction[None], (needed[-self._ahead :], both[-self._ahead :], float(fall[-1]))


def _highest(x: Reals, width: int) -> Reals:
    """The highest of every `width` neighbours, [T - width + 1]: windows of doubled length, the last two overlap."""
    length = 1
    while 2 * length <= width:
        x = np.maximum(x[:-length], x[length:])
        length *= 2
    rest = width - length
    return np.maximum(x[: len(x) - rest], x[rest:])


def limit(x: ArrayLike, rate: int, ceiling_db: float = CEILING_DB) -> Audio:
    """The whole of `x` [C, T] through a `Limiter`."""
    sound = np.asarray(x, np.float32)
    limiter = Limiter(rate, len(sound), ceiling_db)
    return np.concatenate([limiter.process(sound), limiter.finish()], axis=1)
