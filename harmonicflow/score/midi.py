"""Scores as standard MIDI files, both ways, through mido.

Written: type 1, 960 ticks a beat; first a track with tempo, meters, chords (text "chord Am7") and sections (markers),
then one track per instrument in the order of their names. Micro-timing becomes ticks, so the file plays as the stems
sound. The bytes depend on the score and the selection only.

Read: types 0 and 1, bounded in size, notes and time. Whatever is wrong with a file becomes `bad_midi`.
"""

from __future__ import annotations

import io
import os
import re
from collections import defaultdict, deque
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from pathlib import Path

import mido

from harmonicflow.core.constants import SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.instruments import INSTRUMENTS
from harmonicflow.core.tempo import Meter, MeterMap, Selection, TempoMap

from .chords import ChordSpan, parse_chord
from .score import Note, Score, Section

TICKS_PER_BEAT = 960
MAX_BYTES = 500_000  # an hour of dense playing; mido takes a second and 100 MB for as much
MAX_NOTES = 100_000
MAX_BEATS = 200_000
DRUM_CHANNEL = 9
OTHER_PROGRAM = 48  # strings, for instruments without a row in the table

_PROGRAM_FAMILIES = ((range(0, 8), "piano"), (range(24, 32), "guitar"), (range(32, 40), "bass"))
_NAME_WORDS = (("bass", "bass"), ("drum", "drums"), ("kit", "drums"), ("guitar", "guitar"), ("piano", "piano"))
# mido reads lengths of any number of bytes into ever longer integers: a long run of high bytes would take for ever.
_ENDLESS_NUMBER = re.compile(rb"[\x80-\xff]{4096}")


# ------------------------------------------------------------------------------------------------------------ writing


def write_midi(score: Score, selection: Selection, path: str | os.PathLike[str] | None = None) -> bytes:
    """The file's bytes, also written to `path` unless that is None. Times are rounded to ticks, 1/960 beat."""
    names = sorted({note.instrument for note in score.notes}, key=lambda name: (name not in INSTRUMENTS, name))
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT)
    file.tracks.append(_conductor(score, selection))
    free = [channel for channel in range(16) if channel not in {row.midi_channel for row in INSTRUMENTS.values()}]
    for name in names:
        row = INSTRUMENTS.get(name)
        channel = row.midi_channel if row else free.pop(0) if len(free) > 1 else free[0]
        file.tracks.append(_track(name, channel, row.midi_program if row else OTHER_PROGRAM, score, selection))
    buffer = io.BytesIO()
    file.save(file=buffer)
    data = buffer.getvalue()
    if path is not None:
        Path(path).write_bytes(data)
    return data


def _tick(beat: Fraction) -> int:
    return max(floor(beat * TICKS_PER_BEAT + Fraction(1, 2)), 0)


def _in_order(events: list[tuple[int, int, mido.Message | mido.MetaMessage]], end: int) -> mido.MidiTrack:
    """A track from (tick, rank, message): times become differences, equal ticks are ordered by rank."""
    track, now = mido.MidiTrack(), 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(end - now, 0)))
    return track


def _conductor(score: Score, selection: Selection) -> mido.MidiTrack:
    meta = mido.MetaMessage
    end = selection.beats
    events = [(0, 0, meta("track_name", name="HarmonicFlow"))]
    origin = selection.tempo.beat_at(selection.start_frame)
    changes = [Fraction(0)] + [beat - origin for beat, _ in selection.tempo.anchors if 0 < beat - origin < end]
    before = 0
    for beat in changes:
        tempo = round(60_000_000 / selection.bpm_at_beat(beat))
        if tempo != before:
            events.append((_tick(beat), 1, meta("set_tempo", tempo=tempo)))
        before = tempo
    for beat, meter in _meters(selection):
        signature = meta("time_signature", numerator=meter.numerator, denominator=meter.denominator)
        events.append((_tick(beat), 2, signature))
    for section in score.sections:
        events.append((_tick(section.start), 3, meta("marker", text=section.name.encode("ascii", "replace").decode())))
    for number, span in enumerate(score.chords):
        events.append((_tick(span.start), 5, meta("text", text=f"chord {span.chord.name}")))
        following = score.chords[number + 1].start if number + 1 < len(score.chords) else None
        if following is None or _tick(following) > _tick(span.end):
            events.append((_tick(span.end), 4, meta("text", text="chord N")))
    return _in_order(events, _tick(end))


def _meters(selection: Selection) -> list[tuple[Fraction, Meter]]:
    """Where the meter changes. A bar of which the selection holds only the end is written as a bar of that length."""
    found: list[tuple[Fraction, Meter]] = []
    for bar in selection.bars():
        cut = bar.start_beat - bar.grid_start
        meter = (_meter_of(bar.meter.beats - cut) or bar.meter) if cut else bar.meter
        if not found or found[-1][1] != meter:
            found.append((bar.start_beat, meter))
    return found


