"""A tempo and a grid out of the ticks of a MIDI clock, which come late, in bunches or not at all.

MIDI 1.0 sends 24 ticks a beat (`F8`) that carry no number and no time. Tick k, due at t(k) = a + b k, arrives at
t(k) + d: the delay d is never negative, mostly short (a USB frame, a host's audio block), now and then long. So a
straight line is fitted to the last ticks, and two kinds of them count for little: those far from it, as Huber has it,
and late ones more than early ones (an expectile; Newey and Powell 1987). The ticks taken are as many as lie on one
line, at most two bars of 4/4:

- a tick far from the line waits. If the next ones are back on it, it came late and is left out; if four in a row are
  off by the same whole number of ticks, those were lost; if they are off by the same part of one, that is jitter (a
  host that sends all ticks of an audio block together); otherwise the tempo has changed, and the line begins anew;
- a bend in the line that explains the ticks much better than a straight one (an F test) is a slower change, as in a
  ramp: what lies before it is forgotten.

Pure logic: seconds of any clock in, a line out.
"""

from collections import deque
from math import sqrt
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

PER_BEAT: Final = 24
LONGEST: Final = 8 * PER_BEAT  # ticks that the line is fitted to
SURE: Final = 8  # ticks that a line needs before others are judged by it
FIRST: Final = 9  # ticks from which on a new tempo is told
LATE: Final = 0.15  # the weight of a late tick beside an early one
HUBER: Final = 1.345  # standard deviations
NEAR_S: Final = 0.0008  # a tick this near to the line always belongs to it
FAR: Final = 3.0  # times the spread of the others; beyond that a tick waits
WAITING: Final = 4  # ticks in a row that are off
WHOLE: Final = 0.25  # of a tick, within which it is off by a whole number
GROWING: Final = 0.35  # of their distance: ticks off by so little more from first to last keep the tempo
PARALLEL: Final = 0.02  # or by so little of a tick
GAP_S: Final = 0.5  # without a tick: the line does not go on over it (20 BPM has one every 0.125 s)
BENDS: Final = (9, 14, 20, 30, 45, 70, 110)  # ticks before the last where a bend is looked for
BENT: Final = 30.0  # F value: straight lines with jitter reach it about never

Values = NDArray[np.float64]


class Line(NamedTuple):
    """Tick `tick` is due at `time` (seconds), and one more every `period` seconds."""

    tick: int
    time: float
    period: float

    def time_of(self, tick: float) -> float:
        """When a tick is due."""
        return self.time + (tick - self.tick) * self.period

    def tick_at(self, time: float) -> float:
        """Which tick is due at a time, with its fraction."""
        return self.tick + (time - self.time) / self.period


