"""Which cells are known: the tasks of the product, drawn at random for training.

Legend: S stems, L latent frame.  True = known (kept), False = to be performed.
"""

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

CONTEXT_SHARE = 0.4  # largest share of a window that a block has as its past


def everything(random: np.random.Generator, stems: int, frames: int) -> Mask:
    """Generate: nothing is known."""
    return np.zeros((stems, frames), bool)


def prefix(random: np.random.Generator, stems: int, frames: int) -> Mask:
    """Continue, and every block after the first of a long take: the past of all stems is known."""
    known = np.zeros((stems, frames), bool)
    known[:, : int(random.uniform(0.05, CONTEXT_SHARE) * frames)] = True
    return known


def suffix(random: np.random.Generator, stems: int, frames: int) -> Mask:
    """Outpaint backwards."""
    return prefix(random, stems, frames)[:, ::-1].copy()


def some_stems(random: np.random.Generator, stems: int, frames: int) -> Mask:
    """Accompany: some stems are known throughout, at least one is not."""
    known = np.zeros((stems, frames), bool)
    known[random.permutation(stems)[: int(random.integers(1, stems))]] = True
    return known


def one_span(random: np.random.Generator, stems: int, frames: int) -> Mask:
    """Regenerate: everything is known but a span of one or more stems."""
    known = np.ones((stems, frames), bool)
    length = int(random.uniform(0.15, 0.8) * frames)
    start = int(random.integers(0, frames - length + 1))
    known[random.permutation(stems)[: int(random.integers(1, stems + 1))], start : start + length] = False
    return known


KINDS = ((everything, 0.35), (prefix, 0.25), (some_stems, 0.15), (one_span, 0.2), (suffix, 0.05))


def draw(random: np.random.Generator, stems: int, frames: int) -> Mask:
    """Known cells [S, L] of one training example; at least one cell is unknown."""
    kind = random.choice(len(KINDS), p=[share for _, share in KINDS])
    return KINDS[kind][0](random, stems, frames)
