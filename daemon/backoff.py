"""How long to wait before the next start of an engine that keeps dying.

    deaths since the last work                1  2  3  4  5   6   7   8 ...
    seconds from the last one to the start    0  1  2  4  8  16  32  60 ...

Without it an engine that dies at its start would be started for ever, at the cost of a core. Somebody who waits
for a job is kept for `WANTED_S` at most: what was wrong may have been put right, and they are told if it was not.
"""

import time
from collections.abc import Callable
from typing import Final

FIRST_S: Final = 1.0
MOST_S: Final = 60.0
WANTED_S: Final = 5.0  # the most while a job waits


class Backoff:
    """Counts the deaths in a row, without work in between."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._died_at = 0.0
        self.deaths = 0

    def died(self) -> None:
        """One more worker has ended."""
        self.deaths += 1
        self._died_at = self._clock()

    def worked(self) -> None:
        """A worker has brought a job to its end, or was well for long."""
        self.deaths = 0

    def pause_s(self, wanted: bool) -> float:
        """Seconds from the last death to the next start; `wanted`: a job waits for it."""
        if self.deaths < 2:
            return 0.0
        return min(WANTED_S if wanted else MOST_S, FIRST_S * 2.0 ** min(self.deaths - 2, 16))

    def left_s(self, wanted: bool) -> float:
        """What is left of it."""
        return max(0.0, self._died_at + self.pause_s(wanted) - self._clock()) if self.deaths else 0.0
