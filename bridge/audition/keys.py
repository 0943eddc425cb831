"""Single keys from a terminal, without the Enter key and without being shown."""

import os
import re
import sys
import time
from types import TracebackType
from typing import Any, Final, Self

SEQUENCE: Final = re.compile(r"\x1b(?:[O\[][0-9;]*[A-Za-z~])?")  # what arrow keys and the like send
LOOK_S: Final = 0.01


class Keys:
    """Use it as a context manager: the terminal is left as it was. `there` says whether there is a terminal at all.

    Ctrl-C stays what it is.
    """

    def __init__(self) -> None:
        self.there = _is_ours()
        self._before: list[Any] = []

    def __enter__(self) -> Self:
        if self.there and os.name == "posix":
            import termios
            import tty

            self._before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin, termios.TCSADRAIN)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before:
            import termios

            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    def pressed(self, wait_s: float) -> str:
        """The keys pressed by now, at the latest after `wait_s`: usually one or none. Arrows and the like are none."""
        if not self.there:
            time.sleep(wait_s)
            return ""
        return SEQUENCE.sub("", _posix(wait_s) if os.name == "posix" else _windows(wait_s))

    def __bool__(self) -> bool:
        return self.there


def _is_ours() -> bool:
    """A terminal from which this process may read: in the background it would be stopped."""
    if not sys.stdin or not sys.stdin.isatty():
        return False
    if os.name != "posix":
        return True
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except OSError:
        return False


def _posix(wait_s: float) -> str:
    from select import select

    if not select([sys.stdin], [], [], wait_s)[0]:
        return ""
    keys = os.read(sys.stdin.fileno(), 64)
    if not keys:  # the terminal has gone; it would be readable for ever
        time.sleep(wait_s)
    return keys.decode("utf-8", "replace")


def _windows(wait_s: float) -> str:
    import msvcrt

    ends = time.monotonic() + wait_s
    while not msvcrt.kbhit():  # type: ignore[attr-defined,unused-ignore]
        if time.monotonic() >= ends:
            return ""
        time.sleep(LOOK_S)
    key: str = msvcrt.getwch()  # type: ignore[attr-defined,unused-ignore]
    if key in ("\x00", "\xe0"):  # an arrow or the like, and which
        msvcrt.getwch()  # type: ignore[attr-defined,unused-ignore]
        return ""
    if key == "\x03":
        raise KeyboardInterrupt
    return key
