"""Tempo, meter, bars and frames in exact rational arithmetic: the error over an hour is zero samples.

A *beat* is a quarter note. A *frame* is one sample of every channel at the session's rate. Between
two anchors (b0, f0) and (b1, f1) time is a straight line,

    frame(b) = f0 + (b - b0) * (f1 - f0) / (b1 - b0)        bpm = 60 * rate * (b1 - b0) / (f1 - f0)

and the first and the last line go on without end. Nothing is rounded until a whole frame is asked
for, and then once: a beat with `nearest`, a time in seconds with `frame_of`.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from math import floor
from typing import Final, Self

from .constants import MAX_BPM, MAX_RATE, MAX_SECONDS, MIN_BPM, MIN_RATE, MIN_SECONDS
from .errors import HarmonicFlowError
from .messages import SelectionSpec
from .meters import Exact, Meter, MeterMap, exact

__all__ = ["Bar", "Exact", "Meter", "MeterMap", "Selection", "TempoMap", "exact", "frame_of", "nearest"]

_HALF: Final = Fraction(1, 2)

# The ends of a selection are whole frames and a bar line seldom is. A line this near to an end is
# at the end (half a frame at 8 kHz, the lowest rate), so that rounding never makes an empty bar.
SNAP_S: Final = Fraction(1, 2 * MIN_RATE)


def nearest(position: Fraction | int) -> int:
    """The whole frame nearest to an exact position; halves go up."""
    return floor(position + _HALF)


def frame_of(seconds: Exact, rate: int) -> int:
    """The frame of a time: `round(seconds * rate)` in floats, the contract of every length.

    It is computed as a script that checks it would, with the float product and Python's rule for halves (to the
    even frame): at 44.1 kHz 2.005 s lies halfway between two frames. Elsewhere that makes no difference, as an hour
    is good to a millionth of a frame. Raises ValueError for what is no number, OverflowError beyond all floats.
    """
    return round(float(exact(seconds)) * rate)


def parse_bpm(bpm: Exact) -> Fraction:
    """A tempo in quarter notes a minute, exactly as written; raises `bad_tempo` outside 20 to 400."""
    try:
        value = exact(bpm)
    except ValueError:
        raise HarmonicFlowError("bad_tempo", tempo=str(bpm)[:40]) from None
    if not MIN_BPM <= value <= MAX_BPM:
        raise HarmonicFlowError("bad_tempo", tempo=bpm if isinstance(bpm, int | float | str) else float(value))
    return value


@dataclass(frozen=True)
class TempoMap:
    """Two or more (beat, frame) anchors, both strictly rising, at `rate` Hz; raises `bad_tempo`, `bad_selection`."""

    anchors: tuple[tuple[Fraction, Fraction], ...]
    rate: int

    def __init__(self, anchors: Sequence[tuple[Exact, Exact]], rate: int) -> None:
        object.__setattr__(self, "anchors", tuple((exact(beat), exact(frame)) for beat, frame in anchors))
        object.__setattr__(self, "rate", rate)
        _check_rate(rate, "the tempo map")
        if len(self.anchors) < 2:
            raise _bad_map(self, "a tempo map needs two anchors", "Send two (beat, frame) anchors, or a tempo")
        for (b0, f0), (b1, f1) in zip(self.anchors, self.anchors[1:], strict=False):
            if b1 <= b0 or f1 <= f0:
                raise _bad_map(self, "the tempo map goes backwards", "Sort its anchors by beat and by frame")
            parse_bpm(60 * rate * (b1 - b0) / (f1 - f0))

    @classmethod
    def constant(cls, bpm: Exact, rate: int, start_beat: Exact = 0, start_frame: Exact = 0) -> Self:
        """One tempo throughout, with `start_beat` at `start_frame`."""
        return cls.from_changes(((start_beat, bpm),), rate, start_frame)

    @classmethod
    def from_changes(cls, changes: Sequence[tuple[Exact, Exact]], rate: int, start_frame: Exact = 0) -> Self:
        """Tempo changes as (beat, bpm); the first of these beats is at `start_frame`."""
        beats = [exact(beat) for beat, _ in changes]
        beats.append(beats[-1] + 1)  # the last tempo needs a second anchor, anywhere
        anchors = [(beats[0], exact(start_frame))]
        for (_, bpm), b0, b1 in zip(changes, beats, beats[1:], strict=False):
            anchors.append((b1, anchors[-1][1] + (b1 - b0) * 60 * rate / parse_bpm(bpm)))
        return cls(anchors, rate)

    @cached_property
    def _beats(self) -> list[Fraction]:
        return [beat for beat, _ in self.anchors]

    @cached_property
    def _frames(self) -> list[Fraction]:
        return [frame for _, frame in self.anchors]

    def _segment(self, row: int) -> tuple[Fraction, Fraction, Fraction]:
        """The line after anchor `row`, or the first or last one: beat, frame, frames per beat."""
        row = min(max(row, 0), len(self.anchors) - 2)
        (b0, f0), (b1, f1) = self.anchors[row : row + 2]
        return b0, f0, (f1 - f0) / (b1 - b0)

    def frame_at(self, beat: Exact) -> Fraction:
        """The exact frame of a beat."""
        beat = exact(beat)
        b0, f0, frames_per_beat = self._segment(bisect_right(self._beats, beat) - 1)
        return f0 + (beat - b0) * frames_per_beat

    def beat_at(self, frame: Exact) -> Fraction:
        """The exact beat of a frame."""
        frame = exact(frame)
        b0, f0, frames_per_beat = self._segment(bisect_right(self._frames, frame) - 1)
        return b0 + (frame - f0) / frames_per_beat

    def bpm_at(self, beat: Exact) -> Fraction:
        """The tempo from a beat on."""
        return 60 * self.rate / self._segment(bisect_right(self._beats, exact(beat)) - 1)[2]


def _check_rate(rate: int, what: str) -> None:
    if not MIN_RATE <= rate <= MAX_RATE:
        raise HarmonicFlowError("bad_rate", what=what, rate=rate, minimum=MIN_RATE, maximum=MAX_RATE)


def _bad_map(tempo: TempoMap, reason: str, hint: str) -> HarmonicFlowError:
    beats = [float(beat) for beat, _ in tempo.anchors]
    return HarmonicFlowError(
        "bad_selection", start=beats[0] if beats else "?", end=beats[-1] if beats else "?", reason=reason, hint=hint
    )


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a selection. Beats and frames count from the selection's start and are clipped to it.

    `grid_start` is the beat of the bar's line itself, below 0 when the selection starts inside the bar.
    """

    number: int  # 1 = the bar that the selection starts in
    meter: Meter
    grid_start: Fraction
    start_beat: Fraction
    end_beat: Fraction
    start_frame: int
    end_frame: int


