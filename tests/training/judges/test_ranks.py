"""Areas, ranks and nearest neighbours against the same thing counted one by one."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from training.judges.ranks import auc, nearest, quantiles, rank_figures, rank_of


def test_the_area_is_the_share_of_pairs_in_order() -> None:
    random = np.random.default_rng(0)
    better, worse = random.integers(0, 8, 40) + 1.0, random.integers(0, 8, 30) + 0.0
    pairs = [(a > b) + 0.5 * (a == b) for a in better for b in worse]
    assert auc(better, worse) == pytest.approx(np.mean(pairs))
    assert auc([2, 3], [0, 1]) == 1 and auc([0.0], [1.0]) == 0 and np.isnan(auc([], [1.0]))


def test_a_rank_counts_what_is_nearer_and_ties_share() -> None:
    distances = {"a": 0.1, "b": 0.3, "c": 0.3, "d": 2.0}
    assert [rank_of(distances, name) for name in "abcd"] == [1, 2.5, 2.5, 4]


def test_rank_figures_stand_beside_chance() -> None:
    figures = rank_figures([(1, 4), (2, 4), (4, 4)])
    assert figures["median_rank"] == 2 and figures["mrr"] == pytest.approx((1 + 0.5 + 0.25) / 3)
    assert figures["first"] == pytest.approx(1 / 3) and figures["chance_rank"] == 2.5
    drawn = np.mean(1 / np.random.default_rng(0).integers(1, 5, 20_000))
    assert figures["chance_mrr"] == pytest.approx(drawn, abs=0.01)


def test_nearest_distances_are_exact() -> None:
    random = np.random.default_rng(1)
    queries, rows = random.standard_normal((7, 12)), random.standard_normal((50, 12))
    wanted = cdist(*(x / np.linalg.norm(x, axis=1, keepdims=True) for x in (queries, rows))).min(axis=1)
    found = nearest(queries, [rows[:20], rows[20:20], rows[20:]])
    assert found == pytest.approx(wanted, abs=1e-5)
    assert nearest(3.0 * rows[4:5], [rows]) == pytest.approx(0, abs=1e-3), "loudness counts for nothing"
    assert nearest(-rows[:1], [rows[:1]]) == pytest.approx(2)


def test_quantiles_are_numpys() -> None:
    values = np.arange(101.0)
    assert quantiles(values) == {"1%": 1, "5%": 5, "25%": 25, "50%": 50, "75%": 75} and quantiles([]) == {}
