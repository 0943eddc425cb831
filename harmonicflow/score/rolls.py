"""The score as the performer sees it: five piano rolls a stem at the latent rate, version 2.

Planes, each 88 wide (pitched: MIDI pitch - 21; drums: drum class + 16 j for j = 0..4, five places alike but in phase):

    0  active     velocity / 127 in every frame in which the note sounds (a drum counts as sounding for 0.5 s)
    1  onset      velocity / 127 in the frame that holds the onset
    2  position   of that onset inside its frame, 0..1
    3  age        velocity / 127 * exp(-t / 0.5 s), t = from the onset to the frame's end, while it sounds
    4  phase      0..1, the part of a cycle that the place's tone has gone through from the onset to the frame's centre:
                  of the pitch's fundamental in equal temperament; of 40 * 2**j Hz for a drum

A latent frame holds the phases of what sounds in it. An instrument that is played from recordings starts each note at
the same one, so that the time since the onset, counted in cycles, all but says what the frame holds; a network told
velocity and age alone must guess (docs/log.md has what each explains).

And one flag: 1 where the stem's score is known (an empty known score asks for silence).
Shapes: S stem, L latent frame, W = SCORE_WIDTH.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harmonicflow.core.constants import LATENT_RATE
from harmonicflow.core.instruments import DRUM_CLASSES, drum_class
from harmonicflow.core.tempo import Selection

from .grid import seconds_at
from .score import Score

SCORE_V = 2
PITCHES = 88
LOWEST_PITCH = 21
PLANES = 5
ACTIVE, ONSET, POSITION, AGE, PHASE = (slice(plane * PITCHES, (plane + 1) * PITCHES) for plane in range(PLANES))
SCORE_WIDTH = PLANES * PITCHES + 1
DRUM_SECONDS = 0.5
AGE_SECONDS = 0.5  # decay of the age plane
DRUM_OCTAVES = 5
DRUM_HZ = 40.0  # tone of a drum's first place; each further one is an octave higher

_PLACE_OF_DRUM = np.array([drum_class(pitch) for pitch in range(128)])
_PITCH_HZ = 440.0 * 2.0 ** ((np.arange(PITCHES) + LOWEST_PITCH - 69) / 12)


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

    drums = np.array([name == "drums" for name in stems], bool)
    is_drum = drums[stem] if len(stem) else np.zeros(0, bool)
    place = np.where(is_drum, _PLACE_OF_DRUM[np.clip(pitch, 0, 127)], pitch - LOWEST_PITCH)
    offset = np.where(is_drum, onset + DRUM_SECONDS * LATENT_RATE, np.maximum(offset, onset + 1e-6))
    keep = (place >= 0) & (place < PITCHES) & (onset < frames) & (offset > 0)
    # Later onsets first: where two fall into one cell, numpy keeps what is written last, the earliest.
    order = np.flatnonzero(keep)[np.argsort(-onset[keep], kind="stable")]
    stem, place, onset, offset, level = stem[order], place[order], onset[order], offset[order], level[order]

    first = np.floor(onset).astype(np.int64)
    heard = first >= 0
    cells = (stem[heard], first[heard])
    np.maximum.at(out[..., ONSET], (*cells, place[heard]), level[heard].astype(np.float32))
    out[..., POSITION][(*cells, place[heard])] = onset[heard] - first[heard]

    low, high = np.maximum(first, 0), np.minimum(np.ceil(offset).astype(np.int64), frames)
    runs = np.maximum(high - low, 0)
    note = np.repeat(np.arange(len(runs)), runs)
    frame = np.arange(len(note)) - np.repeat(np.cumsum(runs) - runs, runs) + low[note]
    since = frame + 1 - onset[note]  # frames from the onset to the frame's end
    sounding = (stem[note], frame, place[note])
    np.maximum.at(out[..., ACTIVE], sounding, level[note].astype(np.float32))
    age = level[note] * np.exp(-since / (LATENT_RATE * AGE_SECONDS))
    np.maximum.at(out[..., AGE], sounding, age.astype(np.float32))
    hertz = np.where(drums[stem[note]], DRUM_HZ, _PITCH_HZ[place[note]])
    cycles = hertz * (since - 0.5) / LATENT_RATE
    # Of notes in one cell the last to start says the phase: the one before it is damped.
    earliest_first = np.arange(len(note) - 1, -1, -1)
    out[..., PHASE][tuple(index[earliest_first] for index in sounding)] = cycles[earliest_first] % 1
    for row in np.flatnonzero(drums):
        _repeat_drums(out[row])
    return out


def _repeat_drums(out: NDArray[np.float32]) -> None:
    """Fill the further places of the drums of one stem [frames, W]: as the first, the phase of each an octave up."""
    count = len(DRUM_CLASSES)
    for plane in (ACTIVE, ONSET, POSITION, AGE, PHASE):
        places = out[:, plane]
        for octave in range(1, DRUM_OCTAVES):
            first = places[:, :count]
            places[:, octave * count : (octave + 1) * count] = first * 2**octave % 1 if plane == PHASE else first
