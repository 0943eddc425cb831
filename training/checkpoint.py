"""Checkpoints: one safetensors file with everything needed to go on, written atomically.  No pickle."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from harmonicflow.core.errors import HarmonicFlowError

MODEL = "model."  # weights as they are trained
AVERAGE = "average."  # their moving average: what is validated and exported
RIVALS = "rivals."  # weights of discriminators
OPTIMISER = "optimiser."


def save(path: Path, tensors: Mapping[str, Tensor], meta: Mapping[str, Any]) -> None:
    """Write `tensors` and the JSON-able `meta` to `path`; a crash leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    text = {key: json.dumps(value) for key, value in meta.items()}
    save_file({key: value.detach().contiguous().clone() for key, value in tensors.items()}, part, text)
    part.replace(path)


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and metadata of a checkpoint.  Raises: HarmonicFlowError `bad_checkpoint`."""
    try:
        with safe_open(path, framework="pt") as file:
            meta = {key: json.loads(value) for key, value in (file.metadata() or {}).items()}
            return {key: file.get_tensor(key) for key in file.keys()}, meta  # noqa: SIM118
    except (OSError, SafetensorError, ValueError) as error:
        raise HarmonicFlowError("bad_checkpoint", path=str(path), reason=str(error)) from error


def weights(tensors: Mapping[str, Tensor], prefix: str = AVERAGE) -> dict[str, Tensor]:
    """The tensors under one prefix, without it."""
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def flatten_optimiser(optimisers: list[torch.optim.Optimizer]) -> dict[str, Tensor]:
    """State tensors of the optimisers by "optimiser.<which>.<parameter>.<name>"."""
    flat: dict[str, Tensor] = {}
    for which, optimiser in enumerate(optimisers):
        for index, state in optimiser.state_dict()["state"].items():
            for name, value in state.items():
                flat[f"{OPTIMISER}{which}.{index}.{name}"] = torch.as_tensor(value)
    return flat


def restore_optimiser(optimisers: list[torch.optim.Optimizer], tensors: Mapping[str, Tensor]) -> None:
    """Put back what `flatten_optimiser` gave."""
    for which, optimiser in enumerate(optimisers):
        whole = optimiser.state_dict()
        prefix = f"{OPTIMISER}{which}."
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            if key.startswith(prefix):
                index, name = key.removeprefix(prefix).split(".", 1)
                state.setdefault(int(index), {})[name] = value
        optimiser.load_state_dict({"state": state, "param_groups": whole["param_groups"]})
