"""What the learned composer is told to aim at: controls of every part and cell.

A part goes on as it does in the bars that are kept. One that begins does what players of the genre do, a little
different in every take, and more where the form has more energy. A musician's share of 0.5 is what they do, 0 and 1 lie
two standard deviations (among songs) away; an emotion and an energy curve move it.

Shapes: P part, K cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from .cell_features import CONTROLS
from .cells import CELL_PARTS, Floats
from .dice import Dice
from .emotion import Emotion, Targets
from .form import Form
from .steering import Steering
from .typical import SPREAD, TYPICAL, typical

REACH: Final = 2.0  # standard deviations from the middle of a share to its ends
VARIETY: Final = 1.0  # standard deviations that a take may lie away from what is usual, most often near 0
ENERGY: Final = 0.5  # standard deviations from a bar of usual energy to the fullest
# Players' own unevenness rather than an arranger's: drums were played by people in every genre; where people wrote the
# other parts it was rock and metal for games, and asking for that would bend all genres towards it.
HUMAN: Final = {"drums": 1.0}
STEERED: Final = ("density", "complexity", "register", "loudness")
BY_ENERGY: Final = ("density", "loudness")


def aims_of(
    form: Form,
    steering: Steering,
    emotion: Emotion | None,
    genre: str,
    parts: Sequence[str],
    kept: Mapping[str, Floats],
) -> dict[str, Floats]:
    """Arrays [P, K] by name of CONTROLS, NaN where nothing is told; only `parts` are told anything.

    `kept` by name of STEERED, [P]: what each part does in the bars that are kept, NaN for nothing.
    """
    out = {name: np.full((len(CELL_PARTS), form.grid.cells), np.nan, np.float32) for name in CONTROLS}
    targets = Targets.of(emotion)
    for row, part in enumerate(CELL_PARTS):
        if part not in parts:
            continue
        out["human"][row] = HUMAN.get(part, np.nan)
        for name in (name for name in STEERED if part in TYPICAL[name]):
            share, spread = steering.share(name, part), SPREAD[name][part]
            aim = typical(name, part, genre)
            goes_on = share is None and bool(np.isfinite(kept[name][row]))
            if share is not None:
                aim += 2 * REACH * spread * (share - 0.5)
            elif not goes_on:
                aim += VARIETY * spread * Dice(form.seed, part).wobble("aim", name)
            if emotion is not None:
                aim += getattr(targets, name) * spread
            if goes_on:  # what is kept may have been written in this very emotion
                aim = float(kept[name][row]) if emotion is None else (float(kept[name][row]) + aim) / 2
            curve = REACH if steering.energy else ENERGY
            bars = 2 * curve * spread * (form.energy() - 0.5) if name in BY_ENERGY else 0.0
            out[name][row] = np.clip(aim + bars, 0.02, 0.98)
    return out
