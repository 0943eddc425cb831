"""Torch networks to self-contained ONNX graphs with the bundle's names, and only a few axes that may change.

The exporter is torch's tracer. It keeps every weight under its torch name, which the reading back relies on, and takes
seconds where the newer exporter takes minutes; what is traced has no branch that depends on a value. Nothing is
folded here: a runtime folds at load, and the file stays small.
"""

import io
import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn

from harmonicflow.core.constants import HOP, LATENT_CHANNELS
from harmonicflow.engine.bundle import ALL_GRAPHS, GRAPHS, PARTS, Shape
from harmonicflow.score.cell_features import HARMONY_COLUMNS
from harmonicflow.score.cells import PLACE, SLOT, SLOTS
from harmonicflow.score.cells import SIZES as CELL_SIZES

from .weights import drop_idle_casts, halve, keep_tables, share_nodes, unshare

OPSET: Final = 20
PRODUCER: Final = "harmonicflow"
# Sizes while tracing.
EXAMPLE: Final = {"batch": 2, "length": 24, "beats": 5, "cells": 12, "picks": 3, "frames": 64, "chords": 8}
UNROLLED: Final = "unrolled"  # the performer with every step of the sampler
TABLES: Final = ALL_GRAPHS | {
    UNROLLED: (
        {key: shape for key, shape in GRAPHS["performer"][0].items() if key not in ("time", "step")},
        {"latents": ("batch", "stems", "length", LATENT_CHANNELS)},
    )
}
# Axes that change from call to call.
DYNAMIC: Final = ("batch", "length", "samples", "beats", "cells", "picks", "frames", "chords")

# What TensorRT 10.15 takes, of the operators that the networks could be made of (onnx-tensorrt, docs/operators.md).
TENSORRT_OPERATORS: Final = frozenset(
    "Abs Add And Cast Clip Concat Constant ConstantOfShape Conv ConvTranspose Cos CumSum Div Einsum Equal Erf Exp "
    "Expand Flatten Floor Gather GatherElements GatherND Gelu Gemm Greater GreaterOrEqual Identity LayerNormalization "
    "Less LessOrEqual Log MatMul Max Min Mod Mul Neg Not Or Pad Pow RMSNormalization Range Reciprocal ReduceMax "
    "ReduceMean ReduceMin ReduceSum Relu Reshape RotaryEmbedding Shape Sigmoid Sin Slice Softmax Split Sqrt Squeeze "
    "Sub Sum Tan Tanh Tile Transpose Trilu Unsqueeze Where".split()
)


def export_graph(name: str, network: nn.Module, config: Any, notes: Mapping[str, str] | None = None) -> bytes:
    """The ONNX file of one network; `config` (a dataclass) and `notes` go into its metadata."""
    keep_tables(network)
    inputs, outputs = TABLES[name]
    sizes = EXAMPLE | _own_sizes(config)
    example = tuple(example_inputs(name, sizes).values())
    dynamic = {key: {i: size for i, size in enumerate(shape) if size in DYNAMIC} for key, shape in inputs.items()}
    file = io.BytesIO()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the tracer is the older exporter
        warnings.filterwarnings("ignore", "Constant folding", UserWarning)  # a flip that is not folded: wanted
        # Sizes compared in Python; parity is checked at others.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
        torch.onnx.export(
            network, example, file, dynamo=False,  # type: ignore[arg-type]
            opset_version=OPSET, do_constant_folding=False,
            input_names=list(inputs), output_names=list(outputs), dynamic_axes=dynamic,
        )  # fmt: skip
    model = onnx.load_from_string(file.getvalue())
    names = set(network.state_dict())
    drop_idle_casts(model)
    unshare(model.graph, names)
    if name == UNROLLED:
        share_nodes(model.graph)
    halve(model.graph, {key for key in names if ".dft." not in f".{key}"})
    _label(model, name, sizes, {"network": name, "config": json.dumps(asdict(config)), **(notes or {})})
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def example_inputs(name: str, sizes: Mapping[str, int], seed: int = 0) -> dict[str, Tensor]:
    """Inputs of a network at unit scale, for tracing and for parity; `sizes` by axis word, stems and rows too."""
    random = np.random.default_rng(seed)
    sizes = dict(sizes) | {"samples": sizes["length"] * HOP}
    found = {}
    for key, shape in TABLES[name][0].items():
        filled = tuple(size if isinstance(size, int) else sizes[size] for size in shape)
        value = random.normal(0, 0.2 if key == "audio" else 1, filled)
        if key in ("time", "step", "score", "genre"):
            value = random.random(filled)
        elif key == "known":
            value = (random.random(filled) < 0.5).astype(float)
        elif key == "pool":
            beat = np.arange(filled[2]) * filled[1] // filled[2]
            value = np.broadcast_to(beat[None, None, :] == np.arange(filled[1])[None, :, None], filled)
        elif name == "composer":
            value = _composer_input(key, filled, sizes["cells"], random)
        found[key] = torch.from_numpy(np.ascontiguousarray(value, np.float32))
    return found


