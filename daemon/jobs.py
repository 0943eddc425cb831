"""Jobs and their states, as a table. No doors, no disk, no clock: everything here can be tested alone.

    queued(position) -> loading -> running(step of steps) -> writing -> done | failed | cancelled

A job whose worker died goes back to queued, once. Every move makes an event; events are numbered
from 1 without a gap, so that a subscriber who joins late asks for a snapshot and knows which of the
events it has seen are news.

Clients take turns (fair queueing: Demers, Keshav and Shenker 1989). A job's turn is one after its client's last one,
or now where the client has none, and jobs run by turn, then by arrival; with n clients there, now goes on by 1/n with
each job. So who queues many jobs waits for them alone, a stream of newcomers holds nobody up, and each client's jobs
run in the order in which they came. After a restart nobody knows the clients: first come, first served.
"""

import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final, Protocol

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import FINAL_STATES, ErrorWire, JobEvent, JobRow, JobState, Message, WorkRequest
from harmonicflow.core.progress import duration
from harmonicflow.core.settings import Settings

from .pace import Pace

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
    sound_s: float = 0.0  # that it makes
    turn: Fraction = Fraction(0)
    number: int = 0  # of arrival
    again: bool = False  # it stands before all turns: its worker died
    began: float | None = None  # when it began to run, by `Jobs.clock`
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
    """The queue and what came out of it lately. `publish` gets every event; `size` says how much sound a request makes.

    `clock`: seconds that never go back.
    """

    def __init__(
        self, publish: Callable[[JobEvent], object], limit: int = QUEUE_LIMIT,
        size: Callable[[WorkRequest], float] = lambda _: 0.0, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._publish = publish
        self._limit = limit
        self._size = size
        self._clock = clock
        self._pace = Pace()
        self._now = Fraction(0)  # in turns
        self._arrived = 0
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
            raise self._busy()
        job.sound_s = self._size(job.request) * job.request.count
        self._live[job.id] = self._by_request[job.request.id] = job
        job.turn = max([self._now, *(each.turn + 1 for each in self._of_same(job))])
        self._arrived += 1
        job.number = self._arrived
        self._waiting.append(job)
        self._sort()

    def keep(self, job: Job) -> None:
        """The job's row is on the disk: it may be shown and run."""
        job.kept = True
        for each in list(self._waiting)[self.position(job) - 1 :]:  # it may stand before others
            if each.kept:
                self._tell(each)

    def wait_s(self, job: Job | None = None) -> float | None:
        """Seconds until a waiting job begins (None: until the queue is empty); None where nobody can know.

        The sum of what past jobs let one expect of those before it.
        """
        if job and job not in self._waiting:
            return None
        total = 0.0
        for each in self:
            if each is job:
                break
            left_s = self._left_s(each)
            if left_s is None:
                return None
            total += left_s
        return round(total, 1)

    def _left_s(self, job: Job) -> float | None:
        expected = self._pace.expect_s(job.request, job.sound_s)
        if job.began is None:
            return expected
        if expected is None:
            return job.seconds_left
        return max(expected - (self._clock() - job.began), job.seconds_left or 0.0)

    def _busy(self) -> HarmonicFlowError:
        """Full: with how long the work that waits will take, and when there will be room."""
        all_s = self.wait_s()
        room_s = self._left_s(self.running) if self.running else 0.0
        work = f", about {duration(all_s)} of work" if all_s else ""
        when = "when one has ended" if room_s is None else f"in about {duration(max(room_s, 1.0))}"
        return HarmonicFlowError("busy", queued=len(self._waiting), work=work, when=when, wait_s=room_s)

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
                    if not job.again:
                        self._now += Fraction(1, len({client_of(each) for each in self}))
                    self._move_up()
                    return job
        return None

    def move(self, job: Job, state: JobState) -> None:
        """Set the job's state and tell it. A move that is not in the table is a mistake in the daemon."""
        if state not in MOVES[job.state]:
            raise ValueError(f"job {job.id} cannot go from {job.state} to {state}")
        if state is JobState.RUNNING and job.state is not state:
            job.began = self._clock()
        elif state is JobState.DONE and job.began is not None:
            self._pace.learn(job.request, job.sound_s, self._clock() - job.began)
        elif state is JobState.QUEUED:
            job.began = job.seconds_left = None
        job.state = state
        if state in FINAL_STATES:
            self._drop(job)
            self._recent.append(self.row(job))
        elif state is JobState.QUEUED and job is self.running:
            self.running = None
            job.again = True
            self._waiting.appendleft(job)
        self._tell(job)

    def row(self, job: Job) -> JobRow:
        """The job as status and snapshots show it."""
        return JobRow(
            job=job.id, request_id=job.request.id, state=job.state, position=self.position(job), step=job.step,
            steps=job.steps, stage=job.stage, message=job.message, seconds_left=job.seconds_left, error=job.error,
            takes=job.takes, title=job.request.title, wait_s=self.wait_s(job),
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
            turn = job.turn
            for later in self._of_same(job):  # they move up, each to the turn of the one before it
                if later.number > job.number:
                    later.turn, turn = turn, later.turn
            self._waiting.remove(job)
            self._sort()
            self._move_up()

    def _of_same(self, job: Job) -> list[Job]:
        """The unfinished jobs of the same client, in order of arrival."""
        who = client_of(job)
        same = [each for each in self if who is not None and client_of(each) == who]
        return sorted(same, key=lambda each: each.number)

    def _sort(self) -> None:
        self._waiting = deque(sorted(self._waiting, key=lambda job: (not job.again, job.turn, job.number)))

    def _move_up(self) -> None:
        for job in self._waiting:
            if job.kept:
                self._tell(job)

    def _tell(self, job: Job) -> None:
        self._publish(
            JobEvent(
                seq=self.number(), job=job.id, request_id=job.request.id, state=job.state,
                position=self.position(job), step=job.step, steps=job.steps, stage=job.stage, message=job.message,
                seconds_left=job.seconds_left, error=job.error, takes=job.takes, wait_s=self.wait_s(job),
            )
        )  # fmt: skip

    def number(self) -> int:
        """The number of the next event."""
        self.seq += 1
        return self.seq


def client_of(job: Job) -> Hashable:
    """Who asked first; None after a restart. What has no identity (OSC, the spool) counts as one client."""
    return getattr(job.listeners[0], "identity", type(job.listeners[0]).__name__) if job.listeners else None
