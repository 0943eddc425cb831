"""R13: bundles come and go while the daemon works; one that cannot be used changes nothing."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from daemon.models import Models, used_file
from harmonicflow.core import paths
from harmonicflow.core.messages import DaemonEvent, Done, Failed, ListModels, ModelInUse, UseModel

ROOT = Path(__file__).parents[2]
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


def copy(house: Any, name: str, **changes: Any) -> Path:
    """The stand-in bundle under another name, among the user's own."""
    folder: Path = house.home / "bundles" / name
    shutil.copytree(house.bundle, folder, dirs_exist_ok=True)
    card = json.loads((folder / "model.json").read_text()) | {"name": name} | changes
    (folder / "model.json").write_text(json.dumps(card))
    return folder


def use(desk: Any, name: str, request: str = "u") -> Any:
    return desk.ask(UseModel(id=request, model=name))


def used(desk: Any, name: str, request: str = "u") -> Any:
    """Ask until the answer is final."""
    deadline = time.monotonic() + 30
    while isinstance(answer := use(desk, name, request), ModelInUse) and answer.state != "serving":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return answer


def test_the_old_bundle_serves_until_the_new_one_is_proven(house: Any, request_of: Any) -> None:
    """Jobs follow each other without a gap: those begun before are the old one's, those after are the new one's."""
    copy(house, "other")
    house.start()
    desk = house.desk()
    first = desk.until_ready()
    assert first.bundle == "tiny"
    desk.accepted(request_of("running", bars=64, steps=32))
    for number in range(3):
        desk.send(request_of(f"behind{number}"))
    desk.until(lambda status: status.worker == "busy")
    states = [use(desk, "other").state]
    while desk.status().worker_pid == first.worker_pid:
        states.append(use(desk, "other").state)
        assert desk.status().worker in ("busy", "ready"), "nobody waits for a bundle to load"
        time.sleep(0.02)
    assert states[0] == "proving" and set(states) <= {"proving", "waiting", "serving"}
    done: dict[str, Done] = {}
    while len(done) < 4:
        answer = desk.reply()
        assert not isinstance(answer, Failed), answer
        if isinstance(answer, Done):
            done[answer.id] = answer
    assert used(desk, "other").folder == str(house.home / "bundles" / "other")
    last = desk.status()
    assert last.bundle == "other" and last.bundle_folder.endswith("bundles/other")
    models = desk.ask(ListModels(id="m")).models
    assert [model.name for model in models if model.serving] == ["other"]
    made_by = {
        name: json.loads((Path(end.takes[0].folder) / "take.json").read_text())["bundle"]["name"]
        for name, end in done.items()
    }
    assert made_by == {"running": "tiny", "behind0": "other", "behind1": "other", "behind2": "other"}
    assert used_file().read_text() == "other"
    whats = []
    while "model" not in whats:
        event = desk.event()
        whats += [event.what] if isinstance(event, DaemonEvent) else []
    assert "worker died" not in whats and whats.index("model on trial") < whats.index("model")


