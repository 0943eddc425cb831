"""Chords as the corpora write them (Harte's syntax, MusicXML kinds, scale degrees) in the app's own names."""

from __future__ import annotations

import re
from typing import Final

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.score.chords import NOTE_NAMES, parse_chord

MUSICXML: Final[dict[str, str]] = {
    "major": "", "minor": "m", "dominant": "7", "major-seventh": "maj7", "minor-seventh": "m7", "diminished": "dim",
    "diminished-seventh": "dim7", "augmented": "aug", "augmented-seventh": "aug7", "half-diminished": "m7b5",
    "major-sixth": "6", "minor-sixth": "m6", "dominant-ninth": "9", "major-ninth": "maj9", "minor-ninth": "m9",
    "dominant-11th": "11", "dominant-13th": "13", "minor-11th": "m11", "minor-13th": "m13", "maj69": "6/9",
    "suspended-fourth": "sus4", "suspended-second": "sus2", "minor-major": "m(maj7)", "major-minor": "m(maj7)",
    "power": "5", "augmented-ninth": "aug7",
}  # fmt: skip

_MAJOR: Final = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}
_MINOR: Final = _MAJOR | {"III": 3, "VI": 8, "VII": 10}
_DEGREE: Final = re.compile(r"([#b]*)(VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i)(.*)")
# What follows a degree in the progression lists, on a major and on a minor triad.
_ENDINGS: Final[dict[str, tuple[str, str]]] = {
    "": ("", "m"), "7": ("maj7", "m7"), "dom7": ("7", "m7"), "6": ("6", "m6"), "69": ("6/9", "m6/9"),
    "add9": ("add9", "m(add9)"), "dim": ("dim", "dim"), "sus4": ("sus4", "sus4"), "sus2": ("sus2", "sus2"),
    "9": ("maj9", "m9"), "5": ("5", "5"), "-5": ("", "m"),
}  # fmt: skip


def from_harte(text: str, shift: int = 0) -> str | None:
    """ "Gb:maj7/5" -> "F#maj7/C#", `shift` semitones higher; None for "N" and what is no chord ("&pause", "2/4")."""
    try:
        return parse_chord(text).transposed(shift).name
    except HarmonicFlowError:
        return None


def from_musicxml(root: int, kind: str, bass: int | None, shift: int = 0) -> str:
    """(9, "minor-seventh", None) -> "Am7"; an unknown kind is taken as the major triad."""
    below = "" if bass is None else f"/{NOTE_NAMES[bass % 12]}"
    return parse_chord(NOTE_NAMES[root % 12] + MUSICXML.get(kind, "") + below).transposed(shift).name


def from_degree(text: str, tonic: int, minor: bool) -> str:
    """ "bVIIM", "iim7", "Vsus4" of a key -> the chord's name; upper case is major, lower case minor.

    Degrees without an accidental are those of the major or of the natural minor scale. Raises ValueError.
    """
    match = _DEGREE.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not a scale degree")
    accidental, numeral, ending = match.groups()
    steps = _MINOR if minor and not accidental else _MAJOR
    root = tonic + steps[numeral.upper()] + accidental.count("#") - accidental.count("b")
    is_minor = numeral.islower()
    if ending[:1] in ("M", "m") and not ending.startswith("min"):
        is_minor, ending = ending[0] == "m", ending[1:]
    names = _ENDINGS.get(ending)
    if names is None:
        raise ValueError(f"{text!r} ends in what is not known: {ending!r}")
    return parse_chord(NOTE_NAMES[root % 12] + names[is_minor]).name


def key_name(tonic: int, minor: bool) -> str:
    """(9, True) -> "A minor"."""
    return f"{NOTE_NAMES[tonic % 12]} {'minor' if minor else 'major'}"


def from_harte_key(text: str, shift: int = 0) -> str | None:
    """ "Gb:maj" -> "F# major"; None when it names none."""
    root, _, mode = text.partition(":")
    if mode not in ("maj", "min"):
        return None
    try:
        return key_name(parse_chord(root).root + shift, mode == "min")
    except HarmonicFlowError:
        return None
