"""The audio graph read out of a real network: shares that add up, and an edge that was planted in its weights."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from harmonicflow.engine.api import HarmonicFlow
from harmonicflow.engine.graph import read_graph

from .conftest import Made

BASS, DRUMS, RHYTHM = 1, 2, 6


@pytest.fixture(scope="module")
def planted(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle with a network in which the bass hears the drums alone, and nobody hears the rhythm."""
    folder = tmp_path_factory.mktemp("planted") / "bundle"
    shutil.copytree(made.bundle, folder)
    model = onnx.load(folder / "performer.onnx")
    tables = [tensor for tensor in model.graph.initializer if tensor.name.endswith(".graph.edges")]
    assert len(tables) == 2  # blocks
    for tensor in tables:
        bias_HRN = numpy_helper.to_array(tensor).copy()
        bias_HRN[:, BASS, DRUMS], bias_HRN[:, :, RHYTHM] = 40, -40
        tensor.CopyFrom(numpy_helper.from_array(bias_HRN, tensor.name))
    data = model.SerializeToString()
    (folder / "performer.onnx").write_bytes(data)
    card = json.loads((folder / "model.json").read_bytes())
    card["files"]["performer"] |= {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (folder / "model.json").write_text(json.dumps(card))
    return folder


def test_planted_edges_are_read_back(planted: Path) -> None:
    flow = HarmonicFlow(planted, threads=1)
    (take,) = flow.generate(bars=1, tempo=120, chords="Am", seed=3, steps=1)
    graph = read_graph(flow, take, [0.5])
    assert np.allclose(graph.edges.sum(-1), 1, atol=1e-5) and (graph.edges >= 0).all()
    mean = graph.mean()
    assert mean[BASS, DRUMS] > 0.999 and mean[:, RHYTHM].max() < 1e-3
    others = np.delete(np.delete(mean, BASS, axis=0), RHYTHM, axis=1)
    assert others.min() > 0.01 and others.max() < 0.9, "the others share their attention"
