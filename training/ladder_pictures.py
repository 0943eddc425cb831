"""Pictures of the codec's ladder: spectrograms of truth and copies side by side, and waveforms around drum onsets.

Few colours and few pixels, so that a page's pictures stay small. matplotlib's figures only: no display is needed.

Shapes: T sample at 44.1 kHz, N frame, F frequency bin.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.analysis.fidelity import Truth, levels_before_db
from harmonicflow.analysis.spectra import magnitudes
from harmonicflow.core.constants import SAMPLE_RATE
from harmonicflow.core.instruments import INSTRUMENTS

from .corpus.pictures import need_matplotlib
from .ladder_scores import CODEC, GRIFFIN_LIM, TRUTH

if TYPE_CHECKING:
    # Where matplotlib is not installed the types are unknown, and that is no error.
    from matplotlib.axes import Axes  # type: ignore[import-not-found,unused-ignore]
    from matplotlib.figure import Figure  # type: ignore[import-not-found,unused-ignore]

Sound = NDArray[np.float32]

SHOWN: Final = {TRUTH: "truth", CODEC: "codec", GRIFFIN_LIM: "mel + Griffin-Lim"}
SECONDS: Final = 3.0
SIZE, HOP_SAMPLES = 2_048, 512
LOW_HZ, HIGH_HZ = 40.0, 18_000.0
ROWS: Final = 160  # of a spectrogram, evenly spaced in octaves
DYNAMICS_DB: Final = 80.0
COLOURS: Final = 20  # a step is 4 dB
ONSETS: Final = 4
ZOOM_S: Final = (0.030, 0.030)  # before and after an onset
DPI: Final = 90


def draw(exhibits: dict[str, dict[str, Sound]], folder: Path, stems: tuple[str, ...]) -> dict[str, Path]:
    """Write `codec_<column>.png` for the stems and the mix and `codec_onsets.png`; what was drawn, by column.

    Raises `missing_package` where matplotlib is not installed.
    """
    need_matplotlib()
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {}
    for column in (*stems, "mix"):
        if column in exhibits:
            drawn[column] = folder / f"codec_{column}.png"
            _save(spectrograms(exhibits[column]), drawn[column])
    struck = next((stem for stem in stems if not INSTRUMENTS[stem].pitched and stem in exhibits), None)
    if struck is not None:
        figure = attacks(exhibits[struck])
        if figure is not None:
            drawn["onsets"] = folder / "codec_onsets.png"
            _save(figure, drawn["onsets"])
    return drawn


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=DPI, metadata={"Software": None}, pil_kwargs={"optimize": True})


# --------------------------------------------------------------------------------------------------------- spectrograms


def spectrograms(sounds: dict[str, Sound]) -> Figure:
    """Truth and copies of one sound side by side: its loudest three seconds, one scale for all."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    start = loudest_start(sounds[TRUTH], SECONDS)
    part = slice(start, start + round(SECONDS * SAMPLE_RATE))
    levels = {name: log_spectrogram(sounds[rung][part]) for rung, name in SHOWN.items() if rung in sounds}
    top = next(iter(levels.values())).max()
    figure = Figure(figsize=(10, 3.2))  # placed by hand: matplotlib's layouts cost more than all the rest
    panels = figure.subplots(1, len(levels), sharey=True, squeeze=False)[0]
    figure.subplots_adjust(left=0.06, right=0.92, bottom=0.15, top=0.9, wspace=0.06)
    octaves = np.log2(HIGH_HZ / LOW_HZ)
    for panel, (name, level) in zip(panels, levels.items(), strict=True):
        panel.imshow(
            level, aspect="auto", origin="lower", cmap=colormaps["magma"].resampled(COLOURS), vmin=top - DYNAMICS_DB,
            vmax=top, extent=(0, SECONDS, 0, octaves), interpolation="nearest",
        )  # fmt: skip
        panel.set_title(name, fontsize=10)
        panel.set_xticks(range(round(SECONDS)))
        panel.set_xlabel("s", fontsize=8)
        panel.tick_params(labelsize=8)
    marks = [100, 1000, 10_000]
    panels[0].set_yticks([float(np.log2(hz / LOW_HZ)) for hz in marks], ["100 Hz", "1 kHz", "10 kHz"])
    place = figure.add_axes((0.93, 0.15, 0.012, 0.75))
    bar = figure.colorbar(panels[0].images[0], cax=place, ticks=[top - DYNAMICS_DB, top - DYNAMICS_DB / 2, top])
    bar.ax.set_yticklabels([f"-{DYNAMICS_DB:.0f} dB", f"-{DYNAMICS_DB / 2:.0f}", "0"], fontsize=8)
    return figure


