"""What MIDI cannot say of a score, kept inside the file beside what it can: the grid under the micro-timing, tempos
between whole microseconds, beats between ticks.

A sequencer-specific event (FF 7F) at the head of a track holds it as text, which other programs skip. Each piece of it
counts only while the events it stands for are as they were written (CRC-32 of them): what somebody has edited is read
as plain MIDI. The conductor's holds one JSON object, a part's a line a pitch:

    HarmonicFlow 1 bass
    40 9a3b01c7 960,480,0.0123 1440,1/3b,-0.004     pitch, CRC, then start, duration and shift of each note-on in order

Times are ticks, or beats where a b follows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final
from zlib import crc32

from .score import Note

MARK: Final = "HarmonicFlow 1"
_MARK: Final = re.compile(rf"{MARK} ?([^\n]{{0,64}})\n(.*)", re.DOTALL)
_BEAT: Final = re.compile(r"-?\d{1,15}(/\d{1,15})?b?")
_SHIFT: Final = re.compile(r"-?\d{1,3}(\.\d{1,20})?(e-\d{1,3})?")

LONGEST_SHIFT_S: Final = 1.0  # as in requests

Stroke = tuple[int, int, int]  # tick of the note-on, of the note-off, velocity


def seal(events: Iterable[object]) -> int:
    """The CRC-32 of plain values."""
    return crc32(repr(list(events)).encode())


def events_of(strokes: Iterable[Stroke]) -> list[tuple[int, int, int]]:
    """What a file says of one pitch, however note-ons and note-offs are paired: (tick, 1 on or 0 off, velocity)."""
    return sorted(event for on, off, velocity in strokes for event in ((on, 1, velocity), (off, 0, 0)))


@dataclass(frozen=True)
class ExactPart:
    """Notes by pitch: the seal of its events, and start, duration (beats) and shift of its notes by note-on."""

    instrument: str
    pitches: dict[int, tuple[int, tuple[tuple[Fraction, Fraction, float], ...]]] = field(default_factory=dict)

    def notes(self, pitch: int, strokes: Sequence[Stroke]) -> list[Note] | None:
        """The notes as they were written, None where the file's events are other ones."""
        found = self.pitches.get(pitch)
        if found is None or len(found[1]) != len(strokes) or found[0] != seal(events_of(strokes)):
            return None
        velocities = [velocity for _, _, velocity in sorted(strokes, key=lambda stroke: stroke[0])]
        return [
            Note(self.instrument, start, duration, pitch, velocity, shift_s)
            for (start, duration, shift_s), velocity in zip(found[1], velocities, strict=True)
        ]


def part_text(instrument: str, rows: dict[int, tuple[int, list[tuple[Fraction, Fraction, float]]]], ticks: int) -> str:
    """The text of a part: by pitch the seal and the notes; "" without any."""
    lines = [
        f"{pitch} {sealed:08x} " + " ".join(
            f"{_time(start, ticks)},{_time(duration, ticks)},{shift_s!r}" for start, duration, shift_s in notes
        )
        for pitch, (sealed, notes) in sorted(rows.items())
    ]  # fmt: skip
    return "\n".join((f"{MARK} {instrument}", *lines)) if lines else ""


def read_part(text: str, ticks: int) -> ExactPart | None:
    """What `part_text` wrote; None for anything else."""
    found = _MARK.fullmatch(text)
    if found is None:
        return None
    pitches = {}
    try:
        for line in found[2].split("\n"):
            pitch, sealed, *rows = line.split(" ")
            notes = tuple(_row(row, ticks) for row in rows)
            pitches[int(pitch[:4])] = (int(sealed[:8], 16), notes)
    except (ValueError, ZeroDivisionError):
        return None
    return ExactPart(found[1], pitches)


def _time(beats: Fraction, ticks: int) -> str:
    whole = beats * ticks
    return str(whole.numerator) if whole.denominator == 1 else f"{beats}b"


def _row(text: str, ticks: int) -> tuple[Fraction, Fraction, float]:
    start, duration, shift_s = text.split(",")
    if not _SHIFT.fullmatch(shift_s) or abs(float(shift_s)) > LONGEST_SHIFT_S:
        raise ValueError(shift_s)
    length = _beats(duration, ticks)
    if length <= 0:
        raise ValueError(duration)
    return _beats(start, ticks), length, float(shift_s)


def _beats(text: str, ticks: int) -> Fraction:
    if not _BEAT.fullmatch(text):
        raise ValueError(text)
    return Fraction(text[:-1]) if text.endswith("b") else Fraction(text) / ticks


def conductor_text(sealed: int, content: dict[str, Any]) -> str:
    """The text of the first track: `content` holds lists of plain values, sealed with the track's events."""
    return f"{MARK} conductor\n" + json.dumps({"seal": sealed, **content}, separators=(",", ":"))


def read_conductor(text: str, sealed: int) -> dict[str, Any] | None:
    """The content that `conductor_text` wrote, None where there is none or the events are other ones."""
    found = _MARK.fullmatch(text)
    if found is None or found[1] != "conductor":
        return None
    try:
        content = json.loads(found[2])
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) and content.get("seal") == sealed else None


def is_beat(value: object) -> bool:
    """Whether a value is a number of beats in text, of a size that costs nothing."""
    return isinstance(value, str) and _BEAT.fullmatch(value) is not None and not value.endswith("b")
