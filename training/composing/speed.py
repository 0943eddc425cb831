"""How long a musician waits for notes, in ms on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from statistics import median
from typing import Final

from harmonicflow.score.arrange import Arranger, Composer, ComposeRequest

from .players import free_request

LIMITS_MS: Final = {"hole": 300.0, "long": 5000.0, "first": 200.0}
TITLES: Final = {
    "hole": "a 4-bar hole in one part of 16 bars",
    "long": "64 bars of four parts",
    "first": "the first 2 bars of 64",
}
TRIES: Final = {"hole": 5, "long": 2, "first": 5}
GENRE: Final = "pop"
LONG_BARS: Final = 64
First = Callable[[ComposeRequest], object]  # returns as soon as the first bars are written


def measure(composer: Composer, first: First | None = None) -> dict[str, float]:
    """Median times in ms; without `first` the first bars are ready when all are."""
    finished = Arranger().compose(free_request(GENRE, 16, 1))
    whole = free_request(GENRE, 16, 2)
    hole = replace(whole, chords=finished.chords, stems=("guitar",), known=finished, span=(Fraction(16), Fraction(32)))
    composer.compose(hole)  # the network is loaded once, not at every request
    jobs: dict[str, tuple[Callable[[ComposeRequest], object], ComposeRequest]] = {
        "hole": (composer.compose, hole),
        "long": (composer.compose, free_request(GENRE, LONG_BARS, 3)),
    }
    jobs["first"] = (first or composer.compose, free_request(GENRE, LONG_BARS, 4))
    return {name: round(_median_ms(*job, TRIES[name]), 1) for name, job in jobs.items()}


def _median_ms(work: Callable[[ComposeRequest], object], request: ComposeRequest, tries: int) -> float:
    taken = []
    for turn in range(tries):
        asked = replace(request, seed=request.seed + 100 * turn)
        began = time.perf_counter()
        work(asked)
        taken.append(1000 * (time.perf_counter() - began))
    return median(taken)
