"""The fixed order in which cells are written: chunks of about four bars, in each of them rounds.

One call of the model writes the cells of a round, which do not hear each other; what was written before is heard. So
cells that depend on each other most stand in different rounds: parts follow one another, strong beats come before weak
ones, and a bar that nothing says how to play comes before those that are to be like it. The order depends on the
request alone, never on how fast the score is read.

    round       1        2        3        4        5
    drums    strong    weak
    bass              strong    weak
    guitar                      strong    weak
    piano                                strong    weak
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from harmonicflow.score.form import Form, FormBar

from .composing_desk import Cell

CHUNK_BARS: Final = 4
MOST_CELLS: Final = 96  # of a window, as the model was trained
MOST_BARS: Final = 16
CHUNK_CELLS: Final = 40


@dataclass(frozen=True)
class Chunk:
    """Consecutive bars that are written together; bars from `first` up to `last`."""

    first: int
    last: int

    def bars(self, form: Form) -> tuple[FormBar, ...]:
        return form.bars[self.first : self.last]


def chunks_of(form: Form, wanted_K: np.ndarray) -> tuple[Chunk, ...]:
    """Chunks that hold every wanted cell: phrases of four bars from each section's start, with a single last bar."""
    chunks: list[Chunk] = []
    for bar in form.bars:
        if not wanted_K[slice(*bar.cells)].any():
            continue
        joins = bool(chunks) and chunks[-1].last == bar.number and bar.offset > 0
        if joins:
            old = chunks[-1]
            fits = bar.cells[1] - form.bars[old.first].cells[0] <= CHUNK_CELLS
            phrase = bar.offset % CHUNK_BARS != 0 or bar.last
            joins = fits and phrase and bar.number - old.first <= CHUNK_BARS
        if joins:
            chunks[-1] = Chunk(chunks[-1].first, bar.number + 1)
        else:
            chunks.append(Chunk(bar.number, bar.number + 1))
    return tuple(chunks)


def window_of(form: Form, chunk: Chunk, known_K: np.ndarray, before: int, after: int) -> tuple[int, int]:
    """The cells that the model sees for a chunk: bars before it, and those after it where something is known."""
    first, last = chunk.first, chunk.last
    while last < min(len(form.bars), chunk.last + after) and known_K[slice(*form.bars[last].cells)].any():
        last += 1

    def fits(low: int, high: int) -> bool:
        cells = form.bars[high - 1].cells[1] - form.bars[low].cells[0]
        return cells <= MOST_CELLS and high - low <= MOST_BARS

    while last > chunk.last and not fits(first, last):
        last -= 1
    while first > max(0, chunk.first - before) and fits(first - 1, last):
        first -= 1
    return form.bars[first].cells[0], form.bars[last - 1].cells[1]


def rounds_of(
    bars_of: Mapping[int, Sequence[FormBar]], order: Sequence[int], groups: int, wanted_PK: np.ndarray
) -> list[list[Cell]]:
    """The rounds in which the wanted cells of some bars of each part are written, parts in `order`.

    Every bar's beats are dealt to `groups` groups, strong ones first; each part writes a group behind the one before.
    """
    rounds: dict[int, list[Cell]] = {}
    parts = [part for part in order if bars_of.get(part)]
    for place, part in enumerate(parts):
        for bar in bars_of[part]:
            for group, beats in enumerate(beat_groups(bar.cells[1] - bar.cells[0], groups)):
                cells = [(part, bar.cells[0] + beat) for beat in beats]
                rounds.setdefault(place + group, []).extend(cell for cell in cells if wanted_PK[cell])
    return [rounds[number] for number in sorted(rounds) if rounds[number]]


def beat_groups(beats: int, groups: int) -> list[list[int]]:
    """The beats of a bar, strong ones before weak ones, in at most `groups` groups."""
    order = [*range(0, beats, 2), *range(1, beats, 2)]
    return [list(map(int, group)) for group in np.array_split(order, min(groups, beats))]
