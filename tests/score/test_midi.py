"""MIDI both ways: exact, the same bytes every time, read by mido alone, and broken files refused in words."""

import io
from fractions import Fraction
from pathlib import Path

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.tempo import Meter, MeterMap, Selection, TempoMap
from harmonicflow.score.chords import chords_over
from harmonicflow.score.midi import MAX_BYTES, read_midi, write_midi
from harmonicflow.score.score import Note, Score, Section

METERS = ["4/4", "3/4", "7/8", "6/8", "12/8", "5/4", "2/2", "13/16"]
STEMS = ["bass", "drums", "guitar", "piano"]


@st.composite
def scores(draw: st.DrawFn, ends: int) -> Score:
    """Notes on the tick grid, `ends` beats long at most, of which no pitch overlaps itself within a part."""
    notes = []
    for name in draw(st.lists(st.sampled_from(STEMS), unique=True)):
        for pitch in draw(st.lists(st.integers(0, 127), unique=True, max_size=5)):
            edges = sorted(draw(st.lists(st.integers(0, ends * 960), unique=True, max_size=8)))
            for start, end in zip(edges[::2], edges[1::2], strict=False):
                velocity = draw(st.integers(1, 127))
                notes.append(Note(name, Fraction(start, 960), Fraction(end - start, 960), pitch, velocity))
    return Score(tuple(notes))


@settings(max_examples=60)
@given(st.data(), st.sampled_from(METERS), st.sampled_from(["20", "33.3", "97.3", "120", "271.8", "400"]))
def test_there_and_back_exactly(data: st.DataObject, meter: str, bpm: str) -> None:
    selection = Selection.from_bars(3, bpm, meter, 48_000)
    score = data.draw(scores(int(selection.beats)))
    written = write_midi(score, selection)
    back = read_midi(written)
    assert back.score.notes == score.notes
    assert back.meters == selection.meters
    assert abs(float(back.tempo.bpm_at(0)) / float(bpm) - 1) < 1e-5
    assert write_midi(back.score, selection) == written


def test_chords_and_sections_come_back() -> None:
    selection = Selection.from_bars(4, 100, "4/4", 44_100)
    chords = chords_over("Am7 | F G7/B | N.C. | C", selection)
    sections = (Section(Fraction(0), Fraction(8), "verse"), Section(Fraction(8), Fraction(8), "chorus"))
    back = read_midi(write_midi(Score((), chords, sections), selection))
    assert back.score == Score((), chords, sections)
    assert back.beats == 16


def test_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    notes = [Note("bass", Fraction(n, 2), Fraction(1, 2), 40 + n % 7, 60 + n, 0.001 * n) for n in range(16)]
    selection = Selection.from_bars(2, 97.3, "4/4", 48_000)
    first = write_midi(Score(tuple(notes)), selection, tmp_path / "a.mid")
    assert (tmp_path / "a.mid").read_bytes() == first
    assert write_midi(Score(tuple(reversed(notes))), selection) == first


def test_golden_bytes() -> None:
    score = Score((Note("bass", Fraction(0), Fraction(1), 40, 100),))
    assert write_midi(score, Selection.from_bars(1, 120, "3/4", 44_100)).hex(" ") == " ".join(
        (
            "4d 54 68 64 00 00 00 06 00 01 00 02 03 c0",  # MThd, 6 bytes: type 1, two tracks, 960 ticks a beat
            "4d 54 72 6b 00 00 00 24",  # MTrk, 36 bytes
            "00 ff 03 0c 48 61 72 6d 6f 6e 69 63 46 6c 6f 77",  # at 0 the name "HarmonicFlow"
            "00 ff 51 03 07 a1 20",  # at 0 the tempo: 500,000 us a beat
            "00 ff 58 04 03 02 18 08",  # at 0 the meter: 3 over 2^2
            "96 40 ff 2f 00",  # after 2,880 ticks the end
            "4d 54 72 6b 00 00 00 1d",  # MTrk, 29 bytes
            "00 ff 03 04 62 61 73 73",  # the name "bass"
            "00 c0 21",  # channel 1: program 33, fingered bass
            "00 b0 07 64",  # its volume 100
            "00 90 28 64",  # at 0 note 40 on, velocity 100
            "87 40 80 28 00",  # 960 ticks later off
            "8f 00 ff 2f 00",  # 1,920 ticks later the end
        )
    )


def test_mido_hears_every_onset_where_the_selection_has_it() -> None:
    """An independent reading: seconds by mido's own tempo arithmetic, micro-timing and tempo changes included."""
    rate = 48_000
    tempo = TempoMap.from_changes([(0, "97.3"), (4, "140"), (9, "61.7")], rate)
    selection = Selection(rate, 0, round(tempo.frame_at(16)), tempo)
    notes = [Note("piano", Fraction(n, 3), Fraction(1, 4), 60, 90, 0.004 * (n % 5 - 2)) for n in range(1, 45)]
    data = write_midi(Score(tuple(notes)), selection)
    now, heard = 0.0, []
    for message in mido.MidiFile(file=io.BytesIO(data)):
        now += message.time
        if message.type == "note_on" and message.velocity:
            heard.append(now)
    wanted = [float(selection.frame_at_beat(note.start)) / rate + note.shift_s for note in notes]
    assert heard == pytest.approx(wanted, abs=0.0007)  # one tick is 0.6 ms at 97 BPM


