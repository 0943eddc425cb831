"""The guitarist: strummed chords, power chords, muted funk sixteenths, jazz shells; always what a hand can hold."""

from __future__ import annotations

from fractions import Fraction

from .comping import Stroke, strokes
from .dice import Dice
from .events import SHORTEST, Event, dynamics, touch
from .fretboard import Shape, shapes
from .plan import Plan
from .pulses import on_grid
from .voicing import lead, travel

_LEVEL = {"D": 92, "U": 76, "m": 38, "P": 98, "p": 76, "q": 74, "n": 80}
_FIRST = {"rock": "P", "pop": "D", "funk": "D", "jazz": "q"}
_STRUM_S = {"D": 0.011, "U": 0.008, "P": 0.005, "q": 0.006, "m": 0.004, "p": 0.003, "n": 0.0}  # from string to string
# Which string comes when in an arpeggio, counted from the shape's lowest.
_ARPEGGIO = (0, 2, 3, 4, 3, 2)


def write_guitar(plan: Plan) -> list[Event]:
    """The guitar part over the whole plan."""
    dice = plan.dice("guitar")
    played = strokes(plan, plan.style.guitar, dice, _FIRST[plan.style.name], "mUnp")
    held = {kind: _path(plan, kind, dice) for kind in {_kind(plan, stroke.mark) for stroke in played}}
    events: list[Event] = []
    arpeggio = 0
    for place, stroke in enumerate(played):
        shape = held[_kind(plan, stroke.mark)][stroke.span.start]
        same = place > 0 and played[place - 1].span is stroke.span and played[place - 1].mark == "n"
        arpeggio = arpeggio + 1 if same else 0
        new = _struck(plan, stroke, shape, arpeggio)
        events += [touch(event, dice, 3.0, plan.style.lag_ms["guitar"]) for event in new]
    return events


def _kind(plan: Plan, mark: str) -> str:
    return "power" if mark in "Pp" else "shell" if mark == "q" else plan.style.guitar_shape


def _path(plan: Plan, kind: str, dice: Dice) -> dict[Fraction, Shape]:
    """The shape of each chord, by the chord's start: good ones near each other on the neck."""
    choices = [shapes(piece.chord, kind) for piece in plan.pieces]

    def own(place: int, shape: Shape) -> float:
        return shape.cost + 1.2 * dice.uniform("shape", kind, plan.pieces[place].start, shape.pitches)

    def move(before: Shape, now: Shape) -> float:
        moved = 0.8 if before.pitches != now.pitches else 0.0
        return moved + 0.35 * abs(before.fret - now.fret) + 0.12 * travel(before.pitches, now.pitches)

    return {span.start: shape for span, shape in zip(plan.pieces, lead(choices, own, move), strict=True)}


def _struck(plan: Plan, stroke: Stroke, shape: Shape, arpeggio: int) -> list[Event]:
    level = (_LEVEL[stroke.mark] + (6 if stroke.strong else 0) - (0 if stroke.on_pulse else 4)) * dynamics(stroke.bar)
    pitches = _pitches(stroke.mark, shape, arpeggio)
    gap = min(_STRUM_S[stroke.mark], plan.step_s * 0.35 / max(len(pitches), 1))
    duration = _duration(plan, stroke)
    events = []
    for place, pitch in enumerate(pitches):
        softer = 1.0 - 0.03 * place
        events.append(Event(stroke.beat, duration, pitch, level * softer, gap * place))
    return events


def _pitches(mark: str, shape: Shape, arpeggio: int) -> tuple[int, ...]:
    """The strings that a stroke meets, in the order it meets them."""
    if mark == "U":
        return shape.pitches[::-1][:4] if len(shape.pitches) > 3 else shape.pitches[::-1]
    if mark == "m":
        return shape.pitches[-3:]
    if mark == "n":
        return (shape.pitches[min(_ARPEGGIO[arpeggio % len(_ARPEGGIO)], len(shape.pitches) - 1)],)
    if mark == "p":
        return shape.pitches[:2]
    return shape.pitches


def _duration(plan: Plan, stroke: Stroke) -> Fraction:
    gap = stroke.until - stroke.beat
    if stroke.mark == "m":
        held = min(gap * 8 / 10, plan.beats_of(0.035))
    elif stroke.mark == "p":
        held = min(gap * 8 / 10, plan.beats_of(0.14))
    elif stroke.mark == "q":
        held = min(gap * 6 / 10, plan.beats_of(0.45))
    elif stroke.mark == "n":
        held = min(stroke.change - stroke.beat, gap * 3)
    elif plan.style.name == "funk":
        held = min(gap * 8 / 10, plan.beats_of(0.22))
    else:
        held = min(gap * 95 / 100, plan.beats_of(5.0))
    return max(on_grid(held), SHORTEST)