def _meter_of(beats: Fraction) -> Meter | None:
    """The simplest meter of a length in beats, None where there is none."""
    for denominator in (4, 8, 16, 32):
        count = beats * denominator / 4
        if count.denominator == 1 and 1 <= count <= 32:
            return Meter(int(count), denominator)
    return None


def _track(name: str, channel: int, program: int, score: Score, selection: Selection) -> mido.MidiTrack:
    events: list[tuple[int, int, mido.Message | mido.MetaMessage]] = [
        (0, -2, mido.MetaMessage("track_name", name=name.encode("ascii", "replace").decode())),
        (0, -1, mido.Message("program_change", channel=channel, program=program)),
    ]
    for note in score.part(name):
        shift = Fraction(0)
        if note.shift_s:
            shift = Fraction(note.shift_s).limit_denominator(1_000_000) * selection.bpm_at_beat(note.start) / 60
        on = _tick(note.start + shift)
        off = max(_tick(note.end + shift), on + 1)
        sound = {"channel": channel, "note": note.pitch}
        events.append((on, 1, mido.Message("note_on", velocity=note.velocity, **sound)))
        events.append((off, 0, mido.Message("note_off", velocity=0, **sound)))
    return _in_order(events, _tick(selection.beats))


# ------------------------------------------------------------------------------------------------------------ reading


@dataclass(frozen=True)
class MidiFile:
    """What a MIDI file holds. Beats and frames count from its first tick; the tempo map is at 44.1 kHz."""

    score: Score
    tempo: TempoMap
    meters: MeterMap
    beats: Fraction = Fraction(0)  # up to the last event
    programs: dict[str, int] = field(default_factory=dict)  # General MIDI program of each part's first note


def read_midi(source: str | os.PathLike[str] | bytes) -> MidiFile:
    """The score, tempo and meters of a MIDI file or of its bytes; raises `missing_file` and `bad_midi`.

    Channel 10 is drums; otherwise a part is named by its General MIDI program, without one by its track's name;
    instruments outside bass, drums, guitar and piano become the part "other".
    """
    name = "the MIDI data" if isinstance(source, bytes) else os.fspath(source)
    data = _bytes_of(source, name)
    try:
        return _read(_parsed(data))
    except _Refused as refused:
        raise HarmonicFlowError("bad_midi", path=name, reason=str(refused)) from None
    except HarmonicFlowError as error:  # a tempo or a meter outside what this program takes
        raise HarmonicFlowError("bad_midi", path=name, reason=error.message) from None


class _Refused(Exception):
    """A well-formed file that is outside the limits."""


def _bytes_of(source: str | os.PathLike[str] | bytes, name: str) -> bytes:
    if isinstance(source, bytes):
        data = source[: MAX_BYTES + 1]
    else:
        try:
            with open(source, "rb") as file:
                data = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            raise HarmonicFlowError("missing_file", path=name) from None
        except (OSError, ValueError) as error:
            raise HarmonicFlowError("bad_midi", path=name, reason=str(error)) from None
    if len(data) > MAX_BYTES:
        raise HarmonicFlowError("bad_midi", path=name, reason=f"it is larger than {MAX_BYTES // 1000} kB")
    return data


def _parsed(data: bytes) -> mido.MidiFile:
    if _ENDLESS_NUMBER.search(data):
        raise _Refused("it holds a number without end")
    try:
        return mido.MidiFile(file=io.BytesIO(data))
    except Exception as error:  # mido raises many kinds on broken files, some of them undocumented
        reason = str(error) or ("it ends too early" if isinstance(error, EOFError) else type(error).__name__)
        raise _Refused(reason[:200]) from error


def _read(file: mido.MidiFile) -> MidiFile:
    if file.type not in (0, 1):
        raise _Refused("its tracks are not one piece (type 2)")
    if file.ticks_per_beat <= 0:
        raise _Refused("it counts in film frames or in nothing, not in beats")
    if not file.tracks:
        raise _Refused("it has no tracks")
    reading = _Reading(file.ticks_per_beat)
    for track in file.tracks:
        reading.track(track)
    return reading.result()


