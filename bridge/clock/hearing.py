"""A host's tempo, heard from its clock for two bars of 4/4, as the tempo of a request."""

import time
from collections.abc import Callable
from fractions import Fraction
from typing import Final

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.progress import Progress
from harmonicflow.core.tempo import parse_bpm

from ..output import say
from .playing import Heard
from .sound import written
from .ticks import LONGEST, PER_BEAT

PATIENCE_S: Final = 20.0  # without any clock
LOOK_S: Final = 0.05
STEADY: Final = 0.0005  # the standard error, as a part of the tempo, that is good enough


def tempo_from(port: str, patience_s: float = PATIENCE_S) -> Fraction:
    """The tempo in quarter notes a minute, as exactly as it can be heard. Raises `no_clock`, `no_midi_port`.

    Two bars long all ticks must lie on one line: while a host changes its tempo, this waits.
    """
    with Heard(port) as heard:
        say(f"listening to the clock of {heard.name} for two bars")
        with Progress() as progress:
            bpm, error = _steady(heard, patience_s, progress.tick)
    tempo = parse_bpm(written(bpm, error))
    say(f"note: the host's tempo is {float(tempo):g} BPM; where the host says otherwise, give that with --tempo")
    return tempo


def _steady(heard: Heard, patience_s: float, look: Callable[[], None]) -> tuple[float, float]:
    """The tempo and its standard error, once two bars of ticks lie on one line."""
    ends, unsteady = time.monotonic() + patience_s, False
    while True:
        now = time.monotonic()
        place = heard.follower.place(now)
        if place.steady >= LONGEST and place.bpm and place.error < STEADY:
            return place.bpm, place.error
        if now > ends and (place.steady < PER_BEAT or place.lost):
            raise HarmonicFlowError("no_clock", port=heard.name)
        if now > ends and not unsteady:
            unsteady = True
            say("the tempo is not steady yet: let the host play two bars at one tempo, or Ctrl-C and give --tempo")
        look()
        time.sleep(LOOK_S)
