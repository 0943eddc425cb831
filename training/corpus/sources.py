"""Songs as their authors wrote them: each loader turns a row of the manifest into a `Song`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from . import midifile
from .chordnames import from_harte, from_harte_key
from .harmony import find_chords, find_key
from .manifest import Row, lines_by_id
from .song import Part, Song, tidy, transpose

# General MIDI program families of the four stems.
FAMILIES: Final[dict[str, range]] = {"piano": range(0, 8), "guitar": range(24, 32), "bass": range(32, 40)}
TRUST_BEATS: Final = 0.5  # with more onsets off the grid than this, the file's ticks are no beats


def stem_of(program: int) -> str | None:
    """The stem a General MIDI program belongs to; None = one outside the four."""
    if program == midifile.DRUMS:
        return "drums"
    return next((name for name, family in FAMILIES.items() if program in family), None)


def load_original(folder: Path, row: Row, shift: int = 0) -> Song:
    """A band piece as it is; instruments outside the four go to `other`. `shift` transposes, in semitones."""
    midi = midifile.load(folder / row.path)
    gathered: dict[str, list[Part]] = defaultdict(list)
    other: list[tuple[int, Part]] = []
    for program, notes in sorted(midi.by_program.items()):
        name = stem_of(program)
        notes = notes if name == "drums" else transpose(notes, shift)
        if name is None:
            other.append((program, tidy(notes)))
        else:
            gathered[name].append(notes)
    parts = {name: tidy(np.concatenate(rows), name == "drums") for name, rows in gathered.items()}
    trusted = row.offgrid_share <= TRUST_BEATS
    beats, downbeats = (midi.beats_s, midi.downbeats) if trusted else (np.zeros(0), ())
    pitched = [part for name, part in parts.items() if name != "drums"] + [part for _, part in other]
    return Song(
        group=row.group, corpus=row.corpus, source=row.path, split=row.split, seconds=midi.seconds,
        parts=parts, other=tuple(other), beats_s=beats, downbeats=downbeats, meter=midi.meter,
        chords=find_chords(pitched, parts.get("bass"), half_bars(beats, downbeats)),
        key=find_key(pitched), genre=row.label_genre,
    )  # fmt: skip


def load_solo(stem: str) -> Callable[[Path, Row, int], Song]:
    """The loader of pieces in which every track is one instrument."""

    def load(folder: Path, row: Row, shift: int = 0) -> Song:
        midi = midifile.load(folder / row.path)
        notes = tidy(transpose(np.concatenate(list(midi.by_program.values())), shift))
        return Song(
            group=row.group, corpus=row.corpus, source=row.path, split=row.split, seconds=midi.seconds,
            parts={stem: notes}, beats_s=midi.beats_s, downbeats=midi.downbeats, meter=midi.meter,
            chords=find_chords([notes], None, half_bars(midi.beats_s, midi.downbeats)),
            key=find_key([notes]), genre=row.label_genre,
        )  # fmt: skip

    return load


def load_pop909(folder: Path, row: Row, shift: int = 0) -> Song:
    """A POP909 piece: melody, bridge and accompaniment all on the piano, with its own beats and chords."""
    midi = midifile.load(folder / row.path)
    lines = lines_by_id(folder / "pop909" / "annotations.jsonl")
    line = lines[Path(row.path).stem]
    notes = tidy(transpose(np.concatenate(list(midi.by_program.values())), shift))
    triple = line["beats_per_measure"] == "3"
    times = np.array([beat[0] for beat in line["beats"]])
    downbeats = tuple(float(i) for i, beat in enumerate(line["beats"]) if beat[1 if triple else 2])
    chords = ((a, b, from_harte(name, shift)) for a, b, name in line["chords"])
    return Song(
        group=row.group, corpus=row.corpus, source=row.path, split=row.split, seconds=midi.seconds,
        parts={"piano": notes}, beats_s=times, downbeats=downbeats, meter="3/4" if triple else "4/4",
        chords=tuple((a, b, name) for a, b, name in chords if name is not None),
        key=from_harte_key(line["key"], shift), genre="pop",
    )  # fmt: skip


def half_bars(beats_s: NDArray[np.float64], downbeats: tuple[float, ...]) -> NDArray[np.float64]:
    """Edges of half bars in seconds, the grain of chords read from notes; of two seconds without beats."""
    if len(beats_s) < 2 or len(downbeats) < 2:
        return np.zeros(0)
    bars = np.asarray(downbeats)
    middles = (bars[:-1] + bars[1:]) / 2
    edges = np.sort(np.concatenate([bars, middles]))
    return np.asarray(np.interp(edges, np.arange(len(beats_s)), beats_s))
