"""Metrics: counted where jobs move, and read by the parser that monitoring programs use."""

import math
import re
from uuid import uuid4

import pytest
from prometheus_client.parser import text_string_to_metric_families

from daemon.metrics import BUCKETS_S, FAMILIES, MAX_LABELS, PREFIX, Meter, Sample
from harmonicflow.core.messages import Cancel, DaemonEvent, ErrorWire, JobEvent, JobState, Metrics, ShowTake


def read(text):
    """Every sample by (name, labels), the way a monitoring program reads it; the text must be in order."""
    families = {family.name: family for family in text_string_to_metric_families(text)}
    for name, family in FAMILIES.items():
        found = families[PREFIX + (name.removesuffix("_total") if family.kind == "counter" else name)]
        assert (found.type, found.documentation) == (family.kind, family.words)
    samples = [sample for family in families.values() for sample in family.samples]
    found = {(sample.name.removeprefix(PREFIX), *sorted(sample.labels.items())): sample.value for sample in samples}
    assert len(found) == len(samples), "a sample twice"
    assert all(re.fullmatch(r"[a-z_]+", sample.name) and not math.isnan(sample.value) for sample in samples)
    return found


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


def event(job, state, stage="", code=""):
    error = ErrorWire(code=code, message="x", todo="y") if code else None
    return JobEvent(seq=1, job=job, request_id="r", state=state, stage=stage, error=error)


def run(meter, clock, job, moves):
    for seconds, state, *more in moves:
        clock.now_s += seconds
        meter.job(event(job, state, *more))


DONE = [
    (0, JobState.QUEUED), (2, JobState.LOADING), (1, JobState.RUNNING, "perform"), (3, JobState.RUNNING, "mix"),
    (0.5, JobState.RUNNING, "perform"), (4, JobState.RUNNING, "mix"), (0.5, JobState.WRITING, "write"),
    (0.25, JobState.DONE),
]  # fmt: skip


def test_the_time_of_a_job_is_taken_apart(clock):
    meter = Meter(lambda: (), clock)
    run(meter, clock, "a", DONE)
    found = read(meter.text())
    spent = {labels[0][1]: value for (name, *labels), value in found.items() if name == "job_stage_seconds_sum"}
    assert spent == {"queued": 2.0, "loading": 1.0, "perform": 7.0, "mix": 1.0, "writing": 0.25}
    assert found["job_seconds_sum", ("state", "done")] == sum(spent.values()) == 11.25
    assert found["job_stage_seconds_count", ("stage", "perform")] == 1
    buckets = {bound: found["job_stage_seconds_bucket", ("le", bound), ("stage", "perform")]
               for bound in (*map(repr, BUCKETS_S), "+Inf")}  # fmt: skip
    assert buckets["5.0"] == 0 and buckets["10.0"] == buckets["600.0"] == buckets["+Inf"] == 1


def test_a_bound_belongs_to_its_bucket_and_buckets_only_grow(clock):
    meter = Meter(lambda: (), clock)
    for seconds in (0.0, 0.05, 0.0501, 600.0, 5000.0):
        run(meter, clock, "a", [(0, JobState.QUEUED), (seconds, JobState.DONE)])
    found = read(meter.text())
    counts = [found["job_stage_seconds_bucket", ("le", bound), ("stage", "queued")]
              for bound in (*map(repr, BUCKETS_S), "+Inf")]  # fmt: skip
    assert counts == sorted(counts) and (counts[0], counts[1], counts[-2], counts[-1]) == (2, 3, 4, 5)


def test_failures_by_code_and_jobs_whose_worker_died(clock):
    meter = Meter(lambda: (), clock)
    run(meter, clock, "a", [(0, JobState.QUEUED), (1, JobState.RUNNING, "perform"), (1, JobState.QUEUED),
                            (1, JobState.RUNNING, "perform"), (1, JobState.FAILED, "", "worker_died")])  # fmt: skip
    run(meter, clock, "b", [(0, JobState.QUEUED), (0, JobState.QUEUED), (1, JobState.CANCELLED)])
    found = read(meter.text())
    assert found["jobs_total", ("state", "failed")] == found["jobs_total", ("state", "cancelled")] == 1
    assert found["jobs_total", ("state", "done")] == 0
    assert found["job_failures_total", ("code", "worker_died")] == 1
    assert found["job_retries_total",] == 1  # moving up in the queue is none
    assert not any(name == "job_stage_seconds_count" for name, *_ in found)


def test_labels_are_escaped_and_their_number_is_bounded(clock):
    meter = Meter(lambda: [Sample("info", 1, ('a"b\\c\nd', "é"))], clock)
    for number in range(3 * MAX_LABELS):
        meter.daemon(DaemonEvent(seq=1, what=f"thing {number}"))
    found = read(meter.text())
    assert found["info", ("bundle", "é"), ("version", 'a"b\\c\nd')] == 1
    events = {labels[0][1]: value for (name, *labels), value in found.items() if name == "daemon_events_total"}
    assert len(events) == MAX_LABELS + 1 and sum(events.values()) == 3 * MAX_LABELS
    assert events["other"] == 2 * MAX_LABELS


def test_nothing_is_kept_of_jobs_that_have_ended(clock):
    meter = Meter(lambda: (), clock)
    for number in range(100):
        run(meter, clock, f"job-{number}", DONE)
    assert not meter._watched and len(meter.text()) < 20_000
    meter.job(event("job-1", JobState.DONE))  # told again: not counted again
    assert read(meter.text())["jobs_total", ("state", "done")] == 100


def test_a_running_daemon(open_house, request_of):
    desk = open_house.desk()
    before = read(desk.ask(Metrics(id=uuid4().hex)).text)
    desk.done(request_of())
    assert desk.ask(ShowTake(id=uuid4().hex, take="no-such-take")).error.code == "unknown_take"
    desk.ask(Cancel(id=uuid4().hex, job="no-such-job"))
    stranger = open_house.desk(key=b"x" * 32)
    stranger.send(Metrics(id="stranger"), socket=stranger.control)
    stranger.control.poll(5000)
    status = desk.status()
    found = read(desk.ask(Metrics(id=uuid4().hex)).text)

    def rise(*key):
        return found[key] - before.get(key, 0)

    assert rise("jobs_total", ("state", "done")) == 1 and rise("takes") == 1
    assert rise("job_stage_seconds_count", ("stage", "perform")) == 1
    assert rise("job_stage_seconds_count", ("stage", "queued")) == 1
    assert rise("answers_failed_total", ("code", "unknown_take"), ("door", "control")) == 1
    assert rise("answers_failed_total", ("code", "unknown_job"), ("door", "control")) == 1
    assert rise("messages_refused_total", ("door", "control")) == 1
    assert found["info", ("bundle", status.bundle), ("version", status.version)] == 1
    assert found["worker_state", ("state", "ready")] == 1 and found["worker_state", ("state", "busy")] == 0
    assert found["jobs_waiting",] == found["jobs_running",] == 0 and found["queue_limit",] == 32
    assert found["disk_bytes",] > found["disk_free_bytes",] > 0 and found["open_files",] > 5
    for process, bytes_ in (("daemon", status.daemon_rss_bytes), ("worker", status.worker_rss_bytes)):
        assert found["memory_bytes", ("process", process)] == pytest.approx(bytes_, rel=0.2)
