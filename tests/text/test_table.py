"""The table: what it reads, what it refuses, and the directions of texts."""

import json
import random
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load

from harmonicflow.text.table import DIMENSIONS, TextTable
from training.text_table import pack_table

# The first numbers of model2vec's own embeddings, by its float32 table of the same distillation.
GOLDEN = {
    "slow blues": (-0.094, -0.183, -0.003, -0.11, -0.215, -0.032, -0.079, 0.034),
    "Give me a warm jazzy trio with brushes and an upright bass, late at night": (
        -0.101, -0.237, -0.059, -0.187, -0.236, 0.033, -0.095, -0.094,
    ),
    "Café del Mar, 120 BPM": (0.011, 0.151, 0.365, -0.273, -0.01, -0.01, -0.083, -0.104),
    "hip-hop": (-0.071, -0.093, -0.12, -0.079, -0.215, 0.062, -0.126, -0.024),
    "ska/reggae (Kingston)": (0.03, 0.178, 0.032, 0.087, -0.162, 0.085, -0.062, -0.082),
    "unbelievably fast shredding!!": (0.405, -0.276, 0.063, -0.124, -0.065, -0.316, 0.025, -0.263),
}  # fmt: skip


def test_a_text_is_the_mean_of_its_tokens(small: TextTable, pieces: dict) -> None:
    rows = [pieces["vocabulary"].index(token) for token in ("slow", "blues", "guitar", "guitar")]
    mean = (small.vectors[rows] * small.scale[rows, None]).mean(0)
    got = small.embed("Slow blues guitar  GUITAR")
    assert got.shape == (DIMENSIONS,) and got.dtype == np.float32
    np.testing.assert_allclose(got, mean / np.linalg.norm(mean), atol=1e-6)


def test_rounding_keeps_the_directions(pieces: dict) -> None:
    tokens = pieces["vocabulary"]
    vectors = np.random.default_rng(1).normal(size=(len(tokens), DIMENSIONS)) * np.logspace(-6, 3, len(tokens))[:, None]
    table = TextTable.load(pack_table(tokens, vectors, {}))
    back = table.vectors * table.scale[:, None]
    cosines = (back * vectors).sum(1) / np.linalg.norm(back, axis=1) / np.linalg.norm(vectors, axis=1)
    assert cosines.min() > 0.9998


def test_the_package_safetensors_reads_it(small_bytes: bytes, small: TextTable, pieces: dict, tmp_path: Any) -> None:
    arrays = load(small_bytes)
    np.testing.assert_array_equal(arrays["vectors"], small.vectors)
    np.testing.assert_array_equal(arrays["scale"], small.scale)
    assert arrays["vocabulary"].tobytes().decode().split("\n") == pieces["vocabulary"]
    (tmp_path / "text.safetensors").write_bytes(small_bytes)
    with safe_open(tmp_path / "text.safetensors", "numpy") as file:
        assert file.metadata() == small.metadata == {"licence": "none", "source": "drawn"}


def test_nothing_is_no_direction(small: TextTable) -> None:
    for text in ("", "   ", "\x00\x1f", "\ud83d", "😀🎸", "x" * 101):
        assert not small.embed(text).any()


def test_it_never_raises_for_a_string(small: TextTable) -> None:
    draw = random.Random(3)
    for length, draws in ((1, 100), (3, 100), (30, 60), (3000, 5)):
        for _ in range(draws):
            text = "".join(chr(draw.randrange(draw.choice((128, 0x3000, 0x110000)))) for _ in range(length))
            norm = float(np.linalg.norm(small.embed(text)))
            assert norm == 0 or abs(norm - 1) < 1e-5
    assert np.isfinite(small.embed("slow blues " * 100_000)).all()


def broken(change: Callable[[dict[str, Any]], Any]) -> Callable[[bytes], bytes]:
    """The same file with another header."""

    def make(data: bytes) -> bytes:
        (size,) = struct.unpack_from("<Q", data)
        header = json.loads(data[8 : 8 + size])
        text = json.dumps(change(header) or header).encode()
        return struct.pack("<Q", len(text)) + text + data[8 + size :]

    return make


REFUSED: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "no header": lambda data: data[:7],
    "a header longer than the file": lambda data: struct.pack("<Q", 1 << 40) + data[8:],
    "no JSON": lambda data: data[:8] + b"\xff" + data[9:],
    "cut": lambda data: data[:-1],
    "a tail": lambda data: data + b"\x00",
    "a list": broken(lambda header: [1]),
    "deep": lambda data: struct.pack("<Q", 60_000) + b"[" * 60_000 + data,
    "another array": broken(lambda header: header.update(more=header["scale"])),
    "an array missing": broken(lambda header: header.pop("scale")),
    "another type": broken(lambda header: header["vectors"].update(dtype="U8")),
    "another shape": broken(lambda header: header["vectors"].update(shape=header["vectors"]["shape"][::-1])),
    "a negative axis": broken(lambda header: header["vectors"].update(shape=[-1, -1])),
    "a place outside": broken(lambda header: header["scale"].update(data_offsets=[10**9, 10**9 + 4])),
    "no places": broken(lambda header: header["scale"].update(data_offsets=None)),
    "metadata of numbers": broken(lambda header: header["__metadata__"].update(licence=1)),
    "a vocabulary that is not UTF-8": lambda data: data[:-3] + b"\xff\xfe\xfd",
    "a token twice": lambda data: data.replace(b"slow\nblues", b"blue\nblues").replace(b"\nblue\n", b"\njazz\n"),
    "an empty token": lambda data: data.replace(b"\nslow\n", b"\n\nlow\n"),
    "a token too many": lambda data: data.replace(b"\nslow\n", b"\nsl\nw\n"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_damaged_file_is_refused(name: str, small_bytes: bytes) -> None:
    with pytest.raises(ValueError):
        TextTable.load(REFUSED[name](small_bytes))


def test_a_scale_that_is_no_number_is_refused(small_bytes: bytes) -> None:
    (size,) = struct.unpack_from("<Q", small_bytes)
    for number in (np.inf, np.nan, -1.0):  # the scale comes first
        data = small_bytes[: 8 + size] + struct.pack("<f", number) + small_bytes[12 + size :]
        with pytest.raises(ValueError, match="scale"):
            TextTable.load(data)


@pytest.mark.parametrize("tokens", [["a", "a"], ["a"], ["a", ""], ["a", "b\nc"]])
def test_a_table_that_would_not_read_is_not_written(tokens: list[str]) -> None:
    with pytest.raises(ValueError):
        pack_table(tokens, np.ones((2, DIMENSIONS)), {})


def test_the_bundles_own_table(real: TextTable) -> None:
    assert real.metadata["licence"] == "Apache-2.0" and "MiniLM" in real.metadata["source"]
    assert real.vectors.nbytes < 8_000_000
    for text, first in GOLDEN.items():
        np.testing.assert_allclose(real.embed(text)[:8], first, atol=0.01)
