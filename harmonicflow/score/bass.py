"""The bass player: patterns of roots, fifths and octaves, approach notes into new chords, walking and dub lines."""

from __future__ import annotations

from bisect import bisect_left
from fractions import Fraction

from .chords import Chord, ChordSpan
from .dice import Dice
from .events import SHORTEST, Event, choose, dynamics, steps_of, touch
from .plan import Plan, PlanBar
from .pulses import on_grid
from .walking import walk

LOWEST, HIGHEST = 28, 60  # E1 on the low string up to C4; the instrument itself goes on to 67
_HOME = 35  # roots lie around B1
_FASTEST_S = 0.09  # between two notes
# Velocity of each kind of note, and how much of the time to the next note it sounds.
_LEVEL = {"R": 98, "8": 94, "5": 90, "3": 88, "6": 88, "7": 90, "g": 44, "a": 86, "n": 94, "w": 92}

Token = tuple[Fraction, str]


def write_bass(plan: Plan, kicks: list[tuple[Fraction, float]]) -> list[Event]:
    """The bass part over the whole plan; `kicks` are the kick drum's beats and velocities."""
    dice = plan.dice("bass")
    tokens: list[tuple[Token, PlanBar]] = []
    for bar in plan.bars:
        tokens += [(token, bar) for token in _tokens(plan, bar, kicks, dice)]
    tokens = _root_first(plan, tokens) if plan.style.bass.loose else tokens
    roots = _roots(plan, dice)
    beats = [token[0] for token, _ in tokens]
    walked = walk(plan, [beat for (beat, mark), _ in tokens if mark == "w"], dice)
    events: list[Event] = []
    for place, ((beat, mark), bar) in enumerate(tokens):
        span = plan.span_at(beat)
        if span is None or mark == "-":
            continue
        coming = _anticipated(plan, bar, beat) if mark == "n" else None
        mark, span = ("R", coming) if coming else (mark.replace("n", "R"), span)
        following = beats[place + 1] if place + 1 < len(beats) else bar.end
        pitch = walked[beat] if mark == "w" else _pitch(plan, mark, span, beat, following, roots, events, dice)
        if pitch is None:
            continue
        duration = _duration(plan, bar, mark, beat, min(following, span.end))
        accent = 5 if beat == bar.start else 0
        event = Event(beat, duration, pitch, (_LEVEL[mark] + accent) * dynamics(bar))
        events.append(touch(event, plan.style, dice, 4.0, plan.style.lag_ms["bass"]))
    return events


def _tokens(plan: Plan, bar: PlanBar, kicks: list[tuple[Fraction, float]], dice: Dice) -> list[Token]:
    """What is played when in one bar: the section's pattern, the kick where it says so, and every new chord's root."""
    if bar.final:
        return [(on_grid(span.start), "R") for span in _spans_in(plan, bar)] or [(bar.start, "R")]
    line = choose(plan.style.bass.lines, plan, bar, dice, "line", bar.section)
    tokens: dict[Fraction, str] = {}
    steps = steps_of(plan, bar, line.row, flowing=True)
    if any(mark == "k" for _, mark, _, _ in steps):
        tokens |= {beat: "R" for beat in _kicked(plan, bar, kicks)}
    for beat, mark, _, step in steps:
        fast = plan.step_s < _FASTEST_S and step % 2 == 1
        skipped = mark == "g" and plan.style.swing > 0 and dice.chance(0.5, "skip", beat)
        if mark != "k" and not fast and not skipped:
            tokens[beat] = mark
    if plan.style.bass.locks and not any(mark == "k" for _, mark, _, _ in steps):
        tokens = _locked(plan, bar, tokens, kicks, dice)
    varied = dice.chance(0.18 * plan.mood.complexity, "variation", bar.number)
    if varied and not any(mark in "w-" for mark in tokens.values()):
        last = plan.at(bar.pulses[-1], 2)
        if last is not None:
            tokens.setdefault(last, "a" if dice.chance(0.6, "which", bar.number) else "8")
    for span in _spans_in(plan, bar):
        _rooted(plan, bar, on_grid(span.start), tokens)
    return _spaced(sorted(tokens.items()), plan, {on_grid(span.start) for span in plan.chords})


def _rooted(plan: Plan, bar: PlanBar, start: Fraction, tokens: dict[Fraction, str]) -> None:
    """See to it that a new chord is heard by its root when it begins: loosely within a pulse of it."""
    if not plan.style.bass.loose or start in plan.barriers:
        tokens[start] = "w" if tokens.get(start) == "w" else "R"
        return
    unit = bar.pulses[0].unit
    if not any(start <= beat < start + unit and mark != "-" for beat, mark in tokens.items()):
        tokens[start] = "R"


def _root_first(plan: Plan, tokens: list[tuple[Token, PlanBar]]) -> list[tuple[Token, PlanBar]]:
    """Where a chord's root was not played ahead, the chord's first note is its root."""
    found, before = [], None
    for (beat, mark), bar in tokens:
        span = plan.span_at(beat)
        coming = _anticipated(plan, bar, beat) if mark == "n" else None
        if span is not before and span is not None and mark not in "wk-":
            found.append(((beat, mark if coming else "R"), bar))
            before = span
        else:
            found.append(((beat, mark), bar))
        before = coming or before
    return found


def _anticipated(plan: Plan, bar: PlanBar, beat: Fraction) -> ChordSpan | None:
    """The chord that an early note already plays: one that begins within a pulse, and not at a barrier."""
    coming = plan.change_after(beat)
    if plan.span_at(beat) is None or coming is None:
        return None
    start = on_grid(coming.start)
    return None if start - beat > bar.pulses[0].unit or start in plan.barriers else coming


