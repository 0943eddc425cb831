"""Who is measured: the arranger, the bundle's network, and composers that are bad on purpose."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from harmonicflow.core.constants import DEFAULT_STEMS, SAMPLE_RATE
from harmonicflow.core.instruments import INSTRUMENTS
from harmonicflow.core.tempo import Selection
from harmonicflow.score.arrange import Arranger, Composer, ComposeRequest
from harmonicflow.score.emotion import TEMPI
from harmonicflow.score.keys import parse_key
from harmonicflow.score.score import Note, Score

from .pieces import Piece, chords_of, piece_of, sections_of, selection_of

Report = Callable[[str], None]


class Noise:
    """The bottom of every ladder: notes anywhere, any pitch, any loudness."""

    def compose(self, request: ComposeRequest) -> Score:
        rng = np.random.default_rng(request.seed)
        beats = float(request.selection.beats)
        notes = []
        for name in request.stems:
            row = INSTRUMENTS[name]
            for _ in range(int(2 * beats)):
                start = Fraction(int(rng.integers(int(beats * 24))), 24)
                pitch = int(rng.integers(row.lowest, row.highest + 1))
                notes.append(
                    Note(name, start, Fraction(1, 2), pitch, int(rng.integers(1, 128)), float(rng.normal(0, 0.015)))
                )
        return Score(tuple(notes), request.chords or (), request.known.sections)


class Deaf:
    """Another composer that is never told the emotion: what is left of it then is chance."""

    def __init__(self, composer: Composer) -> None:
        self.composer = composer

    def compose(self, request: ComposeRequest) -> Score:
        return self.composer.compose(replace(request, emotion=None))


@dataclass(frozen=True)
class Made:
    """What a composer wrote, and how long it took."""

    piece: Piece
    seconds: float


def request_of(piece: Piece, seed: int) -> ComposeRequest:
    """Everything of a true piece but its notes: chords, key, form, genre, tempo and bars."""
    chords = chords_of(piece)
    return ComposeRequest(
        selection=selection_of(piece), chords=chords or None, key=parse_key(piece.key) if piece.key else None,
        genre=piece.genre or "pop", known=Score((), chords, sections_of(piece)), seed=seed,
    )  # fmt: skip


def free_request(genre: str, bars: int, seed: int, emotion: tuple[float, float] | None = None) -> ComposeRequest:
    """A genre, its usual tempo and a length; chords and form are the composer's own."""
    selection = Selection.from_bars(bars, str(TEMPI[genre][1]), "4/4", SAMPLE_RATE)
    return ComposeRequest(selection=selection, genre=genre, emotion=emotion, seed=seed)


def made(composer: Composer, request: ComposeRequest, like: Piece | None = None, name: str = "") -> Made:
    """Let a composer write; the piece has the request's chords where the score brings none of its own."""
    began = time.perf_counter()
    score = composer.compose(request)
    seconds = time.perf_counter() - began
    chords = score.chords or request.chords or ()
    key = request.key.name if request.key else None
    piece = piece_of(
        Score(score.notes, chords, score.sections), request.selection, like, name=name, genre=request.genre, key=key,
        emotion=request.emotion, split="made",
    )  # fmt: skip
    return Made(piece, seconds)


def composers(learned: Composer | None) -> Mapping[str, Composer]:
    """The rows of the scoreboard by name; the one that ships is the first."""
    rows: dict[str, Composer] = {} if learned is None else {"composer": learned}
    return rows | {"arranger": Arranger(), "noise": Noise()}


def whole_bars(piece: Piece, bars: int) -> Piece | None:
    """The bars in which most parts play, from a multiple of four on; None for a shorter piece."""
    count = len(piece.bars) - 1
    if count < bars:
        return None
    starts = range(0, count - bars + 1, 4)
    notes = [
        sum(min(len(piece.cut(first, bars).part(name)), 40) for name in DEFAULT_STEMS) for first in starts
    ]  # fmt: skip
    return piece.cut(starts[int(np.argmax(notes))], bars)
