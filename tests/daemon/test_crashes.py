"""What survives: kill -9 of the daemon and of its worker, at any moment, and disks that refuse."""

import hashlib
import os
import resource
import signal
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from harmonicflow.core.messages import Accepted, Cancel, ClipSpec, DaemonEvent, Done, Failed, JobEvent

LONG = {"bars": 48, "steps": 48}  # some seconds at the stand-in bundle
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux signals and limits")


def whole(takes: tuple[Any, ...]) -> bool:
    """Whether every file of every take has the hash it was reported with."""
    return all(
        hashlib.sha256((Path(take.folder) / row.file).read_bytes()).hexdigest() == row.sha256
        for take in takes
        for row in take.files
    )


def test_accepted_jobs_survive_the_daemon(house: Any, request_of: Any, clip: np.ndarray, proven: Any) -> None:
    """R1, R2: killed at moments that differ; every accepted job is done in the end, and no part of a take is seen."""
    house.start()
    desk = house.desk()
    spec = ClipSpec(rate=44_100, channels=2, frames=clip.shape[1])
    requests = [request_of(f"r{number}", bars=1 + number % 3, clip=spec) for number in range(5)]
    acknowledged: dict[str, Done] = {}
    accepted: dict[str, str] = {}
    for request in requests:
        accepted[request.id] = desk.accepted(request, [clip]).job
    for pause_s in (0.0, 0.1, 0.5):
        desk.until(lambda status: status.worker == "busy" or not status.queued)
        deadline = time.monotonic() + pause_s
        while desk.work.poll(max(0, int(1000 * (deadline - time.monotonic())))):
            answer = desk.reply()
            if isinstance(answer, Done):
                acknowledged[answer.id] = answer
        house.kill()
        staged = {path.name for path in (house.home / "takes").iterdir()} - {".staging"}
        assert all((house.home / "takes" / name / "take.json").exists() for name in staged), "half a take is visible"
        house.start()
        desk = house.desk()
        assert not list((house.home / "takes").glob(".staging/*/*")) or desk.status().worker != "none"
    for request in requests:
        desk.send(request, [clip])
    ended: dict[str, Done] = {}
    while len(ended) < len(requests):
        answer = desk.reply()
        assert not isinstance(answer, Failed), answer
        assert answer.job == accepted[answer.id]
        if isinstance(answer, Done):
            ended[answer.id] = answer
    assert all(whole(done.takes) for done in ended.values())
    assert all(ended[name] == done for name, done in acknowledged.items())
    assert house.takes() == {take.take for done in ended.values() for take in done.takes} and len(ended) == 5
    left = [path.name for path in (house.home / "jobs").iterdir() if not path.name.startswith(".")]
    desk.until(lambda _: not [path for path in (house.home / "jobs").iterdir() if not path.name.startswith(".")])
    assert len(left) <= 1
    proven("R2", cases=len(requests))


def test_a_kill_between_the_take_and_its_row(house: Any, request_of: Any) -> None:
    """The take is taken in, and its job has done its work: nothing is done twice."""
    house.start()
    desk = house.desk()
    request = request_of("r")
    desk.send(request)
    desk.until(lambda status: status.worker == "busy")
    request_file = next((house.home / "jobs").glob("2*")) / "request.json"
    kept = request_file.read_bytes()
    done = desk.replies()[-1]
    house.kill()
    with sqlite3.connect(house.home / "journal.sqlite") as db:
        db.execute("update job set state='running', takes=''")
        db.execute("delete from take")
    db.close()
    request_file.parent.mkdir(exist_ok=True)
    request_file.write_bytes(kept)
    house.start()
    desk = house.desk()
    assert not desk.status().jobs
    again = desk.done(request)
    assert again.job == done.job and house.takes() == {done.takes[0].take} and whole(again.takes)
    assert [row.sha256 for row in again.takes[0].files] == [row.sha256 for row in done.takes[0].files]


def test_what_the_journal_cannot_answer_is_said(house: Any, request_of: Any) -> None:
    """The take's row is gone (another's name begins like it), or how the job ended could not be kept."""
    house.start()
    desk = house.desk()
    request = request_of("r")
    job = desk.done(request).job
    for change, code in (("take set id = id || '0'", "unknown_take"), ("job set state = 'queued'", "disk")):
        with sqlite3.connect(house.home / "journal.sqlite") as db:
            db.execute(f"update {change}")
        db.close()
        desk.send(request)
        failed = desk.replies()[-1]
        assert isinstance(failed, Failed) and failed.error.code == code and failed.job in ("", job)
    assert "Traceback" not in house.log()


def test_the_same_sound_after_a_kill(house: Any, request_of: Any, proven: Any) -> None:
    """R16 over a restart: the job that was interrupted gives the bytes of one that was not."""
    house.start()
    desk = house.desk()
    reference = desk.done(request_of(bars=6, steps=6))
    desk.accepted(request_of("victim", bars=6, steps=6))
    desk.until(lambda status: status.worker == "busy")
    house.kill()
    house.start()
    done = house.desk().done(request_of("victim", bars=6, steps=6))
    assert [row.sha256 for row in done.takes[0].files] == [row.sha256 for row in reference.takes[0].files]
    proven("R16", measured="after kill -9")


