"""Which of several voices is heard: changes without a click, to the sample what the files hold in between.

A change is a crossfade of equal gain along half a cosine: takes of one request are much alike, and what is alike then
stays as loud as it is. Whoever chooses again during those milliseconds hears that change after this one. It is little
arithmetic, because it runs in the device's own thread.

Legend: V voices, T frames, C channels.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]

FADE_S: Final = 0.010


class Switch:
    """Mixes pieces of all voices down to the one that is chosen; `every` frames it chooses the next one by itself.

    `chosen` and `leaving` may be set by any thread at any time.
    """

    def __init__(self, voices: int, rate: int, every: int = 0) -> None:
        self.voices, self.every = voices, every
        self.chosen = 0
        self.leaving = False  # fade to silence
        self.heard = [0] * voices  # frames for which each was the chosen one
        steps = np.arange(1, max(2, round(FADE_S * rate)) + 1, dtype=np.float64)
        self._up = (0.5 - 0.5 * np.cos(np.pi * steps / len(steps))).astype(np.float32)
        self._now = self._before = 0
        self._faded = len(self._up)  # frames of the crossfade that are done
        self._left = len(self._up)  # frames of the end's that are to come
        self._until_next = every

    @property
    def gone(self) -> bool:
        """Whether the sound has faded to silence."""
        return not self._left

    def next(self) -> None:
        """Choose the next one in order, after the last the first."""
        self.chosen = (self.chosen + 1) % self.voices

    def mix(self, sound: Audio, out: Audio) -> None:
        """Fill `out` [T, C] with what is heard of `sound` [V, T, C]."""
        first = 0
        while first < len(out):
            if self.every and not self._until_next:
                self._until_next = self.every
                self.next()
            count = min(len(out) - first, self._until_next or len(out))
            self._mix(sound[:, first : first + count], out[first : first + count])
            self._until_next -= count * (self.every > 0)
            first += count
        if self.leaving:
            self._leave(out)

    def _mix(self, sound: Audio, out: Audio) -> None:
        first = 0
        while first < len(out):
            if self._faded == len(self._up) and self._now != self.chosen:
                self._before, self._now, self._faded = self._now, self.chosen, 0
            ramp = self._up[self._faded :][: len(out) - first, None]
            end = first + (len(ramp) or len(out) - first)
            heard, before = sound[self._now, first:end], sound[self._before, first:end]
            out[first:end] = before + (heard - before) * ramp if len(ramp) else heard
            self.heard[self._now] += end - first
            self._faded += len(ramp)
            first = end

    def _leave(self, out: Audio) -> None:
        count = min(len(out), self._left)
        down = self._up[::-1][len(self._up) - self._left :][:count]
        out[:count] *= down[:, None]
        out[count:] = 0
        self._left -= count
