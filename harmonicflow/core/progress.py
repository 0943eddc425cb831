"""Progress on stderr: one line that is rewritten on a terminal, a few plain lines anywhere else."""

import sys
import time
from collections.abc import Callable
from shutil import get_terminal_size
from typing import Final, Self, TextIO

PLAIN_EVERY_S: Final = 5.0  # without a terminal, the least time between two lines of one stage
REDRAW_S: Final = 0.1  # on a terminal, the least time between two drawings: nothing flickers
BRIEF: Final = ("queued", "loading")  # over at once as a rule, so they are shown when they last
BRIEF_S: Final = 0.3
SURE_STEPS: Final = 2  # the first step also warms up: the time left is not said from it alone
LATER_S: Final = 1.0  # the time left goes down second by second; it goes up only when it is this far off

TITLES: Final = {
    "queued": "waiting for its turn",
    "loading": "loading the model",
    "encode": "encoding",
    "decode": "decoding",
    "analyse": "listening",
    "compose": "writing the parts",
    "perform": "playing",
    "mix": "mixing",
    "place": "placing in the room",
    "write": "writing the take",
    "writing": "writing the take",
}


def duration(seconds: float) -> str:
    """Seconds in a few words: "4 s", "2 min 05 s"."""
    whole = max(0, round(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def time_left(seconds: float) -> str:
    """Seconds in words for a progress line: "4 s left"."""
    return f"{duration(seconds)} left"


def bar(share: float, width: int = 20) -> str:
    """A share of 1 as a bar and a number: "[#####---------------] 25 %"."""
    filled = min(max(int(share * width), 0), width)
    return f"[{'#' * filled}{'-' * (width - filled)}] {min(max(int(100 * share), 0), 100)} %"


def stage_words(stage: str, step: int = 0, steps: int = 0) -> str:
    """A stage and how far it is, for people: "playing 3 of 8"."""
    return TITLES.get(stage, stage) + (f" {step} of {steps}" if steps > 0 else "")


class Progress:
    """A progress display; use it as a context manager so that its line is cleared at the end.

    `update` may be called as often as one likes; `tick` a few times a second in between, so that the time left
    goes on. A terminal sees one line that is rewritten, anything else a line when the stage changes and then at
    most every `PLAIN_EVERY_S` seconds.
    """

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.clock = clock
        self.live = self.stream.isatty()
        self._stage = self._words = ""
        self._began_s = 0.0  # the stage
        self._end_s: float | None = None  # when the work will be done
        self._shown = self._shown_stage = ""
        self._shown_timed = False
        self._shown_s = float("-inf")

    def update(
        self, stage: str, step: int = 0, steps: int = 0, seconds_left: float | None = None, note: str = ""
    ) -> None:
        """Note that `step` of `steps` of a stage are done, with the time left where it is known, and a `note`."""
        now = self.clock()
        if stage != self._stage:
            self._stage, self._began_s = stage, now
        self._words = stage_words(stage, step, steps) + (f" {note}" if note else "")
        if seconds_left is None or step < min(SURE_STEPS, steps):
            self._end_s = None
        else:
            end = now + seconds_left
            if self._end_s is None or not self._end_s <= end <= self._end_s + LATER_S:
                self._end_s = end
        self.tick()

    def tick(self) -> None:
        """Show what is new."""
        now = self.clock()
        if not self._stage or (self._stage in BRIEF and now - self._began_s < BRIEF_S):
            return
        text = self._words
        if self._end_s is not None and self._end_s - now >= 0.5:
            text += f", {time_left(self._end_s - now)}"
        timed = text != self._words
        news = self._stage != self._shown_stage or timed > self._shown_timed  # a stage, or its first time left
        pause_s = REDRAW_S if self.live else 0.0 if news else PLAIN_EVERY_S
        if text == self._shown or now - self._shown_s < pause_s:
            return
        self._draw(text)
        self._shown, self._shown_stage, self._shown_timed, self._shown_s = text, self._stage, timed, now

    def _draw(self, text: str) -> None:
        if not self.live:
            print(text, file=self.stream, flush=True)
            return
        # Carriage return, the text, "erase to the end of the line".
        self.stream.write(f"\r{text[: get_terminal_size().columns - 1]}\x1b[K")
        self.stream.flush()

    def clear(self) -> None:
        """Take the line off the terminal, so that what follows starts on a clean one."""
        if self.live and self._shown:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
        self._shown = self._stage = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()
