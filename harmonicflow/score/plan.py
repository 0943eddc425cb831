"""The form of an arrangement: bars with their pulses, chords, energy, fills and accents, before any part is written."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from harmonicflow.core.tempo import Selection

from .chords import ChordSpan
from .dice import Dice
from .grid import bar_lines
from .heard import swing_heard
from .keys import Key
from .pulses import Feel, Pulse, on_grid, pulses_of, swing_of
from .score import Section
from .sections import NAMED_FROM, invented, plain_name
from .styles import Style

# How full a named section is against the song's own level.
_SECTION_ENERGY = {
    "intro": -0.1, "verse": -0.1, "prechorus": 0.05, "pre-chorus": 0.05, "chorus": 0.2, "refrain": 0.2, "solo": 0.15,
    "bridge": 0.0, "break": -0.3, "breakdown": -0.3, "interlude": -0.1, "instrumental": 0.1, "outro": -0.1,
    "ending": -0.1, "drop": 0.25, "a": -0.06, "b": 0.14, "c": 0.04,
}  # fmt: skip
_BUILDS = ("intro", "prechorus", "pre-chorus", "break", "breakdown", "solo")  # louder from bar to bar
_AWAY = (
    frozenset({"drums", "bass"}),
    frozenset({"bass", "guitar"}),
    frozenset({"bass", "piano"}),
    frozenset({"drums"}),
)


@dataclass(frozen=True)
class Mood:
    """What colours a whole arrangement: valence and arousal -1..1, density and complexity 0..1."""

    valence: float = 0.0
    arousal: float = 0.0
    density: float = 0.5
    complexity: float = 0.5


@dataclass(frozen=True)
class PlanBar:
    """One whole bar; beats are selection beats, the first bar may start before 0."""

    number: int
    start: Fraction
    end: Fraction
    pulses: tuple[Pulse, ...]
    section: str = "A"  # bars of sections with one name share their patterns
    energy: float = 0.5  # how loud, 0..1
    activity: float = 0.5  # how busy, 0..1
    phrase: int = 0  # bars into the section
    fill: int = 0  # pulses at the bar's end given to a drum fill
    crash: bool = False  # a new section begins here
    final: bool = False  # the band stops together on this bar's first beat
    resting: frozenset[str] = frozenset()  # parts that have not entered, or leave room


@dataclass(frozen=True)
class Plan:
    """Everything the parts share. `barriers` are beats across which no chord is anticipated."""

    bars: tuple[PlanBar, ...]
    chords: tuple[ChordSpan, ...]
    sections: tuple[Section, ...]
    key: Key
    style: Style
    feel: Feel
    bpm: float  # quarter notes a minute, on average
    pulse_rate: float  # pulses a minute
    mood: Mood
    barriers: frozenset[Fraction]
    seed: int
    stems: frozenset[str]  # every part that sounds, given or written

    def dice(self, part: str) -> Dice:
        return Dice(self.seed, part)

    @cached_property
    def pieces(self) -> tuple[ChordSpan, ...]:
        """The chords cut at bar lines, and in the middle of a bar where players who comp freely revoice them."""
        cuts = sorted({bar.start for bar in self.bars} | {cut for bar in self.bars if (cut := self._middle(bar))})
        found = []
        for span in self.chords:
            inside = [cut for cut in cuts[bisect_right(cuts, span.start) :] if cut < span.end]
            edges = [span.start, *inside, span.end]
            found += [ChordSpan(low, high - low, span.chord) for low, high in pairwise(edges)]
        return tuple(found)

    def _middle(self, bar: PlanBar) -> Fraction | None:
        free = 0.5 if self.style.drums.free else 0.25
        if len(bar.pulses) < 4 or not self.dice("form").chance(free * self.mood.complexity * 2, "revoice", bar.number):
            return None
        return bar.pulses[len(bar.pulses) // 2].start

    @cached_property
    def _piece_starts(self) -> list[Fraction]:
        return [piece.start for piece in self.pieces]

    def piece_at(self, beat: Fraction) -> ChordSpan | None:
        """The piece that sounds at a beat; None where no chord does."""
        place = bisect_right(self._piece_starts, beat) - 1
        return self.pieces[place] if place >= 0 and beat < self.pieces[place].end else None

    def ring_end(self, piece: ChordSpan) -> Fraction:
        """Until when a chord struck in a piece may ring: the chord's end or the bar's."""
        span = self.span_at(piece.start)
        place = bisect_right(self._bar_starts, piece.start)
        bar_end = self._bar_starts[place] if place < len(self.bars) else self.bars[-1].end
        return min(span.end if span else piece.end, bar_end)

    def energy_at(self, beat: Fraction) -> float:
        """The energy of the bar that holds a beat."""
        place = bisect_right(self._bar_starts, beat) - 1
        return self.bars[min(max(place, 0), len(self.bars) - 1)].energy

    @cached_property
    def _bar_starts(self) -> list[Fraction]:
        return [bar.start for bar in self.bars]

    @cached_property
    def _starts(self) -> list[Fraction]:
        return [span.start for span in self.chords]

    def span_at(self, beat: Fraction) -> ChordSpan | None:
        """The chord that sounds at a beat; None where nothing does."""
        place = bisect_right(self._starts, beat) - 1
        if place < 0:
            return None
        span = self.chords[place]
        return span if beat < span.end else None

    def change_after(self, beat: Fraction) -> ChordSpan | None:
        """The next chord that begins after a beat."""
        place = bisect_right(self._starts, beat)
        return self.chords[place] if place < len(self.chords) else None

    def at(self, pulse: Pulse, step: int) -> Fraction | None:
        """The beat of a pulse's step; None where the bar line comes before it."""
        offset = self.feel.offset(pulse, step)
        return None if offset is None else pulse.start + offset

    @property
    def step_s(self) -> float:
        """Seconds of a quarter of a pulse."""
        return 15.0 / self.pulse_rate

    def beats_of(self, seconds: float) -> Fraction:
        """A length in seconds as beats at the average tempo, on the grid."""
        return on_grid(Fraction(seconds * self.bpm / 60))


