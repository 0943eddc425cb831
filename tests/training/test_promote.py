"""Promotion: only a better bundle takes another's place, and a failure leaves what was there."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import pytest
import soundfile
from click.testing import CliRunner, Result
from onnx import numpy_helper

from harmonicflow.analysis.metrics import Counts
from harmonicflow.core.constants import LATENT_RATE, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.engine.bundle import Bundle
from harmonicflow.engine.runtime import Runtime
from tests.planted_songs import make_song
from tests.tiny_bundle import make_tiny_bundle
from training.commands.promote import command
from training.evaluate import performed
from training.excerpts import busiest_window
from training.promote import CODEC_METRICS, compare, compare_codecs, install, promote
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


def ladder(new: dict[str, float], old: dict[str, float], ranks: bool = True) -> dict:
    """A board of the codec's ladder with one value a metric on two instruments and, misleading, on the sum."""
    scores = {
        metric: {
            "drums": {"codec": new[metric], "previous": old[metric]},
            "bass": {"codec": new[metric], "previous": old[metric]},
            "sum": {"codec": old[metric], "previous": new[metric]},
        }
        for metric in new
    }
    return {"scores": scores, "ranks": {metric: dict.fromkeys(("drums", "bass", "sum"), ranks) for metric in scores}}


CODEC = {"si_sdr_db": 9.0, "complex_stft": 0.6, "onset_f1_50": 0.9, "chroma": 0.96, "log_mel_l1_db": 2.5}


@pytest.mark.parametrize(("metric", "better"), [(metric, row[0]) for metric, row in CODEC_METRICS.items()])
def test_a_codec_gains_and_loses_by_margins(metric: str, better: int) -> None:
    _, most, least = CODEC_METRICS[metric]

    def moved(by: float) -> tuple[str, str]:
        return compare_codecs(ladder(CODEC | {metric: CODEC[metric] + better * by}, CODEC))

    assert moved(1.1 * least)[0] == "" and metric in moved(1.1 * least)[1]
    assert moved(0.9 * least) == moved(-0.9 * most) == ("", "")
    loss, gain = moved(-1.1 * most)
    assert metric in loss and gain == ""


def test_metrics_that_cannot_rank_decide_nothing() -> None:
    worse = CODEC | {"si_sdr_db": 0.0, "chroma": 0.99}
    loss, gain = compare_codecs(ladder(worse, CODEC))
    assert "si_sdr_db is 0, the current one's 9" in loss and "chroma" in gain
    loss, gain = compare_codecs(ladder(worse, CODEC, ranks=False))
    assert "no metric can rank" in loss and gain == ""


def test_with_a_better_codec_the_stems_need_not_be_better_too() -> None:
    assert not compare(planted(0.695), planted(0.7)).better
    verdict = compare(planted(0.695), planted(0.7), "its codec's chroma is 0.97, the current one's 0.96")
    assert verdict.better and "chroma is 0.97" in verdict.reason and "69.5%" in verdict.reason
    assert not compare(planted(0.67), planted(0.7), "its codec's chroma is 0.97, the current one's 0.96").better


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


# ------------------------------------------------------------------------------------------------ the command, for real


