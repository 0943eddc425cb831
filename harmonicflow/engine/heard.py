"""What was heard in a recording or read from a MIDI file: the value that `hear` and `hear_midi` give.

Times are seconds from the first sample; beats are numbered from 0, the first one heard, and a place between two beats
is a fraction. Every confidence is 0..1.

Shapes: B bar.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harmonicflow.analysis.structure import FoundSection, Motif
from harmonicflow.score.chords import Chord
from harmonicflow.score.keys import Key

ANALYST, SIGNAL, MIDI, SESSION = "analyst", "signal", "midi", "session"


@dataclass(frozen=True)
class HeardTempo:
    """Quarter beats a minute."""

    bpm: float
    confidence: float
    steady: bool  # whether one tempo explains all beats


@dataclass(frozen=True)
class HeardKey:
    """A key and where it holds."""

    start_s: float
    end_s: float
    key: Key
    confidence: float


@dataclass(frozen=True)
class HeardChord:
    """A chord and where it sounds, in seconds and in beats."""

    start_s: float
    end_s: float
    start_beat: float
    end_beat: float
    chord: Chord
    confidence: float


@dataclass(frozen=True)
class HeardSection:
    """A section: a letter, or the name that a MIDI file gives it. Bars count from 1, the last one is included."""

    start_s: float
    end_s: float
    first_bar: int
    last_bar: int
    name: str
    confidence: float


@dataclass(frozen=True)
class HeardLoudness:
    """Loudness after BS.1770: of the whole, and of the last 3 s at every half second."""

    integrated_lufs: float
    peak_db: float
    curve_s: tuple[float, ...]
    curve_lufs: tuple[float, ...]


@dataclass(frozen=True)
class HeardOnsets:
    """How many sounds begin, and how many in each second."""

    count: int
    per_second: tuple[int, ...]


@dataclass(frozen=True)
class Heard:
    """Everything at once. A field is None or empty where nothing of the kind is there to be heard."""

    source: str  # who heard chords and keys: ANALYST (a bundle's network), SIGNAL (no network), MIDI
    time_source: str  # who heard the beats: those, or SESSION where a selection names them
    seconds: float
    tempo: HeardTempo | None
    meter: str | None  # "4/4"; of sound, beats a bar over 4
    beats_s: tuple[float, ...]
    downbeats: tuple[int, ...]  # places in `beats_s`
    key: HeardKey | None  # of the whole
    keys: tuple[HeardKey, ...]  # in order; more than one where it modulates
    chords: tuple[HeardChord, ...]
    loudness: HeardLoudness | None
    onsets: HeardOnsets | None
    sections: tuple[HeardSection, ...]
    motifs: tuple[Motif, ...]  # bars count from 0
    tuning_cents: float | None  # above A = 440 Hz
    warnings: tuple[str, ...] = ()
    likeness_BB: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32), compare=False, repr=False)

    @property
    def bars_s(self) -> tuple[float, ...]:
        """Where the bars begin."""
        return tuple(self.beats_s[place] for place in self.downbeats)

    def place(self, second: float) -> tuple[int, float] | None:
        """Bar and beat of a moment, both from 1 (bar 0 is the one before the first line); None without bars."""
        if not self.downbeats:
            return None
        bar, beat = bisect_right(self.bars_s, second + 1e-6), self._beat(second)
        if bar:
            return bar, beat - self.downbeats[bar - 1] + 1
        length = self.bar_beats
        bars = max(int(np.ceil((self.downbeats[0] - beat) / length - 1e-6)), 1)
        return 1 - bars, beat - self.downbeats[0] + bars * length + 1

    @property
    def bar_beats(self) -> int:
        """Beats of most bars."""
        lengths = np.diff(self.downbeats)
        return max(round(float(np.median(lengths))), 1) if len(lengths) else 4

    def _beat(self, second: float) -> float:
        return beat_at(second, np.asarray(self.beats_s))

    def to_json(self) -> dict[str, Any]:
        """Plain values, for scripts; numbers are rounded to what means something."""
        return {
            "source": self.source,
            "time_source": self.time_source,
            "seconds": round(self.seconds, 4),
            "tempo": None if self.tempo is None else {
                "bpm": round(self.tempo.bpm, 3), "confidence": round(self.tempo.confidence, 3),
                "steady": self.tempo.steady,
            },
            "meter": self.meter,
            "beats_s": [round(time, 4) for time in self.beats_s],
            "downbeats": list(self.downbeats),
            "key": None if self.key is None else _key_json(self.key),
            "keys": [_key_json(key) for key in self.keys],
            "chords": [self._chord_json(chord) for chord in self.chords],
            "loudness": None if self.loudness is None else {
                "integrated_lufs": round(self.loudness.integrated_lufs, 2), "peak_db": round(self.loudness.peak_db, 2),
                "short_term": [[time, round(value, 1)] for time, value in
                               zip(self.loudness.curve_s, self.loudness.curve_lufs, strict=True)],
            },
            "onsets": None if self.onsets is None else {
                "count": self.onsets.count, "per_second": list(self.onsets.per_second),
            },
            "sections": [
                {"name": part.name, "start_s": round(part.start_s, 4), "end_s": round(part.end_s, 4),
                 "first_bar": part.first_bar, "last_bar": part.last_bar, "confidence": round(part.confidence, 3)}
                for part in self.sections
            ],
            "motifs": [
                {"first_bar": motif.first + 1, "again_bar": motif.again + 1, "bars": motif.bars,
                 "likeness": round(motif.likeness, 3)} for motif in self.motifs
            ],
            "tuning_cents": None if self.tuning_cents is None else round(self.tuning_cents, 1),
            "warnings": list(self.warnings),
        }  # fmt: skip

    def _chord_json(self, chord: HeardChord) -> dict[str, Any]:
        place = self.place(chord.start_s)
        where = {} if place is None else {"bar": place[0], "beat": round(place[1], 2)}
        return {
            "chord": chord.chord.name, "start_s": round(chord.start_s, 4), "end_s": round(chord.end_s, 4),
            "start_beat": round(chord.start_beat, 3), "end_beat": round(chord.end_beat, 3), **where,
            "confidence": round(chord.confidence, 3),
        }  # fmt: skip


def _key_json(key: HeardKey) -> dict[str, Any]:
    return {
        "key": key.key.name, "start_s": round(key.start_s, 4), "end_s": round(key.end_s, 4),
        "confidence": round(key.confidence, 3),
    }  # fmt: skip


def beat_at(second: float, beats_s: np.ndarray) -> float:
    """The beat of a moment, 0 at the first; beyond both ends the nearest beat's length goes on."""
    if len(beats_s) < 2:
        return 0.0
    row = int(np.clip(np.searchsorted(beats_s, second, side="right") - 1, 0, len(beats_s) - 2))
    return float(row + (second - beats_s[row]) / (beats_s[row + 1] - beats_s[row]))


def onsets_heard(onsets_s: Sequence[float] | np.ndarray, seconds: float) -> HeardOnsets:
    """Onsets at some moments of a recording of some length."""
    places = np.maximum(np.asarray(onsets_s, np.float64), 0).astype(int)
    return HeardOnsets(len(places), tuple(np.bincount(places, minlength=int(np.ceil(seconds))).tolist()))


def heard_sections(
    found: tuple[FoundSection, ...], bars_s: tuple[float, ...], end_s: float
) -> tuple[HeardSection, ...]:
    """Sections in bars as sections in seconds."""
    edges = [*bars_s, end_s]
    return tuple(
        HeardSection(edges[part.first], edges[min(part.last, len(edges) - 1)], part.first + 1, part.last, part.letter,
                     part.confidence)
        for part in found
    )  # fmt: skip
