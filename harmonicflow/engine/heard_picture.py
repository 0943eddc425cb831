"""What was heard as a picture: the sound with its loudness, bars and beats, chords, keys, sections; and below, which
bars are alike.

Time runs from left to right. Under the sound lie the onsets; in the square each row and column is a bar, dark where two
are alike, with the sections' borders.

Shapes: B bar, X column of pixels.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.core.instruments import INSTRUMENTS
from harmonicflow.core.png import png
from harmonicflow.score.letters import HEIGHT, WIDTH, letters
from harmonicflow.score.midi import MidiFile

from .heard import Heard
from .heard_text import chart, clock, summary

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]

PAGE: Final = 1400  # width, pixels, as all lengths here
LEFT, RIGHT = 70, 1380
TITLE, SECTIONS, KEYS, CHORDS, SOUND, ONSETS = 12, 40, 60, 80, 124, 276  # tops
SOUND_HEIGHT, ONSET_HEIGHT, ROW = 140, 24, HEIGHT + 6
AXIS: Final = ONSETS + ONSET_HEIGHT + 6
SQUARE_TOP: Final = AXIS + 40
SQUARE: Final = 360
TEXT_LEFT: Final = LEFT + SQUARE + 60
LINE: Final = HEIGHT + 6
CHORD_LINES: Final = 3
QUIETEST_LUFS: Final = -60.0

PAPER, INK, GREY, PALE = (255, 255, 255), (40, 40, 40), (120, 120, 120), (226, 226, 226)
WAVE, LOUD, BAR, BEAT = (150, 178, 210), (194, 84, 58), (130, 130, 130), (214, 214, 214)
DARK: Final = (16, 44, 84)
COLOURS: Final = ((198, 219, 239), (253, 208, 162), (199, 233, 192), (218, 218, 235), (252, 187, 161), (217, 217, 217))


def peaks_of(sound_CT: np.ndarray) -> np.ndarray:
    """Lowest and highest sample behind each column of the picture [X, 2]."""
    mono_T = np.asarray(sound_CT, np.float32).mean(axis=0)
    columns = RIGHT - LEFT
    edges = np.linspace(0, len(mono_T), columns + 1).astype(int)
    starts = np.minimum(edges[:-1], len(mono_T) - 1)
    low, high = np.minimum.reduceat(mono_T, starts), np.maximum.reduceat(mono_T, starts)
    return np.stack([low, high], axis=1)


def picture(heard: Heard, title: str, wave: np.ndarray | None = None, file: MidiFile | None = None) -> bytes:
    """The picture as a PNG file; `wave` from `peaks_of`, or `file`: the notes take the sound's place."""
    lines = [f"{name}: {text}" for name, text in summary(heard)] + ["", *chart(heard)]
    square = len(heard.likeness_BB) > 1
    height = SQUARE_TOP + max(SQUARE + 30 if square else 0, LINE * min(len(lines), 40) + 20)
    sheet = _Sheet(np.full((height, PAGE, 3), PAPER, np.uint8), heard.seconds)
    sheet.write(f"{title}, {clock(heard.seconds)}", LEFT, TITLE, INK)
    _grid(sheet, heard)
    if wave is not None:
        _wave(sheet, wave)
    if file is not None:
        _notes(sheet, file)
    _loudness(sheet, heard)
    _onsets(sheet, heard)
    _strips(sheet, heard)
    _chords(sheet, heard)
    _axis(sheet, heard)
    if square:
        _square(sheet, heard)
    for number, line in enumerate(lines[:40]):
        sheet.write(line, TEXT_LEFT if square else LEFT, SQUARE_TOP + LINE * number, INK)
    return png(sheet.pixels.tobytes(), PAGE, height)


class _Sheet:
    """Pixels, and where a second lies on them."""

    def __init__(self, pixels: Pixels, seconds: float) -> None:
        self.pixels = pixels
        self.scale = (RIGHT - LEFT) / max(seconds, 1e-9)

    def x(self, second: float) -> int:
        return int(np.clip(LEFT + second * self.scale, LEFT, RIGHT))

    def fill(self, x0: int, x1: int, y0: int, y1: int, colour: Colour) -> None:
        self.pixels[y0:y1, x0 : max(x1, x0 + 1)] = colour

    def write(self, text: str, x: int, y: int, colour: Colour, right: int = PAGE - 4) -> None:
        ink: NDArray[Any] = letters(text)[: max(len(self.pixels) - y, 0), : max(right - x, 0)]
        self.pixels[y : y + ink.shape[0], x : x + ink.shape[1]][ink] = colour


def _grid(sheet: _Sheet, heard: Heard) -> None:
    """Lines for beats, where they can be told apart, and for bars."""
    bottom = ONSETS + ONSET_HEIGHT
    beat_width = sheet.scale * heard.seconds / max(len(heard.beats_s), 1)
    for beat in heard.beats_s if beat_width >= 4 else ():
        sheet.fill(sheet.x(beat), 0, SOUND, bottom, BEAT)
    for bar in heard.bars_s if beat_width * heard.bar_beats >= 3 else ():
        sheet.fill(sheet.x(bar), 0, SOUND - 6, bottom + 4, BAR)


def _wave(sheet: _Sheet, wave_X2: np.ndarray) -> None:
    middle, reach = SOUND + SOUND_HEIGHT // 2, SOUND_HEIGHT / 2 / max(float(np.abs(wave_X2).max()), 1e-9)
    for column, (low, high) in enumerate(wave_X2):
        sheet.fill(LEFT + column, 0, middle - int(high * reach), middle - int(low * reach) + 1, WAVE)


