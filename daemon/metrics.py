"""Numbers for a monitoring program, in the text format of Prometheus (version 0.0.4): one table of families, what is
counted where jobs move, and the text.

A job's time is taken apart by stage: waiting, loading, then what the engine and the disk do. A stage that a job visits
several times (one block after another) counts once, with its sum, when the job is done.
"""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final, NamedTuple

from harmonicflow.core.messages import FINAL_STATES, DaemonEvent, JobEvent, JobState

BUCKETS_S: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
MAX_LABELS: Final = 64  # values of one family: what comes from outside must not fill the memory
OTHER: Final = "other"
INFINITE: Final = "+Inf"


class Family(NamedTuple):
    """One row: what kind of number it is, what it says, and the names of its labels."""

    kind: str  # counter, gauge or histogram
    words: str
    labels: tuple[str, ...] = ()


PREFIX: Final = "harmonicflow_"
FAMILIES: Final[Mapping[str, Family]] = {
    "info": Family("gauge", "Always 1; the release of the daemon and the bundle it serves.", ("version", "bundle")),
    "uptime_seconds": Family("gauge", "Seconds since the daemon started."),
    "jobs_waiting": Family("gauge", "Jobs that wait."),
    "jobs_running": Family("gauge", "Jobs that run: 0 or 1."),
    "queue_limit": Family("gauge", "Jobs that may wait; the next one is refused as busy."),
    "jobs_total": Family("counter", "Jobs that have ended: done, failed or cancelled.", ("state",)),
    "job_failures_total": Family("counter", "Jobs that have failed, by the code of the error.", ("code",)),
    "job_retries_total": Family("counter", "Jobs that were queued again because the engine's process died."),
    "job_stage_seconds": Family("histogram", "Seconds of done jobs in each stage; queued is waiting.", ("stage",)),
    "job_seconds": Family("histogram", "Seconds from a job's acceptance to its end.", ("state",)),
    "answers_failed_total": Family("counter", "Requests and questions refused in words.", ("door", "code")),
    "messages_refused_total": Family("counter", "Messages not signed, not whole or not understood.", ("door",)),
    "messages_dropped_total": Family("counter", "Messages that a client was too slow to take.", ("door",)),
    "daemon_events_total": Family("counter", "What the daemon told all: worker died and so on.", ("event",)),
    "worker_state": Family("gauge", "1 for the state that the engine's process is in.", ("state",)),
    "memory_bytes": Family("gauge", "Resident memory of the daemon and of the engine's process.", ("process",)),
    "worker_peak_bytes": Family("gauge", "The most memory that the engine's process ever held."),
    "pending_bytes": Family("gauge", "Bytes of clips on their way to the disk."),
    "open_files": Family("gauge", "Files and connections that the daemon has open."),
    "takes": Family("gauge", "Takes that are kept."),
    "disk_free_bytes": Family("gauge", "Free space where takes are kept."),
    "disk_bytes": Family("gauge", "Size of the disk where takes are kept."),
}  # fmt: skip


class Sample(NamedTuple):
    """One number of a family, without labels or with a value for each."""

    family: str
    value: float
    labels: tuple[str, ...] = ()


