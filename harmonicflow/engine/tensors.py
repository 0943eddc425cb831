"""safetensors files of float32 arrays, both ways: eight bytes of length, a JSON table, the raw numbers.

The format is small enough to be written here, which keeps its package out of the base installation.
https://huggingface.co/docs/safetensors
"""

import json
import struct
from collections.abc import Mapping
from math import prod
from typing import Final

import numpy as np

MAX_HEADER: Final = 1 << 20  # bytes
MAX_AXES: Final = 8


def tensor_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """A file of float32 arrays, in the order of their names: the same arrays are the same bytes."""
    table, parts, at = {}, [], 0
    for name in sorted(arrays):
        data = np.ascontiguousarray(arrays[name], "<f4").tobytes()
        table[name] = {"dtype": "F32", "shape": list(arrays[name].shape), "data_offsets": [at, at + len(data)]}
        parts.append(data)
        at += len(data)
    header = json.dumps(table, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # numbers start at a multiple of eight
    return b"".join((struct.pack("<Q", len(header)), header, *parts))


def read_tensors(data: bytes) -> dict[str, np.ndarray]:
    """The float32 arrays of a file; raises ValueError for anything that is not exactly one."""
    if len(data) < 8:
        raise ValueError("it is shorter than its header")
    (size,) = struct.unpack_from("<Q", data)
    if size > min(MAX_HEADER, len(data) - 8):
        raise ValueError("its header is longer than the file")
    try:
        table = json.loads(data[8 : 8 + size])
    except RecursionError:
        raise ValueError("its header is nested too deeply") from None
    if not isinstance(table, dict):
        raise ValueError("its header is no table")
    body = memoryview(data)[8 + size :]
    arrays, covered = {}, 0
    for name, row in table.items():
        if name == "__metadata__":
            continue
        try:
            dtype, shape, (start, end) = row["dtype"], tuple(row["shape"]), row["data_offsets"]
        except (TypeError, KeyError) as error:
            raise ValueError(f"the row of {name!r} is incomplete") from error
        sizes = (*shape, start, end)
        if dtype != "F32" or len(shape) > MAX_AXES or not all(type(n) is int and 0 <= n <= len(body) for n in sizes):
            raise ValueError(f"the row of {name!r} is not a float32 array")
        if end - start != 4 * prod(shape):
            raise ValueError(f"{name!r} has {end - start} bytes, its shape needs {4 * prod(shape)}")
        arrays[name] = np.frombuffer(body[start:end], "<f4").reshape(shape).astype(np.float32)
        covered += end - start
    if covered != len(body):
        raise ValueError("its rows do not cover the file")
    return arrays
