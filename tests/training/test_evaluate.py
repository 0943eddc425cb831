"""The evaluation on three planted songs and the stand-in bundle: the ladder must come out in order."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from harmonicflow.core.constants import HOP, LATENT_RATE, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from tests.planted_songs import make_song
from tests.tiny_bundle import make_tiny_bundle
from training.commands.evaluate import command
from training.evaluate import EvaluateOptions, blocks, conditions, evaluate, late
from training.excerpts import busiest_window, choose_excerpts
from training.scoreboard import LADDER, table

STEMS = ("bass", "drums", "guitar", "piano")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for number in range(1, 4):
        make_song(folder, number)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def board(tiny: Path, corpus: Path) -> dict:
    return evaluate(tiny, corpus, EvaluateOptions(songs=3, seconds=6.0, threads=1))


def test_the_truth_scores_high_and_every_metric_ranks_its_ladder(board: dict) -> None:
    truth = board["rows"]["truth"]
    assert truth["onset_f1_50"]["all"] > 0.95 and truth["onset_f1_20"]["all"] > 0.9
    assert truth["pitch_f1"]["all"] > 0.85 and truth["chord"]["all"] > 0.85
    assert set(truth["onset_f1_50"]) == {"bass", "drums", "piano", "all"}, "no guitar was asked for"
    assert set(truth["pitch_f1"]) == {"bass", "piano", "all"}, "drums have no pitch"
    assert all(board["valid"][metric] for metric in ("onset_f1_50", "onset_f1_20", "pitch_f1", "chord"))
    assert abs(truth["offset_ms"]["all"]) < 2 and truth["offset_iqr_ms"]["all"] < 10
    sound = {row: board["rows"][row]["log_mel_l1_db"]["all"] for row in ("codec", "noise")}
    assert 0 < sound["codec"] < sound["noise"]


def test_controls_fall_below_the_truth(board: dict) -> None:
    shares = board["shares"]
    assert all(value == 1 for values in shares["truth"].values() for value in values.values())
    assert shares["truth_shifted"]["onset_f1_20"]["all"] < 0.5
    assert shares["truth_shuffled"]["pitch_f1"]["all"] < 0.7
    assert shares["noise"]["pitch_f1"]["all"] < 0.2


def test_the_stand_in_plays_the_asked_pitches(board: dict) -> None:
    """Its performer is told nothing but the score: asked notes are there, another song's are not."""
    assert set(board["rows"]) == set(LADDER)
    performed, shuffled = (board["rows"][row]["pitch_f1"]["all"] for row in ("performed", "shuffled"))
    assert performed > 1.5 * shuffled


def test_the_table_says_every_row_and_metric(board: dict) -> None:
    text = table(board)
    assert all(row in text for row in LADDER) and "onset F1 within 20 ms" in text and "100 %" in text
    assert json.loads(json.dumps(board)) == board


def test_same_seed_same_scores(tiny: Path, corpus: Path) -> None:
    options = EvaluateOptions(songs=1, seconds=3.0, threads=1)
    assert evaluate(tiny, corpus, options) == evaluate(tiny, corpus, options)


def test_an_excerpt_is_cut_from_a_bar_line_with_what_still_sounds(corpus: Path) -> None:
    folder = corpus / "validation" / "Track00001"
    excerpt = busiest_window(folder, STEMS, round(4 * LATENT_RATE))
    labels = json.loads((folder / "labels.json").read_text())
    lines = [labels["beats_s"][beat] for beat in labels["downbeats"]]
    assert min(abs(excerpt.start / SAMPLE_RATE - line) for line in lines) < 1e-4
    assert excerpt.samples == excerpt.frames * HOP
    start_s = excerpt.start / SAMPLE_RATE
    for stem, notes in excerpt.notes.items():
        wanted = [n for n in labels["notes"].get(stem, ()) if n[0] < start_s + excerpt.seconds and n[1] > start_s]
        np.testing.assert_allclose([n[0] + start_s for n in notes], [n[0] for n in wanted], atol=1e-9)
    sound, _ = soundfile.read(folder / "piano.wav", start=excerpt.start, frames=excerpt.samples, dtype="float32")
    np.testing.assert_array_equal(excerpt.truth("piano"), sound)
    assert not excerpt.truth("guitar").any()


