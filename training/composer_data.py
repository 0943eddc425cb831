"""Training examples of the composer: windows of songs with some cells unknown, and what is told of all of them.

Every task of the product is a choice of known cells: a hole, a part, a continuation, everything; and since the
composer writes in rounds, each with some cells of the hole already there.

Legend: B batch, P parts, K cells, N notes of a cell, F fields, M cells to write.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from harmonicflow.score.cell_features import HARMONY_COLUMNS, TIME_COLUMNS, control_features, style_features
from harmonicflow.score.cell_recall import likeness_of, moved_to_roots
from harmonicflow.score.cells import CELL_PARTS, PLACE, PLACES, SLOT

from .cell_songs import CellSong

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

LENGTHS: Final = (24, 32, 48, 64, 64, 96)  # cells of a window
CELLS: Final = 1024  # of one part in a batch: short windows come in larger batches
PICKS: Final = 40  # cells that are asked for, of a window
SHIFTS: Final = (-5, 7)  # semitones a window is transposed by
DROP_CHORDS, DROP_KEY, DROP_GENRE, DROP_EMOTION, DROP_ENERGY, DROP_SECTIONS, DROP_ENDS = (
    0.1, 0.3, 0.15, 0.5, 0.5, 0.3, 0.5,
)  # fmt: skip
DROP_CONTROL, DROP_HUMAN = 0.3, 0.3
RECALL: Final = 0.6  # of the windows are told what to be like
LAGS: Final = (1, 2, 4, 8, 16)  # bars back to what a bar is to be like
CANDIDATES: Final = 5  # other bars among which the most alike is taken
PEOPLE: Final = 2.0  # how much oftener a song with no part by the arranger is drawn


@dataclass(frozen=True)
class CellExample:
    """The composer's inputs by name, and what is to be written."""

    notes: Any
    known: Any
    recall: Any
    likeness: Any
    harmony: Any
    time: Any
    style: Any
    controls: Any
    write: Any
    targets: Any  # [B, M, N, F]
    weight: Any  # [B, M] 1, or 0 where there was nothing left to ask for


