"""Which of several voices is heard: changes without a click, to the sample what the files hold in between.

A change is a crossfade of equal gain (takes of one request are much alike, and what is alike then stays as loud as it
is), from whatever is heard at that moment: each voice's gain moves from where it is to where it belongs along half a
cosine, and the gains add up to 1 at every frame. A few lines of arithmetic: it runs in the device's own thread.

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
        self._to = 0
        self._gains = self._from = np.eye(voices, dtype=np.float32)[0]
        self._faded = self._left = len(self._up)  # frames of the crossfade that are done, and of the end's to come
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
        chosen = self.chosen
        if chosen != self._to:
            self._from, self._to, self._faded = self._gains, chosen, 0
        self.heard[chosen] += len(out)
        ramp = self._up[self._faded : self._faded + len(out)]
        count = len(ramp)
        if count:
            target = np.eye(self.voices, dtype=np.float32)[chosen]
            gains = self._from + (target - self._from) * ramp[:, None]
            np.einsum("tv,vtc->tc", gains, sound[:, :count], out=out[:count])
            self._gains, self._faded = gains[-1], self._faded + count
        out[count:] = sound[chosen, count:]

    def _leave(self, out: Audio) -> None:
        count = min(len(out), self._left)
        down = self._up[::-1][len(self._up) - self._left :][:count]
        out[:count] *= down[:, None]
        out[count:] = 0
        self._left -= count
