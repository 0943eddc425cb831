"""Scores inside requests, both ways: `core.messages.ScoreSpec`, whose numbers are bounded, and `Score`."""

from __future__ import annotations

from fractions import Fraction

from harmonicflow.core.constants import MAX_SCORE_NOTES
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import ScoreSpec

from .chords import ChordSpan, parse_chord
from .score import Note, Score, Section

LONGEST_BEAT = 26  # characters, as messages.Beat
LONGEST_NAME = 200  # characters, as messages.Name


def spec_of(score: Score, name: str = "") -> ScoreSpec:
    """The score as a field of a request; raises `many_notes`."""
    if max(len(score.notes), len(score.chords)) > MAX_SCORE_NOTES:
        raise HarmonicFlowError("many_notes", path=name or "the score", maximum=MAX_SCORE_NOTES)
    return ScoreSpec(
        notes=tuple(
            (note.instrument, str(note.start), str(note.duration), note.pitch, note.velocity, note.shift_s)
            for note in score.notes
        ),
        chords=tuple((str(span.start), str(span.duration), span.chord.name) for span in score.chords),
        sections=tuple((str(part.start), str(part.duration), part.name[:LONGEST_NAME]) for part in score.sections),
        name=name[:LONGEST_NAME],
    )


def score_of(spec: ScoreSpec) -> Score:
    """The score that a request carries; raises `bad_request`, `bad_chord`.

    What decoding has checked (number of rows, pitches, velocities) is not checked again; that lengths are above 0 is.
    """
    return Score(
        tuple(
            Note(instrument, _beat(start), _length(duration), pitch, velocity, shift_s)
            for instrument, start, duration, pitch, velocity, shift_s in spec.notes
        ),
        tuple(ChordSpan(_beat(start), _length(duration), parse_chord(name)) for start, duration, name in spec.chords),
        tuple(Section(_beat(start), _length(duration), name) for start, duration, name in spec.sections),
    )


def _beat(text: str) -> Fraction:
    """A fraction of bounded size: `Fraction("1e999999999")` would never come back."""
    if len(text) <= LONGEST_BEAT and "e" not in text.lower():
        try:
            return Fraction(text)
        except (ValueError, ZeroDivisionError):
            pass
    raise HarmonicFlowError("bad_request", reason=f"{text[:LONGEST_BEAT]!r} is not a number of beats")


def _length(text: str) -> Fraction:
    length = _beat(text)
    if length <= 0:
        raise HarmonicFlowError("bad_request", reason=f"a score holds something that lasts {text} beats")
    return length
