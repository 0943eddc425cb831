"""Sounds read side by side, piece by piece: one rate, as many channels as a device has, around without a seam.

Each sound is a voice. The longest one makes the round; the others rest until it is over, and all begin again
together. A voice is converted from one rate to another as one stream, so that the loop's seam is converted like any
other place. Sounds of unlike rates never drift: where each one's round ends is counted from the very beginning.

Legend: V voices, C channels, T frames.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from harmonicflow.audio import files
from harmonicflow.audio.files import AudioInfo
from harmonicflow.audio.resample import StreamResampler, resampled_frames

Audio = NDArray[np.float32]

PIECE: Final = 4096  # frames


class Piece(NamedTuple):
    """A piece of every voice."""

    sound: Audio  # [V, T, C], at most `PIECE` frames
    start: int  # its first frame, from the beginning of the round
    last: bool  # the round ends with it


class Source(Protocol):
    """A sound: what it is like, and its pieces [C, T] from the start, as often as they are asked for."""

    @property
    def info(self) -> AudioInfo: ...

    def stream(self, piece_frames: int) -> Iterator[Audio]: ...


class File:
    """A sound file as a source. Raises what `files.info` raises; its stream what `files.stream` does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.info = files.info(path, files.LONGEST_S)

    def stream(self, piece_frames: int) -> Iterator[Audio]:
        return files.stream(self.path, piece_frames=piece_frames)


class InStep:
    """Sources as one stream of pieces at `rate` Hz with `channels` channels; `gains` is a factor for each."""

    def __init__(self, sources: Sequence[Source], rate: int, channels: int, gains: Sequence[float] = ()) -> None:
        self.sources, self.rate, self.channels = tuple(sources), rate, channels
        self.gains = tuple(gains) or (1.0,) * len(self.sources)
        self.longest = max((source.info for source in sources), key=lambda info: Fraction(info.frames, info.rate))
        self.frames = self.end_of(1, rate)

    def end_of(self, rounds: int, rate: int) -> int:
        """The frame at `rate` Hz, from the very beginning, at which that many rounds are over."""
        return resampled_frames(rounds * self.longest.frames, self.longest.rate, rate)

    def pieces(self, around: Callable[[], bool]) -> Iterator[Piece]:
        """From the start on. `around` is asked as a round has been read whether another one follows."""
        going = _Going(around)
        voices = [_Voice(self, *source, going) for source in zip(self.sources, self.gains, strict=True)]
        rounds = 0
        while rounds == 0 or going.on_after(rounds):
            begin, end = (self.end_of(rounds + more, self.rate) for more in (0, 1))
            for first in range(begin, end, PIECE):
                count = min(PIECE, end - first)
                sound = np.stack([voice.take(count) for voice in voices])
                yield Piece(sound, first - begin, first + count == end)
            rounds += 1


class _Going:
    """One answer for all voices to whether they go around again: whoever comes to the end first asks."""

    def __init__(self, around: Callable[[], bool]) -> None:
        self._around = around
        self._sure = 0  # rounds after which it goes on
        self._over = False

    def on_after(self, rounds: int) -> bool:
        if rounds > self._sure and not self._over:
            self._over = not self._around()
            self._sure += not self._over
        return rounds <= self._sure


class _Voice:
    """One source of several, converted."""

    def __init__(self, group: InStep, source: Source, gain: float, going: _Going) -> None:
        self._group, self._source, self._going = group, source, going
        self._gain = np.float32(gain)
        self._ready: deque[Audio] = deque()  # [C, T]
        self._count = 0  # frames that are ready
        self._converted = self._convert()

    def take(self, frames: int) -> Audio:
        """The next frames [T, C], never beyond full scale."""
        while self._count < frames:
            piece = next(self._converted, None)
            if piece is None:  # a file that says no length for certain was shorter
                piece = np.zeros((self._group.channels, frames - self._count), np.float32)
            self._ready.append(piece)
            self._count += piece.shape[1]
        parts, missing = [], frames
        while missing:
            piece = self._ready.popleft()
            parts.append(piece[:, :missing])
            if piece.shape[1] > missing:
                self._ready.appendleft(piece[:, missing:])
            missing -= parts[-1].shape[1]
        self._count -= frames
        sound = np.concatenate(parts, axis=1).T * self._gain
        return np.clip(sound, -1, 1, out=sound)

    def _convert(self) -> Iterator[Audio]:
        """[C, T] at the group's rate, to the end of the last round."""
        group, own = self._group, self._source.info.rate
        resampler = StreamResampler(own, group.rate, group.channels)
        rounds = read = 0
        while rounds == 0 or self._going.on_after(rounds):
            rounds += 1
            for piece in self._source.stream(PIECE):
                yield resampler.process(mixed(piece, group.channels))
                read += piece.shape[1]
            end = group.end_of(rounds, own)
            for first in range(read, end, PIECE):
                yield resampler.process(np.zeros((group.channels, min(PIECE, end - first)), np.float32))
            read = end
        yield resampler.finish(group.end_of(rounds, group.rate))


def mixed(sound: Audio, channels: int) -> Audio:
    """Sound [any number, T] for one or two channels [C, T]: one is heard on both sides, more go left and right in turn.

    What is brought together is averaged, so that it is never louder than its loudest part.
    """
    if len(sound) == channels:
        return sound
    if len(sound) == 1 or channels == 1:
        return np.repeat(sound.mean(axis=0, keepdims=True, dtype=np.float32), channels, axis=0)
    return np.stack([sound[side::2].mean(axis=0, dtype=np.float32) for side in (0, 1)])
