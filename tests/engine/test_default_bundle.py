"""The bundle that ships: whole, small enough, and it plays what the score asks, when it asks, without a click."""

import json

import numpy as np
import pytest

from harmonicflow.analysis.metrics import onset_counts, pitch_counts
from harmonicflow.analysis.onsets import onsets
from harmonicflow.core.constants import DEFAULT_STEMS
from harmonicflow.engine.api import HarmonicFlow
from harmonicflow.engine.bundle import default_path
from harmonicflow.engine.result import Result
from harmonicflow.score.rolls import note_arrays

RATE = 44100
MOST_BYTES = 70_000_000
LONGEST_JUMP = 0.5  # between neighbouring samples; a click is a jump of the order of full scale
QUIETEST_DBFS, LOUDEST_DBFS = -50.0, -6.0


@pytest.fixture(scope="module")
def take() -> Result:
    return HarmonicFlow().generate(bars=4, tempo="112", chords="Am | F | C | G", genre="rock", rate=RATE, seed=5)[0]


def asked(take: Result, stem: str) -> list[tuple[float, float, int]]:
    notes = note_arrays(take.score, take.selection, (stem,))
    return sorted(zip(notes.onset_s.tolist(), notes.offset_s.tolist(), notes.pitch.tolist(), strict=True))


def test_it_is_whole_and_small() -> None:
    card = json.loads((default_path() / "model.json").read_text())
    size = sum(path.stat().st_size for path in default_path().iterdir())
    assert size < MOST_BYTES
    assert card["latent_space"] and card["scores"] and "Not measured yet" not in card["card"]
    assert card["training"]["data"]


@pytest.mark.parametrize("stem", DEFAULT_STEMS)
def test_every_stem_sounds_and_no_stem_is_broken(take: Result, stem: str) -> None:
    sound = take.stems[stem]
    assert sound.shape == (2, take.selection.frames) and np.isfinite(sound).all()
    level = 20 * np.log10(np.sqrt((sound**2).mean()) + 1e-12)
    assert QUIETEST_DBFS < level < LOUDEST_DBFS
    assert np.abs(np.diff(sound)).max() < LONGEST_JUMP


def test_drums_keep_the_time_they_are_told(take: Result) -> None:
    """Onsets within 50 ms of the score's, far more than of the same score half a sixteenth late."""
    times = np.unique([start for start, _, _ in asked(take, "drums")])
    heard = onsets(take.stems["drums"].mean(0), RATE)
    late = times + 60 / 112 / 8
    assert onset_counts(times, heard, 0.03).f1 > 0.6
    assert onset_counts(times, heard, 0.03).f1 > 2 * onset_counts(late, heard, 0.03).f1


def test_the_bass_plays_the_notes_it_is_told(take: Result) -> None:
    """The asked pitches are heard, far more than the same part a tritone higher."""
    sound, notes = take.stems["bass"].mean(0), asked(take, "bass")
    end_s = take.selection.frames / RATE
    right = pitch_counts(sound, RATE, notes, 0.0, end_s, voices=1)
    wrong = pitch_counts(sound, RATE, [(start, stop, pitch + 6) for start, stop, pitch in notes], 0.0, end_s, voices=1)
    assert right.f1 > 0.5
    assert right.f1 > 3 * wrong.f1