def test_a_worker_that_dies_is_tried_once_more(house: Any, request_of: Any) -> None:
    """R4: kill -9 once: the job is done all the same. Twice: it fails in words. The next job is done within 10 s."""
    house.start()
    desk = house.desk()
    first = desk.until_ready().worker_pid
    desk.accepted(request_of("once", bars=6, steps=6))
    desk.until(lambda status: status.worker == "busy")
    os.kill(first, signal.SIGKILL)
    assert isinstance(desk.replies()[-1], Done)

    desk.accepted(request_of("twice", **LONG))
    for number in (signal.SIGKILL, signal.SIGSEGV):
        pid = desk.until(lambda status: status.worker == "busy").worker_pid
        os.kill(pid, number)
        desk.until(lambda status, pid=pid: status.worker_pid != pid)
    failed = desk.replies()[-1]
    assert isinstance(failed, Failed) and failed.error.code == "worker_died" and "SIGSEGV" in failed.error.message

    desk.until_ready()  # a new worker is started without being asked for
    began = time.monotonic()
    assert isinstance(desk.done(request_of("next")), Done)
    assert time.monotonic() - began < 10
    states = []
    while not (states and states[-1] == ("next", "done")):
        event = desk.event()
        if isinstance(event, JobEvent) and (not states or states[-1] != (event.request_id, event.state)):
            states.append((event.request_id, event.state))
        elif isinstance(event, DaemonEvent) and event.what == "worker died":
            assert "SIG" in event.message
    assert [state for name, state in states if name == "once"] == [
        "queued", "loading", "running", "queued", "loading", "running", "writing", "done",
    ]  # fmt: skip
    assert len(house.takes()) == 2


def test_an_idle_worker_that_dies_comes_back(house: Any) -> None:
    house.start()
    desk = house.desk()
    first = desk.until_ready().worker_pid
    os.kill(first, signal.SIGKILL)
    assert desk.until(lambda status: status.worker == "ready" and status.worker_pid != first)


@linux
def test_a_worker_that_does_not_listen_is_killed_after_a_cancel(house: Any, request_of: Any) -> None:
    """A stopped process cannot answer: 400 ms later it is killed, and the job is cancelled within 500."""
    house.start()
    desk = house.desk()
    desk.until_ready()
    desk.accepted(request_of("stuck", **LONG))
    pid = desk.until(lambda status: status.worker == "busy").worker_pid
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    desk.ask(Cancel(id="c"))
    while not (answer := desk.reply()).__class__.__name__ == "Cancelled":
        assert not isinstance(answer, Failed)
    assert 0.35 < time.monotonic() - began < 0.6
    assert isinstance(desk.done(request_of("next")), Done)
    assert desk.status().worker_pid != pid


@linux
def test_a_daemon_that_was_asleep_blames_nobody(house: Any, request_of: Any, proven: Any) -> None:
    """R15: no expiry storm after SIGSTOP and SIGCONT; the client hears the end."""
    house.start()
    desk = house.desk()
    worker = desk.until_ready().worker_pid
    desk.accepted(request_of("job", bars=6, steps=6))
    house.process.send_signal(signal.SIGSTOP)
    time.sleep(3.0)
    house.process.send_signal(signal.SIGCONT)
    assert isinstance(desk.replies()[-1], Done)
    assert desk.status().worker_pid == worker
    proven("R15")


def test_a_bundle_that_cannot_be_used(house: Any, request_of: Any, proven: Any) -> None:
    """S7: the job fails in words and the daemon stays; once the bundle is whole again, so is the work."""
    model = house.home.parent / "bundle"
    house.start("--bundle", str(model))
    desk = house.desk()
    desk.send(request_of("none"))
    assert desk.replies()[-1].error.code == "no_bundle"
    assert desk.status().worker == "down"
    model.mkdir()
    for file in house.bundle.iterdir():
        (model / file.name).write_bytes(file.read_bytes())
    performer = model / "performer.onnx"
    good = performer.read_bytes()
    performer.write_bytes(good[:-100])
    desk.send(request_of("cut"))
    error = desk.replies()[-1].error
    assert error.code == "bad_bundle" and str(model) in error.message
    performer.write_bytes(good)
    assert isinstance(desk.done(request_of("whole")), Done)
    proven("S7", cases=2)


def test_a_folder_that_takes_nothing(house: Any, request_of: Any, proven: Any) -> None:
    """R11: code disk, nothing half-written, the daemon stays, and works when the folder does."""
    house.start()
    desk = house.desk()
    desk.until_ready()
    takes = house.home / "takes"
    for path in takes.iterdir():
        path.rmdir()
    takes.rmdir()
    takes.write_text("not a folder")  # chmod does not keep root out
    desk.send(request_of("refused"))
    error = desk.replies()[-1].error
    assert error.code == "disk" and str(takes) in error.message
    takes.unlink()
    assert isinstance(desk.done(request_of("again")), Done), "a folder that was removed is made again"
    proven("R11", cases=2)


@linux
def test_a_full_disk(house: Any, request_of: Any, clip: np.ndarray, proven: Any) -> None:
    """R11: files may grow to 300 kB: takes of two bars fit, longer ones and long clips do not."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    house.start(preexec_fn=limit)
    desk = house.desk()
    long = np.zeros((2, 88_200), np.float32)
    spec = ClipSpec(rate=44_100, channels=2, frames=88_200)
    desk.send(request_of("long-clip", clip=spec), [long])
    answer = desk.reply()
    assert isinstance(answer, Failed) and answer.error.code == "disk" and not answer.job
    assert desk.status().queued == 0

    desk.send(request_of("long-take", bars=8))
    answers = desk.replies()
    assert isinstance(answers[0], Accepted) and answers[-1].error.code == "disk", answers[-1]
    assert not house.takes()
    small = request_of("small", stems=("bass",))
    half = msgspec.structs.replace(small.selection, end_frame=30_000)
    done = desk.done(msgspec.structs.replace(small, selection=half))
    assert whole(done.takes) and house.takes() == {done.takes[0].take}
    proven("R11", cases=2)
