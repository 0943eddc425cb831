"""The table of states, the bounded queue and the numbered events."""

from collections.abc import Sequence

import pytest

from daemon.jobs import MOVES, QUEUE_LIMIT, Job, Jobs
from daemon.pace import Pace
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import (
    FINAL_STATES,
    Generate,
    JobEvent,
    JobState,
    Message,
    Regenerate,
    SelectionSpec,
)


def job(number: int) -> Job:
    request = Regenerate(id=f"r{number}", take="t", stems=("bass",), from_bar=1, to_bar=1)
    return Job(id=f"j{number}", request=request, fingerprint="", created=0.0)


def queue(count: int) -> tuple[Jobs, list[Job], list[JobEvent]]:
    events: list[JobEvent] = []
    jobs = Jobs(events.append)
    entered = [job(number) for number in range(count)]
    for each in entered:
        jobs.enter(each)
        jobs.keep(each)
    return jobs, entered, events


def test_a_job_goes_through_all_states_and_events_are_numbered_without_a_gap() -> None:
    jobs, (first, second), events = queue(2)
    assert jobs.next() is first and jobs.next() is None
    for state in (JobState.LOADING, JobState.RUNNING, JobState.WRITING, JobState.DONE):
        jobs.move(first, state)
    assert jobs.next() is second
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert [event.state for event in events if event.job == "j0"] == ["queued", "loading", "running", "writing", "done"]
    assert [event.position for event in events if event.job == "j1"] == [2, 1]
    assert [row.job for row in jobs.rows(recent=True)] == ["j1", "j0"]


def test_positions_move_up_when_one_before_is_cancelled() -> None:
    jobs, entered, events = queue(4)
    jobs.move(entered[1], JobState.CANCELLED)
    assert [jobs.position(each) for each in entered] == [1, 0, 2, 3]
    assert {event.job: event.position for event in events} == {"j0": 1, "j1": 0, "j2": 2, "j3": 3}


def test_the_queue_is_bounded() -> None:
    jobs, entered, _ = queue(QUEUE_LIMIT)
    with pytest.raises(HarmonicFlowError) as caught:
        jobs.enter(job(99))
    assert caught.value.code == "busy" and str(QUEUE_LIMIT) in str(caught.value)
    jobs.next()
    jobs.enter(job(99))  # the running one is not waiting


def test_a_job_whose_worker_died_is_next_again() -> None:
    jobs, (first, second), _ = queue(2)
    jobs.next()
    jobs.move(first, JobState.RUNNING)
    jobs.move(first, JobState.QUEUED)
    assert jobs.position(first) == 1 and jobs.position(second) == 2 and jobs.running is None
    assert jobs.next() is first


def test_a_job_that_is_not_on_the_disk_is_neither_shown_nor_run() -> None:
    events: list[JobEvent] = []
    jobs = Jobs(events.append)
    early = job(1)
    jobs.enter(early)
    assert jobs.next() is None and jobs.rows(recent=True) == () and not events
    assert jobs.find("r1") is early, "but a repeat of its request finds it"
    jobs.withdraw(early)
    assert jobs.find("r1") is None and jobs.waiting == 0


def test_jobs_are_found_by_id_by_request_and_as_the_running_one() -> None:
    jobs, (first, second), _ = queue(2)
    assert jobs.find("") is first
    jobs.next()
    jobs.move(first, JobState.RUNNING)
    assert jobs.find("") is first and jobs.find("j1") is second and jobs.find("r1") is second
    jobs.move(first, JobState.CANCELLED)
    assert jobs.find("j0") is None


@pytest.mark.parametrize("state", JobState)
def test_every_move_outside_the_table_is_refused(state: JobState) -> None:
    assert (MOVES[state] == set()) == (state in FINAL_STATES)
    for target in set(JobState) - MOVES[state]:
        jobs, (one,), _ = queue(1)
        one.state = state
        with pytest.raises(ValueError):
            jobs.move(one, target)


class Client:
    """Somebody at a door."""

    def __init__(self, identity: str) -> None:
        self.identity = identity

    def send(self, message: Message, buffers: Sequence[memoryview] = ()) -> None: ...


def asked(jobs: Jobs, number: int, who: str) -> Job:
    one = job(number)
    one.listeners.append(Client(who))
    jobs.enter(one)
    jobs.keep(one)
    return one


def test_clients_take_turns_and_each_ones_jobs_keep_their_order() -> None:
    jobs, _, events = queue(0)
    entered = [asked(jobs, number, who) for number, who in enumerate("AAAAAABBC")]
    assert [each.id for each in jobs] == ["j0", "j6", "j8", "j1", "j7", "j2", "j3", "j4", "j5"]
    first = jobs.next()
    assert first is entered[0]
    late = asked(jobs, 9, "D")  # nobody's second job is before a newcomer's first
    assert jobs.position(late) == 3
    moved = [event.job for event in events[-6:]]
    assert moved == ["j1", "j7", "j2", "j3", "j4", "j5"], "who stands behind it is told"
    more = asked(jobs, 10, "A")
    assert [each.id for each in jobs][-1] == more.id
    jobs.move(first, JobState.FAILED)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


