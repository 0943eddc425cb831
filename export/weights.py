"""Weights as a bundle stores them: the big ones as half floats with a Cast behind them, under their torch names.

Rounding comes first: a network is rounded, then exported, and parity is measured against the rounded network, so
that what was measured is what ships.
"""

from copy import deepcopy
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.nn.dft import DFT
from harmonicflow.nn.latent_space import SMALLEST_HALF, rounded

LARGEST_HALF: Final = float(np.finfo(np.float16).max)
WIDE: Final = ":f32"  # behind the name of a weight once it is cast back

Network = TypeVar("Network", bound=nn.Module)


def rounded_network(network: Network, path: Path = Path("network")) -> Network:
    """A copy in evaluation mode whose big weights are half floats in value. Raises `bad_checkpoint`, naming `path`."""
    copy = deepcopy(network).eval()
    with torch.no_grad():
        for name, value in copy.state_dict().items():
            if not bool(value.isfinite().all()):
                raise HarmonicFlowError("bad_checkpoint", path=path, reason=f"its {name} is not finite")
            if float(value.abs().max()) > LARGEST_HALF:
                raise HarmonicFlowError("bad_checkpoint", path=path, reason=f"its {name} is too large for half floats")
            value.copy_(rounded(value))
    return copy


def keep_tables(network: nn.Module) -> None:
    """Make the transforms' tables part of the state, so that the exporter stores them instead of folding them."""
    for module in network.modules():
        if isinstance(module, DFT):
            for name in ("cosine", "places"):
                value = module.get_buffer(name)
                delattr(module, name)
                module.register_buffer(name, value)


def halve(graph: onnx.GraphProto, names: set[str]) -> None:
    """Store the big ones of the initializers `names` as half floats with a Cast back."""
    casts, wide = [], {}
    for tensor in graph.initializer:
        value = numpy_helper.to_array(tensor)
        if tensor.name in names and value.dtype == np.float32 and value.size >= SMALLEST_HALF:
            tensor.CopyFrom(numpy_helper.from_array(value.astype(np.float16), tensor.name))
            wide[tensor.name] = tensor.name + WIDE
            casts.append(helper.make_node("Cast", [tensor.name], [wide[tensor.name]], to=TensorProto.FLOAT))
    for node in graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = wide.get(name, name)
    _put_first(graph, casts)


def unshare(graph: onnx.GraphProto, names: set[str]) -> None:
    """Give every weight its own initializer: exporters store equal ones once, behind an Identity."""
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    kept = []
    for node in graph.node:
        if node.op_type == "Identity" and node.output[0] in names and node.input[0] in tensors:
            copy = graph.initializer.add()
            copy.CopyFrom(tensors[node.input[0]])
            copy.name = node.output[0]
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)


def share_nodes(graph: onnx.GraphProto) -> None:
    """Compute once what several nodes compute alike: the same operator on the same values."""
    results = {value.name for value in graph.output}
    first: dict[bytes, onnx.NodeProto] = {}
    same: dict[str, str] = {}
    kept = []
    for node in graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = same.get(name, name)
        bare = onnx.NodeProto()
        bare.CopyFrom(node)
        for field in ("name", "output", "doc_string"):
            bare.ClearField(field)
        twin = first.setdefault(bare.SerializeToString(deterministic=True), node)
        if twin is node or results & set(node.output) or len(twin.output) != len(node.output):
            kept.append(node)
        else:
            same |= dict(zip(node.output, twin.output, strict=True))
    del graph.node[:]
    graph.node.extend(kept)


def drop_idle_casts(model: onnx.ModelProto) -> None:
    """Take out Casts to the type that is there already (every `.to(x.dtype)`): onnxruntime 1.31 stumbles on some."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    kinds = {value.name: value.type.tensor_type.elem_type for value in (*graph.input, *graph.value_info)}
    kinds |= {tensor.name: tensor.data_type for tensor in graph.initializer}
    results = {value.name for value in model.graph.output}
    same: dict[str, str] = {}
    kept = []
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = same.get(name, name)
        idle = node.op_type == "Cast" and kinds.get(node.input[0]) == node.attribute[0].i
        if idle and node.output[0] not in results:
            same[node.output[0]] = node.input[0]
        else:
            kept.append(node)
    del model.graph.node[:]
    model.graph.node.extend(kept)


def _put_first(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *rest])
