"""A static table of token vectors: a text is the mean of its tokens' vectors, and that is all of the network.

The file is a safetensors file of three arrays (V tokens, D dimensions): `vectors` I8 [V, D], `scale` F32 [V] by which
each row is multiplied, and `vocabulary` U8, the tokens in UTF-8, a line each. The metadata names licence and source.
Such tables are distilled from sentence encoders (model2vec, Tulkens and van Dongen 2024); training/text_table.py.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .tokens import tokens_of

DIMENSIONS: Final = 256
MAX_HEADER: Final = 1 << 16  # bytes
_TYPES: Final = {"vectors": ("I8", "<i1", 2), "scale": ("F32", "<f4", 1), "vocabulary": ("U8", "<u1", 1)}


@dataclass(frozen=True, eq=False)
class TextTable:
    """Vectors of tokens, and the sentences made of them."""

    vocabulary: dict[str, int]
    vectors: NDArray[np.int8]  # [V, D]
    scale: NDArray[np.float32]  # [V]
    metadata: dict[str, str]  # licence, source, ...
    longest: int  # characters, of a token

    @classmethod
    def load(cls, data: bytes) -> TextTable:
        """The table in a file's bytes. Raises ValueError for anything that is not exactly one."""
        arrays, metadata = _read(data)
        try:
            tokens = arrays["vocabulary"].tobytes().decode().split("\n")
        except UnicodeDecodeError as error:
            raise ValueError("the vocabulary is not UTF-8") from error
        vectors, scale = arrays["vectors"], arrays["scale"]
        vocabulary = {token: number for number, token in enumerate(tokens)}
        if "" in vocabulary or len(vocabulary) != len(tokens):
            raise ValueError("a token of the vocabulary is empty or stands there twice")
        if vectors.shape != (len(tokens), DIMENSIONS) or scale.shape != (len(tokens),):
            raise ValueError(f"{len(tokens)} tokens, vectors {vectors.shape} and scale {scale.shape} do not fit")
        if not (np.isfinite(scale) & (scale >= 0)).all():
            raise ValueError("a scale is no positive number")
        return cls(vocabulary, vectors, scale, metadata, max(map(len, tokens)))

    def embed(self, text: str) -> NDArray[np.float32]:
        """The direction [D] of a text, of length 1; zeros where no token is known. Never raises for a string."""
        numbers = list(tokens_of(text, self.vocabulary, self.longest))
        total = self.scale[numbers] @ self.vectors[numbers]
        length = float(np.linalg.norm(total))
        return (total / length if length > 0 else total).astype(np.float32)


def _read(data: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """The arrays (views of `data`) and the metadata of a file; https://huggingface.co/docs/safetensors."""
    if len(data) < 8:
        raise ValueError("it is shorter than its header")
    (size,) = struct.unpack_from("<Q", data)
    if size > min(MAX_HEADER, len(data) - 8):
        raise ValueError("its header is longer than the file")
    try:
        header = json.loads(data[8 : 8 + size])
    except (ValueError, RecursionError) as error:
        raise ValueError("its header is not JSON") from error
    if not isinstance(header, dict):
        raise ValueError("its header is no table")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("its metadata is no table of words")
    if set(header) != set(_TYPES):
        raise ValueError(f"it holds {', '.join(sorted(header))[:200]}, not {', '.join(sorted(_TYPES))}")
    numbers = memoryview(data)[8 + size :]
    arrays = {name: _array(name, row, numbers) for name, row in header.items()}
    if sum(array.nbytes for array in arrays.values()) != len(numbers):
        raise ValueError("its rows do not cover the file")
    return arrays, metadata


def _array(name: str, row: Any, numbers: memoryview) -> NDArray[Any]:
    code, dtype, axes = _TYPES[name]
    try:
        given, shape, (start, end) = row["dtype"], tuple(row["shape"]), row["data_offsets"]
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"the row of {name} is incomplete") from error
    sizes = (*shape, start, end)
    if given != code or len(shape) != axes or not all(type(n) is int and 0 <= n <= len(numbers) for n in sizes):
        raise ValueError(f"the row of {name} is not {code} of {axes} axes inside the file")
    if end - start != prod(shape) * np.dtype(dtype).itemsize:
        raise ValueError(f"{name} has {end - start} bytes, its shape needs another number")
    return np.frombuffer(numbers, dtype, prod(shape), start).reshape(shape)