def test_without_clients_jobs_run_in_the_order_in_which_they_came() -> None:
    """As after a restart; who comes then stands behind them."""
    jobs, restored, _ = queue(3)
    late = asked(jobs, 9, "D")
    assert list(jobs) == [*restored, late]


def test_a_job_whose_worker_died_stands_before_all_turns() -> None:
    jobs, _, _ = queue(0)
    first, second = asked(jobs, 0, "A"), asked(jobs, 1, "A")
    other = asked(jobs, 2, "B")
    assert jobs.next() is first
    jobs.move(first, JobState.RUNNING)
    jobs.move(first, JobState.QUEUED)
    assert list(jobs) == [first, other, second]


def sized(seconds: float, kind: type = Generate, steps: int = 0, number: int = 0) -> Job:
    """A job for so much sound."""
    frames = round(44_100 * seconds)
    selection = SelectionSpec(rate=44_100, start_frame=0, end_frame=frames, tempo=(("0", "0"), ("1", "22050")))
    request = Generate(id=f"s{number}", selection=selection, steps=steps)
    if kind is Regenerate:
        request = Regenerate(id=f"s{number}", take="t", stems=("bass",), from_bar=1, to_bar=1)
    return Job(id=f"w{number}", request=request, fingerprint="", created=0.0)


def test_the_waiting_time_is_what_past_jobs_let_one_expect() -> None:
    """Jobs take 2 s and a tenth of their sound; the running one is half done; nothing is said before one was done."""
    now = [100.0]
    length = {"s0": 10.0, "s1": 40.0, "s2": 20.0, "s3": 80.0, "s4": 30.0}
    jobs = Jobs(lambda _: None, 4, lambda request: length[request.id], lambda: now[0])
    for number in range(2):
        one = sized(length[f"s{number}"], number=number)
        jobs.enter(one)
        jobs.keep(one)
        assert jobs.wait_s(one) == 0
        jobs.next()
        jobs.move(one, JobState.RUNNING)
        behind = sized(20, number=2)
        jobs.enter(behind)
        assert jobs.wait_s(behind) == (None if number == 0 else 3.0 * 40 / 10)  # one point: in proportion to the sound
        jobs.withdraw(behind)
        now[0] += 2 + 0.1 * length[f"s{number}"]
        jobs.move(one, JobState.WRITING)
        jobs.move(one, JobState.DONE)
    running, second, third = (sized(length[f"s{number}"], number=number) for number in (2, 3, 4))
    for one in (running, second, third):
        jobs.enter(one)
        jobs.keep(one)
    jobs.next()
    jobs.move(running, JobState.RUNNING)
    now[0] += 2.0
    assert jobs.wait_s(running) is None
    assert jobs.wait_s(second) == pytest.approx(2.0) and jobs.wait_s(third) == pytest.approx(2.0 + 10.0)
    assert jobs.row(third).wait_s == jobs.wait_s(third) and jobs.wait_s() == pytest.approx(17.0)
    running.seconds_left = 7.5  # the engine itself says more
    assert jobs.wait_s(second) == 7.5
    now[0] += 60
    assert jobs.wait_s(second) == 7.5, "never below what the engine says"


def test_a_full_queue_says_when_there_is_room() -> None:
    now = [0.0]
    jobs = Jobs(lambda _: None, 2, lambda _: 10.0, lambda: now[0])

    def full() -> HarmonicFlowError:
        with pytest.raises(HarmonicFlowError) as caught:
            jobs.enter(sized(10, number=9))
        return caught.value

    for number in range(3):
        one = sized(10, number=number)
        jobs.enter(one)
        jobs.keep(one)
        if number == 0:
            jobs.next()
            jobs.move(one, JobState.RUNNING)
    assert str(full()) == "2 jobs are waiting already. Try again when one has ended, or cancel one."
    assert full().fields["wait_s"] is None
    now[0] += 30.0
    jobs.move(one := next(iter(jobs)), JobState.WRITING)
    jobs.move(one, JobState.DONE)
    jobs.move(jobs.next(), JobState.RUNNING)
    one = sized(10, number=5)
    jobs.enter(one)
    now[0] += 10.0
    assert str(full()) == (
        "2 jobs are waiting already, about 1 min 20 s of work. Try again in about 20 s, or cancel one."
    )
    assert full().fields["wait_s"] == pytest.approx(20.0)


def test_the_pace_of_a_kind_is_its_own_where_it_is_known() -> None:
    pace = Pace()
    preview, full, edit = sized(8, steps=1).request, sized(8, steps=4).request, sized(8, Regenerate).request
    assert pace.expect_s(preview, 8) is None
    pace.learn(preview, 8, 1.0)
    assert pace.expect_s(full, 16) == 2.0, "better than nothing"
    pace.learn(full, 8, 4.0)
    assert (pace.expect_s(full, 16), pace.expect_s(preview, 16)) == (8.0, 2.0)
    assert pace.expect_s(edit, 0.0) == pytest.approx(0.0) and pace.expect_s(edit, 8) == pytest.approx(2.5)
    for sound_s in (4, 8, 16, 32):
        pace.learn(edit, sound_s, 3.0)
    assert pace.expect_s(edit, 100) == pytest.approx(3.0), "what does not depend on the length"
    for _ in range(12):
        pace.learn(preview, 8, 16.0)
    assert pace.expect_s(preview, 8) == 16.0, "old jobs are forgotten"
