"""Piano rolls: what people play over some chords, and what composers write for the same request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from harmonicflow.core.constants import DEFAULT_STEMS
from harmonicflow.core.instruments import DRUM_CLASSES, INSTRUMENTS

from ..corpus.pictures import need_matplotlib
from .pieces import DURATION, PITCH, VELOCITY, Piece, classes

if TYPE_CHECKING:
    # Where matplotlib is not installed the types are unknown, and that is no error.
    from matplotlib.axes import Axes  # type: ignore[import-not-found,unused-ignore]
    from matplotlib.figure import Figure  # type: ignore[import-not-found,unused-ignore]

DPI: Final = 60
BARS: Final = 8
DRUM_ROWS: Final = (0, 1, 2, 4, 6, 7, 9, 10, 11)  # drum classes that get a name at the axis


def draw(exhibits: list[tuple[str, dict[str, Piece]]], folder: Path) -> list[tuple[str, Path]]:
    """Write `composer_<number>.png` for each exhibit (title, row -> piece): a column a row, a panel a part.

    Raises `missing_package` where matplotlib is not installed.
    """
    need_matplotlib()
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for number, (title, rows) in enumerate(exhibits, 1):
        path = folder / f"composer_{number}.png"
        rolls(rows).savefig(path, dpi=DPI, metadata={"Software": None}, pil_kwargs={"optimize": True})
        drawn.append((title, path))
    return drawn


def rolls(rows: dict[str, Piece]) -> Figure:
    """The first bars of each piece beside each other."""
    from matplotlib.figure import Figure

    names = [name for name in DEFAULT_STEMS if any(len(piece.part(name)) for piece in rows.values())]
    figure = Figure(figsize=(3.4 * len(rows) + 0.8, 1.5 * len(names) + 0.6))
    panels = figure.subplots(len(names), len(rows), sharey="row", squeeze=False)
    figure.subplots_adjust(left=0.09, right=0.99, bottom=0.06, top=0.94, wspace=0.04, hspace=0.12)
    for name, line in zip(names, panels, strict=True):
        for panel, piece in zip(line, rows.values(), strict=True):
            _roll(panel, piece.cut(0, BARS), name)
        line[0].set_ylabel(name, fontsize=9)
    for panel, title in zip(panels[0], rows, strict=True):
        panel.set_title(title, fontsize=9)
    return figure


def _roll(panel: Axes, piece: Piece, name: str) -> None:
    part, played = piece.part(name), piece.played(name)
    strength = 0.25 + 0.75 * part[:, VELOCITY] / 127
    colour = np.array([int(INSTRUMENTS[name].colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    shades = 1 - strength[:, None] * (1 - colour[None])
    if INSTRUMENTS[name].pitched:
        panel.hlines(part[:, PITCH], played, played + part[:, DURATION], colors=shades, linewidth=2.0)
    else:
        panel.scatter(played, classes(part, name), c=shades, marker="|", s=18, linewidth=1.4)
        panel.set_yticks(DRUM_ROWS, [DRUM_CLASSES[row].name for row in DRUM_ROWS])
        panel.set_ylim(-0.7, len(DRUM_CLASSES) - 0.3)
    for bar in piece.bars:
        panel.axvline(bar, color="#dddddd", linewidth=0.6, zorder=0)
    panel.set_xlim(-0.2, piece.beats + 0.2)
    panel.set_xticks(piece.bars[:-1:2], [str(number) for number in range(1, len(piece.bars), 2)])
    panel.tick_params(labelsize=6, length=2)
