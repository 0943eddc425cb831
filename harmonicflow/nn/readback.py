"""Weights of a bundle read back by their torch names: an ONNX file's initializers, without a need for onnx.

An ONNX file is a protocol buffer: fields of (number, wire type, value), messages inside messages. Of all its fields
this needs: ModelProto 7 graph; GraphProto 5 initializer; TensorProto 1 dims, 2 data_type, 8 name, 9 raw_data
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.core.errors import HarmonicFlowError

MODEL_GRAPH: Final = 7
GRAPH_INITIALIZER: Final = 5
DIMS, DATA_TYPE, NAME, RAW_DATA = 1, 2, 8, 9
FLOATS: Final = {1: "<f4", 10: "<f2", 11: "<f8"}  # TensorProto.DataType -> numpy
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
TABLES: Final = ("dft.cosine", "dft.places", "dft.window")  # computed, not learned

Value = int | memoryview


def read_card(bundle_dir: str | Path) -> dict[str, Any]:
    """What a bundle's model.json says, unchecked but for its being a table. Raises: `no_bundle`, `bad_bundle`."""
    folder = Path(bundle_dir)
    try:
        card = json.loads((folder / "model.json").read_bytes())
    except FileNotFoundError:
        raise HarmonicFlowError("no_bundle", path=folder) from None
    except (OSError, ValueError) as error:
        raise HarmonicFlowError("bad_bundle", path=folder, reason=f"model.json: {error}") from None
    if not isinstance(card, dict):
        raise HarmonicFlowError("bad_bundle", path=folder, reason="model.json is no table")
    return card


def read_config(bundle_dir: str | Path, half: str) -> dict[str, Any]:
    """The sizes of a bundle's "codec" or "performer". Raises: `no_bundle`, `bad_bundle`."""
    row = read_card(bundle_dir).get(half)
    config = row.get("config") if isinstance(row, dict) else None
    if not isinstance(config, dict):
        raise HarmonicFlowError("bad_bundle", path=Path(bundle_dir), reason=f"it does not say the sizes of its {half}")
    return config


def read_weights(bundle_dir: str | Path, network: str) -> dict[str, NDArray[np.float32]]:
    """Weights by torch name of one network ("encoder", "decoder", "performer") of a bundle, as float32.

    Raises: `no_bundle`, `bad_bundle`.
    """
    folder = Path(bundle_dir)
    try:
        card = json.loads((folder / "model.json").read_bytes())
        path = folder / Path(card["files"][network]["file"]).name
        return weights_of(memoryview(path.read_bytes()))
    except FileNotFoundError:
        raise HarmonicFlowError("no_bundle", path=folder) from None
    except (LookupError, TypeError, ValueError) as error:
        raise HarmonicFlowError("bad_bundle", path=folder, reason=f"its {network}: {error}") from None


def weights_of(model: memoryview) -> dict[str, NDArray[np.float32]]:
    """Floating-point initializers of an ONNX file by name. Raises ValueError or IndexError for a broken file."""
    found = {}
    for number, graph in _fields(model):
        if number == MODEL_GRAPH and isinstance(graph, memoryview):
            for part, tensor in _fields(graph):
                if part == GRAPH_INITIALIZER and isinstance(tensor, memoryview):
                    name, value = _tensor(tensor)
                    if value is not None and name not in TABLES:
                        found[name] = value
    if not found:
        raise ValueError("it holds no weights")
    return found


def _tensor(message: memoryview) -> tuple[str, NDArray[np.float32] | None]:
    dims: list[int] = []
    kind, name, raw = 0, "", memoryview(b"")
    for number, value in _fields(message):
        if number == DIMS:
            dims += [value] if isinstance(value, int) else list(_varints(value))
        elif number == DATA_TYPE and isinstance(value, int):
            kind = value
        elif number == NAME and isinstance(value, memoryview):
            name = str(value, "utf-8")
        elif number == RAW_DATA and isinstance(value, memoryview):
            raw = value
    if kind not in FLOATS:
        return name, None
    return name, np.frombuffer(raw, FLOATS[kind]).reshape(dims).astype(np.float32)


def _fields(message: memoryview) -> Iterator[tuple[int, Value]]:
    """(field number, value) of a message; the value of a nested message or string is its bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        value: Value
        if kind == VARINT:
            value, at = _varint(message, at)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
            value, at = message[at : at + size], at + size
        elif kind == BYTES:
            size, at = _varint(message, at)
            value, at = message[at : at + size], at + size
            if len(value) != size:
                raise ValueError("it is cut short")
        else:
            raise ValueError(f"wire type {kind} at byte {at} is not known")
        yield key >> 3, value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number of 7-bit groups, the least first; (number, place behind it)."""
    value = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number is too long")


def _varints(packed: memoryview) -> Iterator[int]:
    at = 0
    while at < len(packed):
        value, at = _varint(packed, at)
        yield value
