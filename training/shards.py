"""Encoded songs in memory, and training examples drawn from them with everything known about each frame.

Legend: B batch, R rows (clip, then stems), S stems, L latent frame, C channels, K beat, P parts of a song.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from torch import Tensor

from harmonicflow.analysis.guide import GUIDE_COLUMNS, beat_pool_seconds, guide_features_seconds, pool_matrix
from harmonicflow.core.constants import DEFAULT_STEMS, GENRES, LATENT_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.engine.perform import timbre_of
from harmonicflow.engine.timbre import LEAST_FRAMES, QUIET_DB
from harmonicflow.nn.performer import EMOTION_WIDTH, GENRE_WIDTH, TEXT_WIDTH
from harmonicflow.score.rolls import NoteArrays, score_features_seconds
from harmonicflow.text.table import TextTable

from . import masks
from .captions import song_captions
from .data import MIX, OTHER

Floats = NDArray[np.float32]

DROP_CHORDS, DROP_KEY, DROP_TIME, DROP_SCORE, DROP_GENRE, DROP_EMOTION, DROP_TEXT = 0.2, 0.4, 0.1, 0.1, 0.5, 0.6, 0.5
CAPTIONS = 64  # of a song
LOUDNESS = -1  # place among the curves
QUIET_DBFS = -59.0  # the curves' least loudness is -60
KEEP_CLIP, KEEP_CURVES, KEEP_TIMBRE = 0.4, 0.8, 0.3
KEEP_VARIED_TIMBRE = 0.95  # of songs with other sounds than the corpus's own: without a reference those are played
CLIP_PARTS = ((MIX, 0.4), (OTHER, 0.3), ("stem", 0.3))  # what row 0 holds when it is there


@dataclass(frozen=True)
class Example:
    """What to perform, and the performer's inputs by name (`harmonicflow.nn.performer.Performer.forward`)."""

    data: Any  # x at t = 1
    known: Any
    guide: Any
    score: Any
    pool: Any
    text: Any
    genre: Any
    emotion: Any
    timbre: Any
    curves: Any  # [B, S, L, 16] of the true stems, which no input tells: for the head

@dataclass(frozen=True)
class Song:
    """One encoded song."""

    name: str
    parts: dict[str, int]  # row of `latents` by part
    latents: NDArray[np.float16]  # [P, L, C]
    curves: NDArray[np.float16]  # [P, L, 16]
    silence: Floats  # [C] latent of digital silence
    notes: NoteArrays | None
    labels: dict[str, Any]
    latent_space: str  # which codec encoded it
    captions: Floats | None = None  # [N, 256], embeddings of what may be said of it

    @property
    def frames(self) -> int:
        return self.latents.shape[1]

    def row(self, part: str, start: int, length: int) -> Floats:
        """Latents [length, C] of a part; silence where the song has none of it."""
        if part not in self.parts:
            return np.repeat(self.silence[None], length, axis=0)
        return self.latents[self.parts[part], start : start + length].astype(np.float32)

    def sound(self, part: str, start: int, length: int) -> Floats:
        """Curves [length, 16] of a part; zeros where the song has none of it."""
        if part not in self.parts:
            return np.zeros((length, self.curves.shape[2]), np.float32)
        return self.curves[self.parts[part], start : start + length].astype(np.float32)


def load_songs(folder: Path, split: str, table: TextTable | None = None) -> list[Song]:
    """Every song of a split, with captions if there is a `table` of words.

    Raises: HarmonicFlowError `no_corpus`, `latent_mismatch`.
    """
    songs = []
    for path in sorted((folder / split).glob("*.safetensors")):
        with safe_open(path, framework="numpy") as file:
            meta = {key: json.loads(value) for key, value in file.metadata().items()}
            labels = meta["labels"]
            songs.append(Song(path.stem, {part: i for i, part in enumerate(meta["parts"])},
                              file.get_tensor("latents"), file.get_tensor("curves"), file.get_tensor("silence"),
                              _notes(labels), labels, meta.get("latent_space", ""), _captions(labels, table)))
    if not songs:
        raise HarmonicFlowError("no_corpus", path=str(folder / split))
    if len(spaces := {song.latent_space for song in songs}) > 1:
        reason = f"the songs in {folder / split} were encoded by {len(spaces)} codecs"
        raise HarmonicFlowError("latent_mismatch", reason=reason, hint="Encode them again into an empty folder")
    return songs


