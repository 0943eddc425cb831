"""Puts a drummer behind a song: a performance of the song's own split, near its tempo, warped to its beats."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from . import drums
from .manifest import Row
from .plan import TAIL_S
from .song import ONSET, Song

POP_DRUMS: Final = ("pop", "rock", "soul", "hiphop")  # styles a drummer may bring to a pop song
LATER: Final = (0, 0, 0, 4)  # bars before the drummer comes in, drawn evenly


def with_human_drums(
    song: Song, midi: Path, rows: list[Row], genres: tuple[str, ...], rng: np.random.Generator
) -> Song:
    """The song with a drummer's performance of its own split warped to its beats; as it is when not in 4/4."""
    if song.meter != "4/4" or len(song.downbeats) < 4:
        return song
    bpm = 60.0 / float(np.median(np.diff(song.beats_s)))
    row = drums.choose(drums.takes_of(rows, song.split, genres), bpm, rng)
    if row is None:
        return song
    take = drums.load_take(midi / row.path, row.path, row.genre, row.tempo_bpm)
    first_bar = int(rng.integers(0, max(take.bars // 4, 1))) * 4
    part = drums.warp(take, song.beats_s, song.downbeats, first_bar, int(rng.choice(LATER)))
    part = drums.tidy_drums(part[part[:, ONSET] < song.seconds - TAIL_S - 0.02])
    return replace(song, parts={**song.parts, "drums": part}, drums_from=row.path)
