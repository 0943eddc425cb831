"""The form of what is to be composed: harmony, sections and their energy, and which bars are to be like which.

A song repeats itself and never quite. A bar recalls the bar at its place in the section's first appearance, or four
bars ago; how alike the two are is drawn, less at the ends of phrases and least before a new section.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Final

import numpy as np

from .arrange import ComposeRequest, harmony_of, nearest_arranged
from .cells import CellGrid, Floats, grid_of
from .chords import ChordSpan
from .dice import Dice
from .emotion import Targets
from .genres import STYLES
from .keys import Key
from .plan import Mood, make_plan
from .score import Section
from .sections import plain_name
from .steering import Steering

# How alike a bar is, by part, to its place in the section's first appearance, to the bar four bars ago, and to the
# section's first bar within the first phrase: the middle half of the bars of the training corpus, on the same chords
# (cell_recall.likeness_of; of the best of 32 bars, of lag 4, and of lags 1 and 2).
RETURNING: Final = {"bass": (0.60, 0.90), "drums": (0.74, 0.96), "guitar": (0.60, 0.90), "piano": (0.45, 0.80)}
PHRASE: Final = {"bass": (0.35, 0.75), "drums": (0.60, 0.92), "guitar": (0.35, 0.78), "piano": (0.25, 0.64)}
OPENING: Final = {"bass": (0.30, 0.70), "drums": (0.55, 0.92), "guitar": (0.32, 0.68), "piano": (0.20, 0.55)}
PHRASE_END: Final = 0.75  # factor in every fourth bar
SECTION_END: Final = 0.5  # factor in a section's last bar
FOUR: Final = 4


@dataclass(frozen=True)
class FormBar:
    """One whole bar. `cells`: its first cell in the grid and the one after its last."""

    number: int  # from 0
    start: Fraction
    end: Fraction
    cells: tuple[int, int]
    section: str  # bars of sections with one name are alike
    appearance: int  # place of its section in the form
    offset: int  # bars into the section
    last: bool  # of its section
    energy: float  # 0..1
    fill: Fraction  # beat from which the drums fill; the bar's end for no fill
    resting: frozenset[str] = frozenset()  # parts that the form lets rest

    @cached_property
    def beats(self) -> Fraction:
        return self.end - self.start


@dataclass(frozen=True)
class Form:
    """Bars, harmony and sections of a request."""

    grid: CellGrid
    bars: tuple[FormBar, ...]
    chords: tuple[ChordSpan, ...]
    key: Key
    sections: tuple[Section, ...]
    seed: int
    asked: bool = False  # the energies are a musician's own

    def energy(self) -> Floats:
        """Of every cell [K]: as asked, or by rank among the bars, as the model knows it."""
        level = np.array([bar.energy for bar in self.bars])
        if not self.asked:
            ordered = np.sort(level)
            ranks = np.searchsorted(ordered, level) + np.searchsorted(ordered, level, side="right")
            level = ranks / (2 * len(level))
        return np.asarray(level[self.grid.bar], np.float32)

    @cached_property
    def _alike(self) -> dict[tuple[str, Fraction], list[FormBar]]:
        """The bars of one section's name and one length."""
        found: dict[tuple[str, Fraction], list[FormBar]] = {}
        for bar in self.bars:
            found.setdefault((bar.section, bar.beats), []).append(bar)
        return found

    def sources(self, bar: FormBar, distant: bool) -> Iterator[tuple[FormBar, Mapping[str, tuple[float, float]]]]:
        """Bars that a bar may be like, the best first, with the range of their likeness by part.

        `distant`: later ones and those of other sections too, for a hole in finished music.
        """
        alike = self._alike[bar.section, bar.beats]
        for other in alike:
            if other.appearance < bar.appearance and other.offset == bar.offset:
                yield other, RETURNING
        for back in (8, 4):
            for other in alike:
                if other.appearance == bar.appearance and other.offset == bar.offset - back:
                    yield other, PHRASE
        if not distant:
            first = next(other for other in alike if other.appearance == bar.appearance)
            if first.offset < bar.offset < FOUR:
                yield first, OPENING
            return
        for other in alike:
            if other.appearance > bar.appearance and other.offset == bar.offset:
                yield other, RETURNING
        for away in (FOUR, -FOUR, 2 * FOUR, -2 * FOUR, 1, -1, 2, -2, 3, -3):
            place = bar.number - away
            if 0 <= place < len(self.bars) and self.bars[place].beats == bar.beats:
                yield self.bars[place], PHRASE if away % FOUR == 0 else OPENING

    def recalled(
        self, bar: FormBar, part: str, there: Callable[[FormBar], bool], distant: bool
    ) -> tuple[FormBar, float] | None:
        """The bar that one part's bar is to be like, of those that are `there`, and how alike; None without any."""
        for other, alike in self.sources(bar, distant):
            if there(other):
                return other, self.likeness(bar, part, *alike[part])
        return None

    def likeness(self, bar: FormBar, part: str, low: float, high: float) -> float:
        """How alike a part's bar is to be to another, drawn from a range and less where phrases end."""
        share = Dice(self.seed, part).uniform("likeness", bar.number)
        end = SECTION_END if bar.last else PHRASE_END if bar.offset % FOUR == FOUR - 1 else 1.0
        return (low + share * (high - low)) * end


def form_of(request: ComposeRequest, steering: Steering) -> Form:
    """The form of a request: what it gives, and what it leaves out made up in its genre and mood."""
    chords, key = harmony_of(request, _made_up)
    selection, known = request.selection, request.known
    grid = grid_of(selection)
    valence, arousal = request.emotion or (0.0, 0.0)
    density, complexity = (steering.mean(name, getattr(request, name)) for name in ("density", "complexity"))
    mood = Mood(valence, arousal, density, complexity)
    plan = make_plan(
        selection, (), known.sections, key, STYLES[nearest_arranged(request.genre)], mood,
        barriers=frozenset({Fraction(0), selection.beats, *(request.span or ())}), seed=request.seed,
        stems=frozenset({*request.stems, *known.parts}),
    )  # fmt: skip
    bars: list[FormBar] = []
    appearance = -1
    for number, bar in enumerate(plan.bars):
        new = number == 0 or bar.phrase == 0
        appearance += new
        first, after = np.searchsorted(grid.bar, (number, number + 1))
        asked = steering.energy_at((number + 0.5) / len(plan.bars))
        fill = bar.pulses[-bar.fill].start if bar.fill else bar.end
        bars.append(
            FormBar(
                number, bar.start, bar.end, (int(first), int(after)), plain_name(bar.section), appearance, bar.phrase,
                number + 1 == len(plan.bars) or plan.bars[number + 1].phrase == 0,
                bar.energy if asked is None else asked, fill, frozenset() if request.span else bar.resting,
            )
        )  # fmt: skip
    return Form(grid, tuple(bars), chords, key, plan.sections, request.seed, bool(steering.energy))


def _made_up(request: ComposeRequest) -> Key:
    """Major or minor by the emotion, else as often as the genre has it."""
    if request.emotion:
        minor = Targets.of(request.emotion).mode == "minor"
    else:
        minor = Dice(request.seed, "harmony").chance(STYLES[nearest_arranged(request.genre)].minor, "mode")
    return Key(9, "minor") if minor else Key(0, "major")
