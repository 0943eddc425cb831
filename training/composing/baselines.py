"""Likelihood of cells without a network: what the composer's bits are worth.

All are proper distributions over the same tokens, spelled in the composer's order. A cell is a string of notes and an
end; a note's slot is not before the last one's, within a slot its place is higher; 16 notes need no end; a drum's
duration says nothing and costs nothing. With t the part:

    unigram   p(slot | t), among the slots still possible, times p(place | t), among the places still possible, times
              p(duration | t) p(velocity | t) p(timing | t); tables counted on the train split, half a count added.

    source    given a cell to go by, the next note's slot and place (or the end) are those of the source's first note
              after the last written one with weight a, the unigram's with 1 - a. Where the note is the source's, each
              further field is the source's with weight b, one of its neighbours' (one step, two steps) with c, the
              unigram's with the rest. Weights by part, by expectation maximisation on the validation split.

The *previous bar* is a source; the *arranger* is several, one a seed, and p is their mean.

Shapes: R cells, N notes of a cell, F fields, S sources.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.score.cells import (
    CELL_PARTS,
    DURATION,
    FIELDS,
    NOTES,
    PLACE,
    PLACES,
    SIZES,
    SLOT,
    SLOTS,
    TIMING,
    VELOCITY,
    Tokens,
)

from .pieces import Floats

DRUMS: Final = CELL_PARTS.index("drums")
DRUM_PLACES: Final = 16
HALF: Final = 0.5
END: Final = SLOTS * PLACES  # slot and place as one number, and the end after all of them
NEAR: Final = {VELOCITY: 2, TIMING: 2}  # steps that count as neighbours
_FURTHER: Final = (DURATION, VELOCITY, TIMING)
ROUNDS: Final = 12
TINY: Final = 1e-12
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Unigram:
    """Probabilities of each value of each field by part: tables[field] is [parts, values]."""

    tables: tuple[Floats, ...]

    @classmethod
    def fit(cls, part_R: Whole, tokens_RNF: Tokens) -> Unigram:
        """Counted over cells; every cell also ends once, unless it is full."""
        counts = [np.full((len(CELL_PARTS), size), HALF) for size in SIZES]
        counts[PLACE][DRUMS, DRUM_PLACES:] = 0.0
        sounds = tokens_RNF[..., SLOT] >= 0
        rows, _ = np.nonzero(sounds)
        for number in range(FIELDS):
            np.add.at(counts[number], (part_R[rows], tokens_RNF[sounds][:, number].astype(int)), 1)
        ends = sounds.sum(axis=1) < NOTES
        np.add.at(counts[SLOT], (part_R[ends], SLOTS), 1)
        return cls(tuple(table / table.sum(axis=1, keepdims=True) for table in counts))

    def pair(self, part: Whole, slot: Whole, place: Whole, last_slot: Whole, last_place: Whole) -> Floats:
        """Probability of the next slot (SLOTS: the end) and place after the last ones (-1, -1 at first), [R]."""
        rows = np.arange(len(part))
        places = self.tables[PLACE][part]
        above = np.concatenate([np.cumsum(places[:, ::-1], axis=1)[:, ::-1], np.zeros((len(part), 1))], axis=1)
        left = above[rows, last_place + 1]  # of the places, within the last slot
        slots = self.tables[SLOT][part].copy()
        slots[np.arange(SIZES[SLOT]) < last_slot[:, None]] = 0.0
        full = (last_slot >= 0) & (left < TINY)
        slots[rows[full], last_slot[full]] = 0.0
        found = slots[rows, slot] / slots.sum(axis=1)
        of_place = places[rows, np.clip(place, 0, PLACES - 1)]
        of_place = of_place / np.maximum(np.where(slot == last_slot, left, above[rows, 0]), TINY)
        return np.where(slot >= SLOTS, found, found * of_place)

    def field(self, number: int, part: Whole, value: Whole) -> Floats:
        """Probability of a further field's value, [R]; 1 for the duration of a drum."""
        found = self.tables[number][part, np.clip(value, 0, SIZES[number] - 1)]
        return np.where((part == DRUMS) & (number == DURATION), 1.0, found)

    def logp(self, part: Whole, tokens_RNF: Tokens) -> Floats:
        """Natural log probability of each cell, [R]."""
        total = np.zeros(len(part))
        for step in _steps(tokens_RNF):
            p = self.pair(part[step.rows], step.slot, step.place, step.last_slot, step.last_place)
            for number in (DURATION, VELOCITY, TIMING):
                p = p * np.where(step.ends, 1.0, self.field(number, part[step.rows], step.note[:, number]))
            total[step.rows] += np.log(p)
        return total


@dataclass(frozen=True)
class _Step:
    """One note, or the end, of every cell that gets so far; rows are their places among R."""

    rows: Whole
    note: Whole
    slot: Whole
    place: Whole
    last_slot: Whole
    last_place: Whole
    ends: NDArray[np.bool_]


def _steps(tokens_RNF: Tokens) -> list[_Step]:
    tokens = np.asarray(tokens_RNF, np.int64)
    counts = (tokens[..., SLOT] >= 0).sum(axis=1)
    out = []
    for number in range(NOTES):
        rows = np.flatnonzero(counts >= number)
        note = tokens[rows, number]
        ends = counts[rows] == number
        last = tokens[rows, number - 1] if number else np.full((len(rows), FIELDS), -1)
        slot = np.where(ends, SLOTS, note[:, SLOT])
        out.append(_Step(rows, note, slot, note[:, PLACE], last[:, SLOT], last[:, PLACE], ends))
    return out


