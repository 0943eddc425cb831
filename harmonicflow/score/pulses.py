"""How a bar is felt: its pulses, their steps and the swing between them, in any meter at any tempo.

A *pulse* is what a foot would tap. Patterns are written over pulses, four *steps* each, so one table of patterns
serves every meter: 4/4 has four pulses, 6/8 two of three eighths, 7/8 three and a half. Where the tempo would make
pulses too fast to be felt, two (in triple time three) become one: half-time feel; where too slow, one becomes two:
double-time feel. Each pulse has a place in a four-pulse or three-pulse groove, which says where kick and backbeat go.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from harmonicflow.core.tempo import Meter

GRID = 960  # every position is a multiple of 1/960 beat, so that MIDI holds it exactly


@dataclass(frozen=True, slots=True)
class Pulse:
    """One pulse: start and length in beats. `unit` is its length before a bar line cut it short."""

    start: Fraction
    length: Fraction
    unit: Fraction
    slot: int  # place in the groove, 0..size-1
    size: int  # 4 or 3 pulses in the groove
    compound: bool  # divided by three

    @property
    def end(self) -> Fraction:
        return self.start + self.length


@dataclass(frozen=True, slots=True)
class Feel:
    """Where the steps of a pulse fall: shares of the pulse and of its halves that go to the first of two."""

    eighths: Fraction = Fraction(1, 2)  # 2/3 is a triplet shuffle
    sixteenths: Fraction = Fraction(1, 2)

    def offset(self, pulse: Pulse, step: int) -> Fraction | None:
        """Beats from the pulse's start to step 0..3, on the grid; None where the pulse is cut off before it."""
        if pulse.compound:
            share = (Fraction(0), Fraction(1, 3), Fraction(2, 3), Fraction(5, 6))[step]
        else:
            half = self.eighths if step >= 2 else Fraction(0)
            rest = 1 - self.eighths if step >= 2 else self.eighths
            share = half + (rest * self.sixteenths if step % 2 else 0)
        offset = on_grid(share * pulse.unit)
        return offset if offset < pulse.length else None


def on_grid(beats: Fraction) -> Fraction:
    """The nearest multiple of 1/960 beat."""
    return Fraction(round(beats * GRID), GRID)


def swing_of(pulses_per_minute: float, depth: float) -> Feel:
    """The feel of swung eighths: a triplet at medium tempo, straighter the faster it goes.

    The long eighth shrinks from 0.68 of the pulse at 100 a minute to 0.54 at 300 (Friberg & Sundström,
    Swing ratios and ensemble timing in jazz performance, 2002). `depth` 0..1 scales the swing.
    """
    long = min(max(0.68 - (pulses_per_minute - 100) * 0.0007, 0.54), 0.68)
    return Feel(Fraction(round((0.5 + (long - 0.5) * depth) * 96), 96))


def pulses_of(
    meter: Meter, start: Fraction, number: int, beats_per_minute: float, window: tuple[float, float]
) -> tuple[Pulse, ...]:
    """The pulses of bar `number` (from 1) that starts at `start`; `window` bounds the pulses a minute."""
    units, unit, compound = _base(meter)
    units, unit, compound = _regrouped(units, unit, compound, beats_per_minute, window)
    places = _places(len(units), number)
    pulses, at = [], start
    for length, (slot, size) in zip(units, places, strict=True):
        pulses.append(Pulse(at, length, unit, slot, size, compound))
        at += length
    return tuple(pulses)


def _base(meter: Meter) -> tuple[list[Fraction], Fraction, bool]:
    """Lengths of a bar's pulses as written, the nominal length, and whether it divides by three."""
    part = Fraction(4, meter.denominator)
    count = meter.numerator
    if meter.denominator >= 8 and count % 3 == 0 and count > 3:
        return [3 * part] * (count // 3), 3 * part, True
    if meter.denominator >= 8 and count > 3:
        return [2 * part] * (count // 2) + [part] * (count % 2), 2 * part, False
    return [part] * count, part, False


def _regrouped(
    units: list[Fraction], unit: Fraction, compound: bool, bpm: float, window: tuple[float, float]
) -> tuple[list[Fraction], Fraction, bool]:
    """Join or split pulses until there are `window` of them a minute."""
    low, high = window
    while bpm / float(unit) > high and len(units) > 1:
        step = 3 if len(units) == 3 else 2
        compound = step == 3
        units = [sum(units[at : at + step], Fraction(0)) for at in range(0, len(units), step)]
        unit *= step
    while bpm / float(unit) < low and bpm / float(unit) * 2 <= high and not compound:
        half = unit / 2
        units = [piece for length in units for piece in _halves(length, half)]
        unit = half
    return units, unit, compound


def _halves(length: Fraction, half: Fraction) -> list[Fraction]:
    return [half, length - half] if length > half else [length]


def _places(count: int, number: int) -> list[tuple[int, int]]:
    """(slot, size) of each of `count` pulses in bar `number`; short bars share one groove."""
    if count <= 2:
        first = (number - 1) * count % 4
        return [(first + place, 4) for place in range(count)]
    if count % 3 == 0 and count != 6:
        return [(place % 3, 3) for place in range(count)]
    places: list[tuple[int, int]] = []
    while count:
        size = 3 if count in (3, 5, 7) and count != 7 else min(4, count)
        places += [(place, 3 if size == 3 else 4) for place in range(size)]
        count -= size
    return places
