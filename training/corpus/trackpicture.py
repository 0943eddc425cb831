"""A picture of one track: the notes of its four parts above the spectrogram of their sum, beats and chords marked.

Shapes: T sample, N frame, F frequency bin, R row of the picture.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from harmonicflow.analysis.spectra import magnitudes
from harmonicflow.core.constants import DEFAULT_STEMS, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.instruments import DRUM_CLASSES, INSTRUMENTS, drum_class

from .pictures import new_figure, octaves
from .report import read_labels, voices_of
from .sounds import voice_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes  # type: ignore[import-not-found,unused-ignore]
    from matplotlib.figure import Figure  # type: ignore[import-not-found,unused-ignore]

WINDOW_S: Final = 12.0
FEWEST_NOTES: Final = 6  # of a part that counts as playing in the window
SIZE: Final = 4096  # samples of a frame of the spectrogram
HOP: Final = 1024
BANDS_HZ: Final = (40.0, 16_000.0)
ROWS: Final = 160  # with the hop coarse enough for small files
RANGE_DB: Final = 75.0
Labels = dict[str, Any]


def examples(root: Path, split: str, count: int) -> list[Path]:
    """Tracks to draw: spread over those of a split that have all four stems and beats."""
    found = []
    for folder in sorted((root / split).glob("Track*")):
        if all((folder / f"{name}.wav").is_file() for name in DEFAULT_STEMS):
            labels = read_labels(folder)
            if labels and labels["beats_s"]:
                found.append(folder)
    places = np.linspace(0, len(found), min(count, len(found)), endpoint=False) + len(found) / (2 * max(count, 1))
    return [found[min(int(place), len(found) - 1)] for place in places]


def draw_track(folder: Path) -> Figure:
    """The seconds of a track in which most of its parts play. Raises `bad_labels`, `not_audio`."""
    labels = read_labels(folder)
    if labels is None:
        raise HarmonicFlowError("missing_file", path=str(folder / "labels.json"))
    start_s = _busiest(labels)
    figure = new_figure(10, 7)
    notes, drums, sound = figure.subplots(3, 1, sharex=True, height_ratios=(3, 1.6, 3))
    _draw_notes(notes, labels, start_s)
    _draw_drums(drums, labels, start_s)
    _draw_spectrum(sound, _sum(folder, start_s))
    for axes, colour in ((notes, "#000000"), (drums, "#000000"), (sound, "#ffffff")):
        _draw_beats(axes, labels, start_s, colour)
        axes.spines[["top", "right"]].set_visible(False)
    _draw_chords(notes, labels, start_s)
    sound.set_xlim(0, WINDOW_S)
    sound.set_xlabel(f"seconds from {start_s:.1f} s")
    figure.suptitle(_title(folder, labels), fontsize=10)
    return figure


def _title(folder: Path, labels: Labels) -> str:
    tempo = f"{labels['tempo_bpm']:.0f} bpm" if labels["tempo_bpm"] else "no beats"
    words = [folder.name, folder.parent.name, labels["genre"] or "no genre", tempo, labels["meter"], labels["key"]]
    sounds = (f"{name} {voice_name(voice)}" for name, voice in sorted(voices_of(labels).items()))
    return ", ".join(word for word in words if word) + f"\n{', '.join(sounds)}; {Path(labels['sound_font']).stem}"


def _busiest(labels: Labels) -> float:
    """The first bar from which most parts play."""
    beats, last = np.asarray(labels["beats_s"]), max(labels["seconds"] - WINDOW_S, 0.0)
    bars = np.interp(labels["downbeats"], np.arange(len(beats)), beats) if len(beats) else np.zeros(1)
    starts = [float(bar) for bar in bars if bar <= last] or [0.0]

    def playing(start_s: float) -> int:
        counts = (
            sum(start_s <= note[0] < start_s + WINDOW_S for note in notes) for notes in labels["notes"].values()
        )
        return sum(count >= FEWEST_NOTES for count in counts)

    return max(starts, key=playing)  # the first of equals


def _sum(folder: Path, start_s: float) -> NDArray[np.float32]:
    """The stems' sum [T] in the window."""
    length = round(WINDOW_S * SAMPLE_RATE)
    x_T = np.zeros(length, np.float32)
    for path in sorted(folder.glob("*.wav")):
        piece, _ = soundfile.read(path, length, round(start_s * SAMPLE_RATE), dtype="float32")
        x_T[: len(piece)] += piece
    return x_T


