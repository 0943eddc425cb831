"""Jobs and their states, as a table. No doors, no disk, no clock: everything here can be tested alone.

    queued(position) -> loading -> running(step of steps) -> writing -> done | failed | cancelled

A job whose worker died goes back to queued, once. Every move makes an event; events are numbered
from 1 without a gap, so that a subscriber who joins late asks for a snapshot and knows which of the
events it has seen are news.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import FINAL_STATES, ErrorWire, JobEvent, JobRow, JobState, Message, WorkRequest
from harmonicflow.core.settings import Settings

QUEUE_LIMIT: Final = Settings().queue_limit  # waiting jobs; the next one gets "busy"
MAX_DEATHS: Final = 2  # a job that a second worker dies over has failed
RECENT: Final = 20  # finished jobs that status shows

_ENDS: Final = {JobState.FAILED, JobState.CANCELLED}
MOVES: Final[dict[JobState, set[JobState]]] = {
    JobState.QUEUED: {JobState.LOADING, JobState.RUNNING} | _ENDS,
    JobState.LOADING: {JobState.RUNNING, JobState.QUEUED} | _ENDS,
    JobState.RUNNING: {JobState.RUNNING, JobState.WRITING, JobState.QUEUED} | _ENDS,
    JobState.WRITING: {JobState.WRITING, JobState.DONE, JobState.QUEUED} | _ENDS,
    JobState.DONE: set(),
    JobState.FAILED: set(),
    JobState.CANCELLED: set(),
}


class Listener(Protocol):
    """Somebody at a door."""

    def send(self, message: Message, buffers: Sequence[memoryview] = ()) -> None:
        """Send a message to them, if they are still there."""


@dataclass(eq=False)
class Job:
    """One accepted request on its way."""

    id: str
    request: WorkRequest
    fingerprint: str  # SHA-256 of the request
    created: float  # seconds since 1970
    deaths: int = 0  # workers that died over it
    state: JobState = JobState.QUEUED
    kept: bool = False  # its row is in the journal; until then it is not shown and does not run
    stopping: bool = False  # someone has cancelled it, or it has used up its time
    verdict: HarmonicFlowError | None = None  # why it is being stopped, where nobody has cancelled it
    ending: bool = False  # its end is on the way to the disk: too late to run or to cancel
    listeners: list[Listener] = field(default_factory=list)  # who gets its blocks and its end
    staging: Path = Path()  # where the present worker writes its takes
    step: int = 0
    steps: int = 0
    stage: str = ""
    message: str = ""
    seconds_left: float | None = None
    error: ErrorWire | None = None
    takes: tuple[str, ...] = ()


class Jobs:
    """The queue and what came out of it lately. `publish` gets every event."""

    def __init__(self, publish: Callable[[JobEvent], object], limit: int = QUEUE_LIMIT) -> None:
        self._publish = publish
        self._limit = limit
        self._waiting: deque[Job] = deque()
        self._live: dict[str, Job] = {}
        self._by_request: dict[str, Job] = {}
        self._recent: deque[JobRow] = deque(maxlen=RECENT)
        self.running: Job | None = None
        self.seq = 0  # of the last event

    def __iter__(self) -> Iterator[Job]:
        """The unfinished jobs: the running one, then the waiting ones in order."""
        if self.running:
            yield self.running
        yield from self._waiting

    def find(self, name: str) -> Job | None:
        """The unfinished job of this id or of this request id; "" is the running one, else the next."""
        if not name:
            return self.running or (self._waiting[0] if self._waiting else None)
        return self._live.get(name) or self._by_request.get(name)

    def of_request(self, request_id: str) -> Job | None:
        """The unfinished job of this request id."""
        return self._by_request.get(request_id)

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return len(self._waiting)

    def position(self, job: Job) -> int:
        """The job's place in the queue: 1 is next, 0 is not waiting."""
        return self._waiting.index(job) + 1 if job in self._waiting else 0

    def enter(self, job: Job, limit: int = 0) -> None:
        """Queue a job. Raises `busy` where the queue is full; `limit` stands before the queue's own."""
        if len(self._waiting) >= (limit or self._limit):
            raise HarmonicFlowError("busy", queued=len(self._waiting))
        self._live[job.id] = self._by_request[job.request.id] = job
        self._waiting.append(job)

    def keep(self, job: Job) -> None:
        """The job's row is on the disk: it may be shown and run."""
        job.kept = True
        self._tell(job)

    def withdraw(self, job: Job) -> None:
        """Forget a job that could not be kept; it was never accepted."""
        self._drop(job)

    def next(self) -> Job | None:
        """Take the first waiting job that is kept, if none runs."""
        if self.running is None:
            for job in self._waiting:
                if job.kept and not job.ending:
                    self._waiting.remove(job)
                    self.running = job
                    self._move_up()
                    return job
        return None

    def move(self, job: Job, state: JobState) -> None:
        """Set the job's state and tell it. A move that is not in the table is a mistake in the daemon."""
        if state not in MOVES[job.state]:
            raise ValueError(f"job {job.id} cannot go from {job.state} to {state}")
        job.state = state
        if state in FINAL_STATES:
            self._drop(job)
            self._recent.append(self.row(job))
        elif state is JobState.QUEUED and job is self.running:
            self.running = None
            self._waiting.appendleft(job)
        self._tell(job)

    def row(self, job: Job) -> JobRow:
        """The job as status and snapshots show it."""
        return JobRow(
            job=job.id, request_id=job.request.id, state=job.state, position=self.position(job), step=job.step,
            steps=job.steps, stage=job.stage, message=job.message, seconds_left=job.seconds_left, error=job.error,
            takes=job.takes, title=job.request.title,
        )  # fmt: skip

    def rows(self, recent: bool) -> tuple[JobRow, ...]:
        """All unfinished jobs, then the last finished ones where asked for."""
        live = [self.row(job) for job in self if job.kept]
        return (*live, *(reversed(self._recent) if recent else ()))

    def _drop(self, job: Job) -> None:
        self._live.pop(job.id, None)
        self._by_request.pop(job.request.id, None)
        if job is self.running:
            self.running = None
        elif job in self._waiting:
            self._waiting.remove(job)
            self._move_up()

    def _move_up(self) -> None:
        for job in self._waiting:
            if job.kept:
                self._tell(job)

    def _tell(self, job: Job) -> None:
        self._publish(
            JobEvent(
                seq=self.number(), job=job.id, request_id=job.request.id, state=job.state,
                position=self.position(job), step=job.step, steps=job.steps, stage=job.stage, message=job.message,
                seconds_left=job.seconds_left, error=job.error, takes=job.takes,
            )
        )  # fmt: skip

    def number(self) -> int:
        """The number of the next event."""
        self.seq += 1
        return self.seq
