"""What is remembered between two commands and two starts of Live, in the spool's folder `hosts`.

The last options are everybody's. Jobs belong to a Live Set, which carries a name of its own inside; so a result finds
its Set again when it is opened later.
"""

import json
import os
import random
import re
import time
from typing import Any

from .spool import Spool, remove, table_of, write

KEY = "harmonicflow"  # of the name in the Set
NAME = re.compile(r"[0-9a-f]{12}")
OLD_S = 30 * 86400.0  # as long as the daemon keeps a report
MAX_LOG = 100_000  # bytes


class Jobs:
    """The jobs of the Set that is open, and the last options."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self._name = ""
        self._state: dict[str, Any] = {}
        self._sweep()

    def turn_to(self, song: Any, new: bool = False) -> None:
        """Look at the Set that is open; `new`: give it a name where it has none. Raises what Live raises."""
        name = song.get_data(KEY, "")
        if not isinstance(name, str) or not NAME.fullmatch(name):
            name = ""
            if new:
                name = f"{random.SystemRandom().randrange(1 << 48):012x}"
                song.set_data(KEY, name)
        if name != self._name:
            self._name = name
            self._state = (table_of(self._path()) if name else None) or {}

    @property
    def waiting(self) -> list[dict[str, Any]]:
        """The jobs that are on their way."""
        found = self._state.get("jobs")
        return [job for job in found if isinstance(job, dict) and _sound(job)] if isinstance(found, list) else []

    @property
    def last(self) -> dict[str, Any] | None:
        """How the last request was made."""
        found = self._state.get("last")
        return found if isinstance(found, dict) else None

    def add(self, job: dict[str, Any], last: dict[str, Any]) -> None:
        """Note a job that was sent, and how it can be sent again. Raises OSError."""
        self._keep([*self.waiting, job], last)

    def remove(self, name: str) -> None:
        """Strike a job off. Raises OSError."""
        self._keep([job for job in self.waiting if job["id"] != name], self.last)

    def values(self) -> dict[str, Any]:
        """The last options."""
        return table_of(self.spool.path("hosts", "live.json")) or {}

    def keep_values(self, values: dict[str, Any]) -> None:
        """Keep the options. Raises OSError."""
        write(self.spool.path("hosts", "live.json"), json.dumps(values).encode())

    def say(self, text: str) -> None:
        """A line in the log."""
        name = self.spool.path("hosts", "live.log")
        try:
            with open(name, "a", encoding="utf-8") as file:
                file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
                long = file.tell() > MAX_LOG
            if long:
                remove(name)
        except OSError:
            pass

    def _path(self) -> str:
        return self.spool.path("hosts", f"live-set-{self._name}.json")

    def _keep(self, jobs: list[dict[str, Any]], last: dict[str, Any] | None) -> None:
        self._state = {"jobs": jobs, "last": last}
        write(self._path(), json.dumps(self._state).encode())

    def _sweep(self) -> None:
        """Memory of Sets that nobody opens any more."""
        try:
            names = os.listdir(self.spool.path("hosts"))
        except OSError:
            return
        for name in names:
            path = self.spool.path("hosts", name)
            try:
                if name.startswith("live-set-") and time.time() - os.path.getmtime(path) > OLD_S:
                    remove(path)
            except OSError:
                continue


def _sound(job: dict[str, Any]) -> bool:
    """Whether a job is as we wrote it."""
    numbers = all(isinstance(job.get(name), int | float) for name in ("start", "tempo", "scene"))
    return isinstance(job.get("id"), str) and isinstance(job.get("what"), str) and numbers
