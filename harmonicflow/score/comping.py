"""What guitar and piano share: when a chord is struck, which chord it is, and until when it may ring."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from .chords import ChordSpan
from .dice import Dice
from .events import choose, steps_of
from .plan import Plan, PlanBar
from .pulses import Pulse, on_grid
from .styles import Line, Row

PUSHING = frozenset("DUPqBRcso")  # marks that may anticipate a chord
# What a light stroke becomes when it brings the new chord, by what usually brings it.
_PUSHED = {"D": {"U": "D"}, "P": {"U": "D"}, "B": {"R": "B"}}


@dataclass(frozen=True, slots=True)
class Stroke:
    """One chord struck: `mark` is the pattern's character."""

    beat: Fraction
    mark: str
    span: ChordSpan  # a piece of the plan: the chord, within one bar
    until: Fraction  # the next stroke, or the end of the chord or the bar
    change: Fraction  # the next stroke of another piece, or the same ends
    bar: PlanBar
    on_pulse: bool
    strong: bool  # on the first pulse of a groove
    pushed: bool = False  # plays a chord that begins just after


def strokes(
    plan: Plan,
    rows: tuple[Line, ...],
    dice: Dice,
    first_mark: str,
    last_mark: str,
    quick: str,
    *,
    loose: bool = False,
    fastest_s: float = 0.09,
    left: bool = False,
) -> list[Stroke]:
    """The strokes of a part over the whole plan, in order.

    `first_mark` is struck where a new chord begins and the pattern has nothing (`loose`: nothing within a pulse); marks
    in `quick` are left out on odd steps shorter than `fastest_s`. `last_mark` ends a piece. `left`: the line of the
    pianist's left hand.
    """
    raw: list[tuple[Fraction, str, Pulse, int, PlanBar]] = []
    for bar in plan.bars:
        line = _line(plan, bar, rows, dice)
        found: dict[Fraction, tuple[str, Pulse, int]] = {}
        if bar.final:
            struck = {on_grid(span.start) for span in plan.chords if bar.start <= span.start < bar.end} or {bar.start}
            raw += [(beat, last_mark, bar.pulses[0], 0, bar) for beat in sorted(struck) if not left]
            continue
        if left and not line.left:
            continue
        for beat, mark, pulse, step in steps_of(plan, bar, Row(line.left) if left else line.row, flowing=True):
            if not (mark in quick and step % 2 == 1 and plan.step_s < fastest_s):
                found[beat] = (mark, pulse, step)
        first = "R" if line.left and first_mark == "B" else first_mark
        for span in plan.chords:
            if bar.start <= span.start < bar.end:
                _cover(found, on_grid(span.start), bar, first, loose)
        raw += [(beat, *found[beat], bar) for beat in sorted(found)]
    return _resolved(plan, raw, first_mark)


def _line(plan: Plan, bar: PlanBar, rows: tuple[Line, ...], dice: Dice) -> Line:
    """The section's pattern; the fourth bar of a phrase, and now and then another, turns to a neighbouring one."""
    turn = bar.phrase % 4 == 3 and dice.chance(0.3 + 0.4 * plan.mood.complexity, "turn", bar.section, bar.phrase)
    other = dice.chance(0.15 * plan.mood.complexity, "other", bar.number)
    usual = choose(rows, plan, bar, dice, "line", bar.section)
    if not turn and not other:
        return usual
    alike = tuple(row for row in rows if _manner(row) == _manner(usual))
    return choose(alike, plan, bar, dice, "line", *((bar.section, "turn") if turn else (bar.number,)))


def _manner(line: Line) -> tuple[bool, ...]:
    """Whether a pattern is an arpeggio, palm-muted or power chords: nobody changes between them for one bar."""
    return tuple(mark in line.four for mark in "npPNbs")


def _cover(
    found: dict[Fraction, tuple[str, Pulse, int]], beat: Fraction, bar: PlanBar, first_mark: str, loose: bool
) -> None:
    """Make sure that a new chord is struck when it begins; where the style pushes and pulls, within one pulse."""
    pulse = next((pulse for pulse in bar.pulses if pulse.start <= beat < pulse.end), bar.pulses[-1])
    if not any(beat <= place < beat + pulse.unit for place in found) or (not loose and beat not in found):
        found[beat] = (first_mark, pulse, 0)
    elif first_mark == "B" and not loose and found[beat][0] in "Rr":
        found[beat] = ("B", *found[beat][1:])


def _resolved(plan: Plan, raw: list[tuple[Fraction, str, Pulse, int, PlanBar]], first_mark: str) -> list[Stroke]:
    """Strokes with their chords. One just before a change may play the coming chord, which then is not struck again."""
    found: list[Stroke] = []
    taken: set[Fraction] = set()
    for place, (beat, mark, pulse, step, bar) in enumerate(raw):
        if beat in taken:
            continue
        span, pushed = plan.piece_at(beat), False
        change = plan.change_after(beat)
        following = raw[place + 1][0] if place + 1 < len(raw) else None
        if change is not None and mark in PUSHING and _pushes(plan, beat, change, pulse, step, following):
            span, pushed = plan.piece_at(change.start), True
            mark = _PUSHED.get(first_mark, {}).get(mark, mark)
            taken.add(on_grid(change.start))
        if span is not None:
            strong = step == 0 and pulse.slot == 0
            ring = plan.ring_end(span)
            found.append(Stroke(beat, mark, span, ring, ring, bar, step == 0, strong, pushed))
    for place in range(len(found) - 2, -1, -1):
        now, after = found[place], found[place + 1]
        ends = after.change if after.span is now.span else after.beat
        found[place] = replace(now, until=min(after.beat, now.until), change=min(ends, now.until))
    return [stroke for stroke in found if stroke.until > stroke.beat]


def _pushes(plan: Plan, beat: Fraction, change: ChordSpan, pulse: Pulse, step: int, following: Fraction | None) -> bool:
    """Whether a stroke anticipates the next chord: on the last offbeat before it, as the whole band decided."""
    start = on_grid(change.start)
    if step < 2 or start - beat > pulse.unit / 2 or start in plan.barriers:
        return False
    if following is not None and following < start:
        return False
    return plan.dice("form").chance(plan.style.push * (0.5 + plan.mood.complexity), "push", start)
