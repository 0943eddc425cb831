"""MIDI files that mean harm or were broken on the way: each gives a score or one sentence, soon and in little memory.

The files are made here, by a seeded mutator over good ones of every kind that is read, so that the set is the same
everywhere and grows by changing a number.
"""

import io
import random
import re
import struct
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from fractions import Fraction

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.tempo import Selection, TempoMap
from harmonicflow.score.chords import chords_over
from harmonicflow.score.midi import MAX_BYTES, MidiFile, read_midi, write_midi
from harmonicflow.score.score import Note, Score, Section
from harmonicflow.score.spec import score_of, spec_of
from tests.reliability.plugin import Proven

FILES = 1600
SECONDS = 2.0  # the most that one file may take
BYTES = 150e6  # and the memory


def saved(*tracks: list[mido.Message | mido.MetaMessage], ticks: int = 480, kind: int = 1) -> bytes:
    buffer = io.BytesIO()
    mido.MidiFile(type=kind, ticks_per_beat=ticks, tracks=[mido.MidiTrack(track) for track in tracks]).save(file=buffer)
    return buffer.getvalue()


def own_take() -> bytes:
    tempo = TempoMap.from_changes([(0, "97.3"), (4, 140), (9, "61.7")], 44_100)
    selection = Selection(44_100, 0, round(tempo.frame_at(14)), tempo)
    stems = ["bass", "drums", "guitar", "piano", "violin"]
    notes = [Note(stems[n % 5], Fraction(n, 3), Fraction(1, 2), 40 + n % 30, 80, 0.003 * (n % 5)) for n in range(36)]
    sections = (Section(Fraction(0), Fraction(5), "verse"), Section(Fraction(5), Fraction(8), "chorus"))
    return write_midi(Score(tuple(notes), chords_over("Am7 | F G7/B | C", selection), sections), selection)


def one_track() -> bytes:
    """Type 0 with programs, pedal, bends, system exclusive, overlaps, a note without end and one without length."""
    message, meta = mido.Message, mido.MetaMessage
    return saved(
        [
            meta("track_name", name="All of it"),
            meta("time_signature", numerator=5, denominator=4),
            meta("key_signature", key="F#m"),
            message("program_change", channel=0, program=33),
            message("sysex", data=tuple(range(40))),
            message("control_change", channel=0, control=64, value=127),
            *(
                message(kind, channel=n % 3 + 7 * (n % 5 == 0), note=40 + n % 4, velocity=n % 90, time=n % 7 * 60)
                for n in range(60)
                for kind in (("note_on",) if n % 9 else ("note_on", "note_off"))
            ),
            message("pitchwheel", channel=1, pitch=-3000, time=100),
            message("control_change", channel=0, control=64, value=0),
            meta("time_signature", numerator=7, denominator=4, time=3 * 480),
            message("control_change", channel=1, control=123, value=0, time=77),
        ],
        kind=0,
    )


def lead_sheet() -> bytes:
    """Chords in the markers, words in the lyrics, no notes."""
    meta = mido.MetaMessage
    names = ["Am7", "D7", "Gmaj7", "Cmaj7", "F#m7b5", "B7", "Em", "N.C."]
    return saved([meta("marker", text=name, time=960 * (n > 0)) for n, name in enumerate(names)],
                 [meta("lyrics", text=word, time=240) for word in "a word on ev ery beat of it".split()])  # fmt: skip


def film_frames() -> bytes:
    whole = one_track()
    return whole[:12] + struct.pack(">bB", -25, 40) + whole[14:]


def wrapped() -> bytes:
    whole = own_take()
    return b"RIFF" + struct.pack("<L", len(whole) + 12) + b"RMIDdata" + struct.pack("<L", len(whole)) + whole


GOOD: tuple[Callable[[], bytes], ...] = (own_take, one_track, lead_sheet, film_frames, wrapped)


def mutated(whole: bytes, other: bytes, dice: random.Random) -> bytes:
    """A file with one to a dozen of the things that disks, programs and enemies do to files."""
    data = bytearray(whole)
    for _ in range(dice.choice((1, 1, 1, 1, 2, 4, 12))):
        place = dice.randrange(max(len(data), 1)) if len(data) else 0
        span = dice.randrange(1, 64)
        match dice.randrange(10):
            case 0 if data:
                data[place] = dice.randrange(256)
            case 1 if data:
                data[place] ^= 1 << dice.randrange(8)
            case 2:
                del data[place : place + span]
            case 3:
                data[place:place] = dice.randbytes(span)
            case 4:
                del data[place:]
            case 5:  # a stretch twice, or somewhere else
                data[place:place] = data[dice.randrange(len(data) + 1) :][:span]
            case 6:  # the head of one and the tail of another
                data[place:] = other[dice.randrange(len(other)) :]
            case 7:  # a length that is not so
                at = data.find(b"MTrk", dice.randrange(len(data) + 1))
                data[max(at, 0) + 4 : max(at, 0) + 8] = dice.choice(
                    (b"\0\0\0\0", b"\xff\xff\xff\xff", dice.randbytes(4))
                )
            case 8:  # the header: type, number of tracks, division
                data[8:14] = struct.pack(
                    ">HHH", *(dice.choice((0, 1, 2, 3, 480, 0x8001, 0xE728, 0xFFFF)) for _ in range(3))
                )
            case 9:  # an endless number, a huge time, an impossible tempo or meter
                data[place:place] = dice.choice((
                    b"\xff" * 600, b"\xff\xff\xff\x7f", b"\0\xff\x51\x03\0\0\0", b"\0\xff\x51\x03\xff\xff\xff",
                    b"\0\xff\x58\x04\0\x02\x18\x08", b"\0\xff\x58\x04\x04\xff\x18\x08", b"\0\xff\x59\x02\x77\x09",
                ))  # fmt: skip
    return bytes(data)