def _notes(sheet: _Sheet, file: MidiFile) -> None:
    """A piano roll, drums as ticks at the bottom."""
    pitches = [note.pitch for note in file.score.notes if note.instrument != "drums"] or [60]
    low, high = min(pitches) - 2, max(pitches) + 2
    for note in file.score.notes:
        row = INSTRUMENTS.get(note.instrument)
        code = row.colour if row else "#888888"
        colour = (int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16))
        start, end = (float(file.tempo.frame_at(beat)) / file.tempo.rate for beat in (note.start, note.end))
        if note.instrument == "drums":
            sheet.fill(sheet.x(start), 0, SOUND + SOUND_HEIGHT - 6, SOUND + SOUND_HEIGHT, colour)
            continue
        y = SOUND + int((high - note.pitch) / (high - low) * (SOUND_HEIGHT - 10))
        sheet.fill(sheet.x(start), sheet.x(end) - 1, y, y + 2, colour)


def _loudness(sheet: _Sheet, heard: Heard) -> None:
    """Short-term loudness as a line, -60 LUFS at the bottom, 0 at the top."""
    if heard.loudness is None or len(heard.loudness.curve_s) < 2:
        return
    columns = np.arange(LEFT, sheet.x(heard.seconds))
    at = (columns - LEFT) / sheet.scale
    lufs = np.interp(at, heard.loudness.curve_s, heard.loudness.curve_lufs)
    rows = SOUND + np.clip(lufs / QUIETEST_LUFS, 0, 1) * (SOUND_HEIGHT - 1)
    for column, row, following in zip(columns, rows, [*rows[1:], rows[-1]], strict=True):
        top, bottom = sorted((int(row), int(following)))
        sheet.fill(int(column), 0, top, bottom + 2, LOUD)
    for level in (0, -20, -40, -60):
        sheet.write(str(level), LEFT - 6 - WIDTH * len(str(level)), SOUND + round(SOUND_HEIGHT * -level / 60) - 5, LOUD)
    sheet.write("LUFS", 6, SOUND + 14, LOUD)


def _onsets(sheet: _Sheet, heard: Heard) -> None:
    if heard.onsets is None:
        return
    most = max(max(heard.onsets.per_second, default=0), 1)
    for second, count in enumerate(heard.onsets.per_second):
        tall = round(ONSET_HEIGHT * count / most)
        sheet.fill(sheet.x(second) + 1, sheet.x(second + 1), ONSETS + ONSET_HEIGHT - tall, ONSETS + ONSET_HEIGHT, GREY)
    sheet.write("onsets", 6, ONSETS + 8, GREY)


def _strips(sheet: _Sheet, heard: Heard) -> None:
    """Sections and keys as coloured strips; one name, one colour."""
    sections = [(part.start_s, part.end_s, part.name) for part in heard.sections]
    keys = [(key.start_s, key.end_s, key.key.name) for key in heard.keys]
    for top, title, spans in ((SECTIONS, "form", sections), (KEYS, "key", keys)):
        names = list(dict.fromkeys(name for _, _, name in spans))
        sheet.write(title, 6, top + 3, GREY)
        for start, end, name in spans:
            colour = COLOURS[names.index(name) % len(COLOURS)]
            sheet.fill(sheet.x(start), sheet.x(end) - 1, top, top + ROW, colour)
            sheet.write(name, sheet.x(start) + 4, top + 3, INK, sheet.x(end))


def _chords(sheet: _Sheet, heard: Heard) -> None:
    """Names on the first line that has room; where none has, the name is left out and a tick stands for it."""
    sheet.write("chords", 6, CHORDS + 3, GREY)
    free = [LEFT] * CHORD_LINES
    for one in heard.chords:
        x = sheet.x(one.start_s)
        sheet.fill(x, 0, SOUND - 6, SOUND, INK)
        line = next((number for number, edge in enumerate(free) if x >= edge), None)
        if line is not None:
            sheet.write(one.chord.name, x, CHORDS + line * (HEIGHT + 3), INK)
            free[line] = x + WIDTH * (len(one.chord.name) + 1)


def _axis(sheet: _Sheet, heard: Heard) -> None:
    """Seconds, and the numbers of bars, not more of them than can be read."""
    step = next(step for step in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1 << 30) if heard.seconds / step <= 14)
    for second in range(0, int(heard.seconds) + 1, step):
        if sheet.x(second) < RIGHT - 4 * WIDTH:
            sheet.write(f"{second // 60}:{second % 60:02d}", sheet.x(second), AXIS, GREY)
    bars = heard.bars_s
    every = max(-(-len(bars) // 24), 1)
    sheet.write("bar", 6, AXIS + LINE, GREY)
    for number in range(0, len(bars), every):
        sheet.write(str(number + 1), sheet.x(bars[number]), AXIS + LINE, GREY)


def _square(sheet: _Sheet, heard: Heard) -> None:
    count = len(heard.likeness_BB)
    rows = np.arange(SQUARE) * count // SQUARE
    share = np.clip(heard.likeness_BB, 0, 1)[rows][:, rows][..., None] ** 2
    shades = 255 + share * (np.array(DARK) - 255)
    sheet.pixels[SQUARE_TOP : SQUARE_TOP + SQUARE, LEFT : LEFT + SQUARE] = shades.round().astype(np.uint8)
    for part in heard.sections:
        edge = min((part.first_bar - 1) * SQUARE // count, SQUARE - 1)
        if edge:
            sheet.fill(LEFT + edge, 0, SQUARE_TOP, SQUARE_TOP + SQUARE, LOUD)
            sheet.fill(LEFT, LEFT + SQUARE, SQUARE_TOP + edge, SQUARE_TOP + edge + 1, LOUD)
        sheet.write(part.name, 6, SQUARE_TOP + edge + 2, INK, LEFT - 4)
    sheet.write("which bars are alike (dark)", LEFT, SQUARE_TOP + SQUARE + 8, GREY)
