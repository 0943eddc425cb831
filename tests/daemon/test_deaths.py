"""R4: the engine's process dies in every way there is; the daemon stays, and the next job is done soon."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harmonicflow.core.messages import Done, Failed

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux signals and limits")

LONG = {"bars": 64, "steps": 64}  # some seconds at the stand-in bundle
SIGNALS = (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)


def no_memory(pid: int) -> None:
    """From now on the process gets no more memory than it has."""
    import resource

    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
    size = pages * resource.getpagesize()
    resource.prlimit(pid, resource.RLIMIT_AS, (size, size))


def no_time(pid: int) -> None:
    """The system ends the process for the processor time it has used."""
    import resource

    resource.prlimit(pid, resource.RLIMIT_CPU, (1, 1))


def by_signal(number: int) -> Callable[[int], None]:
    return lambda pid: os.kill(pid, number)


KINDS: tuple[tuple[str, Callable[[int], None]], ...] = (
    *((number.name, by_signal(number)) for number in SIGNALS),
    ("processor time", no_time),
)


def deaths(house: Any, request_of: Any, count: int) -> float:
    """Kill workers at work, two for each job, and have one more job done after each pair; the slowest of those."""
    house.start()
    desk = house.desk()
    slowest, pid = 0.0, 0
    for first in range(0, count, 2):
        name = f"victim-{first}"
        desk.accepted(request_of(name, **LONG))
        for number in (first, first + 1):
            pid = desk.until(lambda status, old=pid: status.worker == "busy" and status.worker_pid != old).worker_pid
            KINDS[number % len(KINDS)][1](pid)
        failed = desk.replies()[-1]
        assert isinstance(failed, Failed) and failed.id == name and failed.error.code == "worker_died", failed
        assert "SIG" in failed.error.message and failed.error.todo
        began = time.monotonic()
        assert isinstance(desk.done(request_of(f"next-{first}")), Done)
        slowest = max(slowest, time.monotonic() - began)
    assert house.process.poll() is None and "Traceback" not in house.log()
    assert len(house.takes()) == (count + 1) // 2
    return slowest


def test_deaths_of_every_kind_are_contained(house: Any, request_of: Any, proven: Any) -> None:
    slowest = deaths(house, request_of, 8)
    assert slowest < 10
    proven("R4", cases=8, measured=f"the next job done within {slowest:.1f} s")


@pytest.mark.night
@pytest.mark.timeout(900)
def test_fifty_deaths(house: Any, request_of: Any, proven: Any) -> None:
    slowest = deaths(house, request_of, 50)
    assert slowest < 10
    proven("R4", cases=50, measured=f"the next job done within {slowest:.1f} s")


def test_a_worker_that_gets_no_more_memory(house: Any, request_of: Any, proven: Any) -> None:
    """The job fails in words, whichever library noticed first; the next one has a worker with all its memory."""
    house.start()
    desk = house.desk()
    pid = desk.until_ready().worker_pid
    no_memory(pid)
    desk.send(request_of("large", **LONG))
    answer = desk.replies()[-1]  # what fails inside a library may be a death: that is tried once more
    assert isinstance(answer, Done) or answer.error.code == "no_memory", answer
    began = time.monotonic()
    assert isinstance(desk.done(request_of("next")), Done)
    assert time.monotonic() - began < 10 and desk.status().worker_pid != pid
    proven("R4", cases=1)


def test_an_idle_worker_that_keeps_dying_is_started_less_and_less_often(house: Any, request_of: Any) -> None:
    """At once, then after 1 s and 2 s; a job that comes along then is done within 10 s all the same."""
    house.start()
    desk = house.desk()
    died, pauses, pid = 0.0, [], 0
    for _ in range(4):
        pid = desk.until(lambda status, old=pid: status.worker_pid not in (0, old)).worker_pid
        pauses.append(time.monotonic() - died)
        os.kill(pid, signal.SIGKILL)
        died = time.monotonic()
    assert pauses[1] < 1 <= pauses[2] < 2 <= pauses[3] < 4, pauses
    assert desk.until(lambda status: not status.worker_pid).worker == "down"
    began = time.monotonic()
    assert isinstance(desk.done(request_of()), Done)
    assert time.monotonic() - began < 10
    os.kill(desk.until_ready().worker_pid, signal.SIGKILL)
    began = time.monotonic()
    desk.until_ready()
    assert time.monotonic() - began < 5, "it has worked: the first restart is at once again"
