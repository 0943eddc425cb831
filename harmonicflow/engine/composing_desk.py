"""The desk a score is composed on: all its cells, which are known, and what the model is told of a window of them.

Notes to keep never pass through cells: the desk shows them to the model and gives back what was written, nothing else.

Legend: P parts, K cells of the whole selection, k of a window, N notes of a cell, F fields, M cells to write.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Final, TypeAlias

import numpy as np

from harmonicflow.core.constants import DEFAULT_STEMS
from harmonicflow.score.aims import aims_of
from harmonicflow.score.arrange import ComposeRequest
from harmonicflow.score.cell_features import (
    control_features,
    harmony_features,
    measured_controls,
    style_features,
    time_features,
)
from harmonicflow.score.cells import (
    CELL_PARTS,
    FIELDS,
    NOTES,
    SLOT,
    SLOTS,
    CellGrid,
    Floats,
    Tokens,
    cells_of,
    notes_of,
)  # fmt: skip
from harmonicflow.score.form import Form
from harmonicflow.score.score import Note, Score
from harmonicflow.score.steering import Steering

from .noise import cell_draws
from .runtime import Runtime

NEVER: Final = -1e4  # bias of a slot that lies outside the edit
DRAWS: Final = NOTES * (FIELDS + 1)  # of a cell: its notes' fields, and where each velocity lies inside its class

Cell: TypeAlias = tuple[int, int]  # part, cell


@dataclass(frozen=True)
class Heat:
    """How freely notes are drawn."""

    temperature: float = 1.0
    min_p: float = 0.0  # the least probability of what may be drawn, as a share of the likeliest; not of drums

    def of(self, picks: Sequence[Cell]) -> Floats:
        """[M, 2] of the cells to write. Drums live of what is seldom: ghost notes, strokes off the beat."""
        drums = CELL_PARTS.index("drums")
        rows = [(self.temperature, 0.0 if part == drums else self.min_p) for part, _ in picks]
        return np.array(rows, np.float32).reshape(-1, 2)


class Desk:
    """The cells of one request while they are written."""

    def __init__(self, request: ComposeRequest, form: Form, steering: Steering, parts: Sequence[str]) -> None:
        """`parts`: those to write, inside the request's span."""
        self.form, self.grid, self.seed = form, form.grid, request.seed
        self.selection = selection = request.selection
        span = request.span or (Fraction(0), selection.beats)
        self.start, self.end = max(span[0], Fraction(0)), min(span[1], selection.beats)
        kept = [n for n in request.known.notes if n.instrument not in parts or not self.start <= n.start < self.end]
        shape = (len(CELL_PARTS), self.grid.cells)
        self.tokens: Tokens = cells_of(Score(tuple(kept)), self.grid)
        self.low, self.high = _rooms(self.grid, self.start, self.end)
        self.wanted = np.zeros(shape, bool)
        self.known = np.zeros(shape, bool)
        self.written = np.zeros(shape, bool)
        inside = np.array([0 <= start + length and start < selection.beats
                           for start, length in zip(self.grid.starts, self.grid.lengths, strict=True)])  # fmt: skip
        for row, name in enumerate(CELL_PARTS):
            if name in parts:
                self.wanted[row] = (self.high > self.low) & ~self._resting(name)
            given = name in parts or name in request.known.parts
            self.known[row] = inside & ~self.wanted[row] & given
        self.recall: Tokens = np.full((*shape, NOTES, FIELDS), -1, np.int16)
        self.likeness = np.zeros(shape, np.float32)
        self.aims = aims_of(form, steering, request.emotion, request.genre, parts, self._does())
        self.harmony = harmony_features(form.chords, form.key, self.grid)
        self._time = time_features(self.grid, form.sections, form.energy())
        self._style = style_features(request.genre, request.emotion)

    def _does(self) -> dict[str, Floats]:
        """What each part does in the bars that are kept, by name of control, [P]; NaN where there are none."""
        shown = np.where(self.known[..., None, None], self.tokens, -1)
        found = measured_controls(shown, self.grid)
        sounds = np.any(shown[..., SLOT] >= 0, axis=2)
        whole = np.zeros_like(sounds)
        for bar in self.form.bars:
            cells = np.s_[:, slice(*bar.cells)]
            whole[cells] = (np.all(self.known[cells], axis=1) & np.any(sounds[cells], axis=1))[:, None]
        count = np.maximum(whole.sum(axis=1), 1)
        there = np.any(whole, axis=1)
        return {
            name: np.where(there, np.where(whole & np.isfinite(value), value, 0).sum(axis=1) / count, np.nan)
            for name, value in found.items()
        }

    def _resting(self, part: str) -> np.ndarray:
        """The cells [K] in which the form lets a part rest, which the model is shown as silence."""
        return np.array([part in bar.resting for bar in self.form.bars], bool)[self.grid.bar]

    def write(
        self, runtime: Runtime, picks: Sequence[Cell], bias_M: Floats, window: tuple[int, int], heat: Heat
    ) -> None:
        """Write the cells `picks` in one call of the model, which sees the cells of `window` (first, after the last).

        `bias_M` [M, 13] is added to the logits of the slots.
        """
        first, last = window
        forced = np.full((len(picks), NOTES, FIELDS), -1, np.float32)
        uniform = np.empty((len(picks), NOTES, FIELDS), np.float32)
        bias = bias_M.astype(np.float32)
        for row, (part, cell) in enumerate(picks):
            uniform[row] = self._draws(part, cell)[:, :FIELDS]
            bias[row, :SLOTS][: self.low[cell]] = NEVER
            bias[row, :SLOTS][self.high[cell] :] = NEVER
            before = self._kept(part, cell, 0, self.low[cell])
            forced[row, : len(before)] = before
        write = np.array([(part, cell - first) for part, cell in picks], np.float32)
        written = runtime.run(
            "composer", again=True, **self._inputs(first, last), write=write[None], uniform=uniform[None],
            forced=forced[None], bias=bias[None], heat=heat.of(picks)[None],
        )[0]  # fmt: skip
        for row, (part, cell) in enumerate(picks):
            after = self._kept(part, cell, self.high[cell], SLOTS)
            new = np.rint(written[row]).astype(np.int16)
            count = int((new[:, SLOT] >= 0).sum())
            new[count : count + len(after)] = after[: NOTES - count]
            self.tokens[part, cell] = new
            self.known[part, cell] = self.written[part, cell] = True

    def _inputs(self, first: int, last: int) -> dict[str, np.ndarray]:
        """What the model is told of a window; unknown cells are empty."""
        part = np.s_[:, first:last]
        known = self.known[part]
        arrays = {
            "notes": np.where(known[..., None, None], self.tokens[part], -1),
            "known": known,
            "recall": self.recall[part],
            "likeness": self.likeness[part],
            "harmony": self.harmony[first:last],
            "time": self._time[first:last],
            "style": self._style,
            "controls": control_features({name: value[part] for name, value in self.aims.items()}),
        }
        return {name: np.ascontiguousarray(array[None], np.float32) for name, array in arrays.items()}

    def _draws(self, part: int, cell: int) -> np.ndarray:
        return cell_draws(self.seed, DEFAULT_STEMS[part], cell, DRAWS).reshape(NOTES, FIELDS + 1)

    def _kept(self, part: int, cell: int, low: int, high: int) -> np.ndarray:
        """The notes to keep of a cell that the span cuts, from slot `low` up to `high`."""
        tokens: np.ndarray = self.tokens[part, cell]
        return tokens[(tokens[:, SLOT] >= low) & (tokens[:, SLOT] < high)]

    def notes(self, part: int, first: int, last: int) -> list[Note]:
        """The notes that were written into a part's cells from `first` up to `last`."""
        tokens = np.where(self.written[part, first:last, None, None], self.tokens[part, first:last], -1)
        slots = tokens[..., SLOT]
        ours = (slots >= self.low[first:last, None]) & (slots < self.high[first:last, None])
        tokens = np.where(ours[..., None], tokens, -1)
        cells = np.flatnonzero(ours.any(axis=1))
        softness = np.zeros((last - first, NOTES), np.float32)
        for cell in cells:
            softness[cell] = self._draws(part, first + int(cell))[:, FIELDS]
        return notes_of(CELL_PARTS[part], tokens, self.grid.cut(first, last), softness)

    def reopen(self, part: int, first: int, last: int) -> None:
        """Forget what was written into a part's cells from `first` up to `last`."""
        cells = np.s_[part, first:last]
        self.known[cells] &= ~self.written[cells]
        self.written[cells] = False

    def show(self, part: int, notes: Sequence[Note], first: int, last: int) -> None:
        """Show the model `notes`, which another composer wrote, in a part's cells from `first` up to `last`."""
        tokens = cells_of(Score(tuple(notes)), self.grid)
        self.tokens[part, first:last] = tokens[part, first:last]
        self.known[part, first:last] = True
        self.written[part, first:last] = False


def _rooms(grid: CellGrid, start: Fraction, end: Fraction) -> tuple[np.ndarray, np.ndarray]:
    """The first slot of each cell that may be written and the one after the last, [K] each; no slot where equal."""
    low, high = np.zeros(grid.cells, int), np.zeros(grid.cells, int)
    for cell, (begin, length) in enumerate(zip(grid.starts, grid.lengths, strict=True)):
        low[cell] = min(max(ceil((start - begin) * SLOTS), 0), SLOTS)
        high[cell] = max(ceil((min(begin + length, end) - begin) * SLOTS), 0)
    return low, np.maximum(high, low)