def with_network(bundle: Path, folder: Path, name: str, change: Callable[[dict[str, np.ndarray]], None]) -> Path:
    """A copy of a bundle with the constants of one network changed, its row put right."""
    shutil.copytree(bundle, folder)
    file = folder / f"{name}.onnx"
    model = onnx.load(file)
    values = {tensor.name: numpy_helper.to_array(tensor).copy() for tensor in model.graph.initializer}
    change(values)
    for tensor in model.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(values[tensor.name], tensor.name))
    file.write_bytes(model.SerializeToString())
    card = json.loads((folder / "model.json").read_text())
    card["name"] = folder.name
    card["files"][name] |= {"sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "bytes": file.stat().st_size}
    (folder / "model.json").write_text(json.dumps(card))
    return folder


def out_of_tune(values: dict[str, np.ndarray]) -> None:
    """Every note sounds a tritone too high."""
    for value in values.values():
        if value.shape == (441, 32):
            value[:] = np.roll(value, -6, axis=0)


def rough(values: dict[str, np.ndarray]) -> None:
    """Latent frames stand side by side with nothing between them: every border is a jump."""
    before, here, after = (value for value in values.values() if value.shape == (1, 2048))
    before[:], here[:], after[:] = 0, 1, 0


class Stage(NamedTuple):
    """A corpus of two songs that the bundle `good` itself has played, and two worse ones."""

    corpus: Path
    good: Path
    untuned: Path
    rough: Path


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    folder = tmp_path_factory.mktemp("stage")
    good = make_tiny_bundle(folder / "good", name="good")
    runtime = Runtime(Bundle.load(good), threads=1)
    for number in (1, 2):
        make_song(folder / "corpus", number)
    for track in sorted(folder.glob("corpus/validation/Track*")):
        excerpt = busiest_window(track, runtime.bundle.stems, round(8.9 * LATENT_RATE))
        assert excerpt is not None and excerpt.start == 0
        for stem, sound in performed(runtime, excerpt, 99, 4).items():
            if excerpt.notes[stem]:
                soundfile.write(track / f"{stem}.wav", np.pad(sound, (0, SAMPLE_RATE)), SAMPLE_RATE, subtype="PCM_16")
    untuned = with_network(good, folder / "untuned", "performer", out_of_tune)
    return Stage(folder / "corpus", good, untuned, with_network(good, folder / "rough", "decoder", rough))


def run(stage: Stage, candidate: Path, current: Path) -> Result:
    words = ["--corpus", stage.corpus, "--current", current, "--songs", 2, "--seconds", 3, "--threads", 1, "--json"]
    return CliRunner().invoke(command, [str(candidate), *map(str, words)])


def refusal(ran: Result) -> str:
    assert isinstance(ran.exception, HarmonicFlowError), ran
    assert ran.exception.code == "not_promoted" and ran.exception.exit_code == 5 and ran.stdout == ""
    return str(ran.exception)


def test_the_command_promotes_a_better_performer_and_refuses_a_worse_one(stage: Stage, tmp_path: Path) -> None:
    current = tmp_path / "bundles" / "default"
    shutil.copytree(stage.untuned, current)
    ran = run(stage, stage.good, current)
    said = json.loads(ran.stdout)
    assert ran.exit_code == 0 and said["promoted"] == str(current) and said["codec"] is None
    now = Bundle.load(current).card
    assert now.name == "good" and now.files == Bundle.load(stage.good).card.files
    performed = said["candidate"]["shares"]["performed"]["pitch_f1"]["all"]
    assert now.scores["shares"]["performed"]["pitch_f1"] == performed > 0.9
    assert f"| pitch F1 | {said['candidate']['rows']['truth']['pitch_f1']['all']:.2f} |" in now.card
    before = {path.name: path.read_bytes() for path in current.iterdir()}
    assert "its pitch_f1 " in refusal(run(stage, stage.untuned, current))
    assert {path.name: path.read_bytes() for path in current.iterdir()} == before
    assert [path.name for path in current.parent.iterdir()] == ["default"]


def test_a_worse_decoder_is_refused_by_the_codecs_ladder(stage: Stage, tmp_path: Path) -> None:
    current = tmp_path / "default"
    shutil.copytree(stage.good, current)
    worse = run(stage, stage.rough, current)
    assert "its codec's " in refusal(worse) and "performed 1 of" not in worse.stderr, "nothing was performed"
    assert Bundle.load(current).card.name == "good"


def test_a_better_decoder_is_promoted_with_the_ladder_on_its_card(stage: Stage, tmp_path: Path) -> None:
    current = tmp_path / "default"
    shutil.copytree(stage.rough, current)
    ran = run(stage, stage.good, current)
    said = json.loads(ran.stdout)
    assert "its codec's " in said["reason"]
    card = json.loads((current / "model.json").read_text())
    assert card["name"] == "good"
    bass = said["codec"]["scores"]["complex_stft"]["bass"]
    assert card["codec"]["scores"]["sounds"]["bass"]["complex_stft"] == bass["codec"] < bass["previous"]
    assert "## The codec alone" in card["card"] and "codec before" in card["card"]


def test_the_same_networks_are_no_news_whatever_the_card_says(stage: Stage, tmp_path: Path) -> None:
    current = tmp_path / "default"
    shutil.copytree(stage.good, current)
    make_tiny_bundle(tmp_path / "new", name="splendid", version="2")
    assert "the very networks" in refusal(run(stage, tmp_path / "new", current))


def test_an_old_performer_under_a_new_encoder_is_refused_though_its_card_says_it_fits(
    stage: Stage, tmp_path: Path
) -> None:
    candidate = with_network(stage.good, tmp_path / "new", "encoder", lambda values: values.update(
        {name: 1.01 * value for name, value in values.items() if value.dtype == np.float32}))  # fmt: skip
    card = json.loads((candidate / "model.json").read_text())
    card["latent_space"] = "0123456789abcdef"
    for row in card["files"].values():
        row["latent_space"] = "0123456789abcdef"
    (candidate / "model.json").write_text(json.dumps(card))
    ran = run(stage, candidate, stage.good)
    assert isinstance(ran.exception, HarmonicFlowError) and ran.exception.code == "latent_mismatch"
    for told in ("0123456789abcdef", Bundle.load(stage.good).card.latent_space, str(candidate)):
        assert told in str(ran.exception)


def test_what_a_crash_left_aside_is_put_back_before_it_is_compared(stage: Stage, tmp_path: Path) -> None:
    shutil.copytree(stage.good, tmp_path / ".default.old")
    assert "the very networks" in refusal(run(stage, stage.good, tmp_path / "default"))
    assert Bundle.load(tmp_path / "default").card.name == "good"


def test_a_full_disk_at_any_moment_leaves_a_whole_bundle(tmp_path: Path) -> None:
    """Every n-th call to the system fails in turn: the old bundle or the new one is there, and nothing beside it."""
    candidate = make_tiny_bundle(tmp_path / "new", name="better")
    current = make_tiny_bundle(tmp_path / "bundles" / "default", name="older")
    seen = []
    for fail_at in range(100):
        try:
            install(candidate, current, {}, system=Failing(fail_at))  # type: ignore[arg-type]
        except HarmonicFlowError as error:
            assert error.code == "disk"
        else:
            break
        seen.append(Bundle.load(current).card.name)
        assert [path.name for path in current.parent.iterdir()] == ["default"]
    assert len(seen) > 20 and seen[0] == "older" and set(seen) <= {"older", "better"}
    assert Bundle.load(current).card.name == "better"


class Failing:
    """The module os whose n-th call fails as on a full disk."""

    def __init__(self, fail_at: int) -> None:
        self.left = fail_at

    def __getattr__(self, name: str) -> object:
        real = getattr(os, name)

        def call(*args: object) -> object:
            self.left -= name != "close"
            if self.left == -1 and name != "close":
                raise OSError(28, "No space left on device")
            return real(*args)

        return call if callable(real) else real


def test_a_bundle_of_another_layout_is_remembered_by_its_card(stage: Stage, tmp_path: Path) -> None:
    current = tmp_path / "default"
    shutil.copytree(stage.untuned, current)
    first = run(stage, stage.good, current)
    scores = json.loads((current / "model.json").read_bytes())["scores"]
    card = json.loads((stage.untuned / "model.json").read_bytes())
    shutil.rmtree(current)
    shutil.copytree(stage.untuned, current)
    (current / "model.json").write_text(json.dumps(card | {"score_v": 1, "scores": scores}))
    again = run(stage, stage.good, current)
    assert "no better" in refusal(again) or "current one's" in refusal(again), "the card has the candidate's own scores"
    scores["shares"]["performed"] = {metric: 0.5 for metric in scores["shares"]["performed"]}
    (current / "model.json").write_text(json.dumps(card | {"score_v": 1, "scores": scores}))
    won = run(stage, stage.good, current)
    assert first.exit_code == won.exit_code == 0 and "of another layout" in won.stderr
    assert Bundle.load(current).card.name == "good"
