"""The worker's keeper: deadlines, deaths in words, and workers that are given up."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon import supervise
from daemon.backoff import WANTED_S, Backoff
from daemon.disk import Disk, Mailbox, in_words
from daemon.supervise import End, Supervisor, exit_reason
from daemon.timers import Timers
from harmonicflow.core.errors import HarmonicFlowError

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    mailbox = Mailbox()
    yield mailbox
    mailbox.close()


class Loop:
    """The server's loop, as far as the keeper needs it."""

    def __init__(self, mailbox: Mailbox, folder: Path, memory_limit: int = 0) -> None:
        self.mailbox = mailbox
        self.timers = Timers()
        self.ended: list[End] = []
        self.supervisor = Supervisor(
            mailbox, self.timers, 1, folder / "worker.log", self.ended.append, memory_limit=memory_limit
        )

    def end(self, seconds: float = 20.0) -> End:
        """Turn until a worker has ended."""
        deadline = time.monotonic() + seconds
        while not self.ended:
            assert time.monotonic() < deadline
            for call in self.mailbox.collect():
                call()
            self.timers.look()
            time.sleep(0.01)
        return self.ended.pop()


@pytest.fixture
def loop(mailbox: Mailbox, tmp_path: Path) -> Iterator[Loop]:
    loop = Loop(mailbox, tmp_path)
    yield loop
    loop.supervisor.close()


def test_a_bundle_that_loads_for_ever(loop: Loop, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S7, with a limit so short that any bundle is too slow."""
    monkeypatch.setattr(supervise, "LOAD_LIMIT_S", 0.05)
    supervisor = loop.supervisor
    assert supervisor.start(bundle) and not supervisor.start(bundle)
    assert "load the bundle" in loop.end().reason and supervisor.state == "none" and supervisor.pid == 0
    assert loop.timers.wait_s() is None, "no deadline stays behind"


def test_a_worker_that_is_closed_is_not_reported(loop: Loop, bundle: Path) -> None:
    supervisor = loop.supervisor
    supervisor.start(bundle)
    first, key = supervisor.pid, supervisor.key
    supervisor.close()
    assert supervisor.key == b""
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    supervisor.start(bundle)
    assert supervisor.key != key, "a late report of the first one counts for nothing"
    os.kill(supervisor.pid, signal.SIGKILL)
    assert loop.end() == End("ended by SIGKILL")


@linux
def test_a_bundle_that_takes_too_much_memory_to_load(mailbox: Mailbox, tmp_path: Path, bundle: Path) -> None:
    """S7: a graph may ask for any size when it is loaded."""
    loop = Loop(mailbox, tmp_path, memory_limit=10_000_000)  # less than Python needs
    loop.supervisor.start(bundle)
    error = loop.end().error
    assert error and error.code == "bad_bundle" and "10 MB of memory" in error.message
    assert loop.supervisor.backoff.deaths == 1, "it is not loaded for ever"


def test_the_pause_before_a_start_grows_while_nothing_works() -> None:
    now = [0.0]
    backoff = Backoff(lambda: now[0])
    assert backoff.left_s(wanted=False) == 0
    pauses = []
    for _ in range(50):
        backoff.died()
        pauses.append(backoff.left_s(wanted=False))
        assert backoff.left_s(wanted=True) == min(pauses[-1], WANTED_S)
        now[0] += pauses[-1]
        assert backoff.left_s(wanted=False) == 0
    assert pauses[:9] == [0, 1, 2, 4, 8, 16, 32, 60, 60] and set(pauses[9:]) == {60}
    backoff.worked()
    backoff.died()
    assert backoff.left_s(wanted=False) == 0, "the first restart is at once"


def test_timers_come_in_order_and_can_be_taken_back() -> None:
    now, heard = [0.0], []
    timers = Timers(lambda: now[0])
    timers.set("late", 0.3, lambda: heard.append("late"))
    timers.set("early", 0.1, lambda: (heard.append("early"), timers.drop("middle")))
    timers.set("middle", 0.2, lambda: heard.append("middle"))
    timers.set("late", 0.4, lambda: heard.append("later"))
    timers.look()
    assert timers.wait_s() == 0.1 and not heard and "late" in timers
    now[0] = 0.5
    timers.look()
    assert heard == ["early", "later"] and timers.wait_s() is None


def test_no_deadline_passes_while_the_loop_is_away() -> None:
    """R15: after an hour of sleep everything has as long left as before."""
    now, heard = [0.0], []
    timers = Timers(lambda: now[0])
    timers.set("job", 3.0, lambda: heard.append("job"))
    now[0] = 1.0
    timers.look()
    now[0] += 3600
    timers.look()
    assert not heard and timers.wait_s() == pytest.approx(2.0)
    for _ in range(20):
        now[0] += 0.1
        timers.look()
    now[0] += 0.1
    timers.look()
    assert heard == ["job"]


def test_exits_in_words() -> None:
    assert exit_reason(-11) == "ended by SIGSEGV" and exit_reason(3) == "exit code 3"
    assert exit_reason(-999) == "ended by signal 999"


def test_the_workers_log_does_not_grow_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "worker.log"
    for _ in range(4):
        with supervise.open_log(path, keep_bytes=100) as file:
            file.write(b"x" * 60)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["worker.log", "worker.log.1"]
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) == 240


def test_the_disk_thread_keeps_the_order_and_says_errors_in_words(mailbox: Mailbox) -> None:
    disk = Disk(mailbox)
    heard: list[object] = []

    def broken() -> int:
        raise OSError(28, "No space left on device", "/x")

    def mistaken() -> int:
        raise ZeroDivisionError("oh")

    disk.run(lambda: time.sleep(0.05) or 1, heard.append, heard.append)
    disk.run(broken, heard.append, lambda error: heard.append(error.code))
    disk.run(mistaken, heard.append, lambda error: heard.append(error.code))
    disk.run(lambda: 2, heard.append, heard.append)
    disk.close()
    for call in mailbox.collect():
        call()
    assert heard == [1, "disk", "engine_failed", 2]
    assert in_words(HarmonicFlowError("cancelled")).code == "cancelled"
