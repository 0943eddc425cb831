"""What is kept is kept exactly: random masks over parts and beats, and every note outside them compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from harmonicflow.core.constants import DEFAULT_STEMS
from harmonicflow.score.arrange import Composer, ComposeRequest
from harmonicflow.score.score import Note, Score

from .pieces import Piece, chords_of, score_of, selection_of

MASKS: Final = 500
BARS: Final = 4
STEPS: Final = 2  # a mask begins and ends on a half beat


@dataclass
class Kept:
    """What became of the masks."""

    masks: int = 0
    exact: int = 0
    notes: int = 0  # that had to be kept
    changed: int = 0  # of them, lost or altered
    strange: int = 0  # notes that appeared outside the mask
    rewritten: int = 0  # masks whose inside is no longer what it was


def check(composer: Composer, pieces: Sequence[Piece], masks: int, seed: int) -> Kept:
    """Let a composer fill random holes in true pieces."""
    rng = np.random.default_rng(seed)
    found = Kept()
    cuts = [
        piece.cut(first, BARS)
        for piece in pieces
        for first in range(0, len(piece.bars) - 1 - BARS, BARS)
        if len(piece.cut(first, BARS).parts) >= 2
    ]
    for number in range(masks):
        piece = cuts[int(rng.integers(len(cuts)))]
        stems, span = draw_mask(piece, rng)
        known = score_of(piece)
        request = ComposeRequest(
            selection=selection_of(piece), chords=chords_of(piece) or None, genre=piece.genre or "pop", stems=stems,
            known=known, seed=number, span=span,
        )  # fmt: skip
        compare(found, known, composer.compose(request), stems, span)
    return found


def draw_mask(piece: Piece, rng: np.random.Generator) -> tuple[tuple[str, ...], tuple[Fraction, Fraction]]:
    """Some parts, and a span of beats."""
    count = int(rng.integers(1, len(DEFAULT_STEMS) + 1))
    chosen = set(rng.choice(DEFAULT_STEMS, count, replace=False).tolist())
    steps = int(piece.beats * STEPS)
    start = int(rng.integers(0, steps - 1))
    end = int(rng.integers(start + 1, steps + 1))
    return tuple(name for name in DEFAULT_STEMS if name in chosen), (Fraction(start, STEPS), Fraction(end, STEPS))


def compare(found: Kept, known: Score, score: Score, stems: tuple[str, ...], span: tuple[Fraction, Fraction]) -> None:
    """Count the notes outside a mask that are not what they were."""

    def outside(notes: Sequence[Note]) -> list[Note]:
        return [note for note in notes if note.instrument not in stems or not span[0] <= note.start < span[1]]

    before, after = outside(known.notes), outside(score.notes)
    lost, strange = _without(before, after), _without(after, before)
    found.masks += 1
    found.exact += not lost and not strange
    found.notes += len(before)
    found.changed += lost
    found.strange += strange
    found.rewritten += set(known.notes) - set(before) != set(score.notes) - set(after)


def _without(notes: Sequence[Note], others: Sequence[Note]) -> int:
    """How many notes (counted as often as they stand there) are missing among the others."""
    left: dict[Note, int] = {}
    for note in others:
        left[note] = left.get(note, 0) + 1
    missing = 0
    for note in notes:
        left[note] = left.get(note, 0) - 1
        missing += left[note] < 0
    return missing
