"""What bars are told to be like: bars of the same piece, of another score, or the phrases of a part to be answered.

Legend: P parts, K cells, N notes of a cell, F fields.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Final, Self

import numpy as np

from harmonicflow.core.instruments import INSTRUMENTS
from harmonicflow.score.cell_features import HARMONY_COLUMNS, HARMONY_WIDTH, harmony_features
from harmonicflow.score.cell_recall import moved_to_roots
from harmonicflow.score.cells import CELL_PARTS, LOWEST, PLACE, SLOT, Floats, Tokens, cells_of, grid_of_bars
from harmonicflow.score.form import FormBar
from harmonicflow.score.keys import Key
from harmonicflow.score.score import Note, Score

from .composing_desk import Desk
from .composing_rounds import Chunk

LIKE: Final = 0.6  # likeness to the score that a request names
ANSWER: Final = 0.35  # likeness of an answer to what it answers
PHRASE_CELLS: Final = 8  # how far back an answer looks for its motif
DRUMS: Final = CELL_PARTS.index("drums")


@dataclass(frozen=True)
class Like:
    """Another score, cut into bars of this one's first meter."""

    tokens: Tokens  # [P, K, N, F]
    harmony: Floats  # [K, HARMONY_WIDTH]
    bars: tuple[tuple[int, int], ...]  # cells of each bar

    @classmethod
    def of(cls, score: Score, desk: Desk) -> Self | None:
        """The score to be like; None without notes. Without chords of its own it is moved into this one's key."""
        if not score.notes:
            return None
        own, form = desk.grid, desk.form
        lines = lines_of(score, form.bars[0].beats)
        grid = grid_of_bars(lines, [float(own.bpm[0])] * len(lines), [bool(own.compound[0])] * len(lines))
        edges = np.searchsorted(grid.bar, np.arange(len(lines) + 1))
        tokens = cells_of(score, grid)
        if not score.chords:
            tonics = tonic_of(score.notes, form.key), form.key.tonic
            tokens = moved_to_roots(tokens, *(_one_root(tonic, grid.cells) for tonic in tonics))
        bars = tuple((int(low), int(high)) for low, high in zip(edges[:-1], edges[1:], strict=True))
        return cls(tokens, harmony_features(score.chords, None, grid), bars)

    def bar(self, part: int, number: int) -> tuple[int, int] | None:
        """The cells of a bar in which a part plays: the one of that number, counted round, or the next; None: never."""
        for place in range(len(self.bars)):
            cells = self.bars[(number + place) % len(self.bars)]
            if (self.tokens[part, slice(*cells), :, SLOT] >= 0).any():
                return cells
        return None


def lines_of(score: Score, beats: Fraction) -> list[tuple[Fraction, Fraction]]:
    """Bar lines of a score that does not name them: bars of so many beats, from beat 0."""
    count = max(ceil((max(note.start for note in score.notes) + Fraction(1, 12)) / beats), 1)
    return [(beats * number, beats * (number + 1)) for number in range(count)]


def tonic_of(notes: Sequence[Note], key: Key) -> int:
    """The tonic of a key of `key`'s mode that fits pitched notes best, each counted by its length."""
    weight = np.zeros(12)
    for note in notes:
        if note.instrument not in INSTRUMENTS or INSTRUMENTS[note.instrument].pitched:
            weight[note.pitch % 12] += float(note.duration)
    steps = [(tone - key.tonic) % 12 for tone in key.scale]
    fit = [sum(weight[(tonic + step) % 12] for step in steps) + 0.5 * weight[tonic] for tonic in range(12)]
    return int(np.argmax(fit)) if weight.any() else key.tonic


def _one_root(root: int, cells: int) -> Floats:
    """Harmony [K, HARMONY_WIDTH] of one root throughout."""
    out = np.zeros((cells, HARMONY_WIDTH), np.float32)
    out[:, HARMONY_COLUMNS["root"].start + root] = 1
    return out


@dataclass(frozen=True)
class Recall:
    """What one bar of a part is to be like: cells of this piece (None: of `like`)."""

    bar: FormBar
    cells: tuple[int, int]
    likeness: float
    like: Like | None = None


