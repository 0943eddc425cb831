"""What a long run leaves behind: samples of memory and descriptors, their slopes, and the verdict.

A report is a file of JSON lines, one a sample, so that a run that was interrupted goes on where it ended: a later
daemon is another segment, and slopes are taken inside segments only.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

JOB_EVERY_S: Final = 20.0  # of the days that a run stands for
WARM_JOBS: Final = 200  # of a segment: until every buffer has had its size once
MEMORY_PERCENT: Final = 1.0  # an hour
DESCRIPTORS: Final = 1  # more at the end of a segment than at its beginning


class Sample(msgspec.Struct, frozen=True):
    """One look at the daemon and its worker."""

    seconds: float  # of the whole run
    segment: int
    jobs: int  # ended, in the whole run
    daemon_bytes: int
    worker_bytes: int
    daemon_files: int  # open descriptors
    worker_files: int
    threads: int  # of the daemon
    ended: dict[str, int] = {}  # how the jobs ended: done, cancelled, or the code of a failure


class Verdict(msgspec.Struct, frozen=True):
    """Growth of the longest segment: per cent of memory an hour (of a job every 20 s), and descriptors."""

    hours: float  # that the samples stand for
    daemon_percent: float
    worker_percent: float
    daemon_files: float
    worker_files: float
    failures: dict[str, int]
    jobs: int

    @property
    def passed(self) -> bool:
        """Whether it may run for days."""
        flat = max(self.daemon_percent, self.worker_percent) < MEMORY_PERCENT
        return flat and max(self.daemon_files, self.worker_files) <= DESCRIPTORS and not self.failures

    def __str__(self) -> str:
        return (
            f"{self.jobs} jobs, {self.hours:.1f} h at one every 20 s; memory {self.daemon_percent:+.2f} % an hour "
            f"(daemon), {self.worker_percent:+.2f} % (engine); descriptors {self.daemon_files:+g}, "
            f"{self.worker_files:+g}; unexplained failures: {self.failures or 'none'}"
        )


def read(path: Path) -> list[Sample]:
    """The samples of a report; a last line that was cut is left out."""
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [msgspec.json.decode(line, type=Sample) for line in lines]


def mend(path: Path) -> list[Sample]:
    """The samples of a report, from which a last line that was cut is removed."""
    if path.exists():
        whole, end, _ = path.read_bytes().rpartition(b"\n")
        path.write_bytes(whole + end)
    return read(path)


def add(path: Path, sample: Sample) -> None:
    """Append a sample."""
    with path.open("ab", buffering=0) as file:
        file.write(msgspec.json.encode(sample) + b"\n")


def descriptors(pid: int) -> int:
    """How many descriptors a process holds; 0 where that cannot be seen."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0


def threads(pid: int) -> int:
    """How many threads a process has; 0 where that cannot be seen."""
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return 0


def slope(points: Iterable[tuple[float, float]]) -> float:
    """The median of the slopes between all pairs (Theil 1950, Sen 1968): a few odd samples do not move it."""
    found = list(points)
    slopes = [(y - v) / (x - u) for n, (x, y) in enumerate(found) for u, v in found[:n] if x != u]
    return median(slopes) if slopes else 0.0


def verdict(samples: list[Sample], explained: Iterable[str]) -> Verdict:
    """What the samples say. `explained`: the ends of jobs that are no failures."""
    segments: dict[int, list[Sample]] = {}
    ended: Counter[str] = Counter()
    for each in samples:
        segments.setdefault(each.segment, []).append(each)
    for segment in segments.values():
        ended.update(segment[-1].ended)
    longest = max(segments.values(), key=lambda segment: segment[-1].jobs - segment[0].jobs)
    warm = [each for each in longest if each.jobs - longest[0].jobs >= WARM_JOBS] or longest

    def percent(value: Callable[[Sample], int]) -> float:
        """Growth in an hour of a job every 20 s."""
        hours = ((each.jobs * JOB_EVERY_S / 3600, value(each)) for each in warm)
        return 100 * slope(hours) / max(value(warm[0]), 1)

    def more(value: Callable[[Sample], int]) -> float:
        """How many more there are at the end than at the beginning, each a quarter of the samples."""
        quarter = max(1, len(warm) // 4)
        return median(map(value, warm[-quarter:])) - median(map(value, warm[:quarter]))

    return Verdict(
        hours=(warm[-1].jobs - warm[0].jobs) * JOB_EVERY_S / 3600,
        daemon_percent=percent(lambda each: each.daemon_bytes),
        worker_percent=percent(lambda each: each.worker_bytes),
        daemon_files=more(lambda each: each.daemon_files),
        worker_files=more(lambda each: each.worker_files),
        failures={code: count for code, count in ended.items() if code not in explained},
        jobs=ended.total(),
    )
