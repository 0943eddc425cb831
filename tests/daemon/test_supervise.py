"""The worker's keeper: deadlines, deaths in words, and workers that are given up."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon import supervise
from daemon.disk import Disk, Mailbox, in_words
from daemon.supervise import Supervisor, exit_reason
from harmonicflow.core.errors import HarmonicFlowError


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    mailbox = Mailbox()
    yield mailbox
    mailbox.close()


def turn(mailbox: Mailbox, supervisor: Supervisor, until: list[str], seconds: float = 20.0) -> None:
    """The server's loop, as far as the keeper needs it."""
    deadline = time.monotonic() + seconds
    while not until:
        assert time.monotonic() < deadline
        for call in mailbox.collect():
            call()
        supervisor.look()
        time.sleep(0.01)


def test_a_bundle_that_loads_for_ever(
    tmp_path: Path, bundle: Path, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S7, with a limit so short that any bundle is too slow."""
    monkeypatch.setattr(supervise, "LOAD_LIMIT_S", 0.05)
    ended: list[str] = []
    supervisor = Supervisor(mailbox, 1, tmp_path / "worker.log", ended.append)
    assert supervisor.start(bundle) and not supervisor.start(bundle)
    turn(mailbox, supervisor, ended)
    assert "load the bundle" in ended[0] and supervisor.state == "none" and supervisor.pid == 0


def test_a_worker_that_is_closed_is_not_reported(tmp_path: Path, bundle: Path, mailbox: Mailbox) -> None:
    ended: list[str] = []
    supervisor = Supervisor(mailbox, 1, tmp_path / "worker.log", ended.append)
    supervisor.start(bundle)
    first, key = supervisor.pid, supervisor.key
    supervisor.close()
    assert supervisor.key == b""
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    supervisor.start(bundle)
    assert supervisor.key != key, "a late report of the first one counts for nothing"
    os.kill(supervisor.pid, signal.SIGKILL)
    turn(mailbox, supervisor, ended)
    assert ended == ["ended by SIGKILL"]


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
