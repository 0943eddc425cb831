"""`play --clock`: a score's notes, or a take's sound, in time with a host."""

import sys
import threading
import time
from collections.abc import Callable
from typing import Final

from harmonicflow.core.progress import Progress

from ..audition.keys import Keys
from .follower import Follower
from .notes import Notes, Sender
from .ports import Input, Output
from .telling import Telling

LOOK_S: Final = 0.02  # between two looks where no tick comes
TELL_S: Final = 0.1
SWITCH_S: Final = 0.0002
SHORT_S: Final = 0.0003  # a wait that is not worth less


class Heard:
    """A host's clock being heard through a port; `news` is set by each message. Use it as a context manager."""

    def __init__(self, port: str) -> None:
        """Raises `missing_package`, `no_midi_port`."""
        self.follower = Follower()
        self.news = threading.Event()
        self._input = Input(port, self._hear)
        self.name = self._input.name

    def __enter__(self) -> "Heard":
        return self

    def __exit__(self, *_: object) -> None:
        self._input.close()

    def _hear(self, message: bytes, at: float) -> None:
        self.follower.hear(message, at)
        self.news.set()


def send_notes(notes: Notes, heard: Heard, output: Output, loop: bool, look: Callable[[], bool]) -> None:
    """Send until `look`, which is asked often, says no; notes that sound are ended, whatever ends it."""
    sender = Sender(notes, output.send, loop)
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)  # a note never waits long for the thread that hears ticks
    try:
        while look():
            heard.news.clear()
            place = heard.follower.place(time.monotonic())
            due = sender.follow(place)
            wait = LOOK_S
            if due is not None and place.line is not None:
                ahead = place.line.time_of(due) - time.monotonic()
                wait = min(max(ahead, SHORT_S), LOOK_S) if ahead > -SHORT_S else LOOK_S  # past: its tick is late
            heard.news.wait(wait)
    finally:
        sys.setswitchinterval(before)
        sender.silence()


class Watching:
    """Tells a person where the host is, and whether to go on: until the key q."""

    def __init__(self, heard: Heard, keys: Keys) -> None:
        self._heard, self._keys = heard, keys
        self._telling = Telling(heard.name, time.monotonic())
        self._told = 0.0

    def __call__(self) -> bool:
        now = time.monotonic()
        if now - self._told < TELL_S:
            return True
        self._told = now
        self._telling.look(self._heard.follower.place(now), now)
        return not set(self._keys.pressed(0.0)) & set("qQ")

    @property
    def progress(self) -> Progress:
        """The line on the terminal."""
        return self._telling.progress
