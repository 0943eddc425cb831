"""What a song is before it is rendered: notes in seconds, time, harmony, and what they are made from.

Shapes: N notes; a part is float64 [N, 4] with the columns onset_s, offset_s, pitch, velocity.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

Part = NDArray[np.float64]

ONSET, OFFSET, PITCH, VELOCITY = range(4)
SHORTEST_S: Final = 0.03  # a note shorter than this is a click, not a note
LONGEST_S: Final = 12.0  # a pedal never lifted: every plucked or struck sound is gone by then
SAME_S: Final = 0.015  # two notes of one pitch this close are one note written twice
DRUM_S: Final = 0.5  # a drum counts as sounding this long, whatever the file says
LOWEST, HIGHEST = 21, 108  # the pitches the networks' score input has places for
DRUM_LOWEST, DRUM_HIGHEST = 35, 81  # General MIDI's percussion map


class Unusable(Exception):
    """A song that gives no track: too short, without notes in the window, without beats. The reason is its text."""


def empty_part() -> Part:
    """A part without notes, [0, 4]."""
    return np.zeros((0, 4))


def as_part(notes: Iterable[tuple[float, float, float, float]]) -> Part:
    """Notes (onset_s, offset_s, pitch, velocity) as an array [N, 4]."""
    rows = list(notes)
    return np.asarray(rows, np.float64) if rows else empty_part()


def tidy(part: Part, drums: bool = False) -> Part:
    """The notes one instrument can really sound, sorted by onset: this is both rendered and labelled.

    Merges notes written twice, ends a note where its own pitch is struck again, drops pitches no
    part has, and gives drums their fixed length.
    """
    low, high = (DRUM_LOWEST, DRUM_HIGHEST) if drums else (LOWEST, HIGHEST)
    keep = (part[:, PITCH] >= low) & (part[:, PITCH] <= high) & (part[:, ONSET] >= 0)
    part = part[keep]
    out: list[Part] = []
    for pitch in np.unique(part[:, PITCH]):
        rows = part[part[:, PITCH] == pitch]
        out.append(_one_pitch(rows[np.argsort(rows[:, ONSET], kind="stable")], drums))
    if not out:
        return empty_part()
    whole = np.concatenate(out)
    return whole[np.lexsort((whole[:, PITCH], whole[:, ONSET]))]


def _one_pitch(rows: Part, drums: bool) -> Part:
    kept: list[NDArray[np.float64]] = []
    for row in rows:
        if kept and row[ONSET] - kept[-1][ONSET] < SAME_S:
            kept[-1][OFFSET] = max(kept[-1][OFFSET], row[OFFSET])
            kept[-1][VELOCITY] = max(kept[-1][VELOCITY], row[VELOCITY])
        else:
            kept.append(row.copy())
    notes = np.stack(kept)
    if drums:
        notes[:, OFFSET] = notes[:, ONSET] + DRUM_S
    notes[:, OFFSET] = np.clip(notes[:, OFFSET], notes[:, ONSET] + SHORTEST_S, notes[:, ONSET] + LONGEST_S)
    notes[:-1, OFFSET] = np.minimum(notes[:-1, OFFSET], notes[1:, ONSET])
    notes[:, VELOCITY] = np.clip(np.round(notes[:, VELOCITY]), 1, 127)
    return notes


@dataclass(frozen=True)
class Song:
    """A song, or a window of one; times count from its first sample."""

    group: str  # what must stay in one split
    corpus: str
    source: str  # the row of the manifest
    split: str
    seconds: float
    parts: dict[str, Part]
    other: tuple[tuple[int, Part], ...] = ()  # (program, notes) of instruments outside the four
    beats_s: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))  # quarter notes; empty = not known
    downbeats: tuple[float, ...] = ()  # positions in `beats_s` of the bars (a half in 7/8)
    meter: str = "4/4"
    chords: tuple[tuple[float, float, str], ...] = ()  # start_s, end_s, name
    key: str | None = None  # "A minor"
    genre: str | None = None
    genre_arranged: str | None = None
    made: tuple[str, ...] = ()  # parts written by the arranger, not by people
    drums_from: str | None = None  # the human performance the drums are taken from
    sections: tuple[tuple[float, float, str], ...] = ()  # start_s, end_s, name

    @property
    def bars_s(self) -> NDArray[np.float64]:
        """Where each bar starts, in seconds."""
        if len(self.beats_s) < 2:
            return np.zeros(0)
        return np.interp(self.downbeats, np.arange(len(self.beats_s)), self.beats_s)


EARLY_S: Final = 0.04  # a note this much before the window's first beat was meant to be on it


def window(song: Song, start_s: float, end_s: float, tail_s: float = 0.0) -> Song:
    """The song from `start_s` to `end_s`, with `tail_s` more for the last notes to ring out."""
    length = end_s - start_s
    beats = song.beats_s
    inside = (beats >= start_s - 1e-6) & (beats <= end_s + tail_s)
    first = int(np.argmax(inside)) if inside.any() else 0
    count = int(inside.sum())
    return Song(
        group=song.group, corpus=song.corpus, source=song.source, split=song.split, seconds=length + tail_s,
        parts={name: cut(part, start_s, end_s) for name, part in song.parts.items()},
        other=tuple((program, cut(part, start_s, end_s)) for program, part in song.other),
        beats_s=beats[inside] - start_s,
        downbeats=tuple(b - first for b in song.downbeats if 0 <= b - first <= count - 1),
        meter=song.meter,
        chords=tuple(
            (max(a - start_s, 0.0), min(b - start_s, length), name)
            for a, b, name in song.chords
            if b > start_s and a < end_s
        ),
        key=song.key, genre=song.genre, genre_arranged=song.genre_arranged, made=song.made, drums_from=song.drums_from,
        sections=tuple(
            (max(a - start_s, 0.0), min(b - start_s, length), name)
            for a, b, name in song.sections
            if b > start_s and a < end_s
        ),
    )  # fmt: skip


def cut(part: Part, start_s: float, end_s: float) -> Part:
    """Notes that begin in [start_s, end_s), counted from `start_s`; those a hair early begin with it."""
    keep = (part[:, ONSET] >= start_s - EARLY_S) & (part[:, ONSET] < end_s - EARLY_S)
    out = part[keep].copy()
    out[:, :2] -= start_s
    out[:, ONSET] = np.maximum(out[:, ONSET], 0.0)
    out[:, OFFSET] = np.minimum(out[:, OFFSET], end_s - start_s)
    return out[out[:, OFFSET] > out[:, ONSET]]


def transpose(part: Part, semitones: int) -> Part:
    """The same notes `semitones` higher."""
    out = part.copy()
    out[:, PITCH] += semitones
    return out
