"""The safetensors reader and writer against the reference package, and against broken files."""

import json
import struct

import numpy as np
import pytest
import safetensors.numpy

from harmonicflow.engine.tensors import read_tensors, tensor_bytes

ARRAYS = {
    "latents": np.random.default_rng(1).standard_normal((5, 7, 32)).astype(np.float32),
    "dry": np.arange(12, dtype=np.float32).reshape(4, 3)[:, ::-1],
    "none": np.zeros((0, 3), np.float32),
}


def test_the_reference_package_reads_what_is_written() -> None:
    found = safetensors.numpy.load(tensor_bytes(ARRAYS))
    assert found.keys() == ARRAYS.keys() and all(np.array_equal(found[k], ARRAYS[k]) for k in ARRAYS)


def test_what_the_reference_package_writes_is_read() -> None:
    plain = {name: np.ascontiguousarray(array) for name, array in ARRAYS.items()}
    found = read_tensors(safetensors.numpy.save(plain, {"format": "np"}))
    assert found.keys() == ARRAYS.keys() and all(np.array_equal(found[k], ARRAYS[k]) for k in ARRAYS)


def test_the_bytes_do_not_depend_on_the_order() -> None:
    assert tensor_bytes(ARRAYS) == tensor_bytes(dict(reversed(ARRAYS.items())))


def table(**row: object) -> bytes:
    header = json.dumps({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | row}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(8)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(7),
        struct.pack("<Q", 2**63) + bytes(64),  # a header longer than any file
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 5) + b"{" * 5,
        tensor_bytes(ARRAYS)[:-1],
        tensor_bytes(ARRAYS) + b"\0",
        table(dtype="F16"),
        table(shape=[3]),
        table(shape=[2**40, 2**40]),
        table(shape=[-2, -1]),
        table(shape=["2"]),
        table(shape=7),
        table(data_offsets=[4, 12]),
        table(data_offsets=[-8, 0]),
        table(data_offsets=None),
        table(shape=[1] * 9 + [2]),
        struct.pack("<Q", 200_000) + b"[" * 200_000,
    ],
)
def test_broken_files_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        read_tensors(data)


def test_a_good_row_is_read() -> None:
    assert np.array_equal(read_tensors(table())["x"], [0, 0])
