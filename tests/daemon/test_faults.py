"""R1, R2, R11: everything the store does, with a disk that fails at its n-th call, for every n and five faults."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from daemon.job_folders import JobFolders
from daemon.journal import JobRecord, Journal, TakeRecord
from daemon.server import open_store
from daemon.store import complete
from daemon.takes import STAGING, Takes
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import ClipSpec, Generate, TakeSummary
from tests.daemon.faults import FAULTS, SQLITE, Disk, PowerCut

ROOT = Path(__file__).parents[2]
SOUND = b"sound " * 300
CLIP = b"\0\0\0\0" * 2 * 50


class Day:
    """What happens in a store between two starts, and what was promised to clients on the way."""

    def __init__(self, home: Path, request: Generate, tell: Callable[[str], object] = lambda line: None) -> None:
        self.home = home
        self.request = request
        self.tell = tell  # what a client would hear, at once
        self.accepted: set[str] = set()
        self.refused: set[str] = set()  # a row may be there all the same: the commit failed after its last write
        self.ended: dict[str, str] = {}  # by job the state that the client heard
        self.untold: set[str] = set()  # takes that can be seen though the client heard of an error
        self.starred = self.leaving = self.removed = False
        self.store: tuple[Journal, Takes, JobFolders] | None = None

    def live(self) -> None:
        """Finish, fail, leave and cancel a job; star a take, remove one. Errors cost only what they hit."""
        self.store = _worded(open_store)
        if self.store is None:
            return
        for job, end in (("a", "done"), ("b", "failed"), ("c", ""), ("d", "cancelled")):
            if self._accept(job) and end:
                self._end(job, end)
        journal, takes, _ = self.store
        if self.ended.get("a") == "done":
            self.starred = _worded(lambda: takes.star("a-1", True) or True)
            self.tell(f"starred {self.starred}")
            self.leaving = True
            self.tell("leaving True")
            self.removed = _worded(lambda: takes.remove("a-2") or True)
            self.tell(f"removed {self.removed}")
            _worded(lambda: journal.forget({"a-2"}))
        _worded(journal.requeue)

    def close(self) -> None:
        if self.store:
            self.store[0].close()

    def _accept(self, job: str) -> bool:
        assert self.store
        journal, _, folders = self.store
        request = msgspec.structs.replace(self.request, id=f"request-{job}")

        def keep() -> bool:
            folders.keep(job, request, [memoryview(CLIP)])
            journal.accept(JobRecord(job, request.id, "f" * 64, "generate", 1.0, "queued", 0, "", ()))
            return True

        if _worded(keep):
            self.accepted.add(job)
            self.tell(f"accepted {job}")
            _worded(lambda: folders.remember(job))
            return True
        self.refused.add(job)
        _worded(lambda: folders.remove(job))
        return False

    def _end(self, job: str, state: str) -> None:
        assert self.store
        journal, takes, folders = self.store

        def place() -> bool:
            staging = takes.staging(job)
            summaries = stage(staging, job)
            _worded(lambda: journal.died(job, 1))
            if state == "done":
                complete(journal, takes, job, staging, summaries)
            else:
                journal.finish(job, state)
            return True

        if not _worded(place):
            self.untold = {path.name for path in takes.root.glob(f"{job}-?")}
        else:
            self.ended[job] = state
            self.tell(f"ended {job} {state}")
            _worded(lambda: folders.remove(job))
            _worded(lambda: takes.discard(job))

    def hear(self, lines: list[str]) -> None:
        """Take over what another process has told of the same day."""
        for what, *words in map(str.split, lines):
            if what == "accepted":
                self.accepted.add(words[0])
            elif what == "ended":
                self.ended[words[0]] = words[1]
            else:
                setattr(self, what, words[0] == "True")


def stage(staging: Path, job: str) -> tuple[TakeSummary, ...]:
    """What a worker writes: two takes."""
    made = tuple(TakeSummary(take=f"{job}-{number}", folder="", created="2026-01-01") for number in (1, 2))
    for each in made:
        folder = staging / each.take
        (folder / "peaks").mkdir(parents=True)
        (folder / "mix.wav").write_bytes(SOUND)
        (folder / "take.json").write_bytes(msgspec.json.encode({"summary": each}))
    return made


def _worded(call: Any) -> Any:
    """The answer, or None where the disk refused in words."""
    try:
        return call()
    except (HarmonicFlowError, OSError) as error:
        assert isinstance(error, OSError) or error.code == "disk", error
        return None


@pytest.fixture
def request_with_clip(request_of: Any) -> Generate:
    found: Generate = request_of("r", clip=ClipSpec(rate=44_100, channels=2, frames=50))
    return found


@pytest.fixture
def no_syncs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every n-th call is a whole day of the store: nobody waits for the real disk."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    if SQLITE:
        monkeypatch.setattr(SQLITE, "syncs", False)
    yield


@pytest.mark.skipif(SQLITE is None, reason="this Python's SQLite cannot be reached")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_day_of_the_store_at_every_call(
    tmp_path: Path, request_with_clip: Generate, monkeypatch: pytest.MonkeyPatch, no_syncs: None, fault: str,
    proven: Any,
) -> None:  # fmt: skip
    n, disk = 0, None
    while disk is None or disk.failed:
        n += 1
        home = tmp_path / f"{n}"
        monkeypatch.setenv("HARMONICFLOW_HOME", str(home))
        day = Day(home, request_with_clip)
        with Disk(n, fault) as disk:
            try:
                day.live()
            except PowerCut:
                assert fault == "power cut"
            finally:
                day.close()  # the process is gone; what it would still write does not arrive
        assert not day.untold or not FAULTS[fault][1], f"{day.untold} after {fault} at call {n}"
        check_after(day, f"{fault} at call {n} of {disk.calls[:n][-3:]}")
    assert n > 150 and {"sqlite write", "sqlite sync", "rename", "mkdir", "rmdir"} <= set(disk.calls), "calls are seen"
    proven("R11" if fault != "power cut" else "R1", n - 1, f"{fault} at each of {n - 1} calls")


def check_after(day: Day, where: str) -> None:
    """The next start, with a disk that works: all promises are kept, and the day can be lived to its end."""
    takes_root = day.home / "takes"
    seen = {path.name for path in takes_root.iterdir() if path.name != STAGING} if takes_root.exists() else set()
    for take in seen:
        assert (takes_root / take / "mix.wav").read_bytes() == SOUND, f"half a take is visible: {where}"
        assert (takes_root / take / "take.json").exists(), where
    journal, takes, folders = open_store()
    with journal:
        assert journal.sound(), where
        unfinished = {job.id for job in journal.unfinished()}
        for job in day.accepted:
            row = journal.by_id(job)
            assert row is not None, f"an accepted job is unknown: {where}"
            assert row.state == day.ended.get(job, row.state), where
        for job in unfinished - day.refused:
            assert folders.request(job).id == f"request-{job}", f"a row without its request: {where}"
            assert (folders.folder(job) / "clip.f32").read_bytes() == CLIP, where
        for job, state in day.ended.items():
            if state == "done":
                kept = {f"{job}-1", f"{job}-2"} - ({"a-2"} if day.leaving else set())
                assert kept <= seen & journal.take_ids(), f"an acknowledged take is lost: {where}"
        assert not day.removed or "a-2" not in seen, where
        assert not day.starred or "a-1" in takes.starred, where
        assert journal.take_ids() == seen, f"rows and folders differ: {where}"
        assert {path.name for path in folders.root.iterdir()} <= unfinished | {".last"}, where
        assert not (takes_root / STAGING).exists(), where
        for job in unfinished:  # they run again: each take once
            staging = takes.staging(job)
            placed = takes.publish(staging, stage(staging, job))
            journal.finish(job, "done", takes=[TakeRecord(t.take, job, msgspec.json.encode(t)) for t in placed])
        assert not journal.unfinished() and journal.take_ids() == {p.name for p in takes_root.glob("[!.]*")}, where


CALLS = (
    "write", "pwrite64", "fsync", "fdatasync", "rename", "unlink", "unlinkat", "mkdir", "rmdir", "ftruncate", "link",
    "chmod", "fchmod",
)  # fmt: skip
LIVE = """
import sys
from pathlib import Path
import msgspec
from harmonicflow.core.messages import Generate
from tests.daemon.test_faults import Day
request = msgspec.json.decode(sys.argv[2], type=Generate)
Day(Path(sys.argv[1]), request, lambda line: print(line, flush=True)).live()
print("over", flush=True)
"""


def live_until(call: str, n: int, home: Path, request: Generate) -> list[str]:
    """A day in a process of its own, which the system kills at the n-th call of one kind; what it told."""
    wanted = ["-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={n}"]
    strace = ["strace", "-f", "-qq", "-o", os.devnull, *wanted]
    command = [*strace, sys.executable, "-B", "-c", LIVE, str(home), msgspec.json.encode(request).decode()]
    environment = {**os.environ, "HARMONICFLOW_HOME": str(home)}
    ran = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    return [line.strip() for line in ran.stdout.splitlines(keepends=True) if line.endswith("\n")]


@pytest.mark.night
@pytest.mark.timeout(3600)
def test_kill_9_at_every_system_call(
    tmp_path: Path, request_with_clip: Generate, monkeypatch: pytest.MonkeyPatch, proven: Any
) -> None:
    """The same day in a process that the kernel ends at its n-th call, for every n and every call that writes."""
    if not shutil.which("strace") or live_until("write", 10_000, tmp_path / "x", request_with_clip)[-1:] != ["over"]:
        pytest.skip("needs strace and the right to trace")
    kills: dict[str, int] = {}
    for call in CALLS:
        for n in range(1, 1000):
            home = tmp_path / f"{call}{n}"
            lines = live_until(call, n, home, request_with_clip)
            if lines[-1:] == ["over"]:
                break
            kills[call] = n
            monkeypatch.setenv("HARMONICFLOW_HOME", str(home))
            day = Day(home, request_with_clip)
            day.hear(lines)
            check_after(day, f"killed at {call} {n}, after {lines[-1:]}")
            shutil.rmtree(home)
    assert min(kills.get(call, 0) for call in ("pwrite64", "fsync", "fdatasync", "rename", "mkdir")) > 1, kills
    proven("R1", sum(kills.values()), f"kill -9 at each of {sum(kills.values())} system calls that write")
