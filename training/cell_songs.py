"""Songs as cells: the corpus of the composer, from the labels of rendered songs or of songs without sound.

Shapes: P part, K cell, N note of a cell, F field.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harmonicflow.core.constants import GENRES
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.score.cell_features import harmony_features, measured_controls, time_features
from harmonicflow.score.cells import CELL_PARTS, SLOT, VELOCITY, CellGrid, grid_of_bars, place_notes
from harmonicflow.score.chords import ChordSpan, parse_chord
from harmonicflow.score.keys import parse_key
from harmonicflow.score.score import Section

Floats = NDArray[np.float32]

FEWEST_BARS = 4
COMPOUND = ("6/8", "9/8", "12/8")


@dataclass(frozen=True)
class CellSong:
    """One song; `present` are the parts it has, the others are unknown, not silent."""

    name: str
    group: str  # of the split
    grid: CellGrid
    tokens: NDArray[np.int8]  # [P, K, N, F]
    present: NDArray[np.bool_]  # [P]
    human: Floats  # [P] 1 where people played or wrote the part, 0 where the arranger did
    harmony: Floats  # [K, HARMONY_WIDTH]
    time: Floats  # [K, TIME_WIDTH], without energy
    controls: dict[str, Floats]  # [P, K] each
    energy: Floats  # [K] 0..1, how full the bar is among the song's
    genre: str | None
    emotion: tuple[float, float] | None
    meter: str

    @property
    def cells(self) -> int:
        return self.grid.cells


def load_cell_songs(folders: Sequence[Path], split: str) -> list[CellSong]:
    """Every usable song of a split of all folders. Raises `no_corpus`."""
    songs = []
    for folder in folders:
        for path in sorted((folder / split).glob("*/labels.json")):
            song = cell_song(json.loads(path.read_text(encoding="utf-8")), path.parent.name)
            if song is not None:
                songs.append(song)
    if not songs:
        raise HarmonicFlowError("no_corpus", path=", ".join(str(folder / split) for folder in folders))
    return songs


def cell_song(labels: dict[str, Any], name: str) -> CellSong | None:
    """The song of some labels (`training.corpus.labels`); None without notes or bars enough."""
    beats_s = np.asarray(labels.get("beats_s") or (), np.float64)
    downbeats = [Fraction(beat).limit_denominator(8) for beat in labels.get("downbeats") or ()]
    lines = [(start, end) for start, end in zip(downbeats, downbeats[1:], strict=False) if 0 < end - start <= 8]
    if len(beats_s) < 8 or len(lines) < FEWEST_BARS or "notes" not in labels:
        return None
    counted = np.arange(len(beats_s))
    seconds = np.interp([[float(beat) for beat in line] for line in lines], counted, beats_s)
    lengths = np.array([float(end - start) for start, end in lines])
    bpm = 60 * lengths / np.maximum(seconds[:, 1] - seconds[:, 0], 1e-3)
    meter = str(labels.get("meter") or "4/4")
    grid = grid_of_bars(lines, bpm.tolist(), [meter in COMPOUND] * len(lines))
    tokens = np.stack([_tokens(labels["notes"].get(part, ()), part, grid, beats_s) for part in CELL_PARTS])
    present = np.array([part in labels["notes"] for part in CELL_PARTS])
    if not (tokens[..., SLOT] >= 0).any():
        return None
    spans = _spans(labels.get("chords", ()), beats_s)
    sections = tuple(
        Section(_beat(start, beats_s), _beat(end, beats_s) - _beat(start, beats_s), str(title))
        for start, end, title in labels.get("sections", ())
    )
    key = parse_key(labels["key"]) if labels.get("key") else None
    made = set(labels.get("made", ()))
    genre = labels.get("genre") or labels.get("genre_arranged")
    emotion = labels.get("emotion")
    return CellSong(
        name, str(labels.get("group", name)), grid, tokens.astype(np.int8), present,
        np.array([float(part not in made) for part in CELL_PARTS], np.float32),
        harmony_features(spans, key, grid), time_features(grid, sections), measured_controls(tokens, grid),
        energy_of(tokens, grid), genre if genre in GENRES else None, tuple(emotion) if emotion else None, meter,
    )  # fmt: skip


def _tokens(
    rows: Sequence[Sequence[float]], part: str, grid: CellGrid, beats_s: NDArray[np.float64]
) -> NDArray[np.int16]:
    table = np.asarray(rows, np.float64).reshape(-1, 4)
    counted = np.arange(len(beats_s))
    onset, offset = (np.interp(table[:, column], beats_s, counted) for column in (0, 1))
    place = np.clip(np.searchsorted(beats_s, table[:, 0], side="right") - 1, 0, len(beats_s) - 2)
    bpm = 60.0 / np.maximum(np.diff(beats_s)[place], 1e-3)
    return place_notes(grid, onset, bpm, offset - onset, table[:, 2].astype(np.int64), table[:, 3].astype(np.int64),
                       part == "drums")


def _beat(seconds: float, beats_s: NDArray[np.float64]) -> Fraction:
    return Fraction(round(float(np.interp(seconds, beats_s, np.arange(len(beats_s)))) * 4), 4)


def _spans(chords: Sequence[Sequence[Any]], beats_s: NDArray[np.float64]) -> list[ChordSpan]:
    found = []
    for start_s, end_s, name in chords:
        start, end = _beat(start_s, beats_s), _beat(end_s, beats_s)
        if end > start and name not in ("N", "X", ""):
            found.append(ChordSpan(start, end - start, parse_chord(name)))
    return found


def energy_of(tokens: NDArray[np.signedinteger[Any]], grid: CellGrid) -> Floats:
    """How much is struck in each cell's bar, by rank among the song's bars: 0 the emptiest, 1 the fullest, [K]."""
    sounds = tokens[..., SLOT] >= 0
    force = np.where(sounds, tokens[..., VELOCITY], 0).sum(axis=(0, 2)).astype(np.float64)
    _, bar = np.unique(grid.bar, return_inverse=True)
    lengths = np.bincount(bar, [float(length) for length in grid.lengths])
    level = np.bincount(bar, force) / lengths
    rank = np.searchsorted(np.sort(level), level, side="right") / len(level)
    return np.asarray(rank[bar], np.float32)