@dataclass
class Weights:
    """How far a source is believed, by part [parts]: its notes, and per further field itself and its neighbours."""

    notes: Floats = field(default_factory=lambda: np.full(len(CELL_PARTS), 0.5))
    same: dict[int, Floats] = field(default_factory=lambda: {n: np.full(len(CELL_PARTS), 0.4) for n in _FURTHER})
    near: dict[int, Floats] = field(default_factory=lambda: {n: np.full(len(CELL_PARTS), 0.3) for n in NEAR})


def source_logp(unigram: Unigram, weights: Weights, part: Whole, tokens_RNF: Tokens, sources_RSNF: Tokens) -> Floats:
    """Log probability of cells given sources, the mean of probabilities over them, [R].

    A source whose first slot is below -1 is none: there the unigram speaks.
    """
    plain = unigram.logp(part, tokens_RNF)
    found = []
    for number in range(sources_RSNF.shape[1]):
        source = np.asarray(sources_RSNF[:, number], np.int64)
        there = np.flatnonzero(source[:, 0, SLOT] >= -1)
        logp = plain.copy()
        logp[there] = _one(unigram, weights, part[there], tokens_RNF[there], source[there], None)
        found.append(logp)
    stacked = np.stack(found)
    top = stacked.max(axis=0)
    return np.asarray(top + np.log(np.exp(stacked - top).mean(axis=0)))


def fit_weights(unigram: Unigram, part: Whole, tokens_RNF: Tokens, source_RNF: Tokens) -> Weights:
    """Weights that make the cells likeliest given their sources."""
    there = np.flatnonzero(source_RNF[:, 0, SLOT] >= -1)
    weights = Weights()
    for _ in range(ROUNDS):
        tally = Tally()
        _one(unigram, weights, part[there], tokens_RNF[there], np.asarray(source_RNF[there], np.int64), tally)
        weights = tally.weights(weights)
    return weights


class Tally:
    """How often each component was responsible for what was seen, by part."""

    def __init__(self) -> None:
        zeros = np.zeros(len(CELL_PARTS))
        self.seen = {what: zeros.copy() for what in (-1, *_FURTHER)}
        self.took = {what: zeros.copy() for what in (-1, *_FURTHER)}
        self.near = {what: zeros.copy() for what in NEAR}

    def weights(self, before: Weights) -> Weights:
        def share(took: Floats, what: int, old: Floats) -> Floats:
            return np.clip(np.where(self.seen[what] > 0, took / np.maximum(self.seen[what], 1), old), 1e-4, 1 - 1e-3)

        same = {what: share(self.took[what], what, before.same[what]) for what in _FURTHER}
        near = {what: share(self.near[what], what, before.near[what]) for what in NEAR}
        return Weights(
            share(self.took[-1], -1, before.notes),
            {what: np.minimum(value, 0.999 - near.get(what, np.zeros(1))) for what, value in same.items()}, near,
        )  # fmt: skip


def _one(
    unigram: Unigram, weights: Weights, part: Whole, tokens_RNF: Tokens, source_RNF: Whole, tally: Tally | None
) -> Floats:
    keys = np.where(source_RNF[..., SLOT] >= 0, source_RNF[..., SLOT] * PLACES + source_RNF[..., PLACE], END)
    total = np.zeros(len(part))
    for step in _steps(tokens_RNF):
        rows, t = step.rows, part[step.rows]
        last = np.where(step.last_slot >= 0, step.last_slot * PLACES + step.last_place, -1)
        after = np.where(keys[rows] > last[:, None], keys[rows], END)
        candidate = after.min(axis=1)
        actual = np.where(step.ends, END, step.slot * PLACES + step.place)
        hit = candidate == actual
        plain = unigram.pair(t, step.slot, step.place, step.last_slot, step.last_place)
        copied = weights.notes[t] * hit
        p = copied + (1 - weights.notes[t]) * plain
        if tally is not None:
            np.add.at(tally.seen[-1], t, 1)
            np.add.at(tally.took[-1], t, copied / p)
        goes_by = hit & ~step.ends
        original = source_RNF[rows, after.argmin(axis=1)]
        for number in _FURTHER:
            q = _field(unigram, weights, number, t, step.note[:, number], original[:, number], goes_by, tally)
            p = p * np.where(step.ends, 1.0, q)
        total[rows] += np.log(p)
    return total


def _field(
    unigram: Unigram, weights: Weights, number: int, part: Whole, value: Whole, original: Whole,
    goes_by: NDArray[np.bool_], tally: Tally | None,
) -> Floats:  # fmt: skip
    plain = unigram.field(number, part, value)
    same = weights.same[number][part]
    rest, near = 1 - same, np.zeros(len(part))
    exact = same * (value == original)
    if number in NEAR:
        reach = NEAR[number]
        step = np.abs(value - original)
        low, high = np.maximum(original - reach, 0), np.minimum(original + reach, SIZES[number] - 1)
        near = weights.near[number][part] * ((step > 0) & (step <= reach)) / np.maximum(high - low, 1)
        rest = rest - weights.near[number][part]
    mixed = exact + near + rest * plain
    silent = (part == DRUMS) & (number == DURATION)
    if tally is not None:
        counted = goes_by & ~silent
        np.add.at(tally.seen[number], part[counted], 1)
        np.add.at(tally.took[number], part[counted], (exact / mixed)[counted])
        if number in NEAR:
            np.add.at(tally.near[number], part[counted], (near / mixed)[counted])
    return np.where(silent, 1.0, np.where(goes_by, mixed, plain))
