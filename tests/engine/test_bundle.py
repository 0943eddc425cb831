"""A bundle is refused in words unless every byte and every shape is what model.json and this release say."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.paths import replace_folder
from harmonicflow.engine import bundle as bundles
from harmonicflow.engine.bundle import Bundle
from harmonicflow.engine.runtime import Runtime
from tests.tiny_bundle import Graph, make_tiny_bundle


def card(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "model.json").read_text())


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    value = card(folder)
    change(value)
    (folder / "model.json").write_text(json.dumps(value))


def put(folder: Path, name: str, blob: bytes) -> None:
    """Replace a network's file and its row, as an attacker who can compute a hash would."""
    (folder / f"{name}.onnx").write_bytes(blob)
    rewrite(folder, lambda c: c["files"][name].update(sha256=hashlib.sha256(blob).hexdigest(), bytes=len(blob)))


def refusal(folder: Path) -> HarmonicFlowError:
    with pytest.raises(HarmonicFlowError) as caught:
        runtime = Runtime(Bundle.load(folder), threads=1)
        for name in ("encoder", "decoder", "performer"):
            runtime.load(name)
    assert str(folder) in str(caught.value)
    return caught.value


def test_a_good_bundle_loads_and_names_its_content(tmp_path: Path) -> None:
    bundle = Bundle.load(make_tiny_bundle(tmp_path / "a"))
    assert bundle.stems == ("bass", "drums", "guitar", "piano") and bundle.card.codec.context == 1
    assert Bundle.load(make_tiny_bundle(tmp_path / "b")).hash == bundle.hash
    assert Bundle.load(make_tiny_bundle(tmp_path / "c", version="1")).hash != bundle.hash


def test_no_bundle(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere", Path(__file__)):
        with pytest.raises(HarmonicFlowError) as caught:
            Bundle.load(folder)
        assert caught.value.code == "no_bundle" and caught.value.exit_code == 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.update(format=2), "format is 2"),
        (lambda c: c.update(sample_rate=48000), "sample_rate is 48000"),
        (lambda c: c.update(guide_v=9), "guide_v is 9"),
        (lambda c: c.update(score_v=0), "score_v is 0"),
        (lambda c: c.update(stems=[]), "list of stems"),
        (lambda c: c.update(stems=["bass", "bass"]), "list of stems"),
        (lambda c: c["files"].pop("decoder"), "decoder is missing"),
        (lambda c: c["files"]["decoder"].update(file="../decoder.onnx"), "not a plain name"),
        (lambda c: c["files"]["decoder"].update(file="/etc/passwd"), "not a plain name"),
        (lambda c: c["files"]["decoder"].update(file="nowhere.onnx"), "cannot be read"),
        (lambda c: c["files"]["decoder"].update(sha256="0" * 64), "damaged"),
        (lambda c: c["files"]["decoder"].update(bytes=10), "longer"),
        (lambda c: c["files"]["decoder"].update(bytes=10**9), "cut short"),
        (lambda c: c["files"]["decoder"].update(bytes=-1), "longer"),
        (lambda c: c["files"]["decoder"].update(bytes="many"), "model.json"),
        (lambda c: c["codec"].update(context=-1), "context"),
        (lambda c: c["performer"].update(steps=0), "steps"),
        (lambda c: c["performer"].update(schedule=[0.5, 0.1, 1]), "schedule"),
        (lambda c: c.clear(), "model.json"),
    ],
)
def test_damage_is_named(tmp_path: Path, change: Callable[[dict[str, Any]], object], words: str) -> None:
    folder = make_tiny_bundle(tmp_path / "bundle")
    rewrite(folder, change)
    error = refusal(folder)
    assert error.code == "bad_bundle" and words in str(error) and error.exit_code == 5


def test_other_latent_space(tmp_path: Path) -> None:
    folder = make_tiny_bundle(tmp_path / "bundle")
    rewrite(folder, lambda c: c["files"]["performer"].update(latent_space="feedfacefeedface"))
    error = refusal(folder)
    assert error.code == "latent_mismatch" and "feedfacefeedface" in str(error)


def test_flipped_bytes_truncation_and_links(tmp_path: Path) -> None:
    folder = make_tiny_bundle(tmp_path / "bundle")
    good = (folder / "decoder.onnx").read_bytes()
    (folder / "decoder.onnx").write_bytes(good[:-1])
    assert "cut short" in str(refusal(folder))
    (folder / "decoder.onnx").write_bytes(good[:500] + bytes([good[500] ^ 1]) + good[501:])
    assert "damaged" in str(refusal(folder))
    (folder / "decoder.onnx").unlink()
    (folder / "decoder.onnx").symlink_to(folder / "encoder.onnx")
    assert "symbolic link" in str(refusal(folder))
    (folder / "model.json").write_bytes(b"\xff\xfe not json")
    assert "model.json" in str(refusal(folder))


def scaled(shape: list[str | int]) -> bytes:
    g = Graph()
    g.add("Identity", "latents", out="audio")
    return g.model("decoder", {"latents": shape}, {"audio": shape})


