"""What a planned track holds: the song and its window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from . import arranged
from .human import POP_DRUMS, with_human_drums
from .manifest import Row
from .plan import LONGEST_S, TAIL_S, Track
from .song import ONSET, Song, Unusable, window
from .sources import load_original, load_pop909, load_solo

SHORTEST_S: Final = 8.0
FEWEST_NOTES: Final = 8  # a part with fewer in the window is hardly there; a track needs one part with more
SHIFTS: Final = (-4, 5)  # semitones, of songs that are transposed


def make_song(track: Track, midi: Path, rows: list[Row], rng: np.random.Generator) -> Song:
    """The song of a track, cut to its window; raises `Unusable`; ValueError, KeyError, EOFError for broken files."""
    row = track.row
    shift = int(rng.integers(*SHIFTS)) if track.turn or track.part != "A" else 0
    if track.part == "A":
        return cut_window(load_original(midi, row, shift), rng)
    if track.part == "B":
        return arranged.complete(cut_window(load_pop909(midi, row, shift), rng), midi, rows, rng)
    if track.part == "C":
        return arranged.from_chart(row, track.split, midi, rows, rng)
    if row.corpus == "pop909":
        return with_human_drums(cut_window(load_pop909(midi, row, shift), rng), midi, rows, POP_DRUMS, rng)
    stem = "guitar" if row.kind == "guitar_score" else "piano"
    return cut_window(load_solo(stem)(midi, row, shift), rng)


def cut_window(song: Song, rng: np.random.Generator, longest_s: float = LONGEST_S) -> Song:
    """At most `longest_s` of the song from one of the bars after which most of its parts play."""
    bars = song.bars_s if len(song.downbeats) >= 2 else np.arange(0.0, max(song.seconds, 1.0), 4.0)
    bars = bars[(bars >= 0) & (bars < max(song.seconds - SHORTEST_S, 1e-9))]
    if not len(bars):
        raise Unusable("shorter than a window")
    starts = bars if song.seconds > longest_s else bars[:1]
    playing = np.array([_parts_playing(song, start, min(start + longest_s, song.seconds)) for start in starts])
    start = float(rng.choice(starts[playing == playing.max()]))
    if song.seconds - start <= longest_s:
        end = float(song.seconds)
    else:
        end = float(bars[bars <= start + longest_s].max())
    out = window(song, start, end, TAIL_S)
    out = replace(out, parts={name: part for name, part in out.parts.items() if len(part)})
    if out.seconds < SHORTEST_S or not any(len(part) >= FEWEST_NOTES for part in out.parts.values()):
        raise Unusable("no notes in the window")
    return out


def _parts_playing(song: Song, start_s: float, end_s: float) -> float:
    """How many parts play in a span, and a little more the longer it is (so that windows are not cut short)."""
    onsets = (part[:, ONSET] for part in song.parts.values())
    count = sum(int(((times >= start_s) & (times < end_s)).sum() >= FEWEST_NOTES) for times in onsets)
    return count + 0.5 * float(end_s - start_s > 0.75 * min(LONGEST_S, song.seconds))
