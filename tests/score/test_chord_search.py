"""The table of chords, and the best path against trying every path."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, strategies

from harmonicflow.score.chord_search import (
    BAR_LINE,
    WITHIN,
    Evidence,
    SearchOptions,
    best_path,
    chord_scores,
    find_chords,
)
from harmonicflow.score.chord_table import KEYS, RARITY, chord_table
from harmonicflow.score.chords import Chord, parse_chord
from harmonicflow.score.key_search import key_correlations, key_path, key_probabilities

SURE = 5.0


def evidence_of(chords):
    """What someone who hears each chord surely says of it."""
    rows = [np.full((len(chords), 12), -SURE) for _ in range(3)]
    for beat, chord in enumerate(chords):
        rows[0][beat, list(chord.pitch_classes)] = SURE
        rows[1][beat, chord.root] = rows[2][beat, chord.bass_class] = 0.0
    return Evidence(*rows)


def test_every_chord_of_the_table_is_named_from_clear_evidence():
    table = chord_table()
    options = SearchOptions(rarity=0.4)
    best = chord_scores(evidence_of(table.chords), None, options).argmax(axis=1)
    wrong = [(chord.name, table.chords[row].name) for chord, row in zip(table.chords, best, strict=True)
             if table.chords[row] != chord]  # fmt: skip
    assert wrong == []


def test_the_table_agrees_with_the_chords_own_notes():
    table = chord_table()
    assert len(set(table.chords)) == len(table.chords) and set(RARITY) == {chord.quality for chord in table.chords}
    for row, chord in enumerate(table.chords):
        assert set(np.flatnonzero(table.tones_QP[row])) == chord.pitch_classes
        assert (table.roots_Q[row], table.basses_Q[row]) == (chord.root, chord.bass_class)
    c_major = table.at_home_QM[table.chords.index(parse_chord("Dm7")), 0]
    assert c_major == 1.0 and KEYS[0].name == "C major"
    assert not table.tones_QP.flags.writeable


@given(
    strategies.integers(1, 5),
    strategies.integers(1, 4),
    strategies.randoms(use_true_random=False),
)
def test_the_best_path_is_the_best_of_all(beats, states, random):
    scores = np.array([[random.uniform(-3, 3) for _ in range(states)] for _ in range(beats)])
    change = np.array([random.uniform(0, 4) for _ in range(beats)])

    def worth(path):
        moved = sum(change[k] for k in range(1, beats) if path[k] != path[k - 1])
        return sum(scores[k, state] for k, state in enumerate(path)) - moved

    found = best_path(scores, change)
    assert worth(found) == pytest.approx(max(map(worth, product(range(states), repeat=beats))))


def test_a_beat_of_passing_notes_does_not_change_the_chord():
    options = SearchOptions(change_on_bar=2.0, change_on_beat=6.0)
    weak = evidence_of([parse_chord(name) for name in ("C", "C", "Dm", "C", "F", "F", "F", "F")])
    scores = chord_scores(Evidence(weak.tones_KP / 5, weak.root_KP / 8, weak.bass_KP / 8), None, options)
    places = np.array([BAR_LINE, WITHIN, WITHIN, WITHIN] * 2)
    found = find_chords(scores, options.change(places))
    assert [(one.first, one.last, one.chord and one.chord.name) for one in found] == [(0, 4, "C"), (4, 8, "F")]
    assert all(0 <= one.confidence <= 1 for one in found)


def test_a_chord_that_thins_out_goes_on():
    options = SearchOptions(rarity=0.4)
    chords = [parse_chord(name) for name in ("Em7", "E5", "B5", "Am", "Am")]
    found = find_chords(chord_scores(evidence_of(chords), None, options), np.full(5, 0.1))
    assert [(one.last - one.first, one.chord.name) for one in found] == [(2, "Em7"), (1, "B5"), (2, "Am")]


def test_silence_and_no_chord_are_gaps():
    options = SearchOptions()
    scores = chord_scores(evidence_of([Chord(0)] * 4), None, options)
    none = np.array([-1e3, 1e3, -1e3, -1e3])
    silent = np.array([False, False, False, True])
    found = find_chords(scores, np.zeros(4), none, silent)
    assert [one.chord and one.chord.name for one in found] == ["C", None, "C", None]
    assert find_chords(scores[:0], np.zeros(0)) == []


def test_keys_of_scales_and_a_modulation():
    def scale(tonic):
        return np.roll([3, 0.1, 1, 0.1, 2, 1, 0.1, 2, 0.1, 1, 0.1, 1], tonic)

    rows = np.array([scale(2)] * 4 + [scale(5)] * 4)
    assert [KEYS[row].name for row in key_path(np.log(key_probabilities(rows)))] == ["D major"] * 4 + ["F major"] * 4
    assert key_path(np.zeros((0, 24))) == []
    assert not key_correlations(np.ones(12)).any() and key_probabilities(np.zeros(12)).sum() == pytest.approx(1)
    one_odd_stretch = np.array([scale(2), scale(2), scale(9), scale(2), scale(2)])
    assert {KEYS[row].name for row in key_path(np.log(key_probabilities(one_odd_stretch)))} == {"D major"}
