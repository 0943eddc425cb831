"""What is to happen later on the server's thread, unless it is taken back before.

Nothing here uses the wall clock, and a loop that was away for long (the process was stopped, the computer
slept) gives every deadline that time back: what could not be heard is nobody's fault.
"""

import time
from collections.abc import Callable
from typing import Final

PAUSE_S: Final = 2.0  # a loop that was away longer was stopped itself: nobody's deadline counts through that


class Timers:
    """Deadlines by name. `clock` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due: dict[str, tuple[float, Callable[[], object]]] = {}
        self._looked = clock()

    def set(self, name: str, seconds: float, call: Callable[[], object]) -> None:
        """Call `call` in so many seconds; an earlier one of the same name is taken back."""
        self._due[name] = (self._clock() + seconds, call)

    def drop(self, *names: str) -> None:
        """Take back."""
        for name in names:
            self._due.pop(name, None)

    def __contains__(self, name: str) -> bool:
        return name in self._due

    def wait_s(self) -> float | None:
        """Seconds until the next one, None when there is none."""
        return max(0.0, min(due for due, _ in self._due.values()) - self._clock()) if self._due else None

    def look(self) -> None:
        """Call what is due. Look often, at least once a second, after everything that waits was read."""
        now = self._clock()
        away, self._looked = now - self._looked, now
        if away > PAUSE_S:
            self._due = {name: (due + away, call) for name, (due, call) in self._due.items()}
        for name, (due, call) in sorted(self._due.items(), key=lambda row: row[1][0]):
            if due <= now and self._due.get(name) == (due, call):  # not taken back by one before it
                del self._due[name]
                call()
