"""A small table whose vectors are drawn, and the bundle's own where it has one."""

import json
from pathlib import Path

import numpy as np
import pytest

from harmonicflow.text.table import DIMENSIONS, TextTable
from training.text_table import pack_table

HERE = Path(__file__).parent
BUNDLE = HERE.parent.parent / "harmonicflow" / "bundles" / "default"


@pytest.fixture(scope="session")
def pieces() -> dict:
    """A small vocabulary and texts cut into it by another library."""
    read = json.loads((HERE / "pieces.json").read_text(encoding="utf-8"))
    return {"vocabulary": read["vocabulary"].split(" "), "cases": read["cases"]}


@pytest.fixture(scope="session")
def small_bytes(pieces: dict) -> bytes:
    tokens = pieces["vocabulary"]
    vectors = np.random.default_rng(5).normal(size=(len(tokens), DIMENSIONS))
    return pack_table(tokens, vectors, {"licence": "none", "source": "drawn"})


@pytest.fixture(scope="session")
def small(small_bytes: bytes) -> TextTable:
    return TextTable.load(small_bytes)


@pytest.fixture(scope="session")
def real() -> TextTable:
    """The default bundle's table."""
    files = list(BUNDLE.glob("text*.safetensors"))
    if not files:
        pytest.skip("the default bundle holds no table of words")
    return TextTable.load(files[0].read_bytes())
