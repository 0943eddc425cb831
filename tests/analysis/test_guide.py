"""The guide against planted beats, chords and sounds, and its two ways in against each other."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from harmonicflow.analysis.guide import (
    GUIDE_COLUMNS,
    GUIDE_WIDTH,
    beat_pool,
    beat_pool_seconds,
    clip_curves,
    guide_features,
    guide_features_seconds,
    key_numbers,
    pool_matrix,
)
from harmonicflow.core.constants import HOP, LATENT_RATE, SAMPLE_RATE
from harmonicflow.core.tempo import MeterMap, Selection, TempoMap

A_MINOR = SimpleNamespace(root=9, bass=None, pitch_classes=frozenset({9, 0, 4}))
D7_OVER_FSHARP = SimpleNamespace(root=2, bass=6, pitch_classes=frozenset({2, 6, 9, 0}))


def column(name: str, place: int = 0) -> int:
    return GUIDE_COLUMNS[name].start + place


def test_columns_cover_the_width_once():
    places = [place for columns in GUIDE_COLUMNS.values() for place in range(columns.start, columns.stop)]
    assert places == list(range(GUIDE_WIDTH)) and GUIDE_WIDTH == 79


def test_phase_of_a_planted_beat():
    """At 120 BPM a beat is 0.5 s: frame centres tell their own phase."""
    guide = guide_features_seconds(np.arange(40) * 0.5, range(0, 40, 4), None, None, None, 200)
    centre_s = (np.arange(200) + 0.5) / LATENT_RATE
    for place, period_s in enumerate((2.0, 0.5, 0.25, 0.125)):
        angle = 2 * np.pi * centre_s / period_s
        np.testing.assert_allclose(guide[:, column("phase", 2 * place)], np.sin(angle), atol=1e-5)
        np.testing.assert_allclose(guide[:, column("phase", 2 * place + 1)], np.cos(angle), atol=1e-5)
    np.testing.assert_allclose(guide[:, column("tempo")], 0.0, atol=1e-6)
    assert guide[:, GUIDE_COLUMNS["presence"]].tolist() == [[1, 0, 0, 0]] * 200


PLACES = [("97.3", "4/4", 0), ("33.3", "3/4", "1.5"), (271.8, "6/8", 1)]
KEYS = [("C", (0, 0)), ("A minor", (9, 1)), ("F# major", (6, 0)), ("Bbm", (10, 1)), ("e♭ min", (3, 1))]


@pytest.mark.parametrize(("tempo", "meter", "start_beat"), PLACES)
def test_both_ways_in_agree(tempo, meter, start_beat):
    selection = Selection.from_seconds("2.0", "11.5", 48000, tempo, meter, start_beat)
    offset = float(selection.start_beat)
    beats = np.arange(-20, 200)
    beats_s = (beats - offset) * 60 / float(tempo)
    per_bar = int(selection.meters.changes[0][1].beats)
    downbeats = [i for i, beat in enumerate(beats) if beat % per_bar == 0]
    frames = 190
    ours = guide_features(selection, None, "F# minor", None, frames)
    theirs = guide_features_seconds(beats_s, downbeats, None, "F# minor", None, frames)
    np.testing.assert_allclose(ours, theirs, atol=2e-5)
    np.testing.assert_array_equal(beat_pool(selection, frames), beat_pool_seconds(beats_s, frames))


def test_seven_eight_restarts_the_beat_with_the_bar():
    selection = Selection.from_bars(2, 120, "7/8", SAMPLE_RATE)
    frames = int(3.5 * LATENT_RATE)
    pool = beat_pool(selection, frames)
    centre_beats = (np.arange(frames) + 0.5) / LATENT_RATE * 2
    bar, inside = np.divmod(centre_beats, 3.5)
    np.testing.assert_array_equal(pool, bar * 4 + np.floor(inside))
    guide = guide_features(selection, None, None, None, frames)
    np.testing.assert_allclose(guide[:, column("phase", 2)], np.sin(2 * np.pi * inside), atol=1e-4)


def test_tempo_change_moves_the_beats():
    tempo = TempoMap.from_changes([(0, 60), (4, 120)], SAMPLE_RATE)
    selection = Selection(SAMPLE_RATE, 0, 8 * SAMPLE_RATE, tempo, MeterMap.constant("4/4"))
    frames = int(8 * LATENT_RATE)
    pool = beat_pool(selection, frames)
    at = lambda seconds: int(pool[int(seconds * LATENT_RATE)])  # noqa: E731
    assert [at(s) for s in (0.5, 1.5, 3.5, 4.25, 4.75, 7.75)] == [0, 1, 3, 4, 5, 11]
    tempi = guide_features(selection, None, None, None, frames)[:, column("tempo")]
    assert tempi[10] == pytest.approx(-1) and tempi[-10] == pytest.approx(0)


def test_planted_chords_and_key():
    guide = guide_features_seconds(
        None, None, [(0.0, 2.0, A_MINOR), (2.0, 3.0, D7_OVER_FSHARP)], "A minor", None, 100
    )
    first, second, after = guide[20], guide[50], guide[90]
    assert np.flatnonzero(first[GUIDE_COLUMNS["chord_pitches"]]).tolist() == [0, 4, 9]
    assert np.flatnonzero(second[GUIDE_COLUMNS["chord_root"]]).tolist() == [2]
    assert np.flatnonzero(second[GUIDE_COLUMNS["chord_bass"]]).tolist() == [6]
    assert np.flatnonzero(first[GUIDE_COLUMNS["chord_bass"]]).tolist() == [9]
    assert not after[: GUIDE_COLUMNS["key_tonic"].start].any()
    assert guide[:, column("key_tonic", 9)].all() and guide[:, column("key_mode", 1)].all()
    assert after[GUIDE_COLUMNS["presence"]].tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize(("name", "numbers"), KEYS)
def test_key_names(name, numbers):
    assert key_numbers(name) == numbers


def test_nothing_known_is_all_zero():
    assert not guide_features_seconds(None, None, None, None, None, 50).any()


def test_pool_matrix_puts_every_frame_in_one_beat():
    matrix = pool_matrix(beat_pool_seconds(np.arange(20) * 0.4, 100, start_s=1.0))
    assert (matrix.sum(axis=0) == 1).all() and (matrix.sum(axis=1) >= 1).all()


def test_curves_hear_an_a_and_a_click():
    t = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
    tone = (0.25 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)
    tone[int(1.5 * SAMPLE_RATE) :] = 0
    click_at = 2 * SAMPLE_RATE
    tone[click_at : click_at + 400] += 0.5 * np.random.default_rng(1).standard_normal(400).astype(np.float32)
    curves = clip_curves(tone, 80)
    assert curves.shape == (80, 16)
    middle = curves[5:25]
    assert (middle[:, 3:15].argmax(axis=1) == 9).all() and (np.sort(middle[:, 3:15], axis=1)[:, -2] < 0.1).all()
    np.testing.assert_allclose(middle[:, 15], (20 * np.log10(0.25 / np.sqrt(2)) + 60) / 60, atol=0.01)
    assert curves[:, 2].argmax() == click_at // HOP
    assert not curves[66:].any(), "beyond the clip's end"
    assert curves.min() >= 0 and curves.max() <= 1


def test_curves_of_a_part_are_part_of_the_curves():
    noise = (0.1 * np.random.default_rng(3).standard_normal(60 * HOP)).astype(np.float32)
    whole, part = clip_curves(noise, 60), clip_curves(noise[20 * HOP :], 40)
    np.testing.assert_allclose(whole[23:], part[3:], atol=1e-5)
