"""What cells keep of a score: notes there and back, by part.

A note comes back where one of its pitch (of drums: its class) begins within 50 ms of it, and within a sixteenth of a
beat where that is less.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from harmonicflow.core.constants import DEFAULT_STEMS
from harmonicflow.score.cells import CELL_PARTS, cells_of, grid_of, notes_of
from harmonicflow.score.score import Score

from .pieces import DURATION, SHIFT, START, VELOCITY, Floats, Piece, classes, piece_of, score_of, selection_of

NEAR_S: Final = 0.05
NEAR_BEATS: Final = 1 / 16
FLOOR: Final = 0.97  # note F1 asked for


@dataclass
class Back:
    """Notes of a part, there and back."""

    there: int = 0
    back: int = 0
    matched: int = 0
    late_ms: list[float] = field(default_factory=list)
    louder: list[float] = field(default_factory=list)
    longer: list[float] = field(default_factory=list)  # log2 of the durations' ratio

    @property
    def f1(self) -> float:
        return 2 * self.matched / max(self.there + self.back, 1)

    def figures(self) -> dict[str, float]:
        def size(values: list[float]) -> float:
            return round(float(np.mean(np.abs(values))), 4) if values else 0.0

        return {
            "f1": round(self.f1, 4), "timing_ms": size(self.late_ms), "velocity": size(self.louder),
            "duration_octaves": size(self.longer), "notes": self.there,
        }  # fmt: skip


def there_and_back(piece: Piece) -> Piece:
    """The piece after a trip through cells."""
    selection = selection_of(piece)
    grid = grid_of(selection)
    tokens = cells_of(score_of(piece), grid)
    notes = [note for number, name in enumerate(CELL_PARTS) for note in notes_of(name, tokens[number], grid)]
    return piece_of(Score(tuple(notes)), selection, piece)


def late(piece: Piece, beats: float = 1 / 6) -> Piece:
    """The control: every note this much later."""
    moved = {name: part.copy() for name, part in piece.parts.items()}
    for part in moved.values():
        part[:, START] += beats
    return replace(piece, parts=moved)


def compare(pieces: Iterable[tuple[Piece, Piece]]) -> dict[str, dict[str, float]]:
    """Part (and "all") -> figures of (piece, the same piece back)."""
    found = {name: Back() for name in (*DEFAULT_STEMS, "all")}
    for piece, back in pieces:
        for name in DEFAULT_STEMS:
            for row in (found[name], found["all"]):
                _add(row, piece, back, name)
    return {name: row.figures() for name, row in found.items() if row.there}


def _add(row: Back, piece: Piece, back: Piece, name: str) -> None:
    one, other = piece.part(name), back.part(name)
    row.there += len(one)
    row.back += len(other)
    for a, b in match(piece, back, name):
        row.matched += 1
        beat_s = float(piece.beat_s(one[a : a + 1, START])[0])
        row.late_ms.append(1000 * ((other[b, START] - one[a, START]) * beat_s + other[b, SHIFT] - one[a, SHIFT]))
        row.louder.append(other[b, VELOCITY] - one[a, VELOCITY])
        if name != "drums":
            row.longer.append(float(np.log2(other[b, DURATION] / one[a, DURATION])))


def match(piece: Piece, back: Piece, name: str) -> list[tuple[int, int]]:
    """Pairs of notes, each note in one pair at most; among notes of a pitch the order decides."""
    out = []
    kinds, other_kinds = classes(piece.part(name), name), classes(back.part(name), name)
    played, other_played = piece.played(name), back.played(name)
    reach = np.minimum(NEAR_S / piece.beat_s(piece.part(name)[:, START]), NEAR_BEATS) + 1e-6
    for kind in np.unique(kinds):
        mine, theirs = _sorted(kinds, played, kind), _sorted(other_kinds, other_played, kind)
        place = 0
        for note in mine:
            while place < len(theirs) and other_played[theirs[place]] < played[note] - reach[note]:
                place += 1
            if place < len(theirs) and other_played[theirs[place]] <= played[note] + reach[note]:
                out.append((int(note), int(theirs[place])))
                place += 1
    return out


def _sorted(kinds: np.ndarray, played: Floats, kind: int) -> np.ndarray:
    rows = np.flatnonzero(kinds == kind)
    return np.asarray(rows[np.argsort(played[rows], kind="stable")])
