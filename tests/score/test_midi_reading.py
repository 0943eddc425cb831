"""Files as other programs write them: tracks by name, pedal, missing ends, film frames, chords in markers."""

import io
import struct
from fractions import Fraction
from typing import Any

import mido
import pytest

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.tempo import Meter, MeterMap
from harmonicflow.score.keys import Key
from harmonicflow.score.midi import MidiFile, read_midi
from harmonicflow.score.midi_tracks import assign

Message = mido.Message | mido.MetaMessage


def file(*tracks: list[Message], ticks: int = 480, kind: int = 1) -> bytes:
    whole = mido.MidiFile(type=kind, ticks_per_beat=ticks, tracks=[mido.MidiTrack(track) for track in tracks])
    buffer = io.BytesIO()
    whole.save(file=buffer)
    return buffer.getvalue()


def on(pitch: int, time: int = 0, velocity: int = 80, channel: int = 0) -> Message:
    return mido.Message("note_on", channel=channel, note=pitch, velocity=velocity, time=time)


def off(pitch: int, time: int = 0, channel: int = 0) -> Message:
    return mido.Message("note_off", channel=channel, note=pitch, time=time)


def control(number: int, value: int, time: int = 0, channel: int = 0) -> Message:
    return mido.Message("control_change", channel=channel, control=number, value=value, time=time)


def meta(kind: str, **fields: Any) -> Message:
    return mido.MetaMessage(kind, **fields)


def heard(found: MidiFile) -> list[tuple[Fraction, Fraction, int]]:
    return [(note.start, note.duration, note.pitch) for note in found.score.notes]


@pytest.mark.parametrize(
    ("title", "part"),
    [
        ("Bass", "bass"), ("E-Bass DI", "bass"), ("Synth Bass 2", "bass"), ("Bass Guitar", "bass"), ("808", "bass"),
        ("Bass Drum", "drums"), ("Drum Kit", "drums"), ("DR", "drums"), ("Percussion", "drums"), ("Hi-Hat", "drums"),
        ("Guitar", "guitar"), ("Lead Guitar", "guitar"), ("Gtr L", "guitar"), ("12 String Guitar", "guitar"),
        ("Ac. Gtr", "guitar"), ("Piano", "piano"), ("Keys", "piano"), ("Rhodes", "piano"), ("Hammond B3", "piano"),
        ("E. Piano 1", "piano"), ("Lead Vocal", "other"), ("Alto Sax", "other"), ("Strings", "other"),
        ("Synth Pad", "other"), ("Melody", "other"), ("Bass Clarinet", "other"),
    ],
)  # fmt: skip
def test_tracks_are_assigned_by_what_they_are_called(title: str, part: str) -> None:
    assert assign(title, 0, 80, [60]) == (part, "name")


def test_what_decides_where_names_say_nothing() -> None:
    assert assign("Track 1", 9, 0, [36]) == ("drums", "channel 10")
    assert assign("Piano", 9, 0, [36]) == ("drums", "channel 10")
    assert assign("Track 1", 0, 38, [36]) == ("bass", "program")
    assert assign("Track 1", 0, 73, [80]) == ("other", "program")
    assert assign("Track 1", 0, None, [36, 40, 43]) == ("bass", "range")
    assert assign("", 0, None, [60, 64]) == ("piano", "range")


def test_the_user_has_the_last_word() -> None:
    track = [meta("track_name", name="Lead Sax"), on(60), off(60, 480), on(64, 0, 80, 1), off(64, 480, 1)]
    data = file(track)
    assert read_midi(data).score.parts == ("other",)
    assert read_midi(data, {"lead sax": "guitar"}).score.parts == ("guitar",)
    assert read_midi(data, {"#1": "piano"}).score.parts == ("piano",)
    assert read_midi(data, {"ch 2": "bass"}).score.parts == ("bass", "other")
    row = read_midi(data, {"ch2": "bass"}).tracks[1]
    assert (row.number, row.channel, row.part, row.why, row.notes) == (1, 2, "bass", "chosen", 1)
    with pytest.raises(HarmonicFlowError, match="no track 'Trumpet' .* 'Lead Sax'"):
        read_midi(data, {"Trumpet": "piano"})
    with pytest.raises(HarmonicFlowError, match="no stem 'kazoo'"):
        read_midi(data, {"lead sax": "kazoo"})


