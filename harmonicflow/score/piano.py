"""The pianist: voice-led chords above, roots or shells below, out of the guitar's and the bass player's way."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from .bass import interval
from .chords import Chord
from .comping import Stroke, strokes
from .dice import Dice
from .events import SHORTEST, Event, dynamics, touch
from .plan import Plan
from .pulses import on_grid
from .styles import Register
from .voicing import closed, essential, fifth, lead, seventh, spread, third, travel

HAND = 16  # semitones one hand spans: a tenth


class Hands(NamedTuple):
    left: tuple[int, ...]
    right: tuple[int, ...]


_LEVEL = {"B": 84, "R": 78, "L": 80, "r": 52, "n": 70, "N": 80, "o": 84}
_LEFT_LEVEL = 76


def write_piano(plan: Plan) -> list[Event]:
    """The piano part over the whole plan."""
    dice = plan.dice("piano")
    hands = _voicings(plan, dice)
    events: list[Event] = []
    arpeggio = 0
    own = plan.style.piano
    lefts = strokes(plan, own.lines, dice, "L", "L", "L", loose=True, left=True)
    busy = {stroke.bar.number for stroke in lefts}  # bars in which the left hand has a line of its own
    for stroke in strokes(plan, own.lines, dice, own.first, "B", "nrN", loose=own.loose):
        voicing = hands[stroke.span.start]
        if stroke.mark == "B" and stroke.bar.number in busy:
            stroke = replace(stroke, mark="R")
        arpeggio = arpeggio + 1 if stroke.mark in "nN" else 0 if stroke.mark != "R" else arpeggio
        events += _struck(plan, stroke, voicing, arpeggio)
    for stroke in lefts:
        events += _left(plan, stroke, hands[stroke.span.start])
    return [touch(event, plan.style, dice, 4.0, plan.style.lag_ms["piano"]) for event in events]


def _left(plan: Plan, stroke: Stroke, hands: Hands) -> list[Event]:
    """What a left hand of its own plays: its chord, or a single note above the lowest."""
    level = (_LEFT_LEVEL + (6 if stroke.strong else 0)) * dynamics(stroke.bar)
    held = _held(plan, stroke, stroke.until)
    if stroke.mark == "L":
        return [Event(stroke.beat, held, pitch, level) for pitch in hands.left]
    low = _lowest(stroke.span.chord, 45)
    pitch = low + interval(stroke.span.chord, stroke.mark.replace("1", "R"), 36)
    return [Event(stroke.beat, held, pitch, level)] if pitch < hands.right[0] else []


def _struck(plan: Plan, stroke: Stroke, hands: Hands, arpeggio: int) -> list[Event]:
    level = (_LEVEL[stroke.mark] + (6 if stroke.strong else 0) - (0 if stroke.on_pulse else 3)) * dynamics(stroke.bar)
    held = _held(plan, stroke, stroke.until)
    events = []
    if stroke.mark in "BL" or (stroke.mark == "R" and plan.style.piano.shells):  # shells are comped along
        ring = _held(plan, stroke, stroke.change if plan.style.piano.rings else stroke.until)
        events += [Event(stroke.beat, ring, pitch, level + 2) for pitch in hands.left]
    if stroke.mark in "BRr":
        right = hands.right if stroke.mark != "r" else hands.right[-2:]
        # The top voice sings; inner voices stay under it.
        events += [Event(stroke.beat, held, pitch, level + (5 if pitch == right[-1] else -3)) for pitch in right]
    if stroke.mark == "o":
        events += [Event(stroke.beat, held, pitch, level) for pitch in (hands.right[-1] - 12, hands.right[-1])]
    if stroke.mark in "nN":
        order = (*hands.right, *hands.right[-2:0:-1])
        pitch = order[(arpeggio - 1) % len(order)]
        ring = held if stroke.mark == "N" else max(on_grid(min(stroke.change - stroke.beat, held * 2)), SHORTEST)
        events += [Event(stroke.beat, ring, tone, level) for tone in ((pitch, pitch + 12)[: 1 + (stroke.mark == "N")])]
    return events


def _held(plan: Plan, stroke: Stroke, until: Fraction) -> Fraction:
    if stroke.bar.final:
        return max(on_grid(min(until - stroke.beat, plan.beats_of(9.0))), SHORTEST)
    share, longest_s = plan.style.piano.share, plan.style.piano.longest_s
    gap = (until - stroke.beat) * Fraction(share).limit_denominator(100)
    return max(on_grid(min(gap, plan.beats_of(longest_s))), SHORTEST)


def _voicings(plan: Plan, dice: Dice) -> dict[Fraction, Hands]:
    """The hands of each chord, by the chord's start."""
    register = _register(plan)
    choices = [_choices(plan, piece.chord, register) for piece in plan.pieces]

    def own(place: int, hands: Hands) -> float:
        start = plan.pieces[place].start
        lift = 3 * plan.energy_at(start) - 1.5 + 3.5 * plan.mood.valence
        top = abs(hands.right[-1] - register.top - lift) * 0.4
        rub = 1.5 if hands.right[-1] - hands.right[-2] == 1 else 0.0  # no minor second under the melody
        return top + rub + 2.2 * dice.uniform("voicing", start, hands.right)

    def move(before: Hands, now: Hands) -> float:
        return travel(before.right, now.right) + 0.3 * travel(before.left, now.left)

    path = lead(choices, own, move)
    return {piece.start: hands for piece, hands in zip(plan.pieces, path, strict=True)}


