"""Planted grooves: swing, accents and timing that were put there, also through a MIDI file."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from harmonicflow.core.tempo import Meter, MeterMap, Selection, TempoMap
from harmonicflow.score.groove_heard import hear_groove
from harmonicflow.score.midi import read_midi, write_midi
from harmonicflow.score.score import Note, Score

TEMPO = TempoMap.constant(120, 44100)
FOUR = MeterMap.constant("4/4")


def hats(share, bars=4, parts=1):
    """Strokes on the beat (or half beat) and at a share of it."""
    places = [Fraction(unit) + share * off for unit in range(4 * bars * parts) for off in (0, 1)]
    return Score(tuple(Note("drums", place / parts, Fraction(1, 8), 42, 80) for place in places))


@pytest.mark.parametrize("share", [Fraction(1, 2), Fraction(7, 12), Fraction(5, 8), Fraction(2, 3)])
def test_swing_is_read(share):
    assert float(hear_groove(hats(share), FOUR, TEMPO).swing) == pytest.approx(float(share), abs=0.01)
    assert float(hear_groove(hats(share, parts=2), FOUR, TEMPO).sixteenths) == pytest.approx(float(share), abs=0.01)


def test_triplets_are_no_swing_and_few_offbeats_tell_nothing():
    triplets = Score(tuple(Note("piano", Fraction(third, 3), Fraction(1, 4), 60, 80) for third in range(48)))
    assert hear_groove(triplets, FOUR, TEMPO).swing is None
    assert hear_groove(hats(Fraction(1, 2), bars=1), FOUR, TEMPO).swing is None
    assert hear_groove(Score(), FOUR, TEMPO) is None


def test_pattern_accents_and_timing_survive_a_midi_file():
    notes = []
    for bar in range(8):
        line = Fraction(7, 2) * bar
        notes += [Note("drums", line, Fraction(1, 4), 36, 127), Note("drums", line + 2, Fraction(1, 4), 38, 64, 0.012)]
        notes += [Note("guitar", line + 3, Fraction(1, 4), pitch, 90, -0.01) for pitch in (52, 57, 61)]
    selection = Selection.from_bars(8, 120, "7/8", 44100)
    file = read_midi(write_midi(Score(tuple(notes)), selection))
    heard = hear_groove(file.score, file.meters, file.tempo)
    assert heard.meter == Meter(7, 8)
    drums, guitar = heard.parts["drums"], heard.parts["guitar"]
    assert len(drums.onsets_W) == 42 and drums.bars == 8
    assert np.flatnonzero(drums.onsets_W).tolist() == [0, 24] and drums.onsets_W[24] == 1
    assert np.flatnonzero(guitar.onsets_W).tolist() == [36] and guitar.onsets_W[36] == 1  # a chord is one stroke
    assert drums.velocity_W[0] == 1 and drums.velocity_W[24] == pytest.approx(64 / 127)
    assert drums.late_W[24] == pytest.approx(0.012, abs=0.001) and guitar.late_W[36] == pytest.approx(-0.01, abs=0.001)
    assert drums.spread_s < 0.001


@settings(max_examples=40)
@given(
    strategies.lists(
        strategies.builds(
            Note,
            strategies.sampled_from(["drums", "bass", "other"]),
            strategies.fractions(0, 60, max_denominator=96),
            strategies.just(Fraction(1, 4)),
            strategies.integers(0, 127),
            strategies.integers(1, 127),
            strategies.floats(-0.05, 0.05),
        ),
        max_size=40,
    ),
    strategies.sampled_from(["4/4", "7/8", "1/32", "5/4"]),
)
def test_any_score_has_a_groove(notes, meter):
    heard = hear_groove(Score(tuple(notes)), MeterMap.constant(meter), TEMPO)
    assert (heard is None) == (not notes)
    for part in heard.parts.values() if heard else ():
        assert part.onsets_W.sum() > 0 and np.isfinite(part.late_W).all() and part.velocity_W.max() <= 1