def test_a_program_on_another_track_counts_for_the_only_track_on_its_channel() -> None:
    programs = [mido.Message("program_change", channel=n, program=program) for n, program in ((0, 33), (1, 27))]
    data = file(programs, [on(60), off(60, 9)], [on(60, channel=1), off(60, 9, 1)], [on(72, channel=1), off(72, 9, 1)])
    assert [row.part for row in read_midi(data).tracks] == ["bass", "piano", "piano"]


def test_the_pedal_lengthens_until_it_rises_or_the_key_is_struck_again() -> None:
    data = file([
        control(64, 127), on(60), on(36, channel=9), off(36, 0, 9), off(60, 240), on(64, 240), off(64, 240),
        on(60, 240), off(60, 120), control(64, 0, 360), on(67), off(67, 480),
    ])  # fmt: skip
    assert heard(read_midi(data)) == [
        (0, Fraction(1, 480), 36), (0, 2, 60), (1, 2, 64), (2, 1, 60), (3, 1, 67)
    ]  # fmt: skip
    forgotten = file([control(64, 127), on(60), off(60, 240), on(62, 240), off(62, 480)])
    assert heard(read_midi(forgotten)) == [(0, 2, 60), (1, 1, 62)]  # it rises at the end


def test_a_missing_note_off_does_not_lengthen_all_that_follows() -> None:
    track = [on(60), on(60, 480), off(60, 240), on(60, 240), off(60, 240), on(62), on(60, 480 * 20), off(60, 480)]
    assert heard(read_midi(file(track))) == [
        (0, 1, 60), (1, Fraction(1, 2), 60), (2, Fraction(1, 2), 60), (Fraction(5, 2), 4, 62), (Fraction(45, 2), 1, 60)
    ]  # fmt: skip


def test_all_notes_off_ends_them_and_no_length_is_a_tick() -> None:
    assert heard(read_midi(file([on(60), control(123, 0, 960), on(61), off(61)]))) == [
        (0, 2, 60), (2, Fraction(1, 480), 61)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("frames", "ticks", "rate"), [(-25, 40, 1000), (-24, 10, 240), (-29, 100, Fraction(3e6) / 1001)]
)
def test_film_frames_keep_their_seconds(frames: int, ticks: int, rate: Fraction) -> None:
    whole = file([on(60, 500), off(60, 250)])
    found = read_midi(whole[:12] + struct.pack(">bB", frames, ticks) + whole[14:])
    (note,) = found.score.notes
    assert float(found.tempo.frame_at(note.start)) / 44_100 == pytest.approx(500 / float(rate))
    assert float(found.tempo.frame_at(note.end)) / 44_100 == pytest.approx(750 / float(rate))
    assert "film frames" in found.warnings[0] and not found.says_tempo


def test_meters_from_five_to_seven_and_tempo_changes_exactly() -> None:
    track = [
        meta("set_tempo", tempo=400_001), meta("time_signature", numerator=5, denominator=4),
        meta("time_signature", numerator=7, denominator=4, time=480 * 10), meta("set_tempo", tempo=200_000, time=481),
        meta("time_signature", numerator=7, denominator=8, time=480 * 13 - 1), on(60), off(60, 480),
    ]  # fmt: skip
    found = read_midi(file(track))
    assert found.meters == MeterMap([(1, Meter(5, 4)), (3, Meter(7, 4)), (5, Meter(7, 8))])
    assert found.tempo.bpm_at(0) == Fraction(60_000_000, 400_001)
    assert found.tempo.bpm_at(10 + Fraction(481, 480)) == 300  # and not a tick earlier
    assert found.tempo.bpm_at(11) == Fraction(60_000_000, 400_001)