def test_a_selection_that_starts_inside_a_bar() -> None:
    selection = Selection.from_seconds(10, 16, 44_100, 120, "7/8", start_beat=Fraction(3, 2))
    back = read_midi(write_midi(Score(), selection))
    assert back.meters == MeterMap([(1, Meter(2, 4)), (2, Meter(7, 8))])  # two beats are left of the first bar


def _file(*tracks: list[mido.Message | mido.MetaMessage], ticks: int = 480, kind: int = 1) -> bytes:
    file = mido.MidiFile(type=kind, ticks_per_beat=ticks, tracks=[mido.MidiTrack(track) for track in tracks])
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def _on(channel: int, note: int, time: int = 0, velocity: int = 80) -> mido.Message:
    return mido.Message("note_on", channel=channel, note=note, velocity=velocity, time=time)


def test_parts_by_channel_program_and_name() -> None:
    program = mido.Message
    one_track = [
        program("program_change", channel=0, program=33), program("program_change", channel=1, program=27),
        program("program_change", channel=2, program=4), program("program_change", channel=3, program=80),
        _on(0, 40), _on(1, 60), _on(2, 64), _on(3, 72), _on(9, 36), _on(0, 40, 480, 0), _on(9, 36, 0, 0),
        _on(1, 60, 0, 0), _on(2, 64, 0, 0), _on(3, 72, 0, 0),
    ]  # fmt: skip
    back = read_midi(_file(one_track, kind=0))
    assert {note.pitch: note.instrument for note in back.score.notes} == {
        40: "bass", 60: "guitar", 64: "piano", 72: "other", 36: "drums"
    }  # fmt: skip
    assert all(note.duration == 1 for note in back.score.notes)
    assert back.programs == {"bass": 33, "guitar": 27, "piano": 4, "other": 80, "drums": 0}
    named = [mido.MetaMessage("track_name", name="My Slap Bass"), _on(5, 33), _on(5, 33, 240, 0)]
    assert read_midi(_file(named)).score.parts == ("bass",)


def test_what_no_note_off_ends_is_ended_by_the_track_and_overlaps_pair_in_order() -> None:
    track = [_on(0, 60), _on(0, 60, 480, 70), _on(0, 60, 480, 0), _on(0, 62, 0), _on(0, 60, 480, 0)]
    notes = read_midi(_file(track)).score.notes
    assert [(note.start, note.duration, note.pitch, note.velocity) for note in notes] == [
        (0, 2, 60, 80), (1, 2, 60, 70), (2, 1, 62, 80)
    ]  # fmt: skip


def test_meters_that_change_inside_a_bar() -> None:
    meta = mido.MetaMessage
    track = [
        meta("time_signature", numerator=4, denominator=4),
        meta("time_signature", numerator=3, denominator=4, time=480 * 6),
        _on(0, 60, 480 * 6), _on(0, 60, 480, 0),
    ]  # fmt: skip
    assert read_midi(_file(track)).meters == MeterMap([(1, Meter(4, 4)), (2, Meter(2, 4)), (3, Meter(3, 4))])


def _refused(data: bytes | Path) -> HarmonicFlowError:
    with pytest.raises(HarmonicFlowError) as caught:
        read_midi(data)
    return caught.value


def test_refusals_in_words(tmp_path: Path) -> None:
    good = write_midi(
        Score((Note("bass", Fraction(0), Fraction(1), 40, 100),)), Selection.from_bars(2, 120, "4/4", 44_100)
    )
    tempo = mido.MetaMessage("set_tempo", tempo=100_000)
    cases = {
        b"": "ends too early",
        b"hello, this is text": "MThd",
        good[:-9]: "ends too early",
        good[:12] + b"\xf0\x28" + good[14:]: "film frames that there are not",  # 16 of them a second
        good[:12] + b"\x00\x00" + good[14:]: "film frames",
        good[:9] + b"\x02" + good[10:]: "type 2",
        good[:11] + b"\x00" + good[12:14]: "no tracks",
        _file([tempo, _on(0, 60), _on(0, 60, 480, 0)]): "600",  # BPM
        good[:18] + (5000).to_bytes(4, "big") + b"\x80" * 5000: "number without end",
        b"MThd" + b"\x00" * MAX_BYTES: "larger than",
        _file([_on(0, 60), _on(0, 60, 2**27, 0)]): "longer than",
    }
    for data, words in cases.items():
        error = _refused(data)
        assert error.code == "bad_midi"
        assert words in str(error), (str(error), words)
    assert _refused(tmp_path / "none.mid").code == "missing_file"
    assert _refused(tmp_path).code == "bad_midi"  # a folder
    (tmp_path / "text.mid").write_text("not music")
    assert "text.mid" in str(_refused(tmp_path / "text.mid"))