@dataclass(frozen=True)
class Selection:
    """A range of a session: frames from `start_frame` up to `end_frame`, which is not included.

    *Selection beats* count from 0 at the selection's first frame, always; `start_beat` says where
    that 0 lies on the meter map, so 2 with 4/4 starts in the middle of a bar. Only differences of
    frames count: the same selection an hour later gives the same result.

    Raises `bad_selection`, `bad_rate`, `too_short`, `too_long`.
    """

    rate: int
    start_frame: int
    end_frame: int
    tempo: TempoMap
    meters: MeterMap = field(default_factory=lambda: MeterMap.constant("4/4"))
    start_beat: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        _check_rate(self.rate, "the selection")
        span = {"start": f"{self.start_frame / self.rate:g} s", "end": f"{self.end_frame / self.rate:g} s"}
        if self.tempo.rate != self.rate:
            raise HarmonicFlowError(
                "bad_selection", **span, reason="its tempo map has another sample rate", hint="Use one rate for both"
            )
        if self.end_frame <= self.start_frame:
            raise HarmonicFlowError(
                "bad_selection", **span, reason="it ends before it starts", hint="Give an end after the start"
            )
        for code, wrong, limit in (
            ("too_short", self.seconds < MIN_SECONDS, {"minimum": MIN_SECONDS}),
            ("too_long", self.seconds > MAX_SECONDS, {"maximum": MAX_SECONDS}),
        ):
            if wrong:
                raise HarmonicFlowError(code, what="the selection", seconds=f"{float(self.seconds):.6g}", **limit)
        object.__setattr__(self, "start_beat", self._snapped(exact(self.start_beat)))

    def _snapped(self, start_beat: Fraction) -> Fraction:
        """The bar line at the selection's first frame, or `start_beat` when there is none."""
        bar = self.meters.bar_at(start_beat)
        for line in (self.meters.bar_start(bar), self.meters.bar_start(bar + 1)):
            if abs(self.frame_at_beat(line - start_beat)) <= SNAP_S * self.rate:
                return line
        return start_beat

    @classmethod
    def from_seconds(
        cls, start_s: Exact, end_s: Exact, rate: int, tempo: Exact | TempoMap, meter: Meter | str | MeterMap = "4/4",
        start_beat: Exact = 0,
    ) -> Self:  # fmt: skip
        """A range in seconds of a clip or session, with a tempo in BPM or a tempo map.

        Its length is `round(end_s * rate) - round(start_s * rate)`, see `frame_of`.
        """
        start, end = (_edge(seconds, rate, start_s, end_s) for seconds in (start_s, end_s))
        return cls(rate, start, end, _tempo_map(tempo, rate, start), _meter_map(meter), exact(start_beat))

    @classmethod
    def from_bars(cls, bars: int, tempo: Exact | TempoMap, meter: Meter | str | MeterMap, rate: int) -> Self:
        """`bars` whole bars from frame 0 on."""
        meters, tempo_map = _meter_map(meter), _tempo_map(tempo, rate, 0)
        if bars < 1:
            raise HarmonicFlowError(
                "bad_selection", start="bar 1", end=f"bar {bars}", reason="it has no bars", hint="Give one bar or more"
            )
        frames = tempo_map.frame_at(tempo_map.beat_at(0) + meters.bar_start(bars + 1))
        return cls(rate, 0, nearest(frames), tempo_map, meters)

    def extended(self, *, bars: int | None = None, beats: Exact | None = None, seconds: Exact | None = None) -> Self:
        """This range and more after it: whole bars, or beats, or seconds.

        Tempo and meters go on as their maps say, after the last anchor at its tempo. A bar that is cut at the end is
        filled up first and does not count. Raises `bad_selection`, `too_short`, `too_long`.
        """
        given = [("bars", bars), ("beats", beats), ("seconds", seconds)]
        (unit, more), *others = [pair for pair in given if pair[1] is not None] or [("", None)]
        length = None if more is None or others else _positive(more)
        if length is None:
            start, end = f"{self.frames / self.rate:g} s", "?" if more is None else f"{str(more)[:40]} {unit} later"
            hint = "Give one of bars, beats and seconds, above 0"
            raise HarmonicFlowError("bad_selection", start=start, end=end, reason="its length is not clear", hint=hint)
        if length > MAX_SECONDS * 10_000:  # exact arithmetic on giants takes its time
            raise HarmonicFlowError("too_long", what="the selection", seconds=f"{more} {unit}", maximum=MAX_SECONDS)
        if unit == "seconds":
            end_frame = self.end_frame + frame_of(length, self.rate)
        elif unit == "beats":
            end_frame = self.start_frame + nearest(self.frame_at_beat(self.beats + length))
        else:
            next_bar = self.meters.bar_at(self.start_beat + self._bars[-1].grid_start) + 1
            line = self.meters.bar_start(next_bar + int(length)) - self.start_beat
            end_frame = self.start_frame + nearest(self.frame_at_beat(line))
        if (added := Fraction(end_frame - self.end_frame, self.rate)) < MIN_SECONDS:
            told = {"what": "what is added", "seconds": f"{float(added):.6g}", "minimum": MIN_SECONDS}
            raise HarmonicFlowError("too_short", **told)
        return replace(self, end_frame=end_frame)

    @property
    def frames(self) -> int:
        """The length in frames at the session's rate: every delivered file has exactly this many."""
        return self.end_frame - self.start_frame

    @property
    def seconds(self) -> Fraction:
        """The exact length in seconds."""
        return Fraction(self.frames, self.rate)

    @cached_property
    def _tempo_beat(self) -> Fraction:
        """The tempo map's beat at the first frame."""
        return self.tempo.beat_at(self.start_frame)

    def beat_at_frame(self, frame: Exact) -> Fraction:
        """The selection beat of a frame, both counted from the selection's first frame."""
        return self.tempo.beat_at(self.start_frame + exact(frame)) - self._tempo_beat

    def frame_at_beat(self, beat: Exact) -> Fraction:
        """The exact frame of a selection beat, both counted from the selection's first frame."""
        return self.tempo.frame_at(self._tempo_beat + exact(beat)) - self.start_frame

    def bpm_at_beat(self, beat: Exact) -> Fraction:
        """The tempo from a selection beat on."""
        return self.tempo.bpm_at(self._tempo_beat + exact(beat))

    def bars(self) -> list[Bar]:
        """The bars, in order, without gap or overlap; only the first and the last may be cut."""
        return list(self._bars)

    @cached_property
    def _bars(self) -> tuple[Bar, ...]:
        found: list[Bar] = []
        number = self.meters.bar_at(self.start_beat)
        start_frame = 0
        while start_frame < self.frames:
            grid_start = self.meters.bar_start(number) - self.start_beat
            end_beat = self.meters.bar_start(number + 1) - self.start_beat
            end, margin = self.frame_at_beat(end_beat), SNAP_S * self.rate
            if end > self.frames + margin:
                end_beat = self.beat_at_frame(self.frames)
            end_frame = self.frames if end >= self.frames - margin else nearest(end)
            start_beat = max(grid_start, Fraction(0))
            meter = self.meters.meter(number)
            found.append(Bar(len(found) + 1, meter, grid_start, start_beat, end_beat, start_frame, end_frame))
            start_frame, number = end_frame, number + 1
        return tuple(found)

    @property
    def beats(self) -> Fraction:
        """The length in beats; whole bars give whole bars, without the rounding of the last frame."""
        return self._bars[-1].end_beat

    def bar_range(self, first: int, last: int) -> tuple[Bar, Bar]:
        """The bars numbered `first` and `last`; raises `bad_bars`."""
        if not 1 <= first <= last <= len(self._bars):
            raise HarmonicFlowError("bad_bars", first=first, last=last, bars=len(self._bars))
        return self._bars[first - 1], self._bars[last - 1]

    def bars_touched(self, start: int, end: int) -> tuple[int, int]:
        """The first and the last bar that the frames `start` up to `end`, from the selection's first, lie in.

        Bar lines that they reach over by less than a selection's edge may (`SNAP_S`) are not crossed. Raises
        `bad_selection` where no frame of the selection is among them.
        """
        margin = int(SNAP_S * self.rate)
        if max(start, 0) >= min(end, self.frames):
            told = {"start": f"frame {start}", "end": f"frame {end}"}
            reason = f"the take has the frames 0 to {self.frames}"
            raise HarmonicFlowError("bad_selection", **told, reason=reason, hint="Choose a range inside the take")
        if end - start > 2 * margin:
            start, end = start + margin, end - margin
        start, end = min(max(start, 0), self.frames - 1), max(min(end, self.frames), 1)
        touched = [bar.number for bar in self._bars if bar.start_frame < end and bar.end_frame > start]
        return touched[0], touched[-1]

    def to_wire(self) -> SelectionSpec:
        """The selection as a plain message field."""
        return SelectionSpec(
            rate=self.rate,
            start_frame=self.start_frame,
            end_frame=self.end_frame,
            tempo=tuple((str(beat), str(frame)) for beat, frame in self.tempo.anchors),
            meters=tuple((bar, str(meter)) for bar, meter in self.meters.changes),
            start_beat=str(self.start_beat),
        )

    @classmethod
    def from_wire(cls, spec: SelectionSpec) -> Self:
        """The selection that a message names, with every check of this class."""
        try:
            tempo = TempoMap(spec.tempo, spec.rate)
            start_beat = exact(spec.start_beat)
        except ValueError as error:
            raise HarmonicFlowError("bad_request", reason=str(error)) from None
        meters = MeterMap([(bar, Meter.parse(text)) for bar, text in spec.meters])
        return cls(spec.rate, spec.start_frame, spec.end_frame, tempo, meters, start_beat)


def _positive(number: Exact) -> Fraction | None:
    try:
        return value if (value := exact(number)) > 0 else None
    except ValueError:
        return None


def _edge(seconds: Exact, rate: int, start_s: Exact, end_s: Exact) -> int:
    try:
        return frame_of(seconds, rate)
    except (ValueError, OverflowError):
        raise HarmonicFlowError(
            "bad_selection", start=start_s, end=end_s, reason="a time is not a number", hint="Give seconds like 9.5"
        ) from None


def _tempo_map(tempo: Exact | TempoMap, rate: int, start_frame: int) -> TempoMap:
    return tempo if isinstance(tempo, TempoMap) else TempoMap.constant(tempo, rate, 0, start_frame)


def _meter_map(meter: Meter | str | MeterMap) -> MeterMap:
    return meter if isinstance(meter, MeterMap) else MeterMap.constant(meter)
