"""How a part moves: swing, off-beats, dynamics and micro-timing, beside the spread among people.

Everything is read off the beats at which notes really sound, whoever wrote them, so that a swing written into the grid
and one that lies in the timing are the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import numpy as np

from .pieces import START, VELOCITY, Floats, Piece, nearest_place

Statistics = dict[tuple[str, str, str], list[float]]  # (genre, part, statistic) -> one value a passage

STATISTICS: Final = {
    "swing": "swing ratio, long eighth to short",
    "offbeat": "share of onsets off the beat",
    "velocity_range": "velocities from the 10th to the 90th per cent",
    "timing_ms": "spread of the timing around each place of the beat, ms",
    "density": "onsets a beat",
}
PASSAGE: Final = 8  # bars that one value is taken from
FEWEST: Final = 16  # onsets of a part in a passage before it says anything
FEWEST_EIGHTHS: Final = 6  # off-beat eighths before a swing is believed
EIGHTHS: Final = (0.42, 0.72)  # where in a beat an off-beat eighth lies, rushed straight to a hard shuffle
SAME: Final = 1 / 48  # beats: notes this close are one onset
FEWEST_PASSAGES: Final = 4  # of a genre and part before people have a spread
PLAYED: Final = {"timing_ms": 0.5, "velocity_range": 1.0}
"""Below these a part was entered on a grid, not played: it says nothing about how people play."""
WITHIN: Final = 2.0  # standard deviations
LEAST_SPREAD: Final = {"swing": 0.05, "offbeat": 0.03, "velocity_range": 4.0, "timing_ms": 1.5, "density": 0.1}
"""Differences that nobody hears; a genre of few players does not forbid them."""


def statistics(piece: Piece, name: str) -> dict[str, float]:
    """The statistics of one part of a passage; without those it has too few notes for."""
    part, played = piece.part(name), np.sort(piece.played(name))
    onsets = played[np.concatenate([[True], np.diff(played) > SAME])] if len(played) else played
    if len(onsets) < FEWEST:
        return {}
    out = {
        "offbeat": float(np.mean(np.abs(onsets - np.round(onsets)) > 1 / 8)),
        "velocity_range": float(np.subtract(*np.percentile(part[:, VELOCITY], (90, 10)))),
        "timing_ms": timing_spread_ms(piece, onsets),
        "density": len(onsets) / piece.beats,
    }
    ratio = swing_ratio(onsets)
    return out if ratio is None else out | {"swing": ratio}


def swing_ratio(onsets: Floats) -> float | None:
    """Long eighth to short, 1 straight, 2 a triplet shuffle; None with too few off-beat eighths."""
    inside = onsets - np.floor(onsets)
    eighths = inside[(inside >= EIGHTHS[0]) & (inside <= EIGHTHS[1])]
    if len(eighths) < FEWEST_EIGHTHS:
        return None
    long = float(np.median(eighths))
    return long / (1 - long)


def timing_spread_ms(piece: Piece, onsets: Floats) -> float:
    """The standard deviation of an even spread (from the quartiles) around the median of each place of the beat."""
    place = nearest_place(onsets)
    late_ms = 1000 * (onsets - place) * piece.beat_s(np.maximum(place, 0.0))
    kind = np.round((place - np.floor(place)) * 12).astype(int)
    rest = np.concatenate([late_ms[kind == one] - np.median(late_ms[kind == one]) for one in np.unique(kind)])
    return float(np.subtract(*np.percentile(rest, (75, 25))) / 1.349)


def passages(piece: Piece) -> Iterable[Piece]:
    """The piece in stretches of eight bars."""
    for first in range(0, len(piece.bars) - 1 - PASSAGE // 2, PASSAGE):
        yield piece.cut(first, PASSAGE)


def gather(pieces: Iterable[Piece], human_only: bool = False) -> Statistics:
    """Every passage's statistics by genre, part and name; pieces without a genre are left out."""
    out: Statistics = defaultdict(list)
    for piece in pieces:
        if piece.genre is None:
            continue
        names = piece.human if human_only else tuple(piece.parts)
        for passage in passages(piece):
            for name in names:
                for statistic, value in statistics(passage, name).items():
                    if not human_only or value >= PLAYED.get(statistic, 0.0):
                        out[piece.genre, name, statistic].append(value)
    return out


def compare(people: Statistics, others: Statistics) -> list[dict[str, object]]:
    """A row for each genre, part and statistic that people have a spread of and the others play at all."""
    rows: list[dict[str, object]] = []
    for where, values in sorted(people.items()):
        if len(values) < FEWEST_PASSAGES or not others.get(where):
            continue
        mean, spread = float(np.mean(values)), max(float(np.std(values, ddof=1)), LEAST_SPREAD[where[2]])
        other = float(np.mean(others[where]))
        rows.append({
            "genre": where[0], "part": where[1], "statistic": where[2], "people": round(mean, 4),
            "spread": round(spread, 4), "passages": len(values), "value": round(other, 4),
            "off_by": round((other - mean) / spread, 3), "inside": abs(other - mean) <= WITHIN * spread,
        })  # fmt: skip
    return rows


def inside(rows: list[dict[str, object]], statistic: str | None = None, part: str | None = None) -> float | None:
    """The share of rows within two standard deviations of people's mean."""
    kept = [
        bool(row["inside"]) for row in rows if statistic in (None, row["statistic"]) and part in (None, row["part"])
    ]  # fmt: skip
    return float(np.mean(kept)) if kept else None


def mechanical(piece: Piece) -> Piece:
    """The control: every note on its place of the grid, all equally loud."""
    from dataclasses import replace

    parts = {}
    for name, part in piece.parts.items():
        flat = part.copy()
        flat[:, START] = np.round(piece.played(name) * 4) / 4
        flat[:, VELOCITY], flat[:, -1] = 90, 0.0
        parts[name] = flat
    return replace(piece, parts=parts)
