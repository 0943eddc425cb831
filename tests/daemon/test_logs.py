"""Logs stay small, whoever writes them and whatever the disk says."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from daemon.disk import Disk, Mailbox
from daemon.logs import WORKER_FILE, WorkerLog, rotate
from daemon.timers import Timers
from harmonicflow.core import paths
from harmonicflow.core.settings import Settings

ROOT = Path(__file__).parents[2]


def sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in sorted(folder.iterdir())}


def test_a_file_that_another_process_writes_is_emptied_in_place(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    assert not rotate(log, 10, 2), "nothing there"
    with log.open("ab", buffering=0) as writer:
        for number in range(4):
            writer.write(b"%d" % number * 11)
            assert rotate(log, 10, 2)
            assert not rotate(log, 10, 2)
        writer.write(b"the end")
    assert sizes(tmp_path) == {"worker.log": 7, "worker.log.1": 10, "worker.log.2": 10}
    assert log.read_bytes() == b"the end"
    assert (tmp_path / "worker.log.1").read_bytes() == b"3" * 10
    assert (tmp_path / "worker.log.2").read_bytes() == b"2" * 10


def test_without_old_files(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    log.write_bytes(bytes(11))
    assert rotate(log, 10, 0) and sizes(tmp_path) == {"worker.log": 0}


def test_a_full_disk_gets_its_space_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "worker.log"
    log.write_bytes(bytes(11))

    def full(target: Path, data: bytes) -> None:
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(paths, "write_file", full)
    assert rotate(log, 10, 3) and sizes(tmp_path) == {"worker.log": 0}


def test_a_worker_that_never_stops_talking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process writes into the log all the time; the look every few seconds keeps it and its old ones small."""
    monkeypatch.setenv("HARMONICFLOW_HOME", str(tmp_path))
    file = tmp_path / "log" / WORKER_FILE
    file.parent.mkdir()
    mailbox, now = Mailbox(), [0.0]
    disk, timers = Disk(mailbox), Timers(lambda: now[0])
    code = f"import sys, time\nwhile True: sys.stderr.buffer.write(bytes({2**16})); time.sleep(0.001)"
    with file.open("ab") as stderr, subprocess.Popen([sys.executable, "-c", code], stderr=stderr) as talker:
        WorkerLog(timers, disk, Settings(log_mb=1, log_files=2)).keep_small()
        deadline, rotated, last = time.monotonic() + 30, 0, 0
        while rotated < 5 and time.monotonic() < deadline:
            now[0] += 1.9
            timers.look()
            time.sleep(0.01)
            size = file.stat().st_size
            rotated, last = rotated + (size < last), size
        talker.kill()
    disk.close()
    mailbox.close()
    assert rotated == 5
    found = sizes(tmp_path / "log")
    del found[WORKER_FILE]  # what came since the last look
    assert found == {f"{WORKER_FILE}.1": 1_000_000, f"{WORKER_FILE}.2": 1_000_000}


def test_the_daemons_own_log(tmp_path: Path) -> None:
    code = (
        "import logging\nfrom daemon import logs\nfrom harmonicflow.core.settings import Settings\n"
        "logs.open_log(False, Settings(log_mb=1, log_files=2))\n"
        "for number in range(40_000): logging.getLogger('harmonicflow.daemon').info('%d %s', number, 'x' * 90)\n"
    )
    environment = {"HARMONICFLOW_HOME": str(tmp_path / "home"), "PATH": ""}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
    found = sizes(tmp_path / "home" / "log")
    assert set(found) == {"daemon.log", "daemon.log.1", "daemon.log.2"}
    assert max(found.values()) <= 1_000_000
    assert (tmp_path / "home" / "log").stat().st_mode & 0o077 == 0
    assert "39999" in (tmp_path / "home" / "log" / "daemon.log").read_text()[-200:]
