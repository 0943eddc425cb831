"""All judges, end to end, on planted songs and the stand-in bundle: what comes back is plain, whole and repeatable."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.planted_songs import make_song
from tests.tiny_bundle import make_tiny_bundle
from training.judges import JUDGES, JudgeOptions, coherence, copying, judge


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three splits of planted songs, whose basses are called by three names."""
    folder = tmp_path_factory.mktemp("corpus")
    for split, numbers in (("train", (1, 2, 3)), ("test", (4, 5, 6)), ("validation", (7,))):
        for number in numbers:
            make_song(folder, number, programs={"bass": number % 3}, sound_font="f")
        if split != "validation":
            (folder / "validation").rename(folder / split)
    return folder


def test_every_judge_answers(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coherence, "BATCH", 4)
    monkeypatch.setattr(coherence, "CHECKED", 8)
    monkeypatch.setattr(copying, "PLANTED", 2)
    bundle = make_tiny_bundle(tmp_path / "bundle")
    options = JudgeOptions(tmp_path / "cache", songs=2, seconds=6.5, steps=1, threads=1, train_steps=1, scores=1)
    lines: list[str] = []
    found = judge(bundle, corpus, None, options, lines.append)
    assert json.loads(json.dumps(found)) == found
    assert set(found["judges"]) == set(JUDGES) and found["steps"] == 1
    for one in found["judges"].values():
        assert set(one) == {"figures", "ladder", "valid", "gate", "pass", "notes"} and (one["valid"] or not one["pass"])
    pairs = found["judges"]["coherence"]
    assert pairs["figures"]["pairs"] == 12 and set(pairs["ladder"]["auc_truth_against"]) >= {"auc_shuffled"}
    timbre = found["judges"]["timbre"]["ladder"]
    assert {row: timbre[row]["asked"] for row in ("truth", "codec", "performed", "dropped")} == dict.fromkeys(
        ("truth", "codec", "performed", "dropped"), 3
    )
    assert found["judges"]["genre"]["notes"] == ["too few genres in the corpus to tell apart"]
    copied = found["judges"]["copying"]
    assert set(copied["figures"]) == {"mel", "worst_share"} and copied["figures"]["mel"]["windows"] > 10
    assert any("trained" in line for line in lines)
    lines.clear()
    again = judge(bundle, corpus, None, replace(options, judges=("coherence",)), lines.append)
    assert again["judges"] == {"coherence": pairs}, "the same request gives the same answer"
    assert not any("trained" in line for line in lines), "judges and pictures are kept"


def test_an_unknown_judge_is_refused(corpus: Path, tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path / "bundle")
    with pytest.raises(ValueError, match="no such judge: taste"):
        judge(bundle, corpus, None, JudgeOptions(tmp_path, judges=("taste",)))
