"""Windows of true songs with cells taken out, and what each composer would have bet on them.

Two tasks: single cells taken out at random, and a hole of four bars in one part. Every cell is bet on given all that
was left (never given other cells that were taken out), so all rows bet on the same thing.

Shapes: P part, K cell, N note, F field, R masked cell, S source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.score.arrange import Arranger, ComposeRequest
from harmonicflow.score.cell_features import (
    CONTROLS_WIDTH,
    TIME_COLUMNS,
    harmony_features,
    style_features,
    time_features,
)  # fmt: skip
from harmonicflow.score.cells import (
    CELL_PARTS,
    FIELDS,
    NOTES,
    SIZES,
    SLOT,
    SLOTS,
    CellGrid,
    Tokens,
    cells_of,
    grid_of,
)
from harmonicflow.score.keys import parse_key
from harmonicflow.score.score import Score

from .baselines import DRUMS, Unigram, Weights, fit_weights, source_logp
from .harmony import misled
from .pieces import Floats, Piece, chords_of, score_of, sections_of, selection_of

BARS: Final = 16
MOST_CELLS: Final = 96
SHARE: Final = 0.15  # of cells that are taken out at random
HOLE: Final = 4  # bars
SEEDS: Final = 3  # of the arranger
NOTHING: Final = -2  # first slot of a source that is none
Graph = Callable[[dict[str, NDArray[np.float32]]], Floats]  # inputs of the composer's graph -> logp [1, R, N]
Picks = NDArray[np.int64]  # [R, 2] part and cell


@dataclass(frozen=True)
class Window:
    """Sixteen bars of a song as cells."""

    piece: Piece
    grid: CellGrid
    tokens: Tokens  # [P, K, N, F]

    @classmethod
    def of(cls, piece: Piece) -> Window:
        selection = selection_of(piece)
        grid = grid_of(selection)
        return cls(piece, grid, cells_of(score_of(piece), grid))

    @property
    def sounding(self) -> list[int]:
        """Numbers of the parts that play at all."""
        return [number for number, name in enumerate(CELL_PARTS) if len(self.piece.part(name))]


def windows(pieces: Iterable[Piece], bars: int = BARS) -> Iterator[Window]:
    """One window of each piece that is long enough and has at least two parts."""
    for piece in pieces:
        count = len(piece.bars) - 1
        if count < bars:
            continue
        cut = piece.cut((count - bars) // 2 // 4 * 4, bars)
        if len(cut.parts) >= 2 and (window := Window.of(cut)).grid.cells <= MOST_CELLS:
            yield window


def single_cells(window: Window, rng: np.random.Generator) -> Picks:
    """Cells anywhere in the parts that play."""
    drawn = rng.random(window.tokens.shape[:2]) < SHARE
    drawn[[number for number in range(len(CELL_PARTS)) if number not in window.sounding]] = False
    return np.argwhere(drawn)


def hole(window: Window, rng: np.random.Generator) -> Picks:
    """Four bars in one part."""
    part = int(rng.choice(window.sounding))
    bars = int(window.grid.bar.max()) + 1
    first = int(rng.integers(bars // 4, max(bars - HOLE - bars // 4, bars // 4) + 1))
    cells = np.flatnonzero((window.grid.bar >= first) & (window.grid.bar < first + HOLE))
    return np.stack([np.full(len(cells), part), cells], axis=1)


TASKS: Final = {"cells": single_cells, "hole": hole}


@dataclass(frozen=True)
class Bet:
    """A window, what is taken out of it, and the truth of that."""

    window: Window
    picks: Picks

    @property
    def parts(self) -> NDArray[np.int64]:
        return np.asarray(self.picks[:, 0])

    @property
    def by_people(self) -> NDArray[np.bool_]:
        human = np.array([name in self.window.piece.human for name in CELL_PARTS])
        return np.asarray(human[self.parts])

    @property
    def truth(self) -> Tokens:
        return np.asarray(self.window.tokens[self.picks[:, 0], self.picks[:, 1]])


def bets(found: Iterable[Window], task: str, seed: int) -> list[Bet]:
    rng = np.random.default_rng(seed)
    drawn = (Bet(window, TASKS[task](window, rng)) for window in found)
    return [bet for bet in drawn if len(bet.picks)]


def previous_bar(bet: Bet) -> Tokens:
    """[R, 1, N, F]: what the part plays on the same beat of the bar before (or the nearest that is left)."""
    grid, tokens = bet.window.grid, bet.window.tokens
    masked = np.zeros(tokens.shape[:2], bool)
    masked[bet.picks[:, 0], bet.picks[:, 1]] = True
    out = np.full((len(bet.picks), 1, NOTES, FIELDS), NOTHING, np.int16)
    for row, (part, cell) in enumerate(bet.picks):
        same = np.flatnonzero((grid.beat == grid.beat[cell]) & ~masked[part])
        away = grid.bar[cell] - grid.bar[same]
        order = np.where(away > 0, away, 1000 - away)  # bars before come first, near ones before far ones
        if len(same):
            out[row, 0] = tokens[part, same[int(order.argmin())]]
    return out


def arranged(bet: Bet, seeds: int = SEEDS) -> Tokens:
    """[R, S, N, F]: what the arranger writes there, given the other parts whole, once a seed."""
    window, piece = bet.window, bet.window.piece
    selection, score = selection_of(piece), score_of(piece)
    out = np.full((len(bet.picks), seeds, NOTES, FIELDS), NOTHING, np.int16)
    for part in np.unique(bet.parts):
        name = CELL_PARTS[part]
        others = Score(tuple(n for n in score.notes if n.instrument != name), score.chords, score.sections)
        rows = np.flatnonzero(bet.parts == part)
        for seed in range(seeds):
            request = ComposeRequest(
                selection=selection, chords=chords_of(piece) or None, key=parse_key(piece.key) if piece.key else None,
                genre=piece.genre or "pop", stems=(name,), known=others, seed=seed,
            )  # fmt: skip
            tokens = cells_of(Arranger().compose(request), window.grid)
            out[rows, seed] = tokens[part, bet.picks[rows, 1]]
    return out


def network(bet: Bet, graph: Graph, mislead: bool = False) -> Floats:
    """Log probabilities [R] by the composer's graph; told chords, key, time and genre, and nothing to aim at."""
    logp = graph(inputs(bet, mislead))[0]
    return np.asarray(logp.sum(axis=1), np.float64)


