"""The chords that can be recognised, as arrays: which tones, which root, which bass, how rare, at home in which key.

Sound, networks and MIDI all bring evidence about twelve pitch classes, a root and a bass (`chord_search`); this is the
one table they are compared with. A row is a root, a quality of `qualities.QUALITIES` and perhaps another bass.

Shapes: Q chord, P pitch class (12), M key (24: C major ... B major, C minor ... B minor).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .chords import Chord
from .keys import MODES, Key

# How much rarer than a major triad a quality is, in nats: roughly minus the logarithm of its share of the time in the
# McGill Billboard annotations (Burgoyne et al. 2011) and in lead sheets, rounded; none is made rarer than 6.
RARITY: Final[dict[str, float]] = {
    "": 0.0, "m": 0.5, "7": 1.8, "m7": 1.8, "maj7": 2.2, "sus4": 2.4, "5": 5.0, "sus2": 3.0, "dim": 3.4, "6": 3.4,
    "m9": 3.6, "9": 3.6, "maj9": 3.8, "add9": 3.6, "m(add9)": 4.2, "7sus4": 3.8, "m7b5": 3.6, "m6": 4.2, "aug": 4.2,
    "dim7": 4.0, "6/9": 4.8, "9sus4": 4.8, "13": 4.6, "7b9": 4.8, "7#9": 4.8, "aug7": 5.2, "m(maj7)": 5.4, "m11": 5.0,
    "maj7#11": 5.4,
}  # fmt: skip
# What else than the root may lie at the bottom, in semitones above it. Am7/C is C6, Bm7b5/D is Dm6,
# and C/Bb is C7/Bb.
BASSES: Final[dict[str, tuple[int, ...]]] = {
    "": (4, 7, 2), "m": (3, 7, 2), "7": (4, 7, 10), "m7": (7, 10), "maj7": (4, 7, 11), "dim": (3, 6),
    "add9": (4, 7), "9": (4, 7, 10), "m9": (3, 7, 10), "maj9": (4, 7), "m7b5": (6, 10), "sus4": (7,),
}  # fmt: skip
INVERSION_RARITY: Final = 1.6  # nats, for a chord tone in the bass
FOREIGN_RARITY: Final = 3.2  # for another
OWN_KEYS_TONES: Final = {"major": (), "minor": (11,)}  # tones that a key has beside its scale: the leading note
KEYS: Final = tuple(Key(tonic, mode) for mode in MODES for tonic in range(12))


@dataclass(frozen=True)
class ChordTable:
    """Every chord that can be named; the arrays are in the order of `chords` and never written to."""

    chords: tuple[Chord, ...]
    tones_QP: NDArray[np.float64]  # 1 where a pitch class belongs to the chord, a foreign bass too
    roots_Q: NDArray[np.int64]
    basses_Q: NDArray[np.int64]
    rarity_Q: NDArray[np.float64]  # nats
    at_home_QM: NDArray[np.float64]  # share of a chord's tones that the key has
    optional_QP: NDArray[np.bool_]  # tones that may be missing: root and perfect fifth of chords of four tones and more


@lru_cache(maxsize=1)
def chord_table() -> ChordTable:
    """The table; made once."""
    chords = [Chord(root, quality) for quality in RARITY for root in range(12)]
    rarity = [RARITY[chord.quality] for chord in chords]
    for quality, steps in BASSES.items():
        for step in steps:
            inside = step in {tone % 12 for tone in Chord(0, quality).intervals}
            cost = RARITY[quality] + (INVERSION_RARITY if inside else FOREIGN_RARITY)
            chords += [Chord(root, quality, (root + step) % 12) for root in range(12)]
            rarity += [cost] * 12
    tones = np.array([[float(place in chord.pitch_classes) for place in range(12)] for chord in chords])
    optional = np.zeros(tones.shape, bool)
    for row, chord in enumerate(chords):
        if len(chord.intervals) > 3:  # players leave the root to the bass, and the fifth out
            optional[row, [chord.root, *((chord.root + 7) % 12 for tone in chord.intervals if tone == 7)]] = True
    return ChordTable(
        tuple(chords),
        _fixed(tones),
        _fixed(np.array([chord.root for chord in chords])),
        _fixed(np.array([chord.bass_class for chord in chords])),
        _fixed(np.array(rarity)),
        _fixed(tones @ _scales().T / tones.sum(axis=1, keepdims=True)),
        _fixed(optional),
    )


def _scales() -> NDArray[np.float64]:
    """Which pitch classes each key has [M, P]."""
    rows = np.zeros((len(KEYS), 12))
    for row, key in zip(rows, KEYS, strict=True):
        row[list(key.scale)] = 1.0
        row[[(key.tonic + step) % 12 for step in OWN_KEYS_TONES[key.mode]]] = 1.0
    return rows


def _fixed(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array
