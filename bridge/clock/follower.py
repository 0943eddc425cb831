"""Where a host is and how fast, from its MIDI clock, start, stop, continue and song position. Bytes and times in.

As MIDI 1.0 has it: after start (`FA`) the next tick is the song's first; after continue (`FB`) the one after the last
that was heard, or where song position (`F2`, in sixteenths) has put it. Song position is meant for a host that stands;
hosts that loop send it while they run, and then the next tick is there. Everything else is no business of a clock's,
active sensing (`FE`) least of all.
"""

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


class _Heard(NamedTuple):
    """What is known after a message; replaced as a whole, so that nobody who asks waits for who hears."""

    song: int = 0  # the song's tick that the next one is
    running: bool = False
    rolling: bool = False  # a tick has come since it was started
    offset: int = 0  # the song's number of a tick, less its own
    jumps: int = 0
    last_s: float | None = None
    line: Line | None = None
    bpm: float | None = None
    error: float = 1.0
    steady: int = 0


class Follower:
    """Hears a host's messages in one thread; any thread may ask where it is. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._ticks = Ticks()
        self._heard = _Heard()

    def hear(self, message: bytes, time: float) -> None:
        """One message, as it came in at `time`."""
        status, heard = message[0] if message else 0, self._heard
        if status == TICK:
            self._tick(time)
        elif status in (START, CONTINUE):
            song = 0 if status == START else heard.song
            self._heard = heard._replace(song=song, running=True, rolling=False, jumps=heard.jumps + 1)
        elif status in (STOP, RESET):
            self._heard = heard._replace(running=False, rolling=False)
        elif status == SONG_POSITION and len(message) == 3:
            song = ((message[1] & 0x7F) | (message[2] & 0x7F) << 7) * TICKS_PER_SIXTEENTH
            self._heard = heard._replace(song=song, rolling=False, jumps=heard.jumps + 1)

    def place(self, now: float) -> Place:
        """Where the host is at `now`; it goes on between ticks, but not past one that has not come."""
        heard = self._heard
        lost = heard.last_s is not None and now - heard.last_s > LOST_S
        song, line = float(heard.song), None
        if heard.rolling:
            at = heard.song - 1
            song = float(at)
            if heard.line is not None:
                line = heard.line._replace(tick=heard.line.tick + heard.offset)
                song = min(max(line.tick_at(now), at), at + AHEAD)
        bpm = heard.bpm if heard.steady >= KNOWN and not lost else None
        return Place(heard.rolling and not lost, song, bpm, heard.error, heard.steady, heard.jumps, lost, line)

    def _tick(self, time: float) -> None:
        before = self._heard
        if before.rolling and before.line is not None:  # its place is known before the line is
            self._heard = before._replace(song=before.song + 1, last_s=time)
        ticks = self._ticks
        number = ticks.hear(time)
        offset = before.offset if before.rolling else before.song - number
        song = number + offset + 1 if before.running else before.song
        self._heard = before._replace(
            song=song, rolling=before.running, offset=offset, last_s=time, line=ticks.line, bpm=ticks.bpm,
            error=ticks.error, steady=ticks.count,
        )  # fmt: skip
