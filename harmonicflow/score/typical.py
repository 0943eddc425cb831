"""What players do: the mean of each control over the songs of the training corpus, by part and genre.

Of each song its bars that sound, of each genre thirty songs; drums are people's alone, as many as there are (blues one,
country two, reggae three).
"""

from __future__ import annotations

from statistics import fmean
from typing import Final

from harmonicflow.core.constants import GENRES

SPREAD: Final[dict[str, dict[str, float]]] = {
    "density": {"bass": 0.14, "drums": 0.12, "guitar": 0.15, "piano": 0.18},
    "complexity": {"bass": 0.14, "drums": 0.16, "guitar": 0.17, "piano": 0.17},
    "register": {"bass": 0.06, "drums": 0.0, "guitar": 0.11, "piano": 0.06},
    "loudness": {"bass": 0.08, "drums": 0.13, "guitar": 0.12, "piano": 0.08},
}
"""Standard deviation of a control among songs of all genres."""

# A column for each of GENRES:
# rock, pop, funk, jazz, latin, soul, hiphop, blues, reggae, country, afrobeat, electronic, metal
TYPICAL: Final[dict[str, dict[str, tuple[float, ...]]]] = {
    "density": {
        "bass": (0.76, 0.59, 0.73, 0.55, 0.52, 0.75, 0.58, 0.63, 0.67, 0.51, 0.72, 0.72, 0.78),
        "drums": (0.67, 0.60, 0.78, 0.65, 0.81, 0.69, 0.74, 0.83, 0.69, 0.76, 0.77, 0.77, 0.52),
        "guitar": (0.64, 0.73, 0.76, 0.39, 0.51, 0.58, 0.48, 0.57, 0.49, 0.72, 0.74, 0.55, 0.65),
        "piano": (0.44, 0.60, 0.41, 0.27, 0.53, 0.56, 0.44, 0.59, 0.65, 0.58, 0.46, 0.45, 0.46),
    },
    "complexity": {
        "bass": (0.31, 0.23, 0.37, 0.07, 0.31, 0.35, 0.41, 0.19, 0.24, 0.10, 0.31, 0.39, 0.22),
        "drums": (0.52, 0.45, 0.58, 0.61, 0.61, 0.49, 0.54, 0.64, 0.53, 0.55, 0.51, 0.59, 0.20),
        "guitar": (0.27, 0.44, 0.42, 0.05, 0.35, 0.32, 0.37, 0.24, 0.42, 0.34, 0.38, 0.28, 0.24),
        "piano": (0.16, 0.23, 0.35, 0.47, 0.35, 0.24, 0.29, 0.34, 0.41, 0.15, 0.35, 0.35, 0.12),
    },
    "register": {
        "bass": (0.22, 0.23, 0.25, 0.29, 0.21, 0.26, 0.22, 0.27, 0.23, 0.23, 0.25, 0.19, 0.16),
        "guitar": (0.30, 0.36, 0.52, 0.32, 0.42, 0.53, 0.49, 0.23, 0.54, 0.34, 0.54, 0.45, 0.22),
        "piano": (0.51, 0.53, 0.45, 0.54, 0.62, 0.48, 0.50, 0.50, 0.49, 0.57, 0.50, 0.51, 0.51),
    },
    "loudness": {
        "bass": (0.78, 0.76, 0.68, 0.66, 0.75, 0.74, 0.77, 0.74, 0.74, 0.75, 0.76, 0.73, 0.83),
        "drums": (0.59, 0.56, 0.49, 0.57, 0.48, 0.54, 0.58, 0.43, 0.43, 0.47, 0.67, 0.51, 0.83),
        "guitar": (0.71, 0.63, 0.43, 0.53, 0.60, 0.55, 0.59, 0.66, 0.56, 0.62, 0.60, 0.67, 0.75),
        "piano": (0.70, 0.66, 0.61, 0.56, 0.61, 0.62, 0.61, 0.62, 0.59, 0.61, 0.61, 0.62, 0.71),
    },
}


def typical(control: str, part: str, genre: str) -> float:
    """What players of a genre do, of an unknown one what those of all do."""
    row = TYPICAL[control][part]
    return row[GENRES.index(genre)] if genre in GENRES else fmean(row)


if any(len(row) != len(GENRES) for control in TYPICAL.values() for row in control.values()):
    raise ImportError("every genre has a column")