def inputs(bet: Bet, mislead: bool = False) -> dict[str, NDArray[np.float32]]:
    """What the graph is given; `mislead` tells it chords and a key a tritone away."""
    window = bet.window
    piece = misled(window.piece) if mislead else window.piece
    grid, tokens = window.grid, window.tokens.astype(np.float32)
    parts, cells = tokens.shape[:2]
    known = np.ones((parts, cells), np.float32)
    known[bet.picks[:, 0], bet.picks[:, 1]] = 0.0
    absent = [number for number in range(parts) if number not in window.sounding]
    known[absent] = 0.0  # what the song does not have is not known to be silent
    seen = np.where(known[..., None, None] > 0, tokens, -1.0)
    forced = bet.truth.astype(np.float32)
    count = (forced[..., SLOT] >= 0).sum(axis=1)
    rows = np.flatnonzero(count < NOTES)
    forced[rows, count[rows], SLOT] = SLOTS
    picks = len(bet.picks)
    key = parse_key(piece.key) if piece.key else None
    time = time_features(grid, sections_of(piece))
    time[:, TIME_COLUMNS["first"].start : TIME_COLUMNS["last"].stop] = 0.0  # the window's ends are not the song's
    given = {
        "notes": seen, "known": known, "recall": np.full_like(tokens, -1.0), "likeness": np.zeros((parts, cells)),
        "harmony": harmony_features(chords_of(piece), key, grid),
        "time": time, "style": style_features(piece.genre, None),
        "controls": np.zeros((parts, cells, CONTROLS_WIDTH)), "write": bet.picks,
        "uniform": np.full((picks, NOTES, FIELDS), 0.5), "forced": forced, "bias": np.zeros((picks, SIZES[SLOT])),
        "heat": np.tile([1.0, 0.0], (picks, 1)),
    }  # fmt: skip
    return {name: np.ascontiguousarray(value[None], np.float32) for name, value in given.items()}