def _draw_notes(axes: Axes, labels: Labels, start_s: float) -> None:
    """The pitched parts as bars as long as their notes, the louder the darker."""
    for name in DEFAULT_STEMS:
        row = INSTRUMENTS[name]
        for onset_s, offset_s, pitch, velocity in labels["notes"].get(name, ()) if row.pitched else ():
            if offset_s > start_s and onset_s < start_s + WINDOW_S:
                shade = 0.4 + 0.6 * velocity / 127
                axes.barh(pitch, offset_s - onset_s, 0.8, onset_s - start_s, color=row.colour, alpha=shade)
        if row.pitched:
            axes.plot([], [], color=row.colour, linewidth=5, label=row.name)
    axes.legend(loc="upper right", ncols=3, frameon=True, fontsize=8)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 7)  # for the legend and the chords
    octaves(axes, "y")


def _draw_drums(axes: Axes, labels: Labels, start_s: float) -> None:
    """Strokes in lanes, one for each drum that is heard, the louder the larger."""
    hits = [note for note in labels["notes"].get("drums", ()) if start_s <= note[0] < start_s + WINDOW_S]
    lanes = sorted({drum_class(int(note[2])) for note in hits})
    axes.scatter(
        [note[0] - start_s for note in hits], [lanes.index(drum_class(int(note[2]))) for note in hits],
        s=[4 + 40 * (note[3] / 127) ** 2 for note in hits], color=INSTRUMENTS["drums"].colour, marker="|", linewidths=2,
    )  # fmt: skip
    axes.set_yticks(range(len(lanes)), [DRUM_CLASSES[lane].name for lane in lanes], fontsize=8)
    axes.set_ylim(-0.7, max(len(lanes), 1) - 0.3)


def _draw_spectrum(axes: Axes, x_T: NDArray[np.float32]) -> None:
    picture_RN = log_spectrum(x_T)
    octave = [float(np.log2(hz)) for hz in BANDS_HZ]
    axes.imshow(
        picture_RN, cmap="magma", vmin=-RANGE_DB, vmax=0.0, origin="lower", aspect="auto", interpolation="nearest",
        extent=(0.0, len(x_T) / SAMPLE_RATE, octave[0], octave[1]),
    )  # fmt: skip
    ticks = (50, 100, 200, 500, 1000, 2000, 5000, 10_000)
    axes.set_yticks(np.log2(ticks), [f"{hz:,} Hz" for hz in ticks], fontsize=8)


def log_spectrum(x_T: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean power [R, N] in rows of equal width in octaves over `BANDS_HZ`, dB under the loudest."""
    power_NF = magnitudes(x_T, 0, HOP, max(len(x_T) // HOP, 1), SIZE).astype(np.float64) ** 2
    # A row's power is a difference of the running sum: right for rows narrower than a bin and for wider ones.
    total_NF = np.concatenate([np.zeros((len(power_NF), 1)), np.cumsum(power_NF, axis=1)], axis=1)
    edges = np.geomspace(*BANDS_HZ, ROWS + 1) * SIZE / SAMPLE_RATE + 0.5  # bin k covers k - 1/2 to k + 1/2
    below, share = edges.astype(int), edges % 1
    at_edges_NR = total_NF[:, below] * (1 - share) + total_NF[:, below + 1] * share
    mean_NR = np.diff(at_edges_NR, axis=1) / np.diff(edges)
    loudest = max(float(mean_NR.max()), 1e-12)
    return 10 * np.log10(np.maximum(mean_NR / loudest, 1e-12)).T


def _draw_beats(axes: Axes, labels: Labels, start_s: float, colour: str) -> None:
    """Thin lines at beats, thicker ones at bars."""
    beats = np.asarray(labels["beats_s"], float)
    if not len(beats):
        return
    bars = np.interp(labels["downbeats"], np.arange(len(beats)), beats)
    for times, alpha, width in ((beats, 0.18, 0.6), (bars, 0.5, 1.0)):
        for time in times[(times >= start_s) & (times <= start_s + WINDOW_S)] - start_s:
            axes.axvline(time, color=colour, alpha=alpha, linewidth=width, zorder=0.5 if colour == "#000000" else 2)


def _draw_chords(axes: Axes, labels: Labels, start_s: float) -> None:
    """The chords' names above the notes, where they begin."""
    for begin_s, end_s, name in labels["chords"]:
        if end_s > start_s + 0.3 and begin_s < start_s + WINDOW_S - 0.3:
            axes.annotate(
                name, (max(begin_s - start_s, 0.0), 1.0), xycoords=("data", "axes fraction"), xytext=(2, 2),
                textcoords="offset points", fontsize=8,
            )  # fmt: skip
