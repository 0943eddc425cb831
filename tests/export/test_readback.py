"""Weights there and back: checkpoint, bundle, torch."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper

from export.weights import rounded_network
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.nn.codec import Codec
from harmonicflow.nn.performer import Performer
from harmonicflow.nn.readback import read_weights, weights_of

from .conftest import CODEC, PERFORMER, Made


def test_a_performer_read_back_is_the_one_exported(made: Made) -> None:
    found = {name: torch.from_numpy(value) for name, value in read_weights(made.bundle, "performer").items()}
    network = Performer(PERFORMER)
    network.load_state_dict(found)  # every name, every shape
    for name, value in rounded_network(made.performer).state_dict().items():
        assert torch.equal(network.state_dict()[name], value)


def test_a_codec_read_back_is_the_one_exported_whitening_too(made: Made) -> None:
    found = {
        f"{part}.{name}": torch.from_numpy(value)
        for part in ("encoder", "decoder")
        for name, value in read_weights(made.bundle, part).items()
    }
    codec = Codec(CODEC)
    codec.load_state_dict(found)
    assert torch.equal(codec.encoder.mean, torch.linspace(-1, 1, 32))
    assert torch.equal(codec.encoder.std, torch.linspace(0.5, 2, 32))
    latents = torch.randn(1, 9, 32)
    with torch.no_grad():
        assert torch.equal(codec.eval().decoder(latents), rounded_network(made.codec).decoder(latents))


def test_equal_weights_keep_names_of_their_own(tmp_path: Path) -> None:
    # Fresh networks are full of equal ones and zeros, which the exporter stores once.
    from export.onnx_graphs import export_graph

    network = Performer(PERFORMER).eval()
    found = weights_of(memoryview(export_graph("performer", network, PERFORMER)))
    assert set(found) == set(network.state_dict())
    assert not found["head"].any() and found["blocks.0.local.key_norm.scale"].min() == 1


def test_it_reads_what_onnx_reads(made: Made) -> None:
    data = (made.bundle / "encoder.onnx").read_bytes()
    theirs = {t.name: numpy_helper.to_array(t) for t in onnx.load_from_string(data).graph.initializer}
    ours = weights_of(memoryview(data))
    assert set(theirs) - set(ours) == {"dft.cosine", "dft.places"}
    for name, value in ours.items():
        assert value.dtype == np.float32
        np.testing.assert_array_equal(value, theirs[name].astype(np.float32))


def test_no_bundle_and_broken_files_are_said_in_words(made: Made, tmp_path: Path) -> None:
    with pytest.raises(HarmonicFlowError) as error:
        read_weights(tmp_path, "encoder")
    assert error.value.code == "no_bundle"
    folder = tmp_path / "broken"
    shutil.copytree(made.bundle, folder)
    whole = (folder / "decoder.onnx").read_bytes()
    (folder / "decoder.onnx").write_bytes(whole[: len(whole) // 2])
    for network in ("decoder", "composer"):
        with pytest.raises(HarmonicFlowError) as error:
            read_weights(folder, network)
        assert error.value.code == "bad_bundle"


@given(st.binary(max_size=200))
def test_any_bytes_end_in_words_or_weights(data: bytes) -> None:
    try:
        weights_of(memoryview(data))
    except (ValueError, IndexError):
        pass
