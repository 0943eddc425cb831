"""A piece: a score as arrays, with its bars, chords and key, whoever wrote it.

Everything a composer is judged by is measured on pieces, so that people's songs, the arranger's and the network's
scores go the same way. Beats are quarter notes from the piece's first bar line.

Shapes: N note; a part is float64 [N, 5] with the columns start (beats, on the grid), duration (beats), pitch,
velocity, shift (seconds after the grid).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.core.constants import DEFAULT_STEMS, SAMPLE_RATE
from harmonicflow.core.instruments import INSTRUMENTS, drum_class
from harmonicflow.core.tempo import Meter, MeterMap, Selection, TempoMap
from harmonicflow.score.chords import ChordSpan, parse_chord
from harmonicflow.score.score import Note, Score, Section

Floats = NDArray[np.float64]
Span = tuple[float, float, str]  # start and end in beats, name

START, DURATION, PITCH, VELOCITY, SHIFT = range(5)
FINEST: Final = 96  # every time on the grid is a multiple of this part of a beat
GRIDS: Final = (4, 3)  # places of a beat that an onset is taken to mean: sixteenths and triplets
PLACES: Final = np.array(sorted({Fraction(step, grid) for grid in GRIDS for step in range(grid + 1)}), np.float64)
_CLASSES: Final = np.array([drum_class(pitch) for pitch in range(128)])


@dataclass(frozen=True)
class Piece:
    """A score with the time it is played in."""

    name: str
    parts: Mapping[str, Floats]
    bars: Floats  # bar lines in beats, the last one's end too
    beats_s: Floats  # seconds of beats 0, 1, 2 ...
    chords: tuple[Span, ...] = ()
    sections: tuple[Span, ...] = ()
    key: str | None = None
    meter: str = "4/4"
    genre: str | None = None
    emotion: tuple[float, float] | None = None
    human: tuple[str, ...] = ()  # parts that people played or wrote
    group: str = ""
    corpus: str = ""
    split: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def beats(self) -> float:
        return float(self.bars[-1])

    @property
    def bpm(self) -> float:
        """Quarter notes a minute, on average."""
        return 60.0 * (len(self.beats_s) - 1) / float(self.beats_s[-1] - self.beats_s[0])

    def part(self, name: str) -> Floats:
        """A part's notes, [0, 5] where it is silent."""
        return self.parts.get(name, np.zeros((0, 5)))

    def beat_s(self, beats: Floats) -> Floats:
        """How long a beat lasts, in seconds, at each of `beats`."""
        place = np.clip(np.floor(beats).astype(int), 0, len(self.beats_s) - 2)
        return np.asarray(np.diff(self.beats_s)[place])

    def played(self, name: str) -> Floats:
        """The beats at which a part's notes really sound, shift included."""
        part = self.part(name)
        return np.asarray(part[:, START] + part[:, SHIFT] / self.beat_s(part[:, START]))

    def only(self, names: tuple[str, ...]) -> Piece:
        """The same piece with some of its parts."""
        parts = {name: part for name, part in self.parts.items() if name in names}
        return replace(self, parts=parts, human=tuple(name for name in self.human if name in names))

    def cut(self, first: int, count: int) -> Piece:
        """`count` bars from bar `first` (from 0) on, as a piece of its own; notes end with it."""
        start, end = float(self.bars[first]), float(self.bars[min(first + count, len(self.bars) - 1)])
        whole = np.floor(start + 1e-9)
        beats = np.arange(int(np.ceil(end - whole)) + 1) + start
        at = np.interp(beats, np.arange(len(self.beats_s)), self.beats_s)
        over = beats > len(self.beats_s) - 1
        at[over] = self.beats_s[-1] + (beats[over] - len(self.beats_s) + 1) * (self.beats_s[-1] - self.beats_s[-2])
        lines = self.bars[(self.bars >= start) & (self.bars <= end)]
        return replace(
            self,
            parts={name: cut for name, part in self.parts.items() if len(cut := _cut(part, start, end))},
            bars=lines - start, beats_s=at - at[0], chords=_spans(self.chords, start, end),
            sections=_spans(self.sections, start, end),
        )  # fmt: skip


def _cut(part: Floats, start: float, end: float) -> Floats:
    out = part[(part[:, START] >= start - 1e-9) & (part[:, START] < end - 1e-9)].copy()
    out[:, DURATION] = np.minimum(out[:, DURATION], end - out[:, START])
    out[:, START] -= start
    return out


