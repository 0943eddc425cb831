"""Scores inside requests: exact there and back, and what a hostile one may not do."""

from fractions import Fraction

import msgspec
import pytest

from harmonicflow.core.constants import MAX_SCORE_NOTES
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import ScoreSpec
from harmonicflow.score.chords import ChordSpan, parse_chord
from harmonicflow.score.score import Note, Score, Section
from harmonicflow.score.spec import score_of, spec_of


def test_there_and_back_over_the_wire() -> None:
    notes = (
        Note("bass", Fraction(1, 3), Fraction(1, 12), 40, 80, -0.0123),
        Note("drums", Fraction(-1), Fraction(1, 960), 36, 1),
    )
    chords = (ChordSpan(Fraction(0), Fraction(7, 2), parse_chord("F#m7b5/A")),)
    score = Score(notes, chords, (Section(Fraction(0), Fraction(16), "Refrén"),))
    sent = msgspec.json.encode(spec_of(score, "song.mid"))
    assert score_of(msgspec.json.decode(sent, type=ScoreSpec)) == score


@pytest.mark.parametrize("beats", ["1e999999999", "1/0", "x", "", "9" * 100])
def test_beats_that_are_none(beats: str) -> None:
    with pytest.raises(HarmonicFlowError) as caught:
        score_of(ScoreSpec(notes=(("bass", beats, "1", 40, 80, 0.0),)))
    assert caught.value.code == "bad_request"


def test_lengths_are_above_zero_and_notes_are_counted() -> None:
    with pytest.raises(HarmonicFlowError, match="lasts 0 beats"):
        score_of(ScoreSpec(sections=(("0", "0", "verse"),)))
    many = Score(tuple(Note("bass", Fraction(n), Fraction(1), 40, 80) for n in range(MAX_SCORE_NOTES + 1)))
    with pytest.raises(HarmonicFlowError, match="more than 30000 notes"):
        spec_of(many, "long.mid")