def _notes(labels: dict[str, Any]) -> NoteArrays | None:
    """All notes of a song as columns, or None for audio without labels."""
    if "notes" not in labels:
        return None
    rows = [(stem, *note) for stem, name in enumerate(DEFAULT_STEMS) for note in labels["notes"].get(name, ())]
    return _note_columns(rows)


def _captions(labels: dict[str, Any], table: TextTable | None) -> Floats | None:
    return song_captions(labels, table, CAPTIONS, seed=0) if table and labels else None


def _note_columns(rows: list[tuple[float, ...]]) -> NoteArrays:
    table = np.array(rows, np.float64).reshape(-1, 5)
    return NoteArrays(table[:, 0].astype(np.int64), table[:, 1], table[:, 2], table[:, 3].astype(np.int64),
                      table[:, 4].astype(np.int64))


class ExampleData:
    """Draws examples of `frames` latent frames; the same seed draws the same ones."""

    def __init__(self, songs: list[Song], frames: int, batch_size: int, seed: int) -> None:
        self.songs = [song for song in songs if song.frames > frames]
        self.frames, self.batch_size = frames, batch_size
        self.random = np.random.default_rng(seed)
        hours = np.array([song.frames - frames for song in self.songs], np.float64)
        self.shares = hours / hours.sum()

    def example(self, known: masks.Mask | None = None, all_told: bool = False) -> Example:
        """One example; with `all_told` nothing is dropped and there is no clip, as when a take is made from nothing."""
        random = self.random
        song = self.songs[random.choice(len(self.songs), p=self.shares)]
        start = int(random.integers(song.frames - self.frames))
        stems = np.stack([song.row(stem, start, self.frames) for stem in DEFAULT_STEMS])
        if known is None:
            known = masks.draw(random, len(stems), self.frames)
        clip, curves = (None, None) if all_told else self._clip(song, start)
        row0 = np.zeros_like(stems[0]) if clip is None else clip
        told = {name: all_told or random.random() >= share for name, share in (
            ("chords", DROP_CHORDS), ("key", DROP_KEY), ("time", DROP_TIME), ("genre", DROP_GENRE),
            ("emotion", DROP_EMOTION))}
        guide, pool = self._guide(song, start, curves, told)
        data = np.concatenate([row0[None], stems])
        mask = np.concatenate([np.full((1, self.frames), clip is not None), known])
        return Example(data, mask.astype(np.float32), guide, self._score(song, start, all_told), pool,
                       self._text(song, all_told), _genre(song, told["genre"]),
                       _emotion(song, told["emotion"]), self._timbre(song, all_told),
                       np.stack([song.sound(stem, start, self.frames) for stem in DEFAULT_STEMS]))

    def _clip(self, song: Song, start: int) -> tuple[Floats | None, Floats | None]:
        """Latents and curves of row 0, or nothing."""
        if self.random.random() >= KEEP_CLIP:
            return None, None
        part = str(self.random.choice([name for name, _ in CLIP_PARTS], p=[share for _, share in CLIP_PARTS]))
        if part == "stem" or part not in song.parts:
            part = str(self.random.choice([name for name in song.parts if name != OTHER]))
        curves = song.curves[song.parts[part], start : start + self.frames].astype(np.float32)
        return song.row(part, start, self.frames), curves if self.random.random() < KEEP_CURVES else None

    def _guide(self, song: Song, start: int, curves: Floats | None, told: dict[str, bool]) -> tuple[Floats, Floats]:
        labels, begin_s = song.labels, start / LATENT_RATE
        beats = labels.get("beats_s") or None
        if not told["time"]:
            beats = None
        chords = [tuple(span) for span in labels.get("chords", ())
                  if span[0] < begin_s + self.frames / LATENT_RATE and span[1] > begin_s]
        guide = guide_features_seconds(beats, labels.get("downbeats") if beats else None,
                                       chords if chords and told["chords"] else None,
                                       labels.get("key") if told["key"] else None, curves, self.frames, begin_s)
        return guide, pool_matrix(beat_pool_seconds(beats, self.frames, begin_s))

    def _score(self, song: Song, start: int, all_told: bool) -> Floats:
        stems = len(DEFAULT_STEMS)
        if song.notes is None or (not all_told and self.random.random() < DROP_SCORE):
            present = np.zeros(stems, bool) if self.random.random() < 0.5 else self.random.random(stems) < 0.5
        else:
            present = np.ones(stems, bool)
        if song.notes is None:
            present[:] = False
            notes = _note_columns([])
        else:
            keep = present[song.notes.stem]
            notes = NoteArrays(*(column[keep] for column in song.notes))
        return score_features_seconds(notes, DEFAULT_STEMS, self.frames, start, present.tolist())

    def _text(self, song: Song, all_told: bool) -> Floats:
        """The embedding of one of the song's captions, or nothing."""
        if song.captions is None or all_told or self.random.random() < DROP_TEXT:
            return np.zeros(TEXT_WIDTH, np.float32)
        return song.captions[self.random.integers(len(song.captions))]

    def _timbre(self, song: Song, all_told: bool) -> Floats:
        """Mean and deviation of the latents of each stem over the sounding frames of another excerpt."""
        stems = len(DEFAULT_STEMS)
        varied = bool(song.labels.get("varied"))
        if (all_told and not varied) or self.random.random() >= (KEEP_VARIED_TIMBRE if varied else KEEP_TIMBRE):
            return timbre_of(None, stems)
        start = int(self.random.integers(song.frames - self.frames))
        heard = [sounding(song.sound(stem, start, self.frames)) for stem in DEFAULT_STEMS]
        return timbre_of([song.row(stem, start, self.frames)[where] if where.sum() >= LEAST_FRAMES else None
                          for stem, where in zip(DEFAULT_STEMS, heard, strict=True)], stems)

    def __iter__(self) -> Iterator[Example]:
        while True:
            yield collate([self.example() for _ in range(self.batch_size)])


