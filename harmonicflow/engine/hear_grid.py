"""Beats and bars for `hear`: those that were heard or a selection's own, and the steps on which chords are heard.

Shapes: K step between two beats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.analysis.beats import Beats
from harmonicflow.core.tempo import Selection
from harmonicflow.score.chord_search import BAR_LINE, HALF_BAR, WITHIN

from .heard import HeardTempo

STEP_S: Final = 0.5  # of chords where no beats are heard
STEADY_S: Final = 0.05  # how far beats may lie from one tempo's


@dataclass(frozen=True)
class Grid:
    """Beats and bars, and the steps between which chords are heard."""

    beats_s: np.ndarray
    downbeats: tuple[int, ...]
    edges_s: np.ndarray  # [K + 1]: the beats and the recording's ends
    place_K: NDArray[np.int64]
    tempo: HeardTempo | None
    meter: str | None
    before: int = 0  # steps before the first beat

    @property
    def bars_s(self) -> tuple[float, ...]:
        return tuple(float(self.beats_s[place]) for place in self.downbeats)

    @property
    def last_bar_end_s(self) -> float:
        """Where the last bar ends, by the length of the one before it."""
        bars = self.bars_s
        return bars[-1] + (bars[-1] - bars[-2]) if len(bars) > 1 else float("inf")


def heard_grid(beats: Beats | None, seconds: float) -> Grid:
    """The grid of beats that were heard: those inside the recording; half seconds where there are none."""
    if beats is None or len(beats.beats_s) < 2:
        edges = np.append(np.arange(0, seconds - STEP_S / 2, STEP_S), seconds)
        place = np.full(len(edges) - 1, WITHIN)
        place[:1] = BAR_LINE
        return Grid(np.zeros(0), (), edges, place, None, None)
    inside = np.flatnonzero((beats.beats_s > -0.05) & (beats.beats_s < seconds - 0.05))
    beats_s = np.maximum(beats.beats_s[inside], 0.0)
    first = int(inside[0]) if len(inside) else 0
    downbeats = tuple(place - first for place in beats.downbeats if 0 <= place - first < len(beats_s))
    line = np.arange(len(beats_s)) * 60 / beats.bpm
    steady = float(np.abs(beats_s - line - np.median(beats_s - line)).max(initial=0)) < STEADY_S
    tempo = HeardTempo(beats.bpm, beats.confidence, steady)
    return _with_edges(beats_s, downbeats, seconds, tempo, f"{beats.meter}/4")


def session_grid(selection: Selection) -> Grid:
    """The grid of a selection: quarter beats from each bar line on."""
    beats: list[float] = []
    downbeats: list[int] = []
    for bar in selection.bars():
        at = bar.grid_start
        while at < bar.end_beat:
            if at >= bar.start_beat:
                if at == bar.grid_start:
                    downbeats.append(len(beats))
                beats.append(float(selection.frame_at_beat(at) / selection.rate))
            at += 1
    bpm = 60 * float(selection.beats / selection.seconds)
    steady = len(selection.tempo.anchors) == 2
    meter = str(selection.bars()[0].meter)
    return _with_edges(np.array(beats), tuple(downbeats), float(selection.seconds), HeardTempo(bpm, 1.0, steady), meter)


def _with_edges(
    beats_s: np.ndarray, downbeats: tuple[int, ...], seconds: float, tempo: HeardTempo, meter: str
) -> Grid:
    """Steps from beat to beat, going on as regularly before the first beat and behind the last."""
    place = np.full(len(beats_s), WITHIN)
    for first, last in zip(downbeats, [*downbeats[1:], len(beats_s)], strict=True):
        place[first] = BAR_LINE
        if last - first in (4, 6, 8):
            place[first + (last - first) // 2] = HALF_BAR
    period = float(np.median(np.diff(beats_s))) if len(beats_s) > 1 else STEP_S
    before = np.arange(beats_s[0] - period, 0.3 * period, -period)[::-1]
    after = np.arange(beats_s[-1] + period, seconds - 0.3 * period, period)
    edges = np.concatenate([before, beats_s, after, [max(seconds, beats_s[-1] + 0.05)]])
    edges[0] = 0.0
    places = np.concatenate([np.full(len(before), WITHIN), place, np.full(len(after), WITHIN)])
    return Grid(beats_s, downbeats, edges, places, tempo, meter, len(before))
