"""A sound under the hand: played from any frame, stopped, moved and changed at once, never with a click.

What was heard fades out along half a cosine while what is heard next fades in (see `switching`). The device's own
thread does all of it; other threads say what is wanted, and the last word counts.

Legend: C channels, T frames.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

import numpy as np

from .in_step import Audio, InStep
from .switching import FADE_S

TOLERANCE_S: Final = 0.015  # off its place by more, a guided sound is moved


class Rendered(Protocol):
    """A sound of which any piece can be had at any time: [C, T], silence beyond its ends."""

    frames: int

    def render(self, start_frame: int, frames: int) -> Audio: ...


class Whole:
    """Sounds brought to one rate and kept in memory."""

    def __init__(self, sounds: InStep) -> None:
        self._sound = np.concatenate([piece.sound[0].T for piece in sounds.pieces(lambda: False)], axis=1)
        self.frames = self._sound.shape[1]

    def render(self, start_frame: int, frames: int) -> Audio:
        """A piece, as `Rendered` has it."""
        out = np.zeros((len(self._sound), frames), np.float32)
        low, high = (min(max(at, 0), self.frames) for at in (start_frame, start_frame + frames))
        out[:, low - start_frame : high - start_frame] = self._sound[:, low:high]
        return out


class Wish(NamedTuple):
    """What is to be heard: a sound from a frame on, or silence."""

    sound: Rendered | None
    frame: int
    playing: bool


Guide = Callable[[float], tuple[bool, int]]  # the seconds until a block is heard -> whether it plays, and its frame


class Deck:
    """Fills blocks of the device with what is wanted. With a `guide` it stays where that says."""

    def __init__(self, rate: int, channels: int, gain: float = 1.0, loop: bool = False) -> None:
        self.rate, self.channels, self.loop = rate, channels, loop
        self.guide: Guide | None = None
        self.leaving = False
        self.sound: Rendered | None = None
        self.frame = 0
        self.playing = False
        self._gain = np.float32(gain)
        steps = np.arange(1, max(2, round(FADE_S * rate)) + 1, dtype=np.float64)
        self._up = (0.5 - 0.5 * np.cos(np.pi * steps / len(steps))).astype(np.float32)
        self._in = len(self._up)  # frames of the fade in that are done
        self._tail = np.zeros((channels, 0), np.float32)  # of what was heard before
        self._wish: Wish | None = None

    @property
    def gone(self) -> bool:
        """Whether it was asked to leave and is silent."""
        return self.leaving and not self.playing and not self._tail.shape[1]

    def want(self, sound: Rendered | None, frame: int, playing: bool) -> None:
        """From the next block on."""
        self._wish = Wish(sound, frame, playing)

    def fill(self, out: Audio, heard_in_s: float = 0.0) -> None:
        """Fill `out` [T, C], which will be heard in so many seconds."""
        wish, self._wish = self._wish, None
        if wish is not None:
            self._change(wish)
        if self.guide is not None and self.sound is not None and not self.leaving:
            self._guided(*self.guide(heard_in_s))
        if self.leaving and self.playing:
            self._change(Wish(None, self.frame, False))
        block = np.zeros((self.channels, len(out)), np.float32)
        if self.playing:
            block += self._next(len(out))
        count = min(self._tail.shape[1], len(out))
        block[:, :count] += self._tail[:, :count]
        self._tail = self._tail[:, count:]
        np.clip(block.T, -1, 1, out=out)

    def _guided(self, playing: bool, frame: int) -> None:
        assert self.sound is not None
        if self.loop:
            frame %= self.sound.frames
        off = abs(frame - self.frame)
        if self.loop:
            off = min(off, self.sound.frames - off)
        if playing != self.playing or (playing and off > TOLERANCE_S * self.rate):
            self._change(Wish(self.sound, frame, playing))

    def _change(self, wish: Wish) -> None:
        if self.playing:
            done = self._in
            tail = self._next(len(self._up)) * self._up[::-1]
            tail[:, : len(self._tail[0])] += self._tail[:, : tail.shape[1]]
            self._tail, self._in = tail, done
        if wish.playing:
            self._in = 0
        self.sound, self.frame, self.playing = wish.sound, wish.frame, wish.playing and wish.sound is not None

    def _next(self, frames: int) -> Audio:
        """The next frames of the sound [C, T], faded in where it has just begun."""
        assert self.sound is not None
        pieces, left = [], frames
        while left:
            count = min(left, max(self.sound.frames - self.frame, 0)) if self.loop else left
            if not count:
                self.frame = 0
                continue
            pieces.append(self.sound.render(self.frame, count))
            self.frame += count
            left -= count
        block = np.concatenate(pieces, axis=1) * self._gain
        ramp = self._up[self._in :][:frames]
        block[:, : len(ramp)] *= ramp
        self._in += len(ramp)
        return block