def part_of(batch: Example, part: slice) -> Example:
    """Some examples of a batch."""
    return Example(*(getattr(batch, field.name)[part] for field in fields(Example)))


def untold(batch: Example) -> Example:
    """A batch that is told nothing but what sounds: no score, no guide but its time, no words, no timbre."""
    guide = torch.zeros_like(batch.guide)
    for name in ("phase", "tempo"):
        guide[..., GUIDE_COLUMNS[name]] = batch.guide[..., GUIDE_COLUMNS[name]]
    presence = GUIDE_COLUMNS["presence"].start
    guide[..., presence] = batch.guide[..., presence]
    nothing = {name: torch.zeros_like(getattr(batch, name)) for name in ("score", "text", "genre", "emotion", "timbre")}
    return replace(batch, guide=guide, **nothing)


def sounding(curves: Floats) -> NDArray[np.bool_]:
    """Which frames sound, by the loudness in curves [L, 16]: as `harmonicflow.engine.timbre` hears a clip."""
    level_db = curves[:, LOUDNESS] * 60 - 60
    heard: NDArray[np.bool_] = level_db > max(QUIET_DBFS, float(level_db.max()) - QUIET_DB)
    return heard


def genre_of(labels: dict[str, Any]) -> str | None:
    """The genre that a song is told by: that of its arrangement, else its own."""
    return labels.get("genre_arranged") or labels.get("genre")


def _genre(song: Song, told: bool) -> Floats:
    out = np.zeros(GENRE_WIDTH, np.float32)
    genre = genre_of(song.labels)
    if told and genre in GENRES:
        out[GENRES.index(genre)] = 1.0
    return out


def _emotion(song: Song, told: bool) -> Floats:
    emotion = song.labels.get("emotion")
    if not told or not emotion:
        return np.zeros(EMOTION_WIDTH, np.float32)
    return np.array([*emotion, 1.0], np.float32)


def collate(examples: list[Example]) -> Example:
    """Stack examples into tensors; beats are padded with empty ones."""
    beats = max(example.pool.shape[0] for example in examples)
    beats += -beats % 4  # few distinct shapes
    out: dict[str, Tensor] = {}
    for field in fields(Example):
        arrays = [getattr(example, field.name) for example in examples]
        if field.name == "pool":
            arrays = [np.pad(pool, ((0, beats - len(pool)), (0, 0))) for pool in arrays]
        out[field.name] = torch.from_numpy(np.stack(arrays).astype(np.float32))
    return Example(**out)
