"""Progress on stderr: one line that is rewritten on a terminal, a few plain lines anywhere else."""

import sys
import time
from collections.abc import Callable
from shutil import get_terminal_size
from typing import Final, Self, TextIO

PLAIN_EVERY_S: Final = 5.0  # without a terminal, the least time between two lines of one stage

TITLES: Final = {
    "queued": "waiting",
    "loading": "loading the model",
    "analyse": "listening",
    "compose": "writing the parts",
    "perform": "playing",
    "mix": "mixing",
    "place": "placing in the room",
    "write": "writing the take",
    "writing": "writing the take",
}


def time_left(seconds: float) -> str:
    """Seconds in words short enough for a progress line: "4 s left", "2 min 05 s left"."""
    whole = max(0, round(seconds))
    return f"{whole} s left" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s left"


class Progress:
    """A progress display; use it as a context manager so that its line is cleared at the end.

    `update` may be called as often as one likes: on a terminal it rewrites one line, otherwise it prints
    when the stage changes and then at most every `PLAIN_EVERY_S` seconds.
    """

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.clock = clock
        self.live = self.stream.isatty()
        self.last_text = ""
        self.last_stage = ""
        self.last_s = float("-inf")

    def update(self, stage: str, step: int = 0, steps: int = 0, seconds_left: float | None = None) -> None:
        """Show that `step` of `steps` of a stage are done, with the time left where it is known."""
        text = TITLES.get(stage, stage)
        if steps > 0:
            text += f" {step} of {steps}"
        if seconds_left is not None:
            text += f", {time_left(seconds_left)}"
        if self.live:
            self._rewrite(text)
        elif text != self.last_text and (stage != self.last_stage or self.clock() - self.last_s >= PLAIN_EVERY_S):
            print(text, file=self.stream, flush=True)
            self.last_s = self.clock()
        else:
            return
        self.last_text, self.last_stage = text, stage

    def _rewrite(self, text: str) -> None:
        shown = text[: get_terminal_size().columns - 1]
        # Carriage return, the text, "erase to the end of the line".
        self.stream.write(f"\r{shown}\x1b[K")
        self.stream.flush()

    def clear(self) -> None:
        """Take the line off the terminal, so that what follows starts on a clean one."""
        if self.live and self.last_text:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
        self.last_text = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()
