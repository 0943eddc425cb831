"""Notes, chords and sections of a selection: what is played, when, before anyone hears it.

Times are selection beats (quarter notes, 0 = the selection's first frame) as exact fractions; micro-timing is kept
apart from them, in seconds, so that the grid stays exact at any tempo.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from .chords import ChordSpan, parse_chord


@dataclass(frozen=True, slots=True)
class Note:
    """One note. Drums use General MIDI pitches, and their duration says nothing."""

    instrument: str
    start: Fraction  # beats
    duration: Fraction  # beats, above 0
    pitch: int  # MIDI, 0..127
    velocity: int  # 1..127
    shift_s: float = 0.0  # seconds later (or earlier) than the grid

    @property
    def end(self) -> Fraction:
        return self.start + self.duration


@dataclass(frozen=True, slots=True)
class Section:
    """A named stretch of the form: "verse", "A"."""

    start: Fraction
    duration: Fraction
    name: str

    @property
    def end(self) -> Fraction:
        return self.start + self.duration


def _order(note: Note) -> tuple[Any, ...]:
    return (note.start, note.instrument, note.pitch, note.velocity, note.duration, note.shift_s)


@dataclass(frozen=True)
class Score:
    """Notes (kept sorted by start, instrument, pitch), chords and sections."""

    notes: tuple[Note, ...] = ()
    chords: tuple[ChordSpan, ...] = ()
    sections: tuple[Section, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "notes", tuple(sorted(self.notes, key=_order)))
        object.__setattr__(self, "chords", tuple(self.chords))
        object.__setattr__(self, "sections", tuple(self.sections))

    @property
    def parts(self) -> tuple[str, ...]:
        """The instruments that have notes, in alphabetical order."""
        return tuple(sorted({note.instrument for note in self.notes}))

    def part(self, name: str) -> tuple[Note, ...]:
        """The notes of one instrument."""
        return tuple(note for note in self.notes if note.instrument == name)

    def within(self, start: Fraction, end: Fraction) -> Score:
        """What begins in [start, end): notes, chords and sections, on the same clock."""
        return Score(
            tuple(note for note in self.notes if start <= note.start < end),
            tuple(span for span in self.chords if start <= span.start < end),
            tuple(section for section in self.sections if start <= section.start < end),
        )

    def with_notes(self, notes: Iterable[Note]) -> Score:
        """The same chords and sections under other notes."""
        return replace(self, notes=tuple(notes))

    def replace_part(
        self, name: str, notes: Iterable[Note], start: Fraction | None = None, end: Fraction | None = None
    ) -> Score:
        """One part's notes that begin in [start, end) give way to `notes`; None stands for no limit."""
        kept = (
            note
            for note in self.notes
            if note.instrument != name
            or (start is not None and note.start < start)
            or (end is not None and note.start >= end)
        )
        return self.with_notes((*kept, *notes))

    def to_wire(self) -> dict[str, Any]:
        """Plain lists, strings and numbers, exact: `Score.from_wire(score.to_wire()) == score`."""
        return {
            "notes": [
                [note.instrument, str(note.start), str(note.duration), note.pitch, note.velocity, note.shift_s]
                for note in self.notes
            ],
            "chords": [[str(span.start), str(span.duration), span.chord.name] for span in self.chords],
            "sections": [[str(part.start), str(part.duration), part.name] for part in self.sections],
        }

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> Score:
        """The score that `to_wire` wrote."""
        return cls(
            tuple(
                Note(str(name), Fraction(start), Fraction(duration), int(pitch), int(velocity), float(shift_s))
                for name, start, duration, pitch, velocity, shift_s in wire["notes"]
            ),
            tuple(ChordSpan(Fraction(s), Fraction(d), parse_chord(name)) for s, d, name in wire["chords"]),
            tuple(Section(Fraction(s), Fraction(d), str(name)) for s, d, name in wire["sections"]),
        )
