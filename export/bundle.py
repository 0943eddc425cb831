"""Parts to a bundle: graphs, hashes, the latent space's name and the model card, written all or nothing."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from harmonicflow.core.constants import HOP, LATENT_CHANNELS, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.engine.bundle import FORMAT, MAX_TEXT_BYTES, OPTIONAL_GRAPHS, TEXT, Bundle
from harmonicflow.engine.card import card_text
from harmonicflow.engine.publish import write_bundle
from harmonicflow.engine.sources import merged
from harmonicflow.nn.performer import LAYOUTS
from harmonicflow.text.table import TextTable

from .onnx_graphs import TABLES, UNROLLED
from .parts import SHARED, Graph, Part, analyst_part, codec_part, composer_part, performer_part
from .unrolled import unrolled_graph

LICENSE: Final = "MIT"
TEXT_FILE: Final = "text.safetensors"

Report = Callable[[str], None]


def build_bundle(
    codec: str | Path,
    performer: str | Path,
    out: str | Path,
    scores: Mapping[str, Any] | None = None,
    training_info: Mapping[str, Any] | None = None,
    name: str = "default",
    version: str = "0.1.0",
    *,
    base: str | Path | None = None,
    codec_scores: Mapping[str, Any] | None = None,
    text: str | Path | None = None,
    composer: str | Path | None = None,
    analyst: str | Path | None = None,
    unrolled: int | None = None,
    replace: bool = True,
    report: Report = lambda line: None,
) -> Path:
    """Put the parts together in the folder `out` and return it; a bundle that is there is replaced.

    Each is a checkpoint, or the folder of a bundle whose own files are taken as they are. `scores` is what
    `harmonicflow evaluate` measured, `codec_scores` a `card.codec_summary`, `base` the codec that an adversarial stage
    began with, `text` the table of words (by default that of the first bundle among performer, base and codec that has
    one), `composer` and `analyst` likewise. `unrolled` puts a performer of so many steps in one graph beside the
    others, for runtimes of one's own.
    `training_info` adds to what the checkpoints say: "hardware", "data" and "corpus" (see `sources`), "notes".
    Raises `bad_checkpoint`, `bad_option`, `no_bundle`, `bad_bundle`, `latent_mismatch`, `bad_export`, `disk`.
    """
    out, told = Path(out), dict(training_info or {})
    first = codec_part(Path(codec), told, None if base is None else Path(base))
    parts = {"codec": first, "performer": performer_part(Path(performer), told)}
    whole = [path for path in (performer, base, codec) if path is not None]
    for kind, path, build in (("composer", composer, composer_part), ("analyst", analyst, analyst_part)):
        if (source := path or _first_with(kind, whole)) is not None:
            parts[kind] = build(Path(source), told)
    space, stems = parts["codec"].space, parts["performer"].stems
    _check_fit(parts["codec"], parts["performer"])
    files, rows, parity = {}, {}, {}

    def add(graph: Graph, whence: str) -> None:
        near = "as it was"
        rows[graph.name] = _file_row(graph.name, graph.data, "" if graph.name in OPTIONAL_GRAPHS else space)
        files[rows[graph.name]["file"]] = graph.data
        if graph.parity is not None:
            parity[graph.name] = graph.parity
            near = f"at most {graph.parity:.1e} from its weights"
        report(f"{graph.name}: {len(graph.data) / 1e6:.1f} MB, {whence}{near}")

    for part in parts.values():
        for graph in part.graphs(space):
            add(graph, f"from {part.path}, " if part.path.is_dir() else "")
    if unrolled is not None:
        data, difference = unrolled_graph(files["performer.onnx"], parts["performer"].row, unrolled, space)
        add(Graph(UNROLLED, data, difference), f"{unrolled} steps, ")
    told_text, words = _words(text, whole)
    if words:
        rows[TEXT], files[TEXT_FILE] = told_text, words
        report(f"{TEXT}: {len(words) / 1e6:.1f} MB, {told_text['license']}")
    card = {
        "format": FORMAT, "name": name, "version": version, "license": LICENSE,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "sample_rate": SAMPLE_RATE, "hop": HOP, "channels": LATENT_CHANNELS, "stems": list(stems),
        "latent_space": space, **LAYOUTS,
        "files": rows,
        "codec": parts["codec"].row | ({"scores": dict(codec_scores)} if codec_scores else {}),
        "performer": parts["performer"].row,
        **{name: parts[name].row for name in OPTIONAL_GRAPHS if name in parts},
        "training": _training(parts, told), "scores": dict(scores or {}), "parity": parity,
    }  # fmt: skip
    card["card"] = card_text(card)
    write_bundle(out, card, files, replace=replace)
    return out


def _first_with(network: str, paths: Iterable[str | Path]) -> Path | None:
    """The first bundle of some paths that has a network."""
    for path in map(Path, paths):
        if path.is_dir() and Bundle.load(path, any_layout=True).has(network):
            return path
    return None


def _words(text: str | Path | None, parts: Iterable[str | Path]) -> tuple[dict[str, Any], bytes]:
    """The row and the bytes of the table of words, empty without one. Raises `missing_file`, `bad_option`."""
    if text is None:
        for part in parts:
            if Path(part).is_dir() and (data := Bundle.load(part, any_layout=True).take_text()) is not None:
                break
        else:
            return {}, b""
    else:
        try:
            with Path(text).open("rb") as file:
                data = file.read(MAX_TEXT_BYTES + 1)
        except FileNotFoundError:
            raise HarmonicFlowError("missing_file", path=text) from None
        except OSError as error:
            raise HarmonicFlowError("unreadable", path=text, reason=error.strerror or error) from None
    try:
        if len(data) > MAX_TEXT_BYTES:
            raise ValueError(f"it is larger than {MAX_TEXT_BYTES >> 20} MiB")
        about = TextTable.load(data).metadata
    except ValueError as error:
        raise HarmonicFlowError("bad_option", option="--text", value=str(text), reason=str(error)) from None
    row = {
        "file": TEXT_FILE, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data),
        "license": about.get("licence", "not recorded"), "source": about.get("source", "not recorded"),
        "changes": about.get("changes", ""),
    }  # fmt: skip
    return row, data


def _check_fit(codec: Part, performer: Part) -> None:
    """Raise `latent_mismatch` for a performer that was trained on the latents of another codec."""
    if performer.space in ("", codec.space):
        return
    reason = (
        f"the performer {performer.path} was trained on {performer.space}, the codec {codec.path} makes {codec.space}"
    )
    checkpoint = codec.path if codec.path.is_file() else "CODEC_CHECKPOINT"
    hint = (
        "Encode the songs with this codec and train the performer on, then export again: "
        f"harmonicflow train encode --data-dir CORPUS --codec {checkpoint} --out ENCODED && "
        f"harmonicflow train performer --init {performer.path} --data-dir ENCODED --checkpoint-dir PERFORMER"
    )
    raise HarmonicFlowError("latent_mismatch", reason=reason, hint=hint)


def _training(parts: Mapping[str, Part], told: Mapping[str, Any]) -> dict[str, Any]:
    """What both halves say alike once, the rest in the half's own row; "data" always, since it holds the credits."""
    rows = {half: dict(part.training) for half, part in parts.items() if half not in OPTIONAL_GRAPHS}
    training = {key: value for key, value in told.items() if key not in SHARED}
    for key in SHARED:
        said = [row.get(key) for row in rows.values()]
        if said[0] == said[1]:
            for row in rows.values():
                row.pop(key, None)
            training |= {key: said[0]} if said[0] else {}
    own = {name: dict(parts[name].training) for name in OPTIONAL_GRAPHS if name in parts}
    named = [row["data"] for row in (training, *rows.values(), *own.values()) if "data" in row]
    if len(named) > ("data" in training):
        training["data"] = merged(named, longest=True)
    return {**rows, **own, **training}


def _file_row(name: str, graph: bytes, space: str) -> dict[str, Any]:
    inputs, outputs = TABLES[name]
    return {
        "file": f"{name}.onnx", "sha256": hashlib.sha256(graph).hexdigest(), "bytes": len(graph),
        "inputs": {key: list(shape) for key, shape in inputs.items()},
        "outputs": {key: list(shape) for key, shape in outputs.items()},
        **({"latent_space": space} if space else {}),
    }  # fmt: skip