class _Reading:
    """Collects what the tracks say; ticks throughout, turned into beats at the end."""

    def __init__(self, ticks_per_beat: int) -> None:
        self.ticks_per_beat = ticks_per_beat
        self.tempos: dict[int, int] = {}
        self.signatures: dict[int, Meter] = {}
        self.chords: dict[int, str] = {}
        self.markers: dict[int, str] = {}
        self.notes: list[tuple[int, int, str, int, int]] = []  # start, end, part, pitch, velocity
        self.programs: dict[str, tuple[int, int]] = {}  # part -> (tick, program)
        self.channel_programs: dict[int, int] = {}
        self.end = 0

    def track(self, track: mido.MidiTrack) -> None:
        now, title = 0, ""
        # In files of type 0 and 1 alike a channel's program may stand on another track than its notes.
        programs = self.channel_programs
        sounding: dict[tuple[int, int], deque[tuple[int, str, int]]] = defaultdict(deque)
        for message in track:
            now += message.time
            if now > MAX_BEATS * self.ticks_per_beat:
                raise _Refused(f"it is longer than {MAX_BEATS} beats")
            if message.type == "note_on" and message.velocity > 0:
                part = part_name(message.channel, programs.get(message.channel), title)
                sounding[message.channel, message.note].append((now, part, message.velocity))
                if part not in self.programs or now < self.programs[part][0]:
                    self.programs[part] = (now, programs.get(message.channel, 0))
            elif message.type in ("note_on", "note_off"):
                self._close(sounding[message.channel, message.note], message.note, now)
            elif message.type == "program_change":
                programs[message.channel] = message.program
            elif message.type == "track_name":
                title = message.name
            elif message.is_meta:
                self._meta(message, now)
        for (_, pitch), left in sounding.items():  # notes that nothing ended
            while left:
                self._close(left, pitch, now)
        self.end = max(self.end, now)

    def _close(self, sounding: deque[tuple[int, str, int]], pitch: int, now: int) -> None:
        if not sounding:
            return
        start, part, velocity = sounding.popleft()
        if len(self.notes) >= MAX_NOTES:
            raise _Refused(f"it holds more than {MAX_NOTES} notes")
        self.notes.append((start, max(now, start + 1), part, pitch, velocity))

    def _meta(self, message: mido.MetaMessage, now: int) -> None:
        if message.type == "set_tempo":
            self.tempos[now] = message.tempo
        elif message.type == "time_signature":
            self.signatures[now] = Meter(message.numerator, message.denominator)
        elif message.type == "marker":
            self.markers[now] = message.text
        elif message.type == "text" and message.text.startswith("chord "):
            self.chords[now] = message.text.removeprefix("chord ")

    def beat(self, tick: int) -> Fraction:
        return Fraction(tick, self.ticks_per_beat)

    def result(self) -> MidiFile:
        notes = (
            Note(part, self.beat(start), self.beat(end - start), pitch, velocity)
            for start, end, part, pitch, velocity in self.notes
        )
        chords = [
            ChordSpan(self.beat(start), self.beat(end - start), parse_chord(name))
            for start, end, name in _stretches(self.chords, self.end)
            if name != "N"
        ]
        sections = [
            Section(self.beat(start), self.beat(end - start), name)
            for start, end, name in _stretches(self.markers, self.end)
        ]
        tempos = {0: 500_000, **self.tempos}
        changes = [(self.beat(tick), Fraction(60_000_000, max(tempos[tick], 1))) for tick in sorted(tempos)]
        return MidiFile(
            Score(tuple(notes), tuple(chords), tuple(sections)),
            TempoMap.from_changes(changes, SAMPLE_RATE),
            _meter_map([(self.beat(tick), meter) for tick, meter in sorted(self.signatures.items())]),
            self.beat(self.end),
            {part: program for part, (_, program) in self.programs.items()},
        )


def part_name(channel: int, program: int | None, title: str) -> str:
    """The part that a note belongs to; channels count from 0, `program` is None where the file names none."""
    if channel == DRUM_CHANNEL:
        return "drums"
    if program is None:
        words = title.lower()
        return next((part for word, part in _NAME_WORDS if word in words), "piano")
    return next((part for programs, part in _PROGRAM_FAMILIES if program in programs), "other")


def _stretches(marks: dict[int, str], end: int) -> list[tuple[int, int, str]]:
    """(start, end, text) of marks that each hold until the next one."""
    starts = sorted(marks)
    stops = [*starts[1:], end][: len(starts)]
    return [(start, stop, marks[start]) for start, stop in zip(starts, stops, strict=True) if stop > start]


def _meter_map(changes: list[tuple[Fraction, Meter]]) -> MeterMap:
    """Meters by bar from meters by beat. A change inside a bar cuts that bar short where a meter fits what is left."""
    if not changes or changes[0][0] > 0:
        changes = [(Fraction(0), Meter(4, 4)), *changes]
    bar, table = 1, {1: changes[0][1]}
    for (start, meter), (end, following) in zip(changes, changes[1:], strict=False):
        whole, rest = divmod(end - start, meter.beats)
        bar += int(whole)
        short = _meter_of(rest) if rest else None
        if short is not None:
            table[bar] = short
            bar += 1
        table[bar] = following
    return MeterMap(sorted(table.items()))