def _composer_input(key: str, shape: tuple[int, ...], cells: int, random: np.random.Generator) -> np.ndarray:
    """An input of the composer: whole numbers where it reads such, and one chord and one key a cell.

    Every note to be written is forced: a draw near the edge of its interval may fall on either side of it.
    """
    if key in ("notes", "recall", "forced"):
        last = np.array(CELL_SIZES) - 1
        value = np.stack([random.integers(size, size=shape[:-1]) for size in last], -1)
        value[..., SLOT] = np.sort(value[..., SLOT], axis=-1)
        here = (np.arange(shape[-2]) < random.integers(0, 5, size=shape[:-2])[..., None])[..., None]
        if key == "forced":
            value[..., PLACE] = np.arange(shape[-2])
            value[..., SLOT] = np.where(here[..., 0], value[..., SLOT], SLOTS)
            return value.astype(float)
        return np.where(here, value, -1).astype(float)
    if key == "write":
        return np.stack([random.integers(PARTS, size=shape[:2]), random.integers(cells, size=shape[:2])], -1)
    if key == "harmony":
        told = np.zeros(shape)
        for name in ("root", "tonic"):
            places = random.integers(12, size=shape[:-1])[..., None] + HARMONY_COLUMNS[name].start
            np.put_along_axis(told, places, 1.0, axis=-1)
        return told
    if key == "bias":
        return np.zeros(shape)
    return np.tile([1.0, 0.02], (*shape[:2], 1)) if key == "heat" else random.random(shape)


def operators(model: bytes) -> set[tuple[str, str]]:
    """(domain, operator) of every node of a graph, of inner graphs too."""

    def walk(graph: onnx.GraphProto) -> set[tuple[str, str]]:
        found = {(node.domain, node.op_type) for node in graph.node}
        inner = [a.g for node in graph.node for a in node.attribute if a.type == onnx.AttributeProto.GRAPH]
        return found.union(*map(walk, inner))

    return walk(onnx.load_from_string(model).graph)


def _own_sizes(config: Any) -> dict[str, int]:
    stems = len(getattr(config, "stems", ()))
    return {"stems": stems, "rows": stems + 1, "nodes": stems + 3}


def _label(model: onnx.ModelProto, name: str, sizes: Mapping[str, int], notes: Mapping[str, str]) -> None:
    """Shapes as the bundle's table has them, metadata, and no traces of where it was made."""

    def info(key: str, shape: Shape) -> onnx.ValueInfoProto:
        filled = [sizes[s] if isinstance(s, str) and s not in DYNAMIC else s for s in shape]
        return helper.make_tensor_value_info(key, TensorProto.FLOAT, filled)

    graph = model.graph
    for side, table in zip((graph.input, graph.output), TABLES[name], strict=True):
        del side[:]
        side.extend(info(key, shape) for key, shape in table.items())
    del graph.value_info[:]
    graph.name = name
    for node in graph.node:
        node.ClearField("doc_string")
    model.producer_name, model.producer_version = PRODUCER, ""
    helper.set_model_props(model, dict(notes))
