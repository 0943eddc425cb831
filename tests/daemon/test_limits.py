"""What a job may use: time, memory, and what is said when it is more."""

import sys
import time
from typing import Any

import pytest

from daemon import limits
from harmonicflow.core.messages import Cancel, Cancelled, Done, Failed
from harmonicflow.core.settings import Settings

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
LONG = {"bars": 64, "steps": 64, "count": 16}  # a minute at the stand-in bundle


def test_the_time_of_a_job_grows_with_its_sound() -> None:
    settings = Settings(job_seconds_per_second=10, job_seconds_least=100)
    assert [limits.job_seconds(settings, sound_s) for sound_s in (1, 10, 60)] == [100, 100, 600]
    assert limits.job_seconds(Settings(job_seconds_per_second=0), 60) == 0, "without limit"
    assert limits.job_seconds(Settings(), 300) == 18_000


def test_the_memory_is_a_quarter_of_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits.worker_bytes(Settings(worker_memory_mb=300)) == 300_000_000
    for machine, least in ((0, 2_000_000_000), (4 << 30, 2_000_000_000), (64_000_000_000, 16_000_000_000)):
        monkeypatch.setattr(limits, "machine_bytes", lambda machine=machine: machine)
        assert limits.worker_bytes(Settings()) == least


def test_a_container_may_have_less_than_its_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(limits, "CGROUP", tmp_path / "memory.max")
    whole = limits.machine_bytes()
    for text, found in (("max\n", whole), ("123456\n", min(whole, 123_456))):
        limits.CGROUP.write_text(text)
        assert limits.machine_bytes() == found


def test_a_job_that_takes_too_long(house: Any, request_of: Any) -> None:
    """It is stopped, fails in words and is not tried again; the same engine does the next one."""
    house.environment |= {"HARMONICFLOW_JOB_SECONDS_PER_SECOND": "0.0001", "HARMONICFLOW_JOB_SECONDS_LEAST": "2"}
    house.start()
    desk = house.desk()
    pid = desk.until_ready().worker_pid
    desk.accepted(request_of("long", **LONG))
    began = time.monotonic()
    failed = desk.replies()[-1]
    assert isinstance(failed, Failed) and failed.error.code == "job_time" and "2 seconds" in failed.error.message
    assert "job_seconds_per_second" in failed.error.todo
    assert 1.5 < time.monotonic() - began < 4
    assert isinstance(desk.done(request_of("short")), Done)
    assert desk.status().worker_pid == pid and len(house.takes()) == 1
    desk.send(request_of("long", **LONG))
    assert desk.replies()[-1] == failed, "the stored reply"
    desk.accepted(request_of("unwanted", **LONG))
    desk.until(lambda status: status.worker == "busy")
    desk.ask(Cancel(id="c"))
    assert isinstance(desk.replies(Cancelled)[-1], Cancelled), "who cancels it is told that"


@linux
def test_a_job_that_needs_too_much_memory(house: Any, request_of: Any) -> None:
    """It fails in words, its engine is replaced at once, and what stands behind it is done."""
    house.start()
    small = house.desk()
    idle = small.until_ready().worker_rss_bytes
    small.done(request_of("measure"))
    limit_mb = max(idle, small.status().worker_peak_bytes) // 1_000_000 + 60
    house.stop()
    house.environment["HARMONICFLOW_WORKER_MEMORY_MB"] = str(limit_mb)
    house.start()
    desk = house.desk()
    pid = desk.until_ready().worker_pid
    desk.send(request_of("large", bars=400))
    desk.send(request_of("behind"))
    answers = [answer for answer in desk.replies() if answer.id == "large"]
    assert isinstance(answers[-1], Failed) and answers[-1].error.code == "job_memory", answers[-1]
    assert f"may have {limit_mb}" in answers[-1].error.message and "worker_memory_mb" in answers[-1].error.todo
    assert isinstance(desk.replies()[-1], Done)
    assert desk.status().worker_pid != pid and desk.status().worker_peak_bytes < limit_mb * 1e6
    assert len(house.takes()) == 2
