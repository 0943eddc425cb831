"""Numbers that judges give: areas under curves, ranks, quantiles and nearest neighbours.

Shapes: Q queries, K things to be near to, D dimensions.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def auc(better: Sequence[float] | Floats, worse: Sequence[float] | Floats) -> float:
    """The chance that a score of `better` lies over one of `worse`, ties counted half (Mann and Whitney)."""
    if not len(better) or not len(worse):
        return float("nan")
    low = np.sort(np.asarray(worse, np.float64))
    below, upto = (np.searchsorted(low, np.asarray(better, np.float64), side) for side in ("left", "right"))
    return float(np.mean((below + upto) / 2) / len(low))


def rank_of(distances: dict[str, float], right: str) -> float:
    """The place of `right` among what is nearest first, from 1; ties count as the mean of their places."""
    own = distances[right]
    values = np.array(list(distances.values()))
    return float(1 + np.sum(values < own) + (np.sum(values == own) - 1) / 2)


def rank_figures(ranks: Sequence[tuple[float, int]]) -> dict[str, float]:
    """Of (rank, number of candidates): median, mean reciprocal and its error, share of first places, beside chance."""
    places = np.array([rank for rank, _ in ranks], np.float64)
    among = [count for _, count in ranks]
    return {
        "median_rank": float(np.median(places)), "mrr": float(np.mean(1 / places)),
        "mrr_error": float(np.std(1 / places) / np.sqrt(len(places))),
        "first": float(np.mean(places < 1.5)), "chance_rank": float(np.median([(n + 1) / 2 for n in among])),
        "chance_mrr": float(np.mean([np.sum(1 / np.arange(1, n + 1)) / n for n in among])), "asked": len(places),
    }  # fmt: skip


def unit(rows_QD: Floats) -> NDArray[np.float32]:
    """Rows of length one; a row of zeros stays."""
    rows = np.asarray(rows_QD, np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-8)


def nearest(queries_QD: Floats, blocks: Iterable[Floats]) -> NDArray[np.float64]:
    """The distance [Q] of each query to the nearest row of any block [K, D], all rows scaled to length one: 0 to 2."""
    queries = unit(queries_QD)
    best = np.full(len(queries), -1.0, np.float32)
    for block in blocks:
        if len(block):
            best = np.maximum(best, (queries @ unit(block).T).max(axis=1))
    return np.sqrt(np.maximum(0.0, 2.0 - 2.0 * best.astype(np.float64)))


def quantiles(values: Sequence[float] | Floats) -> dict[str, float]:
    """What 1, 5, 25, 50 and 75 % of the values lie under."""
    if not len(values):
        return {}
    shares = (1, 5, 25, 50, 75)
    return {f"{share}%": float(x) for share, x in zip(shares, np.percentile(values, shares), strict=True)}
