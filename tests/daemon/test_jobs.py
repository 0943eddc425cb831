"""The table of states, the bounded queue and the numbered events."""

import pytest

from daemon.jobs import MOVES, QUEUE_LIMIT, Job, Jobs
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import FINAL_STATES, JobEvent, JobState, Regenerate


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
