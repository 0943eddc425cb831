"""From played events to notes of the score: cut to the selection, in range, never in each other's way."""

from __future__ import annotations

from fractions import Fraction
from math import floor

from harmonicflow.core.instruments import instrument
from harmonicflow.core.tempo import Selection

from .events import SHORTEST, Event
from .pulses import GRID
from .score import Note

MAX_SHIFT_S = 0.06  # strums included


def finished(
    name: str, events: list[Event], selection: Selection, start: Fraction, end: Fraction, known: tuple[Note, ...]
) -> list[Note]:
    """The notes of one part inside [start, end), in order.

    Notes held into `start` begin there; all end by `end`. Pitched notes wait for `known` ones that still sound where
    the stretch begins. No pitch overlaps itself, and the bass plays one note at a time, micro-timing included.
    """
    row = instrument(name)
    ringing = [note.end for note in known if row.pitched and note.start < start < note.end <= start + 1]
    first = max(ringing, default=start)
    notes: dict[tuple[Fraction, int], Note] = {}
    for event in events:
        begin, stop = event.start, min(event.end, end)
        held_over = begin < start
        if held_over:
            begin = start
        if begin < first or begin >= end or stop - begin < SHORTEST or (held_over and not row.pitched):
            continue
        pitch = _in_range(event.pitch, row.lowest, row.highest) if row.pitched else event.pitch
        note = Note(
            name, begin, stop - begin, pitch, min(max(round(event.velocity), 1), 127), _shift(event, begin == start)
        )
        if (begin, pitch) not in notes or not held_over:
            notes[begin, pitch] = note
    return _apart(sorted(notes.values(), key=lambda note: (note.start, note.pitch)), selection, end, name == "bass")


def _shift(event: Event, at_edge: bool) -> float:
    """Micro-timing, never before the stretch's first sample."""
    shift_s = min(max(event.shift_s, -MAX_SHIFT_S), MAX_SHIFT_S)
    return max(shift_s, 0.0) if at_edge else shift_s


def _in_range(pitch: int, lowest: int, highest: int) -> int:
    while pitch < lowest:
        pitch += 12
    while pitch > highest:
        pitch -= 12
    return pitch


def _apart(notes: list[Note], selection: Selection, end: Fraction, monophonic: bool) -> list[Note]:
    """The notes with shorter durations where one would sound into the next of its pitch, or at all if monophonic."""
    kept: list[Note] = []
    upcoming: dict[int, Note] = {}
    for note in reversed(notes):
        voice = 0 if monophonic else note.pitch
        following = upcoming.get(voice)
        duration = note.duration
        if following is not None:
            late = Fraction(following.shift_s - note.shift_s) * selection.bpm_at_beat(note.start) / 60
            duration = min(duration, _down(following.start - note.start + late))
        if duration < SHORTEST and following is not None:
            continue  # it would be swallowed by the note after it
        note = Note(note.instrument, note.start, duration, note.pitch, note.velocity, _inside(note, selection, end))
        upcoming[voice] = note
        kept.append(note)
    return kept[::-1]


def _inside(note: Note, selection: Selection, end: Fraction) -> float:
    """The shift, smaller where it would carry the onset to the stretch's end."""
    if note.shift_s <= 0:
        return note.shift_s
    room_s = float((end - note.start) * 60 / selection.bpm_at_beat(note.start)) * 0.5
    return round(min(note.shift_s, room_s), 5)


def _down(beats: Fraction) -> Fraction:
    return Fraction(floor(beats * GRID), GRID)
