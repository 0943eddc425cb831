"""What is heard in a row's sounds and how it is added up, on one planted excerpt."""

from __future__ import annotations

import gc
from dataclasses import replace

import numpy as np
import pytest

from harmonicflow.analysis.metrics import Counts
from harmonicflow.core.constants import HOP, SAMPLE_RATE
from tests.planted_songs import make_song
from training.excerpts import Excerpt, choose_excerpts
from training.hearing import Ears, Hearing, drum_probe
from training.rows import Sounds, another, late
from training.scoreboard import Tally, scoreboard, table

STEMS = ("bass", "drums", "guitar", "piano")


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> list[Excerpt]:
    folder = tmp_path_factory.mktemp("corpus")
    for number in (1, 2):
        make_song(folder, number)
    return choose_excerpts(folder, "validation", STEMS, 2, 6.0, 0)


@pytest.fixture(scope="module")
def truths(songs: list[Excerpt]) -> list[Sounds]:
    return [{stem: excerpt.truth(stem) for stem in STEMS} for excerpt in songs]


def test_ears_hear_a_kept_array_once_and_never_mistake_another_for_it() -> None:
    ears = Ears()
    click = np.zeros(SAMPLE_RATE, np.float32)
    click[SAMPLE_RATE // 2 :] = np.random.default_rng(0).standard_normal(SAMPLE_RATE // 2) * 0.1
    assert ears.onsets(click) is ears.onsets(click) and ears.onsets(click) == pytest.approx([0.5], abs=0.01)
    del click
    gc.collect()
    for _ in range(20):  # sooner or later an array stands where the first one stood
        assert not len(ears.onsets(np.zeros(SAMPLE_RATE, np.float32)))


def test_only_stems_that_are_there_are_heard(songs: list[Excerpt], truths: list[Sounds]) -> None:
    """A regenerated row may hold fewer stems than the song."""
    hearing, tally = Hearing(truths, songs, STEMS), Tally()
    hearing.add(tally, {"bass": truths[0]["bass"]}, 0)
    scores = tally.scores()
    assert set(scores["onset_f1_50"]) == {"bass", "all"} and not tally.mel_db
    assert scores["pitch_f1"]["bass"] > 0.85 and "drum_f1" not in scores


def test_a_planted_delay_is_measured_and_the_truth_has_none(songs: list[Excerpt], truths: list[Sounds]) -> None:
    hearing, own, delayed = Hearing(truths, songs, STEMS), Tally(), Tally()
    for place, truth in enumerate(truths):
        hearing.add(own, truth, place)
        hearing.add(delayed, late(truth, 0.012), place)
    assert own.scores()["offset_ms"]["drums"] == pytest.approx(0, abs=0.5)
    assert delayed.scores()["offset_ms"]["drums"] == pytest.approx(12, abs=1.5)


def test_gathering_at_a_beat_that_is_played(songs: list[Excerpt], truths: list[Sounds]) -> None:
    """The planted drums have no grid; against beats that lie where they are struck they gather entirely."""
    struck = sorted(note[0] for note in songs[0].notes["drums"] if 0 <= note[0] < songs[0].seconds)
    placed = [replace(songs[0], beats_s=struck), songs[1]]
    scores = []
    for excerpts in (songs, placed):
        tally = Tally()
        Hearing(truths, excerpts, STEMS).add(tally, truths[0], 0)
        scores.append(tally.scores())
    assert scores[1]["beat"]["drums"] > 0.95 > 0.5 > scores[0]["beat_phase"]["drums"]
    assert scores[1]["beat_phase"]["drums"] >= scores[1]["beat"]["drums"], "the largest part counts"


def test_kinds_of_drum_count_by_how_often_they_are_struck() -> None:
    tally = Tally(drums={"kick": Counts(90, 5, 5), "toms": Counts(0, 5, 5), "hat": Counts()})
    drums = tally.scores()["drum_f1"]
    assert drums == {"kick": round(180 / 190, 4), "toms": 0.0, "all": round(180 / 200, 4)}
    board = scoreboard({"truth": tally, "noise": Tally(drums={"kick": Counts(1, 94, 9)})}, {"songs": 1})
    assert board["valid"]["drum_f1"] and board["shares"]["noise"]["drum_f1"]["kick"] < 0.05
    assert "drums: each kind struck" in table(board)


def test_a_probe_needs_drums(songs: list[Excerpt]) -> None:
    assert drum_probe([]) is None and drum_probe([replace(songs[0], notes=dict.fromkeys(STEMS, []))]) is None


def test_the_mix_is_the_stems_and_what_is_outside_them(songs: list[Excerpt], truths: list[Sounds]) -> None:
    mix = songs[0].mix(STEMS)
    assert mix.shape == (songs[0].frames * HOP,) and mix.dtype == np.float32
    np.testing.assert_allclose(mix, np.sum([truths[0][stem] for stem in STEMS], axis=0), atol=1e-6)


def test_another_song_s_stem_or_silence(songs: list[Excerpt], truths: list[Sounds]) -> None:
    other = another(truths, songs, 0)
    assert other["bass"] is truths[1]["bass"] and not other["guitar"].any()