class Ticks:
    """Ticks by the time they came; numbers them, those that were lost as well."""

    def __init__(self) -> None:
        self.line: Line | None = None  # None before the second tick
        self.last: tuple[int, float] | None = None  # number and time of the last tick
        self.bpm: float | None = None
        self.error = 1.0  # the tempo's standard error, as a part of it
        self._next = 0
        self._kept: deque[tuple[int, float]] = deque(maxlen=LONGEST)
        self._waiting: list[tuple[int, float]] = []
        self._spread = 0.0  # seconds, that nine of ten ticks keep from the line
        self._period: float | None = None  # from before a gap

    @property
    def count(self) -> int:
        """How many ticks the line stands on."""
        return len(self._kept)

    def hear(self, time: float) -> int:
        """A tick at `time` seconds; returns its number."""
        if self.last is not None:
            time = max(time, self.last[1])
            if time - self.last[1] >= GAP_S:
                self.restart()
        row = (self._next, time)
        self._next += 1
        self.last = row
        if self.line is None or len(self._kept) < SURE:
            self._kept.append(row)
        elif abs(self._off(row)) <= max(NEAR_S, FAR * self._spread):
            self._kept.extend(early for early in self._waiting if self._off(early) < 0)  # only lateness is an accident
            self._waiting.clear()
            self._kept.append(row)
            self._unbend()
        else:
            self._waiting.append(row)
            if len(self._waiting) < WAITING:
                return row[0]
            self._resolve()
        self._fit()
        return self.last[0]

    def restart(self) -> None:
        """What comes now may be in another place: the tempo is kept until the new ticks tell theirs."""
        if self.line is not None:
            self._period = self.line.period
        self._kept.clear()
        self._waiting.clear()
        self.line, self.last = None, None

    def _off(self, row: tuple[int, float]) -> float:
        assert self.line is not None
        return row[1] - self.line.time_of(row[0])

    def _resolve(self) -> None:
        """Ticks in a row were off: others were lost, or the tempo is another one."""
        assert self.line is not None and self.last is not None
        before = sorted(self._off(row) / self.line.period for row in list(self._kept)[-WAITING:])[WAITING // 2]
        off = [self._off(row) / self.line.period - before for row in self._waiting]
        typical = float(np.median(off))
        lost = round(typical)
        waiting, self._waiting = self._waiting, []
        near = sorted(off, key=lambda each: abs(each - lost))[: WAITING - 1]  # one of them may be late as well
        if lost >= 1 and abs(near[-1] - lost) < WHOLE and max(near) - min(near) < WHOLE:
            self._next += lost
            self.last = (self.last[0] + lost, self.last[1])
            self._kept.extend((tick + lost, time) for tick, time in waiting)
        elif abs(off[2] + off[3] - off[0] - off[1]) / 2 < max(GROWING * abs(typical), PARALLEL):
            self._kept.extend(waiting)
        else:
            last = self._kept[-1]
            self._kept.clear()
            self._kept.extend((last, *waiting))
            self._period = None

    def _arrays(self) -> tuple[Values, Values]:
        """Numbers and times, both from the last one's."""
        ticks, times = np.array(self._kept, dtype=np.float64).T
        return ticks - ticks[-1], times - times[-1]

    def _fit(self) -> None:
        tick, time = self._kept[-1]
        if len(self._kept) < 2:
            self.line = Line(tick, time, self._period) if self._period else None
            return
        ticks, times = self._arrays()
        middle = len(ticks) // 2  # a start that single ticks cannot spoil (Theil's, of a few pairs)
        apart = len(ticks) - middle
        period = _ranked((times[middle:] - times[:apart]) / (ticks[middle:] - ticks[:apart]), 0.5)
        start = _ranked(times - period * ticks, 0.5)
        if self._period and len(ticks) < FIRST and abs(period / self._period - 1) < 0.05:
            period = self._period  # two or three ticks say less than the many before the gap
            start = float(np.min(times - period * ticks))
        elif len(ticks) > 2:
            for _ in range(3):
                start, period = _weighted(ticks, times, start, period)
        if period <= 0:  # a bunch
            return
        off = np.abs(times - start - period * ticks)
        self._spread = _ranked(off, 0.9)
        self.line = Line(tick, time + start, period)
        if len(ticks) >= FIRST or self.bpm is None:
            self.bpm = 60 / (PER_BEAT * period)
            deviation = float(np.sqrt(np.mean(off**2)))
            self.error = deviation / period * sqrt(12 / len(ticks) ** 3)

    def _unbend(self) -> None:
        """Forget what lies before a bend, where there is one."""
        if len(self._kept) < BENDS[0] + SURE:
            return
        ticks, times = self._arrays()
        assert self.line is not None
        tick, time = self._kept[-1]
        off = times + time - self.line.time - self.line.period * (ticks + tick - self.line.tick)
        off = np.clip(off, -2 * self._spread - NEAR_S, 2 * self._spread + NEAR_S)
        if _stepped(off):
            return
        count = len(ticks)
        flat = np.stack([np.ones(count), ticks / count])
        flat[1] -= flat[1].mean()
        flat /= np.linalg.norm(flat, axis=1, keepdims=True)
        rest = off - flat.T @ (flat @ off)
        whole = float(rest @ rest)
        best, cut = BENT, 0
        for bend in BENDS:
            if bend > count - SURE:
                break
            after = np.maximum(0.0, np.arange(count) - (count - 1.0 - bend))
            explained = _explained(after, flat, rest)
            value = explained / max((whole - explained) / (count - 3), 1e-12)
            if value > best:
                best, cut = value, bend
        if cut:
            for _ in range(count - cut):
                self._kept.popleft()


def _ranked(values: Values, share: float) -> float:
    """The value that `share` of all do not exceed (numpy's quantile takes ten times as long)."""
    place = int(share * (len(values) - 1))
    return float(np.partition(values, place)[place])


def _stepped(off: Values) -> bool:
    """Whether ticks keep to a few levels, as of a host that sends them by its audio blocks: steps, and no bend."""
    steps = np.abs(np.diff(off))
    whole = float(np.ptp(off))
    return float(steps.max()) > 0.5 * whole and _ranked(steps, 0.85) < 0.15 * whole


def _explained(shape: Values, flat: Values, rest: Values) -> float:
    """How much of `rest`, seconds squared, a shape explains beyond a straight line."""
    shape = shape - flat.T @ (flat @ shape)
    return float(shape @ rest) ** 2 / float(shape @ shape)


def _weighted(ticks: Values, times: Values, start: float, period: float) -> tuple[float, float]:
    """A better line through the ticks than this one."""
    off = times - start - period * ticks
    scale = 1.4826 * _ranked(np.abs(off), 0.5) + 1e-7
    weight = np.minimum(1.0, HUBER * scale / np.maximum(np.abs(off), 1e-12)) * np.where(off > 0, LATE, 1 - LATE)
    total = float(weight.sum())
    tick, time = float(weight @ ticks) / total, float(weight @ times) / total
    square = float(weight @ (ticks - tick) ** 2)
    if square <= 0:
        return start, period
    period = float(weight @ ((ticks - tick) * (times - time))) / square
    return time - period * tick, period