def log_spectrogram(x_T: Sound) -> NDArray[Any]:
    """Levels in dB [160, N], rows evenly spaced in octaves: the largest bin of each row, or the nearest."""
    count = len(x_T) // HOP_SAMPLES
    mag_NF = magnitudes(x_T, 0, HOP_SAMPLES, count, SIZE)
    edges = LOW_HZ * (HIGH_HZ / LOW_HZ) ** (np.arange(ROWS + 1) / ROWS) * SIZE / SAMPLE_RATE
    low = np.round(edges[:-1]).astype(int)
    high = np.maximum(np.round(edges[1:]).astype(int), low + 1)
    rows = [mag_NF[:, a:b].max(axis=1) for a, b in zip(low, high, strict=True)]
    return 20 * np.log10(np.array(rows) + 1e-7)


def loudest_start(x_T: Sound, seconds: float) -> int:
    """First sample of the loudest stretch, in steps of half a second."""
    length, step = round(seconds * SAMPLE_RATE), SAMPLE_RATE // 2
    total = np.concatenate([[0.0], np.cumsum(np.square(x_T, dtype=np.float64))])
    starts = np.arange(0, max(1, len(x_T) - length + 1), step)
    return int(starts[np.argmax(total[np.minimum(starts + length, len(x_T))] - total[starts])])


# -------------------------------------------------------------------------------------------------------------- onsets


def attacks(sounds: dict[str, Sound]) -> Figure | None:
    """Waveforms 30 ms before and after clear onsets, truth above the copies; None where there is no clear onset."""
    from matplotlib.figure import Figure

    truth = Truth(sounds[TRUTH], SAMPLE_RATE)
    starts = chosen_onsets(truth)
    if not len(starts):
        return None
    shown = {rung: name for rung, name in SHOWN.items() if rung in sounds}
    figure = Figure(figsize=(10, 4.2))
    panels = figure.subplots(len(shown), len(starts), sharex=True, squeeze=False)
    figure.subplots_adjust(left=0.03, right=0.99, bottom=0.11, top=0.95, wspace=0.04, hspace=0.25)
    for column, start in enumerate(starts):
        peak = float(np.abs(truth.sound[start : start + round(ZOOM_S[1] * SAMPLE_RATE)]).max())
        for panel, rung in zip(panels[:, column], shown, strict=True):
            _attack(panel, sounds[rung], int(start), peak)
        panels[-1, column].set_xlabel("ms from the onset", fontsize=8)
    for panel, name in zip(panels[:, 0], shown.values(), strict=True):
        panel.set_ylabel(name, fontsize=9)
    return figure


def _attack(panel: Axes, x_T: Sound, start: int, peak: float) -> None:
    first, last = start - round(ZOOM_S[0] * SAMPLE_RATE), start + round(ZOOM_S[1] * SAMPLE_RATE)
    times_ms = (np.arange(first, last) - start) / SAMPLE_RATE * 1000
    before_db = float(levels_before_db(x_T, [start], SAMPLE_RATE)[0])
    panel.axvspan(-21, -1, color="0.92", linewidth=0)
    panel.plot(times_ms, x_T[first:last], linewidth=0.7, color="#3b0f70")
    panel.set_ylim(-1.1 * peak, 1.1 * peak)
    panel.set_yticks([])
    panel.tick_params(labelsize=8)
    panel.set_title(f"{before_db:.0f} dB before", fontsize=8, loc="left", pad=2)


def chosen_onsets(truth: Truth) -> NDArray[np.intp]:
    """Of the clear onsets those with the least before them, in order of time."""
    starts = truth.clear_starts
    inside = starts[(starts > ZOOM_S[0] * SAMPLE_RATE) & (starts < len(truth.sound) - ZOOM_S[1] * SAMPLE_RATE)]
    quietest = np.argsort(levels_before_db(truth.sound, inside, SAMPLE_RATE), kind="stable")[:ONSETS]
    return np.sort(inside[quietest])
