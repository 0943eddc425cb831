"""What the spool survives: kill -9 at any moment and between any two steps, folders that go, disks that refuse."""

import json
import os
import random
import resource
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from daemon.outbox import Outbox
from daemon.takes import Takes
from harmonicflow.core import spool
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import ClipSpec, JobState

from .conftest import wait_for
from .scripting import Script
from .test_store import FailingOs

LONG = {"bars": 48, "steps": 48}  # some seconds at the stand-in bundle


@pytest.fixture
def script(house: Any) -> Script:
    house.start()
    script = Script(house.home)
    wait_for(lambda: (beat := script.beat()) and beat["beat"] > 1)  # from here on it hears signals
    return script


def edit(file: Path, **fields: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_bytes()) | fields))


def test_a_job_goes_on_under_the_next_daemon(house: Any, script: Script, request_of: Any) -> None:
    name = script.send(request_of(bars=24, steps=24))
    waiting = script.send(request_of(bars=1))
    job = script.state(name, "running")["job"]
    script.until(waiting, lambda report: report["job"])
    wait_for(lambda: script.beat()["worker"] == "busy")
    house.kill()
    beat, left = script.beat(), script.report(name)
    assert left["state"] in ("running", "writing") and beat["worker"] == "busy"
    time.sleep(1.2)
    assert script.beat() == beat, "a dead daemon's sign of life stays the same"
    house.start()
    fresh = wait_for(lambda: (now := script.beat()) and now["pid"] != beat["pid"] and now)
    assert fresh["pid"] == house.process.pid
    end = script.end(name)
    assert (end["state"], end["job"]) == ("done", job) and len(house.takes()) >= 1
    assert script.end(waiting)["state"] == "done" and not script.waiting()
    assert house.stop() == 0
    assert script.beat() is None, "an orderly end takes it away"


def test_a_kill_between_two_steps(house: Any, script: Script, request_of: Any, clip: np.ndarray) -> None:
    """Journal, report, removal: whichever of them a crash took, the job is done once, and nothing is left."""
    spec = ClipSpec(rate=44_100, channels=2, frames=clip.shape[1])
    names = ["before-the-report", "before-the-removal", "half-removed"]
    requests = {name: request_of(name, clip=spec) for name in names}
    for request in requests.values():
        script.send(request, [clip])
    jobs = {name: script.until(name, lambda report: report["job"])["job"] for name in names}
    wait_for(lambda: not script.waiting())
    house.kill()
    (script.outbox / "before-the-report.json").unlink()
    for name in names[:2]:  # their files are still there
        script.send(requests[name], [clip])
    script.put("half-removed.0.f32", clip.tobytes())
    edit(script.outbox / "before-the-removal.json", state="queued", takes=[])
    house.start()
    ends = {name: script.end(name) for name in names}
    assert {name: end["job"] for name, end in ends.items()} == jobs
    assert all(end["state"] == "done" and len(end["takes"]) == 1 for end in ends.values())
    assert len(house.takes()) == 3
    wait_for(lambda: script.waiting() in ([], ["half-removed.0.f32"]))  # an orphan, for the sweep a day later


def test_reports_get_their_stored_end(house: Any, script: Script, request_of: Any) -> None:
    """The daemon was killed after the end was in the journal and before it was in the report."""
    done = script.end(script.send(request_of("done")))
    failed = script.end(script.send(request_of("failed", chords="H#13")))
    assert failed["error"]["code"] == "bad_chord" and failed["job"]
    kept = script.send(request_of("kept"))
    script.end(kept)
    house.kill()
    untouched = (script.outbox / "kept.json").stat()
    for name in ("done", "failed"):
        edit(script.outbox / f"{name}.json", state="running", takes=[], error=None)
    strange = json.loads((script.outbox / "done.json").read_bytes()) | {"id": "strange", "job": "nobodys"}
    (script.outbox / "strange.json").write_text(json.dumps(strange))
    (script.outbox / "half.json").write_text('{"kind": "rep')
    house.start()
    assert script.end("done") == done and script.end("failed") == failed
    assert script.end("strange")["error"]["code"] == "unknown_job"
    assert (script.outbox / "kept.json").stat().st_mtime_ns == untouched.st_mtime_ns
    shutil.rmtree(done["takes"][0]["folder"])
    edit(script.outbox / "done.json", state="running", takes=[])
    house.kill()
    house.start()
    assert script.end("done")["error"]["code"] == "unknown_take"


def test_requests_are_there_before_the_daemon(house: Any, script: Script, request_of: Any) -> None:
    assert house.stop() == 0
    name = script.send(request_of())
    half = script.inbox / ".half.json.tmp"
    half.write_text("{")
    house.start()
    assert script.end(name)["state"] == "done" and half.exists(), "somebody may be writing it"


def test_kills_at_random_moments(house: Any, script: Script, request_of: Any, clip: np.ndarray) -> None:
    """R1, R2, R3 for files: each request is done exactly once, whatever moment the daemon dies in."""
    chance = random.Random(5)
    spec = ClipSpec(rate=44_100, channels=2, frames=clip.shape[1])
    names = [f"r{number}" for number in range(8)]
    for number, name in enumerate(names):
        script.send(request_of(name, bars=1 + number % 3, clip=spec), [clip])
        if number % 2:
            time.sleep(chance.uniform(0, 0.25))
            house.kill()
            script.send(request_of(name, bars=1 + number % 3, clip=spec), [clip])  # R3: sent once more
            house.start()
    ends = [script.end(name) for name in names]
    assert [end["state"] for end in ends] == ["done"] * 8
    assert house.takes() == {take["take"] for end in ends for take in end["takes"]} and len(house.takes()) == 8
    wait_for(lambda: not script.waiting())
    assert not [path.name for path in script.outbox.iterdir() if path.name.startswith(".")]


