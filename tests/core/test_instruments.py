"""The tables of instruments, drum classes and genres."""

import re

import pytest

from harmonicflow.core.constants import (
    DEFAULT_STEMS,
    GENRE_PLACES,
    GENRES,
    HEARD_GENRES,
    HOP,
    LATENT_RATE,
    SAMPLE_RATE,
)
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.instruments import DRUM_CLASSES, DRUM_PITCHES, INSTRUMENTS, drum_class, instrument


def test_the_default_stems_are_in_the_table() -> None:
    assert tuple(INSTRUMENTS) == DEFAULT_STEMS
    for name, row in INSTRUMENTS.items():
        assert instrument(name) is row and row.name == name
        assert re.fullmatch("#[0-9a-f]{6}", row.colour)
        assert 0 <= row.lowest < row.highest <= 127 and 0 <= row.midi_program <= 127
    assert [row.name for row in INSTRUMENTS.values() if row.midi_channel == 9] == ["drums"]
    assert len({row.midi_channel for row in INSTRUMENTS.values()}) == len(INSTRUMENTS)


def test_an_unknown_stem_is_said_with_the_known_ones() -> None:
    with pytest.raises(HarmonicFlowError, match="kazoo.*bass, drums, guitar, piano"):
        instrument("kazoo")


def test_drum_classes_cover_every_pitch_once() -> None:
    assert len(DRUM_CLASSES) == 16
    listed = [pitch for row in DRUM_CLASSES for pitch in row.pitches]
    assert len(listed) == len(set(listed))
    assert {drum_class(pitch) for pitch in range(128)} == set(range(16))
    assert [drum_class(pitch) for pitch in DRUM_PITCHES] == list(range(16))
    # General MIDI level 1 percussion: acoustic bass drum, side stick, closed hat, crash 2, ride 2, maracas.
    assert [drum_class(pitch) for pitch in (35, 37, 42, 57, 59, 70)] == [0, 2, 4, 10, 11, 15]
    with pytest.raises(ValueError, match="0 to 127"):
        drum_class(128)


def test_constants() -> None:
    assert LATENT_RATE == pytest.approx(21.533203125) and SAMPLE_RATE % HOP != 0
    assert len(GENRES) == 13 <= GENRE_PLACES and set(HEARD_GENRES) <= set(GENRES)
