"""Whether an exported graph gives what the torch network gives, at other sizes than it was traced with."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import onnxruntime as ort
import torch
from torch import nn

from harmonicflow.core.errors import HarmonicFlowError

from .onnx_graphs import example_inputs

# Largest difference from inputs of unit scale. The codec's is absolute: latents are near 1, sound is below it. The
# performer's velocity is measured against its largest value where that is above 1.
LIMITS: Final = {
    "encoder": 1e-4, "decoder": 1e-4, "performer": 1e-3, "unrolled": 1e-3, "composer": 1e-3, "analyst": 1e-3,
}  # fmt: skip
ABSOLUTE: Final = ("encoder", "decoder")
SIZES: Final = (  # none of them as traced; a single frame, a long window
    {"batch": 1, "length": 1, "beats": 1, "cells": 1, "picks": 1, "frames": 8, "chords": 1},
    {"batch": 3, "length": 41, "beats": 4, "cells": 40, "picks": 7, "frames": 400, "chords": 50},
    {"batch": 1, "length": 130, "beats": 14, "cells": 96, "picks": 48, "frames": 3200, "chords": 400},
)
CODEC_SIZES: Final = (  # also two frames, fewer than a kernel sees, and more than the engine gives at once (28 s)
    {"batch": 1, "length": 1},
    {"batch": 4, "length": 2},
    {"batch": 3, "length": 41},
    {"batch": 1, "length": 130},
    {"batch": 1, "length": 600},
)


def differences(name: str, network: nn.Module, model: bytes, stems: int, threads: int = 1) -> dict[str, float]:
    """Largest difference of the outputs, by "batch x length"; see `LIMITS`."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    found = {}
    for seed, sizes in enumerate(CODEC_SIZES if name in ABSOLUTE else SIZES):
        inputs = example_inputs(name, sizes | {"stems": stems, "rows": stems + 1}, seed)
        with torch.no_grad():
            wanted = network(*inputs.values())
        worst = 0.0
        outputs = session.run(None, {key: value.numpy() for key, value in inputs.items()})
        for got, tensor in zip(outputs, wanted if isinstance(wanted, tuple) else (wanted,), strict=True):
            if got.shape != tuple(tensor.shape):
                reason = f"gives {got.shape}, should {tuple(tensor.shape)}"
                raise HarmonicFlowError("bad_export", network=name, reason=reason)
            scale = 1.0 if name in ABSOLUTE else max(1.0, float(tensor.abs().max()))
            worst = float(np.maximum(worst, np.abs(got - tensor.numpy()).max() / scale))  # NaN stays
        found[f"{sizes['batch']} x {sizes['length']}"] = worst
    return found


def check(name: str, found: Mapping[str, float]) -> float:
    """The largest difference. Raises `bad_export` when it is above the network's limit, or not a number."""
    worst = max(found.values(), key=lambda value: np.inf if np.isnan(value) else value)
    if not worst <= LIMITS[name]:
        raise HarmonicFlowError(
            "bad_export", network=name, reason=f"differs from the weights by {worst:.1e}, allowed {LIMITS[name]:.0e}"
        )
    return worst
