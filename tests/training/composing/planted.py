"""Pieces whose figures are known because they were planted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.composing.pieces import Piece

Row = tuple[float, float, int, int, float]  # start, duration, pitch, velocity, shift


def piece(parts: dict[str, Sequence[Row]], bars: int, bpm: float = 120.0, **said: object) -> Piece:
    """Bars of 4/4 at one tempo."""
    arrays = {name: np.array(rows, np.float64).reshape(-1, 5) for name, rows in parts.items()}
    beats_s = np.arange(4 * bars + 1) * 60.0 / bpm
    return Piece("planted", arrays, np.arange(bars + 1) * 4.0, beats_s, **said)  # type: ignore[arg-type]


def band(bars: int, seed: int, genre: str | None = "pop", **said: object) -> Piece:
    """Three parts of random notes on the grid of sixteenths, over one chord of C."""
    rng = np.random.default_rng(seed)
    parts: dict[str, list[Row]] = {}
    for name, low, high in (("bass", 30, 45), ("drums", 36, 52), ("piano", 50, 80)):
        starts = np.sort(rng.choice(bars * 16, bars * 9, replace=False)) / 4
        parts[name] = [
            (float(start), 0.25, int(rng.integers(low, high)), int(rng.integers(40, 120)), 0.0) for start in starts
        ]
    chords = ((0.0, 4.0 * bars, "C"),)
    return piece(parts, bars, chords=chords, key="C major", genre=genre, human=tuple(parts), group=str(seed), **said)
