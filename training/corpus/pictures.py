"""Pictures of what a corpus holds: hours, sounds, notes, tempi. matplotlib's figures only, so no display is needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from harmonicflow.core.constants import DEFAULT_STEMS
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.instruments import DRUM_CLASSES, INSTRUMENTS, drum_class

from .plan import PARTS
from .report import SplitReport

if TYPE_CHECKING:
    # Where matplotlib is not installed the types are unknown, and that is no error.
    from matplotlib.axes import Axes  # type: ignore[import-not-found,unused-ignore]
    from matplotlib.figure import Figure  # type: ignore[import-not-found,unused-ignore]

SPLIT_COLOURS: Final = {"train": "#44506b", "validation": "#8fa3c8", "test": "#d8a84f"}
DOTS_PER_INCH: Final = 100
TEMPO_STEP_BPM: Final = 10
Splits = dict[str, SplitReport]


def need_matplotlib() -> None:
    """Raises `missing_package` where matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        install = 'python -m pip install "harmonicflow[train]"'
        raise HarmonicFlowError("missing_package", package="matplotlib", install=install)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")


def draw_report(splits: Splits, out: Path) -> list[Path]:
    """Write hours.png, sounds.png, notes.png and tempo.png into `out`; what was written. Raises `disk`."""
    drawings: dict[str, Callable[[Splits], Figure]] = {
        "hours": draw_hours, "sounds": draw_sounds, "notes": draw_notes, "tempo": draw_tempo,
    }  # fmt: skip
    return [save(draw(splits), out / f"{name}.png") for name, draw in drawings.items()]


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG. Raises `disk`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
    except OSError as error:
        raise HarmonicFlowError("disk", path=str(path), reason=error.strerror or str(error)) from error
    return path


def draw_hours(splits: Splits) -> Figure:
    """Hours of every genre and of every part, split by split."""
    figure = new_figure(9, 4)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _stacked(left, {split: _hours(totals.genre_seconds) for split, totals in splits.items()}, "hours by genre")
    names = {part: f"{part}: {text.replace(', ', chr(10), 1)}" for part, text in PARTS.items()}
    parts = {
        split: {names[part]: hours for part, hours in _hours(totals.part_seconds).items()}
        for split, totals in splits.items()
    }
    _stacked(right, parts, "hours by part", list(names.values()))
    left.legend(loc="lower right", frameon=False)
    return figure


def draw_sounds(splits: Splits) -> Figure:
    """How many tracks every instrument is played on which sound."""
    figure = new_figure(9, 8)
    for name, axes in zip(DEFAULT_STEMS, figure.subplots(2, 2).flat, strict=True):
        counts = sum((totals.programs.get(name, Counter()) for totals in splits.values()), Counter[str]())
        rows = counts.most_common()[::-1]
        axes.barh([label for label, _ in rows], [count for _, count in rows], color=INSTRUMENTS[name].colour)
        for place, (_, count) in enumerate(rows):
            axes.annotate(f" {count}", (count, place), va="center", fontsize=7)
        axes.tick_params("y", labelsize=7)
        axes.set_xlim(0, max(counts.values(), default=1) * 1.1)
        _plain(axes, f"{name}: tracks")
    return figure


def draw_notes(splits: Splits) -> Figure:
    """How often every pitch is played, octaves marked; drums by their class."""
    figure = new_figure(9, 6)
    for name, axes in zip(DEFAULT_STEMS, figure.subplots(2, 2).flat, strict=True):
        counts = sum((totals.pitches.get(name, Counter()) for totals in splits.values()), Counter[int]())
        if name == "drums":
            classes: Counter[int] = Counter()
            for pitch, count in counts.items():
                classes[drum_class(pitch)] += count
            labels = [row.name for row in DRUM_CLASSES]
            axes.barh(labels, [classes[number] for number in range(len(labels))], color=INSTRUMENTS[name].colour)
            axes.invert_yaxis()
            axes.tick_params("y", labelsize=8)
        else:
            axes.bar(list(counts), list(counts.values()), width=1.0, color=INSTRUMENTS[name].colour)
            octaves(axes, "x")
        _plain(axes, f"{name}: {counts.total():,} notes")
    return figure


def draw_tempo(splits: Splits) -> Figure:
    """Tracks by tempo and by meter."""
    figure = new_figure(9, 3.2)
    left, right = figure.subplots(1, 2, width_ratios=(3, 1))
    tempi = [totals.tempi_bpm for totals in splits.values()]
    highest = max((max(values) for values in tempi if values), default=200)
    left.hist(
        tempi, np.arange(30, highest + TEMPO_STEP_BPM, TEMPO_STEP_BPM), stacked=True, label=list(splits),
        color=[SPLIT_COLOURS[split] for split in splits],
    )  # fmt: skip
    _plain(left, "tracks by tempo (quarter notes a minute)")
    left.legend(frameon=False)
    _stacked(right, {split: dict(totals.meters) for split, totals in splits.items()}, "tracks by meter")
    return figure


def octaves(axes: Axes, axis: Literal["x", "y"]) -> None:
    """Ticks at every C, with its name (C4 = 60)."""
    low, high = axes.get_xlim() if axis == "x" else axes.get_ylim()
    pitches = [pitch for pitch in range(0, 128, 12) if low <= pitch <= high]
    set_ticks = axes.set_xticks if axis == "x" else axes.set_yticks
    set_ticks(pitches, [f"C{pitch // 12 - 1}" for pitch in pitches])
    axes.grid(axis=axis, color="#00000020")
    axes.set_axisbelow(True)


def _hours(seconds: Counter[str]) -> dict[str, float]:
    return {name: value / 3600 for name, value in seconds.items()}


def _stacked(
    axes: Axes, counts: dict[str, dict[str, float]] | dict[str, dict[str, int]], title: str,
    order: list[str] | None = None,
) -> None:  # fmt: skip
    """Horizontal bars of every name, the splits one behind the other; without an order the longest on top."""
    total: Counter[str] = Counter()
    for row in counts.values():
        for name, value in row.items():
            total[name] += value  # type: ignore[assignment]
    names = order or [name for name, _ in total.most_common()]
    start = np.zeros(len(names))
    for split, row in counts.items():
        length = np.array([row.get(name, 0) for name in names], float)
        axes.barh(names, length, left=start, color=SPLIT_COLOURS[split], label=split)
        start += length
    for place, end in enumerate(start):
        text = f" {end:.2f}" if end % 1 else f" {end:.0f}"
        axes.annotate(text, (end, place), va="center", fontsize=8)
    axes.set_xlim(0, max(start.max(initial=0) * 1.15, 1e-3))
    axes.invert_yaxis()
    axes.tick_params("y", labelsize=8)
    _plain(axes, title)


def _plain(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
