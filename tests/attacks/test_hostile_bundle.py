"""S7: bundles that mean harm, served by a real daemon: refused, or ended, and the daemon stays."""

import hashlib
import importlib.util
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import Cancel, Cancelled, Done, Failed
from harmonicflow.engine.bundle import Bundle

_spec = importlib.util.spec_from_file_location("daemon_fixtures", Path(__file__).parents[1] / "daemon" / "conftest.py")
assert _spec and _spec.loader
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)
bundle, house = _fixtures.bundle, _fixtures.house


def poisoned(bundle: Path, folder: Path, network: str, change: Callable[[onnx.ModelProto], None]) -> Path:
    """A copy of a bundle with one network changed, its hash and size put right."""
    shutil.copytree(bundle, folder)
    file = folder / f"{network}.onnx"
    model = onnx.load(file)
    change(model)
    file.write_bytes(model.SerializeToString())
    card = json.loads((folder / "model.json").read_text())
    row = card["files"][network]
    row["sha256"], row["bytes"] = hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_size
    (folder / "model.json").write_text(json.dumps(card))
    return folder


def endless(model: onnx.ModelProto) -> None:
    """The output waits for a loop that counts to 2**63 - 1."""
    number = helper.make_tensor_value_info("turn", TensorProto.INT64, [])
    go_in, go_out = (helper.make_tensor_value_info(name, TensorProto.BOOL, []) for name in ("go_in", "go_out"))
    sum_in, sum_out = (helper.make_tensor_value_info(name, TensorProto.FLOAT, []) for name in ("sum_in", "sum_out"))
    body = helper.make_graph(
        [helper.make_node("Identity", ["go_in"], ["go_out"]), helper.make_node("Sin", ["sum_in"], ["sum_out"])],
        "body", [number, go_in, sum_in], [go_out, sum_out],
    )  # fmt: skip
    graph = model.graph
    graph.initializer.append(helper.make_tensor("turns", TensorProto.INT64, [], [2**63 - 1]))
    graph.initializer.append(helper.make_tensor("go", TensorProto.BOOL, [], [True]))
    graph.initializer.append(helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0]))
    out = graph.output[0].name
    for node in graph.node:
        node.output[:] = ["honest" if name == out else name for name in node.output]
    graph.node.append(helper.make_node("Loop", ["turns", "go", "zero"], ["late"], body=body))
    graph.node.append(helper.make_node("Add", ["honest", "late"], [out]))


def outside(model: onnx.ModelProto) -> None:
    """The first weight is to be read from a file outside the bundle."""
    weight = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", "../../../../../../etc/passwd"


def huge(model: onnx.ModelProto) -> None:
    """A weight that says it has 2**40 numbers and brings four bytes."""
    weight = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    weight.dims[:] = [2**20, 2**20]
    weight.raw_data = b"\0\0\0\0"


def custom(model: onnx.ModelProto) -> None:
    """An operator of somebody else's library."""
    model.graph.node[0].op_type, model.graph.node[0].domain = "RunShell", "com.example"
    model.opset_import.append(helper.make_opsetid("com.example", 1))


@pytest.mark.parametrize("change", [outside, huge, custom])
def test_a_graph_that_reaches_out_is_refused(
    house: Any, bundle: Path, tmp_path: Path, change: Callable[[onnx.ModelProto], None], proven: Any
) -> None:
    house.start("--bundle", str(poisoned(bundle, tmp_path / "poisoned", "performer", change)))
    desk = house.desk()
    desk.send(_fixtures.make_request("r"))
    answer = desk.replies()[-1]
    assert isinstance(answer, Failed) and answer.error.code == "bad_bundle", answer
    assert desk.status().daemon_rss_bytes < 80e6 and not house.takes()
    proven("S7")


def test_an_endless_graph_is_ended_by_a_cancel(house: Any, bundle: Path, tmp_path: Path, proven: Any) -> None:
    """The runtime is told to leave the graph; the worker lives on or is killed: within 500 ms either way."""
    folder = poisoned(bundle, tmp_path / "endless", "performer", endless)
    house.start("--bundle", str(folder))
    desk = house.desk()
    worker = desk.until_ready().worker_pid
    desk.accepted(_fixtures.make_request("forever"))
    desk.until(lambda status: status.jobs[0].stage == "compose" or status.jobs[0].stage == "perform")
    time.sleep(0.3)
    began = time.monotonic()
    desk.ask(Cancel(id="c"))
    assert isinstance(desk.reply(), Cancelled)
    assert time.monotonic() - began < 0.5
    assert desk.status().worker_pid == worker, "the graph was left; nobody had to be killed"
    shutil.copytree(bundle, folder, dirs_exist_ok=True)
    house.stop()
    house.start("--bundle", str(folder))
    assert isinstance(house.desk().done(_fixtures.make_request("honest")), Done)
    proven("S7")


