"""Where a host is and how fast, from its MIDI clock, start, stop, continue and song position. Bytes and times in.

As MIDI 1.0 has it: after start (`FA`) the next tick is the song's first; after continue (`FB`) the one after the last
that was heard, or where song position (`F2`, in sixteenths) has put it. Song position is meant for a host that stands;
hosts that loop send it while they run, and then the next tick is there. Everything else is no business of a clock's,
active sensing (`FE`) least of all.
"""

import threading
from typing import Final, NamedTuple

from .ticks import PER_BEAT, Line, Ticks

TICK: Final = 0xF8
START: Final = 0xFA
CONTINUE: Final = 0xFB
STOP: Final = 0xFC
RESET: Final = 0xFF
SONG_POSITION: Final = 0xF2
TICKS_PER_SIXTEENTH: Final = PER_BEAT // 4
LOST_S: Final = 0.5  # without a tick the clock is missing; the slowest tempo has one every 0.125 s
AHEAD: Final = 0.95  # of a tick: as far as a place goes on before the next tick has come
KNOWN: Final = PER_BEAT  # ticks after which a tempo is worth telling


class Place(NamedTuple):
    """Where the host is at a moment."""

    playing: bool  # from the first tick after start or continue to stop, while its clock ticks
    ticks: float  # from the beginning of the song; while it waits for the next tick, that one
    bpm: float | None  # None before there is a tempo worth telling
    error: float  # the tempo's standard error, as a part of it
    steady: int  # ticks that the tempo stands on
    jumps: int  # how often it went on elsewhere than it had been going
    lost: bool  # no tick for `LOST_S`, though some were heard
    line: Line | None  # of song ticks while it plays, for what is to come

    @property
    def beats(self) -> float:
        """Quarter notes from the beginning of the song."""
        return self.ticks / PER_BEAT


class Follower:
    """Hears a host's messages in one thread; any thread may ask where it is. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._ticks = Ticks()
        self._running = False
        self._song = 0  # the song's tick that the next one is
        self._rolling = False  # a tick has come since it was started
        self._offset = 0  # the song's number of a tick, less its own
        self._jumps = 0
        self._lock = threading.Lock()

    def hear(self, message: bytes, time: float) -> None:
        """One message, as it came in at `time`."""
        status = message[0] if message else 0
        with self._lock:
            if status == TICK:
                self._tick(time)
            elif status == START:
                self._go(0)
            elif status == CONTINUE:
                self._go(self._song)
            elif status in (STOP, RESET):
                self._running = self._rolling = False
            elif status == SONG_POSITION and len(message) == 3:
                self._locate(((message[1] & 0x7F) | (message[2] & 0x7F) << 7) * TICKS_PER_SIXTEENTH)

    def place(self, now: float) -> Place:
        """Where the host is at `now`; it goes on between ticks, but not past one that has not come."""
        with self._lock:
            last, line = self._ticks.last, self._ticks.line
            lost = last is not None and now - last[1] > LOST_S
            known = self._ticks.count >= KNOWN or self._ticks.error < 0.001
            bpm = self._ticks.bpm if known and not lost else None
            song, song_line = float(self._song), None
            if self._rolling and last is not None:
                at = self._song - 1
                song = float(at)
                if line is not None:
                    song_line = line._replace(tick=line.tick + self._offset)
                    song = min(max(song_line.tick_at(now), at), at + AHEAD)
            ticks = self._ticks
            return Place(self._rolling and not lost, song, bpm, ticks.error, ticks.count, self._jumps, lost, song_line)

    def _tick(self, time: float) -> None:
        number = self._ticks.hear(time)
        if not self._running:
            return
        if not self._rolling:
            self._rolling = True
            self._offset = self._song - number
        self._song = number + self._offset + 1

    def _go(self, song: int) -> None:
        self._song, self._running, self._rolling = song, True, False
        self._jumps += 1

    def _locate(self, song: int) -> None:
        self._song, self._rolling = song, False
        self._jumps += 1
