"""The form of music whose sections nobody named, in whole bars: a pure function of genre, length and seed.

Below sixteen bars: A B, A A B or A A B A in fours. From sixteen on: named sections, by what is usual in the genre. A
shape lists its sections in order and how it grows: with every four bars more there is room for one more step. The last
section is an outro, in whose last bar the band stops together.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from .dice import Dice

NAMED_FROM: Final = 16  # bars
_UNIT: Final = 4  # bars
_OUTRO: Final = 2  # bars of an outro that there was no room for
_TWELVE: Final = 12


class Shape(NamedTuple):
    """Sections in order; "place:units" that are added while they fit; where the rest goes; what comes again."""

    sections: str
    grow: str
    spare: str
    again: tuple[int, int]  # first place and the one after the last, in pieces longer than all of `grow`


_SONG = Shape(
    "intro verse prechorus chorus verse prechorus chorus solo bridge break chorus outro",
    "1:2 3:2 | 0:1 | 11:1 | 8:1 10:1 | 10:1 | 8:1 | 4:2 6:2 | 2:1 5:1 | 7:2 | 9:1",
    "2:1 7:2 9:1 0:1 11:1",
    (4, 8),
)
_HARD = Shape(  # a riff, and a solo before the last chorus
    "intro verse chorus verse chorus bridge solo break chorus outro",
    "1:2 2:2 | 0:1 | 9:1 | 6:1 8:1 | 0:1 | 6:1 | 8:1 | 3:2 4:2 | 7:1 | 5:2",
    "5:1 7:1 9:1 6:2",
    (3, 7),
)
_JAM = Shape(  # one groove, verses and solos on it, and a break
    "intro verse chorus verse solo break chorus solo outro",
    "1:2 2:2 | 0:1 | 8:1 | 5:1 6:1 | 4:2 | 3:2 | 6:1 | 0:1 | 7:4",
    "5:1 6:1 8:1 4:2",
    (3, 7),
)
_HEAD = Shape(  # a tune of two verses, a bridge and a verse; solos on it; the tune again
    "intro verse verse bridge verse solo solo bridge verse outro",
    "1:2 3:2 | 0:1 | 9:1 | 4:2 | 2:2 | 5:4 | 7:2 8:2 | 6:4",
    "9:1 5:1 6:2 0:1",
    (5, 8),
)
_CLUB = Shape(  # tension and release: builds, drops, breakdowns
    "intro verse prechorus chorus break verse prechorus chorus outro",
    "1:1 3:2 | 0:1 | 4:1 7:1 | 8:1 | 1:1 | 7:1 | 0:1 8:1 | 2:1 6:1 | 5:2 | 3:2 7:2 | 4:1",
    "2:1 4:1 8:1 0:1",
    (4, 8),
)
_RAP = Shape(  # sixteen bars of verse
    "intro verse chorus verse chorus break verse chorus outro",
    "1:2 2:1 | 0:1 | 1:2 | 2:1 | 8:1 | 3:4 4:2 | 5:1 7:2 | 6:4",
    "5:1 8:1 0:1 4:1",
    (3, 5),
)
_SHAPES: Final[dict[str, tuple[Shape, ...]]] = {
    "rock": (_SONG, _HARD), "pop": (_SONG,), "funk": (_JAM, _SONG), "jazz": (_HEAD,), "latin": (_JAM, _SONG),
    "soul": (_SONG,), "hiphop": (_RAP,), "blues": (), "reggae": (_JAM, _SONG), "country": (_SONG,),
    "afrobeat": (_JAM,), "electronic": (_CLUB,), "metal": (_HARD,),
}  # fmt: skip
_LETTERS: Final = ("AB", "AAB", "AABA")


def invented(genre: str, bars: int, seed: int) -> tuple[tuple[str, int], ...]:
    """Sections as (name, bars) that fill `bars` bars; at least one bar."""
    dice = Dice(seed, "form")
    if bars < NAMED_FROM:
        return _lettered(bars, dice)
    shapes = _SHAPES[genre]
    found = _grown(dice.pick(shapes, "shape"), bars) if shapes else _choruses(bars, dice)
    if found[-1][0] != "outro":
        name, length = found[-1]
        found = [*found[:-1], (name, length - _OUTRO), ("outro", _OUTRO)]
    return tuple(found)


def plain_name(name: str) -> str:
    """A section's name without its number: "Chorus 2" is a chorus."""
    return name.lower().strip("0123456789 '")


def _lettered(bars: int, dice: Dice) -> tuple[tuple[str, int], ...]:
    count = max(bars // 4 if bars % 4 == 1 else -(-bars // 4), 1)  # one bar alone is no section
    letters = "AB" if count == 2 else dice.pick(_LETTERS, "letters")
    lengths = [4] * (count - 1) + [bars - 4 * (count - 1)]
    return tuple((letters[place % len(letters)], length) for place, length in enumerate(lengths))


def _grown(shape: Shape, bars: int) -> list[tuple[str, int]]:
    """A shape grown to a length."""
    names = shape.sections.split()
    units, left = [0] * len(names), bars // _UNIT
    for step in shape.grow.split("|"):
        added = [_pair(word) for word in step.split()]
        if sum(count for _, count in added) > left:
            break
        for place, count in added:
            units[place] += count
        left -= sum(count for _, count in added)
    for place, count in map(_pair, shape.spare.split()):
        if count <= left and (units[place] == 0 or place in (0, len(names) - 1)):
            units[place] += count
            left -= count
    low, high = shape.again
    cycle = [(name, count) for name, count in zip(names[low:high], units[low:high], strict=True) if count]
    middle: list[tuple[str, int]] = []
    while cycle and left > 1:
        name, count = cycle[len(middle) % len(cycle)]
        middle.append((name, min(count, left)))
        left -= min(count, left)
    whole = list(zip(names, units, strict=True))
    placed = [(name, count * _UNIT) for name, count in (*whole[:high], *middle, *whole[high:]) if count]
    name, length = placed[-1]
    return [*placed[:-1], (name, length + left * _UNIT + bars % _UNIT)]


def _pair(word: str) -> tuple[int, int]:
    place, count = word.split(":")
    return int(place), int(count)


def _choruses(bars: int, dice: Dice) -> list[tuple[str, int]]:
    """Blues choruses of twelve bars after an introduction of four if there is room, sung, soloed and sung again."""
    rest = bars % _TWELVE
    intro = 4 if rest >= 4 else 0
    count = bars // _TWELVE
    names = ["verse"] * count
    for place in range(1, count - 1):
        names[place] = "solo" if place % 3 == 2 or (place == 1 and dice.chance(0.5, "solo")) else "verse"
    if count > 1:
        names[-1] = "chorus"
    found = [("intro", intro)] * (intro > 0) + [(name, _TWELVE) for name in names]
    return [*found, ("outro", rest - intro)] if rest > intro + 1 else _longer(found, rest - intro)


def _longer(found: list[tuple[str, int]], bars: int) -> list[tuple[str, int]]:
    name, length = found[-1]
    return [*found[:-1], (name, length + bars)]