def test_folders_that_are_removed_are_made_again(house: Any, script: Script, request_of: Any) -> None:
    name = script.send(request_of(**LONG))
    script.state(name, "running")
    shutil.rmtree(script.root)
    wait_for(lambda: script.inbox.is_dir() and script.outbox.is_dir() and script.beat(), 3)
    assert script.root.stat().st_mode & 0o077 == 0 == script.inbox.stat().st_mode & 0o077
    assert script.end(name)["state"] == "done", "also the report of what was under way"
    shutil.rmtree(script.inbox)
    wait_for(script.inbox.is_dir, 3)
    assert script.end(script.send(request_of()))["state"] == "done"


def test_an_outbox_that_takes_nothing(house: Any, script: Script, request_of: Any) -> None:
    """R11: the request stays until its report can be written; the daemon works on; once it can, all is told."""
    script.outbox.rmdir()
    script.outbox.write_text("not a folder")
    name = script.send(request_of(bars=1))
    desk = house.desk()
    wait_for(lambda: desk.status().jobs and desk.status().jobs[0].state is JobState.DONE)
    assert f"{name}.json" in script.waiting() and len(house.takes()) == 1
    script.outbox.unlink()
    assert script.end(name)["state"] == "done" and len(house.takes()) == 1
    wait_for(lambda: not script.waiting())
    assert "outbox" in house.log()


def test_a_link_in_the_place_of_a_folder(house: Any, script: Script, request_of: Any, tmp_path: Path) -> None:
    """Nobody leads the daemon out of its folder; the doors that need no files stay open."""
    assert house.stop() == 0
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "r.json").write_text("{}")
    script.inbox.rmdir()
    script.inbox.symlink_to(elsewhere)
    house.start()
    assert house.desk().done(request_of()).takes
    assert [path.name for path in elsewhere.iterdir()] == ["r.json"] and "it is a link" in house.log()


@pytest.mark.parametrize("n", range(1, 7))
def test_a_report_is_whole_or_the_old_one(tmp_path: Path, n: int) -> None:
    """Every call that can fail fails once."""
    file = tmp_path / "r.json"
    old = spool.Report(id="r", state=JobState.QUEUED)
    spool.write(file, old)
    (tmp_path / ".r.json.tmp").write_text("of a writer that was killed")
    failing = FailingOs(n, OSError(28, "No space left on device"))
    new = msgspec.structs.replace(old, state=JobState.DONE)
    try:
        spool.write(file, new, synced=True, system=failing)
    except HarmonicFlowError as error:
        assert error.code == "disk"
    found = msgspec.json.decode(file.read_bytes(), type=spool.Report)
    assert found in (old, new) and (found == new or failing.left <= 0)
    assert not list(tmp_path.glob(".*.tmp"))


def test_reports_that_nobody_wanted_go_after_a_month(tmp_path: Path) -> None:
    outbox = Outbox(spool.make(tmp_path), Takes(tmp_path / "takes"))
    days = {"old.json": 31, "new.json": 29, ".half.json.tmp": 2, ".now.json.tmp": 0, "folder.json": 40}
    for name, age in days.items():
        file = outbox.folder / name
        file.mkdir() if name.startswith("folder") else file.write_text("{}")
        os.utime(file, (time.time() - age * 86_400,) * 2)
    outbox.sweep()
    assert {path.name for path in outbox.folder.iterdir()} == {"new.json", ".now.json.tmp", "folder.json"}


def test_a_daemon_that_sleeps_shows_no_life_and_wakes(house: Any, script: Script) -> None:
    wait_for(script.beat)
    house.process.send_signal(signal.SIGSTOP)
    time.sleep(0.1)
    beat = script.beat()
    time.sleep(1.2)
    assert script.beat() == beat
    house.process.send_signal(signal.SIGCONT)
    wait_for(lambda: script.beat() != beat, 2)


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux limits")
def test_a_disk_that_is_full(house: Any, request_of: Any) -> None:
    """R11: files may grow to 300 kB: a clip that cannot be kept is said so, nothing is left, and smaller ones go in."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    house.start(preexec_fn=limit)
    script = Script(house.home)
    clips = {"large": np.zeros((2, 88_200), np.float32), "small": np.zeros((1, 30_000), np.float32)}
    ends = {}
    for name, clip in clips.items():
        spec = ClipSpec(rate=44_100, channels=len(clip), frames=clip.shape[1])
        request = request_of(name, clip=spec, stems=("bass",))
        half = msgspec.structs.replace(request.selection, end_frame=30_000)
        script.send(request, [clip], selection=msgspec.to_builtins(half))
        ends[name] = script.end(name)
    assert ends["large"]["error"]["code"] == "disk" and ends["large"]["job"] == ""
    assert ends["small"]["state"] == "done"
    wait_for(lambda: not script.waiting() and not [p for p in (house.home / "jobs").iterdir() if p.name[0] != "."])


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else(house: Any, request_of: Any) -> None:
    """It is not used; the daemon starts, says so and works at its other doors."""
    root = spool.make(house.home / "spool")
    os.chown(root, 12_345, 12_345)
    house.start()
    script = Script(house.home)
    name = script.send(request_of())
    assert house.desk().done(request_of()).takes
    assert script.report(name) is None and "belongs to another user" in house.log()
    os.chown(root, 0, 0)
    assert script.end(name)["state"] == "done", "once it is ours, it is"
