"""The notes of a score sent in time with a host's clock: each at its tick, none left sounding on a stop or a jump.

Pure logic: where the host is goes in, messages come out.
"""

import io
from bisect import bisect_left
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from .follower import Place
from .ticks import PER_BEAT

SUSTAIN: Final = 64  # the controller of the pedal
NOTES_OFF: Final = 123  # and the one that ends all notes of a channel


class Event(NamedTuple):
    """A message and the tick of the clock, with its fraction, that it belongs to."""

    tick: float
    message: Any  # mido's


class Notes:
    """The messages of a score: what sets its channels up, and notes by tick; `ticks` is its length."""

    def __init__(self, data: bytes, beats: float) -> None:
        """Of a standard MIDI file that lasts so many beats; what is longer is cut."""
        import mido

        file = mido.MidiFile(file=io.BytesIO(data))
        self.ticks = beats * PER_BEAT
        self.setup: list[Any] = []
        self.events: list[Event] = []
        for track in file.tracks:
            now = 0
            for message in track:
                now += message.time
                tick = now * PER_BEAT / file.ticks_per_beat
                if message.is_meta:
                    continue
                if message.type not in ("note_on", "note_off"):
                    self.setup.append(message)
                elif tick < self.ticks or not _strikes(message):
                    self.events.append(Event(min(tick, self.ticks), message))
        self.events.sort(key=lambda event: (event.tick, _strikes(event.message)))
        self.channels = sorted({event.message.channel for event in self.events})


class Sender:
    """Sends `notes` as a host goes: `follow` it again and again, at the latest when it says."""

    def __init__(self, notes: Notes, send: Callable[[Any], None], loop: bool = False) -> None:
        self.notes, self.loop = notes, loop
        self._send = send
        self._going = False
        self._jumps = 0
        self._at = self._round = 0  # the next event, and which time around
        self._sounding: set[tuple[int, int]] = set()  # channel and pitch

    def follow(self, place: Place) -> float | None:
        """Send what is due; the song's tick of the next event, None where there is none to come."""
        if not place.playing:
            if self._going:
                self._going = False
                self.silence()
            return None
        if not self._going or place.jumps != self._jumps:
            self._going, self._jumps = True, place.jumps
            self._begin(float(int(place.ticks)))  # from the tick that has come, though a moment has passed since
        return self._send_until(place.ticks)

    def silence(self) -> None:
        """End every note that sounds."""
        import mido

        for channel, pitch in sorted(self._sounding):
            self._send(mido.Message("note_off", channel=channel, note=pitch))
        self._sounding.clear()
        for channel in self.notes.channels:
            for control in (SUSTAIN, NOTES_OFF):
                self._send(mido.Message("control_change", channel=channel, control=control, value=0))

    def _begin(self, tick: float) -> None:
        self.silence()
        for message in self.notes.setup:
            self._send(message)
        self._round = int(tick // self.notes.ticks) if self.loop else 0
        within = tick - self._round * self.notes.ticks
        self._at = bisect_left(self.notes.events, within, key=lambda event: event.tick)

    def _send_until(self, tick: float) -> float | None:
        events = self.notes.events
        while True:
            if self._at == len(events):
                if not self.loop or not events:
                    return None
                self._at, self._round = 0, self._round + 1
            due = events[self._at].tick + self._round * self.notes.ticks
            if due > tick:
                return due
            message = events[self._at].message
            self._at += 1
            self._note(message)

    def _note(self, message: Any) -> None:
        key = (message.channel, message.note)
        if _strikes(message):
            self._sounding.add(key)
        elif key not in self._sounding:  # it began before the place that was jumped to
            return
        else:
            self._sounding.discard(key)
        self._send(message)


def _strikes(message: Any) -> bool:
    return bool(message.type == "note_on" and message.velocity > 0)
