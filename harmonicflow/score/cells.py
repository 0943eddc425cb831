"""A score as cells: what one part plays in one beat, the tokens of the learned composer.

A cell is a quarter-note beat of a bar; the last one of a bar of 7/8 is half as long. Onsets lie on a grid of twelve
slots a beat, which holds sixteenths and triplets; what a player adds to it is kept apart, in steps of 5 ms. A note is
five small numbers:

    slot      0..11, twelfths of a beat after the cell's start (12 ends the cell)
    place     MIDI pitch - 21; of drums the drum class
    duration  row of DURATIONS, in slots
    velocity  velocity // 8
    timing    8 + (seconds later than the slot) / 5 ms, 0..16

The notes of a cell are sorted by slot and place; -1 stands where there are no more.
Shapes: P part, K cell, N note of a cell, F field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.core.constants import DEFAULT_STEMS
from harmonicflow.core.instruments import DRUM_PITCHES, drum_class

from .grid import bar_lines, seconds_at
from .score import Note, Score

if TYPE_CHECKING:
    from harmonicflow.core.tempo import Selection

Floats = NDArray[np.float32]
Tokens = NDArray[np.int16]

CELL_PARTS: Final = DEFAULT_STEMS
SLOTS: Final = 12  # of a quarter note
NOTES: Final = 16  # of a cell; what is more is not seen
FIELDS: Final = 5
SLOT, PLACE, DURATION, VELOCITY, TIMING = range(FIELDS)
PLACES: Final = 88
LOWEST: Final = 21  # MIDI pitch of place 0
DURATIONS: Final = (1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 18, 21, 24, 30, 36, 42, 48, 54, 60, 72, 84, 96, 120)  # slots
VELOCITY_STEP: Final = 8
VELOCITIES: Final = 16
TIMING_S: Final = 0.005
TIMINGS: Final = 17
SIZES: Final = (SLOTS + 1, PLACES, len(DURATIONS), VELOCITIES, TIMINGS)  # values of each field
MAX_CELL_BEATS: Final = 1

# A player's onset belongs to the nearest slot, but sixteenths are believed sooner than triplets, these sooner than the
# slots between: seconds by which a slot seems farther away.
_DOUBT_S: Final = np.array([0.0, 0.015, 0.015, 0.0, 0.006, 0.015, 0.0, 0.015, 0.006, 0.0, 0.015, 0.015])
_LOG_DURATIONS: Final = np.log(np.array(DURATIONS, np.float64))
_CLASS_OF_PITCH: Final = np.array([drum_class(pitch) for pitch in range(128)])


@dataclass(frozen=True)
class CellGrid:
    """Where the cells of a stretch of bars lie; all arrays are [K]."""

    starts: tuple[Fraction, ...]  # beats
    lengths: tuple[Fraction, ...]  # beats, 1 or less
    bar: NDArray[np.int64]  # number of the bar, from 0
    beat: NDArray[np.int64]  # place of the cell in its bar, from 0
    bar_beats: NDArray[np.float64]  # length of the bar
    bpm: NDArray[np.float64]  # quarter notes a minute
    compound: NDArray[np.bool_]  # 6/8, 9/8, 12/8

    @property
    def cells(self) -> int:
        return len(self.starts)

    @property
    def start_beats(self) -> NDArray[np.float64]:
        return np.array([float(start) for start in self.starts])

    def cell_at(self, beat: Fraction) -> int:
        """The cell that holds a beat, the nearest one for beats outside."""
        place = int(np.searchsorted(self.start_beats, float(beat) + 1e-9, side="right")) - 1
        return min(max(place, 0), self.cells - 1)

    def cut(self, first: int, last: int) -> CellGrid:
        """The cells from `first` up to `last`."""
        some = slice(first, last)
        return CellGrid(
            self.starts[some], self.lengths[some], self.bar[some], self.beat[some], self.bar_beats[some],
            self.bpm[some], self.compound[some],
        )  # fmt: skip


def grid_of_bars(
    lines: Sequence[tuple[Fraction, Fraction]], bpm: Sequence[float], compound: Sequence[bool]
) -> CellGrid:
    """The cells of bars given by their start and end in beats, with the tempo and the kind of each bar."""
    rows = []
    for number, (start, end) in enumerate(lines):
        beats = end - start
        for beat in range(-int(-beats // 1)):
            begin = start + beat
            rows.append((begin, min(Fraction(1), end - begin), number, beat, beats, bpm[number], compound[number]))
    columns = list(zip(*rows, strict=True)) if rows else [()] * 7
    return CellGrid(
        tuple(columns[0]), tuple(columns[1]), np.array(columns[2], np.int64), np.array(columns[3], np.int64),
        np.array([float(beats) for beats in columns[4]]), np.array(columns[5], np.float64),
        np.array(columns[6], np.bool_),
    )  # fmt: skip


def grid_of(selection: Selection) -> CellGrid:
    """The cells of a selection's bars, whole bars: the first may start before beat 0."""
    bars = selection.bars()
    bpm = [float(selection.bpm_at_beat(min(max(bar.grid_start, Fraction(0)), selection.beats))) for bar in bars]
    compound = [bar.meter.denominator >= 8 and bar.meter.numerator % 3 == 0 for bar in bars]
    return grid_of_bars(bar_lines(selection), bpm, compound)


