"""The table of words on its way through export and promotion, and what the card says of the performer's conditions."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from export.bundle import build_bundle
from export.command import command
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.engine.bundle import Bundle
from harmonicflow.engine.card import UNHEARD
from training.promote import changes, install
from training.text_table import pack_table

from .conftest import Made, save

SOURCE = "https://example.org/words"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    vectors = np.random.default_rng(0).normal(size=(5, 256)).astype(np.float32)
    file = tmp_path_factory.mktemp("table") / "words.safetensors"
    about = {"licence": "CC0-1.0", "source": SOURCE, "changes": "made smaller"}
    file.write_bytes(pack_table(["a", "b", "c", "d", "e"], vectors, about))
    return file


def test_the_table_goes_into_the_bundle_and_on_from_there(made: Made, table: Path, tmp_path: Path) -> None:
    words = ("--codec", made.bundle, "--performer", made.bundle, "--out", tmp_path / "one", "--text", table)
    ran = CliRunner().invoke(command, list(map(str, words)))
    assert ran.exit_code == 0, ran.output
    first = Bundle.load(tmp_path / "one")
    assert first.take_text() == table.read_bytes()
    row = json.loads((tmp_path / "one" / "model.json").read_text())["files"]["text"]
    assert row["license"] == "CC0-1.0" and row["source"] == SOURCE and "latent_space" not in row
    for told in (SOURCE, "CC0-1.0", "made smaller"):
        assert told in first.card.card
    # A part that is a bundle brings its table along; the base does where neither part has one.
    build_bundle(made.codec_file, tmp_path / "one", tmp_path / "two")
    build_bundle(made.codec_file, made.performer_file, tmp_path / "three", base=tmp_path / "one")
    for name in ("two", "three"):
        assert Bundle.load(tmp_path / name).take_text() == table.read_bytes()
    assert made.bundle != tmp_path and Bundle.load(made.bundle).take_text() is None


def test_promotion_keeps_the_table_which_is_no_network(made: Made, table: Path, tmp_path: Path) -> None:
    build_bundle(made.bundle, made.bundle, tmp_path / "new", text=table)
    assert changes(Bundle.load(tmp_path / "new"), Bundle.load(made.bundle)) == set()
    install(tmp_path / "new", tmp_path / "place", {})
    placed = Bundle.load(tmp_path / "place")
    assert placed.take_text() == table.read_bytes() and SOURCE in placed.card.card


@pytest.mark.parametrize(("name", "code"), [("nowhere", "missing_file"), ("model.json", "bad_option")])
def test_what_is_no_table_is_refused(made: Made, tmp_path: Path, name: str, code: str) -> None:
    with pytest.raises(HarmonicFlowError) as error:
        build_bundle(made.bundle, made.bundle, tmp_path / "out", text=made.bundle / name)
    assert error.value.code == code and not (tmp_path / "out").exists()


def test_the_card_promises_what_the_performer_was_trained_to_follow(made: Made, tmp_path: Path) -> None:
    assert UNHEARD in Bundle.load(made.bundle).card.card
    told = ["score", "chords", "genre", "timbre"]
    trained = save(tmp_path / "performer.safetensors", made.performer, step=1, minutes=1.0, conditions=told)
    bundle = Bundle.load(build_bundle(made.bundle, trained, tmp_path / "out"))
    assert bundle.conditions == tuple(told) and UNHEARD not in bundle.card.card
    assert "trained to follow the genre and a sound to be like;" in bundle.card.card
    assert "It was not trained to follow the prompt and the mood." in bundle.card.card
    again = build_bundle(made.bundle, tmp_path / "out", tmp_path / "again")
    assert Bundle.load(again).conditions == tuple(told)
