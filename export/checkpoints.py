"""Checkpoints of training as networks: their averaged weights and what was written beside them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from safetensors import SafetensorError, safe_open
from torch import nn

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.nn.analyst import Analyst, AnalystConfig
from harmonicflow.nn.codec import Codec, CodecConfig
from harmonicflow.nn.composer import Composer, ComposerConfig
from harmonicflow.nn.performer import Performer, PerformerConfig

AVERAGE: Final = "average."  # before the names of the weights that are exported
HEADS: Final = "heads."  # before those that only training needs

Meta = dict[str, Any]
Network = TypeVar("Network", bound=nn.Module)


def load_codec(path: Path) -> tuple[Codec, Meta]:
    """The codec of a checkpoint and the checkpoint's metadata. Raises `bad_checkpoint`."""
    tensors, meta = _read(path)
    return _filled(path, lambda config: Codec(CodecConfig(**config)), _config(path, meta), tensors), meta


def load_performer(path: Path) -> tuple[Performer, Meta]:
    """The performer of a checkpoint and the checkpoint's metadata. Raises `bad_checkpoint`."""
    tensors, meta = _read(path)
    config = _config(path, meta)
    if "stems" in config:
        config["stems"] = tuple(config["stems"])
    return _filled(path, lambda config: Performer(PerformerConfig(**config)), config, tensors), meta


def load_composer(path: Path) -> tuple[Composer, Meta]:
    """The composer of a checkpoint and the checkpoint's metadata. Raises `bad_checkpoint`."""
    tensors, meta = _read(path)
    return _filled(path, lambda config: Composer(ComposerConfig(**config)), _config(path, meta), tensors), meta


def load_analyst(path: Path) -> tuple[Analyst, Meta]:
    """The analyst of a checkpoint and the checkpoint's metadata. Raises `bad_checkpoint`."""
    tensors, meta = _read(path)
    return _filled(path, lambda config: Analyst(AnalystConfig(**config)), _config(path, meta), tensors), meta


def _read(path: Path) -> tuple[dict[str, Any], Meta]:
    try:
        with safe_open(path, framework="pt") as file:
            meta = {key: json.loads(value) for key, value in (file.metadata() or {}).items()}
            names = [key for key in file.keys() if key.startswith(AVERAGE)]  # noqa: SIM118 - no mapping
            tensors = {key.removeprefix(AVERAGE): file.get_tensor(key) for key in names}
            return {name: value for name, value in tensors.items() if not name.startswith(HEADS)}, meta
    except (OSError, SafetensorError, ValueError) as error:
        raise HarmonicFlowError("bad_checkpoint", path=path, reason=str(error)) from error


def _config(path: Path, meta: Meta) -> dict[str, Any]:
    config = meta.get("config")
    if not isinstance(config, dict):
        raise HarmonicFlowError("bad_checkpoint", path=path, reason="it does not say what network it holds")
    return config


def _filled(path: Path, build: Callable[[Meta], Network], config: Meta, tensors: dict[str, Any]) -> Network:
    try:
        network = build(config)
        network.load_state_dict(tensors)
    except (RuntimeError, TypeError, ValueError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise HarmonicFlowError("bad_checkpoint", path=path, reason=f"it holds another network: {reason}") from error
    return network.eval()
