"""safetensors files of float32 arrays, both ways: eight bytes of length, a JSON table, the raw numbers.

The format is small enough to be written here, which keeps its package out of the base installation.
https://huggingface.co/docs/safetensors
"""

import io
import json
import os
import struct
from collections.abc import Mapping
from math import prod
from typing import Any, BinaryIO, Final, NamedTuple

import numpy as np

MAX_HEADER: Final = 1 << 20  # bytes
MAX_AXES: Final = 8

Shape = tuple[int, ...]


class Header(NamedTuple):
    """What a file holds: shape and place (in bytes, from the file's start) of every array, and its metadata."""

    shapes: dict[str, Shape]
    offsets: dict[str, int]
    metadata: dict[str, str]


def tensor_header(shapes: Mapping[str, Shape], metadata: Mapping[str, str] | None = None) -> bytes:
    """All of a file that stands before the numbers, which follow array after array, in the order of their names."""
    table: dict[str, Any] = {} if metadata is None else {"__metadata__": dict(sorted(metadata.items()))}
    at = 0
    for name in sorted(shapes):
        end = at + 4 * prod(shapes[name])
        table[name] = {"dtype": "F32", "shape": list(shapes[name]), "data_offsets": [at, end]}
        at = end
    header = json.dumps(table, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # numbers start at a multiple of eight
    return struct.pack("<Q", len(header)) + header


def tensor_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """A file of float32 arrays, in the order of their names: the same arrays are the same bytes."""
    parts = [np.ascontiguousarray(arrays[name], "<f4").tobytes() for name in sorted(arrays)]
    return b"".join((tensor_header({name: array.shape for name, array in arrays.items()}), *parts))


def read_header(file: BinaryIO) -> Header:
    """The header of a file, which must be exactly one of float32 arrays; raises ValueError."""
    total = file.seek(0, os.SEEK_END)
    file.seek(0)
    if total < 8:
        raise ValueError("it is shorter than its header")
    (size,) = struct.unpack("<Q", file.read(8))
    if size > min(MAX_HEADER, total - 8):
        raise ValueError("its header is longer than the file")
    try:
        table = json.loads(file.read(size))
    except RecursionError:
        raise ValueError("its header is nested too deeply") from None
    if not isinstance(table, dict):
        raise ValueError("its header is no table")
    metadata = table.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("its metadata is no table of words")
    first, length = 8 + size, total - 8 - size
    header = Header({}, {}, metadata)
    for name, row in table.items():
        header.shapes[name], start = _row(name, row, length)
        header.offsets[name] = first + start
    if sum(4 * prod(shape) for shape in header.shapes.values()) != length:
        raise ValueError("its rows do not cover the file")
    return header


def _row(name: str, row: Any, length: int) -> tuple[Shape, int]:
    """The shape of an array, and where it starts in the `length` bytes of numbers."""
    try:
        dtype, shape, (start, end) = row["dtype"], tuple(row["shape"]), row["data_offsets"]
    except (TypeError, KeyError) as error:
        raise ValueError(f"the row of {name!r} is incomplete") from error
    sizes = (*shape, start, end)
    if dtype != "F32" or len(shape) > MAX_AXES or not all(type(n) is int and 0 <= n <= length for n in sizes):
        raise ValueError(f"the row of {name!r} is not a float32 array")
    if end - start != 4 * prod(shape):
        raise ValueError(f"{name!r} has {end - start} bytes, its shape needs {4 * prod(shape)}")
    return shape, start


def read_tensors(data: bytes) -> dict[str, np.ndarray]:
    """The float32 arrays of a file; raises ValueError for anything that is not exactly one."""
    header = read_header(io.BytesIO(data))
    return {
        name: np.frombuffer(data, "<f4", prod(shape), header.offsets[name]).reshape(shape).astype(np.float32)
        for name, shape in header.shapes.items()
    }
