"""The table of chord qualities, and how the part of a chord's name after its root becomes a set of intervals.

A quality is a base from `QUALITIES` with alterations in brackets when no row of the table has just those notes:
"m7", "13#11", "7(b9,b13)". Sources: the lead-sheet usage collected in Brandt & Roemer, *Standardized Chord Symbol
Notation* (1976), and the shorthands of Harte et al., *Symbolic representation of musical chords* (ISMIR 2005).
"""

from __future__ import annotations

import re
from functools import lru_cache

# Canonical suffix, semitones above the root, other spellings. Order decides nothing: the longest spelling wins.
QUALITIES: tuple[tuple[str, tuple[int, ...], tuple[str, ...]], ...] = (
    ("", (0, 4, 7), ("maj", "major", "M", "Maj", "ma")),
    ("m", (0, 3, 7), ("min", "minor", "-", "mi", "Min", "Mi")),
    ("5", (0, 7), ("power",)),
    ("dim", (0, 3, 6), ("o", "°", "m(b5)", "mb5")),
    ("aug", (0, 4, 8), ("+", "+5", "(#5)", "#5")),
    ("sus2", (0, 2, 7), ("2",)),
    ("sus4", (0, 5, 7), ("sus", "4")),
    ("6", (0, 4, 7, 9), ("maj6", "M6", "add6", "ma6")),
    ("m6", (0, 3, 7, 9), ("min6", "-6", "mi6", "madd6")),
    ("6/9", (0, 4, 7, 9, 14), ("69", "6add9", "6(9)", "maj6/9", "M69", "6/9")),
    ("m6/9", (0, 3, 7, 9, 14), ("m69", "min6/9", "-69", "min69")),
    ("7", (0, 4, 7, 10), ("dom7", "dom")),
    ("maj7", (0, 4, 7, 11), ("M7", "ma7", "Maj7", "Δ", "Δ7", "^", "^7", "j7", "major7", "7M")),
    ("m7", (0, 3, 7, 10), ("min7", "-7", "mi7", "Min7", "minor7")),
    ("m(maj7)", (0, 3, 7, 11), ("mM7", "mmaj7", "minmaj7", "-M7", "-Δ", "-Δ7", "m/maj7", "mΔ", "mΔ7", "m^7", "mMaj7")),
    ("dim7", (0, 3, 6, 9), ("o7", "°7")),
    ("m7b5", (0, 3, 6, 10), ("ø", "ø7", "h7", "h", "hdim7", "hdim", "-7b5", "min7b5", "min7(b5)", "m7(b5)", "mi7b5")),
    ("dim(maj7)", (0, 3, 6, 11), ("oM7", "dimM7", "dimmaj7")),
    ("aug7", (0, 4, 8, 10), ("+7", "7+", "7#5", "7+5", "7(#5)", "aug(b7)")),
    ("maj7#5", (0, 4, 8, 11), ("M7#5", "+M7", "augmaj7", "maj7+5", "augM7")),
    ("7b5", (0, 4, 6, 10), ("7(b5)", "7-5")),
    ("maj7b5", (0, 4, 6, 11), ("M7b5",)),
    ("7sus4", (0, 5, 7, 10), ("7sus", "sus7", "sus4(b7)", "7sus4")),
    ("7sus2", (0, 2, 7, 10), ("sus2(b7)",)),
    ("add9", (0, 4, 7, 14), ("add2", "(add9)", "maj(9)", "(9)", "2add")),
    ("m(add9)", (0, 3, 7, 14), ("madd9", "madd2", "min(9)", "m(9)", "minadd9")),
    ("add11", (0, 4, 7, 17), ("add4", "(add11)")),
    ("m(add11)", (0, 3, 7, 17), ("madd11", "madd4")),
    ("9", (0, 4, 7, 10, 14), ("dom9", "7(9)")),
    ("maj9", (0, 4, 7, 11, 14), ("M9", "ma9", "Δ9", "^9", "Maj9")),
    ("m9", (0, 3, 7, 10, 14), ("min9", "-9", "mi9", "Min9")),
    ("m9b5", (0, 3, 6, 10, 14), ("ø9", "hdim9")),
    ("m(maj9)", (0, 3, 7, 11, 14), ("mM9", "minmaj9", "-M9", "mmaj9")),
    ("9sus4", (0, 5, 7, 10, 14), ("9sus", "sus9", "sus4(b7,9)")),
    ("sus4(9)", (0, 5, 7, 14), ("sus2sus4", "sus4add9")),
    ("7b9", (0, 4, 7, 10, 13), ("7(b9)", "7-9")),
    ("7#9", (0, 4, 7, 10, 15), ("7(#9)", "7+9")),
    ("7#5#9", (0, 4, 8, 10, 15), ("7alt", "alt", "7(#5,#9)")),
    ("7#11", (0, 4, 7, 10, 18), ("7(#11)", "7+11")),
    ("maj7#11", (0, 4, 7, 11, 18), ("M7#11", "maj7(#11)", "Δ#11", "lyd")),
    ("7b13", (0, 4, 7, 10, 20), ("7(b13)",)),
    ("11", (0, 4, 7, 10, 14, 17), ("dom11",)),
    ("m11", (0, 3, 7, 10, 14, 17), ("min11", "-11", "mi11")),
    ("maj11", (0, 4, 7, 11, 14, 17), ("M11",)),
    ("9#11", (0, 4, 7, 10, 14, 18), ("9(#11)",)),
    ("maj9#11", (0, 4, 7, 11, 14, 18), ("M9#11",)),
    ("13", (0, 4, 7, 10, 14, 21), ("dom13", "9(13)", "9add13")),
    ("maj13", (0, 4, 7, 11, 14, 21), ("M13", "ma13", "Δ13")),
    ("m13", (0, 3, 7, 10, 14, 21), ("min13", "-13")),
    ("13sus4", (0, 5, 7, 10, 14, 21), ("13sus", "sus4(b7,9,13)")),
    ("13b9", (0, 4, 7, 10, 13, 21), ("13(b9)",)),
    ("13#11", (0, 4, 7, 10, 14, 18, 21), ("13(#11)",)),
    ("1", (0,), ("unison",)),
)