def place_notes(
    grid: CellGrid,
    beats: NDArray[np.float64],
    bpm: NDArray[np.float64],
    durations: NDArray[np.float64],
    pitches: NDArray[np.int64],
    velocities: NDArray[np.int64],
    drums: bool,
) -> Tokens:
    """One part's notes as tokens [K, N, F]; `beats` are where they sound, `bpm` the tempo there, all [notes].

    Notes outside the grid or the places are left out, and of a cell with too many those that come last.
    """
    tokens = np.full((grid.cells, NOTES, FIELDS), -1, np.int16)
    if not len(beats) or not grid.cells:
        return tokens
    starts = grid.start_beats
    seconds_per_slot = 60.0 / bpm / SLOTS
    # Early notes belong to the beat they lead into.
    cell = np.clip(np.searchsorted(starts, beats + 1e-6, side="right") - 1, 0, grid.cells - 1)
    inside = (beats - starts[cell]) * SLOTS
    candidates = np.floor(inside)[:, None] + np.arange(-1, 3)[None]
    late_s = (inside[:, None] - candidates) * seconds_per_slot[:, None]
    cost = np.abs(late_s) + _DOUBT_S[candidates.astype(np.int64) % SLOTS]
    rooms = np.round([float(length) * SLOTS for length in grid.lengths]).astype(np.int64)
    room = rooms[cell]
    cost += np.where(candidates > room[:, None], 1.0, 0.0)  # after a short cell's end comes the next bar
    best = cost.argmin(axis=1)
    slot = candidates[np.arange(len(beats)), best].astype(np.int64)
    timing_s = late_s[np.arange(len(beats)), best]
    over, under = slot >= room, slot < 0
    slot = np.where(over, 0, np.where(under, rooms[cell - 1] + slot, slot))
    cell = cell + over - under
    place = _CLASS_OF_PITCH[np.clip(pitches, 0, 127)] if drums else pitches - LOWEST
    keep = (cell >= 0) & (cell < grid.cells) & (place >= 0) & (place < PLACES)
    keep &= np.abs(timing_s) < 0.1
    length = np.log(np.maximum(durations * SLOTS, 0.5))
    fields = np.stack([
        slot, place,
        np.full(len(slot), 2) if drums else np.abs(length[:, None] - _LOG_DURATIONS[None]).argmin(axis=1),
        np.clip(velocities // VELOCITY_STEP, 0, VELOCITIES - 1),
        np.clip(np.round(timing_s / TIMING_S) + TIMINGS // 2, 0, TIMINGS - 1).astype(np.int64),
    ], axis=1)[keep]  # fmt: skip
    cell = cell[keep]
    order = np.lexsort((fields[:, PLACE], fields[:, SLOT], cell))
    cell, fields = cell[order], fields[order]
    twice = np.zeros(len(cell), bool)
    twice[1:] = (np.diff(cell) == 0) & (np.diff(fields[:, SLOT]) == 0) & (np.diff(fields[:, PLACE]) == 0)
    cell, fields = cell[~twice], fields[~twice]
    first = np.searchsorted(cell, cell, side="left")
    row = np.arange(len(cell)) - first
    fits = row < NOTES
    tokens[cell[fits], row[fits]] = fields[fits]
    return tokens


def cells_of(score: Score, grid: CellGrid) -> Tokens:
    """A score's notes as tokens [P, K, N, F]; parts outside the four are left out."""
    starts = grid.start_beats
    out = np.full((len(CELL_PARTS), grid.cells, NOTES, FIELDS), -1, np.int16)
    for number, name in enumerate(CELL_PARTS):
        notes = score.part(name)
        if not notes:
            continue
        start = np.array([float(note.start) for note in notes])
        bpm = grid.bpm[np.clip(np.searchsorted(starts, start + 1e-6, side="right") - 1, 0, grid.cells - 1)]
        shift = np.array([note.shift_s for note in notes]) * bpm / 60.0
        out[number] = place_notes(
            grid, start + shift, bpm, np.array([float(note.duration) for note in notes]),
            np.array([note.pitch for note in notes]), np.array([note.velocity for note in notes]), name == "drums",
        )  # fmt: skip
    return out


def notes_of(part: str, tokens_KNF: NDArray[np.generic], grid: CellGrid, softness: Floats | None = None) -> list[Note]:
    """The notes of one part's tokens [K, N, F].

    `softness` [K, N] in 0..1 places a velocity inside its class; without it the middle is taken.
    """
    tokens = np.asarray(tokens_KNF).astype(np.int64)
    found = []
    for cell, row in np.argwhere((tokens[..., SLOT] >= 0) & (tokens[..., SLOT] < SLOTS)):
        slot, place, duration, velocity, timing = (int(value) for value in tokens[cell, row])
        if Fraction(slot, SLOTS) >= grid.lengths[cell] or (row and (tokens[cell, row - 1, :2] == (slot, place)).all()):
            continue
        inside = 0.5 if softness is None else float(softness[cell, row])
        found.append(
            Note(
                part,
                grid.starts[cell] + Fraction(slot, SLOTS),
                Fraction(DURATIONS[duration], SLOTS),
                DRUM_PITCHES[place] if part == "drums" else place + LOWEST,
                min(max(velocity * VELOCITY_STEP + int(inside * VELOCITY_STEP), 1), 127),
                round((timing - TIMINGS // 2) * TIMING_S, 5),
            )
        )
    return found


def sounding_s(selection: Selection, grid: CellGrid) -> NDArray[np.float64]:
    """Seconds of each cell's start from the selection's first frame [K]."""
    return seconds_at(selection, grid.start_beats)