def test_what_the_performer_is_told(corpus: Path) -> None:
    excerpt = choose_excerpts(corpus, "validation", STEMS, 1, 5.0, 0)[0]
    told = conditions(excerpt, STEMS)
    assert told.guide.shape == (excerpt.frames, 79) and told.guide[:, 75:78].all() and not told.guide[:, 78].any()
    assert told.genre.argmax() == 1 and told.emotion.tolist() == pytest.approx([0.2, -0.1, 1])
    assert not told.timbre.any(), "nothing of the audio is known"
    assert len(told.notes.onset_s) == sum(len(notes) for notes in excerpt.notes.values())
    parts = blocks(excerpt, 3)
    assert parts[0].start == 0 and parts[-1].end == excerpt.frames
    assert all(a.end == b.start for a, b in zip(parts, parts[1:], strict=False))


def test_late_is_late_by_whole_samples() -> None:
    sound = {"drums": np.arange(10, dtype=np.float32)}
    assert late(sound, 3 / SAMPLE_RATE)["drums"].tolist() == [0, 0, 0, 0, 1, 2, 3, 4, 5, 6]


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two songs of the default sound, one that says so and one that says nothing, and two drawn at random."""
    folder = tmp_path_factory.mktemp("varied")
    for number, labels in enumerate(({"varied": False}, {}, {"varied": True}, {"varied": True}), 1):
        make_song(folder, number, **labels)
    return folder


def test_a_performer_is_asked_about_the_default_sound_only(varied: Path) -> None:
    def names(seed: int, songs: int, **options: bool) -> list[str]:
        found = choose_excerpts(varied, "validation", STEMS, songs, 5.0, seed, **options)
        return [excerpt.folder.name for excerpt in found]

    for seed in range(4):
        order = names(seed, 4, varied=True)
        assert sorted(order) == [f"Track{number:05d}" for number in range(1, 5)]
        default = names(seed, 4, varied=False)
        assert sorted(default) == ["Track00001", "Track00002"] and default == [n for n in order if n in default]
        assert names(seed, 1, varied=False) == default[:1]
    assert len({tuple(names(seed, 4, varied=True)) for seed in range(8)}) > 1, "the seed draws"


def test_the_scoreboard_says_which_sounds_it_heard(tiny: Path, varied: Path) -> None:
    options = EvaluateOptions(songs=4, seconds=3.0, threads=1)
    board = evaluate(tiny, varied, options)
    assert (board["about"]["songs"], board["about"]["sounds"]) == (2, "default")
    assert "sounds default" in table(board)
    told = evaluate(tiny, varied, replace(options, varied=True))["about"]
    assert (told["songs"], told["sounds"]) == (4, "all")


@pytest.mark.parametrize(("split", "seconds"), [("nowhere", 4.0), ("validation", 60.0)])
def test_without_songs_it_says_so(tiny: Path, corpus: Path, split: str, seconds: float) -> None:
    with pytest.raises(HarmonicFlowError) as error:
        evaluate(tiny, corpus, EvaluateOptions(split=split, seconds=seconds))
    assert error.value.code == "no_corpus" and split in str(error.value)


def test_the_command_prints_one_object(tiny: Path, corpus: Path) -> None:
    arguments = ["--bundle", str(tiny), "--corpus", str(corpus), "--songs", "1", "--seconds", "3", "--json"]
    result = CliRunner().invoke(command, [*arguments, "--threads", "1"], catch_exceptions=False)
    assert result.exit_code == 0 and "measured truth" in result.stderr
    assert json.loads(result.stdout)["about"]["songs"] == 1
