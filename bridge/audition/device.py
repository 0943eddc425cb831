"""An output device while it plays: opened, looked after, and let go of, also when it has gone away by itself."""

import atexit
import threading
from collections.abc import Callable
from typing import Any, Final

from harmonicflow.core.errors import HarmonicFlowError

from .in_step import Audio
from .sounding import LIST, Output, library

LOOK_S: Final = 0.05  # how soon Ctrl-C is seen
FADING_S: Final = 1.0  # at most waited for the last milliseconds
CLOSING_S: Final = 2.0  # at most waited for PortAudio

Give = Callable[[Audio, int, Any, Any], None]  # out [frames, C] to fill, frames, PortAudio's times and flags


class Device:
    """Plays what `give` fills in the device's own thread, until that raises what `end` gives it."""

    def __init__(self, output: Output, give: Give, leave: Callable[[], None]) -> None:
        """`leave`: asked by Ctrl-C to fade out and end."""
        self.output = output
        self._give, self._leave = give, leave
        self._sounds = library()
        self._done = threading.Event()  # the device has played everything
        self._ended = False  # by ourselves, and not because the device went away

    def end(self) -> Exception:
        """What `give` raises when there is nothing more to play."""
        self._ended = True
        stop: Exception = self._sounds.CallbackStop()
        return stop

    def run(self, look: Callable[[float], object] | None = None) -> None:
        """Play to the end. `look` is called again and again and may take so many seconds.

        Raises `no_sound`; KeyboardInterrupt fades the sound out within milliseconds.
        """
        stream = None
        try:
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
            self._leave()
            if stream is not None and stream.active:
                self._done.wait(FADING_S)
            raise
        finally:
            if stream is not None:
                self._close(stream)
        if not self._ended:
            raise _no_sound("the device has gone")

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
