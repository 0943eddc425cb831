"""Two checkpoints to a bundle: graphs, hashes, the latent space's name and the model card, written all or nothing."""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from harmonicflow.core.constants import HOP, LATENT_CHANNELS, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.paths import disk_errors, publish_folder, remove_folder, write_atomic
from harmonicflow.engine.bundle import FORMAT, GRAPHS, Bundle
from harmonicflow.engine.card import card_text
from harmonicflow.nn.latent_space import latent_space
from harmonicflow.nn.performer import LAYOUTS, Performer

from .checkpoints import Meta, load_codec, load_performer
from .onnx_graphs import export_graph, networks
from .parity import check, differences
from .weights import rounded_network

LICENSE: Final = "MIT"
CONTEXT_S: Final = 4.0  # of canvas before and after a block, as the performer was trained
STEPS: Final = 8  # of a performer without a few-step fine-tune; docs/log.md has the scores of 1 to 16
KEPT_META: Final = ("step", "minutes", "hardware", "scores", "options")  # of a checkpoint, on the card

Report = Callable[[str], None]


def build_bundle(
    codec_checkpoint: str | Path,
    performer_checkpoint: str | Path,
    out: str | Path,
    scores: Mapping[str, Any] | None = None,
    training_info: Mapping[str, Any] | None = None,
    name: str = "default",
    version: str = "0.1.0",
    *,
    replace: bool = True,
    report: Report = lambda line: None,
) -> Path:
    """Export both checkpoints into the folder `out` and return it; a bundle that is there already is replaced.

    `scores` is what `harmonicflow evaluate` measured. `training_info` adds to what the checkpoints say: "hardware",
    "data" (see `sources.corpus_data`), "notes". Raises `bad_checkpoint`, `latent_mismatch`, `bad_export`, `disk`.
    """
    out = Path(out)
    codec, codec_meta = load_codec(Path(codec_checkpoint))
    performer, performer_meta = load_performer(Path(performer_checkpoint))
    space = latent_space(codec.encoder)
    trained_on = performer_meta.get("latent_space", space)
    if trained_on != space:
        reason = f"the performer was trained on {trained_on}, the codec makes {space}"
        raise HarmonicFlowError("latent_mismatch", reason=reason, hint="Train the performer on with this codec")
    codec = rounded_network(codec, Path(codec_checkpoint))
    performer = rounded_network(performer, Path(performer_checkpoint))
    graphs, parity = {}, {}
    for key, network in networks(codec, performer).items():
        config = performer.config if key == "performer" else codec.config
        graphs[key] = export_graph(key, network, config, {"latent_space": space})
        parity[key] = check(key, differences(key, network, graphs[key], len(performer.config.stems)))
        report(f"{key}: {len(graphs[key]) / 1e6:.1f} MB, at most {parity[key]:.1e} from its weights")
    training = {"codec": _kept(codec_meta), "performer": _kept(performer_meta), **(training_info or {})}
    card = {
        "format": FORMAT, "name": name, "version": version, "license": LICENSE,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "sample_rate": SAMPLE_RATE, "hop": HOP, "channels": LATENT_CHANNELS, "stems": list(performer.config.stems),
        "latent_space": space, **LAYOUTS,
        "files": {key: _file_row(key, graph, space) for key, graph in graphs.items()},
        "codec": {"context": codec.context, "encoder_context": codec.encoder_context},
        "performer": _performer_row(performer, performer_meta),
        "training": training, "scores": dict(scores or {}), "parity": parity,
    }  # fmt: skip
    card["card"] = card_text(card)
    _publish(out, card, graphs, replace)
    return out


def _kept(meta: Meta) -> dict[str, Any]:
    return {key: meta[key] for key in KEPT_META if key in meta}


def _file_row(name: str, graph: bytes, space: str) -> dict[str, Any]:
    inputs, outputs = GRAPHS[name]
    return {
        "file": f"{name}.onnx", "sha256": hashlib.sha256(graph).hexdigest(), "bytes": len(graph),
        "inputs": {key: list(shape) for key, shape in inputs.items()},
        "outputs": {key: list(shape) for key, shape in outputs.items()},
        "latent_space": space,
    }  # fmt: skip


def _performer_row(performer: Performer, meta: Meta) -> dict[str, Any]:
    parameters = sum(parameter.numel() for parameter in performer.parameters())
    given: dict[str, Any] = {key: meta[key] for key in ("schedule", "interval") if key in meta}
    return {"steps": meta.get("steps", STEPS), "parameters": parameters, "context_s": CONTEXT_S, **given}


def _publish(out: Path, card: Mapping[str, Any], graphs: Mapping[str, bytes], replace: bool) -> None:
    """Write into a folder beside `out`, load it as the engine will, and only then give it its name."""
    mark = secrets.token_hex(4)
    part, old = (out.with_name(f".{out.name}.{mark}.{end}") for end in ("part", "old"))
    try:
        with disk_errors(out):
            part.mkdir(parents=True)
        for key, graph in graphs.items():
            write_atomic(part / f"{key}.onnx", graph, mode=0o644)
        write_atomic(part / "model.json", (json.dumps(card, indent=1) + "\n").encode(), mode=0o644)
        Bundle.load(part)
        with disk_errors(out):
            if out.exists():
                if not replace:
                    raise HarmonicFlowError("disk", path=out, reason="it is there already")
                out.rename(old)
        publish_folder(part, out)
    except BaseException:
        with suppress(HarmonicFlowError):
            remove_folder(part)
        if old.exists() and not out.exists():
            old.rename(out)
        raise
    remove_folder(old)
