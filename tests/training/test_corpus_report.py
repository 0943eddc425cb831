"""What `corpus report` counts and draws, on a planted corpus of a few seconds."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from harmonicflow.core.constants import SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from training.commands.corpus import command
from training.corpus import pictures
from training.corpus.report import report

STEMS = ("bass", "drums", "guitar", "piano")
SECONDS = 6.0
TONE_HZ = 1000.0


def plant(root: Path, split: str, number: int, **changes: Any) -> Path:
    """A track: a tone of 1 kHz on the guitar, else silence; a few notes on every part."""
    folder = root / split / f"Track{number:05d}"
    folder.mkdir(parents=True)
    tone = 0.2 * np.sin(2 * np.pi * TONE_HZ * np.arange(round(SECONDS * SAMPLE_RATE)) / SAMPLE_RATE)
    for name in STEMS:
        soundfile.write(folder / f"{name}.wav", tone * (name == "guitar"), SAMPLE_RATE, subtype="PCM_16")
    pitches = {"bass": 36, "drums": 38, "guitar": 64, "piano": 72}
    labels = {
        "group": f"song{number}", "corpus": "planted", "drums_from": None, "genre": "rock", "tempo_bpm": 120.0,
        "meter": "4/4", "beats_s": [beat / 2 for beat in range(13)], "downbeats": [0, 4, 8, 12],
        "chords": [[0.0, 4.0, "Am"], [4.0, 6.0, "F"]], "key": "A minor",
        "programs": {"bass": 33, "drums": 0, "guitar": 25, "piano": 0},
        "banks": {"bass": 0, "drums": 128, "guitar": 0, "piano": 0}, "varied": False, "sound_font": "first.sf2",
        "notes": {name: [[beat / 2, beat / 2 + 0.4, pitch, 90] for beat in range(10)]
                  for name, pitch in pitches.items()},
        "seconds": SECONDS, "made": ["bass"], "seed": 1,
    }  # fmt: skip
    (folder / "labels.json").write_text(json.dumps(labels | changes))
    return folder


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    root = tmp_path / "corpus"
    plant(root, "train", 1, tempo_bpm=None)
    plant(root, "train", 20_001, genre="funk", sound_font="second.sf2", varied=True, drums_from="take1.mid",
          programs={"bass": 33, "guitar": 28}, banks={"bass": 0, "guitar": 8})  # fmt: skip
    plant(root, "validation", 40_001, meter="7/8", tempo_bpm=90.0)
    plant(root, "test", 80_001, genre=None)
    return root


def run(*words: object) -> str:
    result = CliRunner().invoke(command, ["report", *map(str, words)], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_a_planted_corpus_is_counted(corpus: Path) -> None:
    train = report(corpus)["train"]
    assert (train.tracks, train.full_tracks, train.labelled, train.varied, train.groups) == (2, 2, 2, 1, 2)
    assert train.seconds == 2 * SECONDS and train.genre_seconds == {"rock": SECONDS, "funk": SECONDS}
    assert train.part_seconds == {"A": SECONDS, "B": SECONDS} and train.tempi_bpm == [120.0]
    assert train.sound_fonts == {"first.sf2": 1, "second.sf2": 1} and train.made == {"bass": 2}
    assert train.programs["guitar"] == {"steel (25)": 1, "funk (8:28)": 1}
    assert train.notes == dict.fromkeys(STEMS, 20) and train.pitches["guitar"] == {64: 20}
    said = run(corpus)
    for line in (
        "train: 2 tracks, 0.00 h, 2 with all stems", "  varied sounds: 50% of the tracks", "  meters: 7/8 1",
        "  guitar sounds: steel (25) 1, funk (8:28) 1", "  genres: none 1",
        "  tempo: 120 to 120 bpm, median 120, half of the tracks 120 to 120, 1 without beats",
        "No song group and no drum take is in two splits.",
    ):  # fmt: skip
        assert line in said.splitlines()


def test_the_report_as_json(corpus: Path) -> None:
    said = json.loads(run(corpus, "--json"))
    assert set(said) == {"train", "validation", "test"}
    assert said["train"]["genres"] == {"rock": 1, "funk": 1} and said["test"]["part_seconds"] == {"D": SECONDS}
    assert said["train"]["programs"]["guitar"] == {"steel (25)": 1, "funk (8:28)": 1}
    assert said["validation"]["tempi_bpm"] == [90.0] and said["validation"]["shared"] == []


@pytest.mark.parametrize(
    ("changes", "name"), [({"group": "song1"}, "song song1"), ({"drums_from": "take1.mid"}, "drum take take1.mid")]
)
def test_a_song_in_two_splits_is_found(corpus: Path, changes: dict[str, str], name: str) -> None:
    plant(corpus, "test", 80_002, **changes)
    result = CliRunner().invoke(command, ["report", str(corpus)])
    assert f"In more than one split: {name}." in result.stdout.splitlines()
    assert isinstance(result.exception, HarmonicFlowError)
    assert result.exception.code == "mixed_splits" and result.exception.exit_code != 0


def test_stems_without_labels_are_counted_by_their_files(corpus: Path) -> None:
    (plant(corpus, "train", 3) / "labels.json").unlink()
    train = report(corpus)["train"]
    assert (train.tracks, train.labelled, train.seconds) == (3, 2, 3 * SECONDS)


def test_labels_made_before_there_were_banks(corpus: Path) -> None:
    folder = plant(corpus, "train", 3)
    labels = json.loads((folder / "labels.json").read_text())
    del labels["banks"]
    (folder / "labels.json").write_text(json.dumps(labels))
    assert report(corpus)["train"].programs["drums"] == {"standard (0)": 2}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"seconds": 1}', '{"seconds": "long", "genre": "rock"}'])
def test_broken_labels_are_named(corpus: Path, text: str) -> None:
    path = plant(corpus, "train", 3) / "labels.json"
    path.write_text(text)
    with pytest.raises(HarmonicFlowError) as caught:
        report(corpus)
    assert caught.value.code == "bad_labels" and str(path) in str(caught.value)


def test_an_empty_folder_is_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(HarmonicFlowError) as caught:
        report(tmp_path)
    assert caught.value.code == "no_corpus"


# ------------------------------------------------------------------------------------------------------------ pictures


def png_size(path: Path) -> tuple[int, int]:
    """Width and height from a PNG's header."""
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def test_pictures_are_drawn(corpus: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "new" / "pictures"
    run(corpus, "--pictures", out, "--tracks", "1")
    assert {path.name for path in out.iterdir()} == {
        "hours.png", "sounds.png", "notes.png", "tempo.png",
        "train-Track20001.png", "validation-Track40001.png", "test-Track80001.png",
    }  # fmt: skip
    for path in out.iterdir():
        width, height = png_size(path)
        assert 600 <= width <= 1200 and 250 <= height <= 1000 and path.stat().st_size < 400_000


def test_the_spectrum_shows_a_tone_on_its_row_and_nothing_else() -> None:
    pytest.importorskip("matplotlib")
    from training.corpus.trackpicture import BANDS_HZ, ROWS, log_spectrum

    time_s = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    for hz in (60.0, 1000.0, 9000.0):
        picture = log_spectrum(np.sin(2 * np.pi * hz * time_s).astype(np.float32))
        middle = picture[:, picture.shape[1] // 2]
        expected = ROWS * np.log(hz / BANDS_HZ[0]) / np.log(BANDS_HZ[1] / BANDS_HZ[0])
        assert abs(int(middle.argmax()) - expected) < 6
        far = np.abs(np.arange(ROWS) - expected) > 30
        assert middle.max() > -1 and middle[far].max() < -40
    assert log_spectrum(np.zeros(SAMPLE_RATE, np.float32)).max() <= 0


def test_without_matplotlib_the_extra_is_named(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "find_spec", lambda name: None)
    result = CliRunner().invoke(command, ["report", str(corpus), "--pictures", str(tmp_path / "pictures")])
    assert isinstance(result.exception, HarmonicFlowError) and result.exception.code == "missing_package"
    assert "harmonicflow[train]" in str(result.exception) and not (tmp_path / "pictures").exists()