def _other_bytes(folder: Path) -> None:
    file = folder / "performer.onnx"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def _cut(folder: Path) -> None:
    file = folder / "performer.onnx"
    file.write_bytes(file.read_bytes()[:-1])


def _longer(folder: Path) -> None:
    with open(folder / "performer.onnx", "ab") as file:
        file.truncate(1 << 40)  # a hole of a terabyte


def _link(folder: Path) -> None:
    (folder / "performer.onnx").rename(folder.parent / "outside.onnx")
    (folder / "performer.onnx").symlink_to(folder.parent / "outside.onnx")


def _gone(folder: Path) -> None:
    (folder / "performer.onnx").unlink()


def _card(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        card = json.loads((folder / "model.json").read_text())
        card["files"]["performer"] |= changes
        (folder / "model.json").write_text(json.dumps(card))

    return change


def _text(text: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / "model.json").write_bytes(text) and None


FOLDERS: dict[str, Callable[[Path], None]] = {
    "one bit": _other_bytes,
    "cut short": _cut,
    "a terabyte": _longer,
    "a link that leads outside": _link,
    "a network is gone": _gone,
    "a path that leads outside": _card(file="../outside.onnx"),
    "an absolute path": _card(file="/etc/passwd"),
    "a path with NUL": _card(file="performer.onnx\0.txt"),
    "another hash": _card(sha256="0" * 64),
    "a size below nothing": _card(bytes=-1),
    "a size beyond all": _card(bytes=2**62),
    "no card at all": _text(b""),
    "a deep card": _text(b"[" * 100_000),
    "a card of noise": _text(bytes(range(256)) * 99),
    "a card of other things": _text(b'{"files": {}}'),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_that_is_not_what_it_says(bundle: Path, tmp_path: Path, name: str, proven: Any) -> None:
    """Refused in words, soon, by what the worker loads bundles with; nothing outside is read."""
    folder = tmp_path / "bundle"
    shutil.copytree(bundle, folder)
    FOLDERS[name](folder)
    began = time.monotonic()
    with pytest.raises(HarmonicFlowError) as found:
        Bundle.load(folder)
    assert found.value.code in ("bad_bundle", "no_bundle") and "root:" not in str(found.value)
    assert time.monotonic() - began < 5
    proven("S7")


def test_a_daemon_that_is_given_such_a_folder_goes_on(
    house: Any, bundle: Path, tmp_path: Path, proven: Any
) -> None:
    """Put right, the same folder serves: nothing has to be started anew."""
    folder = tmp_path / "bundle"
    shutil.copytree(bundle, folder)
    _cut(folder)
    house.start("--bundle", str(folder))
    desk = house.desk()
    desk.send(_fixtures.make_request("r"))
    answer = desk.replies()[-1]
    assert isinstance(answer, Failed) and answer.error.code == "bad_bundle" and "cut short" in answer.error.message
    shutil.copytree(bundle, folder, dirs_exist_ok=True)
    assert isinstance(desk.done(_fixtures.make_request("again")), Done)
    proven("S7")


@pytest.mark.night
def test_an_endless_graph_that_nobody_cancels(house: Any, bundle: Path, tmp_path: Path, proven: Any) -> None:
    """The worker is killed after 15 seconds without a word and the length of the sound; after the second it fails."""
    house.start("--bundle", str(poisoned(bundle, tmp_path / "endless", "performer", endless)))
    desk = house.desk()
    first = desk.until_ready().worker_pid
    began = time.monotonic()
    desk.accepted(_fixtures.make_request("forever"))
    desk.until(lambda status: status.worker_pid != first)
    assert time.monotonic() - began < 30
    assert desk.replies(seconds=60)[-1].error.code in ("worker_died", "engine_failed")
    assert desk.status().queued == 0 and not house.takes()
    proven("S7", measured=f"killed after {time.monotonic() - began:.0f} s, twice")