@dataclass(frozen=True)
class Recalls:
    """By part: the bars of a chunk that are like nothing, and those that are to be like something."""

    leaders: Mapping[int, tuple[FormBar, ...]]
    followers: Mapping[int, tuple[Recall, ...]]

    @classmethod
    def of(cls, desk: Desk, chunk: Chunk, like: Like | None, parts: Sequence[int], distant: bool) -> Self:
        """Those of the wanted bars of `parts`; `distant`: the chunk is a hole in finished music."""
        found = {part: _of_part(desk, chunk, like, part, distant) for part in parts}
        return cls({part: row[0] for part, row in found.items()}, {part: row[1] for part, row in found.items()})


def _of_part(
    desk: Desk, chunk: Chunk, like: Like | None, part: int, distant: bool
) -> tuple[tuple[FormBar, ...], tuple[Recall, ...]]:
    leaders: list[FormBar] = []
    followers: list[Recall] = []

    def there(bar: FormBar) -> bool:
        resting = CELL_PARTS[part] in bar.resting
        return bar in leaders or (not resting and bool(desk.known[part, slice(*bar.cells)].all()))

    for bar in chunk.bars(desk.form):
        if not desk.wanted[part, slice(*bar.cells)].any():
            continue
        own = desk.form.recalled(bar, CELL_PARTS[part], there, distant)
        returns = own is not None and (distant or own[0].appearance != bar.appearance)
        cells = like.bar(part, bar.number) if like is not None and not returns else None
        if cells is not None:
            followers.append(Recall(bar, cells, LIKE, like))
        elif own is not None:
            followers.append(Recall(bar, own[0].cells, own[1]))
        else:
            leaders.append(bar)
    return tuple(leaders), tuple(followers)


def lay(desk: Desk, part: int, recall: Recall) -> None:
    """Show the model what a bar is to be like, on its own chords, but for the beats of a drum fill."""
    like = recall.like
    tokens, harmony = (desk.tokens, desk.harmony) if like is None else (like.tokens, like.harmony)
    count = min(recall.bar.cells[1] - recall.bar.cells[0], recall.cells[1] - recall.cells[0])
    here, there = (slice(first, first + count) for first in (recall.bar.cells[0], recall.cells[0]))
    desk.recall[part, here] = moved_to_roots(tokens[:, there], harmony[there], desk.harmony[here])[part]
    desk.likeness[part, here] = recall.likeness
    if part == DRUMS:
        filled = np.array([start >= recall.bar.fill for start in desk.grid.starts[here]])
        desk.likeness[part, here][filled] = 0


def lay_answers(desk: Desk, part: int, bars: Sequence[FormBar], lead: int) -> None:
    """Where the part to be answered rests, show its last motif to another part."""
    if lead == DRUMS:
        return
    for cell in (cell for bar in bars for cell in range(*bar.cells)):
        if not desk.known[lead, cell] or _sounds(desk, lead, cell):
            continue
        said = [old for old in range(max(cell - PHRASE_CELLS, 0), cell) if _sounds(desk, lead, old)]
        if said:
            old = said[cell % len(said)]
            motif = moved_to_roots(desk.tokens[:, [old]], desk.harmony[[old]], desk.harmony[[cell]])[lead, 0]
            desk.recall[part, cell] = in_range(motif, CELL_PARTS[part])
            desk.likeness[part, cell] = ANSWER


def in_range(tokens_NF: Tokens, part: str) -> Tokens:
    """A cell's notes by whole octaves nearer to the middle of an instrument's range."""
    sounds = tokens_NF[:, SLOT] >= 0
    row = INSTRUMENTS[part]
    middle = (row.lowest + row.highest) / 2 - LOWEST
    out = tokens_NF.copy()
    octaves = np.rint((middle - tokens_NF[sounds, PLACE].mean()) / 12).astype(int)
    places = tokens_NF[sounds, PLACE] + 12 * octaves
    out[sounds, PLACE] = np.clip(places, row.lowest - LOWEST, row.highest - LOWEST)
    return out


def _sounds(desk: Desk, part: int, cell: int) -> bool:
    return bool((desk.tokens[part, cell, :, SLOT] >= 0).any())
