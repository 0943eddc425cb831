"""Planted forms: bars that are alike by construction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from harmonicflow.analysis.structure import bar_likeness, bar_rows, checkerboard, find_structure, letter_of


def planted(form, bars=8, noise=0.05, seed=0):
    """A section is `bars` chords and a sound of its own."""
    random = np.random.default_rng(seed)
    palette, harmony, sound = {}, [], []
    for letter in form:
        roots, level = palette.setdefault(letter, (random.integers(0, 12, bars), random.normal(size=6)))
        for root in roots:
            row = np.full(12, 0.05)
            row[[root, (root + 4) % 12, (root + 7) % 12]] = 1
            harmony.append(np.tile(row, 4) + noise * random.random(48))
            sound.append(level + noise * random.normal(size=6))
    return bar_likeness(np.array(harmony), np.array(sound))


@pytest.mark.parametrize("form", ["AABA", "ABABCB", "ABAB", "AAAA"])
@pytest.mark.parametrize("seed", [0, 1])
def test_planted_forms_are_found(form, seed):
    found = find_structure(planted(form, seed=seed))
    assert "".join(part.letter for part in found.sections) == form
    assert [part.first for part in found.sections] == [8 * place for place in range(len(form))]
    assert found.sections[-1].last == 8 * len(form)
    assert all(0 <= part.confidence <= 1 for part in found.sections)


@pytest.mark.parametrize("seed", range(4))
def test_sections_that_never_return_are_told_apart(seed):
    found = find_structure(planted("ABCD", seed=seed))
    firsts = [part.first for part in found.sections]
    assert all(min(abs(first - border) for first in firsts) <= 1 for border in (0, 8, 16, 24))
    assert len({part.letter for part in found.sections}) == len(found.sections)


def test_a_passage_that_returns_is_a_motif():
    likeness = planted("ABCA")
    motif = find_structure(likeness).motifs[0]
    assert (motif.first, motif.again, motif.bars) == (0, 24, 8) and motif.likeness > 0.9
    assert all(motif.bars < 4 for motif in find_structure(planted("ABCD", seed=3)).motifs)


def test_novelty_is_highest_on_the_border():
    likeness = np.kron(np.eye(2), np.ones((8, 8)))
    novelty = checkerboard(likeness, 4)
    assert novelty.argmax() == 8 and novelty[8] == pytest.approx(1.0, abs=0.01)
    assert abs(novelty[3]) < 0.01


def test_bars_of_any_length_have_four_quarters():
    rows = np.arange(10.0)[:, None]
    whole = bar_rows(rows, [0, 4, 8])
    assert whole.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert bar_rows(rows, [0, 3])[0].mean() == pytest.approx(1.0)  # the mean survives any division


def test_letters_go_on_after_z():
    assert [letter_of(number) for number in (0, 25, 26, 53)] == ["A", "Z", "AA", "BB"]


@settings(max_examples=40)
@given(strategies.integers(0, 40), strategies.integers(0, 2**16))
def test_any_likeness_has_sections_that_cover_it(count, seed):
    random = np.random.default_rng(seed)
    likeness = random.random((count, count))
    likeness = (likeness + likeness.T) / 2
    found = find_structure(likeness.astype(np.float32))
    edges = [part.first for part in found.sections] + [count]
    assert edges == sorted(set(edges)) and (count == 0 or edges[0] == 0)
    assert all(part.last == edge for part, edge in zip(found.sections, edges[1:], strict=True))
    assert all(motif.first < motif.again and motif.again + motif.bars <= count for motif in found.motifs)
