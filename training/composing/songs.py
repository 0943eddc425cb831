"""Songs of a MIDI pack as pieces, without a sound: of a split as the composer learns from them, human drummers, whole.

A song goes from its first bar line to its last.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from harmonicflow.core.constants import GENRES
from harmonicflow.core.errors import HarmonicFlowError

from ..corpus import drums
from ..corpus.harmony import derived_emotion
from ..corpus.labels import tempo_of
from ..corpus.manifest import SPLITS, Row
from ..corpus.plan import Track, fits, plan
from ..corpus.song import OFFSET, ONSET, Song, Unusable, as_part
from ..corpus.song import PITCH as SONG_PITCH
from ..corpus.song import VELOCITY as SONG_VELOCITY
from ..corpus.sources import load_original, load_pop909
from ..corpus.tracks import make_song
from .pieces import FINEST, Floats, Piece, Span, nearest_place

PARTS: Final = "ABCD"
HOURS: Final = 400.0  # of the plan that songs are taken from: every song of the small splits is in it
FEWEST_BARS: Final = 4
BROKEN: Final = (Unusable, ValueError, KeyError, EOFError, HarmonicFlowError)


def piece_of_song(song: Song, name: str) -> Piece:
    """A song from its first bar line to its last; raises `Unusable` without beats or notes."""
    downs = np.array(song.downbeats, np.float64)
    beats_s = song.beats_s
    downs = downs[(downs >= 0) & (downs <= len(beats_s) - 1)]
    if len(downs) <= FEWEST_BARS:
        raise Unusable("too few bars")
    lines = downs - downs[0]
    places = np.arange(len(beats_s), dtype=np.float64)
    count = int(np.ceil(lines[-1])) + 1
    seconds = np.interp(np.minimum(np.arange(count) + downs[0], len(beats_s) - 1), places, beats_s)
    parts = {}
    for part, notes in song.parts.items():
        rows = _on_grid(notes, beats_s, float(downs[0]), float(lines[-1]))
        if len(rows):
            parts[part] = rows
    if not parts:
        raise Unusable("no notes")
    told = (*song.chords, *song.sections)
    beat = {t: float(np.interp(t, beats_s, places) - downs[0]) for a, b, _ in told for t in (a, b)}
    emotion = derived_emotion(song.parts, song.key, tempo_of(song.beats_s), song.seconds)
    end = float(lines[-1])
    human = tuple(part for part in parts if part not in song.made)
    return Piece(
        name, parts, lines, seconds - seconds[0], _joined(song.chords, beat, end), _joined(song.sections, beat, end),
        song.key, song.meter, song.genre, emotion, human, song.group, song.corpus, song.split,
    )  # fmt: skip


def _joined(spans_s: tuple[tuple[float, float, str], ...], beat: dict[float, float], end: float) -> tuple[Span, ...]:
    """Spans in half beats, those that are left."""
    spans = ((round(2 * beat[a]) / 2, round(2 * beat[b]) / 2, name) for a, b, name in spans_s)
    return tuple((max(a, 0.0), min(b, end), name) for a, b, name in spans if min(b, end) > max(a, 0.0))


def _on_grid(notes: Floats, beats_s: Floats, first: float, end: float) -> Floats:
    """Notes in seconds as rows of a piece; what is played beside the grid is kept as a shift."""
    places = np.arange(len(beats_s), dtype=np.float64)
    onset = np.interp(notes[:, ONSET], beats_s, places) - first
    offset = np.interp(notes[:, OFFSET], beats_s, places) - first
    start = nearest_place(onset)
    shift = notes[:, ONSET] - np.interp(start + first, places, beats_s)
    duration = np.maximum(np.round((offset - onset) * FINEST) / FINEST, 1 / 24)
    rows = np.stack([start, duration, notes[:, SONG_PITCH], notes[:, SONG_VELOCITY], shift], axis=1)
    rows = rows[(start >= 0) & (start < end) & (onset < end)]
    return np.asarray(rows[np.lexsort((rows[:, 2], rows[:, 0]))])


def songs(midi: Path, rows: list[Row], split: str, count: int, parts: str = PARTS, seed: int = 0) -> Iterator[Piece]:
    """The first `count` usable songs of a split, in the order in which the corpus would render them."""
    made = 0
    for track in plan(rows, parts, HOURS, seed):
        if made >= count:
            return
        if track.split == split and (piece := _made(track, midi, rows)) is not None:
            made += 1
            yield piece


def labelled(folders: Sequence[Path], split: str, count: int, seed: int = 0) -> Iterator[Piece]:
    """At most `count` songs of a split of corpora, from their labels.json; drawn evenly.  Raises `no_corpus`."""
    paths = sorted(path for folder in folders for path in (folder / split).glob("*/labels.json"))
    if not paths:
        raise HarmonicFlowError("no_corpus", path=", ".join(str(folder / split) for folder in folders))
    for place in np.random.default_rng(seed).permutation(len(paths))[:count]:
        labels = json.loads(paths[place].read_text(encoding="utf-8"))
        try:
            yield piece_of_song(_song_of(labels, split), paths[place].parent.name)
        except BROKEN:
            continue


def _song_of(labels: dict[str, Any], split: str) -> Song:
    """The song that some labels were made from."""
    return Song(
        group=str(labels["group"]), corpus=str(labels["corpus"]), source=str(labels["source"]), split=split,
        seconds=float(labels["seconds"]), parts={name: as_part(rows) for name, rows in labels["notes"].items()},
        beats_s=np.array(labels["beats_s"], np.float64), downbeats=tuple(labels["downbeats"]), meter=labels["meter"],
        chords=tuple((a, b, name) for a, b, name in labels["chords"]), key=labels["key"],
        genre=labels["genre"], genre_arranged=labels.get("genre_arranged"), made=tuple(labels["made"]),
        sections=tuple((a, b, name) for a, b, name in labels.get("sections", ())),
    )  # fmt: skip


def _made(track: Track, midi: Path, rows: list[Row]) -> Piece | None:
    try:
        return piece_of_song(make_song(track, midi, rows, np.random.default_rng(track.seed)), track.name)
    except BROKEN:
        return None


def drummers(midi: Path, rows: list[Row]) -> Iterator[Piece]:
    """Every whole 4/4 performance of the human drummers, on the click it was played to."""
    for split in SPLITS:
        for row in drums.takes_of(rows, split, GENRES):
            take = drums.load_take(midi / row.path, row.path, row.genre, row.tempo_bpm)
            beats_s = np.arange(4 * take.bars + 1, dtype=np.float64) * (60.0 / take.bpm)
            beat = take.hits[:, 0]
            hits = np.stack([beat, beat + 0.25], axis=1) * 60.0 / take.bpm
            notes = _on_grid(np.concatenate([hits, take.hits[:, 1:]], axis=1), beats_s, 0.0, 4.0 * take.bars)
            if take.bars > FEWEST_BARS:
                yield Piece(
                    row.path, {"drums": notes}, np.arange(0.0, 4.0 * take.bars + 1, 4.0), beats_s, genre=take.genre,
                    human=("drums",), group=row.group, corpus=row.corpus, split=split,
                )  # fmt: skip


def whole(midi: Path, rows: list[Row], piano_songs: int) -> Iterator[Piece]:
    """Human songs from beginning to end: every band piece of the pack, and `piano_songs` test pieces of POP909."""
    for row in rows:
        if fits(row, "A"):
            yield from _whole(row, midi)
    for row in [row for row in rows if fits(row, "B") and row.split == "test"][:piano_songs]:
        yield from _whole(row, midi)


def _whole(row: Row, midi: Path) -> Iterator[Piece]:
    try:
        song = load_pop909(midi, row) if row.corpus == "pop909" else load_original(midi, row)
        yield piece_of_song(song, row.path)
    except BROKEN:
        return
