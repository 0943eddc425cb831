"""A take's sound in time with a host: started, stopped and moved with its clock, as long as both have one tempo.

Sound is not stretched. Where the host's tempo is another than the take's by more than `SAME`, it is silent and says so.
"""

import time
from collections.abc import Callable
from fractions import Fraction
from typing import Final

from harmonicflow.core.tempo import Selection, nearest

from ..output import say
from .follower import Follower, Place
from .ticks import PER_BEAT

SAME: Final = 0.001  # a part of the tempo
SURELY: Final = 2.0  # standard errors by which it must be more
PARTS: Final = 1000  # of a tick, to which places are rounded
SPAN: Final = 2 * PER_BEAT  # ticks: a tempo is judged by no fewer


class InTime:
    """A deck's guide: where in a take the host is when a block is heard."""

    def __init__(self, follower: Follower, selection: Selection, rate: int, bars: int) -> None:
        """`rate`: the device's, in Hz."""
        self._follower, self._selection, self._rate, self._bars = follower, selection, rate, bars
        self._fits = True
        self._frame = 0

    def __call__(self, heard_in_s: float) -> tuple[bool, int]:
        now = time.monotonic()
        place = self._follower.place(now)
        if not (place.playing and place.line and self._fits):
            return False, self._frame
        tick = max(place.line.tick_at(now + heard_in_s), 0.0)
        self._frame = frame_at(self._selection, Fraction(round(tick * PARTS), PARTS * PER_BEAT), self._rate)
        return True, self._frame

    def judge(self, place: Place, tell: Callable[[str], None] = say) -> None:
        """Whether the host's tempo is the take's; says when that changes."""
        if not place.playing or place.bpm is None or place.steady < SPAN:
            return
        own = float(self._selection.bpm_at_beat(Fraction(round(place.ticks), PER_BEAT)))
        off = abs(place.bpm / own - 1) - SURELY * place.error
        if self._fits and off > SAME:
            self._fits = False
            heard = written(place.bpm, place.error)
            tell(
                f"note: the host is at {heard} BPM and the take at {own:g}, so it is silent: sound is not stretched. "
                f"Make one at that tempo with: harmonicflow generate --bars {self._bars} --tempo {heard}"
            )
        elif not self._fits and off < 0:
            self._fits = True
            tell(f"the host is at the take's tempo, {own:g} BPM")


def frame_at(selection: Selection, beat: Fraction, rate: int) -> int:
    """The frame of a take's beat at a device's rate."""
    return nearest(selection.frame_at_beat(beat) * rate / selection.rate)


def written(bpm: float, error: float) -> str:
    """A tempo with as few decimals as its error allows: 119.998 with an error of a ten-thousandth is "120"."""
    for places in (0, 1, 2):
        if abs(round(bpm, places) - bpm) <= max(SURELY * error * bpm, 1e-4):
            return f"{round(bpm, places):g}"
    return f"{bpm:.3f}"
