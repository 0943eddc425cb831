"""From activations to beats, bars and tempo.

Beats: the path through time and tempo with the largest sum of evidence (Ellis 2007) in which the tempo itself is part
of the state and costs something to change (Krebs, Boeck & Widmer 2015). A beat's evidence is how far its activation
lies above half of what beats reach around there, so that a shy network is heard as well as a sure one.

Shapes: N frame, P period, K beat, M position in a bar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .listening import BEAT, DOWNBEAT
from .meter import bars_of
from .spectra import Floats, Times

FASTEST_BPM, SLOWEST_BPM = 300.0, 40.0
PERIOD_STEP: Final = 1.02  # from one period of the grid to the next
CHANGE_COST: Final = 2.0  # of a step of the period from one beat to the next
STEPS: Final = 2  # of the period in a beat at most
JITTER_COST: Final = 0.15  # of a frame that a beat is early or late
PLEASANT_BPM: Final = (70.0, 160.0)
OCTAVE_COST: Final = 0.6  # per beat, of a tempo an octave outside PLEASANT_BPM
AROUND_S: Final = 4  # how far back and on one looks for what beats reach
FLOOR: Final = 0.02  # activations below it are silence
EVIDENCE: Final = (-2.5, 2.5)  # least and most of a single beat
FEWEST: Final = 4  # beats; fewer make no tempo
ADDED: Final = 4  # beats that are taken for granted before the first that is heard and after the last


@dataclass(frozen=True)
class Beats:
    """What was heard of time. `downbeats` are places in `beats_s`; no beats: nothing with a pulse was heard."""

    beats_s: Times  # seconds
    downbeats: tuple[int, ...]
    bpm: float  # beats a minute, 0 without beats
    meter: int  # beats a bar, 2 to 7
    confidence: float  # 0..1

    @property
    def downbeats_s(self) -> Times:
        return self.beats_s[list(self.downbeats)]


SILENCE: Final = Beats(np.zeros(0), (), 0.0, 4, 0.0)


def hear_beats(time_logits: Floats, rate: float, onsets_s: Times | None = None) -> Beats:
    """Beats and bars from the analyst's `time` logits [N, 2] at `rate` frames a second.

    With `onsets_s`, what sounds on a beat says exactly when it is. The beats go from a bar or so before the
    first that is heard to as much behind the last.
    """
    logits = np.asarray(time_logits, np.float64)
    if len(logits) < 2 * rate * 60 / FASTEST_BPM:
        return SILENCE
    activation = 1 / (1 + np.exp(-logits))
    evidence_N = evidence(activation[:, BEAT], rate)
    places = best_beats(evidence_N, rate)
    if len(places) < FEWEST:
        return SILENCE
    strength = _near(activation[:, BEAT], places)
    bars = bars_of(np.minimum(_near(activation[:, DOWNBEAT], places) / (np.maximum(strength, FLOOR) + FLOOR), 1.0))
    beats_s = _between_frames(activation[:, BEAT], places) / rate
    if onsets_s is not None:
        beats_s = snapped(beats_s, onsets_s)
    sure = float(np.clip(strength.mean(), 0, 1))
    return Beats(beats_s, bars.downbeats, tempo_of(beats_s), bars.meter, sure)


def evidence(activation_N: Times, rate: float) -> Times:
    """Log odds of each frame's activation over half of what beats reach around there, within EVIDENCE."""
    second = max(1, round(rate))
    blocks = np.pad(activation_N, (0, -len(activation_N) % second), mode="edge").reshape(-1, second).max(axis=1)
    beside = np.arange(len(blocks))[:, None] + np.arange(-AROUND_S, AROUND_S + 1)
    reached = blocks[np.clip(beside, 0, len(blocks) - 1)].mean(axis=1)
    centres = (np.arange(len(blocks)) + 0.5) * second
    half = np.maximum(np.interp(np.arange(len(activation_N)), centres, reached / 2), FLOOR)
    return np.clip(_log_odds(activation_N) - _log_odds(half), *EVIDENCE)


def _log_odds(probability: Times) -> Times:
    bounded = np.clip(probability, 1e-3, 1 - 1e-3)
    return np.log(bounded / (1 - bounded))


def periods(rate: float) -> Times:
    """The grid of periods [P] in frames."""
    count = int(np.log(FASTEST_BPM / SLOWEST_BPM) / np.log(PERIOD_STEP)) + 1
    return 60 * rate / FASTEST_BPM * PERIOD_STEP ** np.arange(count)


