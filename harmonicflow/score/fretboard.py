"""The guitar's neck: which chord shapes a hand can hold, and the cheapest one after another.

Six strings in standard tuning, a capo nowhere. A shape frets at most four fingers' worth of notes (a barre counts as
one) within four frets; open strings are free where the hand is low on the neck.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import NamedTuple

from .chords import Chord
from .voicing import colours, fifth, seventh, third

TUNING = (40, 45, 50, 55, 59, 64)
HIGHEST_FRET = 14
SPAN = 4  # frets between the lowest and the highest finger


class Kind(NamedTuple):
    """One way to hold chords: the lowest strings it may start on, how many strings, where on the neck."""

    starts: tuple[int, ...]
    strings: tuple[int, ...]  # string counts
    low_fret: int
    high_fret: int
    open_strings: bool
    rooted: bool  # the lowest note is the root or the bass
    home: float  # fret around which it is cheapest


SHAPES: dict[str, Kind] = {
    "open": Kind((0, 1, 2), (4, 5, 6), 1, 9, True, True, 1.0),
    "top": Kind((2, 3), (3, 4), 3, 12, False, False, 7.0),
    "shell": Kind((1,), (3,), 2, 10, False, False, 5.0),
}


class Shape(NamedTuple):
    """A chord on the neck: pitches from the lowest string up, the hand's fret, and how well it says the chord."""

    pitches: tuple[int, ...]
    fret: float
    cost: float


@lru_cache(maxsize=4096)
def shapes(chord: Chord, kind: str) -> tuple[Shape, ...]:
    """Every playable shape of a chord, the best thirty; never empty."""
    if kind == "power":
        return _power(chord)
    row = SHAPES[kind]
    found: list[Shape] = []
    for start in row.starts:
        for count in row.strings:
            strings = tuple(range(start, min(start + count, 6)))
            if len(strings) == count and (kind != "open" or strings[-1] == 5):
                found += _on(chord, strings, row)
    best: dict[tuple[int, ...], Shape] = {}
    for shape in sorted(found, key=lambda shape: shape.cost, reverse=True):
        best[shape.pitches] = shape
    return tuple(sorted(best.values(), key=lambda shape: (shape.cost, shape.pitches))[:30]) or _power(chord)


def _on(chord: Chord, strings: tuple[int, ...], row: Kind) -> list[Shape]:
    classes = chord.pitch_classes
    found = []
    for position in range(row.low_fret, row.high_fret + 1):
        frets = [fret for fret in range(position, position + SPAN) if fret <= HIGHEST_FRET]
        if row.open_strings and position <= 3:
            frets = [0, *frets]
        choices = [[fret for fret in frets if (TUNING[string] + fret) % 12 in classes] for string in strings]
        for held in product(*choices):
            shape = _shape(chord, strings, held, row)
            if shape is not None:
                found.append(shape)
    return found


def _shape(chord: Chord, strings: tuple[int, ...], held: tuple[int, ...], row: Kind) -> Shape | None:
    pitches = tuple(TUNING[string] + fret for string, fret in zip(strings, held, strict=True))
    fretted = [fret for fret in held if fret]
    if not _playable(held, fretted) or list(pitches) != sorted(set(pitches)):
        return None
    bottom = pitches[0] % 12
    if row.rooted and bottom not in (chord.root, chord.bass_class):
        return None
    sounding = {pitch % 12 for pitch in pitches}
    cost = _missing(chord, sounding) + (0.0 if not row.rooted or bottom == chord.bass_class else 1.0)
    hand = sum(fretted) / len(fretted) if fretted else 0.0
    cost += 0.25 * abs(hand - row.home) + 0.3 * (6 - len(strings)) + (0.1 * len(fretted) if row.open_strings else 0)
    cost += 0.8 * sum(b - a < 3 for a, b in zip(pitches[:-1], pitches[1:], strict=True))  # rubbing seconds
    return Shape(pitches, hand, cost)


def _playable(held: tuple[int, ...], fretted: list[int]) -> bool:
    """Whether four fingers hold these frets; a barre at the lowest fret takes one finger and leaves no string open."""
    if not fretted:
        return True
    low = min(fretted)
    if max(fretted) - low > SPAN:
        return False
    above = sum(fret > low for fret in fretted)
    at_low = len(fretted) - above
    first = held.index(low)
    barred = at_low == 1 or 0 not in held[first:]
    return above + (1 if barred else at_low) <= 4


def _missing(chord: Chord, sounding: set[int]) -> float:
    """How much of the chord's meaning a shape leaves out."""
    cost = 0.0
    for tone, weight in ((third(chord), 8.0), (seventh(chord), 6.0), (0, 2.5), (fifth(chord), 1.5)):
        if tone is not None and (chord.root + tone) % 12 not in sounding:
            cost += weight * (3.0 if tone in (6, 8) else 1.0)
    return cost + sum(2.0 for tone in colours(chord) if (chord.root + tone) % 12 not in sounding)


def _power(chord: Chord) -> tuple[Shape, ...]:
    """Root, fifth and octave on the low strings; an altered fifth is left out."""
    found = []
    for string in (0, 1):
        fret = (chord.root - TUNING[string]) % 12
        root = TUNING[string] + fret
        pitches = (root, root + 7, root + 12) if fifth(chord) == 7 else (root, root + 12)
        if fret <= 10:
            found.append(Shape(pitches, float(fret), 0.15 * fret))
    return tuple(found)
