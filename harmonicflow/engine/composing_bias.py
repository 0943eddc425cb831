"""Steering of where notes fall: biases of the slots' logits, and what else follows from the notes already there.

Follow: the bass plays where the kick does, or another part. Answer: guitar and piano leave room where the part to
be answered sounds and play where it rests. Swing: straight or triplet places are preferred; the exact place is given
to the notes afterwards (score.groove).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from harmonicflow.core.instruments import drum_class
from harmonicflow.score.aims import REACH
from harmonicflow.score.cell_features import DENSITY_SCALE
from harmonicflow.score.cells import CELL_PARTS, DURATION, DURATIONS, PLACE, SLOT, SLOTS, Floats
from harmonicflow.score.form import FormBar
from harmonicflow.score.steering import Steering
from harmonicflow.score.typical import SPREAD, typical

from .composing_desk import Cell, Desk

FOLLOW: Final = 2.5  # logits, up where the other part has an onset and down where it has none
ANSWER: Final = 2.0  # down where the other part sounds; half of it up where it rests
SWING: Final = 2.5  # down where swing has no place
URGE: Final = 4.0  # down for the end of a cell, where a part has been silent too long
BASS, DRUMS = CELL_PARTS.index("bass"), CELL_PARTS.index("drums")
ANSWERING: Final = tuple(CELL_PARTS.index(name) for name in ("guitar", "piano"))
KICK: Final = drum_class(36)
STRAIGHT_ONLY, SWUNG_ONLY = (3, 9), (2, 4, 8, 10)  # slots of sixteenths, slots of triplets
END: Final = SLOTS


class Bias:
    """The biases of one request. `follow` and `lead` are rows of parts, None for nothing asked."""

    def __init__(self, desk: Desk, steering: Steering, genre: str) -> None:
        self.desk, self.steering, self.genre = desk, steering, genre
        self.follow = CELL_PARTS.index(steering.follow) if steering.follow in CELL_PARTS else None
        self.lead = CELL_PARTS.index(steering.answer) if steering.answer in CELL_PARTS else None
        self.urged: int | None = None  # the part that has been silent too long

    def order(self, parts: Sequence[int]) -> list[int]:
        """The parts in the order in which they are written: who is followed or answered comes first."""
        first = [part for part in (self.lead, self.follow) if part is not None and part in parts]
        usual = [DRUMS, BASS, *(part for part in range(len(CELL_PARTS)) if part not in (DRUMS, BASS))]
        return list(dict.fromkeys(part for part in (*first, *usual) if part in parts))

    def answers(self, picks: Sequence[Cell]) -> list[tuple[int, int]]:
        """The parts among those of `picks` that answer another, and which."""
        parts = sorted({part for part, _ in picks} & set(ANSWERING))
        return [(part, self.lead) for part in parts if self.lead is not None and part != self.lead]

    def of(self, picks: Sequence[Cell]) -> Floats:
        """Biases [M, 13] of the cells to write."""
        return np.stack([self._one(part, cell) for part, cell in picks]).astype(np.float32)

    def _one(self, part: int, cell: int) -> np.ndarray:
        out = np.zeros(SLOTS + 1)
        if self.follow is not None and part == BASS and self.desk.known[self.follow, cell]:
            struck = self._struck(self.follow, cell)
            out[:SLOTS] += np.where(struck, FOLLOW, -FOLLOW)
        if self.lead is not None and part in ANSWERING and part != self.lead and self.desk.known[self.lead, cell]:
            sounding = self._sounding(self.lead, cell)
            out[:SLOTS] += np.where(sounding, -ANSWER, ANSWER / 2)
            out[END] += 0.0 if sounding.any() else -ANSWER / 2
        if self.steering.swing is not None and not self.desk.grid.compound[cell]:
            if self.steering.swing <= 1 / 3:
                out[list(SWUNG_ONLY)] -= SWING
            elif self.steering.swing >= 2 / 3:
                out[list(STRAIGHT_ONLY)] -= SWING
        if part == self.urged and self.desk.grid.beat[cell] % 2 == 0:
            out[END] -= URGE
        return out

    def _struck(self, part: int, cell: int) -> np.ndarray:
        """The slots [12] in which a part has onsets: of the drums, the kick."""
        tokens = self.desk.tokens[part, cell]
        rows = tokens[tokens[:, SLOT] >= 0]
        rows = rows[rows[:, PLACE] == KICK] if part == DRUMS else rows
        return np.isin(np.arange(SLOTS), rows[:, SLOT])

    def _sounding(self, part: int, cell: int) -> np.ndarray:
        """The slots [12] in which a part sounds; notes of the two cells before may still ring. Drums: the stroke."""
        out = np.zeros(3 * SLOTS, bool)
        for back in (2, 1, 0):
            if cell < back:
                continue
            for row in self.desk.tokens[part, cell - back]:
                if row[SLOT] >= 0:
                    start = (2 - back) * SLOTS + int(row[SLOT])
                    out[start : start + (2 if part == DRUMS else DURATIONS[row[DURATION]])] = True
        return out[2 * SLOTS :]

    def aim(self, bars: Sequence[FormBar], parts: Sequence[int]) -> None:
        """Tell the parts that follow or answer how dense they are to be in these bars, unless the musician has said."""
        for bar in bars:
            cells = slice(*bar.cells)
            for part in parts:
                name = CELL_PARTS[part]
                if self.steering.share("density", name) is not None:
                    continue
                if part == BASS and self.follow is not None and self.desk.known[self.follow, cells].all():
                    self.desk.aims["density"][part, cells] = _density(self._onsets(self.follow, bar), name)
                lead = self.lead
                if part in ANSWERING and lead is not None and lead != part and self.desk.known[lead, cells].all():
                    busy = _density(self._onsets(lead, bar), CELL_PARTS[lead])
                    middle = typical("density", name, self.genre)
                    aim = middle + 2 * REACH * SPREAD["density"][name] * (0.5 - busy)
                    self.desk.aims["density"][part, cells] = min(max(aim, 0.02), 0.98)

    def _onsets(self, part: int, bar: FormBar) -> float:
        """Onsets a beat."""
        return sum(int(self._struck(part, cell).sum()) for cell in range(*bar.cells)) / float(bar.beats)


def _density(onsets: float, part: str) -> float:
    return float(1 - np.exp(-onsets / DENSITY_SCALE[part]))
