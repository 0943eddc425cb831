"""Chord and key names as mir_eval reads them (Harte et al. 2005)."""

from typing import Final

from harmonicflow.score.chords import NOTE_NAMES, Chord

NO_CHORD: Final = "N"
SHORTHANDS: Final = {
    "": "maj", "m": "min", "dim": "dim", "aug": "aug", "7": "7", "maj7": "maj7", "m7": "min7", "m(maj7)": "minmaj7",
    "dim7": "dim7", "m7b5": "hdim7", "6": "maj6", "m6": "min6", "9": "9", "maj9": "maj9", "m9": "min9", "sus4": "sus4",
    "sus2": "sus2", "11": "11", "m11": "min11", "13": "13", "maj13": "maj13", "m13": "min13",
    "1": "1", "5": "5",
}  # fmt: skip
DEGREES: Final = ("1", "b2", "2", "b3", "3", "4", "b5", "5", "b6", "6", "b7", "7", "1", "b9", "9", "#9", "10", "11",
                  "#11", "12", "b13", "13")  # fmt: skip


def harte(chord: Chord | None) -> str:
    """A chord's name: "E:min9/5"; one without a shorthand lists its degrees, None is "N"."""
    if chord is None:
        return NO_CHORD
    quality = SHORTHANDS.get(chord.quality)
    if quality is None:
        quality = f"({','.join(DEGREES[tone] for tone in chord.intervals)})"
    below = (chord.bass_class - chord.root) % 12
    return f"{NOTE_NAMES[chord.root]}:{quality}" + (f"/{DEGREES[below]}" if below else "")


def key_name(key: int) -> str:
    """A key's name from its number: 0 to 11 major, 12 to 23 minor."""
    return f"{NOTE_NAMES[key % 12]} {'minor' if key >= 12 else 'major'}"
