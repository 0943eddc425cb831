"""What a judge of genre is told of a piece: how it is played, nothing of what the request itself says.

Tempo, chords, key and meter are asked for, not composed, so they are left out: a judge that reads the genre off the
tempo would praise any notes. Pitches count from the chord's root.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

import numpy as np

from harmonicflow.core.constants import DEFAULT_STEMS
from harmonicflow.core.instruments import DRUM_CLASSES
from harmonicflow.score.chords import parse_chord

from .groove import swing_ratio, timing_spread_ms
from .pieces import DURATION, PITCH, START, VELOCITY, Floats, Piece, classes, nearest_place

DRUMS: Final = {
    "kick": (0,), "snare": (1, 3), "stick": (2,), "closed": (4, 5), "open": (6,), "toms": (7, 8, 9), "crash": (10, 13),
    "ride": (11, 12), "other": (14, 15),
}  # fmt: skip
STEPS: Final = 16  # places of a bar of four beats; bars of another length are squeezed or stretched onto them
DEGREES: Final = 12

if sorted(number for row in DRUMS.values() for number in row) != list(range(len(DRUM_CLASSES))):
    raise ImportError("every drum class belongs to one row")


def drum_features(piece: Piece) -> Floats:
    """Strokes a bar of each kind of drum at each place, how loud, and the kit's swing and timing."""
    part, kinds = piece.part("drums"), classes(piece.part("drums"), "drums")
    steps, bars = _steps(piece, "drums")
    rows: list[Floats] = []
    for numbers in DRUMS.values():
        chosen = np.isin(kinds, numbers)
        rows.append(np.bincount(steps[chosen], minlength=STEPS) / bars)
        rows.append(np.array([_mean(part[chosen, VELOCITY]) / 127]))
    return np.concatenate([*rows, _movement(piece, "drums")])


def pitched_features(piece: Piece, name: str) -> Floats:
    """Onsets at each place, degrees of the chord, lengths, chords' sizes, register, loudness, swing and timing."""
    part = piece.part(name)
    steps, bars = _steps(piece, name)
    degrees = np.bincount(_degrees(piece, part), minlength=DEGREES) / max(len(part), 1)
    onsets = len(np.unique(np.round(part[:, START] * 12)))
    leaps = np.abs(np.diff(part[:, PITCH])) if len(part) > 1 else np.zeros(1)
    about = [
        _mean(np.log2(np.maximum(part[:, DURATION], 0.05))), len(part) / max(onsets, 1), _mean(part[:, PITCH]) / 12,
        _mean(part[:, VELOCITY]) / 127, float(np.std(part[:, VELOCITY])) / 127 if len(part) else 0.0,
        float(np.mean(leaps == 0)), float(np.mean(leaps <= 2)), float(len(part) > 0),
    ]  # fmt: skip
    return np.concatenate([np.bincount(steps, minlength=STEPS) / bars, degrees, about, _movement(piece, name)])


def features(piece: Piece, names: tuple[str, ...] = DEFAULT_STEMS) -> Floats:
    """All features of the named parts, one row."""
    return np.concatenate(
        [drum_features(piece) if name == "drums" else pitched_features(piece, name) for name in names]
    )


def _steps(piece: Piece, name: str) -> tuple[np.ndarray, int]:
    start = nearest_place(np.maximum(piece.played(name), 0.0))
    bar = np.clip(np.searchsorted(piece.bars, start + 1e-6, side="right") - 1, 0, len(piece.bars) - 2)
    inside = (start - piece.bars[bar]) / np.diff(piece.bars)[bar]
    return np.clip(np.floor(inside * STEPS + 1e-6), 0, STEPS - 1).astype(int), len(piece.bars) - 1


def _movement(piece: Piece, name: str) -> Floats:
    onsets = np.sort(piece.played(name))
    if len(onsets) < 2:
        return np.array([1.0, 0.0, 0.0])
    return np.array([swing_ratio(onsets) or 1.0, timing_spread_ms(piece, onsets) / 10, _triplets(onsets)])


def _triplets(onsets: Floats) -> float:
    place = nearest_place(onsets)
    inside = np.round((place - np.floor(place)) * 12)
    return float(np.mean((inside == 4) | (inside == 8)))


def _degrees(piece: Piece, part: Floats) -> np.ndarray:
    """Semitones of each note above its chord's root; of no chord above C."""
    starts = [span[0] for span in piece.chords]
    roots = [parse_chord(span[2]).root for span in piece.chords]
    at = [bisect_right(starts, start + 1e-6) - 1 for start in part[:, START]]
    root = np.array([roots[place] if place >= 0 else 0 for place in at], int)
    return np.asarray((part[:, PITCH].astype(int) - root) % 12)


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else 0.0
