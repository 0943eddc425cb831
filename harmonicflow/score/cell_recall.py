"""What a cell is told to be like: cells from elsewhere, brought onto its chord, and how alike two passages are.

Shapes: P part, K cell, N note of a cell, F field.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .cell_features import HARMONY_COLUMNS
from .cells import CELL_PARTS, PLACE, PLACES, SLOT, Floats, Tokens


def moved_to_roots(tokens_PKNF: Tokens, from_KW: Floats, to_KW: Floats) -> Tokens:
    """Cells that stood on the chords of harmony `from_KW`, transposed by the shortest way to those of `to_KW`.

    Drums stay, and so does what has no chord on one of the sides.
    """
    out = np.array(tokens_PKNF, np.int16)
    roots = [harmony[:, HARMONY_COLUMNS["root"]] for harmony in (from_KW, to_KW)]
    both = (roots[0].sum(1) > 0) & (roots[1].sum(1) > 0)
    shift = (roots[1].argmax(1) - roots[0].argmax(1) + 5) % 12 - 5
    shift = np.where(both, shift, 0)
    pitched = np.array([part != "drums" for part in CELL_PARTS[: len(out)]])
    where = pitched[:, None, None] & (out[..., SLOT] >= 0)
    moved = out[..., PLACE] + shift[None, :, None]
    moved = np.where(moved < 0, moved + 12, np.where(moved >= PLACES, moved - 12, moved))
    out[..., PLACE] = np.where(where, moved, out[..., PLACE])
    return out


def likeness_of(one_PKNF: NDArray[np.generic], other_PKNF: NDArray[np.generic]) -> Floats:
    """How alike each part is in two passages of as many cells [P]: F1 of their onsets with place; 1 where both rest."""
    hits = np.zeros(len(one_PKNF))
    total = np.zeros(len(one_PKNF))
    codes = []
    for tokens in (one_PKNF, other_PKNF):
        slot, place = tokens[..., SLOT].astype(np.int64), tokens[..., PLACE].astype(np.int64)
        part, cell, _ = np.nonzero(slot >= 0)
        there = slot >= 0
        codes.append(((part * tokens.shape[1] + cell) * 12 + slot[there]) * PLACES + place[there])
        total += there.sum(axis=(1, 2))
    shared = np.intersect1d(*codes)
    np.add.at(hits, shared // (PLACES * 12 * one_PKNF.shape[1]), 2)
    return np.where(total > 0, hits / np.maximum(total, 1), 1.0).astype(np.float32)
