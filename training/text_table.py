"""The file of a text table: token vectors as int8 with a scale a row. Read by harmonicflow/text/table.py.

Written here, since the package safetensors orders the metadata by chance: the same table is the same bytes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

STEPS: Final = 127  # of int8, symmetric
TYPES: Final = {"scale": "F32", "vectors": "I8", "vocabulary": "U8"}


def pack_table(tokens: Sequence[str], vectors: NDArray[np.floating], metadata: Mapping[str, str]) -> bytes:
    """A file of V tokens and their vectors [V, D]. Raises ValueError."""
    if len(tokens) != len(vectors) or len(set(tokens)) != len(tokens):
        raise ValueError(f"{len(vectors)} vectors need as many different tokens; got {len(set(tokens))}")
    if not all(tokens) or any("\n" in token for token in tokens):
        raise ValueError("a token is empty or holds a line's end")
    scale = np.abs(vectors).max(axis=1).astype(np.float32) / np.float32(STEPS)
    rounded = np.rint(vectors / np.where(scale > 0, scale, 1)[:, None])
    arrays: dict[str, NDArray[np.generic]] = {
        "scale": scale.astype("<f4"),  # the wide numbers first: they start at a multiple of four
        "vectors": rounded.astype("<i1"),
        "vocabulary": np.frombuffer("\n".join(tokens).encode(), "<u1"),
    }
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))}
    at = 0
    for name, array in arrays.items():
        header[name] = {"dtype": TYPES[name], "shape": array.shape, "data_offsets": (at, at + array.nbytes)}
        at += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join((struct.pack("<Q", len(text)), text, *(array.tobytes() for array in arrays.values())))
