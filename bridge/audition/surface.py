"""`play --surface`: the take that is chosen on a controller, played, stopped, moved and turned round as it says."""

import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Final

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.tempo import nearest

from ..output import say
from .deck import Deck
from .rendering import Angles, Playable, playable
from .sounding import Output
from .sounds import take_folder

SAME_BEATS: Final = 0.1  # a place told again that is where it was going anyway
SAME_TEMPO: Final = 0.001  # a part of it
PARTS: Final = 10_000  # of a beat


class OnSurface:
    """Does what the surface says with a deck. `hear` is called by one thread; takes are read by another."""

    def __init__(self, deck: Deck, where: Output, part: str, head: Angles | None, stays: bool = False) -> None:
        """`stays`: with the take it is given, whatever is chosen. `head`: None where the sound does not turn."""
        self.deck, self._where, self._part, self._stays = deck, where, part, stays
        self.head = head
        self.take: Playable | None = None
        self._transport = (False, 0.0, 120.0, 0.0)  # playing, beat, tempo, and when
        self._wanted = ""
        self._told = ""
        self._lock = threading.Lock()

    def hear(self, name: str, values: list[object]) -> None:
        """One message of the surface."""
        if name == "transport":
            playing, beat, tempo = values[:3]
            self._move(bool(playing), float(str(beat)), float(str(tempo)))
        elif name == "head" and self.head is not None:
            yaw, pitch, roll = (float(str(value)) for value in values[:3])
            self.head = (yaw, pitch, roll)
            if self.take is not None and self.take.headphones is not None:
                self.take.headphones.turn(yaw, pitch, roll)
        elif name == "chosen" and not self._stays and values[0] and values[0] != self._wanted:
            self._wanted = str(values[0])
            threading.Thread(target=self.load, args=(self._wanted,), name="reading a take", daemon=True).start()

    def load(self, name: str) -> None:
        """Read a take and play it from where the transport is; what cannot be read is said."""
        folder = Path(name) if Path(name).is_dir() else take_folder(name)
        try:
            take = playable(folder, self._part, self._where, self.head)
        except HarmonicFlowError as error:
            say(f"note: {error}")
            return
        with self._lock:
            if not self._stays and name != self._wanted:  # another one was chosen meanwhile
                return
            self.take = take
            if take.headphones is not None and self.head is not None:
                take.headphones.turn(*self.head)
            self._place()
        say(f"take: {take.name}")

    @property
    def beat(self) -> float:
        """Where the transport is now."""
        playing, beat, tempo, when = self._transport
        return beat + (time.monotonic() - when) * tempo / 60 if playing else beat

    def _move(self, playing: bool, beat: float, tempo: float) -> None:
        with self._lock:
            was, _, before, _ = self._transport
            moved = playing != was or abs(beat - self.beat) > SAME_BEATS
            if moved or tempo != before:
                self._transport = (playing, beat, tempo, time.monotonic())
            if moved:
                self._place()

    def _place(self) -> None:
        if self.take is None:
            return
        playing, _, tempo, _ = self._transport
        beat = Fraction(round(self.beat * PARTS), PARTS)
        frame = nearest(self.take.selection.frame_at_beat(beat) * self._where.rate / self.take.selection.rate)
        self.deck.want(self.take.sound, frame % self.take.sound.frames if self.deck.loop else frame, playing)
        own = float(self.take.selection.bpm_at_beat(beat))
        note = f"note: the take is at {own:g} BPM and the surface at {tempo:g}; it sounds as it was made"
        if playing and abs(tempo / own - 1) > SAME_TEMPO and note != self._told:
            self._told = note
            say(note)
