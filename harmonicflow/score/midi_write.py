"""A score as a standard MIDI file: type 1, 960 ticks a beat.

First a track with tempo, meters, key, chords (text "chord Am7") and sections (markers), then one track per instrument
in the order of their names, each with its General MIDI program and its channel's volume at 100, as MIDI has it where
nothing is said. Micro-timing becomes ticks, so the file plays as the stems sound; see `midi_exact` for what ticks lose.
The bytes depend on the score, the selection and the key only.
"""

from __future__ import annotations

import io
import os
from fractions import Fraction
from math import floor
from pathlib import Path

import mido

from harmonicflow.core.instruments import INSTRUMENTS
from harmonicflow.core.tempo import Meter, Selection

from .keys import Key
from .midi_bytes import MAX_BYTES, text
from .midi_exact import Stroke, conductor_text, events_of, part_text, seal
from .score import Note, Score

TICKS_PER_BEAT = 960
OTHER_PROGRAM = 48  # strings, for instruments without a row in the table
VOLUME = 7  # the controller of a channel's volume
FULL_VOLUME = 100  # General MIDI's default
SILENCE = "N"  # where chords end

Events = list[tuple[int, int, mido.Message | mido.MetaMessage]]  # tick, rank among those of the tick, message


def write_midi(
    score: Score, selection: Selection, path: str | os.PathLike[str] | None = None, key: Key | None = None
) -> bytes:
    """The file's bytes, also written to `path` unless that is None. Times are rounded to ticks, 1/960 beat."""
    names = sorted({note.instrument for note in score.notes}, key=lambda name: (name not in INSTRUMENTS, name))
    free = [channel for channel in range(16) if channel not in {row.midi_channel for row in INSTRUMENTS.values()}]
    places = [(name, row.midi_channel if (row := INSTRUMENTS.get(name)) else _next(free)) for name in names]
    data = b""
    for exact in (True, False):  # what is kept beside the notes must not make the file too large to be read
        parts = [_track(name, channel, score.part(name), selection, exact) for name, channel in places]
        end = max([tick_of(selection.beats), *(sum(message.time for message in track) for track in parts)])
        tracks = [_conductor(score, selection, key, end if exact else None), *parts]
        buffer = io.BytesIO()
        mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT, charset="utf-8", tracks=tracks).save(file=buffer)
        data = buffer.getvalue()
        if len(data) <= MAX_BYTES:
            break
    if path is not None:
        Path(path).write_bytes(data)
    return data


def _next(free: list[int]) -> int:
    return free.pop(0) if len(free) > 1 else free[0]


def tick_of(beat: Fraction) -> int:
    """The nearest tick from 0 on."""
    return max(floor(beat * TICKS_PER_BEAT + Fraction(1, 2)), 0)


def _in_order(events: Events, end: int, exact: str = "") -> mido.MidiTrack:
    """A track from (tick, rank, message): times become differences, equal ticks are ordered by rank."""
    track, now = mido.MidiTrack(), 0
    if exact:
        track.append(mido.MetaMessage("sequencer_specific", data=tuple(exact.encode())))
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(end - now, 0)))
    return track


# ------------------------------------------------------------------------------------------------------ the conductor


def _conductor(score: Score, selection: Selection, key: Key | None, end: int | None) -> mido.MidiTrack:
    """Everything but the notes. `end`: the file's last tick, None where nothing is kept beside what ticks say."""
    meta = mido.MetaMessage
    events: Events = [(0, 0, meta("track_name", name="HarmonicFlow"))]
    tempos = _tempos(selection)
    written = [(tick_of(beat), microseconds(bpm)) for beat, bpm in tempos]
    before = 0
    for tick, tempo in written:
        if tempo != before:
            events.append((tick, 1, meta("set_tempo", tempo=tempo)))
        before = tempo
    for beat, meter in _meters(selection):
        signature = meta("time_signature", numerator=meter.numerator, denominator=meter.denominator)
        events.append((tick_of(beat), 2, signature))
    if key is not None:
        tonic, mode = key.name.split(" ")
        events.append((0, 3, meta("key_signature", key=_SIGNATURES.get(tonic, tonic) + "m" * (mode == "minor"))))
    events += [(tick_of(section.start), 4, meta("marker", text=section.name)) for section in score.sections]
    chords = _chord_texts(score)
    events += [(tick, 5 + (name != SILENCE), meta("text", text=f"chord {name}")) for tick, name in chords]
    exact = "" if end is None else _exact_harmony(score, tempos, events, end)
    return _in_order(events, tick_of(selection.beats), exact)


_SIGNATURES = {"D#": "Eb", "A#": "Bb", "Gb": "F#"}  # keys as key signatures name them


def microseconds(bpm: Fraction) -> int:
    """The length of a beat as MIDI writes it."""
    return round(60_000_000 / bpm)


def _tempos(selection: Selection) -> list[tuple[Fraction, Fraction]]:
    """The tempo in BPM from beat 0 on and where it changes."""
    origin = selection.tempo.beat_at(selection.start_frame)
    beats = [Fraction(0)]
    beats += [beat - origin for beat, _ in selection.tempo.anchors if 0 < beat - origin < selection.beats]
    found: list[tuple[Fraction, Fraction]] = []
    for beat in beats:
        bpm = selection.bpm_at_beat(beat)
        if not found or found[-1][1] != bpm:
            found.append((beat, bpm))
    return found


def _chord_texts(score: Score) -> list[tuple[int, str]]:
    """Each chord where it begins, and silence where one ends and none follows."""
    texts = []
    for number, span in enumerate(score.chords):
        texts.append((tick_of(span.start), span.chord.name))
        following = score.chords[number + 1].start if number + 1 < len(score.chords) else None
        if following is None or tick_of(following) > tick_of(span.end):
            texts.append((tick_of(span.end), SILENCE))
    return texts


