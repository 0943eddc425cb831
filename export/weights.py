"""Weights as a bundle stores them: the big ones as half floats with a Cast behind them, under their torch names.

Rounding comes first: a network is rounded, then exported, and parity is measured against the rounded network, so
that what was measured is what ships.
"""

import hashlib
from copy import deepcopy
from typing import Final, TypeVar

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.nn.codec import Encoder
from harmonicflow.nn.dft import DFT

SMALLEST_HALF: Final = 1024  # numbers in a tensor; smaller ones stay float32, they weigh nothing
LARGEST_HALF: Final = float(np.finfo(np.float16).max)
WIDE: Final = ":f32"  # behind the name of a weight once it is cast back

Network = TypeVar("Network", bound=nn.Module)


def rounded(network: Network) -> Network:
    """A copy in evaluation mode whose big weights are half floats in value. Raises `bad_checkpoint`."""
    copy = deepcopy(network).eval()
    with torch.no_grad():
        for name, value in copy.state_dict().items():
            if not bool(value.isfinite().all()):
                raise HarmonicFlowError("bad_checkpoint", path=name, reason="it holds numbers that are not finite")
            if value.numel() >= SMALLEST_HALF:
                if float(value.abs().max()) > LARGEST_HALF:
                    raise HarmonicFlowError("bad_checkpoint", path=name, reason="it is too large for half floats")
                value.copy_(value.half().float())
    return copy


def keep_tables(network: nn.Module) -> None:
    """Make the transforms' tables part of the state, so that the exporter stores them instead of folding them."""
    for module in network.modules():
        if isinstance(module, DFT):
            for name in ("cosine", "places"):
                value = module.get_buffer(name)
                delattr(module, name)
                module.register_buffer(name, value)


def latent_space(encoder: Encoder) -> str:
    """The name (16 hexadecimal digits) of the latents that an encoder makes: its rounded weights and its whitening."""
    digest = hashlib.sha256()
    for name, value in sorted(rounded(encoder).state_dict().items()):
        digest.update(f"{name} {tuple(value.shape)}\n".encode())
        digest.update(value.numpy().astype("<f4").tobytes())
    return digest.hexdigest()[:16]


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


def _put_first(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *rest])
