"""The score as the performer sees it: four piano rolls a stem at the latent rate, version 1.

Planes, each 88 wide (pitched: MIDI pitch - 21; drums: the 16 drum classes in places 0..15):

    0  active     velocity / 127 in every frame in which the note sounds (a drum counts as sounding for 0.5 s)
    1  onset      velocity / 127 in the frame that holds the onset
    2  position   of that onset inside its frame, 0..1
    3  age        velocity / 127 * exp(-t / 0.5 s), t = from the onset to the frame's end, while it sounds

and one flag: 1 where the stem's score is known (an empty known score asks for silence).
Shapes: S stem, L latent frame, W = SCORE_WIDTH.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harmonicflow.core.constants import LATENT_RATE
from harmonicflow.core.instruments import drum_class
from harmonicflow.core.tempo import Selection

from .grid import seconds_at
from .score import Score

SCORE_V = 1
PITCHES = 88
LOWEST_PITCH = 21
PLANES = 4
SCORE_WIDTH = PLANES * PITCHES + 1
DRUM_SECONDS = 0.5
AGE_SECONDS = 0.5  # decay of the age plane

_PLACE_OF_DRUM = np.array([drum_class(pitch) for pitch in range(128)])


class NoteArrays(NamedTuple):
    """Notes as columns of one length: index into `stems`, seconds, MIDI pitch, velocity 1..127."""

    stem: NDArray[np.int64]
    onset_s: NDArray[np.float64]
    offset_s: NDArray[np.float64]
    pitch: NDArray[np.int64]
    velocity: NDArray[np.int64]


def note_arrays(score: Score, selection: Selection, stems: Sequence[str]) -> NoteArrays:
    """A score's notes in seconds from the selection's first frame, micro-timing included; other parts are left out."""
    index = {name: place for place, name in enumerate(stems)}
    notes = [note for note in score.notes if note.instrument in index]
    starts = seconds_at(selection, np.array([float(note.start) for note in notes], np.float64))
    ends = seconds_at(selection, np.array([float(note.end) for note in notes], np.float64))
    shift = np.array([note.shift_s for note in notes], np.float64)
    return NoteArrays(
        np.array([index[note.instrument] for note in notes], np.int64),
        starts + shift,
        ends + shift,
        np.array([note.pitch for note in notes], np.int64),
        np.array([note.velocity for note in notes], np.int64),
    )


def score_features(
    score: Score, selection: Selection, stems: Sequence[str], frames: int, latent_start: int = 0
) -> NDArray[np.float32]:
    """Planes [S, frames, W] of latent frames `latent_start` on; frame l covers samples [l * HOP, (l + 1) * HOP)."""
    return score_features_seconds(note_arrays(score, selection, stems), stems, frames, latent_start)


def score_features_seconds(
    notes: NoteArrays | tuple[NDArray[np.generic], ...],
    stems: Sequence[str],
    frames: int,
    latent_start: int = 0,
    present: Sequence[bool] | None = None,
) -> NDArray[np.float32]:
    """`score_features` from columns (stem, onset_s, offset_s, pitch, velocity); `present` [S] is True unless given."""
    out = np.zeros((len(stems), frames, SCORE_WIDTH), np.float32)
    out[:, :, -1] = 1.0 if present is None else np.asarray(present, np.float32)[:, None]
    stem = np.asarray(notes[0], np.int64)
    onset, offset = (np.asarray(column, np.float64) * LATENT_RATE - latent_start for column in notes[1:3])  # in frames
    pitch, level = np.asarray(notes[3], np.int64), np.asarray(notes[4], np.float64) / 127.0

    is_drum = np.array([name == "drums" for name in stems], bool)[stem] if len(stem) else np.zeros(0, bool)
    place = np.where(is_drum, _PLACE_OF_DRUM[np.clip(pitch, 0, 127)], pitch - LOWEST_PITCH)
    offset = np.where(is_drum, onset + DRUM_SECONDS * LATENT_RATE, np.maximum(offset, onset + 1e-6))
    keep = (place >= 0) & (place < PITCHES) & (onset < frames) & (offset > 0)
    # Later onsets first: where two fall into one cell, numpy keeps what is written last, the earliest.
    order = np.flatnonzero(keep)[np.argsort(-onset[keep], kind="stable")]
    stem, place, onset, offset, level = stem[order], place[order], onset[order], offset[order], level[order]

    first = np.floor(onset).astype(np.int64)
    heard = first >= 0
    cells = (stem[heard], first[heard])
    np.maximum.at(out, (*cells, PITCHES + place[heard]), level[heard].astype(np.float32))
    out[(*cells, 2 * PITCHES + place[heard])] = onset[heard] - first[heard]

    low, high = np.maximum(first, 0), np.minimum(np.ceil(offset).astype(np.int64), frames)
    runs = np.maximum(high - low, 0)
    note = np.repeat(np.arange(len(runs)), runs)
    frame = np.arange(len(note)) - np.repeat(np.cumsum(runs) - runs, runs) + low[note]
    age = np.exp(-(frame + 1 - onset[note]) / (LATENT_RATE * AGE_SECONDS)) * level[note]
    np.maximum.at(out, (stem[note], frame, place[note]), level[note].astype(np.float32))
    np.maximum.at(out, (stem[note], frame, 3 * PITCHES + place[note]), age.astype(np.float32))
    return out