def make_plan(
    selection: Selection,
    chords: tuple[ChordSpan, ...],
    sections: tuple[Section, ...],
    key: Key,
    style: Style,
    mood: Mood,
    *,
    barriers: frozenset[Fraction],
    seed: int,
    stems: frozenset[str],
    strokes: Sequence[float] = (),
) -> Plan:
    """The plan of a selection; sections are invented where none are given.

    `strokes` are the beats of drums that are already there: the band swings as they do.
    """
    bpm = 60.0 * float(selection.beat_at_frame(selection.frames)) / float(selection.seconds)
    lines = bar_lines(selection)
    form = sections or _invented(style.name, lines, selection.beats, seed)
    meters = [bar.meter for bar in selection.bars()]
    bars = [
        PlanBar(number, start, end, pulses_of(meter, start, number, bpm, style.pulse_window))
        for number, ((start, end), meter) in enumerate(zip(lines, meters, strict=True), 1)
    ]
    rate = bpm / float(bars[0].pulses[0].unit)
    feel = swing_of(rate, style.swing) if style.swing else Feel(sixteenths=Fraction(round(style.sixteenths * 96), 96))
    heard = swing_heard(strokes, [pulse for bar in bars for pulse in bar.pulses])
    feel = replace(feel, eighths=heard) if heard is not None else feel
    whole = bars[-1].end <= selection.beats
    shaped = _resting(
        _shaped(bars, form, mood, style, Dice(seed, "form"), whole), style, Dice(seed, "form"), len(stems)
    )
    if shaped[-1].final:  # nobody runs ahead into the last chord
        barriers |= {shaped[-1].start}
    return Plan(shaped, _snapped(chords, bars, feel), form, key, style, feel, bpm, rate, mood, barriers, seed, stems)


def _snapped(chords: tuple[ChordSpan, ...], bars: list[PlanBar], feel: Feel) -> tuple[ChordSpan, ...]:
    """The chords with their edges on the grid, on a step of a pulse where one is near: played charts are not exact."""
    steps = sorted(
        pulse.start + offset
        for bar in bars
        for pulse in bar.pulses
        for step in range(4)
        if (offset := feel.offset(pulse, step)) is not None
    )
    steps.append(bars[-1].end)
    near = bars[0].pulses[0].unit / 8

    def snap(beat: Fraction) -> Fraction:
        place = bisect_right(steps, beat)
        best = min(steps[max(place - 1, 0) : place + 1], key=lambda step: abs(step - beat))
        return best if abs(best - beat) <= near else on_grid(beat)

    edges = [(snap(span.start), snap(span.end), span.chord) for span in chords]
    return tuple(ChordSpan(start, end - start, chord) for start, end, chord in edges if end > start)


