"""What the learned composer is told to aim at: controls of every part and cell, from steering, emotion and energy.

A musician's share of 0.5 is what players of the genre do, 0 and 1 lie two standard deviations (among songs) away.
Nothing is told where nothing is asked, and the model is free.

Shapes: P part, K cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from .cell_features import CONTROLS
from .cells import CELL_PARTS, Floats
from .emotion import Emotion, Targets
from .form import Form
from .steering import Steering

REACH: Final = 2.0  # standard deviations from the middle of a share to its ends
HUMAN: Final = 1.0  # the players' own unevenness rather than an arranger's
STEERED: Final = ("density", "complexity", "register", "loudness")
BY_ENERGY: Final = ("density", "loudness")

# Mean over the songs of the training corpus of each control in the bars that sound, and its spread among songs; by
# part, and by genre where there are enough songs to say.
SPREAD: Final[dict[str, dict[str, float]]] = {
    "density": {"bass": 0.14, "drums": 0.12, "guitar": 0.15, "piano": 0.18},
    "complexity": {"bass": 0.14, "drums": 0.16, "guitar": 0.17, "piano": 0.17},
    "register": {"bass": 0.06, "drums": 0.0, "guitar": 0.11, "piano": 0.06},
    "loudness": {"bass": 0.08, "drums": 0.13, "guitar": 0.12, "piano": 0.08},
}
TYPICAL: Final[dict[str, dict[str, dict[str, float]]]] = {
    "density": {
        "bass": {"": 0.66, "funk": 0.74, "jazz": 0.60, "latin": 0.59, "pop": 0.58, "rock": 0.72},
        "drums": {"": 0.67, "funk": 0.76, "jazz": 0.58, "latin": 0.84, "pop": 0.69, "rock": 0.62},
        "guitar": {"": 0.65, "funk": 0.76, "jazz": 0.45, "latin": 0.75, "pop": 0.71, "rock": 0.60},
        "piano": {"": 0.55, "funk": 0.49, "jazz": 0.38, "latin": 0.56, "pop": 0.67, "rock": 0.50},
    },
    "complexity": {
        "bass": {"": 0.27, "funk": 0.42, "jazz": 0.09, "latin": 0.32, "pop": 0.24, "rock": 0.26},
        "drums": {"": 0.41, "funk": 0.48, "jazz": 0.41, "latin": 0.63, "pop": 0.43, "rock": 0.30},
        "guitar": {"": 0.32, "funk": 0.42, "jazz": 0.07, "latin": 0.50, "pop": 0.41, "rock": 0.24},
        "piano": {"": 0.30, "funk": 0.35, "jazz": 0.50, "latin": 0.23, "pop": 0.30, "rock": 0.19},
    },
    "register": {
        "bass": {"": 0.22, "funk": 0.25, "jazz": 0.30, "latin": 0.25, "pop": 0.21, "rock": 0.19},
        "guitar": {"": 0.34, "funk": 0.52, "jazz": 0.31, "latin": 0.36, "pop": 0.35, "rock": 0.25},
        "piano": {"": 0.51, "funk": 0.46, "jazz": 0.52, "latin": 0.57, "pop": 0.50, "rock": 0.52},
    },
    "loudness": {
        "bass": {"": 0.74, "funk": 0.67, "jazz": 0.70, "latin": 0.76, "pop": 0.75, "rock": 0.78},
        "drums": {"": 0.61, "funk": 0.52, "jazz": 0.53, "latin": 0.49, "pop": 0.61, "rock": 0.69},
        "guitar": {"": 0.62, "funk": 0.42, "jazz": 0.57, "latin": 0.63, "pop": 0.63, "rock": 0.70},
        "piano": {"": 0.65, "funk": 0.63, "jazz": 0.61, "latin": 0.62, "pop": 0.67, "rock": 0.68},
    },
}


def typical(control: str, part: str, genre: str) -> float:
    """What players of a genre do."""
    row = TYPICAL[control][part]
    return row.get(genre, row[""])


def aims_of(
    form: Form, steering: Steering, emotion: Emotion | None, genre: str, parts: Sequence[str]
) -> dict[str, Floats]:
    """Arrays [P, K] by name of CONTROLS, NaN where nothing is told; only `parts` are told anything."""
    out = {name: np.full((len(CELL_PARTS), form.grid.cells), np.nan, np.float32) for name in CONTROLS}
    targets = Targets.of(emotion)
    energy = form.energy() - 0.5
    for row, part in enumerate(CELL_PARTS):
        if part not in parts:
            continue
        out["human"][row] = HUMAN
        for name in STEERED:
            share, curved = steering.share(name, part), bool(steering.energy) and name in BY_ENERGY
            if part not in TYPICAL[name] or (share is None and emotion is None and not curved):
                continue
            spread = SPREAD[name][part]
            aim = np.full(form.grid.cells, typical(name, part, genre))
            aim += getattr(targets, name) if emotion is not None else 0.0
            aim += 2 * REACH * spread * (share - 0.5) if share is not None else 0.0
            aim += REACH * spread * energy if curved else 0.0
            out[name][row] = np.clip(aim, 0.02, 0.98)
    return out
