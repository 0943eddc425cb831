"""The drummer: a groove for each section, cymbals by energy, ghost notes, fills, two hands and two feet."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from harmonicflow.core.instruments import DRUM_CLASSES

from .dice import Dice
from .events import Event, choose, dynamics, steps_of, touch
from .plan import Plan, PlanBar
from .pulses import Pulse, on_grid
from .styles import Groove

PITCH = {row.name: row.pitches[0] for row in DRUM_CLASSES}
KICK, SNARE, STICK = PITCH["kick"], PITCH["snare"], PITCH["sidestick"]
CLOSED, PEDAL, OPEN = PITCH["closed hat"], PITCH["pedal hat"], PITCH["open hat"]
HIGH_TOM, MID_TOM, LOW_TOM = PITCH["high tom"], PITCH["mid tom"], PITCH["low tom"]
CRASH, RIDE, BELL = PITCH["crash"], PITCH["ride"], PITCH["ride bell"]
CLAP, TAMBOURINE, SHAKER = PITCH["clap"], PITCH["tambourine or cowbell"], PITCH["other percussion"]

FEET = frozenset({KICK, PEDAL})
# What a hand keeps when three voices fall together, most wanted first.
_PRIORITY = (CRASH, SNARE, CLAP, BELL, HIGH_TOM, MID_TOM, LOW_TOM, STICK, OPEN, RIDE, TAMBOURINE, SHAKER, CLOSED)
_FILL = {"s": (SNARE, 100), "g": (SNARE, 42), "h": (HIGH_TOM, 98), "m": (MID_TOM, 100), "l": (LOW_TOM, 104)}
_FILL |= {"k": (KICK, 98), "c": (CRASH, 104), "o": (OPEN, 92), "b": (CLAP, 98)}
_KICK = {"X": 108.0, "x": 96.0, "g": 44.0}
_SNARE = {"X": (SNARE, 108.0), "x": (SNARE, 96.0), "g": (SNARE, 38.0), "r": (STICK, 88.0)}
_SNARE |= {"c": (CLAP, 88.0), "C": (CLAP, 104.0), "h": (HIGH_TOM, 84.0), "m": (MID_TOM, 86.0), "l": (LOW_TOM, 90.0)}
_HAND = {"h": CLOSED, "o": OPEN, "r": RIDE, "b": BELL, "s": STICK, "a": SHAKER, "t": TAMBOURINE, "z": CRASH}


class Cymbal(NamedTuple):
    """Timekeeping: the voice on and off the pulse, and how often: 1 each pulse, 2 halves, 4 quarters of it."""

    on: int
    off: int
    division: int


CYMBALS: dict[str, Cymbal] = {
    "hat4": Cymbal(CLOSED, CLOSED, 1),
    "hat8": Cymbal(CLOSED, CLOSED, 2),
    "stick8": Cymbal(CLOSED, CLOSED, 2),
    "hat16": Cymbal(CLOSED, CLOSED, 4),
    "open8": Cymbal(CLOSED, CLOSED, 2),
    "open16": Cymbal(CLOSED, CLOSED, 4),
    "off8": Cymbal(CLOSED, OPEN, 2),
    "open4": Cymbal(OPEN, OPEN, 1),
    "crash4": Cymbal(CRASH, CRASH, 1),
    "ride8": Cymbal(RIDE, RIDE, 2),
    "ride": Cymbal(RIDE, RIDE, 2),
}
_FASTEST_S = 0.085  # one hand strikes no faster
_FASTEST_FEET_S = 0.055  # two feet on the kick
_SLOW_S = 0.21  # steps longer than this want a finer division


def write_drums(plan: Plan) -> list[Event]:
    """The drum part over the whole plan."""
    dice = plan.dice("drums")
    events: list[Event] = []
    for bar in plan.bars:
        # A swinging drummer answers the band anew in every bar; others keep a section's groove.
        kit = plan.style.drums
        groove = choose(kit.grooves, plan, bar, dice, "groove", bar.number if kit.free else bar.section)
        if bar.final:
            events += [_touched(hit, plan, bar, dice) for hit in _stop(plan, bar)]
            continue
        fill_start = bar.pulses[-bar.fill].start if bar.fill else bar.end
        hits = _feet_and_snare(plan, bar, groove, dice, fill_start)
        hits += _cymbals(plan, bar, groove, dice, fill_start)
        if bar.fill:
            hits += _fill(plan, bar, dice)
        if bar.crash:
            hits = [hit for hit in hits if hit.start != bar.start or hit.pitch not in (CLOSED, OPEN, RIDE)]
            length = _length(bar.pulses[0])
            hits += [Event(bar.start, length, CRASH, 108), Event(bar.start, length, KICK, 104)]
        if not any(hit.start == bar.start for hit in hits):  # the beat that everyone leaves out is still counted
            counted = Event(bar.start, _length(bar.pulses[0]), PEDAL, 58) if len(bar.pulses) > 1 else None
            hits.append(counted or Event(bar.start, _length(bar.pulses[0]), KICK, 92))
        events += [_touched(hit, plan, bar, dice) for hit in _two_hands(hits)]
    return events


def kicks_of(events: list[Event]) -> list[tuple[Fraction, float]]:
    """(beat, velocity) of the kick drum, ghosts left out: what the bass player listens to."""
    return sorted((hit.start, hit.velocity) for hit in events if hit.pitch in (35, 36) and hit.velocity > 50)


def _length(pulse: Pulse) -> Fraction:
    return max(on_grid(pulse.unit / 4), Fraction(1, 16))


def _touched(hit: Event, plan: Plan, bar: PlanBar, dice: Dice) -> Event:
    loud = Event(hit.start, hit.duration, hit.pitch, hit.velocity * dynamics(bar), hit.shift_s)
    backbeat = hit.pitch in (SNARE, CLAP) and hit.velocity > 60
    late = plan.style.drums.late_ms if backbeat else 0.0
    return touch(loud, plan.style, dice, 3.0 if hit.pitch == KICK else 5.0, plan.style.lag_ms["drums"] + late)


def _feet_and_snare(plan: Plan, bar: PlanBar, groove: Groove, dice: Dice, fill_start: Fraction) -> list[Event]:
    hits: list[Event] = []
    for beat, mark, pulse, step in steps_of(plan, bar, groove.row("kick")):
        if (beat < fill_start or step == 0) and (step % 2 == 0 or plan.step_s >= _FASTEST_FEET_S):
            accent = 6 if pulse.slot == 0 and step == 0 and mark != "g" else 0
            hits.append(Event(beat, _length(pulse), KICK, _KICK[mark] + accent))
    for beat, mark, pulse, step in steps_of(plan, bar, groove.row("snare")):
        if beat < fill_start and (step % 2 == 0 or mark not in "gx" or plan.step_s >= _FASTEST_S):
            pitch, level = _SNARE[mark]
            pitch = STICK if groove.hand == "stick8" and mark != "g" else pitch
            hits.append(Event(beat, _length(pulse), pitch, level))
    for beat, _, pulse, _ in steps_of(plan, bar, groove.row("foot")) if groove.foot else ():
        hits.append(Event(beat, _length(pulse), PEDAL, 66))
    return hits + _ornaments(plan, bar, dice, fill_start, {hit.start for hit in hits})


def _ornaments(plan: Plan, bar: PlanBar, dice: Dice, fill_start: Fraction, taken: set[Fraction]) -> list[Event]:
    """Ghost notes on the snare and now and then one more kick, each bar its own."""
    hits = []
    kit = plan.style.drums
    swung = plan.style.swing > 0
    ghost = 0.22 * kit.ghosts * (0.4 + plan.mood.complexity)
    for pulse in bar.pulses:
        for step in (2,) if swung else (1, 2, 3):
            beat = plan.at(pulse, step)
            if beat is None or beat in taken or beat >= fill_start or plan.step_s < (0.06 if swung else _FASTEST_S):
                continue
            if dice.chance(ghost, "ghost", bar.number, beat):
                hits.append(Event(beat, _length(pulse), SNARE, 34 + 14 * dice.uniform("ghost level", beat)))
            elif step >= 2 and dice.chance(kit.kicks * plan.mood.complexity, "kick", bar.number, beat):
                hits.append(Event(beat, _length(pulse), KICK, 62 if kit.free else 88))
    return hits


def _cymbals(plan: Plan, bar: PlanBar, groove: Groove, dice: Dice, fill_start: Fraction) -> list[Event]:
    if groove.hand not in CYMBALS:
        return _hand(plan, bar, groove, fill_start)
    row = CYMBALS[groove.hand]
    if groove.hand == "ride":
        return _swing_ride(plan, bar, dice, fill_start)
    division = row.division
    if plan.step_s > (_SLOW_S if not bar.pulses[0].compound else 1.6 * _SLOW_S):
        division = min(division * 2, 4)
    while division > 1 and plan.step_s * 4 / division < _FASTEST_S:
        division //= 2
    hits = []
    for pulse in bar.pulses:
        for beat, step in _division(plan, pulse, division):
            if beat >= fill_start:
                continue
            voice = row.on if step == 0 else row.off
            level = 88.0 if step == 0 else 74.0 if step == 2 else 58.0
            level += 4 if pulse.slot % 2 == 0 and step == 0 else 0
            if voice == CRASH:  # riding the crash, the open hat between
                voice, level = (CRASH, 92.0) if pulse.slot % 2 == 0 else (OPEN, 90.0)
            late = voice == CLOSED and step == 2 and beat >= pulse.start + pulse.unit / 2
            if late and groove.hand.startswith("open") and pulse is bar.pulses[-1]:
                voice = OPEN
            elif late and dice.chance(0.05 * plan.mood.complexity, "open", bar.number, beat):
                voice = OPEN
            hits.append(Event(beat, _length(pulse), voice, level))
    return hits


def _hand(plan: Plan, bar: PlanBar, groove: Groove, fill_start: Fraction) -> list[Event]:
    """A written line of the leading hand; where steps come too fast, every other one is left out."""
    hits = []
    for beat, mark, pulse, step in steps_of(plan, bar, groove.row("hand")):
        if beat < fill_start and (step % 2 == 0 or plan.step_s >= 0.9 * _FASTEST_S):
            level = (94.0 if mark.isupper() else 66.0) - (6 if step % 2 else 0)
            hits.append(Event(beat, _length(pulse), _HAND[mark.lower()], level))
    return hits


def _stop(plan: Plan, bar: PlanBar) -> list[Event]:
    """The last stroke of a piece: crash and kick, softly in quiet styles, and the left foot closes what rings."""
    length = _length(bar.pulses[0])
    level = 108 * plan.style.drums.fill_level
    return [Event(bar.start, length, CRASH, level), Event(bar.start, length, KICK, level)]


def _division(plan: Plan, pulse: Pulse, division: int) -> list[tuple[Fraction, int]]:
    """(beat, step) of the pulse divided by 1, 2 or 4, by 3 or 6 where it is compound; the step says how weak it is."""
    if pulse.compound and division > 1:
        parts = 3 if division == 2 else 6
        weak = (0, 2, 2) if division == 2 else (0, 3, 2, 3, 2, 3)
        beats = [pulse.start + on_grid(pulse.unit * part / parts) for part in range(parts)]
        return [(beat, step) for beat, step in zip(beats, weak, strict=True) if beat < pulse.end]
    steps = {1: (0,), 2: (0, 2), 4: (0, 1, 2, 3)}[division]
    return [(beat, step) for step in steps if (beat := plan.at(pulse, step)) is not None]


def _swing_ride(plan: Plan, bar: PlanBar, dice: Dice, fill_start: Fraction) -> list[Event]:
    """Ding, ding-a-ding on the ride with the hat's pedal on the weak pulses, a skip note left out or added at times."""
    hits = []
    for pulse in bar.pulses:
        weak = pulse.slot % 2 == 1 if pulse.size == 4 else pulse.slot == 1
        hits.append(Event(pulse.start, _length(pulse), RIDE, 92 if weak else 84))
        if weak:
            hits.append(Event(pulse.start, _length(pulse), PEDAL, 74))
        skip = plan.at(pulse, 2)
        often = 0.88 if weak else 0.1 + 0.25 * plan.mood.complexity
        if skip is not None and dice.chance(often, "skip", bar.number, skip):
            hits.append(Event(skip, _length(pulse), RIDE, 66))
    return [hit for hit in hits if hit.start < fill_start or hit.pitch == PEDAL]