def best_beats(evidence_N: Times, rate: float) -> NDArray[np.intp]:
    """Frames of the best sequence of beats.

    best[n, p] is the largest sum of a sequence that ends in frame n with period p. It looks back by at least the
    shortest period, so as many frames as that are reckoned at once.
    """
    period_P = periods(rate)
    back = np.round(period_P).astype(int)
    count, width = len(evidence_N), len(back)
    before = int(back[-1]) + 1  # rows of nothing before the first frame
    onward = np.zeros((before + count, width))  # of best, after the choice of the next period
    best = np.zeros((count, width))
    jitter = np.zeros((count, width), np.int8)
    step = np.zeros((before + count, width), np.int8)
    cost_P = octave_cost(60 * rate / period_P)
    lanes = np.arange(width)
    for first in range(0, count, int(back[0]) - 1):
        rows = np.arange(first, min(first + int(back[0]) - 1, count))
        found = onward[before + rows[:, None] - back, lanes]
        for late in (-1, 1):
            other = onward[before + rows[:, None] - back - late, lanes] - JITTER_COST
            better = other > found
            found[better] = other[better]
            jitter[rows] = np.where(better, late, jitter[rows])
        best[rows] = found + evidence_N[rows, None] - cost_P
        onward[before + rows], step[before + rows] = _with_changes(best[rows])
    return _traced(best, onward, jitter, step, back, before)


def _with_changes(best: Times) -> tuple[Times, NDArray[np.int8]]:
    """The best sum for each next period, and how many steps the period before lay above it; 0 begins anew."""
    out, step = best.copy(), np.zeros(best.shape, np.int8)
    for steps in range(1, STEPS + 1):
        for above in (-steps, steps):
            other = np.full_like(best, -np.inf)
            if above > 0:
                other[:, :-above] = best[:, above:]
            else:
                other[:, -above:] = best[:, :above]
            other -= CHANGE_COST * steps
            better = other > out
            out[better], step[better] = other[better], above
    return np.maximum(out, 0.0), step


def _traced(
    best: Times, onward: Times, jitter: NDArray[np.int8], step: NDArray[np.int8], back: NDArray[np.intp], before: int
) -> NDArray[np.intp]:
    row, lane = (int(place) for place in np.unravel_index(best.argmax(), best.shape))
    found = []
    while row >= 0:
        found.append(row)
        row -= int(back[lane]) + int(jitter[row, lane])
        if row < 0 or onward[before + row, lane] <= 0:
            break
        lane += int(step[before + row, lane])
    return _extended(np.array(found[::-1], np.intp), len(best))


def _extended(places: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Up to ADDED beats more at both ends, where the evidence alone had not paid for them."""
    if len(places) < FEWEST:
        return places
    first, last = (float(np.diff(some).mean()) for some in (places[:FEWEST], places[-FEWEST:]))
    before = np.round(places[0] - first * np.arange(ADDED, 0, -1)).astype(np.intp)
    after = np.round(places[-1] + last * np.arange(1, ADDED + 1)).astype(np.intp)
    return np.concatenate([before[before >= -2], places, after[after < count]]).clip(0)


def octave_cost(bpm: Times) -> Times:
    """What each beat of a tempo costs for lying outside PLEASANT_BPM."""
    low, high = PLEASANT_BPM
    return OCTAVE_COST * np.maximum(np.log2(np.maximum(low / bpm, bpm / high)), 0)


def tempo_of(beats_s: Times) -> float:
    """Beats a minute: the slope of a line through the beats, or their median where the tempo moves."""
    if len(beats_s) < 2:
        return 0.0
    slope, start = np.polyfit(np.arange(len(beats_s)), beats_s, 1)
    off = np.abs(beats_s - start - slope * np.arange(len(beats_s))).max()
    return float(60 / (slope if off < 0.05 else np.median(np.diff(beats_s))))


def snapped(beats_s: Times, onsets_s: Times, within_s: float = 0.03) -> Times:
    """Beats moved to an onset that is within reach."""
    if len(onsets_s) == 0:
        return beats_s
    after = np.clip(np.searchsorted(onsets_s, beats_s), 1, max(len(onsets_s) - 1, 1))
    before, behind = onsets_s[after - 1], onsets_s[np.minimum(after, len(onsets_s) - 1)]
    nearest = np.where(np.abs(before - beats_s) < np.abs(behind - beats_s), before, behind)
    return np.maximum.accumulate(np.where(np.abs(nearest - beats_s) <= within_s, nearest, beats_s))


def _near(activation_N: Times, places: NDArray[np.intp]) -> Times:
    """The largest activation within two frames of each place."""
    beside = np.clip(places[:, None] + np.arange(-2, 3), 0, len(activation_N) - 1)
    return activation_N[beside].max(axis=1)


def _between_frames(activation_N: Times, places: NDArray[np.intp]) -> Times:
    """Places to a part of a frame: the centre of what the activation holds within two frames."""
    beside = np.clip(places[:, None] + np.arange(-2, 3), 0, len(activation_N) - 1)
    weight = activation_N[beside] + 1e-6
    return (weight * beside).sum(axis=1) / weight.sum(axis=1)
