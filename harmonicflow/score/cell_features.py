"""What the learned composer is told of each cell beside the notes: harmony, time, style and what to aim at.

Shapes: P part, K cell; all float32.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.core.constants import GENRE_PLACES, GENRES
from harmonicflow.core.instruments import INSTRUMENTS

from .cells import CELL_PARTS, LOWEST, PLACE, SLOT, SLOTS, VELOCITY, VELOCITY_STEP, CellGrid, Floats, Tokens
from .chords import Chord, ChordSpan
from .keys import Key
from .score import Section

CELLS_V: Final = 1
"""Version of the tokens and of the layouts below; a bundle names the one its composer was trained on."""


def _columns(*widths: tuple[str, int]) -> dict[str, slice]:
    columns, start = {}, 0
    for name, width in widths:
        columns[name] = slice(start, start + width)
        start += width
    return columns


HARMONY_COLUMNS: Final = _columns(
    ("root", 12), ("bass", 12), ("pitches", 12), ("chord", 1),  # of the cell; 1 where there is a chord
    ("next_root", 12), ("next_pitches", 12),  # of the cell after it
    ("tonic", 12), ("mode", 2), ("key", 1),
)  # fmt: skip
SECTION_NAMES: Final = ("intro", "verse", "prechorus", "chorus", "bridge", "solo", "break", "outro", "other")
TIME_COLUMNS: Final = _columns(
    ("beat", 8),  # place in the bar, one-hot
    ("bar_beats", 1), ("length", 1), ("compound", 1), ("tempo", 1),
    ("phrase", 6),  # sin, cos of the bar's place among two, four and eight of its section
    ("section", len(SECTION_NAMES)), ("section_known", 1), ("section_first", 1), ("section_last", 1),
    ("first", 1), ("last", 1),  # bar of the piece
    ("energy", 2),  # 0..1, present
)  # fmt: skip
STYLE_COLUMNS: Final = _columns(("genre", GENRE_PLACES), ("emotion", 3))  # valence, arousal, present
CONTROLS: Final = ("density", "complexity", "register", "loudness", "human")
CONTROL_COLUMNS: Final = _columns(*((name, 2) for name in CONTROLS))  # value 0..1, present
HARMONY_WIDTH: Final = HARMONY_COLUMNS["key"].stop
TIME_WIDTH: Final = TIME_COLUMNS["energy"].stop
STYLE_WIDTH: Final = STYLE_COLUMNS["emotion"].stop
CONTROLS_WIDTH: Final = 2 * len(CONTROLS)

DENSITY_SCALE: Final = {"bass": 1.2, "drums": 2.5, "guitar": 1.8, "piano": 1.8}
"""Onsets a beat at which a part's density is 0.63; the squashing is 1 - exp(-onsets / scale)."""
_WEAK: Final = np.array([0.0, 1.0, 1.0, 0.8, 0.8, 1.0, 0.35, 1.0, 0.8, 0.8, 1.0, 1.0])
_OTHER_NAMES: Final = {
    "a": "verse", "b": "chorus", "c": "bridge", "refrain": "chorus", "pre-chorus": "prechorus", "breakdown": "break",
    "interlude": "bridge", "instrumental": "solo", "ending": "outro", "drop": "chorus", "head": "verse",
}  # fmt: skip


def harmony_features(chords: Sequence[ChordSpan], key: Key | None, grid: CellGrid) -> Floats:
    """[K, HARMONY_WIDTH] of chord spans in beats. A cell has the chord that sounds a third into it."""
    out = np.zeros((grid.cells, HARMONY_WIDTH), np.float32)
    spans = sorted(chords, key=lambda span: span.start)
    starts = [span.start for span in spans]

    def at(cell: int) -> Chord | None:
        beat = grid.starts[cell] + grid.lengths[cell] / 3
        place = bisect_right(starts, beat) - 1
        return spans[place].chord if place >= 0 and beat < spans[place].end else None

    found = [at(cell) for cell in range(grid.cells)]
    for cell, chord in enumerate(found):
        if chord is not None:
            out[cell, HARMONY_COLUMNS["root"].start + chord.root] = 1
            out[cell, HARMONY_COLUMNS["bass"].start + chord.bass_class] = 1
            out[cell, HARMONY_COLUMNS["pitches"].start + np.array(sorted(chord.pitch_classes))] = 1
            out[cell, HARMONY_COLUMNS["chord"]] = 1
        following = found[min(cell + 1, grid.cells - 1)]
        if following is not None:
            out[cell, HARMONY_COLUMNS["next_root"].start + following.root] = 1
            out[cell, HARMONY_COLUMNS["next_pitches"].start + np.array(sorted(following.pitch_classes))] = 1
    if key is not None:
        out[:, HARMONY_COLUMNS["tonic"].start + key.tonic] = 1
        out[:, HARMONY_COLUMNS["mode"].start + (key.mode == "minor")] = 1
        out[:, HARMONY_COLUMNS["key"]] = 1
    return out


