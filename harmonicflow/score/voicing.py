"""Voice leading: from each chord's possible voicings, the path whose voices move least.

Dynamic programming over the chords (Viterbi); the cost of a step is how far the voices travel, the cost of a voicing is
set by who plays it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeVar

from .chords import Chord

V = TypeVar("V")


def lead(choices: Sequence[Sequence[V]], own: Callable[[int, V], float], move: Callable[[V, V], float]) -> list[V]:
    """One of `choices` for each place, so that own(place, choice) + move(before, now) is least in all."""
    if not choices:
        return []
    totals = [own(0, option) for option in choices[0]]
    came_from: list[list[int]] = []
    for place in range(1, len(choices)):
        froms, costs = [], []
        for option in choices[place]:
            steps = [total + move(before, option) for total, before in zip(totals, choices[place - 1], strict=True)]
            best = min(range(len(steps)), key=steps.__getitem__)
            froms.append(best)
            costs.append(steps[best] + own(place, option))
        came_from.append(froms)
        totals = costs
    at = min(range(len(totals)), key=totals.__getitem__)
    path = [choices[-1][at]]
    for place in range(len(choices) - 2, -1, -1):
        at = came_from[place][at]
        path.append(choices[place][at])
    return path[::-1]


@lru_cache(maxsize=65536)
def travel(before: tuple[int, ...], now: tuple[int, ...]) -> float:
    """Semitones that the voices move, each to the nearest; both ways, so that no voice appears from nowhere."""
    if not before or not now:
        return 0.0
    there = sum(min(abs(a - b) for b in now) for a in before) / len(before)
    back = sum(min(abs(a - b) for b in before) for a in now) / len(now)
    return (there + back) * len(now) / 2


def third(chord: Chord) -> int | None:
    """Semitones from the root to the third, or to what stands in for it."""
    return next((tone for tone in (4, 3, 5, 2, 16, 15) if tone in chord.intervals), None)


def fifth(chord: Chord) -> int | None:
    return next((tone for tone in (7, 6, 8) if tone in chord.intervals), None)


def seventh(chord: Chord) -> int | None:
    """Semitones to the seventh, or to a sixth that colours the chord in its place."""
    return next((tone for tone in (10, 11, 9) if tone in chord.intervals), None)


def colours(chord: Chord) -> tuple[int, ...]:
    """The tones above the seventh, highest first."""
    plain = {0, third(chord), fifth(chord), seventh(chord)}
    return tuple(tone for tone in reversed(chord.intervals) if tone not in plain)


def essential(chord: Chord, size: int, rooted: bool) -> tuple[int, ...]:
    """The `size` pitch classes that say most of a chord: third, seventh, colours, fifth, root (`rooted`: soon)."""
    order = [third(chord), seventh(chord), *colours(chord)[:2], fifth(chord), 0]
    altered = fifth(chord)
    if altered in (6, 8):  # an altered fifth tells more than a colour
        order.insert(2, altered)
    if rooted:
        order.insert(1, 0)
    if seventh(chord) is None and not rooted:
        order.insert(2, 0)
    classes: list[int] = []
    for tone in order:
        if tone is not None and (chord.root + tone) % 12 not in classes:
            classes.append((chord.root + tone) % 12)
    return tuple(classes[:size])


@lru_cache(maxsize=4096)
def closed(classes: tuple[int, ...], low: int, high: int) -> tuple[tuple[int, ...], ...]:
    """Every close position of the pitch classes within [low, high]: all inversions in all octaves."""
    found = []
    ordered = sorted(set(classes))
    for bottom in range(low, high + 1):
        if bottom % 12 not in ordered:
            continue
        pitches = tuple(sorted(bottom + (tone - bottom) % 12 for tone in ordered))
        if pitches[-1] <= high:
            found.append(pitches)
    return tuple(found)


def spread(classes: tuple[int, ...], low: int, high: int) -> tuple[tuple[int, ...], ...]:
    """Close positions with the second voice from the top an octave down (drop 2), within [low, high]."""
    found = []
    for pitches in closed(classes, low + 5, high):
        if len(pitches) >= 4:
            dropped = tuple(sorted((*pitches[:-2], pitches[-2] - 12, pitches[-1])))
            if dropped[0] >= low:
                found.append(dropped)
    return tuple(found)
