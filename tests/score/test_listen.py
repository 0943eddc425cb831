"""Chords and keys read from notes, against what the arranger was told to play."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings, strategies

from harmonicflow.core.constants import GENRES
from harmonicflow.core.tempo import MeterMap, Selection
from harmonicflow.score.arrange import Arranger, ComposeRequest
from harmonicflow.score.chords import parse_progression
from harmonicflow.score.listen import chord_steps, chords_of, keys_of
from harmonicflow.score.midi import read_midi, write_midi
from harmonicflow.score.score import Note, Score

FOUR = MeterMap.constant("4/4")


def at(spans, beat):
    return next((span.chord for span in spans if span.start <= beat < span.end), None)


def share(spans, found, beats, alike):
    same = 0
    for beat in range(int(beats)):
        want, got = at(spans, beat), at(found, beat)
        same += got is not None and alike(want, got)
    return same / int(beats)


def arranged(text, genre, meter="4/4", bars=8):
    selection = Selection.from_bars(bars, 108, meter, 44100)
    spans = parse_progression(text, selection.meters, bars)
    return Arranger().compose(ComposeRequest(selection, chords=spans, genre=genre, seed=5)), spans, selection


@pytest.mark.parametrize("genre", GENRES)
def test_a_progression_is_read_off_any_genre_through_a_midi_file(genre):
    score, spans, selection = arranged("Am | F | C/E | G", genre)
    file = read_midi(write_midi(replace(score, chords=(), sections=()), selection))
    assert not file.score.chords
    found = chords_of(file.score, file.meters, selection.beats)
    assert share(spans, found, selection.beats, lambda a, b: (a.root, a.is_minor) == (b.root, b.is_minor)) >= 0.8


@pytest.mark.parametrize("genre", ["pop", "funk", "jazz", "soul"])
def test_sevenths_and_ninths_are_read_where_they_are_played(genre):
    score, spans, selection = arranged("Dm7 | G7 | Em9 | Am7", genre)
    found = chords_of(score, selection.meters, selection.beats)
    assert share(spans, found, selection.beats, lambda a, b: a.root == b.root) >= 0.8
    sevenths = lambda a, b: a.root == b.root and 10 in b.intervals  # noqa: E731
    assert share(spans, found, selection.beats, sevenths) >= 0.5


def chord(pitches, start, beats=4, instrument="piano"):
    return [Note(instrument, Fraction(start), Fraction(beats), pitch, 80) for pitch in pitches]


def test_block_chords_are_named_exactly():
    named = {
        "Em9": (40, 59, 62, 66, 67), "C/E": (40, 60, 64, 67), "F#m7b5": (42, 57, 60, 64), "Bb6": (46, 58, 62, 65, 67),
        "Gsus4": (43, 60, 62, 67), "Caug": (48, 52, 56, 60), "D7b9": (38, 54, 57, 60, 63),
        "Abmaj9": (44, 60, 63, 67, 70),
    }  # fmt: skip
    notes = [note for place, pitches in enumerate(named.values()) for note in chord(pitches, 4 * place)]
    found = chords_of(Score(tuple(notes)), FOUR)
    assert [(span.chord.name, span.start) for span in found] == [(name, 4 * place) for place, name in enumerate(named)]


def test_drums_alone_say_nothing_and_gaps_stay():
    drums = Score(tuple(Note("drums", Fraction(beat), Fraction(1, 4), 36, 90) for beat in range(8)))
    assert chords_of(drums, FOUR) == () and keys_of(drums, FOUR) == ()
    gap = Score((*chord((48, 52, 55), 0), *chord((48, 52, 55), 8)))
    assert [(span.start, span.end) for span in chords_of(gap, FOUR)] == [(0, 4), (8, 12)]


def test_a_modulation_is_two_keys():
    notes = []
    for bar in range(32):
        tonic = 60 if bar < 16 else 66
        for step in ((0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7)):
            notes += chord([tonic + tone for tone in step], 4 * bar + (0, 1, 2, 3)[len(notes) // 3 % 4], 1)
    keys = keys_of(Score(tuple(notes)), FOUR)
    assert [span.key.name for span in keys] == ["C major", "F# major"]
    assert keys[0].end == keys[1].start == 64 and all(0 < span.probability <= 1 for span in keys)


def test_steps_follow_the_bars():
    steps = chord_steps(MeterMap.constant("7/8"), Fraction(7))
    assert [2 * edge for edge, _ in steps] == [0, 2, 4, 6, 7, 9, 11, 13, 14]
    assert chord_steps(FOUR, Fraction(0)) == []


NOTES = strategies.builds(
    Note,
    strategies.sampled_from(["bass", "drums", "guitar", "piano", "other"]),
    strategies.fractions(0, 40, max_denominator=24),
    strategies.fractions(Fraction(1, 64), 20, max_denominator=64),
    strategies.integers(0, 127),
    strategies.integers(1, 127),
)


@settings(max_examples=60)
@given(strategies.lists(NOTES, max_size=30), strategies.sampled_from(["4/4", "7/8", "5/4", "1/16", "12/8"]))
def test_any_score_has_chords_in_order(notes, meter):
    meters = MeterMap.constant(meter)
    score = Score(tuple(notes))
    spans = chords_of(score, meters)
    assert all(one.end <= other.start for one, other in zip(spans, spans[1:], strict=False))
    assert all(span.duration > 0 for span in spans)
    if spans:
        assert spans[-1].end <= max(note.end for note in notes)
    keys = keys_of(score, meters)
    assert bool(keys) == any(note.instrument != "drums" for note in notes)