INTERVALS: dict[str, tuple[int, ...]] = {name: tones for name, tones, _ in QUALITIES}
_SPELLING = {spelling: name for name, _, others in QUALITIES for spelling in (name, *others)}
_LONGEST = sorted(_SPELLING, key=len, reverse=True)
_BY_TONES = {tones: name for name, tones, _ in QUALITIES}

_NATURAL = {1: 0, 2: 14, 3: 4, 4: 17, 5: 7, 6: 9, 7: 10, 9: 14, 10: 16, 11: 17, 12: 19, 13: 21}
_ALTERATION = re.compile(r"[(),/ ]*(add|omit|no|\*|maj|M|sus|)([#b+-]?)(13|12|11|10|[1-9]|alt)[(), ]*")
_BRACKETS = re.compile(r"[^()]*(\([^()]*\)[^()]*)*")
_SAME = str.maketrans({"♯": "#", "♭": "b", "−": "-", "–": "-", "△": "Δ", "∆": "Δ", "º": "°", "Ø": "ø"})


def plain(text: str) -> str:
    """`text` with typographic accidentals and signs replaced by the plain ones."""
    return text.translate(_SAME)


def degree(text: str) -> int | None:
    """Semitones above the root of a scale degree such as "5", "b7" or "#11"; None where it is none."""
    match = re.fullmatch(r"([#b]{0,2})(1[0-3]|[1-9])", text)
    if match is None:
        return None
    natural = 11 if match[2] == "7" else _NATURAL[int(match[2])]  # Harte counts degrees in the major scale
    return (natural + match[1].count("#") - match[1].count("b")) % 12


@lru_cache(maxsize=4096)
def parse_quality(text: str, *, harte: bool = False) -> tuple[str, tuple[int, ...]] | None:
    """(canonical name, semitones above the root) of a quality; None where it is not understood.

    `harte`: alterations in brackets count degrees in the major scale, so "(7)" is the major seventh.
    """
    for spelling in _LONGEST:
        if not text.startswith(spelling):
            continue
        altered = _altered(INTERVALS[_SPELLING[spelling]], text[len(spelling) :], harte)
        if altered is not None:
            return _named(_SPELLING[spelling], *altered)
    return None


def _altered(base: tuple[int, ...], text: str, harte: bool) -> tuple[tuple[int, ...], list[str]] | None:
    """The base's intervals after the alterations in `text`, and these spelled plainly; None if one makes no sense."""
    tones, words, at = set(base), [], 0
    if not _BRACKETS.fullmatch(text):
        return None
    while at < len(text):
        match = _ALTERATION.match(text, at)
        if match is None:
            return None
        before = text[: match.start(3)]
        if not (match[1] or match[2]) and before.count("(") == before.count(")"):
            return None  # a plain number counts inside brackets only: "Cm7(9)", not "Cm79"
        word = _apply(tones, match[1], match[2], match[3], harte)
        if word is None or not tones:
            return None
        words.append(word)
        at = match.end()
    return tuple(sorted(tones)), words


def _apply(tones: set[int], word: str, sign: str, number: str, harte: bool) -> str | None:
    """Change `tones` by one alteration such as ("add", "#", "11") and spell it; None where it makes no sense."""
    if number == "alt":
        tones -= {7}
        tones |= {8, 15}
        return "alt"
    step = int(number)
    sharp = {"#": 1, "+": 1, "b": -1, "-": -1, "": 0}[sign]
    sign = {1: "#", -1: "b", 0: ""}[sharp]
    if word == "sus":
        tones -= {3, 4}
        tones.add(2 if step == 2 else 5)
        return f"sus{step}" if step in (2, 4) and not sharp else None
    if word in ("omit", "no", "*"):
        gone = {3: {3, 4}, 5: {6, 7, 8}, 7: {10, 11}}.get(step, {_NATURAL[step] + sharp})
        tones -= gone
        return f"no{sign}{step}"
    major_seventh = step == 7 and not sharp and (word in ("maj", "M") or harte)
    if (word in ("maj", "M") and not major_seventh) or (step == 7 and sharp > 0):
        return None
    tones -= {3: {3, 4}, 5: {7} if sharp else set()}.get(step, set())
    flat_seventh = step == 7 and not major_seventh  # plain 7 and b7 both mean the minor seventh
    tones.add(11 if major_seventh else 10 if flat_seventh else _NATURAL[step] + sharp)
    return "maj7" if major_seventh else "b7" if flat_seventh else f"{sign or 'add'}{step}"


def _named(base: str, tones: tuple[int, ...], words: list[str]) -> tuple[str, tuple[int, ...]]:
    """The table's name for these intervals, or the base with its alterations in brackets."""
    if tones in _BY_TONES:
        return _BY_TONES[tones], tones
    return f"{base}({','.join(words)})", tones
