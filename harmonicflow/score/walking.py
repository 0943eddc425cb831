"""Walking bass: the cheapest path of pitches through the chords.

One pitch per beat, by dynamic programming over a table of costs: roots where chords begin, chord tones on strong
pulses, steps rather than leaps, no repeated notes, and before a new chord a note that leads into its root.
"""

from __future__ import annotations

from fractions import Fraction

from .chords import ChordSpan
from .dice import Dice
from .plan import Plan

LOWEST, HIGHEST = 28, 55
_HOME = 40
_PITCHES = range(LOWEST, HIGHEST + 1)
# Cost of moving by so many semitones.
_MOVE = (2.6, 0.1, 0.0, 0.25, 0.4, 0.6, 1.6, 0.9, 1.8, 2.0, 2.2, 3.0, 1.8) + (6.0,) * 30
# Cost of leading by so many semitones into a chord's root.
_LEAD = (3.0, 0.0, 0.25, 1.2, 1.2, 0.7, 2.0, 0.7, 2.0, 2.0, 2.0, 2.5, 1.5) + (6.0,) * 30


def walk(plan: Plan, beats: list[Fraction], dice: Dice) -> dict[Fraction, int]:
    """A pitch for each of `beats`; those without a chord are left out."""
    line = [(beat, span) for beat in beats if (span := plan.span_at(beat)) is not None]
    if not line:
        return {}
    best: list[float] = []
    came_from: list[list[int]] = []
    for place in range(len(line)):
        own = _own_costs(plan, line, place, dice)
        if not best:
            best = own
            continue
        moves = _LEAD if _begins(line, place) else _MOVE
        froms, totals = [], []
        for now, cost in enumerate(own):
            before = min(range(len(best)), key=lambda old: best[old] + moves[abs(old - now)])
            froms.append(before)
            totals.append(best[before] + moves[abs(before - now)] + cost)
        came_from.append(froms)
        best = totals
    place = min(range(len(best)), key=best.__getitem__)
    path = [place]
    for froms in reversed(came_from):
        path.append(froms[path[-1]])
    return {beat: LOWEST + pitch for (beat, _), pitch in zip(line, reversed(path), strict=True)}


def _begins(line: list[tuple[Fraction, ChordSpan]], place: int) -> bool:
    """Whether a new chord's root is due here."""
    return place == 0 or line[place][1].chord != line[place - 1][1].chord


def _own_costs(plan: Plan, line: list[tuple[Fraction, ChordSpan]], place: int, dice: Dice) -> list[float]:
    beat, span = line[place]
    tones, scale = span.chord.pitch_classes, set(plan.key.scale)
    new_span = place == 0 or line[place - 1][1] is not span
    before_change = place + 1 < len(line) and _begins(line, place + 1)
    costs = []
    for pitch in _PITCHES:
        tone = pitch % 12
        if _begins(line, place):
            cost = 0.0 if tone == span.chord.bass_class else 40.0
        elif new_span:  # the same chord again: its third or fifth will do
            cost = 0.0 if tone == span.chord.bass_class else 0.8 if tone in tones else 6.0
        elif before_change:
            cost = 0.0 if tone in tones else 0.2 if tone in scale else 0.9
        else:
            cost = 0.0 if tone in tones else 0.7 if tone in scale else 4.0
        costs.append(cost + 0.06 * abs(pitch - _HOME) + 1.0 * dice.uniform("walk", beat, pitch))
    return costs
