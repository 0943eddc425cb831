"""Chord progressions for a request that brings no harmony."""

from __future__ import annotations

import re

from .chords import MINOR_NAMES, NOTE_NAMES
from .dice import Dice
from .keys import Key

# Degrees of the scale, one word a bar; lower case is minor. "b" lowers the degree, the rest is the chord's quality.
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
}
_BLUES = {
    "rock": "I7 IV7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7",
    "funk": "I9 I9 I9 I9 IV9 IV9 I9 I9 V9 IV9 I9 V7#9",
    "jazz": "I13 IV9 I13 I7b9 IV9 IV9 I13 VI7b9 ii9 V13 I13,VI7 ii9,V13",
}
_DEGREE = re.compile(r"(b?)(VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i)(.*)")
_ROMAN = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}
_ARRANGED = ("rock", "pop", "funk", "jazz")


def default_chords(key: Key, genre: str, bars: int, seed: int) -> str:
    """A progression of `bars` bars in `key`, written as `parse_progression` reads it. A genre of `ARRANGED_GENRES`.

    Eight bars and more get an answering second half; twelve bars in a major key may be a blues.
    """
    dice = Dice(seed, "harmony")
    options = _PROGRESSIONS[genre if genre in _ARRANGED else "pop", key.mode]
    first = dice.pick(options, "first").split()
    second = dice.pick(options, "second").split()
    cells = [*first, *first, *second, *first] if bars >= 16 else [*first, *second] if bars >= 8 else first
    if key.mode == "major" and bars % 12 == 0 and genre in _BLUES and dice.chance(0.6, "blues"):
        cells = _BLUES[genre].split()
    named = [" ".join(_chord(word, key) for word in cell.split(",")) for cell in cells]
    return " | ".join(named[number % len(named)] for number in range(bars))


def _chord(word: str, key: Key) -> str:
    """The chord of one degree: "bVII9" in A major is "G9"."""
    match = _DEGREE.fullmatch(word)
    if match is None:
        raise ValueError(f"{word!r} is no degree")
    flat, numeral, quality = match.groups()
    root = (key.tonic + _ROMAN[numeral.upper()] - (flat == "b")) % 12
    minor = numeral.islower() and not quality.startswith("m")
    return (MINOR_NAMES if numeral.islower() else NOTE_NAMES)[root] + ("m" if minor else "") + quality
