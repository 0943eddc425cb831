"""The queue under any order of calls: hypothesis looks for one that breaks it."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from daemon.jobs import MOVES, Job, Jobs, client_of
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import FINAL_STATES, JobEvent, JobState, Message, Regenerate

LIMIT = 6
CLIENTS = "ABC"


class Client:
    """Somebody at a door."""

    def __init__(self, identity: str) -> None:
        self.identity = identity

    def send(self, message: Message, buffers: Sequence[memoryview] = ()) -> None: ...


class Queue(RuleBasedStateMachine):
    """Jobs enter, are kept or not, run, die, end; a plain model beside it keeps what must hold."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[JobEvent] = []
        self.now = 0.0
        self.jobs = Jobs(self.events.append, LIMIT, lambda _: 1.0, lambda: self.now)
        self.entered: list[Job] = []  # the unfinished ones, in order of arrival
        self.number = 0

    @rule(who=st.sampled_from(CLIENTS), kept=st.booleans())
    def enter(self, who: str, kept: bool) -> None:
        self.number += 1
        request = Regenerate(id=f"r{self.number}", take="t", stems=("bass",), from_bar=1, to_bar=1)
        job = Job(id=f"j{self.number}", request=request, fingerprint="", created=0.0, listeners=[Client(who)])
        waiting = self.jobs.waiting
        try:
            self.jobs.enter(job)
        except HarmonicFlowError as error:
            assert error.code == "busy" and waiting >= LIMIT
            return
        assert waiting < LIMIT
        self.entered.append(job)
        if kept and all(each.kept for each in self.entered[:-1]):  # the disk keeps them in the order of arrival
            self.jobs.keep(job)

    @precondition(lambda self: any(not job.kept for job in self.entered))
    @rule(good=st.booleans())
    def disk(self, good: bool) -> None:
        job = next(job for job in self.entered if not job.kept)
        if good:
            self.jobs.keep(job)
        else:
            self.jobs.withdraw(job)
            self.entered.remove(job)

    @rule()
    def begin(self) -> None:
        idle = self.jobs.running is None
        job = self.jobs.next()
        assert (job is not None) == (idle and any(each.kept for each in self.entered))
        if job:
            self.jobs.move(job, JobState.LOADING)

    @precondition(lambda self: self.jobs.running)
    @rule(data=st.data(), seconds=st.floats(0, 5))
    def step(self, data: st.DataObject, seconds: float) -> None:
        self.now += seconds
        job = self.jobs.running
        assert job
        state = data.draw(st.sampled_from(sorted(MOVES[job.state])))
        self.jobs.move(job, state)
        if state in FINAL_STATES:
            self.entered.remove(job)

    @precondition(lambda self: any(job.kept and job is not self.jobs.running for job in self.entered))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        waiting = [job for job in self.entered if job.kept and job is not self.jobs.running]
        job = data.draw(st.sampled_from(waiting))
        self.jobs.move(job, JobState.CANCELLED)
        self.entered.remove(job)

    @invariant()
    def everybody_is_there_once(self) -> None:
        assert sorted(job.id for job in self.jobs) == sorted(job.id for job in self.entered)
        waiting = [job for job in self.jobs if job is not self.jobs.running]
        assert [self.jobs.position(job) for job in waiting] == list(range(1, len(waiting) + 1))
        assert all(self.jobs.find(job.id) is job is self.jobs.of_request(job.request.id) for job in self.entered)

    @invariant()
    def each_clients_jobs_keep_their_order(self) -> None:
        for who in CLIENTS:
            in_queue, arrived = (
                [job.id for job in jobs if client_of(job) == who] for jobs in (self.jobs, self.entered)
            )
            assert in_queue == arrived

    @invariant()
    def nobody_is_passed_over(self) -> None:
        """Before a client's next job stand at most three of each other, however many those have."""
        order = list(self.jobs)
        for who in CLIENTS:
            first = next((place for place, job in enumerate(order) if client_of(job) == who), 0)
            ahead = Counter(client_of(job) for job in order[:first])
            assert max(ahead.values(), default=0) <= 3, ahead

    @invariant()
    def events_are_numbered_and_waiting_times_rise(self) -> None:
        assert [event.seq for event in self.events] == list(range(1, len(self.events) + 1))
        waits = [self.jobs.wait_s(job) for job in self.jobs if job is not self.jobs.running]
        known = [wait for wait in waits if wait is not None]
        assert known == sorted(known) and waits == known + [None] * (len(waits) - len(known))


Queue.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestQueue = Queue.TestCase
