"""Is anything copied? Passages of two bars that are found literally among the songs that were learned from.

A passage is what a part strikes at each place of two bars, pitches counted from its first note, so that a transposed
copy is a copy; velocities, durations and micro-timing say nothing. Short commonplaces are everybody's: how often the
test split shares passages with the training songs is the measure, not zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from harmonicflow.core.instruments import INSTRUMENTS

from .pieces import PITCH, SHIFT, VELOCITY, Piece, classes, nearest_place, transposed

BARS: Final = 2
FEWEST: Final = {"bass": 8, "drums": 12, "guitar": 8, "piano": 8, "whole": 24}
"""Notes of a passage before it can be somebody's; two held notes belong to nobody."""
WHOLE: Final = "whole"
SPREAD: Final = 2.0  # standard errors that a share may lie over the test split's


def passages(piece: Piece, human_only: bool = False) -> Iterator[tuple[str, bytes]]:
    """(part or "whole", fingerprint) of every stretch of two bars that has notes enough."""
    rows = {}
    for name in piece.parts:
        if name in piece.human or not human_only:
            start = nearest_place(np.maximum(piece.played(name), 0.0))
            order = np.lexsort((piece.part(name)[:, PITCH], start))
            rows[name] = start[order], classes(piece.part(name), name)[order]
    for first in range(len(piece.bars) - BARS):
        low, high = piece.bars[first], piece.bars[first + BARS]
        every: list[np.ndarray] = []
        anchor: int | None = None
        for name in sorted(rows):
            start, kind = rows[name]
            a, b = np.searchsorted(start, (low - 1e-6, high - 1e-6))
            if a == b:
                continue
            slots = np.round((start[a:b] - low) * 12).astype(np.int16)
            kinds = kind[a:b].astype(np.int16)
            if INSTRUMENTS[name].pitched:
                anchor = int(kinds[0]) if anchor is None else anchor
                every.append(np.stack([slots, kinds - anchor]))
                kinds = kinds - kinds[0]
            else:
                every.append(np.stack([slots, kinds]))
            if b - a >= FEWEST[name]:
                yield name, _key(np.stack([slots, kinds]))
        if len(every) >= 3 and sum(rows.shape[1] for rows in every) >= FEWEST[WHOLE]:
            yield WHOLE, b"".join(_key(notes) + b"|" for notes in every)


def _key(notes: np.ndarray) -> bytes:
    return np.unique(notes.T, axis=0).astype(np.int16).tobytes()


@dataclass
class Index:
    """Every passage of the training songs, and of which groups of songs it comes."""

    places: dict[str, dict[bytes, set[str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, pieces: Iterable[Piece]) -> Index:
        index = cls()
        for piece in pieces:
            for part, key in passages(piece):
                index.places.setdefault(part, {}).setdefault(key, set()).add(piece.group)
        return index

    def has(self, part: str, key: bytes) -> bool:
        return key in self.places.get(part, {})

    def shared(self, pieces: Iterable[Piece], human_only: bool = False) -> dict[str, list[tuple[int, int]]]:
        """Part -> (passages found in training, passages) of each piece."""
        out: dict[str, list[tuple[int, int]]] = {}
        for piece in pieces:
            counts: dict[str, list[int]] = {}
            for part, key in passages(piece, human_only):
                found = counts.setdefault(part, [0, 0])
                found[0] += self.has(part, key)
                found[1] += 1
            for part, (found_here, all_here) in counts.items():
                out.setdefault(part, []).append((found_here, all_here))
        return out


def rate(counts: list[tuple[int, int]]) -> tuple[float, float]:
    """The share of passages that are found, and its standard error with songs as the units (a ratio estimate)."""
    if not counts:
        return 0.0, 0.0
    found, total = (np.array(column, np.float64) for column in zip(*counts, strict=True))
    share = float(found.sum() / total.sum())
    rest = found - share * total
    number = len(total)
    error = float(np.sqrt((rest**2).sum() * number / max(number - 1, 1)) / total.sum())
    return share, error


def allowed(counts: list[tuple[int, int]], of_test: list[tuple[int, int]]) -> float:
    """How large a share may be before it lies over the test split's beyond what chance explains."""
    (_, own), (share, error) = rate(counts), rate(of_test)
    return share + SPREAD * float(np.hypot(own, error))


def planted(source: Piece, first_bar: int, rng: np.random.Generator) -> Piece:
    """The control: two bars of a training song, transposed, with another touch and other timing."""
    copied = transposed(source.cut(first_bar, BARS), int(rng.integers(-5, 7)))
    for part in copied.parts.values():
        part[:, VELOCITY] = np.clip(part[:, VELOCITY] + rng.integers(-20, 21, len(part)), 1, 127)
        part[:, SHIFT] += rng.uniform(-0.004, 0.004, len(part))
    return copied
