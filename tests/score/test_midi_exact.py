"""Any score comes back from MIDI as it was: what ticks cannot say stands beside them, until somebody edits it."""

import io
from dataclasses import replace
from fractions import Fraction

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonicflow.core.tempo import MeterMap, Selection, TempoMap
from harmonicflow.score import midi_write
from harmonicflow.score.chords import Chord, ChordSpan
from harmonicflow.score.keys import Key
from harmonicflow.score.midi import read_midi, write_midi
from harmonicflow.score.score import Note, Score, Section

beats = st.builds(Fraction, st.integers(0, 400), st.sampled_from([1, 2, 3, 5, 7, 12, 64, 960]))
lengths = beats.filter(lambda beat: beat > 0)
names = st.sampled_from(["bass", "drums", "guitar", "piano", "other", "violin", "Ünnamed 7", "808 bass"])
notes = st.builds(
    Note, names, beats, lengths, st.integers(0, 127), st.integers(1, 127),
    st.just(0.0) | st.floats(-0.06, 0.06, allow_nan=False),
)  # fmt: skip
qualities = st.sampled_from(["", "m7", "7#11", "m7b5", "6/9", "sus4(9)", "m(maj7)"])
symbols = st.builds(Chord, st.integers(0, 11), qualities, st.none() | st.integers(0, 11))
chords = st.builds(ChordSpan, beats, lengths, symbols)
sections = st.builds(Section, beats, lengths, st.sampled_from(["verse", "A", "Am7", "", "Refrén 2", " ~ ", "solo"]))
scores = st.builds(
    Score, st.lists(notes, max_size=12).map(tuple), st.lists(chords, max_size=4).map(tuple),
    st.lists(sections, max_size=4).map(tuple),
)  # fmt: skip
tempos = st.lists(st.tuples(lengths, st.fractions(20, 400, max_denominator=1000)), max_size=4)


@settings(max_examples=150, deadline=None)
@given(scores, tempos, st.fractions(20, 400, max_denominator=1000), st.sampled_from(["4/4", "7/8", "5/4"]))
def test_there_and_back_exactly(
    score: Score, changes: list[tuple[Fraction, Fraction]], bpm: Fraction, meter: str
) -> None:
    rows = sorted({Fraction(0): bpm, **dict(changes)}.items())
    tempo = TempoMap.from_changes(rows, 48_000)
    selection = Selection.from_bars(12, tempo, meter, 48_000)
    back = read_midi(write_midi(score, selection))
    assert back.score == score
    assert back.meters == MeterMap.constant(meter)
    for beat in (0, *(beat for beat, _ in rows if beat < selection.beats), selection.beats - Fraction(1, 100)):
        assert back.tempo.bpm_at(beat) == selection.bpm_at_beat(beat)


def test_what_others_edit_is_read_as_they_left_it() -> None:
    """A program that moves one note and keeps everything else it does not know."""
    played = [Note("bass", Fraction(n), Fraction(1, 2), 40 + n % 2, 80, 0.01) for n in range(8)]
    sections = (Section(Fraction(0), Fraction(7), "verse"),)
    selection = Selection.from_bars(2, "97.3", "4/4", 44_100)
    written = write_midi(Score(tuple(played), (), sections), selection)
    assert read_midi(written).score.notes == tuple(played)
    file = mido.MidiFile(file=io.BytesIO(written))
    place = next(n for n, message in enumerate(file.tracks[1]) if message.type == "note_on" and message.note == 41)
    file.tracks[1][place] = file.tracks[1][place].copy(velocity=99)
    file.tracks[0].insert(3, mido.MetaMessage("set_tempo", tempo=500_000, time=0))
    out = io.BytesIO()
    file.save(file=out)
    back = read_midi(out.getvalue())
    low = [note for note in back.score.notes if note.pitch == 40]
    high = [note for note in back.score.notes if note.pitch == 41]
    assert low == [note for note in played if note.pitch == 40]  # nobody touched these
    assert high[0].velocity == 99 and high[0].shift_s == 0 and 0 < high[0].start - 1 < Fraction(1, 32)
    assert back.tempo.bpm_at(0) == 120 and back.score.sections[0].end == 8


def test_a_renamed_track_is_what_it_is_called_now() -> None:
    selection = Selection.from_bars(1, 120, "4/4", 44_100)
    written = write_midi(Score((Note("guitar", Fraction(0), Fraction(1), 60, 80, 0.003),)), selection)
    assert read_midi(written).score.parts == ("guitar",)
    renamed = written.replace(b"\x00\xff\x03\x06guitar", b"\x00\xff\x03\x06pianos")
    assert read_midi(renamed).score.parts == ("piano",)


def test_without_losses_nothing_is_added_and_a_long_score_stays_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    selection = Selection.from_bars(50, 120, "4/4", 44_100)
    plain = Score(tuple(Note("piano", Fraction(n, 8), Fraction(1, 8), 60, 80) for n in range(1600)))
    assert b"HarmonicFlow 1" not in write_midi(plain, selection)
    human = plain.with_notes(replace(note, shift_s=1e-3 / (1 + place % 17)) for place, note in enumerate(plain.notes))
    assert read_midi(write_midi(human, selection)).score == human
    monkeypatch.setattr(midi_write, "MAX_BYTES", 20_000)
    written = write_midi(human, selection)
    assert len(written) < 20_000 and len(read_midi(written).score.notes) == 1600


def test_the_key_is_written_and_read() -> None:
    selection = Selection.from_bars(1, 120, "4/4", 44_100)
    for tonic in range(12):
        for mode in ("major", "minor"):
            found = read_midi(write_midi(Score(), selection, key=Key(tonic, mode))).key
            assert found == (None if (tonic, mode) == (0, "major") else Key(tonic, mode))
