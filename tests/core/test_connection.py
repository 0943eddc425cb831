"""The connection file: private, atomic, and never that of a dead daemon."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from harmonicflow.core import connection, paths, wire
from harmonicflow.core.connection import Connection
from harmonicflow.core.errors import HarmonicFlowError


@pytest.fixture(autouse=True)
def _fresh_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "home"))


def of_process(pid: int, **changes: object) -> Connection:
    plain = Connection(
        pid=pid,
        started=connection.start_mark(pid),
        version="0.1.0",
        work="tcp://127.0.0.1:50001",
        control="tcp://127.0.0.1:50002",
        events="tcp://127.0.0.1:50003",
        key=wire.new_key().hex(),
    )
    return msgspec.structs.replace(plain, **changes)


def test_there_and_back_and_private() -> None:
    mine = of_process(os.getpid())
    file = connection.write(mine)
    assert connection.read() == connection.find() == mine and len(mine.key_bytes) == 32
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(paths.home().stat().st_mode) == 0o700


def test_no_daemon() -> None:
    assert connection.find() is None
    with pytest.raises(HarmonicFlowError) as caught:
        connection.read()
    assert caught.value.code == "no_daemon" and caught.value.exit_code == 3


def test_a_dead_daemons_file_is_no_daemon() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    connection.write(of_process(child.pid))
    assert connection.find() is not None
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and nobody has looked: a zombie
    assert connection.find() is None
    child.communicate()
    assert connection.find() is None
    connection.remove(os.getpid())  # a dead one's file may go
    assert not connection.connection_file().exists()


def test_a_later_process_with_the_same_id_is_not_the_daemon() -> None:
    mine = of_process(os.getpid())
    if not mine.started:
        pytest.skip("this system shows no start marks")
    connection.write(msgspec.structs.replace(mine, started=mine.started - 1))
    assert connection.find() is None


def test_remove_leaves_a_living_daemons_file() -> None:
    connection.remove(os.getpid())
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        connection.write(of_process(child.pid))
        connection.remove(os.getpid())
        assert connection.find() is not None
        child.kill()
    connection.write(of_process(os.getpid()))
    connection.remove(os.getpid())
    assert connection.find() is None


@pytest.mark.parametrize("text", [b"", b"{", b"null", b"\xff" * 10, b'{"pid":1}', b"[" * 60_000], ids=len)
def test_a_broken_file_is_no_daemon(text: bytes) -> None:
    connection.write(of_process(os.getpid())).write_bytes(text)
    assert connection.find() is None
    connection.remove(os.getpid())
    assert not connection.connection_file().exists()


def test_another_protocol_is_said() -> None:
    connection.write(of_process(os.getpid(), protocol=99))
    with pytest.raises(HarmonicFlowError, match="speaks protocol 99"):
        connection.read()


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are the profile's there")
def test_a_file_that_others_can_read_is_refused() -> None:
    connection.write(of_process(os.getpid())).chmod(0o644)
    with pytest.raises(HarmonicFlowError) as caught:
        connection.find()
    assert caught.value.code == "denied"
