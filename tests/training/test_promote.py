"""Promotion: only a better bundle takes another's place, and a failure leaves what was there."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from harmonicflow.analysis.metrics import Counts
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.engine.bundle import Bundle
from tests.tiny_bundle import make_tiny_bundle
from training.promote import compare, install, promote
from training.scoreboard import LADDER, SHARED, Tally, scoreboard, summary


def planted(performed: float, shifted: float = 0.3, shuffled: float = 0.2, valid: bool = True) -> dict:
    """A scoreboard with every metric of a row at one share."""
    value = {"truth": 1.0, "performed": performed, "shifted": shifted, "shuffled": shuffled}
    shares = {row: {metric: {"all": value[row]} for metric in SHARED} for row in value}
    about = {"split": "validation", "songs": 20, "seconds": 12.0, "seed": 0}
    return {"about": about, "valid": dict.fromkeys(SHARED, valid), "rows": {}, "shares": shares}


def test_better_is_promoted_and_worse_or_equal_is_not() -> None:
    assert compare(planted(0.8), planted(0.7)).better
    assert not compare(planted(0.7), planted(0.8)).better
    assert not compare(planted(0.7), planted(0.7)).better
    assert compare(planted(0.7), None).better


def test_one_metric_may_not_fall_far() -> None:
    candidate = planted(0.8)
    candidate["shares"]["performed"]["chord"]["all"] = 0.6
    verdict = compare(candidate, planted(0.7))
    assert not verdict.better and "chord fell from 70.0% to 60.0%" in verdict.reason


def test_a_bundle_must_beat_its_own_controls() -> None:
    verdict = compare(planted(0.8, shifted=0.79), None)
    assert not verdict.better and "shifted" in verdict.reason
    assert not compare(planted(0.8, shuffled=0.9), planted(0.1)).better


def test_scores_of_other_songs_or_of_nothing_prove_nothing() -> None:
    other = copy.deepcopy(planted(0.5))
    other["about"]["seed"] = 7
    assert not compare(planted(0.9), other).better
    assert not compare(planted(0.9, valid=False), None).better


def test_shares_and_validity_are_counted_from_tallies() -> None:
    hits = {"truth": 10, "codec": 9, "performed": 8, "shifted": 2, "shuffled": 1, "noise": 0}
    hits |= {"truth_shifted": 2, "truth_shuffled": 1}
    tallies = {}
    for row in LADDER:
        counts = Counts(hits[row], 10 - hits[row], 0)
        tallies[row] = Tally({"bass": counts}, {"bass": counts}, {}, {"bass": counts}, hits[row], 10.0)
    board = scoreboard(tallies, {})
    assert board["shares"]["performed"]["chord"]["all"] == pytest.approx(0.8)
    assert board["rows"]["performed"]["onset_f1_20"] == {"bass": 0.8889, "all": 0.8889}
    assert all(board["valid"].values())
    tallies["noise"] = tallies["truth"]
    assert not any(scoreboard(tallies, {})["valid"].values())
    assert summary(board)["shares"]["codec"]["chord"] == pytest.approx(0.9)


def test_install_copies_a_whole_bundle_with_its_scores(tmp_path: Path) -> None:
    candidate = make_tiny_bundle(tmp_path / "new", name="better")
    current = make_tiny_bundle(tmp_path / "bundles" / "default", name="older")
    install(candidate, current, {"shares": {"performed": {"chord": 0.8}}})
    bundle = Bundle.load(current)
    assert bundle.card.name == "better" and bundle.card.scores["shares"]["performed"]["chord"] == 0.8
    assert sorted(path.name for path in current.parent.iterdir()) == ["default"]
    assert Bundle.load(candidate).card.scores == {}, "the candidate itself is left alone"


@pytest.mark.parametrize("code", ["latent_mismatch", "bad_bundle"])
def test_a_broken_candidate_is_refused_and_the_current_one_stays(tmp_path: Path, code: str) -> None:
    candidate = make_tiny_bundle(tmp_path / "new")
    current = make_tiny_bundle(tmp_path / "default")
    before = (current / "model.json").read_bytes()
    if code == "latent_mismatch":
        card = json.loads((candidate / "model.json").read_text())
        card["files"]["performer"]["latent_space"] = "0123456789abcdef"
        (candidate / "model.json").write_text(json.dumps(card))
    else:
        (candidate / "decoder.onnx").write_bytes(b"damaged")
    with pytest.raises(HarmonicFlowError) as error:
        promote(candidate, current, tmp_path)
    assert error.value.code == code
    assert (current / "model.json").read_bytes() == before
