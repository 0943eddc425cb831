"""What a person is told of a host's clock: that it plays, how fast, where, that it stands or is gone."""

from typing import Final

from harmonicflow.core.progress import Progress

from ..output import say
from .follower import Place
from .sound import written
from .ticks import PER_BEAT

CHANGED: Final = 0.002  # a part of the tempo: another one is worth a line
SURE: Final = 0.0005  # the standard error with which one is told early
ENOUGH: Final = 2 * PER_BEAT  # ticks after which it is told anyway
WAITING_S: Final = 5.0  # without any tick: say what to do


class Telling:
    """Looks at where the host is, again and again: a live line on a terminal, elsewhere a line for each change."""

    def __init__(self, port: str, now: float) -> None:
        self.progress = Progress()
        self._port, self._began = port, now
        self._said = ""
        self._bpm = 0.0
        self._tempo = ""  # in words
        self._played = False

    def look(self, place: Place, now: float) -> None:
        """Tell what has changed."""
        known = place.error < SURE or (place.error < CHANGED and place.steady >= ENOUGH)
        if place.bpm is not None and known and abs(place.bpm / (self._bpm or 1) - 1) > CHANGED:
            self._bpm, self._tempo = place.bpm, written(place.bpm, place.error)
        self._played = self._played or place.playing
        state = self._state(place, now)
        if self.progress.live:
            tempo = f"{place.bpm:7.2f} BPM  " if place.bpm else ""
            self.progress.update(f"{tempo}beat {place.beats + 1:.1f}  {state}")
        if state and state != self._said:
            if not self.progress.live or place.lost:
                say(state)
            self._said = state

    def _state(self, place: Place, now: float) -> str:
        if place.lost:
            return f"the clock of {self._port} has stopped coming; waiting for it"
        if place.playing:
            return f"the host plays at {self._tempo} BPM" if self._tempo else ""
        if self._played:
            return "the host stands"
        if place.bpm is None and now - self._began > WAITING_S:
            return f"no clock comes from {self._port} yet: switch MIDI clock (sync) out on in the host, and start it"
        return ""
