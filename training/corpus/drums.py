"""Human drums: the Groove MIDI Dataset's performances, mapped to General MIDI and warped to a song's beats.

A performance was played to a click, so its notes are positions in beats; they are laid on another
song's beats by straight lines between neighbours, which keeps the player's timing inside the beat
(Gillick et al. 2019, "Learning to Groove with Inverse Sequence Transformations").
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from . import midifile
from .manifest import Row
from .song import DRUM_S, Part, empty_part, tidy

# The Roland TD-11 sends its own numbers for rims and edges; General MIDI has one sound for both.
TD11_TO_GM: Final[dict[int, int]] = {
    36: 36, 38: 38, 40: 38, 37: 37,  # kick, snare head, snare rim, cross-stick
    48: 50, 50: 50, 45: 47, 47: 47, 43: 43, 58: 43,  # toms 1 to 3, head and rim
    46: 46, 26: 46, 42: 42, 22: 42, 44: 44,  # hi-hat open, closed (bow, edge) and pedal
    49: 49, 55: 49, 57: 57, 52: 57,  # crashes 1 and 2
    51: 51, 59: 51, 53: 53,  # ride bow, edge and bell
}  # fmt: skip

# The styles of the drummers in the app's genres; styles not listed have their own name or none.
STYLE_GENRE: Final[dict[str, str]] = {
    "punk": "rock", "neworleans": "jazz", "gospel": "soul", "dance": "electronic", "world": "latin",
}  # fmt: skip

EARLY_BEATS: Final = 0.12  # a hit this much before a bar belongs to it
WITHIN_OCTAVES: Final = 0.33  # how far, in log2 of tempo, a performance may be stretched


@dataclass(frozen=True)
class DrumTake:
    """One performance in 4/4: hits [N, 3] of beat, GM pitch, velocity."""

    source: str
    genre: str
    bpm: float
    bars: int
    hits: NDArray[np.float64]


def takes_of(rows: list[Row], split: str, genres: tuple[str, ...]) -> list[Row]:
    """The rows of whole 4/4 performances (no fills) of a split in the wanted genres."""
    return [
        row
        for row in rows
        if row.corpus == "groove" and row.split == split and row.kind == "drums_human_beat"
        and row.time_signature == "4/4" and row.duration_s >= 16
        and STYLE_GENRE.get(row.genre, row.genre) in genres
    ]  # fmt: skip


@lru_cache(maxsize=64)
def load_take(path: Path, source: str, genre: str, bpm: float) -> DrumTake:
    """Read one performance; its beats are those of the click it was played to."""
    part = midifile.load(path).by_program.get(midifile.DRUMS, empty_part())
    beat = part[:, 0] * bpm / 60.0
    pitch = np.array([TD11_TO_GM.get(int(p), 0) for p in part[:, 2]])
    hits = np.stack([beat, pitch, part[:, 3]], axis=1)[pitch > 0]
    bars = max(int((hits[:, 0].max(initial=0.0) + 0.5) // 4), 1)
    return DrumTake(source, STYLE_GENRE.get(genre, genre), bpm, bars, hits)


def choose(takes: list[Row], bpm: float, rng: np.random.Generator) -> Row | None:
    """A performance near the tempo: one of those within `WITHIN_OCTAVES`, else one of the four nearest."""
    if not takes:
        return None
    distance = np.array([abs(np.log2(float(row.tempo_bpm) / bpm)) for row in takes])
    near = np.flatnonzero(distance <= WITHIN_OCTAVES)
    if not len(near):
        near = np.argsort(distance, kind="stable")[:4]
    return takes[int(rng.choice(near))]


def warp(
    take: DrumTake, beats_s: NDArray[np.float64], downbeats: tuple[float, ...], first_bar: int, skip_bars: int = 0
) -> Part:
    """The performance from its bar `first_bar`, laid on a song's beats bar by bar; it starts again at its end.

    `beats_s` are the song's quarter notes, `downbeats` the positions of its bars (of four beats);
    the first `skip_bars` bars are left silent.
    """
    places = np.arange(len(beats_s), dtype=np.float64)
    out: list[tuple[float, float, float, float]] = []
    for number, bar in enumerate(downbeats):
        if number < skip_bars:
            continue
        following = downbeats[number + 1] if number + 1 < len(downbeats) else bar + 4
        start = 4.0 * ((first_bar + number - skip_bars) % take.bars)
        inside = (take.hits[:, 0] >= start - EARLY_BEATS) & (take.hits[:, 0] < start + 4 - EARLY_BEATS)
        for beat, pitch, velocity in take.hits[inside]:
            if beat - start >= following - bar - EARLY_BEATS:
                continue
            onset = _at(bar + beat - start, places, beats_s)
            if onset >= 0:
                out.append((onset, onset + DRUM_S, pitch, velocity))
    return np.asarray(out) if out else empty_part()


def _at(beat: float, places: NDArray[np.float64], beats_s: NDArray[np.float64]) -> float:
    """Seconds of a beat; before the first and after the last the nearest slope goes on."""
    index = int(np.clip(np.floor(beat), 0, len(beats_s) - 2))
    return float(beats_s[index] + (beat - index) * (beats_s[index + 1] - beats_s[index]))


def tidy_drums(part: Part) -> Part:
    """Drum notes sorted, doubles merged, each with a drum's fixed length."""
    return tidy(part, drums=True)
