"""The strokes of one MIDI track: note-ons and note-offs paired, notes lengthened by the sustain pedal."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from typing import Final

import mido

from .midi_exact import Stroke
from .midi_tracks import DRUM_CHANNEL

# Controllers.
SUSTAIN: Final = 64
PEDAL_DOWN: Final = 64  # the pedal's values from here on
SILENCERS: Final = (120, 123)  # all sound off, all notes off
RESET: Final = 121


@dataclass
class Lane:
    """The notes of one track on one channel under one program, by pitch."""

    number: int
    title: str
    channel: int
    program: int | None
    strokes: dict[int, list[Stroke]] = field(default_factory=lambda: defaultdict(list))


class Performance:
    """What one track plays: hears its messages in order, and has its lanes at the end."""

    def __init__(self) -> None:
        self.programs: dict[int, int] = {}  # each channel's present one
        self._events: dict[tuple[int, int], list[tuple[int, int, int | None]]] = defaultdict(list)
        self._sounding: dict[int, Counter[int]] = defaultdict(Counter)  # note-ons ahead of note-offs by pitch
        self._pedals: dict[int, list[int]] = defaultdict(list)  # ticks at which it goes down, up, down ...

    def hear(self, message: mido.Message, now: int) -> None:
        kind = message.type
        if kind == "note_on" and message.velocity > 0:
            self._note(message, now, message.velocity)
        elif kind in ("note_on", "note_off"):
            self._note(message, now, 0)
        elif kind == "program_change":
            self.programs[message.channel] = message.program
        elif kind == "control_change" and message.channel != DRUM_CHANNEL:
            self._control(message.channel, message.control, message.value, now)

    def _note(self, message: mido.Message, now: int, velocity: int) -> None:
        channel, pitch = message.channel, message.note
        sounding = self._sounding[channel]
        if velocity == 0 and not sounding[pitch]:
            return  # ends nothing
        sounding[pitch] += 1 if velocity else -1
        self._events[channel, pitch].append((now, velocity, self.programs.get(channel)))

    def _control(self, channel: int, control: int, value: int, now: int) -> None:
        pedal = self._pedals[channel]
        if control == SUSTAIN or control == RESET:
            down = control == SUSTAIN and value >= PEDAL_DOWN
            if down == (len(pedal) % 2 == 0):
                pedal.append(now)
        elif control in SILENCERS:
            for pitch, count in self._sounding[channel].items():
                self._events[channel, pitch] += [(now, 0, None)] * count
            self._sounding[channel].clear()

    def lanes(self, number: int, title: str, end: int, unended: int) -> list[Lane]:
        """The notes by channel and program, none of them without length."""
        lanes: dict[tuple[int, int | None], Lane] = {}
        for (channel, pitch), events in self._events.items():
            strokes = _paired(events, end, unended)
            pedal = self._pedals.get(channel)
            if pedal:
                strokes = _lengthened(strokes, [*pedal, end] if len(pedal) % 2 else pedal)
            for on, off, velocity, program in strokes:
                lane = lanes.setdefault((channel, program), Lane(number, title, channel, program))
                lane.strokes[pitch].append((on, max(off, on + 1), velocity))
        return list(lanes.values())


_Played = tuple[int, int, int, int | None]  # on, off, velocity, program


def _paired(events: list[tuple[int, int, int | None]], end: int, unended: int) -> list[_Played]:
    """Strokes of one pitch: first on, first off. Where note-offs are missing, a new stroke ends the one before.

    In the first come, first served order one missing note-off would give every later stroke the next one's end.
    """
    offs = sum(velocity == 0 for _, velocity, _ in events)
    overlapping = 2 * offs == len(events)
    strokes: list[_Played] = []
    waiting: deque[tuple[int, int, int | None]] = deque()
    for now, velocity, program in events:
        if waiting and (velocity == 0 or not overlapping):
            on, loud, under = waiting.popleft()
            strokes.append((on, now, loud, under))
        if velocity:
            waiting.append((now, velocity, program))
    strokes += [(on, min(max(end, on + 1), on + unended), loud, under) for on, loud, under in waiting]
    return sorted(strokes, key=lambda stroke: stroke[0])


def _lengthened(strokes: list[_Played], pedal: list[int]) -> list[_Played]:
    """Strokes let go under the pedal (down, up, down, up ...) sound until it rises or the pitch is struck again."""
    longer = []
    onsets = [on for on, _, _, _ in strokes]
    for on, off, velocity, program in strokes:
        place = bisect_right(pedal, off)
        if place % 2:
            again = bisect_right(onsets, max(on, off - 1))
            off = min([pedal[place], *onsets[again : again + 1]])
        longer.append((on, off, velocity, program))
    return longer
