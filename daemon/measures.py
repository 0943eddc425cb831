"""What is measured at the moment somebody asks for metrics: queue, memory, doors, takes, disk."""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, Protocol

from harmonicflow import __version__
from harmonicflow.core import paths
from harmonicflow.core.messages import StatusReply

from .metrics import Sample

STATES: Final = ("starting", "ready", "busy", "asleep", "down")
OPEN_FILES: Final = Path("/proc/self/fd")


class CountingDoor(Protocol):
    """A door that counts what it does not let in."""

    refused: int


class Measures:
    """`status` asks the control door's own question; `doors` by name; `takes` and `pending` count."""

    def __init__(
        self, status: Callable[[], StatusReply], doors: Mapping[str, CountingDoor], queue_limit: int,
        takes: Callable[[], int], pending: Callable[[], int],
    ) -> None:  # fmt: skip
        self._status = status
        self._doors = doors
        self._queue_limit = queue_limit
        self._takes = takes
        self._pending = pending
        self._started = time.monotonic()

    def __call__(self) -> Iterator[Sample]:
        """Every number that holds now."""
        status = self._status()
        yield Sample("info", 1, (__version__, status.bundle))
        yield Sample("uptime_seconds", time.monotonic() - self._started)
        yield Sample("jobs_waiting", status.queued)
        yield Sample("jobs_running", sum(job.state in ("loading", "running", "writing") for job in status.jobs))
        yield Sample("queue_limit", self._queue_limit)
        for state in STATES if status.worker in STATES else (*STATES, status.worker):
            yield Sample("worker_state", state == status.worker, (state,))
        yield Sample("memory_bytes", status.daemon_rss_bytes, ("daemon",))
        yield Sample("memory_bytes", status.worker_rss_bytes, ("worker",))
        yield Sample("worker_peak_bytes", status.worker_peak_bytes)
        yield Sample("pending_bytes", self._pending())
        yield Sample("takes", self._takes())
        yield from self._at_the_doors()
        yield from _on_the_disk()

    def _at_the_doors(self) -> Iterator[Sample]:
        for name, door in self._doors.items():
            yield Sample("messages_refused_total", door.refused, (name,))
            if (dropped := getattr(door, "dropped", None)) is not None:
                yield Sample("messages_dropped_total", dropped, (name,))
            for code, count in getattr(door, "failures", {}).items():
                yield Sample("answers_failed_total", count, (name, code))


def _on_the_disk() -> Iterator[Sample]:
    try:
        usage = shutil.disk_usage(paths.home())
        yield Sample("disk_free_bytes", usage.free)
        yield Sample("disk_bytes", usage.total)
    except OSError:  # the folder was removed
        pass
    try:
        yield Sample("open_files", len(os.listdir(OPEN_FILES)))
    except OSError:  # not on this system
        pass
