"""Do the notes fit the chords that were asked for? Shares of notes in the chord and in the scale.

A note is *in the chord* where its pitch class sounds in the chord asked for, *in the scale* where it is in the chord
or in the key. By onset every note counts once; by duration every second in which a note sounds, cut at the chords.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

import numpy as np

from harmonicflow.core.constants import DEFAULT_STEMS
from harmonicflow.core.instruments import INSTRUMENTS
from harmonicflow.score.chords import parse_chord
from harmonicflow.score.keys import key_of_chords, parse_key

from .pieces import DURATION, PITCH, START, Floats, Piece, chords_of

PITCHED: Final = tuple(name for name in DEFAULT_STEMS if INSTRUMENTS[name].pitched)
ALL: Final = "all"
SHARES: Final = ("chord_onsets", "chord_time", "scale_onsets", "scale_time")
LEADING: Final = 11  # semitones above a minor tonic: the harmonic minor's seventh belongs to the scale


@dataclass
class Fit:
    """Notes and note-beats that were counted, and those that fit; by measure."""

    counted: dict[str, float] = field(default_factory=lambda: dict.fromkeys(SHARES, 0.0))
    fitting: dict[str, float] = field(default_factory=lambda: dict.fromkeys(SHARES, 0.0))

    def share(self, name: str) -> float | None:
        return self.fitting[name] / self.counted[name] if self.counted[name] else None


def fits(pieces: Iterable[Piece], human_only: bool = False) -> dict[str, dict[str, float]]:
    """Measure -> part (and "all", of all notes) -> share; only parts people played where asked."""
    tally: dict[str, Fit] = {}
    for piece in pieces:
        for name in PITCHED:
            if len(piece.part(name)) and (name in piece.human or not human_only):
                for row in (name, ALL):
                    _add(tally.setdefault(row, Fit()), piece, name)
    found: dict[str, dict[str, float]] = {}
    for measure in SHARES:
        shares = {name: share for name, fit in tally.items() if (share := fit.share(measure)) is not None}
        found[measure] = dict(sorted(shares.items(), key=lambda row: (row[0] == ALL, row[0])))
    return found


def _add(fit: Fit, piece: Piece, name: str) -> None:
    part = piece.part(name)
    played = piece.played(name)
    start, end = part[:, START], np.maximum(played, part[:, START]) + part[:, DURATION]
    classes = part[:, PITCH].astype(int) % 12
    scale = scale_of(piece)
    for first, last, chord_name in piece.chords:
        chord = members(chord_name)
        tables = (("chord", chord), ("scale", chord | scale))
        begins = (start >= first - 1e-6) & (start < last - 1e-6)
        sounds = np.clip(np.minimum(end, last) - np.maximum(start, first), 0.0, None)
        for kind, table in tables:
            inside = table[classes]
            fit.counted[f"{kind}_onsets"] += float(begins.sum())
            fit.fitting[f"{kind}_onsets"] += float((begins & inside).sum())
            fit.counted[f"{kind}_time"] += float(sounds.sum())
            fit.fitting[f"{kind}_time"] += float(sounds[inside].sum())


@lru_cache(maxsize=4096)
def members(chord: str) -> np.ndarray:
    """Which pitch classes sound in a chord, [12]."""
    table = np.zeros(12, bool)
    table[sorted(parse_chord(chord).pitch_classes)] = True
    return table


def scale_of(piece: Piece) -> np.ndarray:
    """The pitch classes of the piece's key (of its chords where none is told), [12]; minor with both sevenths."""
    key = parse_key(piece.key) if piece.key else key_of_chords(chords_of(piece))
    table = np.zeros(12, bool)
    if key is not None:
        table[list(key.scale)] = True
        table[(key.tonic + LEADING) % 12] |= key.mode == "minor"
    return table


def misled(piece: Piece, semitones: int = 6) -> Piece:
    """The control: the same notes, asked about chords and a key that lie elsewhere."""
    chords = tuple((a, b, parse_chord(name).transposed(semitones).name) for a, b, name in piece.chords)
    key = parse_key(piece.key) if piece.key else None
    moved = replace(key, tonic=(key.tonic + semitones) % 12).name if key else None
    return replace(piece, chords=chords, key=moved)


def pitch_classes(parts: Iterable[Floats]) -> Floats:
    """Beats that each pitch class sounds, [12]."""
    total = np.zeros(12)
    for part in parts:
        total += np.bincount(part[:, PITCH].astype(int) % 12, np.minimum(part[:, DURATION], 4.0), 12)
    return total
