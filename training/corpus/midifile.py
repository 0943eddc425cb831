"""Reads a song's MIDI file into notes in seconds, grouped by General MIDI program.

Unlike `harmonicflow.score.midi` it keeps what only rendering needs: programs outside the four
stems, the sustain pedal (notes are lengthened to its release) and channel volume (folded into the
velocity, whose curve is the same in the General MIDI sound model, so that the notes alone say how
loud each one sounds). Bends and modulation are left out: the labels have no place for them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import mido
import numpy as np
from numpy.typing import NDArray

from .song import Part, as_part

DRUM_CHANNEL: Final = 9
DRUMS: Final = -1  # the "program" of drum notes
SUSTAIN, VOLUME, EXPRESSION = 64, 7, 11
GM_VOLUME: Final = 100  # what a channel starts with

_Held = tuple[float, float, int, str]  # onset_s, velocity, program, track
_Note = tuple[int, str, tuple[float, float, float, float]]  # program, track, a row of a Part


@dataclass(frozen=True)
class MidiSong:
    """Notes by program (`DRUMS` for drums) and by track, quarter-note times and bars."""

    by_program: dict[int, Part]
    by_track: dict[str, Part]
    beats_s: NDArray[np.float64]
    downbeats: tuple[float, ...]
    meter: str
    seconds: float


def load(path: Path) -> MidiSong:
    """Read a MIDI file; raises OSError, EOFError or ValueError when it is not one."""
    midi = mido.MidiFile(str(path), clip=True)
    events = sorted(
        ((tick, order, track, message) for order, (tick, track, message) in enumerate(_events(midi))),
        key=lambda event: event[:2],
    )
    seconds = _clock(midi.ticks_per_beat, events)
    notes = _notes([(seconds(tick), track, message) for tick, _, track, message in events])
    by_program: dict[int, list[tuple[float, float, float, float]]] = defaultdict(list)
    by_track: dict[str, list[tuple[float, float, float, float]]] = defaultdict(list)
    for program, track, note in notes:
        by_program[program].append(note)
        by_track[track].append(note)
    last_tick = events[-1][0] if events else 0
    beats = np.array([seconds(i * midi.ticks_per_beat) for i in range(last_tick // midi.ticks_per_beat + 2)])
    downbeats, meter = _bars(midi.ticks_per_beat, events, last_tick)
    return MidiSong(
        {program: as_part(rows) for program, rows in by_program.items()},
        {track: as_part(rows) for track, rows in by_track.items()},
        beats, downbeats, meter, max((note[1] for _, _, note in notes), default=0.0),
    )  # fmt: skip


def _events(midi: mido.MidiFile) -> list[tuple[int, str, mido.Message]]:
    out = []
    for track in midi.tracks:
        tick = 0
        for message in track:
            tick += message.time
            out.append((tick, track.name, message))
    return out


def _clock(ticks_per_beat: int, events: list[tuple[int, int, str, mido.Message]]) -> Callable[[int], float]:
    """The function from ticks to seconds, by the file's tempo events (500,000 us a beat until the first)."""
    ticks, starts, tempi = [0], [0.0], [500_000]
    for tick, _, _, message in events:
        if message.type == "set_tempo":
            now = starts[-1] + (tick - ticks[-1]) * tempi[-1] / ticks_per_beat / 1e6
            if tick == ticks[-1]:
                tempi[-1] = message.tempo
            else:
                ticks.append(tick)
                starts.append(now)
                tempi.append(message.tempo)

    def seconds(tick: int) -> float:
        place = int(np.searchsorted(ticks, tick, side="right")) - 1
        return starts[place] + (tick - ticks[place]) * tempi[place] / ticks_per_beat / 1e6

    return seconds


class _Channel:
    """What a channel remembers between events, and the notes that sound on it."""

    def __init__(self) -> None:
        self.program = 0
        self.volume = GM_VOLUME
        self.expression = 127
        self.pedal = False
        self.sounding: dict[int, _Held] = {}  # by pitch
        self.held: dict[int, _Held] = {}  # released, but the pedal is down


def _notes(events: list[tuple[float, str, mido.Message]]) -> list[_Note]:
    channels = [_Channel() for _ in range(16)]
    channels[DRUM_CHANNEL].program = DRUMS
    out: list[_Note] = []

    def end(now_s: float, pitch: int, note: _Held) -> None:
        onset, velocity, program, track = note
        out.append((program, track, (onset, now_s, float(pitch), velocity)))

    now = 0.0
    for now, track, message in events:
        if message.is_meta or not hasattr(message, "channel"):
            continue
        channel = channels[message.channel]
        if message.type == "program_change" and message.channel != DRUM_CHANNEL:
            channel.program = message.program
        elif message.type == "control_change":
            _control(channel, message, now, end)
        elif message.type == "note_on" and message.velocity > 0:
            for state in (channel.sounding, channel.held):
                if message.note in state:
                    end(now, message.note, state.pop(message.note))
            loudness = message.velocity * channel.volume / GM_VOLUME * channel.expression / 127
            channel.sounding[message.note] = (now, loudness, channel.program, track)
        elif message.type in ("note_on", "note_off") and message.note in channel.sounding:
            note = channel.sounding.pop(message.note)
            if channel.pedal:
                channel.held[message.note] = note
            else:
                end(now, message.note, note)
    for channel in channels:
        for state in (channel.sounding, channel.held):
            for pitch, note in state.items():
                end(now, pitch, note)
    return _level(out)


def _control(channel: _Channel, message: mido.Message, now: float, end: Callable[[float, int, _Held], None]) -> None:
    if message.control == VOLUME:
        channel.volume = message.value
    elif message.control == EXPRESSION:
        channel.expression = message.value
    elif message.control == SUSTAIN:
        channel.pedal = message.value >= 64
        if not channel.pedal:
            for pitch, note in channel.held.items():
                end(now, pitch, note)
            channel.held.clear()


def _level(notes: list[_Note]) -> list[_Note]:
    """Scale the velocities back when channel volumes pushed them past 127; drop what was turned off."""
    loudest = max((note[3] for _, _, note in notes), default=127.0)
    scale = min(127.0 / loudest, 1.0) if loudest > 0 else 1.0
    return [
        (program, track, (note[0], note[1], note[2], note[3] * scale))
        for program, track, note in notes
        if note[3] * scale >= 1
    ]


def _bars(
    ticks_per_beat: int, events: list[tuple[int, int, str, mido.Message]], last_tick: int
) -> tuple[tuple[float, ...], str]:
    """Positions of the bars in quarter notes, and the meter that holds longest."""
    changes = [(Fraction(0), Fraction(4), "4/4")]
    for tick, _, _, message in events:
        if message.type == "time_signature":
            beat = Fraction(tick, ticks_per_beat)
            above, below = message.numerator, message.denominator
            row = (beat, Fraction(4 * above, below), f"{above}/{below}")
            if beat == changes[-1][0]:
                changes[-1] = row
            else:
                changes.append(row)
    end = Fraction(last_tick, ticks_per_beat)
    bars: list[float] = []
    lasting: dict[str, Fraction] = defaultdict(Fraction)
    for (beat, length, meter), stop in zip(changes, [row[0] for row in changes[1:]] + [end], strict=True):
        lasting[meter] += max(stop - beat, Fraction(0))
        while beat < stop:
            bars.append(float(beat))
            beat += length
    return tuple(bars), max(lasting, key=lambda meter: lasting[meter])
