"""The sampler as one graph: the same latents as step by step, with what the steps share computed once."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch

from export.bundle import build_bundle
from export.onnx_graphs import TENSORRT_OPERATORS, UNROLLED, example_inputs, operators
from export.unrolled import Unrolled, unrolled_graph
from harmonicflow.engine.bundle import Bundle
from harmonicflow.engine.sampler import flow_times, sample

from .conftest import PERFORMER, Made

SCHEDULE = (0.0, 0.3, 1.0)
ROW = {"config": {**vars(PERFORMER), "stems": list(PERFORMER.stems)}, "schedule": list(SCHEDULE), "interval": True}


@pytest.fixture(scope="module")
def step_by_step(made: Made) -> bytes:
    return (made.bundle / "performer.onnx").read_bytes()


@pytest.fixture(scope="module")
def unrolled(step_by_step: bytes) -> bytes:
    data, difference = unrolled_graph(step_by_step, ROW, 2, "space")
    assert difference < 1e-3
    return data


def session(data: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize(("batch", "length"), [(1, 1), (3, 41), (1, 130)])
def test_one_run_gives_what_the_steps_give(step_by_step: bytes, unrolled: bytes, batch: int, length: int) -> None:
    sizes = {"batch": batch, "length": length, "beats": 1 + length // 11, "stems": 4, "rows": 5}
    given = {key: value.numpy() for key, value in example_inputs(UNROLLED, sizes, seed=length).items()}
    one = session(step_by_step)
    unknown = (1 - given["known"][:, 1:])[..., None]

    def velocity(stems: np.ndarray, time: float, step: float) -> np.ndarray:
        told = {key: np.full(batch, value, np.float32) for key, value in (("time", time), ("step", step))}
        x = np.concatenate([given["x"][:, :1], stems], axis=1)
        (found,) = one.run(["velocity"], {**given, "x": x, **told})
        return np.asarray(found * unknown)

    wanted = sample(velocity, given["x"][:, 1:], flow_times(2, SCHEDULE))
    (latents,) = session(unrolled).run(None, given)
    assert np.abs(latents - wanted).max() < 1e-3 * max(1.0, np.abs(wanted).max())
    assert np.abs(wanted - given["x"][:, 1:]).max() > 0.1, "the steps have led somewhere"
    known = unknown[..., 0] == 0
    assert np.array_equal(latents[known], given["x"][:, 1:][known]), "known cells come back to the bit"


def test_it_is_made_of_operators_that_tensorrt_takes(unrolled: bytes) -> None:
    found = operators(unrolled)
    assert {domain for domain, _ in found} == {""} and {operator for _, operator in found} <= TENSORRT_OPERATORS
    model = onnx.load_from_string(unrolled)
    assert "time" not in {value.name for value in model.graph.input}
    assert [value.name for value in model.graph.output] == ["latents"]
    assert {entry.key: entry.value for entry in model.metadata_props}["steps"] == "2"


def test_the_score_is_encoded_once_and_weights_are_stored_once(step_by_step: bytes, unrolled: bytes) -> None:
    one, two = (Counter(node.op_type for node in onnx.load_from_string(data).graph.node)
                  for data in (step_by_step, unrolled))  # fmt: skip
    assert two["Conv"] == one["Conv"] > 0  # only the score's encoder has them
    assert two["Softmax"] == 2 * one["Softmax"], "while attention is different at every step"
    assert len(unrolled) < 2 * len(step_by_step)


def test_a_network_for_intervals_is_told_their_size(made: Made) -> None:
    given = example_inputs(UNROLLED, {"batch": 1, "length": 20, "beats": 2, "stems": 4, "rows": 5})
    with torch.no_grad():
        one, two = (Unrolled(made.performer, SCHEDULE, interval)(*given.values()) for interval in (True, False))
    assert float((one - two).abs().max()) > 1e-3


def test_the_weights_are_those_of_the_graph(made: Made, step_by_step: bytes, unrolled: bytes) -> None:
    from harmonicflow.nn.readback import weights_of

    prefix = "performer."
    found = {key.removeprefix(prefix): value for key, value in weights_of(memoryview(unrolled)).items()}
    for name, value in made.performer.state_dict().items():
        assert torch.allclose(torch.from_numpy(found[name].copy()), value, atol=1e-2)


def test_it_stands_in_a_bundle_beside_what_the_engine_loads(made: Made, tmp_path: Path) -> None:
    lines: list[str] = []
    folder = build_bundle(made.bundle, made.bundle, tmp_path / "bundle", unrolled=1, report=lines.append)
    card = json.loads((folder / "model.json").read_bytes())
    row = card["files"]["unrolled"]
    assert row["file"] == "unrolled.onnx" and row["bytes"] == (folder / "unrolled.onnx").stat().st_size
    assert row["outputs"] == {"latents": ["batch", "stems", "length", 32]} and "time" not in row["inputs"]
    assert card["parity"]["unrolled"] < 1e-3
    assert Bundle.load(folder).card.files["unrolled"].latent_space == card["latent_space"]
    assert any(line.startswith("unrolled: ") and " MB, 1 steps, at most " in line for line in lines)
    assert (folder / "performer.onnx").read_bytes() == (made.bundle / "performer.onnx").read_bytes()
