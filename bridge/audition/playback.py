"""Sound to a device through PortAudio: a thread reads ahead, the device's own takes from a queue and never waits."""

import atexit
import queue
import threading
from collections.abc import Callable
from typing import Any, Final, NoReturn

from harmonicflow.core.errors import HarmonicFlowError

from .in_step import Audio, InStep, Piece
from .sounding import LIST, Output, library
from .switching import Switch

AHEAD: Final = 32  # pieces in the queue: 3 s at 44.1 kHz
LOOK_S: Final = 0.05  # how soon Ctrl-C is seen
FADING_S: Final = 1.0  # at most waited for the last milliseconds
CLOSING_S: Final = 2.0  # at most waited for PortAudio


class Playback:
    """Voices on their way to a device; `switch` says which one is heard and may be set while it runs.

    `loop` may be changed as well: it is looked at where a round ends. `gaps` counts the blocks that came too late.
    """

    def __init__(self, voices: InStep, output: Output, loop: bool = False, every: int = 0) -> None:
        self.voices, self.output, self.loop = voices, output, loop
        self.switch = Switch(len(voices.sources), output.rate, every)
        self.gaps = 0
        self.frame = 0  # within the round, the next one for the device
        self._sounds = library()
        self._queue: queue.Queue[Piece | None] = queue.Queue(AHEAD)
        self._piece: Piece | None = None  # that is being played, from `_taken` on
        self._taken = 0
        self._ending = threading.Event()  # nobody needs more pieces
        self._ready = threading.Event()  # enough is there to begin
        self._done = threading.Event()  # the device has played everything
        self._ended = False  # by ourselves, and not because the device went away
        self._wrong: Exception | None = None

    def run(self, look: Callable[[float], object] | None = None) -> None:
        """Play to the end. `look` is called again and again and may take so many seconds.

        Raises what reading raises, and `no_sound`; KeyboardInterrupt fades the sound out within milliseconds.
        """
        reader = threading.Thread(target=self._fill, name="reading ahead", daemon=True)
        reader.start()
        stream = None
        try:
            while not self._ready.wait(LOOK_S):
                pass
            stream = self._sounds.OutputStream(
                samplerate=self.output.rate, channels=self.output.channels, device=self.output.device,
                dtype="float32", callback=self._give, finished_callback=self._done.set,
            )  # fmt: skip
            stream.start()
            while not self._done.is_set():
                (look or self._done.wait)(LOOK_S)
                if not stream.active and not self._done.wait(LOOK_S):
                    break  # a JACK server that has gone tells nobody
        except self._sounds.PortAudioError as error:
            raise _no_sound(f"the device says: {str(error).partition('[')[0].strip().rstrip('.')}") from None
        except KeyboardInterrupt:
            self.leave()
            if stream is not None and stream.active:
                self._done.wait(FADING_S)
            raise
        finally:
            self._ending.set()
            if stream is not None:
                self._close(stream)
        if self._wrong is not None:
            raise self._wrong
        if not self._ended:
            raise _no_sound("the device has gone")

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
        self._ended = True
        raise self._sounds.CallbackStop

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

    def _close(self, stream: Any) -> None:
        """Let the device go, without a wait for one that is not there any more."""

        def close() -> None:
            if self._ended:
                stream.stop(ignore_errors=True)
            stream.close(ignore_errors=True)

        closing = threading.Thread(target=close, name="closing the device", daemon=True)
        closing.start()
        closing.join(CLOSING_S)
        if closing.is_alive() and (at_exit := getattr(self._sounds, "_exit_handler", None)) is not None:
            # PortAudio waits for a JACK server's answer for ever, and would do so again as the process ends.
            atexit.unregister(at_exit)


def _no_sound(reason: str) -> HarmonicFlowError:
    return HarmonicFlowError("no_sound", reason=reason, hint=LIST)
