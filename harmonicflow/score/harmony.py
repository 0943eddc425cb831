"""Chord progressions for a request that brings no harmony."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import exp

from harmonicflow.core.constants import GENRES

from .chords import MINOR_NAMES, NOTE_NAMES
from .dice import Dice
from .keys import MODES, Key
from .sections import NAMED_FROM, invented

# Degrees of the scale, one word a bar; lower case is minor. "b" lowers and "#" raises the degree, the rest is
# the chord's quality.
_PROGRESSIONS: dict[tuple[str, str], tuple[str, ...]] = {
    ("rock", "major"): ("I I IV V", "I V vi IV", "I bVII IV I", "I IV I V", "vi IV I V", "I bVII bVI V"),
    ("rock", "minor"): ("i bVII bVI bVII", "i bVI bVII i", "i bIII bVII IV", "i i bVI bVII", "i iv bVI V"),
    ("pop", "major"): ("I V vi IV", "vi IV I V", "I vi IV V", "IV I V vi", "I iii IV V", "Iadd9 vi7 IVmaj7 V7sus4"),
    ("pop", "minor"): ("i bVI bIII bVII", "i bVII bVI V", "i iv bVI bVII", "i7 bVImaj7 iv7 v7"),
    ("funk", "major"): ("I9 I9 IV9 IV9", "I7 I7 I7 IV9", "ii9 V13 ii9 V13", "I7#9 I7#9 bVII9 IV9"),
    ("funk", "minor"): ("i9 i9 i9 IV13", "i7 i7 iv9 iv9", "i9 IV9 i9 IV9", "i7 bVII13 bVI9 V7#9"),
    ("jazz", "major"): (
        "Imaj7 vi7 ii7 V7",
        "ii9 V13 Imaj9 VI7b9",
        "Imaj7 ii7,V7 iii7,VI7b9 ii7,V13",
        "ii7 V7 Imaj7 Imaj7",
        "Imaj7 IVmaj7 iii7,VI7 ii7,V7",
    ),
    ("jazz", "minor"): (
        "i6 iim7b5,V7b9 i6 V7#9",
        "i7 iim7b5,V7b9 i6 i6",
        "i9 iv9 iim7b5 V7b9",
        "i6 bVImaj7 iim7b5 V7#9",
    ),
    ("latin", "major"): (
        "Imaj9 II7 ii9 V13",  # a bossa's second degree as a dominant
        "I6 vi7 ii7 V7",
        "I IV V IV",  # guajira
        "Imaj7 bIIIdim7 ii7 V9",
        "ii7 V7 Imaj7 VI7b9",
    ),
    ("latin", "minor"): (
        "i iv V7 i",
        "i7 bVII bVI V7",  # the Andalusian cadence
        "i V7 V7 i",
        "i7 IV7 i7 IV7",
        "iv7 bVII7 bIIImaj7 V7b9",
        "i9 iim7b5 V7b9 i9",
    ),
    ("soul", "major"): (
        "I vi7 ii7 V7sus4",
        "Imaj7 iii7 IVmaj7 V9sus4",
        "I I7 IV iv6",
        "I IV,I ii7 V7",
        "IVmaj7 iii7 ii7 Imaj7",
        "Iadd9 III7 vi7 IVmaj7",
    ),
    ("soul", "minor"): ("i7 iv9 i7 v7", "i9 bVImaj7 iv9 V7#9", "i7 bVII bVImaj7 v7", "i i7 iv7 bVII9"),
    ("hiphop", "major"): ("Imaj9 vi9 Imaj9 vi9", "ii9 Imaj7 ii9 Imaj7", "IVmaj7 iii7 IVmaj7 iii7", "I6 I6 ii7 ii7"),
    ("hiphop", "minor"): (
        "i9 i9 bVImaj7 bVImaj7",
        "i i bVI v7",
        "i7 iv7 i7 iv7",
        "i bVImaj7 iv9 V7",
        "i bIImaj7 i bIImaj7",
    ),
    ("blues", "major"): ("I7 IV7 I7 V7", "I7 I7 IV7 I7", "I7,VI7 II7 V7 I7"),
    ("blues", "minor"): ("i7 iv7 i7 V7", "i7 i7 iv7 i7", "i7 bVI7 V7 i7"),
    ("reggae", "major"): ("I I IV IV", "I V vi IV", "I ii I ii", "I IV V IV", "I iii ii V"),
    ("reggae", "minor"): ("i i iv iv", "i bVII i bVII", "i iv bVII bIII", "i v7 i v7", "i bVI bVII i"),
    ("country", "major"): ("I IV I V7", "I I V7 I", "I IV V7 I", "I V7 V7 I", "I I7 IV V7", "I vi IV V7", "I II7 V7 I"),
    ("country", "minor"): ("i bVII i V7", "i iv i V7", "i bVI bIII bVII", "i bIII bVII i"),
    ("afrobeat", "major"): ("I IV V IV", "I I IV V", "I9 I9 I9 I9", "I V IV V", "I7 I7 IV7 I7"),
    ("afrobeat", "minor"): ("i7 i7 i7 i7", "i7 i7 iv7 iv7", "i9 bVII9 i9 bVII9", "i7 IV9 i7 IV9", "i7 v7 i7 v7"),
    ("electronic", "major"): (
        "vi IV I V",
        "IVmaj7 V vi iii7",
        "I V ii7 IV",
        "IVadd9 Iadd9 V vi",
        "Imaj7 Imaj7 IVmaj7 IVmaj7",
    ),
    ("electronic", "minor"): (
        "i bVI bIII bVII",
        "i i bVI bVII",
        "i7 i7 iv7 iv7",
        "i9 bVImaj7 bIIImaj7 v7",
        "bVI bVII i i",
    ),
    ("metal", "major"): ("I bVII IV I", "I bII I bVII", "I I bVI bVII", "I IV bVI V"),
    ("metal", "minor"): (
        "i bVI bVII i",
        "i bII i bVII",
        "i bVI iv V",
        "i i bVII bVI",
        "i bIII bVI bVII",
        "i bII bVII i",
    ),
}
# Twelve bars, by genre and mode.
_TWELVE: dict[tuple[str, str], tuple[str, ...]] = {
    ("rock", "major"): ("I7 IV7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7",),
    ("funk", "major"): ("I9 I9 I9 I9 IV9 IV9 I9 I9 V9 IV9 I9 V7#9",),
    ("jazz", "major"): ("I13 IV9 I13 I7b9 IV9 IV9 I13 VI7b9 ii9 V13 I13,VI7 ii9,V13",),
    ("blues", "major"): (
        "I7 IV7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7",
        "I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7",
        "I7 IV7 I7 I9 IV9 IV9 I7 VI7 II9 V9 I7,IV7 I7,V7",
        "I7 IV9 I7 I7 IV9 #ivdim7 I7 VI7 ii7 V7 I7,VI7 ii7,V7",
    ),
    ("blues", "minor"): (
        "i7 i7 i7 i7 iv7 iv7 i7 i7 bVI7 V7 i7 V7",
        "i7 iv7 i7 i7 iv7 iv7 i7 i7 V7 iv7 i7 V7#9",
    ),
}
# Sections that have the harmony of another.
_LIKE = {"intro": "verse", "solo": "verse", "outro": "chorus", "break": "chorus", "A": "verse", "B": "chorus"}
_DEGREE = re.compile(r"([b#]?)(VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i)(.*)")
_ROMAN = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}

if set(_PROGRESSIONS) != {(genre, mode) for genre in GENRES for mode in MODES}:
    raise ImportError("the progressions and the genre table contradict each other")


def default_chords(key: Key, genre: str, bars: int, seed: int, names: Sequence[str] = (), valence: float = 0.0) -> str:
    """A progression of `bars` bars in `key`, written as `parse_progression` reads it. A genre of `GENRES`.

    Eight bars and more get an answering second half; from sixteen bars on each section of the form has its own, and
    the last bar comes home. `names` are the sections of the bars where they are not the form the genre gets. Twelve
    bars may be a blues, and are one in the blues. `valence` -1..1 prefers dark or bright progressions of the key.
    """
    dice = Dice(seed, "harmony")
    options = _PROGRESSIONS[genre, key.mode]
    named = tuple(names) or tuple(name for name, length in invented(genre, bars, seed) for _ in range(length))
    twelve = _TWELVE.get((genre, key.mode), ())
    if twelve and ((genre == "blues" and bars >= 12) or (bars % 12 == 0 and dice.chance(0.6, "blues"))):
        cells = _turned(dice.pick(twelve, "twelve").split(), named)
    elif bars >= NAMED_FROM:
        cells = _by_section(options, named, dice, valence)
    else:
        first, second = (_drawn(options, dice, valence, name).split() for name in ("first", "second"))
        cells = [*first, *second] if bars >= 8 else first
    if bars >= NAMED_FROM:
        cells = [*(cells[number % len(cells)] for number in range(bars - 1)), _home(options)]
    chords = [" ".join(_chord(word, key) for word in cell.split(",")) for cell in cells]
    return " | ".join(chords[number % len(chords)] for number in range(bars))


def _turned(cells: list[str], named: tuple[str, ...]) -> list[str]:
    """Twelve bars from the end of the introduction on, which has the last of them."""
    intro = next((place for place, name in enumerate(named) if name != "intro"), 0) % 12
    return [*cells[-intro:], *cells[:-intro]] if intro else cells


def _by_section(options: tuple[str, ...], named: tuple[str, ...], dice: Dice, valence: float) -> list[str]:
    """A progression for each section: those of one name share theirs, chorus and bridge have others than the verse."""
    found: dict[str, list[str]] = {}
    cells: list[str] = []
    since = 0
    for place, name in enumerate(named):
        since = since + 1 if place and named[place - 1] == name else 0
        like = _LIKE.get(name, name)
        if like not in found:
            others = tuple(option for option in options if option.split() not in found.values()) or options
            found[like] = _drawn(others, dice, valence, like).split()
        cells.append(found[like][since % len(found[like])])
    return cells


def _drawn(options: tuple[str, ...], dice: Dice, valence: float, *key: object) -> str:
    return dice.weighted(options, [exp(3.0 * valence * _brightness(option)) for option in options], *key)


def _brightness(progression: str) -> float:
    """The share of chords that are major and of the scale less that of minor ones, -1..1."""
    words = progression.replace(",", " ").split()
    return sum(-1.0 if word.lstrip("b#")[0].islower() else 0.0 if word[0] == "b" else 1.0 for word in words) / len(
        words
    )


def _home(options: tuple[str, ...]) -> str:
    """The tonic chord of a genre."""
    words = [word for option in options for word in option.replace(",", " ").split()]
    return next((word for word in words if re.fullmatch(r"[Ii](?![IVXivx]).*", word)), "I")


def _chord(word: str, key: Key) -> str:
    """The chord of one degree: "bVII9" in A major is "G9"."""
    match = _DEGREE.fullmatch(word)
    if match is None:
        raise ValueError(f"{word!r} is no degree")
    sign, numeral, quality = match.groups()
    root = (key.tonic + _ROMAN[numeral.upper()] + {"b": -1, "#": 1}.get(sign, 0)) % 12
    minor = numeral.islower() and not quality.startswith(("m", "dim"))
    return (MINOR_NAMES if numeral.islower() else NOTE_NAMES)[root] + ("m" if minor else "") + quality
