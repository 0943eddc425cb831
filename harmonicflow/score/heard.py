"""What the band hears in drums that are already there: how much they swing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from statistics import median

from .pulses import Pulse

ENOUGH = 6  # offbeat strokes before a swing is believed


def swing_heard(strokes: Sequence[float], pulses: Sequence[Pulse]) -> Fraction | None:
    """The share of a pulse that its first eighth gets, from the beats of drum strokes; None with too few to tell.

    Offbeat eighths lie between 0.42 (rushed straight) and 0.70 (a hard shuffle) of a pulse; sixteenths lie outside.
    """
    starts = [float(pulse.start) for pulse in pulses]
    shares = []
    for beat in strokes:
        place = bisect_right(starts, beat) - 1
        if place >= 0 and not pulses[place].compound:
            share = (beat - starts[place]) / float(pulses[place].unit)
            if 0.42 <= share <= 0.70:
                shares.append(share)
    if len(shares) < ENOUGH:
        return None
    long = median(shares)
    return Fraction(1, 2) if abs(long - 0.5) < 0.035 else Fraction(round(long * 96), 96)
