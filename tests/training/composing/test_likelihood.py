"""Baselines are proper distributions with the likelihood they should have, and the judge knows planted genres."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from harmonicflow.score.cells import CELL_PARTS, NOTES, PLACE, SIZES, SLOT, SLOTS, VELOCITY
from training.composing import genre, masked
from training.composing.baselines import DRUMS, NEAR, Unigram, Weights, fit_weights, source_logp
from training.composing.likeness import looped

from .planted import Row, band, piece

BASS = CELL_PARTS.index("bass")


def cell(*notes: tuple[int, int, int, int, int]) -> np.ndarray:
    out = np.full((NOTES, 5), -1, np.int16)
    out[: len(notes)] = np.array(notes).reshape(-1, 5)
    return out


def small(seed: int = 0) -> Unigram:
    """Two slots and the end, two places, two of each further field: all cells can be listed."""
    rng = np.random.default_rng(seed)
    tables = []
    for number, size in enumerate(SIZES):
        table = np.zeros((len(CELL_PARTS), size))
        used = [0, 1, SLOTS] if number == SLOT else [3, 5]
        table[:, used] = rng.dirichlet(np.ones(len(used)), len(CELL_PARTS))
        tables.append(table)
    return Unigram(tuple(tables))


def every_cell() -> np.ndarray:
    """All cells of notes at slots 0, 1 and places 3, 5, with two values of each further field."""
    where = list(product((0, 1), (3, 5)))
    further = list(product((3, 5), repeat=3))
    cells = []
    for chosen in product((False, True), repeat=len(where)):
        kept = [pair for pair, there in zip(where, chosen, strict=True) if there]
        cells += [cell(*((s, p, *f) for (s, p), f in zip(kept, fields, strict=True)))
                  for fields in product(further, repeat=len(kept))]  # fmt: skip
    return np.stack(cells)


def test_baselines_are_distributions() -> None:
    """Over all cells that are allowed, probabilities add up to one."""
    cells = every_cell()
    part = np.full(len(cells), BASS)
    assert np.exp(small().logp(part, cells)).sum() == pytest.approx(1)
    source = np.broadcast_to(cell((0, 5, 3, 5, 5), (1, 3, 5, 3, 5)), (len(cells), 1, NOTES, 5))
    weights = Weights(near={number: np.zeros(len(CELL_PARTS)) for number in NEAR})
    found = np.exp(source_logp(small(), weights, part, cells, source))
    same = int(np.flatnonzero((cells == source[:, 0]).all(axis=(1, 2)))[0])
    assert found.sum() == pytest.approx(1) and found[same] > 5 * np.exp(small().logp(part, cells))[same]


def test_a_unigram_has_the_closed_forms_likelihood() -> None:
    """One note a cell at most, always on slot 0: a coin for whether, a die for the place."""
    rng = np.random.default_rng(1)
    cells = np.stack([cell((0, int(rng.integers(4)), 2, 9, 8)) if rng.random() < 0.7 else cell() for _ in range(4000)])
    part = np.full(len(cells), BASS)
    found = Unigram.fit(part, cells)
    assert all(np.allclose(table.sum(axis=1), 1) for table in found.tables)
    slots = found.tables[SLOT][BASS]
    one = found.logp(part[:1], cell((0, 2, 2, 9, 8))[None])[0]
    places = found.tables[PLACE][BASS]
    expected = (
        np.log(slots[0]) + np.log(places[2]) + np.log(slots[SLOTS])
        + sum(np.log(found.tables[number][BASS][value]) for number, value in ((2, 2), (3, 9), (4, 8)))
    )  # fmt: skip
    assert one == pytest.approx(expected)
    bits = -found.logp(part, cells).mean() / np.log(2)
    assert bits == pytest.approx(
        (stats.entropy([0.7 / 1.7, 1 / 1.7]) * 1.7 + 0.7 * np.log(4)) / np.log(2), rel=0.05
    )  # of 1.7 notes or ends a cell 1 is an end


def test_drums_pay_nothing_for_durations() -> None:
    found = Unigram.fit(np.array([DRUMS]), cell((0, 1, 2, 9, 8))[None])
    short, long = (found.logp(np.array([DRUMS]), cell((0, 1, d, 9, 8))[None])[0] for d in (2, 20))
    assert short == long
    assert found.tables[PLACE][DRUMS, 16:].sum() == 0


def test_a_source_that_is_right_is_believed_and_one_that_is_wrong_is_not() -> None:
    rng = np.random.default_rng(2)

    def draw() -> np.ndarray:
        slots = np.sort(rng.choice(12, 4, replace=False))
        return cell(*((int(s), int(rng.integers(20, 40)), 3, int(rng.integers(6, 12)), 8) for s in slots))

    truth = np.stack([draw() for _ in range(300)])
    part = np.full(len(truth), BASS)
    near = truth.copy()
    near[..., VELOCITY] += (near[..., SLOT] >= 0) * rng.integers(-1, 2, near.shape[:2]).astype(np.int16)
    other = np.stack([draw() for _ in range(300)])
    unigram = Unigram.fit(part, truth)
    right, wrong = (fit_weights(unigram, part, truth, source) for source in (near, other))
    assert right.notes[BASS] > 0.95 and wrong.notes[BASS] < 0.5
    plain = unigram.logp(part, truth).mean()
    assert source_logp(unigram, right, part, truth, near[:, None]).mean() > plain + 10
    assert source_logp(unigram, wrong, part, truth, other[:, None]).mean() > plain - 1
    assert right.same[VELOCITY][BASS] == pytest.approx(1 / 3, abs=0.1)
    assert right.near[VELOCITY][BASS] == pytest.approx(2 / 3, abs=0.1)
    none = np.full((len(truth), 1, NOTES, 5), masked.NOTHING, np.int16)
    np.testing.assert_allclose(source_logp(unigram, right, part, truth, none), unigram.logp(part, truth))


def test_several_sources_are_a_mean_of_probabilities() -> None:
    truth = cell((0, 30, 3, 9, 8), (6, 33, 3, 9, 8))[None]
    part = np.array([BASS])
    unigram = small()
    tables = tuple(np.full_like(table, 1 / table.shape[1]) for table in unigram.tables)
    unigram, sources = Unigram(tables), np.stack([truth[0], cell((3, 30, 3, 9, 8))])[None]
    each = [source_logp(unigram, Weights(), part, truth, sources[:, n : n + 1])[0] for n in range(2)]
    both = source_logp(unigram, Weights(), part, truth, sources)[0]
    assert both == pytest.approx(np.log(np.mean(np.exp(each)))) and each[0] > each[1]


def test_windows_lose_what_is_taken_out_and_the_bar_before_is_found() -> None:
    rows: list[Row] = [(4 * bar + beat, 1, 40 + beat, 90, 0) for bar in range(16) for beat in range(4)]
    song = piece({"bass": rows, "drums": [(float(b), 0.2, 36, 90, 0) for b in range(64)]}, 16, genre="pop")
    (window,) = masked.windows([song])
    rng = np.random.default_rng(0)
    picks = masked.hole(window, rng)
    assert len(picks) == 16 and len(set(picks[:, 0])) == 1 and picks[0, 0] in window.sounding
    bet = masked.Bet(window, picks)
    assert (masked.previous_bar(bet)[:, 0] == bet.truth).all()  # every bar is the same
    given = masked.inputs(bet)
    assert (given["notes"][0, picks[:, 0], picks[:, 1]] == -1).all()
    assert (given["known"][0, picks[:, 0], picks[:, 1]] == 0).all()
    assert (given["known"][0, [CELL_PARTS.index("guitar"), CELL_PARTS.index("piano")]] == 0).all()
    assert given["forced"][0, 0, 1, SLOT] == SLOTS and all(value.dtype == np.float32 for value in given.values())
    moved = masked.inputs(bet, mislead=True)["harmony"]
    assert moved.shape == given["harmony"].shape


def test_baselines_stand_in_their_order_on_a_song_that_repeats() -> None:
    test = list(masked.windows([looped(band(8, seed), 1) for seed in range(2)], 8))
    books = masked.Bookmakers.fit(test, test, 0)
    found = masked.measure(books, test, None, 0, lambda line: None)
    for task in masked.TASKS:
        bits = {row: found[task][row]["all"]["bits_a_note"] for row in found[task]}
        assert bits["uniform"] > bits["unigram"] and bits["arranger"] < bits["unigram"] + 0.5
    single = {row: found["cells"][row]["all"]["bits_a_note"] for row in found["cells"]}
    assert single["previous bar"] < single["unigram"] - 1


def test_the_judge_knows_planted_genres() -> None:
    def straight(seed: int, kind: str) -> object:
        rng = np.random.default_rng(seed)
        places = (0.0, 2.0) if kind == "rock" else (1.0, 3.0) if kind == "reggae" else (0.0, 1.0, 2.0, 3.0)
        rows: list[Row] = [
            (4 * bar + place, 0.3, 36, int(rng.integers(60, 110)), 0) for bar in range(8) for place in places
        ]
        return piece({"drums": rows, "bass": rows}, 8, genre=kind)

    kinds = ("rock", "reggae", "electronic")
    train = [straight(seed, kind) for seed in range(8) for kind in kinds]
    test = [straight(100 + seed, kind) for seed in range(4) for kind in kinds]
    judge = genre.fit(train)  # type: ignore[arg-type]
    assert judge.genres == ("rock", "reggae", "electronic")
    assert genre.accuracy(judge, test)["all"] == 1.0  # type: ignore[arg-type]
    lied = [piece({"drums": p.part("drums"), "bass": p.part("bass")}, 8, genre="rock") for p in test]  # type: ignore[attr-defined]
    assert genre.accuracy(judge, lied)["rock"] == pytest.approx(1 / 3)
    assert genre.mistaken(judge, lied)["rock"] in ("reggae", "electronic")
    drums = genre.fit(train, ("drums",))  # type: ignore[arg-type]
    assert np.allclose(np.exp(drums.scores(test)).sum(axis=1), 1)  # type: ignore[arg-type]
