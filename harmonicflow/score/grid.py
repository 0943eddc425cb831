"""Where a selection's bars and beats lie, as the score and the guide need them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from harmonicflow.core.tempo import Selection


def bar_lines(selection: Selection) -> list[tuple[Fraction, Fraction]]:
    """Start and end of each bar of a selection in selection beats, whole bars: the first may start before 0."""
    return [(bar.grid_start, bar.grid_start + bar.meter.beats) for bar in selection.bars()]


def selection_end(selection: Selection) -> Fraction:
    """The beat on which a selection ends."""
    return selection.beats


def seconds_at(selection: Selection, beats: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds from the selection's first frame of many selection beats at once, any shape.

    Float64, good to a microsecond within an hour; `Selection.frame_at_beat` is the exact way for one beat.
    """
    anchors = selection.tempo.anchors
    origin = selection.tempo.beat_at(selection.start_frame)
    at = np.array([float(beat - origin) for beat, _ in anchors])
    seconds = np.array([float(Fraction(frame - selection.start_frame) / selection.rate) for _, frame in anchors])
    segment = np.clip(np.searchsorted(at, beats, side="right") - 1, 0, len(at) - 2)
    slope = np.diff(seconds) / np.diff(at)
    return np.asarray(seconds[segment] + (beats - at[segment]) * slope[segment], np.float64)