@dataclass(frozen=True)
class Bookmakers:
    """The baselines, fitted: tables on the train split, weights on the validation split."""

    unigram: Unigram
    previous: Weights
    arranger: Weights

    @classmethod
    def fit(cls, train: Iterable[Window], validation: list[Window], seed: int) -> Bookmakers:
        rows = [(part, window.tokens[part]) for window in train for part in window.sounding]
        numbers = np.concatenate([np.full(len(tokens), part) for part, tokens in rows])
        unigram = Unigram.fit(numbers, np.concatenate([tokens for _, tokens in rows]))
        drawn = bets(validation, "cells", seed)
        parts = np.concatenate([bet.parts for bet in drawn])
        truth = np.concatenate([bet.truth for bet in drawn])
        before = np.concatenate([previous_bar(bet)[:, 0] for bet in drawn])
        by_rule = np.concatenate([arranged(bet, 1)[:, 0] for bet in drawn])
        return cls(
            unigram, fit_weights(unigram, parts, truth, before), fit_weights(unigram, parts, truth, by_rule)
        )  # fmt: skip

    def rows(self, bet: Bet) -> dict[str, Floats]:
        """Log probabilities [R] of each baseline."""
        parts, truth = bet.parts, bet.truth
        return {
            "uniform": uniform_logp(parts, truth),
            "unigram": self.unigram.logp(parts, truth),
            "arranger": source_logp(self.unigram, self.arranger, parts, truth, arranged(bet)),
            "previous bar": source_logp(self.unigram, self.previous, parts, truth, previous_bar(bet)),
        }


def uniform_logp(part_R: NDArray[np.int64], tokens_RNF: Tokens) -> Floats:
    """The bottom of the ladder: every value as likely as any other."""
    flat = [np.ones((len(CELL_PARTS), size)) / size for size in SIZES]
    flat[1][DRUMS] = np.where(np.arange(SIZES[1]) < 16, 1 / 16, 0.0)
    return Unigram(tuple(flat)).logp(part_R, tokens_RNF)


def bits(found: list[tuple[Bet, Floats]]) -> dict[str, dict[str, float]]:
    """Part (and "all", and "people" for what people played or wrote) -> bits a note and bits a cell of one row."""
    out: dict[str, dict[str, float]] = {}
    parts = np.concatenate([bet.parts for bet, _ in found])
    notes = np.concatenate([(bet.truth[..., SLOT] >= 0).sum(axis=1) for bet, _ in found])
    people = np.concatenate([bet.by_people for bet, _ in found])
    cost = -np.concatenate([logp for _, logp in found]) / np.log(2)
    columns = {name: parts == number for number, name in enumerate(CELL_PARTS)}
    for name, chosen in (columns | {"people": people, "all": parts >= 0}).items():
        if chosen.any():
            out[name] = {
                "bits_a_note": round(float(cost[chosen].sum() / max(notes[chosen].sum(), 1)), 4),
                "bits_a_cell": round(float(cost[chosen].mean()), 4), "cells": int(chosen.sum()),
                "notes": int(notes[chosen].sum()),
            }  # fmt: skip
    return out


def measure(
    books: Bookmakers, test: list[Window], graph: Graph | None, seed: int, report: Callable[[str], None]
) -> dict[str, Any]:
    """Task -> row -> part -> bits."""
    out: dict[str, Any] = {}
    for task in TASKS:
        rows: dict[str, list[tuple[Bet, Floats]]] = {}
        for bet in bets(test, task, seed):
            found = books.rows(bet)
            if graph is not None:
                found["composer"] = network(bet, graph)
                found["composer, chords moved"] = network(bet, graph, mislead=True)
            for row, logp in found.items():
                rows.setdefault(row, []).append((bet, logp))
        out[task] = {row: bits(pairs) for row, pairs in rows.items()}
        report(f"likelihood of {task} measured")
    return out