def _invented(genre: str, lines: list[tuple[Fraction, Fraction]], end: Fraction, seed: int) -> tuple[Section, ...]:
    """The genre's form over the bars, in beats."""
    found, bar = [], 0
    for name, length in invented(genre, len(lines), seed):
        start = max(lines[bar][0], Fraction(0))
        bar += length
        stop = lines[bar][0] if bar < len(lines) else end
        found.append(Section(start, stop - start, name))
    return tuple(found)


def _shaped(
    bars: list[PlanBar], form: tuple[Section, ...], mood: Mood, style: Style, dice: Dice, whole: bool
) -> tuple[PlanBar, ...]:
    """The bars with energy, activity, fills, crashes and an ending; `whole`: the last bar is."""
    starts = [section.start for section in form]
    place_of = [max(bisect_right(starts, max(bar.start, Fraction(0))) - 1, 0) for bar in bars]
    names = [plain_name(section.name) for section in form]
    ending = whole and len(bars) >= NAMED_FROM and names[place_of[-1]] in ("outro", "ending")
    shaped: list[PlanBar] = []
    for index, (bar, place) in enumerate(zip(bars, place_of, strict=True)):
        final = ending and index + 1 == len(bars)
        new = index == 0 or place_of[index - 1] != place
        last = index + 1 + ending >= len(bars) or place_of[index + 1] != place
        phrase = 0 if new else shaped[-1].phrase + 1
        name = form[place].name
        lift = _SECTION_ENERGY.get(names[place], 0.0) + 0.05 * dice.wobble("energy", name)
        lift += 0.03 * min(names[:place].count(names[place]), 3)  # each time a little more
        if names[place] in _BUILDS:
            lift += 0.12 * (phrase / max(place_of.count(place) - 1, 1) - 0.5)
        energy = 0.5 + 0.3 * mood.arousal + 0.2 * (mood.density - 0.5) + lift
        activity = 0.5 + 0.12 * mood.arousal + 0.72 * (mood.density - 0.5) + lift
        energy, activity = (min(max(value, 0.0), 1.0) for value in (energy, activity))
        fill = 0 if final else _fill(bar, energy, mood, last, phrase, len(bars), dice)
        fill = min(fill, 2) if style.drums.free else fill  # the ride does not stop for long
        crash = (new or final) and (index > 0 or dice.chance(0.3 + energy / 2, "first crash")) and energy > 0.25
        shaped.append(
            replace(
                bar, section=name, energy=energy, activity=activity, phrase=phrase, fill=fill, crash=crash, final=final
            )
        )  # fmt: skip
    return tuple(shaped)


def _resting(bars: tuple[PlanBar, ...], style: Style, dice: Dice, parts: int) -> tuple[PlanBar, ...]:
    """The bars with who does not play: an introduction lets players in one after another, a break sends some away."""
    if len(bars) < NAMED_FROM or parts < 3:
        return bars
    order = sorted(style.openers, key=lambda part: style.openers.index(part) + 2.2 * dice.uniform("opener", part))
    away = dice.pick(_AWAY, "away")
    lengths: dict[int, int] = {}
    first = 0
    for index, bar in enumerate(bars):
        first = index if bar.phrase == 0 else first
        lengths[first] = index + 1 - first
    found, opening = [], True
    for index, bar in enumerate(bars):
        name = plain_name(bar.section)
        first = index - bar.phrase
        opening = opening and (name == "intro" or index == 0)
        resting: frozenset[str] = frozenset()
        if opening and name == "intro":
            playing = 2 + 3 * bar.phrase // max(lengths[first], 3)
            resting = frozenset(order[playing:])
        elif name in ("break", "breakdown") and bar.phrase < (lengths[first] + 1) // 2:
            resting = away
        found.append(replace(bar, resting=resting))
    return tuple(found)


def _fill(bar: PlanBar, energy: float, mood: Mood, last: bool, phrase: int, bars: int, dice: Dice) -> int:
    """Pulses of drum fill at the end of a bar: long before a new section, short now and then within one."""
    pulses = len(bar.pulses)
    if bars == 1:
        return 0
    if last:
        longer = dice.chance(0.35 + energy / 2, "long", bar.number)
        full = energy > 0.6 and dice.chance(0.2, "full", bar.number)
        return min(1 + longer + 2 * full, pulses)
    chance = (0.0, 0.12 * mood.complexity, 0.0, 0.25 + 0.4 * mood.complexity)[phrase % 4]
    return min(1, pulses) if dice.chance(chance, "short", bar.number) else 0