def _fill(plan: Plan, bar: PlanBar, dice: Dice) -> list[Event]:
    """A fill over the bar's last pulses, growing louder, while the left foot keeps time."""
    pulses = bar.pulses[-bar.fill :]
    patterns = [dice.pick(plan.style.drums.fills, "fill", bar.number, place) for place in range((len(pulses) + 1) // 2)]
    text = "".join(patterns)[-4 * len(pulses) :]
    hits = [Event(pulse.start, _length(pulse), PEDAL, 58) for pulse in pulses]
    for place, pulse in enumerate(pulses):
        for step in range(4):
            mark = text[place * 4 + step]
            beat = plan.at(pulse, step)
            sparse = plan.step_s < _FASTEST_S and step % 2 == 1
            if mark == "." or beat is None or sparse or (pulse.compound and step == 3):
                continue
            pitch, level = _FILL[mark]
            swell = 0.82 + 0.22 * (place + step / 4) / len(pulses)
            hits.append(Event(beat, _length(pulse), pitch, level * swell))
    return [replace(hit, velocity=hit.velocity * plan.style.drums.fill_level) for hit in hits]


def _two_hands(hits: list[Event]) -> list[Event]:
    """At each instant every voice once and at most two for the hands; feet come on top."""
    loudest: dict[tuple[Fraction, int], Event] = {}
    for hit in hits:
        key = (hit.start, hit.pitch)
        if key not in loudest or hit.velocity > loudest[key].velocity:
            loudest[key] = hit
    kept: list[Event] = []
    for start in sorted({hit.start for hit in loudest.values()}):
        now = [hit for (beat, _), hit in loudest.items() if beat == start]
        hands = sorted((hit for hit in now if hit.pitch not in FEET), key=lambda hit: _PRIORITY.index(hit.pitch))
        kept += [hit for hit in now if hit.pitch in FEET] + hands[:2]
    return kept