def test_the_limits_are_in_the_sentence() -> None:
    for event, words in (
        (meta("set_tempo", tempo=100_000), "20 to 400 beats per minute; got 600"),
        (meta("time_signature", numerator=0, denominator=4), "meter 0/4"),
        (meta("time_signature", numerator=4, denominator=64), "meter 4/64"),
    ):
        with pytest.raises(HarmonicFlowError, match=words) as caught:
            read_midi(file([event, on(60), off(60, 480)]))
        assert caught.value.code == "bad_midi"


@pytest.mark.parametrize("kind", ["text", "lyrics", "marker", "cue_marker"])
def test_chords_stand_wherever_programs_write_them(kind: str) -> None:
    names = ["Am7", "F#m7b5/C", "N.C.", "Dm"]
    track = [meta(kind, text=name, time=960 * (number > 0)) for number, name in enumerate(names)]
    found = read_midi(file([*track, on(60), off(60, 1920)]))
    assert [(span.start, span.duration, span.chord.name) for span in found.score.chords] == [
        (0, 2, "Am7"), (2, 2, "F#m7b5/C"), (6, 4, "Dm")
    ]  # fmt: skip
    assert found.score.sections == ()


def test_sections_are_markers_that_name_no_chords() -> None:
    names = ["Intro", "Verse 1", "A", "Chorus", "Überleitung"]
    track = [meta("marker", text=name, time=960) for name in names]
    track += [meta("lyrics", text=word, time=0) for word in ("I", "am", "a", "Bad", "man")]
    whole = mido.MidiFile(charset="utf-8", tracks=[mido.MidiTrack([*track, on(60), off(60, 480)])])
    buffer = io.BytesIO()
    whole.save(file=buffer)
    found = read_midi(buffer.getvalue())
    assert [section.name for section in found.score.sections] == names
    assert found.score.chords == ()
    rehearsal = read_midi(file([*(meta("marker", text=name, time=960) for name in "ABC"), on(60), off(60, 480)]))
    assert [section.name for section in rehearsal.score.sections] == ["A", "B", "C"]


def test_the_key_signature() -> None:
    assert read_midi(file([meta("key_signature", key="F#m"), meta("key_signature", key="C", time=5)])).key == Key(
        6, "minor"
    )
    assert read_midi(file([meta("key_signature", key="C")])).key is None  # what programs write unasked
    impossible = file([meta("key_signature", key="C"), on(60), off(60, 480)]).replace(
        b"\xff\x59\x02\0\0", b"\xff\x59\x02\x0b\x07"
    )
    assert len(read_midi(impossible).score.notes) == 1


def test_running_status_system_exclusive_and_foreign_chunks() -> None:
    body = (
        b"\x00\x90\x3c\x40"  # note 60 on
        b"\x00\x40\x40"  # running status: 64 on
        b"\x00\xff\x01\x02hi"  # a text between
        b"\x83\x60\x3c\x00"  # 480 ticks later, still running: 60 off by velocity 0
        b"\x00\xf0\x04\x43\x10\x4c\xf7"  # system exclusive
        b"\x00\x90\x40\x00"  # 64 off
        b"\x00\xff\x2f\x00"
    )  # fmt: skip
    track = b"MTrk" + struct.pack(">L", len(body)) + body
    head = b"MThd" + struct.pack(">LHHH", 6, 1, 9, 480)  # says nine tracks
    for data in (
        head + track,
        head + b"XFIH\x00\x00\x00\x03abc" + track + b"tail of another program",
        b"MThd" + struct.pack(">LHHHH", 8, 0, 1, 480, 7) + track,  # a longer header
        b"RIFF\x00\x00\x00\x00RMIDdisp\x03\x00\x00\x00abc\x00data" + struct.pack("<L", 14 + len(track)) + head + track,
    ):
        assert heard(read_midi(data)) == [(0, 1, 60), (0, 1, 64)]


def test_an_empty_clip_has_no_notes() -> None:
    found = read_midi(file([meta("track_name", name="Empty"), meta("end_of_track", time=1920)]))
    assert found.score.notes == () and found.beats == 4 and found.music_end == 0
