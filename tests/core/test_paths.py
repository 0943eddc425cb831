"""Folders, atomic writing and locks: at every moment the old or the new is there, whole."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harmonicflow.core import paths
from harmonicflow.core.errors import HarmonicFlowError

FLAGS = ("O_WRONLY", "O_CREAT", "O_EXCL", "O_RDONLY", "O_RDWR")
CALLS = ("open", "write", "fsync", "close", "replace", "rename", "link")


class Failing(SimpleNamespace):
    """The `os` module, whose n-th call fails as a full disk does."""

    def __init__(self, fail_at: int) -> None:
        super().__init__(**{name: getattr(os, name) for name in FLAGS})
        self.calls = 0
        for name in CALLS:
            setattr(self, name, self._counted(name, fail_at))

    def _counted(self, name: str, fail_at: int) -> Any:
        def call(*args: Any) -> Any:
            self.calls += 1
            if self.calls == fail_at and name != "close":
                raise OSError(28, "No space left on device")
            return getattr(os, name)(*args)

        return call


def test_home_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path))
    assert paths.home() == tmp_path
    inside = (paths.takes_folder, paths.jobs_folder, paths.bundles_folder, paths.run_folder, paths.log_folder)
    folders = {folder() for folder in inside}
    assert {folder.parent for folder in folders} == {tmp_path} and len(folders) == 5
    monkeypatch.delenv(paths.HOME_VARIABLE)
    assert paths.home().name == "harmonicflow" and paths.home().is_absolute()


def test_owner_only_closes_an_open_folder(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    paths.owner_only(folder)
    folder.chmod(0o755)
    assert stat.S_IMODE(paths.owner_only(folder).stat().st_mode) == 0o700
    (tmp_path / "file").touch()
    with pytest.raises(HarmonicFlowError) as caught:
        paths.owner_only(tmp_path / "file")
    assert caught.value.code == "disk"


def test_write_atomic(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    for data in (b"one", b"two" * 100_000, b""):
        paths.write_atomic(file, data)
        assert file.read_bytes() == data
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_write_atomic_failing_at_every_call_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    counter = Failing(0)
    paths.write_atomic(tmp_path / "count", b"new", system=counter)  # type: ignore[arg-type]
    assert counter.calls >= 8
    for fail_at in range(1, counter.calls + 1):
        file = tmp_path / f"file{fail_at}"
        file.write_bytes(b"old")
        system = Failing(fail_at)
        try:
            paths.write_atomic(file, b"new", system=system)  # type: ignore[arg-type]
            content = b"new"
        except HarmonicFlowError as error:
            assert error.code == "disk" and "No space left" in str(error)
            content = file.read_bytes()
        assert file.read_bytes() == content and content in (b"old", b"new")
        assert not list(tmp_path.glob(".*.tmp"))


def test_publish_folder_failing_at_every_call_shows_nothing_half_written(tmp_path: Path) -> None:
    def build(name: str) -> Path:
        folder = tmp_path / name
        (folder / "inner").mkdir(parents=True)
        (folder / "bass.wav").write_bytes(b"bass")
        (folder / "inner" / "peaks").write_bytes(b"peaks")
        return folder

    (tmp_path / "takes").mkdir()
    counter = Failing(0)
    paths.publish_folder(build("tmp0"), tmp_path / "takes" / "t0", system=counter)  # type: ignore[arg-type]
    for fail_at in range(1, counter.calls + 1):
        temporary, final = build(f"tmp{fail_at}"), tmp_path / "takes" / f"t{fail_at}"
        try:
            paths.publish_folder(temporary, final, system=Failing(fail_at))  # type: ignore[arg-type]
        except HarmonicFlowError as error:
            assert error.code == "disk"
        whole = final if final.exists() else temporary
        assert (whole / "bass.wav").read_bytes() == b"bass" and (whole / "inner" / "peaks").read_bytes() == b"peaks"
        assert final.exists() != temporary.exists()


def test_publish_never_replaces_a_take(tmp_path: Path) -> None:
    for name in ("tmp", "take"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "take.json").write_text(name)
    with pytest.raises(HarmonicFlowError):
        paths.publish_folder(tmp_path / "tmp", tmp_path / "take")
    assert (tmp_path / "take" / "take.json").read_text() == "take"


def test_link_or_copy(tmp_path: Path) -> None:
    source = tmp_path / "bass.wav"
    source.write_bytes(b"sound")
    paths.link_or_copy(source, tmp_path / "linked.wav")
    assert (tmp_path / "linked.wav").stat().st_ino == source.stat().st_ino
    paths.link_or_copy(source, tmp_path / "copied.wav", system=Failing(1))  # type: ignore[arg-type]
    assert (tmp_path / "copied.wav").read_bytes() == b"sound"
    assert (tmp_path / "copied.wav").stat().st_ino != source.stat().st_ino
    with pytest.raises(HarmonicFlowError):
        paths.link_or_copy(source, tmp_path / "copied.wav")
    with pytest.raises(HarmonicFlowError):
        paths.link_or_copy(tmp_path / "gone.wav", tmp_path / "new.wav")


def test_remove_folder(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    paths.remove_folder(tmp_path / "a")
    paths.remove_folder(tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_lock_is_held_once_and_ends_with_its_process(tmp_path: Path) -> None:
    lock = paths.LockFile(tmp_path / "run" / "daemon.lock")
    script = (
        "import sys, pathlib; from harmonicflow.core.paths import LockFile\n"
        f"lock = LockFile(pathlib.Path({str(lock.path)!r}))\n"
        "print(lock.acquire(), flush=True); sys.stdin.read()"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "True\n"
        assert not lock.acquire() and lock.owner() == other.pid
        with pytest.raises(HarmonicFlowError, match=f"process {other.pid}"), lock:
            pass
        other.kill()
        other.wait()
    with lock:
        assert lock.owner() == os.getpid()
    assert lock.acquire()
    lock.release()