class CellData:
    """Draws batches of examples; the same seed draws the same ones."""

    def __init__(self, songs: list[CellSong], batch_size: int, seed: int) -> None:
        self.songs, self.batch_size = songs, batch_size
        self.random = np.random.default_rng(seed)
        weights = np.array([song.cells * (PEOPLE if song.human[song.present].all() else 1.0) for song in songs])
        self.shares = weights / weights.sum()
        self.lengths = np.array([song.cells for song in songs])

    def __iter__(self) -> Iterator[CellExample]:
        while True:
            yield self.batch()

    def batch(self) -> CellExample:
        """A batch of windows of one length."""
        length = int(self.random.choice(LENGTHS))
        long_enough = np.flatnonzero(self.lengths >= length)
        if not len(long_enough):
            length = int(self.lengths.max())
            long_enough = np.flatnonzero(self.lengths >= length)
        shares = self.shares[long_enough] / self.shares[long_enough].sum()
        count = max(1, self.batch_size * CELLS // 16 // length)
        return collate([
            self.example(self.songs[int(self.random.choice(long_enough, p=shares))], length) for _ in range(count)
        ])  # fmt: skip

    def example(self, song: CellSong, length: int) -> CellExample:
        """A window of `length` cells of a song."""
        random = self.random
        firsts = np.flatnonzero(song.grid.beat[: song.cells - length + 1] == 0)
        first = int(random.choice(firsts)) if len(firsts) else 0
        window = slice(first, first + length)
        shift = self._shift(song, window)
        tokens = transposed(song.tokens[:, window].astype(np.int16), shift)
        harmony = rolled(song.harmony[window], shift)
        recall, likeness = self._recall(song, window, tokens, shift)
        known = draw_known(random, song, window)
        write, weight = self._write(known, song)
        targets = tokens[write[:, 0], write[:, 1]]
        harmony = harmony.copy()
        if random.random() < DROP_CHORDS:
            harmony[:, HARMONY_COLUMNS["root"].start : HARMONY_COLUMNS["next_pitches"].stop] = 0
        if random.random() < DROP_KEY:
            harmony[:, HARMONY_COLUMNS["tonic"].start :] = 0
        return CellExample(
            np.where(known[..., None, None], tokens, -1), known, recall, likeness, harmony, self._time(song, window),
            self._style(song), self._controls(song, window), write, targets, weight,
        )  # fmt: skip

    def _shift(self, song: CellSong, window: slice) -> int:
        shift = int(self.random.integers(*SHIFTS))
        pitched = song.tokens[PITCHED][:, window]
        places = pitched[..., PLACE][pitched[..., SLOT] >= 0]
        fits = not len(places) or (places.min() + shift >= 0 and places.max() + shift < PLACES)
        return shift if fits else 0

    def _recall(
        self, song: CellSong, window: slice, tokens: NDArray[np.int16], shift: int
    ) -> tuple[NDArray[np.int16], Floats]:
        """For each cell what it is told to be like, on its own chord, and how alike the bar is to that."""
        random = self.random
        recall = np.full(tokens.shape, -1, np.int16)
        likeness = np.zeros(tokens.shape[:2], np.float32)
        if random.random() >= RECALL:
            return recall, likeness
        lag = int(random.choice(LAGS)) if random.random() < 0.7 else 0
        given = random.random(len(CELL_PARTS)) < 0.75
        bars = song.grid.bar
        for bar in np.unique(bars[window]):
            here = np.flatnonzero(bars == bar)
            here = here[(here >= window.start) & (here < window.stop)]
            source = self._source(song, int(bar), lag)
            there = np.flatnonzero(bars == source) if source is not None else here[:0]
            if len(there) < len(here):
                continue
            there = there[: len(here)]
            moved = moved_to_roots(song.tokens[:, there].astype(np.int16), song.harmony[there], song.harmony[here])
            moved = transposed(moved, shift)
            local = here - window.start
            alike = likeness_of(moved, tokens[:, local])
            told = given & song.present & (random.random(len(CELL_PARTS)) < 0.9)
            recall[np.ix_(told, local)] = moved[told]
            likeness[np.ix_(told, local)] = np.maximum(alike[told], 0.02)[:, None]
        return recall, likeness

    def _source(self, song: CellSong, bar: int, lag: int) -> int | None:
        """The bar that `bar` is told to be like: so many bars back, or the most alike of some others."""
        if lag:
            return bar - lag if bar - lag >= song.grid.bar[0] else None
        last = int(song.grid.bar[-1])
        candidates = {int(other) for other in self.random.integers(0, last + 1, CANDIDATES)} - {bar}
        here = np.flatnonzero(song.grid.bar == bar)
        best, found = -1.0, None
        for other in sorted(candidates):
            there = np.flatnonzero(song.grid.bar == other)
            if len(there) == len(here):
                alike = float(likeness_of(song.tokens[:, there], song.tokens[:, here])[song.present].mean())
                if alike > best:
                    best, found = alike, other
        return found

    def _write(self, known: Mask, song: CellSong) -> tuple[NDArray[np.int64], Floats]:
        """Cells to ask for [M, 2], and which of them count."""
        unknown = np.argwhere(~known & song.present[:, None])
        count = min(len(unknown), PICKS)
        chosen = unknown[self.random.choice(len(unknown), count, replace=False)] if count else unknown
        write = np.zeros((PICKS, 2), np.int64)
        write[:count] = chosen
        weight = np.zeros(PICKS, np.float32)
        weight[:count] = 1
        return write, weight

    def _time(self, song: CellSong, window: slice) -> Floats:
        time = song.time[window].copy()
        if self.random.random() >= DROP_ENERGY:
            time[:, TIME_COLUMNS["energy"].start] = song.energy[window]
            time[:, TIME_COLUMNS["energy"].start + 1] = 1
        if self.random.random() < DROP_SECTIONS:
            time[:, TIME_COLUMNS["phrase"].start : TIME_COLUMNS["section_last"].stop] = 0
        if self.random.random() < DROP_ENDS:
            time[:, TIME_COLUMNS["first"].start : TIME_COLUMNS["last"].stop] = 0
        return time

    def _style(self, song: CellSong) -> Floats:
        told_genre, told_emotion = self.random.random() >= DROP_GENRE, self.random.random() >= DROP_EMOTION
        return style_features(song.genre if told_genre else None, song.emotion if told_emotion else None)

    def _controls(self, song: CellSong, window: slice) -> Floats:
        """Density and the like, as the whole window's or bar by bar, or not at all."""
        random = self.random
        kind = random.choice(("none", "whole", "bars"), p=(0.25, 0.45, 0.3))
        found = {}
        for name, values in song.controls.items():
            value = values[:, window]
            if kind == "whole":
                some = np.isfinite(value)
                mean = np.where(some, value, 0).sum(1) / np.maximum(some.sum(1), 1)
                value = np.where(some.any(1), mean, np.nan)[:, None].repeat(value.shape[1], 1)
            told = (random.random(len(CELL_PARTS)) >= DROP_CONTROL) & (kind != "none")
            found[name] = np.where(told[:, None], value, np.nan).astype(np.float32)
        human = np.where(random.random(len(CELL_PARTS)) >= DROP_HUMAN, song.human, np.nan)
        found["human"] = np.repeat(human[:, None], window.stop - window.start, 1).astype(np.float32)
        return control_features(found)


PITCHED: Final = np.array([part != "drums" for part in CELL_PARTS])


def transposed(tokens: NDArray[np.int16], shift: int) -> NDArray[np.int16]:
    """Tokens [P, K, N, F] with the pitched parts `shift` semitones higher."""
    if not shift:
        return tokens
    out = tokens.copy()
    pitched = PITCHED[:, None, None] & (out[..., SLOT] >= 0)
    out[..., PLACE] = np.where(pitched, np.clip(out[..., PLACE] + shift, 0, PLACES - 1), out[..., PLACE])
    return out


def rolled(harmony: Floats, shift: int) -> Floats:
    """Harmony [K, W] of a song `shift` semitones higher."""
    out = harmony.copy()
    for name in ("root", "bass", "pitches", "next_root", "next_pitches", "tonic"):
        out[:, HARMONY_COLUMNS[name]] = np.roll(harmony[:, HARMONY_COLUMNS[name]], shift, axis=1)
    return out


def draw_known(random: np.random.Generator, song: CellSong, window: slice) -> Mask:
    """Which cells are known [P, K]: a task's mask, in which a share of the cells to write is there already."""
    length = window.stop - window.start
    hole = np.zeros((len(CELL_PARTS), length), bool)
    bars = song.grid.bar[window]
    some_parts = random.random(len(CELL_PARTS)) < 0.5
    kind = random.random()
    if kind < 0.3:  # go on from what is there
        hole[:, bars >= random.choice(bars)] = True
    elif kind < 0.5:  # one part, or some
        chosen = np.arange(len(CELL_PARTS)) == random.choice(np.flatnonzero(song.present))
        hole[chosen | (some_parts if random.random() < 0.3 else chosen)] = True
    elif kind < 0.75:  # a hole of some bars, in all parts or some
        first, last = np.sort(random.choice(np.unique(bars), 2))
        hole[:, (bars >= first) & (bars <= last)] = True
        if random.random() < 0.5 and (some_parts & song.present).any():
            hole[~some_parts] = False
    else:
        hole[:] = True
    done = random.random() if random.random() < 0.7 else 0.0  # so many cells of the hole are written already
    kind = random.random()
    there: Mask
    if kind < 0.6:
        there = np.less(random.random(hole.shape), done)
    elif kind < 0.8:  # whole parts are written first
        there = np.repeat(random.random((len(CELL_PARTS), 1)) < done, length, axis=1)
    else:  # or beats
        drawn = random.random(16)[np.minimum(song.grid.beat[window], 15)]
        there = np.repeat((drawn < done)[None], len(CELL_PARTS), axis=0)
    return (~hole | there) & song.present[:, None]


def collate(examples: list[CellExample]) -> CellExample:
    """Examples of one length as tensors."""
    stacked = {field.name: np.stack([getattr(example, field.name) for example in examples])
               for field in fields(CellExample)}  # fmt: skip
    return CellExample(**{name: torch.from_numpy(np.ascontiguousarray(value, np.float32))
                          for name, value in stacked.items()})  # fmt: skip


