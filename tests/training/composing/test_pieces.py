"""Pieces: to scores and back, cut, read off a song, and kept on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.composing.pieces import (
    PITCH,
    SHIFT,
    START,
    nearest_place,
    piece_of,
    score_of,
    selection_of,
    transposed,
)  # fmt: skip
from training.composing.songs import piece_of_song
from training.composing.store import kept, read, write
from training.corpus.song import Song, Unusable

from .planted import band, piece


def test_a_piece_becomes_a_score_and_comes_back() -> None:
    before = band(5, 1, emotion=(0.5, -0.25))
    after = piece_of(score_of(before), selection_of(before), before)
    assert after.chords == before.chords and after.beats == 20
    np.testing.assert_allclose(after.beats_s[:20], before.beats_s[:20], atol=1e-4)
    for name in before.parts:
        ours, theirs = (p.part(name)[np.lexsort(p.part(name).T)] for p in (before, after))
        np.testing.assert_allclose(theirs, ours, atol=1e-6)


def test_bars_of_other_lengths_keep_their_lines() -> None:
    odd = replace(band(4, 2), bars=np.array([0.0, 3.5, 7.0, 12.0, 16.0]), meter="7/8")
    selection = selection_of(odd)
    assert [str(bar.meter) for bar in selection.bars()] == ["7/8", "7/8", "5/4", "4/4"]
    np.testing.assert_allclose(piece_of(score_of(odd), selection).bars, odd.bars)


def test_a_cut_begins_at_its_bar_and_ends_with_it() -> None:
    whole = piece({"bass": [(3.5, 3.0, 40, 90, 0.0), (4.0, 9.0, 41, 90, 0.01), (12.0, 1.0, 42, 90, 0.0)]}, 4)
    part = whole.cut(1, 2)
    np.testing.assert_allclose(part.part("bass"), [[0.0, 8.0, 41, 90, 0.01]])
    assert part.beats == 8 and part.beats_s[0] == 0 and part.bpm == pytest.approx(120)


def test_what_a_player_adds_to_the_grid_is_kept_as_a_shift() -> None:
    beats_s = np.concatenate([[0.0], 1.0 + np.arange(25) * 0.5])  # the first beat is longer, and no bar line
    onsets = np.array([1.01, 1.49, 1.0 + 0.5 / 3 + 0.004])
    notes = np.stack([onsets, onsets + 0.2, [60, 62, 64], [70, 80, 90]], axis=1)
    song = Song("g", "c", "s", "test", 13.0, {"piano": notes}, beats_s=beats_s,
                downbeats=tuple(1.0 + 4 * n for n in range(6)), made=())  # fmt: skip
    found = piece_of_song(song, "x").part("piano")
    order = np.argsort(found[:, PITCH])
    np.testing.assert_allclose(found[order, START], [0.0, 1.0, 1 / 3])
    np.testing.assert_allclose(found[order, SHIFT], [0.01, -0.01, 0.004], atol=1e-9)
    with pytest.raises(Unusable):
        piece_of_song(replace(song, downbeats=(1.0, 5.0)), "x")


def test_places_are_sixteenths_and_triplets() -> None:
    np.testing.assert_allclose(
        nearest_place(np.array([0.26, 0.32, 1.65, 1.76, -0.02])), [1 / 4, 1 / 3, 5 / 3, 7 / 4, 0]
    )


def test_transposing_leaves_drums_alone() -> None:
    one = band(2, 3)
    other = transposed(one, 3)
    assert (other.part("bass")[:, PITCH] == one.part("bass")[:, PITCH] + 3).all()
    assert (other.part("drums") == one.part("drums")).all()


def test_collections_are_kept_and_read_back(tmp_path: Path) -> None:
    pieces = [band(5, 4, emotion=(0.1, 0.2), tags={"drums": "x"}), replace(band(6, 5), key=None, genre=None)]
    write(tmp_path / "a.safetensors", pieces)
    for ours, theirs in zip(pieces, read(tmp_path / "a.safetensors"), strict=True):
        assert all((theirs.part(name) == ours.part(name)).all() for name in ours.parts)
        assert (theirs.bars == ours.bars).all() and (theirs.beats_s == ours.beats_s).all()
        assert (theirs.chords, theirs.human, theirs.emotion) == (ours.chords, ours.human, ours.emotion)
        assert (theirs.genre, theirs.group, theirs.key) == (ours.genre, ours.group, ours.key)
    said: list[str] = []
    first = kept(tmp_path, "b", "s", lambda: pieces, said.append)
    again = kept(tmp_path, "b", "s", lambda: pytest.fail("made twice"), said.append)
    assert len(said) == 1 and len(first) == len(again) == 2