def inside(whole: bytes, other: bytes, dice: random.Random) -> bytes:
    """The same inside one track, whose length is then put right: nothing at the border tells that it is broken."""
    start = dice.choice([found.start() for found in re.finditer(b"MTrk", whole)]) + 8
    length = struct.unpack_from(">L", whole, start - 4)[0]
    body = mutated(whole[start : start + length], other[14:], dice)
    return whole[: start - 4] + struct.pack(">L", len(body)) + body + whole[start + length :]


def check(data: bytes) -> MidiFile | HarmonicFlowError:
    """Read, then use as commands do: onto the wire and back, and into a file again where there is a bar of it."""
    try:
        found = read_midi(data)
    except HarmonicFlowError as error:
        assert error.code == "bad_midi" and "\n" not in str(error) and len(str(error)) < 600
        return error
    score = found.score
    assert all(note.duration > 0 and 0 <= note.pitch < 128 and 0 < note.velocity < 128 for note in score.notes)
    assert all(span.duration > 0 and span.start >= 0 for span in (*score.chords, *score.sections))
    try:
        assert score_of(spec_of(score)) == score
        selection = Selection(44_100, 0, 44_100 * 20, found.tempo, found.meters)
        write_midi(score.within(Fraction(0), selection.beats), selection)
    except HarmonicFlowError as error:
        assert error.code in ("many_notes", "bad_request"), error
    return found


def test_the_good_files_are_read() -> None:
    counts = [len(read_midi(each()).score.notes) for each in GOOD]
    assert counts == [36, counts[1], 0, counts[1], 36] and counts[1] > 50
    assert [span.chord.name for span in read_midi(lead_sheet()).score.chords][:2] == ["Am7", "D7"]


def test_mutated_files_are_read_or_refused_in_a_sentence(proven: Proven) -> None:
    dice, good = random.Random(20_260_101), [each() for each in GOOD]
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    for number in range(FILES):
        change = dice.choice((mutated, inside, inside))
        data = change(good[number % len(good)], dice.choice(good), dice)
        before = time.process_time()
        found = check(data)
        slowest = max(slowest, time.process_time() - before)
        outcomes["refused" if isinstance(found, HarmonicFlowError) else "read"] += 1
    assert slowest < SECONDS
    assert min(outcomes.values()) > FILES // 8, outcomes  # the mutator neither spares nor destroys everything
    proven("S8", cases=FILES, measured=f"MIDI: slowest {slowest:.2f} s")


NOTE = b"\x00\x90\x3c\x40\x01\x3c\x00"


@pytest.mark.parametrize("event", [NOTE, b"\x01\xff\x01\x02Am", b"\x00\xb0\x7b\x00", b"\x80" * 500 + NOTE])
def test_the_largest_file_of_one_event(event: bytes) -> None:
    """As many as fit of whatever costs most: time for all of them, memory as Python counts it for a tenth."""
    before = time.process_time()
    _outcome(_full_of(event, MAX_BYTES))
    assert time.process_time() - before < 1.5 * SECONDS  # on a busy machine
    tracemalloc.start()
    _outcome(_full_of(event, MAX_BYTES // 10))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 10 * peak < BYTES


def _full_of(event: bytes, size: int) -> bytes:
    body = event * ((size - 40) // len(event)) + b"\x00\xff\x2f\x00"
    return struct.pack(">4sLHHH4sL", b"MThd", 6, 1, 1, 480, b"MTrk", len(body)) + body


def _outcome(data: bytes) -> str:
    try:
        return f"{len(read_midi(data).score.notes)} notes"
    except HarmonicFlowError as error:
        return error.code


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 3), st.integers(0, 0xFFFF))
def test_any_bytes_as_a_track(body: bytes, kind: int, division: int) -> None:
    check(struct.pack(">4sLHHH4sL", b"MThd", 6, kind, 1, division, b"MTrk", len(body)) + body)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_as_a_file(data: bytes) -> None:
    check(data)
