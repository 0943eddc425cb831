"""How a score is played: where in the bar each part strikes, how hard, how far off the grid, and with how much swing.

Patterns on twelve slots a quarter beat, averaged over the bars of the commonest meter. Timing may stand in the notes'
start, as in MIDI files, or in `shift_s`, as in scores: both count. (`groove.Groove` is what is given to other notes.)

Shapes: W slot of a bar (48 in 4/4, 42 in 7/8).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import median
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.core.tempo import Meter, MeterMap, TempoMap

from .groove import SLOTS
from .score import Score

Reals = NDArray[Any]
"""float64."""

ENOUGH: Final = 6  # offbeats before a swing is believed
OFFBEAT: Final = (0.42, 0.72)  # of a beat: from rushed straight eighths to a hard shuffle
STRAIGHT: Final = 0.02  # as near to a half as this is a half
ON_BEAT: Final = 0.12  # of a beat


@dataclass(frozen=True)
class PartGroove:
    """One part, averaged over the bars in which it plays."""

    onsets_W: Reals  # strokes per bar
    velocity_W: Reals  # mean of a slot's strokes, 0..1; 0 where there are none
    late_W: Reals  # mean seconds later (or earlier) than the slot, 0 where there are none
    spread_s: float  # standard deviation of the timing around the slots' means
    bars: int


@dataclass(frozen=True)
class HeardGroove:
    """The parts' patterns; swing is the share of its beat that the first of two eighths gets, 1/2 is straight."""

    meter: Meter
    parts: dict[str, PartGroove]
    swing: Fraction | None  # of eighths; None with too few offbeats to tell
    sixteenths: Fraction | None  # the same of sixteenths in half a beat


@dataclass(frozen=True, slots=True)
class _Stroke:
    part: str
    bar: int
    meter: Meter
    beats: float  # since the bar line, timing included
    velocity: float
    bpm: float


def hear_groove(score: Score, meters: MeterMap, tempo: TempoMap) -> HeardGroove | None:
    """The groove of a score whose beats are the tempo map's; None without notes.

    Notes struck together count once, as the loudest; drums are counted one by one.
    """
    strokes = list(_strokes(score, meters, tempo))
    if not strokes:
        return None
    meter = Counter(stroke.meter for stroke in strokes).most_common(1)[0][0]
    kept = [stroke for stroke in strokes if stroke.meter == meter]
    by_part = {name: [stroke for stroke in kept if stroke.part == name] for name in sorted({s.part for s in kept})}
    width = max(round(SLOTS * meter.beats), 1)
    parts = {name: _averaged(some, width) for name, some in by_part.items()}
    return HeardGroove(meter, parts, _swing(kept, 1), _swing(kept, 2))


def _strokes(score: Score, meters: MeterMap, tempo: TempoMap) -> Iterator[_Stroke]:
    """A stroke that is early for a bar line belongs to that line."""
    found: dict[tuple[str, Fraction, int], _Stroke] = {}
    for note in score.notes:
        bpm = float(tempo.bpm_at(note.start))
        at = note.start + Fraction(note.shift_s * bpm / 60).limit_denominator(10_000)
        slot = max(Fraction(round(at * SLOTS), SLOTS), Fraction(0))
        bar = meters.bar_at(slot)
        since = float(at - meters.bar_start(bar))
        stroke = _Stroke(note.instrument, bar, meters.meter(bar), since, note.velocity / 127, bpm)
        name = (note.instrument, slot, note.pitch if note.instrument == "drums" else 0)
        if name not in found or found[name].velocity < stroke.velocity:
            found[name] = stroke
    yield from found.values()


def _averaged(strokes: Sequence[_Stroke], width: int) -> PartGroove:
    slot = np.array([round(stroke.beats * SLOTS) % width for stroke in strokes])
    late = np.array([(s.beats - round(s.beats * SLOTS) / SLOTS) * 60 / s.bpm for s in strokes])
    loud = np.array([stroke.velocity for stroke in strokes])
    count = np.bincount(slot, minlength=width).astype(np.float64)
    some = np.maximum(count, 1)
    mean = np.bincount(slot, late, width) / some
    bars = len({stroke.bar for stroke in strokes})
    spread = float(np.sqrt(np.mean((late - mean[slot]) ** 2)))
    return PartGroove(count / bars, np.bincount(slot, loud, width) / some, mean, spread, bars)


def _swing(strokes: Sequence[_Stroke], parts: int) -> Fraction | None:
    """Where the offbeats of beats (`parts` 1) or half beats (2) lie; only those that hold one stroke off the beat."""
    units: dict[tuple[str, int, int], set[float]] = defaultdict(set)
    for stroke in strokes:
        place = stroke.beats * parts
        unit = int(np.floor(place + 0.1))
        if place - unit > ON_BEAT:
            units[stroke.part, stroke.bar, unit].add(round(place - unit, 3))
    low, high = OFFBEAT
    lone = [next(iter(places)) for places in units.values() if max(places) - min(places) < 0.03]
    offbeats = [place for place in lone if low <= place <= high]
    if len(offbeats) < ENOUGH:
        return None
    share = median(offbeats)
    return Fraction(1, 2) if abs(share - 0.5) < STRAIGHT else Fraction(round(share * 96), 96)
