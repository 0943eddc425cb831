"""Meters and bars, counted exactly. A beat is always a quarter note; bars count from 1."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Final, Self, TypeAlias

from .errors import HarmonicFlowError

Exact: TypeAlias = Fraction | int | float | str

_NUMBER: Final = re.compile(
    r"[+-]?(\d{1,600}(/\d{1,600})?|\d{1,18}\.\d{1,20}(e[+-]?\d\d?)?|\d{1,18}e[+-]?\d\d?)", re.ASCII
)


def exact(value: Exact) -> Fraction:
    """The number as people write it: the float 97.3 is 973/10. Text is a decimal or "num/den".

    Raises ValueError for anything else, long exponents too: Fraction("1e999999999") never returns.
    """
    if isinstance(value, Fraction):
        return value
    text = str(value).strip()
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not a plain decimal or fraction")
    try:
        return Fraction(text)
    except ZeroDivisionError:
        raise ValueError(f"{text!r} divides by zero") from None


@dataclass(frozen=True, slots=True)
class Meter:
    """A time signature; raises `bad_meter`."""

    numerator: int
    denominator: int

    def __post_init__(self) -> None:
        if not 1 <= self.numerator <= 32 or self.denominator not in (1, 2, 4, 8, 16, 32):
            raise HarmonicFlowError("bad_meter", meter=str(self))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The meter written "7/8"."""
        found = re.fullmatch(r"\s*(\d{1,2})\s*/\s*(\d{1,2})\s*", text)
        if not found:
            raise HarmonicFlowError("bad_meter", meter=text[:40])
        return cls(int(found[1]), int(found[2]))

    @property
    def beats(self) -> Fraction:
        """Quarter notes per bar: 4 for 4/4, 3 for 6/8, 7/2 for 7/8."""
        return Fraction(4 * self.numerator, self.denominator)

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"


@dataclass(frozen=True)
class MeterMap:
    """Meters by the bar they start at; bar 1 starts at beat 0. The first one also holds before bar 1."""

    changes: tuple[tuple[int, Meter], ...]

    def __init__(self, changes: Sequence[tuple[int, Meter]]) -> None:
        object.__setattr__(self, "changes", tuple((bar, meter) for bar, meter in changes))
        bars = [bar for bar, _ in self.changes]
        if not bars or bars[0] != 1 or any(b <= a for a, b in zip(bars, bars[1:], strict=False)):
            raise HarmonicFlowError("bad_meter", meter=f"table with changes at bars {bars[:8]}")

    @classmethod
    def constant(cls, meter: Meter | str) -> Self:
        """One meter throughout."""
        return cls(((1, meter if isinstance(meter, Meter) else Meter.parse(meter)),))

    @cached_property
    def _starts(self) -> tuple[Fraction, ...]:
        """The beat at which each change happens."""
        starts = [Fraction(0)]
        for (bar, meter), (next_bar, _) in zip(self.changes, self.changes[1:], strict=False):
            starts.append(starts[-1] + (next_bar - bar) * meter.beats)
        return tuple(starts)

    @cached_property
    def _bars(self) -> tuple[int, ...]:
        return tuple(bar for bar, _ in self.changes)

    def meter(self, bar: int) -> Meter:
        """The meter of a bar."""
        return self.changes[max(bisect_right(self._bars, bar) - 1, 0)][1]

    def bar_start(self, bar: int) -> Fraction:
        """The beat at which a bar starts."""
        row = max(bisect_right(self._bars, bar) - 1, 0)
        first, meter = self.changes[row]
        return self._starts[row] + (bar - first) * meter.beats

    def bar_at(self, beat: Fraction | int) -> int:
        """The bar that holds a beat; a bar holds its first beat and not the next bar's."""
        row = max(bisect_right(self._starts, beat) - 1, 0)
        first, meter = self.changes[row]
        return first + int((beat - self._starts[row]) // meter.beats)

    def position_in_bar(self, beat: Fraction | int) -> Fraction:
        """Beats since the bar started, from 0 up to the bar's length."""
        return beat - self.bar_start(self.bar_at(beat))
