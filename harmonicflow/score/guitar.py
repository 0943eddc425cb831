"""The guitarist: strums, power chords, chops, picked patterns, boogie figures; always what a hand can hold."""

from __future__ import annotations

from fractions import Fraction

from .chords import Chord
from .comping import Stroke, strokes
from .dice import Dice
from .events import SHORTEST, Event, dynamics, touch
from .fretboard import Shape, shapes
from .plan import Plan
from .pulses import on_grid
from .voicing import lead, travel

_LEVEL = {"D": 92, "U": 76, "m": 38, "P": 98, "p": 76, "q": 74, "n": 80, "c": 84, "b": 88, "f": 84, "s": 88, "S": 86}
_STRUM_S = {"D": 0.011, "U": 0.008, "P": 0.005, "q": 0.006, "m": 0.004, "p": 0.003, "c": 0.004}  # from string to string
# Share of the time to the next stroke, and seconds, that short strokes sound at most.
_SHORT = {"m": (0.8, 0.035), "p": (0.8, 0.14), "q": (0.6, 0.45), "c": (0.7, 0.1), "s": (0.85, 0.4), "S": (0.85, 0.4)}


def write_guitar(plan: Plan) -> list[Event]:
    """The guitar part over the whole plan."""
    dice = plan.dice("guitar")
    own = plan.style.guitar
    played = strokes(
        plan,
        own.lines,
        dice,
        own.first,
        "P" if own.first == "P" else "D",
        "mUnpPc",
        loose=own.loose,
        fastest_s=own.fastest_s,
    )
    held = {kind: _path(plan, kind, dice) for kind in {_kind(plan, stroke.mark) for stroke in played}}
    events: list[Event] = []
    arpeggio = 0
    for place, stroke in enumerate(played):
        shape = held[_kind(plan, stroke.mark)][stroke.span.start]
        same = place > 0 and played[place - 1].span is stroke.span and played[place - 1].mark in "nbf"
        arpeggio = arpeggio + (stroke.mark == "n") if same else 0
        new = _struck(plan, stroke, shape, arpeggio)
        events += [touch(event, plan.style, dice, 3.0, plan.style.lag_ms["guitar"]) for event in new]
    return events


def _kind(plan: Plan, mark: str) -> str:
    return "power" if mark in "PpsS" else "shell" if mark == "q" else plan.style.guitar.shape


def _path(plan: Plan, kind: str, dice: Dice) -> dict[Fraction, Shape]:
    """The shape of each chord, by the chord's start: good ones near each other on the neck."""
    choices = [shapes(piece.chord, kind) for piece in plan.pieces]

    def own(place: int, shape: Shape) -> float:
        bright = 0.08 * plan.mood.valence * (shape.pitches[-1] - 66)
        return shape.cost - bright + 1.2 * dice.uniform("shape", kind, plan.pieces[place].start, shape.pitches)

    def move(before: Shape, now: Shape) -> float:
        moved = 0.8 if before.pitches != now.pitches else 0.0
        return moved + 0.35 * abs(before.fret - now.fret) + 0.12 * travel(before.pitches, now.pitches)

    return {span.start: shape for span, shape in zip(plan.pieces, lead(choices, own, move), strict=True)}


def _struck(plan: Plan, stroke: Stroke, shape: Shape, arpeggio: int) -> list[Event]:
    level = (_LEVEL[stroke.mark] + (6 if stroke.strong else 0) - (0 if stroke.on_pulse else 4)) * dynamics(stroke.bar)
    pitches = _pitches(plan, stroke, shape, arpeggio)
    gap = min(_STRUM_S.get(stroke.mark, 0.0), plan.step_s * 0.35 / max(len(pitches), 1))
    duration = _duration(plan, stroke)
    events = []
    for place, pitch in enumerate(pitches):
        softer = 1.0 - 0.03 * place
        events.append(Event(stroke.beat, duration, pitch, level * softer, gap * place))
    return events


def _pitches(plan: Plan, stroke: Stroke, shape: Shape, arpeggio: int) -> tuple[int, ...]:
    """The strings that a stroke meets, in the order it meets them."""
    mark = stroke.mark
    if mark == "U":
        return shape.pitches[::-1][:4] if len(shape.pitches) > 3 else shape.pitches[::-1]
    if mark in "mc":
        return shape.pitches[-3:]
    if mark == "n":
        order = plan.style.guitar.order
        return (shape.pitches[min(order[arpeggio % len(order)], len(shape.pitches) - 1)],)
    if mark in "bf":
        return (shape.pitches[min("bf".index(mark), len(shape.pitches) - 1)],)
    if mark in "sS":
        return (shape.pitches[0], shape.pitches[0] + _above(stroke.span.chord, mark))
    if mark == "p":
        return shape.pitches[:2]
    return shape.pitches


def _above(chord: Chord, mark: str) -> int:
    """Semitones of a boogie figure's upper note: the fifth, or the sixth (in minor the seventh); else the octave."""
    if 7 not in chord.intervals:
        return 12
    return 7 if mark == "s" else 9 if 4 in chord.intervals else 10


def _duration(plan: Plan, stroke: Stroke) -> Fraction:
    own, gap = plan.style.guitar, stroke.until - stroke.beat
    if stroke.bar.final:
        held = min(gap, plan.beats_of(9.0))
    elif stroke.mark in "nbf":
        held = min(stroke.change - stroke.beat, gap * 3, plan.beats_of(own.note_s))
    else:
        share, longest_s = _SHORT.get(stroke.mark, (own.share, own.longest_s))
        held = min(gap * Fraction(share).limit_denominator(100), plan.beats_of(longest_s))
    return max(on_grid(held), SHORTEST)
