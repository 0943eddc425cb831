"""What is true of a song, from its labels: pulses, bars, chords and key, as times and as the networks' targets.

The pulse is what a listener taps: the quarter note, the dotted quarter of 6/8 and 12/8, the eighth of 7/8 and 3/8.

Shapes: F frame, H chord row (CHORD_FRAMES frames).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.analysis.listening import ANALYST_RATE, BEAT, CHORD_FRAMES, CHORD_RATE, DOWNBEAT, NO_ROOT, TIME_OUT
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.meters import Meter
from harmonicflow.score.chords import Chord, parse_chord
from harmonicflow.score.keys import parse_key

UNKNOWN: Final = 255  # in targets: not to be learned from
WIDENED: Final = (100, 50, 25)  # percent at the pulse's frame and at those beside it: labels are not finer than that
PITCHED: Final = ("bass", "guitar", "piano", "other")


@dataclass(frozen=True)
class Truth:
    """What is known of a song; empty or None where it is not."""

    pulses_s: NDArray[np.float64]
    downbeats: tuple[int, ...]  # places in `pulses_s`
    per_bar: int  # pulses
    chords: tuple[tuple[float, float, Chord], ...]  # start_s, end_s
    key: int | None  # tonic, and 12 more in minor

    @property
    def downbeats_s(self) -> NDArray[np.float64]:
        return self.pulses_s[list(self.downbeats)]


def pulse_of(meter: Meter) -> Fraction:
    """Quarter notes from one pulse to the next."""
    if meter.denominator < 8:
        return Fraction(1)
    eighths = 3 if meter.numerator % 3 == 0 and meter.numerator > 3 else 1
    return Fraction(4 * eighths, meter.denominator)


def truth_of(labels: Mapping[str, Any]) -> Truth:
    """The truth in a song's labels.json."""
    meter = Meter.parse(labels.get("meter") or "4/4")
    step = pulse_of(meter)
    pulses, downbeats = _pulses(labels.get("beats_s") or (), labels.get("downbeats") or (), float(step))
    return Truth(pulses, downbeats, int(meter.beats / step), _chords(labels.get("chords") or ()), _key(labels))


def _pulses(
    beats_s: Sequence[float], bars: Sequence[float], step: float
) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """Pulses counted from each bar line to the next, and back to the first and on to the last beat."""
    if len(beats_s) < 4 or len(bars) < 2:
        return np.zeros(0), ()
    places = list(np.arange(bars[0] - step, -1e-6, -step)[::-1])
    downbeats = []
    for start, end in zip(bars, [*bars[1:], len(beats_s) - 1 + 2e-6], strict=True):
        downbeats.append(len(places))
        places += list(np.arange(start, end - 1e-6, step))
    return np.interp(places, np.arange(len(beats_s)), beats_s), tuple(downbeats)


def _chords(rows: Sequence[Sequence[Any]]) -> tuple[tuple[float, float, Chord], ...]:
    found = []
    for start_s, end_s, name in rows:
        try:
            found.append((float(start_s), float(end_s), parse_chord(str(name))))
        except HarmonicFlowError:
            continue  # a name of another corpus's own
    return tuple(found)


def _key(labels: Mapping[str, Any]) -> int | None:
    try:
        key = parse_key(labels["key"])
    except (HarmonicFlowError, KeyError, TypeError):
        return None
    return key.tonic + 12 * (key.mode == "minor")


def moved_key(key: int, semitones: int) -> int:
    """The key, some semitones higher."""
    return key // 12 * 12 + (key % 12 + semitones) % 12


@dataclass(frozen=True)
class Excerpt:
    """Which part of a song is heard, and how: `speed` times as fast and `semitones` higher."""

    start_s: float  # in the song
    seconds: float  # as heard
    speed: float = 1.0
    semitones: int = 0

    def heard(self, song_s: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """The song's times as times from the excerpt's start."""
        return (np.asarray(song_s, np.float64) - self.start_s) / self.speed


def time_targets(truth: Truth, excerpt: Excerpt, frames: int) -> NDArray[np.uint8]:
    """Beat and downbeat [F, TIME_OUT] in percent; UNKNOWN where the song's beats are not known."""
    out = np.zeros((frames, TIME_OUT), np.uint8)
    if len(truth.pulses_s) == 0:
        out[:] = UNKNOWN
        return out
    for column, times_s in ((BEAT, truth.pulses_s), (DOWNBEAT, truth.downbeats_s)):
        places = np.round(excerpt.heard(times_s) * ANALYST_RATE).astype(int)
        for beside, percent in reversed(list(enumerate(WIDENED))):
            for place in {-beside, beside}:
                at = places + place
                out[at[(at >= 0) & (at < frames)], column] = percent
    centres = np.arange(frames) / ANALYST_RATE
    outside = (centres < excerpt.heard(truth.pulses_s[0]) - 0.1) | (centres > excerpt.heard(truth.pulses_s[-1]) + 0.1)
    out[outside] = UNKNOWN
    return out


def harmony_targets(truth: Truth, excerpt: Excerpt, frames: int, tonal_H: NDArray[np.bool_], full: bool
                    ) -> NDArray[np.uint8]:
    """Root, bass and twelve pitch classes [H, 14] of an excerpt.

    `tonal_H` says where something pitched sounds (elsewhere the chord is none); not `full`: only a bass or a voice
    plays, which tells no pitch classes.
    """
    rows = frames // CHORD_FRAMES
    out = np.full((rows, 14), UNKNOWN, np.uint8)
    centres = (np.arange(rows) + 0.5) / CHORD_RATE
    for start_s, end_s, chord in truth.chords:
        inside = (centres >= excerpt.heard(start_s)) & (centres < excerpt.heard(end_s))
        if inside.any():
            moved = chord.transposed(excerpt.semitones)
            out[inside, 0], out[inside, 1], out[inside, 2:] = moved.root, moved.bass_class, 0
            for tone in moved.pitch_classes:
                out[inside, 2 + tone] = 1
    if not full:
        out[:, 2:] = UNKNOWN
    out[~tonal_H, :2], out[~tonal_H, 2:] = NO_ROOT, 0
    return out