def test_graphs_of_another_shape_are_refused(tmp_path: Path) -> None:
    folder = make_tiny_bundle(tmp_path / "bundle")
    put(folder, "decoder", scaled(["batch", "length", 32]))
    assert "decoder: audio should be" in str(refusal(folder))
    put(folder, "decoder", scaled([1, 100, 16]))  # fixed lengths and a wrong width
    assert "decoder: latents should be" in str(refusal(folder))
    put(folder, "decoder", b"not a graph at all")
    assert "decoder:" in str(refusal(folder))
    put(folder, "decoder", b"")
    assert "decoder:" in str(refusal(folder))


def test_external_data_and_custom_operators_are_refused(tmp_path: Path) -> None:
    folder = make_tiny_bundle(tmp_path / "bundle")
    model = onnx.load_from_string((folder / "decoder.onnx").read_bytes())
    (folder / "secret.bin").write_bytes(np.zeros(1 << 20, np.float32).tobytes())
    big = max(model.graph.initializer, key=lambda t: len(t.raw_data))
    big.ClearField("raw_data")
    big.data_location = TensorProto.EXTERNAL
    big.external_data.add(key="location", value="secret.bin")
    put(folder, "decoder", model.SerializeToString())
    assert refusal(folder).code == "bad_bundle"

    node = helper.make_node("Backdoor", ["latents"], ["audio"], domain="evil")
    info = [helper.make_tensor_value_info(n, 1, s) for n, s in (("latents", ["b", "l", 32]), ("audio", ["b", "t"]))]
    graph = helper.make_graph([node], "decoder", info[:1], info[1:])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("evil", 1)]
    put(folder, "decoder", helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())
    assert refusal(folder).code == "bad_bundle"


def test_networks_are_read_again_after_their_bytes_were_let_go(tmp_path: Path) -> None:
    folder = make_tiny_bundle(tmp_path / "bundle")
    bundle = Bundle.load(folder)
    first = bundle.take_network("decoder")
    assert bundle.take_network("decoder") == first
    (folder / "decoder.onnx").write_bytes(first[:-1] + b"?")
    with pytest.raises(HarmonicFlowError, match="damaged"):
        bundle.take_network("decoder")


def test_a_half_written_bundle_is_refused_whatever_is_missing(tmp_path: Path) -> None:
    whole = make_tiny_bundle(tmp_path / "whole")
    folder = tmp_path / "half"
    folder.mkdir()
    for name in ("encoder.onnx", "decoder.onnx", "performer.onnx"):
        (folder / name).write_bytes((whole / name).read_bytes())
        assert refusal(folder).code == "no_bundle"
    text = (whole / "model.json").read_bytes()
    for length in (0, 1, len(text) // 2, len(text) - 3):
        (folder / "model.json").write_bytes(text[:length])
        assert refusal(folder).code == "bad_bundle"
    (folder / "model.json").write_bytes(text)
    assert Bundle.load(folder).hash == Bundle.load(whole).hash
    (folder / "performer.onnx").unlink()
    assert "performer.onnx cannot be read" in str(refusal(folder))


def test_a_performer_of_another_codec_is_refused_with_both_names_and_what_to_do(tmp_path: Path) -> None:
    folder = make_tiny_bundle(tmp_path / "bundle")
    rewrite(folder, lambda c: c["files"]["performer"].update(latent_space="feedfacefeedface"))
    said = str(refusal(folder))
    assert f"the performer is for feedfacefeedface, all else for {card(folder)['latent_space']}" in said
    assert "Leave the bundle out" in said and "harmonicflow export" in said


def test_a_performer_copied_from_another_bundle_is_refused_whatever_model_json_says(tmp_path: Path) -> None:
    """The hash is put right and model.json names one latent space: the file itself names another."""
    folder = make_tiny_bundle(tmp_path / "bundle")
    model = onnx.load(folder / "performer.onnx")
    for space, refused in ((card(folder)["latent_space"], False), ("feedfacefeedface", True)):
        helper.set_model_props(model, {"latent_space": space})
        put(folder, "performer", model.SerializeToString())
        runtime = Runtime(Bundle.load(folder), threads=1)
        runtime.load("decoder")
        if refused:
            assert refusal(folder).code == "latent_mismatch" and "the performer is for feedface" in str(refusal(folder))
        else:
            runtime.load("performer")


def test_a_bundle_replaced_while_it_is_read_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The card is the old one's, the networks are already the new one's: whole bundles, only not together."""
    folder, new = make_tiny_bundle(tmp_path / "bundle"), make_tiny_bundle(tmp_path / "new", version="1")
    put(new, "decoder", scaled(["batch", "length", 32]))
    read = bundles._read_network

    def interrupted(*args: Any) -> bytes:
        if new.exists():
            replace_folder(new, folder)
        return read(*args)

    monkeypatch.setattr(bundles, "_read_network", interrupted)
    assert Bundle.load(folder).card.version == "1"
