"""Chord charts, lead sheets and progressions as bars of chords that can be laid on any meter."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from harmonicflow.core.meters import Meter
from harmonicflow.score.chords import ChordSpan, parse_chord

from .chordnames import from_degree, from_harte, from_musicxml
from .manifest import Row, lines_by_id

# Meters of the charts that the arranger is asked for; a bar of any other is played as one of 4/4.
OWN_METERS: Final = ("4/4", "3/4", "6/8", "12/8")
_EIGHTH: Final = Fraction(1, 2)


@dataclass(frozen=True)
class ChartBar:
    """One bar: chords with their places in it, 0 <= place < 1; the first has place 0."""

    chords: tuple[tuple[Fraction, str], ...]


@dataclass(frozen=True)
class Chart:
    """A song's harmony; `starts` are bars on which a section begins."""

    bars: tuple[ChartBar, ...]
    starts: tuple[int, ...]
    meter: str
    tempo_bpm: float | None  # quarter notes a minute
    genre: str | None


def load_chart(folder: Path, row: Row, rng: np.random.Generator) -> Chart:
    """The chart of a row of the manifest; a progression gets a random tonic. Raises ValueError without chords."""
    line = _line(folder, row)
    loaders = {"chord_chart": _billboard, "leadsheet": _leadsheet}
    bars, starts, meter, tempo = loaders[row.kind](line) if row.kind in loaders else _progression(line, rng)
    if not bars:
        raise ValueError(f"{row.path} has no chords")
    return Chart(bars, starts or (0,), meter if meter in OWN_METERS else "4/4", tempo, row.label_genre)


def _line(folder: Path, row: Row) -> dict[str, Any]:
    """The row's line: "file.jsonl#id", or, for a lead sheet, the line behind "midi/id_Title.mid"."""
    if row.kind == "leadsheet":
        return lines_by_id(folder / row.corpus / "leadsheets.jsonl")[Path(row.path).stem.partition("_")[0]]
    name, _, key = row.path.partition("#")
    return lines_by_id(folder / name)[key]


_Loaded = tuple[tuple[ChartBar, ...], tuple[int, ...], str, float | None]


def _billboard(line: dict[str, Any]) -> _Loaded:
    bars: list[ChartBar] = []
    starts: list[int] = []
    held: str | None = None
    for section in line["sections"]:
        starts.append(len(bars))
        for texts in section["bars"]:
            names = [from_harte(text) for text in texts if "/" not in text[:2] and not text[:1].isdigit()]
            chords = []
            for place, name in enumerate(names):
                held = name or held
                if held is not None:
                    chords.append((Fraction(place, len(names)), held))
            if chords:
                bars.append(ChartBar(_joined(chords)))
    meter = line["metre"]
    unit = Fraction(4, int(meter.split("/")[1]))  # the tempo counts the meter's own beats
    return tuple(bars), tuple(sorted({s for s in starts if s < len(bars)})), meter, float(line["tempo_bpm"] * unit)


def _leadsheet(line: dict[str, Any]) -> _Loaded:
    meter = line["time_signature"]
    length = Meter.parse(meter).beats
    bars: list[list[tuple[Fraction, str]]] = [[] for _ in range(int(line["length_beats"] / length))]
    for onset, root, kind, bass in line["chords"]:
        bar, inside = divmod(Fraction(onset).limit_denominator(48), length)
        if bar < len(bars):
            bars[bar].append((inside / length, from_musicxml(root, kind, bass)))
    held: str | None = None
    out = []
    for chords in bars:
        if held is not None and (not chords or chords[0][0] > 0):
            chords.insert(0, (Fraction(0), held))
        if chords:
            held = chords[-1][1]
            out.append(ChartBar(_joined(chords)))
    return tuple(out), (), meter, line["tempo_bpm"]


def _progression(line: dict[str, Any], rng: np.random.Generator) -> _Loaded:
    tonic = int(rng.integers(12))
    names = [from_degree(degree, tonic, line["mode"] == "minor") for degree in line["degrees"]]
    return tuple(ChartBar(((Fraction(0), name),)) for name in names), (), "4/4", None


def _joined(chords: list[tuple[Fraction, str]]) -> tuple[tuple[Fraction, str], ...]:
    """A bar's chords, repeated names and second chords of one place left out, the first moved to the bar's start."""
    out: list[tuple[Fraction, str]] = []
    for place, name in chords:
        if not out:
            out.append((Fraction(0), name))
        elif name != out[-1][1] and place > out[-1][0]:
            out.append((place, name))
    return tuple(out)


def lay(chart: Chart, first: int, bars: int, meter: Meter, shift: int) -> tuple[ChordSpan, ...]:
    """`bars` bars from bar `first` on (from the start again at the end), in beats, transposed by `shift`.

    Chords inside a bar move to the nearest eighth, so that half a bar of 7/8 falls on one.
    """
    marks: list[tuple[Fraction, str]] = []
    for number in range(bars):
        bar = chart.bars[(first + number) % len(chart.bars)]
        for place, name in bar.chords:
            inside = round(place * meter.beats / _EIGHTH) * _EIGHTH
            start = number * meter.beats + inside
            if inside < meter.beats and (not marks or (start > marks[-1][0] and name != marks[-1][1])):
                marks.append((start, name))
    ends = [start for start, _ in marks[1:]] + [bars * meter.beats]
    return tuple(
        ChordSpan(start, end - start, parse_chord(name).transposed(shift))
        for (start, name), end in zip(marks, ends, strict=True)
    )
