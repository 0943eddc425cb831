"""The whole scoreboard on planted collections: rows, gates, page and pictures; the bundle's composer; the command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from harmonicflow.core.errors import HarmonicFlowError
from tests.tiny_bundle import make_tiny_bundle
from training.commands.evaluate import command
from training.composing import board as board_module
from training.composing import emotion, likeness, masked, players, speed
from training.composing.board import Board, Options, evaluate
from training.composing.corpora import Corpora
from training.composing.gates import gates
from training.composing.learned import Learned
from training.composing.page import page, table
from training.composing.pictures import draw
from training.composing.songs import labelled
from training.corpus.labels import write_labels

from .planted import band

GENRES = ("pop", "jazz")
OPTIONS = Options(Path("none"), framed=1, bars=4, free=1, long_bars=8, masks=6, windows=2, window_bars=8)


def planted() -> Corpora:
    """Two genres of random bands; those of people are called POP909's, whose chords are annotated."""
    every = [replace(band(40 if seed < 2 else 16, seed, GENRES[seed % 2]), split="train") for seed in range(8)]
    test = [replace(band(16, 50 + seed, GENRES[seed % 2]), split="test", corpus="pop909") for seed in range(3)]
    return Corpora(test, every[2:4], every[2:6], every[4:] + test, every[:2], every[2:], test)


@pytest.fixture(scope="module")
def found() -> Board:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Corpora, "load", lambda *_: planted())
        patch.setattr(board_module, "GENRES", GENRES)
        patch.setattr(emotion, "GENRES", ("pop",))
        patch.setattr(emotion, "LEVELS", (-1.0, 0.0, 1.0))
        patch.setattr(emotion, "BARS", 1)
        patch.setattr(likeness, "FEWEST_BARS", 8)
        patch.setattr(speed, "LONG_BARS", 8)
        patch.setattr(speed, "TRIES", dict.fromkeys(speed.TRIES, 1))
        return evaluate(OPTIONS, None, lambda line: None)


def test_the_board_is_plain_json_with_every_measure_and_gate(found: Board) -> None:
    board = json.loads(json.dumps(found.board))
    assert board["about"]["measured"] == "arranger"
    columns = {gate["gate"].split(",")[0] for gate in board["gates"]}
    assert len(board["gates"]) > 20 and "genres named right" in columns and "notes there and back" in columns
    assert board["kept"]["arranger"]["exact"] == 6
    assert {"people", "test songs", "arranger", "noise", "chords moved"} == set(board["harmony"])
    assert board["copying"]["rows"]["planted"]["bass"]["share"] == 1.0
    assert board["form"]["rows"]["looped"]["whole"]["repeated"]["mean"] > 0.5
    assert set(board["likelihood"]["tasks"]["hole"]) == {"uniform", "unigram", "arranger", "previous bar"}


def test_a_gate_fails_where_its_control_is_not_told_apart(found: Board) -> None:
    board = json.loads(json.dumps(found.board))
    named = {(gate["gate"], gate["column"]): gate for gate in gates(board)}
    assert named["random masks outside which every note is kept", "all"]["pass"]
    assert named["notes there and back, F1", "bass"]["pass"]
    board["kept"]["arranger"]["rewritten"] = 0
    board["kept"]["arranger"]["exact"] = 6
    board["coded"]["late"]["all"]["f1"] = 0.9
    board["speed"]["arranger"]["first"] = 1e6
    again = {(gate["gate"], gate["column"]): gate for gate in gates(board)}
    kept_gate = again["random masks outside which every note is kept", "all"]
    assert not kept_gate["pass"] and "not told apart" in kept_gate["needs"]
    assert not again["notes there and back, F1", "bass"]["pass"]
    assert not again[f"{speed.TITLES['first']}, ms", "all"]["pass"]


def test_page_table_and_pictures_show_what_was_measured(found: Board, tmp_path: Path) -> None:
    drawn = draw(found.exhibits[-1:], tmp_path / "pictures")
    text = page(found.board, drawn, tmp_path, "harmonicflow evaluate --composer")
    assert all(f"(pictures/{path.name})" in text and path.stat().st_size < 200_000 for _, path in drawn)
    assert "| arranger |" in text and "## Gates" in text and "None" not in text
    assert "previous bar" in table(found.board)


def test_a_bundles_composer_is_measured_through_the_engine(tmp_path: Path) -> None:
    assert Learned.of(make_tiny_bundle(tmp_path / "none"), 1) is None
    learned = Learned.of(make_tiny_bundle(tmp_path / "tiny", with_composer=True), 1)
    assert learned is not None
    whole = learned.compose(players.free_request("pop", 4, 1))
    assert whole.notes and learned.about()["requests"] == 1 and learned.about()["left_to_the_arranger"] == 0
    first = learned.first(players.free_request("pop", 4, 1))
    assert {note for note in whole.notes if note.start < 8} <= set(first.notes)
    (window,) = masked.windows([band(8, 3)], 8)
    bet = masked.Bet(window, masked.hole(window, np.random.default_rng(0)))
    assert masked.network(bet, learned.graph).shape == (len(bet.picks),)


def test_songs_are_read_from_the_labels_of_a_corpus(tmp_path: Path) -> None:
    beats = [round(0.5 * number, 3) for number in range(25)]
    labels = {
        "group": "g", "corpus": "c", "source": "s", "seconds": 12.0, "beats_s": beats, "meter": "4/4",
        "downbeats": [0, 4, 8, 12, 16, 20], "chords": [[0.0, 2.0, "Am"]], "sections": [[0.0, 4.0, "verse"]],
        "key": "A minor", "genre": "funk", "genre_arranged": "funk", "made": ["bass"],
        "notes": {"bass": [[0.26, 0.5, 40, 90]], "piano": [[1.0, 2.0, 60, 80]]},
    }  # fmt: skip
    for number in range(2):
        folder = tmp_path / "test" / f"Track{number}"
        folder.mkdir(parents=True)
        write_labels(folder / "labels.json", labels if number else labels | {"downbeats": [0]})
    (song,) = labelled((tmp_path,), "test", 5)
    assert song.human == ("piano",) and song.sections == ((0.0, 8.0, "verse"),) and song.chords == ((0.0, 4.0, "Am"),)
    np.testing.assert_allclose(song.part("bass")[0], [0.5, 0.479167, 40, 90, 0.01], atol=1e-5)
    with pytest.raises(HarmonicFlowError, match="no_corpus|songs"):
        list(labelled((tmp_path,), "train", 5))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--composer"], "--midi"),
        (["--composer", "--midi", "x", "--split", "test"], "--split says nothing"),
        (["--composer", "--codec", "--midi", "x"], "ask for one"),
        (["--midi", "x", "--corpus", "y"], "--midi goes with --composer"),
        (["--performer"], "--corpus"),
    ],
)
def test_what_makes_no_sense_is_said(words: list[str], said: str) -> None:
    result = CliRunner().invoke(command, words)
    assert result.exit_code == 2 and said in result.output
