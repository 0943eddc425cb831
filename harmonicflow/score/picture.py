"""A score as a picture: a piano roll a part, one below the other, under a line of sections and one of chords.

The horizontal axis is beats. Notes have the colour of their instrument, stronger where they are louder, and lie where
they sound, micro-timing included; drums are a row a class of drum.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.core.instruments import DRUM_CLASSES, INSTRUMENTS, drum_class
from harmonicflow.core.png import png
from harmonicflow.core.tempo import Selection

from .letters import HEIGHT, WIDTH, letters
from .score import Note, Score

MOST_WIDTH: Final = 4000  # pixels, as all lengths here
BEAT_WIDTH: Final = 24
LEFT: Final = 72  # for the names of the parts
ROW: Final = 4  # height of a pitch
GAP: Final = 12  # between parts
TOP: Final = 44
SECTIONS_TOP, CHORDS_TOP = 6, 24
LEAST_ROWS: Final = 13
OTHER_COLOUR: Final = "#777777"
PAPER, INK, BAR, BEAT, BAND = (255, 255, 255), (40, 40, 40), (170, 170, 170), (228, 228, 228), (244, 244, 248)
SECTION_COLOURS: Final = ((214, 228, 245), (245, 226, 214), (220, 240, 220), (240, 220, 240))

Pixels = NDArray[Any]
"""uint8 [height, width, 3]."""


def picture(score: Score, selection: Selection) -> bytes:
    """The picture as a PNG file."""
    beats = float(selection.beats)
    scale = min(BEAT_WIDTH, (MOST_WIDTH - LEFT) / max(beats, 1e-6))  # pixels a beat
    names = sorted(score.parts, key=lambda name: (name not in INSTRUMENTS, list(INSTRUMENTS).index(name)
                                                  if name in INSTRUMENTS else 0, name), reverse=True)  # fmt: skip
    rows = {name: _rows(score.part(name), name) for name in names}
    height = TOP + sum(ROW * count + GAP for _, count in rows.values()) + GAP
    sheet = np.full((height, LEFT + int(np.ceil(beats * scale)) + 8, 3), PAPER, np.uint8)
    top = TOP
    for name in names:
        lowest, count = rows[name]
        bottom = top + ROW * count
        sheet[top:bottom, LEFT : LEFT + int(beats * scale)] = BAND
        _grid(sheet, selection, scale, top, bottom)
        _write(sheet, name, 6, top + (ROW * count - HEIGHT) // 2, INK, LEFT - 8)
        for note in score.part(name):
            _draw(sheet, note, selection, scale, bottom - ROW * (_place(note, name) - lowest + 1))
        top = bottom + GAP
    _headings(sheet, score, scale)
    return png(sheet.tobytes(), sheet.shape[1], sheet.shape[0])


def _place(note: Note, name: str) -> int:
    return drum_class(note.pitch) if name == "drums" else note.pitch


def _rows(notes: tuple[Note, ...], name: str) -> tuple[int, int]:
    """The lowest row and how many there are."""
    if name == "drums":
        return 0, len(DRUM_CLASSES)
    places = [_place(note, name) for note in notes]
    low, high = min(places), max(places)
    missing = max(LEAST_ROWS - (high - low + 1), 0)
    return low - missing // 2, high - low + 1 + missing


def _grid(sheet: Pixels, selection: Selection, scale: float, top: int, bottom: int) -> None:
    for bar in selection.bars():
        for beat in range(int(bar.end_beat - bar.start_beat) + 1 if scale >= 6 else 0):
            x = LEFT + int((float(bar.start_beat) + beat) * scale)
            if bar.start_beat + beat < bar.end_beat:
                sheet[top:bottom, x] = BEAT
        sheet[top:bottom, LEFT + int(float(bar.start_beat) * scale)] = BAR


def _draw(sheet: Pixels, note: Note, selection: Selection, scale: float, y: int) -> None:
    row = INSTRUMENTS.get(note.instrument)
    colour = np.array([int((row.colour if row else OTHER_COLOUR)[place : place + 2], 16) for place in (1, 3, 5)])
    shift = note.shift_s * float(selection.bpm_at_beat(note.start)) / 60
    start = LEFT + max((float(note.start) + shift) * scale, 0)
    length = max(float(note.duration) * scale, 3) if note.instrument != "drums" else 3
    strength = 0.35 + 0.65 * note.velocity / 127
    ink = (255 - strength * (255 - colour)).astype(np.uint8)
    x = int(start)
    sheet[y : y + ROW - 1, x : max(int(start + length) - 1, x + 2)] = ink
    sheet[y : y + ROW - 1, x : x + 1] = (ink * 0.6).astype(np.uint8)  # the stroke


def _headings(sheet: Pixels, score: Score, scale: float) -> None:
    for number, part in enumerate(score.sections):
        left, right = (LEFT + int(float(beat) * scale) for beat in (part.start, part.end))
        sheet[SECTIONS_TOP : SECTIONS_TOP + HEIGHT + 4, left : right - 1] = SECTION_COLOURS[number % 4]
        _write(sheet, part.name, left + 3, SECTIONS_TOP + 2, INK, right)
    free = 0
    for span in score.chords:
        left = LEFT + int(float(span.start) * scale)
        if left >= free:  # names that would lie over others are left out
            _write(sheet, span.chord.name, left + 1, CHORDS_TOP, INK, sheet.shape[1])
            free = left + WIDTH * len(span.chord.name) + 2


def _write(sheet: Pixels, text: str, x: int, y: int, colour: tuple[int, int, int], right: int) -> None:
    """Text from x to `right` at most."""
    ink = letters(text)
    room = max(min(right, sheet.shape[1]) - x, 0)
    ink = ink[: sheet.shape[0] - y, :room]
    sheet[y : y + ink.shape[0], x : x + ink.shape[1]][ink] = colour