def _spans_in(plan: Plan, bar: PlanBar) -> list[ChordSpan]:
    return [span for span in plan.chords if bar.start <= span.start < bar.end]


def _kicked(plan: Plan, bar: PlanBar, kicks: list[tuple[Fraction, float]]) -> list[Fraction]:
    """The grid positions of a bar's kicks: a drummer's own timing is rounded to the nearest step."""
    grid = [beat for pulse in bar.pulses for step in range(4) if (beat := plan.at(pulse, step)) is not None]
    first = bisect_left(kicks, (bar.start - Fraction(1, 8), 0.0))
    found = []
    for beat, _ in kicks[first:]:
        if beat >= bar.end - Fraction(1, 16):
            break
        found.append(min(grid, key=lambda place: abs(place - beat)))
    return found


def _locked(
    plan: Plan, bar: PlanBar, tokens: dict[Fraction, str], kicks: list[tuple[Fraction, float]], dice: Dice
) -> dict[Fraction, str]:
    """The pattern with its offbeat roots moved onto a kick one step away, and some kicks joined."""
    step = bar.pulses[0].unit / 4
    kicked = _kicked(plan, bar, kicks)
    free = [beat for beat in kicked if beat not in tokens]
    pulses = {pulse.start for pulse in bar.pulses}
    for beat in [beat for beat, mark in tokens.items() if mark == "R" and beat not in pulses and beat not in kicked]:
        near = [kick for kick in free if abs(kick - beat) <= step]
        if near:
            tokens[near[0]] = tokens.pop(beat)
            free.remove(near[0])
    for kick in free:
        if dice.chance(0.25 + 0.5 * bar.energy, "join", bar.number, kick) and plan.step_s >= _FASTEST_S:
            tokens[kick] = "R"
    return tokens


def _spaced(tokens: list[Token], plan: Plan, changes: set[Fraction]) -> list[Token]:
    """Leave out what comes too soon after another note; a new chord's root is never left out."""
    gap = plan.beats_of(_FASTEST_S)
    kept: list[Token] = []
    for beat, mark in tokens:
        if kept and beat - kept[-1][0] < gap:
            if beat not in changes:
                continue
            kept.pop()
        kept.append((beat, mark))
    return kept


def _roots(plan: Plan, dice: Dice) -> dict[Fraction, int]:
    """The pitch of each chord's root, by the chord's start: near the one before, near home, now and then elsewhere."""
    roots: dict[Fraction, int] = {}
    before = _HOME
    for span in plan.chords:
        choices = [pitch for pitch in range(LOWEST, 48) if pitch % 12 == span.chord.bass_class]

        def cost(pitch: int, span: ChordSpan = span, before: int = before) -> float:
            whim = 3 * dice.uniform("root", span.start, pitch)
            return 0.5 * abs(pitch - before) + 0.5 * abs(pitch - _HOME) + whim

        before = roots[span.start] = min(choices, key=cost)
    return roots


def _pitch(
    plan: Plan,
    mark: str,
    span: ChordSpan,
    beat: Fraction,
    following: Fraction,
    roots: dict[Fraction, int],
    events: list[Event],
    dice: Dice,
) -> int | None:
    root = roots[span.start]
    if mark == "a":
        change = plan.change_after(beat)
        other = change is not None and change.chord.bass_class != span.chord.bass_class
        if change is not None and other and change.start <= following:
            return _approach(plan, roots[change.start], events[-1].pitch if events else root, dice, beat)
        mark = dice.pick("58R", "instead", beat)
    if mark == "g":
        return events[-1].pitch if events else root
    return root + interval(span.chord, mark, root)


def interval(chord: Chord, mark: str, root: int) -> int:
    """Semitones from the chosen root to the note that a mark names; under a foreign bass only octaves are safe."""
    if chord.bass is not None and mark != "8":
        return 0
    tones = chord.intervals
    if mark == "8":
        return 12 if root + 12 <= HIGHEST else 0
    if mark == "5":
        fifth = next((tone for tone in (7, 6, 8) if tone in tones), 0)
        return fifth - 12 if fifth and root + fifth - 12 >= LOWEST and root > 36 else fifth
    if mark == "3":
        return next((tone for tone in (4, 3, 5, 2) if tone in tones), 0)
    if mark == "6":
        return next((tone for tone in (9, 8, 10) if tone in tones), 9 if 4 in tones or 3 not in tones else 10)
    if mark == "7":
        return next((tone for tone in (10, 11, 9, 7) if tone in tones), 12)
    return 0


def _approach(plan: Plan, target: int, before: int, dice: Dice, beat: Fraction) -> int:
    """A note that leads into `target`: a semitone or a scale step below or above, or its fifth."""
    scale = set(plan.key.scale)
    below, above = target - 1, target + 1
    steps = [pitch for pitch in (target - 2, target + 2) if pitch % 12 in scale] or [below]
    options = [below, above, *steps, target + 7 if target + 7 <= 48 else target - 5]
    weights = [1.0 if below % 12 in scale else 0.7, 0.8, *([1.0] * len(steps)), 0.4]
    weights = [weight * (0.3 if pitch == before else 1.0) for weight, pitch in zip(weights, options, strict=True)]
    return max(dice.weighted(options, weights, "approach", beat), LOWEST)


def _duration(plan: Plan, bar: PlanBar, mark: str, beat: Fraction, following: Fraction) -> Fraction:
    gap = following - beat
    if mark == "g":
        return max(min(plan.beats_of(0.06), gap * 9 / 10), SHORTEST)
    held = gap * Fraction(plan.style.bass.held).limit_denominator(100)
    if bar.final:
        return max(on_grid(gap), SHORTEST)
    if mark in plan.style.bass.short:
        held = gap * 6 / 10
    return max(on_grid(held), SHORTEST)