def _register(plan: Plan) -> Register:
    """The style's register, moved away from a guitar that plays full chords in the same place."""
    return plan.style.piano.beside if "guitar" in plan.stems else plan.style.piano.alone


def _choices(plan: Plan, chord: Chord, register: Register) -> list[Hands]:
    lows = _left_hand(plan, chord, register)
    rooted = "bass" not in plan.stems or (plan.style.piano.rooted and seventh(chord) is None)
    size = register.size + (seventh(chord) is not None and register.size == 3 and plan.mood.complexity > 0.6)
    classes = essential(chord, max(size, 2), rooted)
    if plan.style.piano.shells and lows and len(lows) == 2:  # the left hand has third and seventh
        upper = tuple(tone for tone in essential(chord, 6, False) if tone not in {pitch % 12 for pitch in lows})
        classes = (upper or classes)[:3]
    rights = closed(classes, register.low, register.high)
    if plan.style.piano.shells and not lows:
        rights += spread(classes, register.low - 4, register.high)
    fitting = [
        Hands(lows, pitches)
        for pitches in rights
        if pitches[-1] - pitches[0] <= HAND and len(pitches) >= 2 and (not lows or lows[-1] < pitches[0])
    ]
    return fitting or [Hands((), _bare(chord, register))]


def _bare(chord: Chord, register: Register) -> tuple[int, ...]:
    """Root and octave, for a chord that is nothing else."""
    low = next(pitch for pitch in range(register.low, register.low + 12) if pitch % 12 == chord.root)
    return (low, low + 12)


def _lowest(chord: Chord, centre: int) -> int:
    """The chord's bass within half an octave of `centre`."""
    return next(pitch for pitch in range(centre - 6, centre + 6) if pitch % 12 == chord.bass_class)


def _left_hand(plan: Plan, chord: Chord, register: Register) -> tuple[int, ...]:
    """The left hand's notes: a shell in jazz, a tenor note over a bass player, else the bass itself."""
    with_bass = "bass" in plan.stems
    if plan.style.piano.shells and with_bass:
        if "guitar" in plan.stems:
            return ()
        guide = [tone for tone in (third(chord), seventh(chord) or fifth(chord)) if tone is not None]
        pitches = sorted({48 + (chord.root + tone - 48) % 12 for tone in guide})
        return tuple(pitches) if len(pitches) == 2 and pitches[1] - pitches[0] >= 2 else ()
    centre = 49 if with_bass else 38
    low = _lowest(chord, centre)
    if with_bass:
        return (low,)
    upper = low + 12 if chord.bass is not None or fifth(chord) != 7 or low < 36 else low + 7
    return (low, upper) if upper < register.low else (low,)
