"""Chord names of the corpora (Harte's syntax, MusicXML kinds, scale degrees) in the app's own spelling."""

from __future__ import annotations

import re
from typing import Final

PITCH_NAMES: Final = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_LETTERS: Final = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_MAJOR_SCALE: Final = (0, 2, 4, 5, 7, 9, 11)

# Harte et al. 2005 shorthand; whatever the table does not know falls back to its part before "(".
HARTE: Final[dict[str, str]] = {
    "maj": "", "min": "m", "7": "7", "min7": "m7", "maj7": "maj7", "dim": "dim", "dim7": "dim7", "hdim7": "m7b5",
    "aug": "aug", "sus4": "sus4", "sus2": "sus2", "maj6": "6", "min6": "m6", "9": "9", "maj9": "maj9", "min9": "m9",
    "11": "7sus4", "13": "13", "min11": "m11", "min13": "m7", "maj13": "maj9", "minmaj7": "mmaj7", "5": "5", "1": "5",
    "maj(9)": "add9", "maj6(9)": "6", "sus4(b7)": "7sus4", "sus4(b7,9)": "7sus4", "sus4(b7,9,13)": "7sus4",
    "7(#9)": "7", "7(b9)": "7", "aug(b7)": "aug", "5(b7)": "7", "1(b7)": "7", "1(b3,b7)": "m7", "maj(b7)": "7",
    "1(b3,b7,11,9)": "m7",
}  # fmt: skip

MUSICXML: Final[dict[str, str]] = {
    "major": "", "minor": "m", "dominant": "7", "major-seventh": "maj7", "minor-seventh": "m7", "diminished": "dim",
    "diminished-seventh": "dim7", "augmented": "aug", "augmented-seventh": "aug", "half-diminished": "m7b5",
    "major-sixth": "6", "minor-sixth": "m6", "dominant-ninth": "9", "major-ninth": "maj9", "minor-ninth": "m9",
    "dominant-11th": "7sus4", "dominant-13th": "13", "minor-11th": "m7", "minor-13th": "m7", "maj69": "6",
    "suspended-fourth": "sus4", "suspended-second": "sus2", "minor-major": "mmaj7", "major-minor": "mmaj7",
    "power": "5", "augmented-ninth": "aug",
}  # fmt: skip

_DEGREES: Final = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}
_MINOR_DEGREES: Final = {"I": 0, "II": 2, "III": 3, "IV": 5, "V": 7, "VI": 8, "VII": 10}


def pitch_class(name: str) -> int:
    """0 to 11 of "C", "F#", "Bb", "Cbb"; raises KeyError."""
    return (_LETTERS[name[0]] + name.count("#") - name[1:].count("b")) % 12


def spell(root: int, suffix: str, bass: int | None = None) -> str:
    """The app's name of a chord: "Am7", "D7/F#"."""
    name = PITCH_NAMES[root % 12] + suffix
    return name if bass is None or (bass - root) % 12 == 0 else f"{name}/{PITCH_NAMES[bass % 12]}"


def from_harte(text: str, transpose: int = 0) -> str | None:
    """ "Gb:maj7/5" -> "F#maj7/Db"; None for "N" (no chord) and what is no chord at all."""
    match = re.fullmatch(r"([A-G][#b]*):([^/]*)(?:/(.+))?", text)
    if not match:
        return None
    root = pitch_class(match[1]) + transpose
    suffix = HARTE.get(match[2], HARTE.get(match[2].split("(")[0], ""))
    bass = None if match[3] is None else root + _interval(match[3])
    return spell(root, suffix, bass)


def _interval(degree: str) -> int:
    """Semitones of a scale degree such as "b7" or "11" above the root."""
    number = int(degree.lstrip("#b"))
    octave, step = divmod(number - 1, 7)
    return _MAJOR_SCALE[step] + 12 * octave + degree.count("#") - degree.count("b")


def from_musicxml(root: int, kind: str, bass: int | None, transpose: int = 0) -> str:
    """(9, "minor-seventh", None) -> "Am7"; an unknown kind is taken as the plain triad."""
    return spell(root + transpose, MUSICXML.get(kind, ""), None if bass is None else bass + transpose)


def from_degree(text: str, tonic: int, minor: bool) -> str:
    """ "bVIIM", "iim7", "Vsus4" in a key -> the chord's name. Upper case is major, lower case minor.

    Raises ValueError when it is no degree.
    """
    match = re.fullmatch(r"([#b]*)(VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i)(.*)", text)
    if not match:
        raise ValueError(f"{text!r} is not a scale degree")
    accidental, numeral, rest = match.groups()
    steps = _MINOR_DEGREES if minor and not accidental else _DEGREES
    root = tonic + steps[numeral.upper()] + accidental.count("#") - accidental.count("b")
    suffix = "m" if numeral.islower() else ""
    if rest.startswith("M"):
        suffix, rest = "", rest[1:]
    elif rest.startswith("m"):
        suffix, rest = "m", rest[1:]
    kinds = {"7": "7" if suffix else "maj7", "dom7": "7", "dim": "dim", "sus4": "sus4", "sus2": "sus2", "6": "6",
             "9": "9", "add9": "add9", "5": "5", "69": "6", "-5": ""}  # fmt: skip
    kind = kinds.get(rest, "")
    if kind in ("sus4", "sus2", "dim", "5"):
        suffix = ""
    if kind == "add9" and suffix:
        kind = ""
    return spell(root, suffix + kind)