def _spans(spans: tuple[Span, ...], start: float, end: float) -> tuple[Span, ...]:
    cut = ((max(a, start) - start, min(b, end) - start, name) for a, b, name in spans)
    return tuple(span for span in cut if span[1] > span[0] + 1e-6)


def transposed(piece: Piece, semitones: int) -> Piece:
    """The pitched parts higher or lower; chords and key stay what they were called."""
    moved = {}
    for name, part in piece.parts.items():
        moved[name] = part.copy()
        if INSTRUMENTS[name].pitched:
            moved[name][:, PITCH] += semitones
    return replace(piece, parts=moved)


def nearest_place(beats: Floats) -> Floats:
    """The sixteenth or the triplet of a beat that each onset is nearest to."""
    whole = np.floor(beats)
    inside = beats - whole
    return np.asarray(whole + PLACES[np.abs(inside[:, None] - PLACES[None]).argmin(axis=1)])


def classes(part: Floats, name: str) -> NDArray[np.int64]:
    """What is struck: the drum's class, or the MIDI pitch."""
    pitches = np.clip(part[:, PITCH], 0, 127).astype(np.int64)
    return pitches if INSTRUMENTS[name].pitched else np.asarray(_CLASSES[pitches])


def _exact(beats: float) -> Fraction:
    return Fraction(round(beats * FINEST), FINEST)


def selection_of(piece: Piece) -> Selection:
    """The piece's bars and tempo as a selection at the engine's rate."""
    anchors = [(Fraction(i), Fraction(round(t * SAMPLE_RATE))) for i, t in enumerate(piece.beats_s - piece.beats_s[0])]
    tempo = TempoMap(anchors, SAMPLE_RATE)
    end = round(float(tempo.frame_at(_exact(piece.beats))))
    return Selection(SAMPLE_RATE, 0, end, tempo, _meters(piece))


def _meters(piece: Piece) -> MeterMap:
    own = Meter.parse(piece.meter)
    changes: list[tuple[int, Meter]] = []
    for number, beats in enumerate(np.diff(piece.bars), 1):
        eighths = max(round(beats * 2), 1)
        plain = Meter(eighths // 2, 4) if eighths % 2 == 0 else Meter(eighths, 8)
        meter = own if abs(float(own.beats) - beats) < 1e-6 else plain
        if not changes or changes[-1][1] != meter:
            changes.append((number, meter))
    return MeterMap(changes or [(1, own)])


def chords_of(piece: Piece) -> tuple[ChordSpan, ...]:
    """The piece's chords as a request names them."""
    spans = ((_exact(start), _exact(end), name) for start, end, name in piece.chords)
    return tuple(ChordSpan(start, end - start, parse_chord(name)) for start, end, name in spans if end > start)


def sections_of(piece: Piece) -> tuple[Section, ...]:
    """The piece's form."""
    spans = ((_exact(start), _exact(end), name) for start, end, name in piece.sections)
    return tuple(Section(start, end - start, name) for start, end, name in spans if end > start)


def score_of(piece: Piece) -> Score:
    """The piece as a score."""
    notes = [
        Note(name, _exact(row[START]), max(_exact(row[DURATION]), Fraction(1, FINEST)), int(row[PITCH]),
             int(row[VELOCITY]), float(row[SHIFT]))
        for name, part in piece.parts.items() for row in part
    ]  # fmt: skip
    return Score(tuple(notes), chords_of(piece), sections_of(piece))


def piece_of(score: Score, selection: Selection, like: Piece | None = None, **said: object) -> Piece:
    """A score as a piece; key, genre and names are those of `like`, and what is `said` besides."""
    parts = {}
    for name in DEFAULT_STEMS:
        rows = [
            (float(n.start), float(n.duration), n.pitch, n.velocity, n.shift_s) for n in score.part(name)
        ]  # fmt: skip
        if rows:
            parts[name] = np.array(rows, np.float64)
    bars = selection.bars()
    lines = np.array([float(bar.grid_start) for bar in bars] + [float(bars[-1].grid_start + bars[-1].meter.beats)])
    count = int(np.ceil(lines[-1])) + 1
    beats_s = np.array([float(selection.frame_at_beat(beat)) / selection.rate for beat in range(count)])
    base = like or Piece("", {}, lines, beats_s)
    found = replace(
        base, parts=parts, bars=lines, beats_s=beats_s, human=(), meter=str(bars[0].meter),
        chords=tuple((float(s.start), float(s.end), s.chord.name) for s in score.chords),
        sections=tuple((float(s.start), float(s.end), s.name) for s in score.sections),
    )  # fmt: skip
    return replace(found, **said)  # type: ignore[arg-type]
