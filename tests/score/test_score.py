"""The score as a value."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from harmonicflow.score.chords import Chord, ChordSpan
from harmonicflow.score.score import Note, Score, Section

BEATS = st.fractions(0, 64, max_denominator=960)
LENGTHS = st.fractions(Fraction(1, 96), 8, max_denominator=96)
NOTES = st.builds(
    Note, st.sampled_from(["bass", "drums", "guitar"]), BEATS, LENGTHS, st.integers(0, 127), st.integers(1, 127),
    st.floats(-0.05, 0.05),
)  # fmt: skip
SCORES = st.builds(
    lambda notes, chords, sections: Score(tuple(notes), tuple(chords), tuple(sections)),
    st.lists(NOTES, max_size=12),
    st.lists(st.builds(ChordSpan, BEATS, LENGTHS, st.builds(Chord, st.integers(0, 11))), max_size=3),
    st.lists(st.builds(Section, BEATS, LENGTHS, st.text(max_size=5)), max_size=3),
)


@given(SCORES)
def test_the_wire_form_is_exact(score: Score) -> None:
    assert Score.from_wire(score.to_wire()) == score


@given(SCORES, NOTES, BEATS, BEATS)
def test_replacing_a_stretch_leaves_the_rest(score: Score, new: Note, start: Fraction, end: Fraction) -> None:
    changed = score.replace_part("bass", [new], start, end)
    outside = [note for note in score.notes if note.instrument != "bass" or not start <= note.start < end]
    assert sorted(changed.notes, key=repr) == sorted([*outside, new], key=repr)
    assert (changed.chords, changed.sections) == (score.chords, score.sections)


@given(SCORES, BEATS, BEATS)
def test_within_and_part(score: Score, start: Fraction, end: Fraction) -> None:
    inside = score.within(start, end)
    assert all(start <= note.start < end for note in inside.notes)
    assert len(inside.notes) + len(score.within(Fraction(0), start).notes) + len(
        score.within(end, Fraction(99)).notes
    ) == (len(score.notes) if start <= end else len(score.notes) + len(score.within(end, start).notes))
    assert sum(len(score.part(name)) for name in score.parts) == len(score.notes)
    assert list(score.notes) == sorted(score.notes, key=lambda note: note.start)
