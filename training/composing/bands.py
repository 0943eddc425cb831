"""Bands: charts played in every genre alike, with human drums where there are any, for a judge of genre."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from harmonicflow.core.constants import GENRES, SAMPLE_RATE
from harmonicflow.core.tempo import Meter, Selection, TempoMap
from harmonicflow.score.arrange import Arranger, ComposeRequest
from harmonicflow.score.keys import key_of_chords
from harmonicflow.score.score import Note, Score

from ..corpus import drums
from ..corpus.charts import lay, load_chart
from ..corpus.manifest import SPLITS, Row
from ..corpus.plan import fits
from ..corpus.song import Song
from .pieces import Piece, piece_of, score_of
from .songs import BROKEN, piece_of_song

BARS: Final = 16
TEMPI: Final = (75.0, 160.0)  # of genres that no drummer plays


def bands(midi: Path, rows: list[Row], split: str, count: int, seed: int = 0) -> Iterator[Piece]:
    """`count` pieces of each genre: a chart of the split, a drummer of that genre where there is one, the arranger."""
    charts = [row for row in rows if fits(row, "C") and row.split == split]
    for place, genre in enumerate(GENRES):
        takes = drums.takes_of(rows, split, (genre,)) or drums.takes_of(rows, "train", (genre,))
        for number in range(count):
            rng = np.random.default_rng([seed, place, number, SPLITS.index(split)])
            take = takes[int(rng.integers(len(takes)))] if takes else None
            try:
                yield _band(charts[int(rng.integers(len(charts)))], take, genre, midi, split, rng)
            except BROKEN:
                continue


def _band(row: Row, drummer: Row | None, genre: str, midi: Path, split: str, rng: np.random.Generator) -> Piece:
    chart = load_chart(midi, row, rng)
    low, high = np.log(TEMPI)
    usual = drummer.tempo_bpm * float(rng.uniform(0.9, 1.1)) if drummer else float(np.exp(rng.uniform(low, high)))
    bpm = round(usual, 2)
    meter = Meter.parse("4/4")
    chords = lay(chart, int(rng.choice(chart.starts)), BARS, meter, int(rng.integers(-5, 7)))
    selection = Selection.from_bars(BARS, TempoMap.constant(str(bpm), SAMPLE_RATE), meter, SAMPLE_RATE)
    key = key_of_chords(chords)
    request = ComposeRequest(
        selection=selection, chords=chords, key=key, genre=genre, density=float(rng.uniform(0.2, 0.85)),
        complexity=float(rng.uniform(0.1, 0.85)), known=Score(_played(drummer, bpm, midi, rng), chords),
        seed=int(rng.integers(2**62)),
    )  # fmt: skip
    piece = piece_of(Arranger().compose(request), selection, name=f"{genre} {row.path}")
    return replace(
        piece, genre=genre, key=key.name if key else None, human=("drums",) if drummer else (), group=row.group,
        split=split, tags={"drums": drummer.path} if drummer else {},
    )  # fmt: skip


def _played(drummer: Row | None, bpm: float, midi: Path, rng: np.random.Generator) -> tuple[Note, ...]:
    """A performance at a tempo, from a multiple of four bars on."""
    if drummer is None:
        return ()
    take = drums.load_take(midi / drummer.path, drummer.path, drummer.genre, drummer.tempo_bpm)
    beats_s = np.arange(4 * BARS + 1, dtype=np.float64) * (60.0 / bpm)
    downs = tuple(4.0 * bar for bar in range(BARS + 1))
    part = drums.warp(take, beats_s, downs[:-1], int(rng.integers(0, max(take.bars // 4, 1))) * 4)
    parts = {"drums": drums.tidy_drums(part)}
    song = Song("", "", "", "", float(beats_s[-1]), parts, beats_s=beats_s, downbeats=downs)
    return score_of(piece_of_song(song, "")).notes
