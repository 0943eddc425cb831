"""Whether the daemon lives, and starting it: its sign of life changes twice a second while it has work."""

import json
import os
import sys
import time
from typing import Any

from .spool import Spool

SILENCE_S = 3.0
AGAIN_S = 20.0  # between two attempts to start it


class Daemon:
    """The process that does the work, seen from here."""

    def __init__(self, spool: Spool, start: list[str]) -> None:
        self.spool, self.words = spool, start
        self._beat: bytes | None = None
        self._changed: float | None = None
        self._started: float | None = None
        self._children: list[Any] = []

    def start(self) -> bool:
        """Start it in the background, unless that was tried a moment ago; whether that could be done."""
        now = time.monotonic()
        if self._started is not None and now - self._started < AGAIN_S:
            return True
        self._started = now
        try:
            import subprocess  # not every build of an embedded Python has it

            options: dict[str, Any] = {"start_new_session": True}
            if sys.platform == "win32":
                options = {"creationflags": getattr(subprocess, "CREATE_NO_WINDOW", 0)}
            nothing = subprocess.DEVNULL
            # Nobody waits for it: it ends by itself once the daemon runs.
            child = subprocess.Popen(
                self.words, stdin=nothing, stdout=nothing, stderr=nothing, close_fds=True, env=_environment(), **options
            )
            self._children.append(child)
        except (ImportError, OSError, ValueError):
            return False
        return True

    def wake(self) -> bool:
        """Start it if it is plain that none runs; False: it has to be started by hand."""
        beat = self.spool.beat()
        return beat is not None and not _gone(beat) or self.start()

    def rest(self) -> None:
        """Nobody waits for it: the next look begins anew."""
        self._beat = self._changed = None

    def state(self) -> str:
        """ "alive", "starting", or "silent" for three seconds or more; to be asked again and again during a job."""
        self._children = [child for child in self._children if child.poll() is None]  # the others are reaped
        beat, now = self.spool.beat(), time.monotonic()
        if beat != self._beat or self._changed is None:
            self._beat, self._changed = beat, now
        if now - self._changed >= SILENCE_S or beat is not None and _gone(beat):
            return "silent"
        return "alive" if beat is not None else "starting"


def _environment() -> dict[str, str]:
    """Live's own, without what would lead another Python to Live's libraries."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DYLD_"))}


def _gone(beat: bytes) -> bool:
    """Whether the process that wrote this is known to be dead: only where processes are shown as files."""
    try:
        pid = int(json.loads(beat)["pid"])
    except (ValueError, KeyError, TypeError):
        return False
    return os.path.exists("/proc/self") and not os.path.exists(f"/proc/{pid}")
