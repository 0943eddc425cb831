"""What the players share: a played note before it has its instrument, touch, and keeping a line monophonic."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from math import exp
from typing import Protocol, TypeVar

from .dice import Dice
from .plan import Plan, PlanBar
from .pulses import Pulse
from .styles import Row, Style

SHORTEST = Fraction(1, 48)  # beats; nothing is played shorter


@dataclass(frozen=True, slots=True)
class Event:
    """A note of one part: times in beats, velocity not yet clipped, shift in seconds."""

    start: Fraction
    duration: Fraction
    pitch: int
    velocity: float
    shift_s: float = 0.0

    @property
    def end(self) -> Fraction:
        return self.start + self.duration


class Pattern(Protocol):
    @property
    def energy(self) -> float: ...

    @property
    def off_beat(self) -> float: ...

    @property
    def onsets(self) -> int: ...


Choice = TypeVar("Choice", bound=Pattern)


def choose(rows: tuple[Choice, ...], plan: Plan, bar: PlanBar, dice: Dice, *key: object) -> Choice:
    """One row of a style's table: those as busy as the bar, and of its energy, are likely, distant ones are not drawn.

    Of rows alike in that, complex music prefers those off the beat, and simple music those on it.
    """
    off = [row.off_beat for row in rows]
    middle = sum(off) / len(off)
    weights = []
    for row, level, share in zip(rows, _busy(rows), off, strict=True):
        far = ((level - bar.activity) / 0.13) ** 2 + ((row.energy - bar.energy) / 0.35) ** 2
        weights.append(exp(6.0 * (plan.mood.complexity - 0.5) * (share - middle) - far))
    least = 0.05 * max(weights)
    return dice.weighted(rows, [weight if weight > least else 0.0 for weight in weights], *key)


@lru_cache(maxsize=256)
def _busy(rows: tuple[Pattern, ...]) -> tuple[float, ...]:
    """How busy each row is, 0..1: the table's energies handed out again by the number of onsets; ties share theirs."""
    levels = sorted(row.energy for row in rows)
    counts = [row.onsets for row in rows]
    placed = sorted(counts)
    shared = {count: [level for level, other in zip(levels, placed, strict=True) if other == count] for count in counts}
    return tuple(sum(shared[count]) / len(shared[count]) for count in counts)


def touch(event: Event, style: Style, dice: Dice, spread_ms: float, lag_ms: float, *key: object) -> Event:
    """The event with a human's unevenness: a few milliseconds and a few steps of velocity, as the style has it."""
    uneven = 0.4 + 0.6 * style.looseness
    key = (event.start, event.pitch, *key)
    velocity = event.velocity * style.level * (1 + 0.07 * uneven * dice.wobble("velocity", *key))
    shift_ms = lag_ms + spread_ms * style.looseness * dice.wobble("time", *key)
    return replace(event, velocity=velocity, shift_s=round(event.shift_s + shift_ms / 1000, 5))


def without_rests(plan: Plan, part: str, events: list[Event]) -> list[Event]:
    """The events without those of bars in which the part rests; a drummer comes in with the fill before."""
    silent: list[tuple[Fraction, Fraction]] = []
    for place, bar in enumerate(plan.bars):
        if part in bar.resting:
            enters = place + 1 < len(plan.bars) and part not in plan.bars[place + 1].resting
            leading = part == "drums" and enters and bar.fill
            silent.append((bar.start, bar.pulses[-bar.fill].start if leading else bar.end))
    return [event for event in events if not any(start <= event.start < end for start, end in silent)]


def dynamics(bar: PlanBar) -> float:
    """The loudness factor of a bar: its energy, rising a little towards the phrase's end."""
    return 0.7 + 0.5 * bar.energy + 0.02 * (bar.phrase % 4)


def steps_of(plan: Plan, bar: PlanBar, row: Row, flowing: bool = False) -> list[tuple[Fraction, str, Pulse, int]]:
    """(beat, character, pulse, step) of one line of a pattern in a bar.

    Where pulses divide by three, four steps become three; a `flowing` pattern's two halves become all three thirds.
    """
    found = []
    turn = (bar.number - 1) * len(bar.pulses) // 4 if len(bar.pulses) <= 2 else bar.phrase
    for pulse in bar.pulses:
        cell = row.cell(pulse, turn)
        for step, character in enumerate(_in_three(cell, flowing) if pulse.compound and len(cell) == 4 else cell):
            beat = plan.at(pulse, step) if character != "." else None
            if beat is not None:
                found.append((beat, character, pulse, step))
    return found


def _in_three(cell: str, flowing: bool) -> str:
    first, second, third, fourth = tuple(cell)
    last = third if third != "." else fourth
    if second == "." and flowing and first != "." and third != ".":
        second = third
    return first + second + last
