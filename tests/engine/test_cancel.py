"""Cancel ends a call from the callback and from another thread, also inside a graph that never ends."""

import hashlib
import json
import threading
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.engine.api import HarmonicFlow
from harmonicflow.engine.result import Progress
from tests.tiny_bundle import make_tiny_bundle


def test_the_progress_callback_may_cancel(flow: HarmonicFlow) -> None:
    def stop(at: Progress) -> None:
        if at.step == 2:
            raise HarmonicFlowError("cancelled")

    with pytest.raises(HarmonicFlowError) as caught:
        flow.generate(bars=8, progress=stop)
    assert caught.value.code == "cancelled" and caught.value.exit_code == 130
    assert flow.generate(bars=1, steps=1)  # the engine goes on


def test_another_thread_may_cancel_between_runs(flow: HarmonicFlow) -> None:
    moments: list[float] = []

    def cancel() -> None:
        moments.append(time.monotonic())
        flow.cancel()

    timer = threading.Timer(0.2, cancel)

    def started(at: Progress) -> None:
        if at.step == 1:
            timer.start()

    with pytest.raises(HarmonicFlowError) as caught:
        flow.generate(bars=32, tempo=60, steps=64, progress=started)
    assert caught.value.code == "cancelled"
    assert time.monotonic() - moments[0] < 2  # 0.05 on an idle machine; all of it would take minutes
    assert flow.generate(bars=1, steps=1)


def endless_decoder() -> bytes:
    """A decoder that counts for ever, as a hostile bundle may."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Add", ["value", "one"], ["next"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("value", TensorProto.FLOAT, ["b", "t"]),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, ["b", "t"]),
        ],
    )
    nodes = [
        helper.make_node("ReduceSum", ["latents", "axis"], ["start"], keepdims=0),
        helper.make_node("Loop", ["", "true", "start"], ["audio"], body=body),
    ]
    constants = [
        helper.make_tensor("axis", TensorProto.INT64, [1], [2]),
        helper.make_tensor("true", TensorProto.BOOL, [], [True]),
        helper.make_tensor("one", TensorProto.FLOAT, [], [1.0]),
    ]
    inputs = [helper.make_tensor_value_info("latents", TensorProto.FLOAT, ["batch", "length", 32])]
    outputs = [helper.make_tensor_value_info("audio", TensorProto.FLOAT, ["batch", "samples"])]
    graph = helper.make_graph(nodes, "decoder", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    blob: bytes = model.SerializeToString()
    return blob


def test_a_graph_that_never_ends_is_ended_at_once(tmp_path: Path) -> None:
    folder = make_tiny_bundle(tmp_path / "bundle")
    blob = endless_decoder()
    (folder / "decoder.onnx").write_bytes(blob)
    card = json.loads((folder / "model.json").read_text())
    card["files"]["decoder"].update(sha256=hashlib.sha256(blob).hexdigest(), bytes=len(blob))
    (folder / "model.json").write_text(json.dumps(card))
    flow = HarmonicFlow(folder, threads=1)
    threading.Timer(0.5, flow.cancel).start()
    began = time.monotonic()
    with pytest.raises(HarmonicFlowError) as caught:
        flow.decode(np.zeros((4, 32), np.float32))
    assert caught.value.code == "cancelled" and 0.4 < time.monotonic() - began < 0.9
