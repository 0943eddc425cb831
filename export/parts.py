"""The parts of a bundle: codec and performer, and perhaps composer and analyst, each from a checkpoint or a bundle.

From a checkpoint the networks are rounded, exported and compared with their weights. From a bundle nothing is made
again: its files are copied byte by byte, with what its card says of that half.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from torch import nn

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.engine.bundle import Bundle
from harmonicflow.nn.latent_space import latent_space
from harmonicflow.nn.performer import Performer

from .checkpoints import Meta, load_analyst, load_codec, load_composer, load_performer
from .onnx_graphs import export_graph
from .parity import check, differences
from .weights import rounded_network

MIN_P: Final = 0.1  # of the composer: what is less than a tenth as likely as the likeliest is not drawn; docs/log.md
CONTEXT_S: Final = 4.0  # of canvas before and after a block, as the performer was trained
STEPS: Final = 8  # of a performer without a few-step fine-tune; docs/log.md has the scores of 1 to 16
NETWORKS: Final = {
    "codec": ("encoder", "decoder"), "performer": ("performer",), "composer": ("composer",), "analyst": ("analyst",),
}  # fmt: skip
KEPT_META: Final = ("step", "minutes", "hardware", "scores", "options", "conditions")  # of a checkpoint
OWN_META: Final = ("corpus", "data")  # of networks that learn from songs of their own
SHARED: Final = ("hardware", "data", "corpus", "notes")  # said once on the card where it holds for both halves


class Graph(NamedTuple):
    """An ONNX file, and its largest difference from its weights in torch (None: not known)."""

    name: str
    data: bytes
    parity: float | None


@dataclass(frozen=True)
class Part:
    """One part. `space` is the latent space it makes or was trained on, "" where it has none or does not say."""

    path: Path
    space: str
    stems: tuple[str, ...]  # of a performer
    row: dict[str, Any]  # in model.json, under the half's name
    training: dict[str, Any]  # in model.json, under "training" and the half's name
    graphs: Callable[[str], Iterator[Graph]]  # of the bundle's latent space


def codec_part(path: Path, told: Mapping[str, Any], base: Path | None = None) -> Part:
    """The codec; `told` holds what the command line says of its training. Raises as `performer_part`, and `bad_option`.

    A checkpoint of the adversarial stage counts that stage alone: `base`, the checkpoint or bundle that the stage began
    with, says what came before. It must have the same encoder.
    """
    if path.is_dir():
        return _copied("codec", path)
    codec, meta = load_codec(path)
    space = latent_space(codec.encoder)
    training = _kept(meta, told)
    if (stage := meta.get("stage")) in ("adversarial", "decoder"):
        training = {**_before(base, space, meta), stage: _kept(meta, {}), **_kept({}, told)}
    codec = rounded_network(codec, path).exporting()
    networks = {"encoder": codec.encoder, "decoder": codec.decoder}
    row = {"context": codec.context, "encoder_context": codec.encoder_context, "config": asdict(codec.config)}
    return Part(path, space, (), row, training, lambda space: _exported(networks, codec.config, space, 0))


def _before(base: Path | None, space: str, meta: Meta) -> dict[str, Any]:
    """What is said of the training before the adversarial stage."""
    if base is None:
        return dict(meta.get("base", {}))
    part = codec_part(base, {})
    if part.space != space:
        reason = f"its encoder makes {part.space}, not {space}: the stage began with another codec"
        raise HarmonicFlowError("bad_option", option="--base", value=str(base), reason=reason)
    return {key: value for key, value in part.training.items() if key != "from"}


def performer_part(path: Path, told: Mapping[str, Any]) -> Part:
    """The performer. Raises `bad_checkpoint`, `no_bundle`, `bad_bundle`; `graphs` raises `bad_export`."""
    if path.is_dir():
        return _copied("performer", path)
    performer, meta = load_performer(path)
    performer, stems = rounded_network(performer, path), performer.config.stems
    networks = {"performer": performer}
    training = _kept(meta, told)
    if (stage := meta.get("stage")) == "few-step":
        training = {**meta.get("before", {}), stage: _kept(meta, {}), **_kept({}, told)}
        training["conditions"] = meta.get("conditions", [])
    return Part(
        path, meta.get("latent_space", ""), stems, _performer_row(performer, meta), training,
        lambda space: _exported(networks, performer.config, space, len(stems)),
    )  # fmt: skip


def composer_part(path: Path, told: Mapping[str, Any]) -> Part:
    """The composer. Raises as `performer_part`."""
    if path.is_dir():
        return _copied("composer", path)
    composer, meta = load_composer(path)
    composer = rounded_network(composer, path)
    row = {
        "cells_v": meta.get("cells_v", 0), "meters": meta.get("meters", []), "min_p": MIN_P,
        "parameters": _parameters(composer), "config": asdict(composer.config),
    }  # fmt: skip
    training = _kept(meta, {}) | {key: meta[key] for key in OWN_META if key in meta}
    return Part(path, "", (), row, training, lambda space: _exported({"composer": composer}, composer.config, "", 0))


def analyst_part(path: Path, told: Mapping[str, Any]) -> Part:
    """The analyst. Raises as `performer_part`."""
    if path.is_dir():
        return _copied("analyst", path)
    analyst, meta = load_analyst(path)
    analyst = rounded_network(analyst, path)
    row = {"parameters": _parameters(analyst), "config": asdict(analyst.config)}
    training = _kept(meta, {})
    return Part(path, "", (), row, training, lambda space: _exported({"analyst": analyst}, analyst.config, "", 0))


def _parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _exported(networks: Mapping[str, nn.Module], config: Any, space: str, stems: int) -> Iterator[Graph]:
    for name, network in networks.items():
        data = export_graph(name, network, config, {"latent_space": space} if space else {})
        yield Graph(name, data, check(name, differences(name, network, data, stems)))


def _copied(half: str, folder: Path) -> Part:
    """A half of a bundle, whatever this release knows of it."""
    bundle = Bundle.load(folder, any_layout=half != "performer")
    card = json.loads((folder / "model.json").read_bytes())
    training = card.get("training", {})
    said = {key: training[key] for key in SHARED if key in training} | training.get(half, {})
    said.setdefault("from", f"{card['name']} {card['version']}")
    parity = card.get("parity", {})

    def graphs(space: str) -> Iterator[Graph]:
        for name in NETWORKS[half]:
            if not bundle.has(name):
                raise HarmonicFlowError("bad_bundle", path=folder, reason=f"it has no {name}")
            yield Graph(name, bundle.take_network(name), parity.get(name))

    return Part(folder, bundle.card.latent_space, bundle.stems, card.get(half, {}), said, graphs)


def _kept(meta: Meta, told: Mapping[str, Any]) -> dict[str, Any]:
    return {key: meta[key] for key in KEPT_META if key in meta} | {key: told[key] for key in SHARED if key in told}


def _performer_row(performer: Performer, meta: Meta) -> dict[str, Any]:
    parameters = _parameters(performer)
    given: dict[str, Any] = {key: meta[key] for key in ("schedule", "interval", "genres") if key in meta}
    row = {"steps": meta.get("steps", STEPS), "parameters": parameters, "context_s": CONTEXT_S}
    return {**row, **given, "config": asdict(performer.config)}
