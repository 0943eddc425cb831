"""Repetition and change: how alike bars are at a distance, and what is repeated note for note.

A bar is the set of what is struck at each place of it: (part, place, pitch or drum). Two bars are alike by the F1 of
their sets. A *literal* passage is one of four bars in which every bar is the same set as so many bars before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .pieces import START, Floats, Piece, classes, nearest_place

LAGS: Final = (1, 4, 8, 16)
PASSAGE: Final = 4  # bars
WHOLE: Final = "whole"
FEWEST_BARS: Final = 32  # before a piece has a form
Bar = frozenset[tuple[str, int, int]]


def bars_of(piece: Piece, names: tuple[str, ...]) -> list[Bar]:
    """What is struck in each bar."""
    found: list[set[tuple[str, int, int]]] = [set() for _ in range(len(piece.bars) - 1)]
    for name in names:
        start = nearest_place(np.maximum(piece.played(name), 0.0))
        place = np.clip(np.searchsorted(piece.bars, start + 1e-6, side="right") - 1, 0, len(found) - 1)
        inside = np.round((start - piece.bars[place]) * 12).astype(int)
        for bar, slot, kind in zip(place, inside, classes(piece.part(name), name), strict=True):
            found[bar].add((name, int(slot), int(kind)))
    return [frozenset(bar) for bar in found]


def alike(one: Bar, other: Bar) -> float | None:
    """F1 of two bars' sets; None where both are silent."""
    total = len(one) + len(other)
    return 2 * len(one & other) / total if total else None


def similarity(bars: list[Bar], lag: int) -> float | None:
    """The mean likeness of bars so far apart."""
    found = [value for a, b in zip(bars, bars[lag:], strict=False) if (value := alike(a, b)) is not None]
    return float(np.mean(found)) if found else None


def repeated(bars: list[Bar]) -> tuple[float, int]:
    """The share of passages of four bars that are heard before, note for note, and the longest stretch of bars that is.

    A stretch may overlap the one it repeats: one bar played n times is a repetition of n - 1 bars.
    """
    seen: set[tuple[Bar, ...]] = set()
    again = []
    for first in range(len(bars) - PASSAGE + 1):
        passage = tuple(bars[first : first + PASSAGE])
        if any(passage):
            again.append(passage in seen)
        seen.add(passage)
    return (float(np.mean(again)) if again else 0.0), _longest(bars)


def _longest(bars: list[Bar]) -> int:
    """The longest run of sounding bars equal to those some fixed number of bars before."""
    numbers = {bar: number for number, bar in enumerate(dict.fromkeys(bars))}
    row = np.array([numbers[bar] for bar in bars])
    sounds = np.array([bool(bar) for bar in bars], bool)
    longest = 0
    for lag in range(1, len(row)):
        run = 0
        for same in (row[lag:] == row[:-lag]) & sounds[lag:]:
            run = run + 1 if same else 0
            longest = max(longest, run)
    return longest


def figures(piece: Piece, names: tuple[str, ...]) -> dict[str, float]:
    """Every figure of some parts of a piece taken together."""
    bars = bars_of(piece, names)
    out = {f"lag_{lag}": value for lag in LAGS if (value := similarity(bars, lag)) is not None}
    share, longest = repeated(bars)
    return out | {"repeated": share, "longest": float(longest), "all_of_it": float(longest) / max(len(bars) - 1, 1)}


def gather(pieces: Iterable[Piece], human_only: bool = False) -> dict[str, dict[str, list[float]]]:
    """Part (and "whole", where all four or three play) -> figure -> one value a piece of at least 32 bars."""
    out: dict[str, dict[str, list[float]]] = {}
    for piece in pieces:
        if len(piece.bars) - 1 < FEWEST_BARS:
            continue
        names = tuple(name for name in piece.parts if name in piece.human or not human_only)
        groups: dict[str, tuple[str, ...]] = {
            name: (name,) for name in names if len(piece.part(name)) >= len(piece.bars)
        }
        if len(groups) >= 3:
            groups[WHOLE] = names
        for group, chosen in groups.items():
            for figure, value in figures(piece, chosen).items():
                out.setdefault(group, {}).setdefault(figure, []).append(value)
    return out


def looped(piece: Piece, bars: int = 2) -> Piece:
    """The control: the bars in which most parts and most notes play, over and over."""

    def fullness(first: int) -> tuple[int, int]:
        counts = [_within(part, piece, first, bars).sum() for part in piece.parts.values()]
        return sum(count > 0 for count in counts), int(sum(counts))

    fullest = max(range(len(piece.bars) - bars), key=fullness)
    origin, length = float(piece.bars[fullest]), float(piece.bars[fullest + bars] - piece.bars[fullest])
    parts: dict[str, Floats] = {}
    for name, part in piece.parts.items():
        first = part[_within(part, piece, fullest, bars)].copy()
        first[:, START] -= origin
        copies = []
        for turn in range(int(np.ceil(piece.beats / length))):
            copy = first.copy()
            copy[:, START] += turn * length
            copies.append(copy)
        rows = np.concatenate(copies)
        parts[name] = rows[rows[:, START] < piece.beats]
    return replace(piece, parts=parts)


def _within(part: Floats, piece: Piece, first: int, bars: int) -> NDArray[np.bool_]:
    """Which notes begin in some bars."""
    starts = part[:, START]
    return np.asarray((starts >= float(piece.bars[first])) & (starts < float(piece.bars[first + bars])))
