"""Sound to a device through PortAudio: a thread reads ahead, the device's own takes from a queue and never waits."""

import queue
import threading
from collections.abc import Callable
from typing import Any, Final, NoReturn

from harmonicflow.core.errors import HarmonicFlowError

from .device import LOOK_S, Device
from .in_step import Audio, InStep, Piece
from .sounding import Output
from .switching import Switch

AHEAD: Final = 32  # pieces in the queue: 3 s at 44.1 kHz


class Playback:
    """Voices on their way to a device; `switch` says which one is heard and may be set while it runs.

    `loop` may be changed as well: it is looked at where a round ends. `gaps` counts the blocks that came too late.
    """

    def __init__(self, voices: InStep, output: Output, loop: bool = False, every: int = 0) -> None:
        self.voices, self.output, self.loop = voices, output, loop
        self.switch = Switch(len(voices.sources), output.rate, every)
        self.gaps = 0
        self.frame = 0  # within the round, the next one for the device
        self._device = Device(output, self._give, self.leave)
        self._queue: queue.Queue[Piece | None] = queue.Queue(AHEAD)
        self._piece: Piece | None = None  # that is being played, from `_taken` on
        self._taken = 0
        self._ending = threading.Event()  # nobody needs more pieces
        self._ready = threading.Event()  # enough is there to begin
        self._wrong: Exception | None = None

    def run(self, look: Callable[[float], object] | None = None) -> None:
        """Play to the end. `look` is called again and again and may take so many seconds.

        Raises what reading raises, and `no_sound`; KeyboardInterrupt fades the sound out within milliseconds.
        """
        reader = threading.Thread(target=self._fill, name="reading ahead", daemon=True)
        reader.start()
        try:
            while not self._ready.wait(LOOK_S):
                pass
            self._device.run(look)
        except HarmonicFlowError:
            if self._wrong is None:
                raise
        finally:
            self._ending.set()
        if self._wrong is not None:
            raise self._wrong

    def leave(self) -> None:
        """Fade out and end."""
        self.switch.leaving = True

    def _give(self, out: Audio, frames: int, time: object, status: Any) -> None:
        """The device's thread: fill `out` [frames, C] with what is ready."""
        if status and status.output_underflow:
            self.gaps += 1
        done = 0
        while done < frames:
            if self._piece is None:
                try:
                    self._piece, self._taken = self._queue.get_nowait(), 0
                except queue.Empty:
                    self.gaps += 1
                    break
                if self._piece is None:
                    self._end(out[done:])
            piece, first = self._piece, self._taken
            count = min(frames - done, piece.sound.shape[1] - first)
            self.switch.mix(piece.sound[:, first : first + count], out[done : done + count])
            done += count
            self._taken += count
            self.frame = piece.start + self._taken
            over = self._taken == piece.sound.shape[1]
            if over:
                self._piece = None
            if self.switch.gone or (over and piece.last and not self.loop):
                self._end(out[done:])
        out[done:] = 0

    def _end(self, rest: Audio) -> NoReturn:
        rest[:] = 0
        raise self._device.end()

    def _fill(self) -> None:
        """The reading thread: pieces into the queue; None after an error."""
        try:
            while not self._ending.is_set():
                for piece in self.voices.pieces(lambda: self.loop):
                    if not self._put(piece):
                        return
                self._ready.set()
                while not self.loop and not self._ending.wait(LOOK_S):
                    pass  # the end is on its way to the device, and a person may yet choose to go around
        except Exception as error:  # told where the sound is waited for
            self._wrong = error
            self._put(None)
            self._ready.set()

    def _put(self, piece: Piece | None) -> bool:
        while not self._ending.is_set():
            try:
                self._queue.put(piece, timeout=LOOK_S)
            except queue.Full:
                continue
            if self._queue.full():
                self._ready.set()
            return True
        return False