def silent(folder: Path) -> None:
    """Its decoder gives no numbers, with all hashes right."""
    model = onnx.load(folder / "decoder.onnx")
    for constant in model.graph.initializer:
        values = numpy_helper.to_array(constant)
        if values.dtype == np.float32:
            constant.CopyFrom(numpy_helper.from_array(np.full_like(values, np.nan), constant.name))
    data = model.SerializeToString()
    (folder / "decoder.onnx").write_bytes(data)
    card = json.loads((folder / "model.json").read_text())
    card["files"]["decoder"] |= {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (folder / "model.json").write_text(json.dumps(card))


def test_a_broken_bundle_leaves_the_old_one_serving(house: Any, request_of: Any, proven: Any) -> None:
    for name in ("cut", "changed", "gone", "no-numbers"):
        copy(house, name)
    copy(house, "no-card-inside", files={})
    bundles = house.home / "bundles"
    cut = (bundles / "cut" / "performer.onnx").read_bytes()
    (bundles / "cut" / "performer.onnx").write_bytes(cut[:-100])
    (bundles / "changed" / "performer.onnx").write_bytes(cut[:-1] + b"\0")
    (bundles / "gone" / "decoder.onnx").unlink()
    silent(bundles / "no-numbers")
    house.start()
    desk = house.desk()
    before = desk.until_ready()
    for name in ("cut", "changed", "gone", "no-numbers", "no-card-inside"):
        assert use(desk, name, name).state == "proving"
        assert isinstance(desk.done(request_of()), Done)
        error = used(desk, name, name).error
        assert error.code in ("bad_bundle", "no_bundle") and name in error.message and error.todo, error
        assert used(desk, name, name).error == error, "asked again it says so again"
    assert used(desk, "no-such-bundle").error.code == "unknown_model"
    assert isinstance(desk.done(request_of()), Done)
    after = desk.status()
    assert (after.worker_pid, after.bundle) == (before.worker_pid, "tiny") and not used_file().exists()
    assert "Traceback" not in house.log()
    proven("R13", cases=6)


@linux
def test_a_bundle_whose_engine_dies_on_trial(house: Any, request_of: Any) -> None:
    copy(house, "other")
    house.start()
    desk = house.desk()
    before = desk.until_ready()
    assert use(desk, "other").state == "proving"
    children = Path(f"/proc/{house.process.pid}/task/{house.process.pid}/children").read_text().split()
    (trial,) = {int(child) for child in children} - {before.worker_pid}
    os.kill(trial, signal.SIGSEGV)
    error = used(desk, "other").error
    assert error.code == "bad_bundle" and "SIGSEGV" in error.message
    assert desk.status().worker_pid == before.worker_pid and isinstance(desk.done(request_of()), Done)
    assert isinstance(used(desk, "other", "again"), ModelInUse), "a new request is a new trial"


def test_the_last_wish_counts(house: Any) -> None:
    for name in ("one", "two"):
        copy(house, name)
    house.start()
    desk = house.desk()
    desk.until_ready()
    assert use(desk, "one", "first").state == "proving"
    assert use(desk, "two", "second").state == "proving"
    assert use(desk, "one", "first").error.code == "model_replaced"
    assert isinstance(used(desk, "two", "second"), ModelInUse) and desk.status().bundle == "two"
    pid = desk.status().worker_pid
    assert use(desk, "two", "third").state == "serving" and desk.status().worker_pid == pid, "nothing to do"
    copy(house, "two", version="2")
    assert isinstance(used(desk, "two", "fourth"), ModelInUse) and desk.status().worker_pid != pid, "exported anew"


def test_a_job_for_a_broken_bundle_leaves_the_other_one_ready(house: Any, request_of: Any) -> None:
    (copy(house, "broken") / "decoder.onnx").write_bytes(b"no graph")
    house.start()
    desk = house.desk()
    desk.until_ready()
    desk.send(request_of(model="broken"))
    assert desk.replies()[-1].error.code == "bad_bundle"
    assert desk.until_ready().bundle == "tiny", "without being asked for"


def test_no_room_for_a_second_bundle(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from daemon import swap

    row = Models(str(house.bundle)).rows()[0]
    for free, refused in ((0, False), (10**12, False), (10**8, True)):
        monkeypatch.setattr(swap.memory, "available_bytes", lambda free=free: free)
        try:
            swap._check_memory(row)
        except Exception as error:
            assert refused and "100 MB are free" in str(error) and error.code == "no_memory"  # type: ignore[attr-defined]
        else:
            assert not refused


def test_the_bundle_used_last_is_served_after_a_restart(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(paths.BUNDLE_VARIABLE, raising=False)
    paths.owner_only(paths.home())
    mine = copy(house, "mine")
    models = Models()
    shipped = models.folder()
    models.use(mine)
    models.remember("mine")
    assert models.folder() == mine == Models().folder()
    assert Models(str(house.bundle)).folder() == house.bundle, "but what is named at the start comes first"
    assert [row.name for row in Models().rows() if row.serving] == ["mine"]
    shutil.rmtree(mine)
    assert Models().folder() == shipped
    used_file().write_bytes(b"\xff\0" * 5000)
    assert Models().folder() == shipped


def cycles(house: Any, request_of: Any, count: int) -> str:
    """Change between two bundles, with a job after each change; memory and descriptors stay as they are."""
    copy(house, "a")
    copy(house, "b")
    house.start()
    desk = house.desk()
    desk.until_ready()
    worker: list[int] = []
    daemon: list[int] = []
    descriptors: list[int] = []
    for number in range(count):
        answer = used(desk, "ab"[number % 2], f"u{number}")
        assert isinstance(answer, ModelInUse), answer
        assert isinstance(desk.done(request_of()), Done)
        status = desk.until_ready()
        worker.append(status.worker_rss_bytes)
        daemon.append(status.daemon_rss_bytes)
        descriptors.append(len(os.listdir(f"/proc/{house.process.pid}/fd")))
    half = count // 2
    for measured in (worker, daemon):
        assert max(measured[half:]) < 1.05 * max(measured[1 : half + 1]), measured
    assert max(descriptors[half:]) <= max(descriptors[1 : half + 1]) + 1, descriptors
    return f"engine {max(worker) / 1e6:.0f} MB, daemon {daemon[1] / 1e6:.1f} to {daemon[-1] / 1e6:.1f} MB"


@linux
def test_bundles_change_and_change_back(house: Any, request_of: Any, proven: Any) -> None:
    proven("R13", cases=6, measured=cycles(house, request_of, 6))


@linux
@pytest.mark.night
@pytest.mark.timeout(1800)
def test_two_hundred_changes(house: Any, request_of: Any, proven: Any) -> None:
    proven("R13", cases=200, measured=cycles(house, request_of, 200))


def test_the_command_waits_until_the_bundle_is_served(house: Any) -> None:
    copy(house, "mine")
    (copy(house, "broken") / "encoder.onnx").unlink()
    house.start()
    house.desk().until_ready()

    def run(*words: str) -> Any:
        command = [sys.executable, "-m", "bridge", "models", *words]
        return subprocess.run(command, cwd=ROOT, env=house.environment, capture_output=True, text=True)

    done = run("--use", "mine", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and [row["name"] for row in rows if row["serving"]] == ["mine"], done
    broken = run("--use", "broken")
    assert broken.returncode == 5 and "encoder" in broken.stderr and "Traceback" not in broken.stderr
    assert run("--use", "nothing").returncode == 5
    assert house.desk().status().bundle == "mine"
