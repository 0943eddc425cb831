"""Pictures of what is performed: each stem's true and performed spectrogram, the notes asked for drawn over both.

Shapes: T sample at 44.1 kHz.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from harmonicflow.core.constants import SAMPLE_RATE
from harmonicflow.core.instruments import DRUM_CLASSES, INSTRUMENTS, drum_class

from .corpus.pictures import need_matplotlib
from .excerpts import Excerpt
from .hearing import asked_stems
from .ladder_pictures import HIGH_HZ, LOW_HZ, log_spectrogram, loudest_start
from .rows import Sounds

if TYPE_CHECKING:
    # Where matplotlib is not installed the types are unknown, and that is no error.
    from matplotlib.axes import Axes  # type: ignore[import-not-found,unused-ignore]
    from matplotlib.figure import Figure  # type: ignore[import-not-found,unused-ignore]

SECONDS: Final = 5.0
OCTAVES: Final = float(np.log2(HIGH_HZ / LOW_HZ))
DYNAMICS_DB: Final = 60.0
COLOURS: Final = 8  # few colours and pixels, so that the pictures stay small
DPI: Final = 72


def draw(exhibits: list[tuple[Excerpt, Sounds, Sounds]], folder: Path) -> dict[str, Path]:
    """Write `performer_<number>.png` for each song (excerpt, true, performed); what was drawn, by the song's name.

    Raises `missing_package` where matplotlib is not installed.
    """
    need_matplotlib()
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {}
    for number, (excerpt, truth, made) in enumerate(exhibits, 1):
        path = drawn[excerpt.name] = folder / f"performer_{number}.png"
        figure = side_by_side(excerpt, truth, made)
        figure.savefig(path, dpi=DPI, metadata={"Software": None}, pil_kwargs={"optimize": True})
    return drawn


def side_by_side(excerpt: Excerpt, truth: Sounds, made: Sounds) -> Figure:
    """A row a stem: truth to the left, performed to the right, over the loudest seconds of the true stems' sum."""
    from matplotlib.figure import Figure

    stems = asked_stems(excerpt, tuple(truth))
    start = loudest_start(np.sum([truth[stem] for stem in stems], axis=0), SECONDS)
    part = slice(start, start + round(SECONDS * SAMPLE_RATE))
    figure = Figure(figsize=(10, 0.6 + 1.9 * len(stems)))
    panels = figure.subplots(len(stems), 2, sharex=True, sharey=True, squeeze=False)
    figure.subplots_adjust(left=0.08, right=0.99, bottom=0.08, top=0.95, wspace=0.03, hspace=0.08)
    for stem, row in zip(stems, panels, strict=True):
        top = log_spectrogram(truth[stem][part]).max()
        for panel, sound in zip(row, (truth[stem], made[stem]), strict=True):
            _spectrogram(panel, sound[part], top)
            _asked(panel, stem, excerpt, start / SAMPLE_RATE)
        row[0].set_ylabel(stem, fontsize=9)
    for panel, name in zip(panels[0], ("truth", "performed"), strict=True):
        panel.set_title(name, fontsize=10)
    for panel in panels[-1]:
        panel.set_xlabel("s", fontsize=8)
    return figure


def _spectrogram(panel: Axes, x_T: np.ndarray, top_db: float) -> None:
    from matplotlib import colormaps

    panel.imshow(
        log_spectrogram(x_T), aspect="auto", origin="lower", cmap=colormaps["magma"].resampled(COLOURS),
        vmin=top_db - DYNAMICS_DB, vmax=top_db, extent=(0, SECONDS, 0, OCTAVES), interpolation="nearest",
    )  # fmt: skip
    panel.set_yticks([float(np.log2(hz / LOW_HZ)) for hz in (100, 1000, 10_000)], ["100 Hz", "1 kHz", "10 kHz"])
    panel.tick_params(labelsize=7)


def _asked(panel: Axes, stem: str, excerpt: Excerpt, start_s: float) -> None:
    """Notes as lines at their fundamental; drums as dots, a line a class, in the lower half."""
    pitched = INSTRUMENTS[stem].pitched
    for note in excerpt.notes[stem]:
        onset, offset = note[0] - start_s, note[1] - start_s
        if offset < 0 or onset > SECONDS:
            continue
        if pitched:
            height = float(np.log2(440 * 2 ** ((note[2] - 69) / 12) / LOW_HZ))
            panel.plot([max(onset, 0.0), min(offset, SECONDS)], [height, height], color="#7fe3ff", linewidth=1.0)
        else:
            height = (0.5 + drum_class(note[2])) / len(DRUM_CLASSES) * OCTAVES / 2
            panel.plot([onset], [height], marker="|", markersize=4, color="#7fe3ff")
    panel.set_xlim(0, SECONDS)
    panel.set_ylim(0, OCTAVES)