def time_features(grid: CellGrid, sections: Sequence[Section] = (), energy: Floats | None = None) -> Floats:
    """[K, TIME_WIDTH]; `energy` [K] is 0..1 a cell (the same in all cells of a bar), NaN where it is not known."""
    out = np.zeros((grid.cells, TIME_WIDTH), np.float32)
    if not grid.cells:
        return out
    out[np.arange(grid.cells), np.minimum(grid.beat, 7)] = 1
    out[:, TIME_COLUMNS["bar_beats"].start] = grid.bar_beats / 4
    out[:, TIME_COLUMNS["length"].start] = [float(length) for length in grid.lengths]
    out[:, TIME_COLUMNS["compound"].start] = grid.compound
    out[:, TIME_COLUMNS["tempo"].start] = np.log2(np.clip(grid.bpm, 10, 800) / 120)
    out[grid.bar == grid.bar.min(), TIME_COLUMNS["first"].start] = 1
    out[grid.bar == grid.bar.max(), TIME_COLUMNS["last"].start] = 1
    if sections:
        _write_sections(out, grid, sorted(sections, key=lambda section: section.start))
    if energy is not None:
        known = np.isfinite(energy)
        out[:, TIME_COLUMNS["energy"].start] = np.where(known, energy, 0)
        out[:, TIME_COLUMNS["energy"].start + 1] = known
    return out


def section_kind(name: str) -> str:
    """The row of SECTION_NAMES that a section's name belongs to: "Chorus 2" is a chorus."""
    plain = name.lower().strip("0123456789 '")
    plain = _OTHER_NAMES.get(plain, plain)
    return plain if plain in SECTION_NAMES else "other"


def _write_sections(out: Floats, grid: CellGrid, sections: Sequence[Section]) -> None:
    starts = [section.start for section in sections]
    bars, firsts = np.unique(grid.bar, return_index=True)
    place = [max(bisect_right(starts, grid.starts[first] + grid.lengths[first] / 2) - 1, 0) for first in firsts]
    into = 0
    for number, bar in enumerate(bars):
        new = number == 0 or place[number] != place[number - 1]
        into = 0 if new else into + 1
        cells = np.flatnonzero(grid.bar == bar)
        kind = SECTION_NAMES.index(section_kind(sections[place[number]].name))
        out[cells, TIME_COLUMNS["section"].start + kind] = 1
        out[cells, TIME_COLUMNS["section_known"].start] = 1
        out[cells, TIME_COLUMNS["section_first"].start] = new
        out[cells, TIME_COLUMNS["section_last"].start] = number + 1 == len(bars) or place[number + 1] != place[number]
        for column, size in enumerate((2, 4, 8)):
            angle = 2 * np.pi * into / size
            out[cells, TIME_COLUMNS["phrase"].start + 2 * column] = np.sin(angle)
            out[cells, TIME_COLUMNS["phrase"].start + 2 * column + 1] = np.cos(angle)


def style_features(genre: str | None, emotion: tuple[float, float] | None) -> Floats:
    """[STYLE_WIDTH] of a genre of GENRES (any other counts as not told) and an emotion, valence and arousal -1..1."""
    out = np.zeros(STYLE_WIDTH, np.float32)
    if genre in GENRES:
        out[STYLE_COLUMNS["genre"].start + GENRES.index(str(genre))] = 1
    if emotion is not None:
        out[STYLE_COLUMNS["emotion"]] = (*emotion, 1.0)
    return out


def control_features(values: dict[str, Floats]) -> Floats:
    """[P, K, CONTROLS_WIDTH] from arrays [P, K] by name of CONTROLS; NaN, like a name left out, is not told."""
    shape = next(iter(values.values())).shape
    out = np.zeros((*shape, CONTROLS_WIDTH), np.float32)
    for name, value in values.items():
        known = np.isfinite(value)
        first = CONTROL_COLUMNS[name].start
        out[..., first] = np.where(known, value, 0)
        out[..., first + 1] = known
    return out


def measured_controls(tokens_PKNF: Tokens, grid: CellGrid) -> dict[str, Floats]:
    """Density, complexity, register and loudness [P, K] of every bar's notes, the same in all cells of a bar.

    What silence cannot tell (all but density), and the register of drums, is NaN.
    """
    parts = len(tokens_PKNF)
    slots = tokens_PKNF[..., SLOT].astype(np.int64)
    sounding = slots >= 0
    struck = np.zeros((parts, grid.cells, SLOTS), bool)
    part, cell, row = np.nonzero(sounding)
    struck[part, cell, slots[part, cell, row]] = True
    _, bar = np.unique(grid.bar, return_inverse=True)
    bars = int(bar.max()) + 1 if grid.cells else 0

    def by_bar(values: NDArray[np.generic]) -> NDArray[np.float64]:
        return np.stack([np.bincount(bar, row.astype(np.float64), bars) for row in values])

    beats = np.bincount(bar, [float(length) for length in grid.lengths], bars)
    onsets, notes = by_bar(struck.sum(axis=2)), by_bar(sounding.sum(axis=2))
    weak = by_bar((struck * _WEAK).sum(axis=2))
    pitch = by_bar(np.where(sounding, tokens_PKNF[..., PLACE], 0).sum(axis=2))
    velocity = by_bar(np.where(sounding, tokens_PKNF[..., VELOCITY], 0).sum(axis=2))
    scale = np.array([DENSITY_SCALE[name] for name in CELL_PARTS])[:, None]
    ranges = [(INSTRUMENTS[name].lowest, INSTRUMENTS[name].highest) for name in CELL_PARTS]
    low, high = (np.array(column, np.float64)[:, None] for column in zip(*ranges, strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        register = (pitch / notes + LOWEST - low) / (high - low)
        register[CELL_PARTS.index("drums")] = np.nan
        found = {
            "density": 1 - np.exp(-onsets / beats / scale),
            "complexity": weak / onsets,
            "register": np.clip(register, 0, 1),
            "loudness": (velocity / notes + 0.5) * VELOCITY_STEP / 127,
        }
    return {name: value[:, bar].astype(np.float32) for name, value in found.items()}