@dataclass
class Histogram:
    """How many observations fell below each bound."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    sum: float = 0.0

    def observe(self, value: float) -> None:
        """Count one observation; a bound belongs to the bucket below it."""
        self.counts[bisect_left(BUCKETS_S, value)] += 1
        self.sum += value


@dataclass
class _Watch:
    """One job on its way."""

    began_s: float
    since_s: float
    stage: str
    spent_s: dict[str, float] = field(default_factory=dict)


class Meter:
    """Counts what happens. Give `job` and `daemon` every event; `now` yields what is measured when somebody asks."""

    def __init__(self, now: Callable[[], Iterable[Sample]], clock: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._clock = clock
        self._watched: dict[str, _Watch] = {}
        self._counts: Counter[tuple[str, tuple[str, ...]]] = Counter()
        self._histograms: dict[tuple[str, tuple[str, ...]], Histogram] = {}
        for state in sorted(FINAL_STATES):  # a rate needs a zero to start from
            self._counts["jobs_total", (state.value,)] = 0
        self._counts["job_retries_total", ()] = 0

    def job(self, event: JobEvent) -> None:
        """Count a job's move."""
        now = self._clock()
        stage = event.stage if event.stage and event.state is JobState.RUNNING else event.state.value
        watch = self._watched.get(event.job)
        if watch is None:
            if event.state in FINAL_STATES:
                return
            watch = self._watched[event.job] = _Watch(now, now, stage)
        if event.state is JobState.QUEUED and watch.stage != stage:
            self._count("job_retries_total")
        watch.spent_s[watch.stage] = watch.spent_s.get(watch.stage, 0.0) + now - watch.since_s
        watch.since_s, watch.stage = now, stage
        if event.state in FINAL_STATES:
            del self._watched[event.job]
            self._ended(event, now - watch.began_s, watch.spent_s)

    def daemon(self, event: DaemonEvent) -> None:
        """Count what the daemon told all."""
        self._count("daemon_events_total", event.what)

    def text(self) -> str:
        """Everything, in the text format."""
        found: dict[str, list[str]] = {name: [] for name in FAMILIES}
        samples = [Sample(name, count, labels) for (name, labels), count in self._counts.items()]
        for sample in [*samples, *self._now()]:
            found[sample.family].append(
                _line(sample.family, FAMILIES[sample.family].labels, sample.labels, sample.value)
            )
        for (name, values), histogram in self._histograms.items():
            found[name].extend(_histogram_lines(name, values, histogram))
        lines = []
        for name, family in FAMILIES.items():
            lines += [f"# HELP {PREFIX}{name} {family.words}", f"# TYPE {PREFIX}{name} {family.kind}", *found[name]]
        return "\n".join(lines) + "\n"

    def _ended(self, event: JobEvent, seconds: float, spent_s: Mapping[str, float]) -> None:
        self._count("jobs_total", event.state.value)
        self._observe("job_seconds", event.state.value, seconds)
        if event.error is not None:
            self._count("job_failures_total", event.error.code)
        if event.state is JobState.DONE:
            for stage, spent in spent_s.items():
                self._observe("job_stage_seconds", stage, spent)

    def _count(self, name: str, *values: str) -> None:
        self._counts[self._key(name, values, self._counts)] += 1

    def _observe(self, name: str, label: str, seconds: float) -> None:
        self._histograms.setdefault(self._key(name, (label,), self._histograms), Histogram()).observe(seconds)

    def _key(
        self, name: str, values: tuple[str, ...], known: Iterable[tuple[str, object]]
    ) -> tuple[str, tuple[str, ...]]:
        """The place of these labels; OTHER where a family has too many already."""
        key = (name, values)
        if key in known or sum(other == name for other, _ in known) < MAX_LABELS:
            return key
        return name, (OTHER,) * len(values)


def _histogram_lines(name: str, values: tuple[str, ...], histogram: Histogram) -> Iterator[str]:
    labels = FAMILIES[name].labels
    for bound, count in zip((*map(repr, BUCKETS_S), INFINITE), accumulate(histogram.counts), strict=True):
        yield _line(f"{name}_bucket", (*labels, "le"), (*values, bound), count)
    yield _line(f"{name}_sum", labels, values, histogram.sum)
    yield _line(f"{name}_count", labels, values, sum(histogram.counts))


def _line(name: str, labels: tuple[str, ...], values: tuple[str, ...], value: float) -> str:
    pairs = ",".join(f'{label}="{_escaped(text)}"' for label, text in zip(labels, values, strict=True))
    return f"{PREFIX}{name}{f'{{{pairs}}}' if pairs else ''} {float(value)!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
