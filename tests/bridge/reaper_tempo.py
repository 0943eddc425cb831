"""A tempo map as REAPER keeps it: markers at seconds, tempos as floats, linear ramps, meters that begin bars."""

import math
from typing import NamedTuple


class Marker(NamedTuple):
    """A tempo marker; numerator 0 where it changes no meter."""

    time: float  # s
    bpm: float  # quarter notes a minute
    numerator: int = 0
    denominator: int = 0
    linear: bool = False  # the tempo goes in a line, over time, to the next marker's


class TempoMap:
    """Times, quarter notes and measures (counted from 0)."""

    def __init__(self, bpm: float = 120.0, meter: tuple[int, int] = (4, 4), markers: tuple[Marker, ...] = ()) -> None:
        self.bpm, self.meter, self.markers = bpm, meter, markers
        first = (Marker(0.0, bpm, *meter),) if not markers or markers[0].time > 0 else ()
        self._rows = (*first, *markers)
        self._quarters = [0.0]
        for row, following in zip(self._rows, self._rows[1:], strict=False):
            self._quarters.append(self._quarters[-1] + self._inside(row, following, following.time - row.time))

    def _next(self, index: int) -> Marker | None:
        return self._rows[index + 1] if index + 1 < len(self._rows) else None

    @staticmethod
    def _slope(row: Marker, following: Marker | None) -> float:
        """Beats a minute a second."""
        return (following.bpm - row.bpm) / (following.time - row.time) if row.linear and following else 0.0

    def _inside(self, row: Marker, following: Marker | None, seconds: float) -> float:
        return (row.bpm * seconds + self._slope(row, following) * seconds**2 / 2) / 60

    def quarters(self, time: float) -> float:
        """Quarter notes from the start."""
        index = max((n for n, row in enumerate(self._rows) if row.time <= time), default=0)
        row = self._rows[index]
        return self._quarters[index] + self._inside(row, self._next(index), time - row.time)

    def time(self, quarters: float) -> float:
        """Seconds from the start."""
        index = max((n for n, start in enumerate(self._quarters) if start <= quarters), default=0)
        row, rest = self._rows[index], (quarters - self._quarters[index]) * 60
        slope = self._slope(row, self._next(index))
        if slope == 0:
            return row.time + rest / row.bpm
        return row.time + (math.sqrt(row.bpm**2 + 2 * slope * rest) - row.bpm) / slope

    def tempo(self, time: float) -> float:
        """The tempo at a time."""
        index = max((n for n, row in enumerate(self._rows) if row.time <= time), default=0)
        row = self._rows[index]
        return row.bpm + self._slope(row, self._next(index)) * (time - row.time)

    def measures(self, until: int) -> list[tuple[float, float, int, int]]:
        """Measures 0 to `until`: quarter notes of start and end, meter. A marker with a meter begins one."""
        changes = [
            (start, row.numerator, row.denominator)
            for start, row in zip(self._quarters, self._rows, strict=True) if row.numerator
        ]  # fmt: skip
        found: list[tuple[float, float, int, int]] = []
        at, index = 0.0, 0
        while len(found) <= until:
            while index + 1 < len(changes) and changes[index + 1][0] <= at + 1e-9:
                index += 1
            _, numerator, denominator = changes[index]
            end = at + numerator * 4 / denominator
            if index + 1 < len(changes):
                end = min(end, changes[index + 1][0])
            found.append((at, end, numerator, denominator))
            at = end
        return found

    def measure_at(self, time: float) -> int:
        """The measure that a time falls into."""
        quarters, count = self.quarters(time), 16
        while (measures := self.measures(count))[-1][1] <= quarters:
            count *= 2
        return max(n for n, row in enumerate(measures) if row[0] <= quarters or n == 0)
