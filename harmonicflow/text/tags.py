"""The tags nearest to a text.

A tag is as near as its phrases are, by a soft maximum of their cosines c_i with the text, log(mean(exp(k c_i))) / k:
below the best phrase's, less so where others agree. For new words that is right more often than the best phrase alone
(docs/text.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .lines import TAGS
from .table import TextTable

KINDS: Final = tuple(TAGS)
SHARPNESS: Final = 10.0  # k: 0 is the mean, infinity the maximum

# The least similarity that is believed, a kind: where one in twenty descriptions of something else passes.
CLAIMS: Final = {"genre": 0.22, "mood": 0.25, "tempo": 0.35, "density": 0.35, "era": 0.35, "tone": 0.45}

if set(CLAIMS) != set(TAGS):
    raise ImportError("every kind of tag needs its least similarity")


class TagMatch(NamedTuple):
    """A tag near a text."""

    kind: str
    name: str
    similarity: float  # -1..1; an exact word has 0.6 to 0.9, for the other phrases of its tag count too


class _Index(NamedTuple):
    """All P phrases of some kinds of tags (N)."""

    tags: list[tuple[str, str]]  # N: kind, name
    starts: NDArray[np.intp]  # [N] number of each tag's first phrase
    counts: NDArray[np.intp]  # [N]
    phrases: NDArray[np.float32]  # [P, D]


def nearest_tags(
    table: TextTable, text: str, kinds: Iterable[str] = KINDS, count: int = 3, least: float | None = None
) -> list[TagMatch]:
    """The tags of some kinds nearest to a text, best first, at most `count`.

    None below its kind's row of CLAIMS, or `least` in place of all of them. Never raises for a string.
    """
    index = _index(table, tuple(kinds))
    if not index.tags:
        return []
    raised = np.exp(SHARPNESS * (index.phrases @ table.embed(text)))
    near = np.log(np.add.reduceat(raised, index.starts) / index.counts) / SHARPNESS
    found = []
    for at in np.argsort(-near, kind="stable"):
        kind, name = index.tags[at]
        if near[at] >= (CLAIMS[kind] if least is None else least):
            found.append(TagMatch(kind, name, round(float(near[at]), 3)))
    return found[:count]


@lru_cache(maxsize=8)
def _index(table: TextTable, kinds: tuple[str, ...]) -> _Index:
    lines = {
        (kind, name): dict.fromkeys((name, *line.says, *line.hints))
        for kind in kinds
        for name, line in TAGS[kind].items()
    }
    counts = np.array([len(line) for line in lines.values()], np.intp)
    phrases = [table.embed(phrase) for line in lines.values() for phrase in line]
    return _Index(list(lines), np.cumsum(counts) - counts, counts, np.array(phrases))
