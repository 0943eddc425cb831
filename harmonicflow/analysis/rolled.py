"""A chord rolled out of silence, note after note, is one chord: what sounded first and sounds on belongs to it.

Beat by beat such a clip reads as a first chord of its upper notes and a second one of the rest; a player would name
both together. Only the beginning of a sound is looked at: elsewhere one chord follows another because it was meant to.

Shapes: K beat, P pitch class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from .spectra import Floats, Times

if TYPE_CHECKING:
    from harmonicflow.score.chord_search import FoundChord
    from harmonicflow.score.chords import Chord

ROLL_S: Final = 2.0  # a slow roll; what stands longer by itself is a chord of its own
SOUNDS_ON: Final = 0.25  # of the loudest pitch class, in the first beat of what follows


def rolled(found: list[FoundChord], chroma_KP: Floats, edges_s: Times) -> list[FoundChord]:
    """`found` with a rolled chord named as one over all its beats; as it is where there is none.

    `edges_s` [K + 1] are the beats' edges in seconds. All that follows the first chord must have one root.
    """
    named = [one for one in found if one.chord is not None]
    if len(named) < 2 or any(after.first != one.last for one, after in zip(named, named[1:], strict=False)):
        return found
    first, *rest = named
    chords = [one.chord for one in named if one.chord is not None]
    if edges_s[first.last] - edges_s[first.first] > ROLL_S or len({chord.root for chord in chords[1:]}) > 1:
        return found
    heard = chroma_KP[rest[0].first] / max(float(chroma_KP[rest[0].first].max()), 1e-9)
    if not all(heard[pitch] >= SOUNDS_ON for pitch in chords[0].pitch_classes):
        return found
    whole = _named(chords[1].root, frozenset().union(*(chord.pitch_classes for chord in chords)))
    if whole is None:
        return found
    confidence = float(np.mean([one.confidence for one in named]))
    one = type(first)(first.first, rest[-1].last, whole, confidence)
    return sorted([one, *(other for other in found if other.chord is None)], key=lambda span: span.first)


def _named(root: int, pitch_classes: frozenset[int]) -> Chord | None:
    """The chord of a root with just these pitch classes; None where no name fits."""
    from harmonicflow.score.chords import Chord
    from harmonicflow.score.qualities import QUALITIES

    for quality, _, _ in QUALITIES:
        if (chord := Chord(root, quality)).pitch_classes == pitch_classes:
            return chord
    return None
