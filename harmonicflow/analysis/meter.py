"""How many beats a bar has and where the bars begin, from how much each beat is like a first one.

Every meter from 2 to 7 is tried: the path of positions in the bar that explains the beats best, in which a bar may be
cut short or drawn out at a cost (a beat that was missed, a bar of 2/4 in between), as in the bar pointer of Whiteley,
Cemgil & Godsill 2006 with time counted in beats.

Shapes: K beat, M position in a bar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .spectra import Times

METERS: Final = {2: -2.5, 3: -1.0, 4: 0.0, 5: -3.5, 6: -5.0, 7: -4.5}
"""Beats a bar, and the logarithm of how usual that is."""
SLIP_COST: Final = 8.0  # of a bar that has not its length
UNSURE: Final = (0.04, 0.9)  # probabilities of a first beat are taken to lie between
WEIGHT: Final = 0.7  # of the evidence: the beats of a song are not independent of each other


@dataclass(frozen=True)
class Bars:
    """Beats a bar, the places of the first beats, and by how much this explains more than the next best meter."""

    meter: int
    downbeats: tuple[int, ...]
    lead: float


def bars_of(first_K: Times) -> Bars:
    """The bars of some beats of which each is the first of its bar with the probability `first_K`."""
    if len(first_K) == 0:
        return Bars(4, (), 0.0)
    likely = np.clip(first_K, *UNSURE)
    yes, no = WEIGHT * np.log(likely), WEIGHT * np.log(1 - likely)
    found = []
    for meter, usual in METERS.items():
        score, places = _path(yes, no, meter)
        found.append((score + usual, meter, places))
    found.sort(key=lambda row: row[0], reverse=True)
    score, meter, places = found[0]
    return Bars(meter, places, float(score - found[1][0]))


def _path(yes: Times, no: Times, meter: int) -> tuple[float, tuple[int, ...]]:
    """The largest log likelihood of a meter, and the first beats of that path (Viterbi over positions)."""
    count = len(yes)
    came = np.zeros((count, meter), np.intp)
    regular = (np.arange(meter) - 1) % meter
    total = np.full(meter, 0.0)
    total[0] += yes[0]
    total[1:] += no[0]
    for beat in range(1, count):
        slipped = int(total.argmax())
        onward = total[regular]
        jump = total[slipped] - SLIP_COST > onward
        came[beat] = np.where(jump, slipped, regular)
        total = np.where(jump, total[slipped] - SLIP_COST, onward)
        total[0] += yes[beat]
        total[1:] += no[beat]
    return float(total.max()), _firsts(came, int(total.argmax()))


def _firsts(came: NDArray[np.intp], last: int) -> tuple[int, ...]:
    places, position = [], last
    for beat in range(len(came) - 1, -1, -1):
        if position == 0:
            places.append(beat)
        position = int(came[beat, position])
    return tuple(places[::-1])