def conductor_events(track: list[tuple[int, mido.MetaMessage]]) -> list[tuple[object, ...]]:
    """What the seal of the first track covers: tempos, markers and texts with their ticks."""
    named = (("set_tempo", "tempo"), ("marker", "text"), ("text", "text"))
    found = [
        (tick, kind, text(str(getattr(message, field))) if field == "text" else getattr(message, field))
        for tick, message in track for kind, field in named if message.type == kind
    ]  # fmt: skip
    return sorted(found, key=repr)


def _exact_harmony(score: Score, tempos: list[tuple[Fraction, Fraction]], events: Events, end: int) -> str:
    """What ticks and microseconds would lose of tempo, chords and sections; "" where they lose nothing."""
    wire = score.to_wire()
    content = {}
    if any(beat * TICKS_PER_BEAT % 1 or Fraction(60_000_000, microseconds(bpm)) != bpm for beat, bpm in tempos):
        content["tempo"] = [[str(beat), str(bpm)] for beat, bpm in tempos]
    if not _on_ticks([(span.start, span.end) for span in score.chords]):
        content["chords"] = wire["chords"]
    stretches = [(section.start, section.end) for section in score.sections]
    whole = all(one[1] == two[0] for one, two in zip(stretches, stretches[1:], strict=False))
    whole = whole and (not stretches or tick_of(stretches[-1][1]) == end)
    if not whole or not _on_ticks(stretches) or any(text(part.name) != part.name for part in score.sections):
        content["sections"] = wire["sections"]
    if not content:
        return ""
    return conductor_text(seal(conductor_events([(tick, message) for tick, _, message in events])), content)


def _on_ticks(spans: list[tuple[Fraction, Fraction]]) -> bool:
    """Whether all edges are ticks, and each stretch ends before the next begins."""
    whole = all(edge >= 0 and edge * TICKS_PER_BEAT % 1 == 0 for span in spans for edge in span)
    return whole and all(one[1] <= two[0] for one, two in zip(spans, spans[1:], strict=False))


def _meters(selection: Selection) -> list[tuple[Fraction, Meter]]:
    """Where the meter changes. A bar of which the selection holds only the end is written as a bar of that length."""
    found: list[tuple[Fraction, Meter]] = []
    for bar in selection.bars():
        cut = bar.start_beat - bar.grid_start
        meter = (meter_of(bar.meter.beats - cut) or bar.meter) if cut else bar.meter
        if not found or found[-1][1] != meter:
            found.append((bar.start_beat, meter))
    return found


def meter_of(beats: Fraction) -> Meter | None:
    """The simplest meter of a length in beats, None where there is none."""
    for denominator in (4, 8, 16, 32):
        count = beats * denominator / 4
        if count.denominator == 1 and 1 <= count <= 32:
            return Meter(int(count), denominator)
    return None


# ----------------------------------------------------------------------------------------------------------- the parts


def _track(name: str, channel: int, notes: tuple[Note, ...], selection: Selection, exact: bool) -> mido.MidiTrack:
    row = INSTRUMENTS.get(name)
    message = mido.Message
    events: Events = [
        (0, -3, mido.MetaMessage("track_name", name=name)),
        (0, -2, message("program_change", channel=channel, program=row.midi_program if row else OTHER_PROGRAM)),
        (0, -1, message("control_change", channel=channel, control=VOLUME, value=FULL_VOLUME)),
    ]
    strokes: dict[int, list[tuple[Stroke, Note]]] = {}
    for note in notes:
        on, off = _ticks(note, selection)
        strokes.setdefault(note.pitch, []).append(((on, off, note.velocity), note))
    for pitch, played in strokes.items():
        for (on, off, velocity), _ in played:
            events.append((on, 1, message("note_on", channel=channel, note=pitch, velocity=velocity)))
            events.append((off, 0, message("note_off", channel=channel, note=pitch, velocity=0)))
    return _in_order(events, tick_of(selection.beats), _exact_part(name, strokes) if exact else "")


def _ticks(note: Note, selection: Selection) -> tuple[int, int]:
    """Where a note sounds, micro-timing included."""
    shift = Fraction(0)
    if note.shift_s:
        shift = Fraction(note.shift_s).limit_denominator(1_000_000) * selection.bpm_at_beat(note.start) / 60
    on = tick_of(note.start + shift)
    return on, max(tick_of(note.end + shift), on + 1)


def _exact_part(name: str, strokes: dict[int, list[tuple[Stroke, Note]]]) -> str:
    """What is lost of the pitches that ticks alone would not bring back as they are."""
    rows = {}
    for pitch, played in strokes.items():
        played = sorted(played, key=lambda each: each[0][0])
        if name not in INSTRUMENTS or not _recovered(played):
            notes = [(note.start, note.duration, float(note.shift_s)) for _, note in played]
            rows[pitch] = (seal(events_of(stroke for stroke, _ in played)), notes)
    return part_text(name, rows, TICKS_PER_BEAT)


def _recovered(played: list[tuple[Stroke, Note]]) -> bool:
    """Whether the notes lie on ticks, and end in the order in which they begin."""
    on_ticks = all(
        not note.shift_s and note.start * TICKS_PER_BEAT == on and note.end * TICKS_PER_BEAT == off
        for (on, off, _), note in played
    )
    pairs = list(zip(played, played[1:], strict=False))
    return on_ticks and all(one[0][0] < two[0][0] and one[0][1] <= two[0][1] for one, two in pairs)
