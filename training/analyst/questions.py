"""The recordings that the analyst's scoreboard asks about: mixes of songs nobody trained on, and their single stems."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.core.constants import DEFAULT_STEMS, SAMPLE_RATE

from ..data import Track, tracks
from .truth import Excerpt, Truth, truth_of

Audio = NDArray[np.float32]

MIX: Final = "mix"
SINGLE: Final = ("guitar", "piano", "drums", "bass")
QUIET: Final = 1e-3  # root mean square of a stem that is not worth a question


@dataclass(frozen=True)
class ScoreOptions:
    """Which recordings are listened to."""

    split: str = "test"
    songs: int = 100  # at most
    seconds: float = 40.0  # of each
    seed: int = 0
    threads: int | None = None


@dataclass(frozen=True)
class Question:
    """A recording and what is true of it, times counted from its start."""

    song: str
    column: str  # MIX, or the stem that plays alone
    sound: Audio
    truth: Truth

    @property
    def seconds(self) -> float:
        return len(self.sound) / SAMPLE_RATE


def questions(corpus: Path, options: ScoreOptions) -> Iterator[Question]:
    """Of each song the mix of its stems, and one stem alone, another kind from song to song."""
    chosen = tracks(corpus, options.split)[: options.songs]
    for number, track in enumerate(chosen):
        labels = track.labels
        if labels is None:
            continue
        truth = truth_of(labels)
        length = min(round(options.seconds * SAMPLE_RATE), track.samples)
        start = (track.samples - length) // 2
        here = _cut(truth, start / SAMPLE_RATE, length / SAMPLE_RATE)
        stems = {part: track.read(part, start, length) for part in DEFAULT_STEMS if part in track.places}
        loud = {part: sound for part, sound in stems.items() if np.sqrt((sound**2).mean()) > QUIET}
        if not loud:
            continue
        yield Question(_name(track), MIX, np.sum(list(loud.values()), axis=0), here)
        order = [SINGLE[(number + place) % len(SINGLE)] for place in range(len(SINGLE))]
        alone = next((part for part in order if part in loud), None)
        if alone is not None and len(loud) > 1:
            yield Question(_name(track), alone, loud[alone], here)


def _name(track: Track) -> str:
    return track.folder.name


def _cut(truth: Truth, start_s: float, seconds: float) -> Truth:
    """The truth of a part of a song."""
    excerpt = Excerpt(start_s, seconds)
    pulses = excerpt.heard(truth.pulses_s)
    inside = (pulses >= 0) & (pulses < seconds)
    first = int(inside.argmax()) if inside.any() else 0
    downbeats = tuple(place - first for place in truth.downbeats if inside[place])
    chords = tuple(
        (max(0.0, start - start_s), min(seconds, end - start_s), chord)
        for start, end, chord in truth.chords
        if end > start_s and start < start_s + seconds
    )
    return Truth(pulses[inside], downbeats, truth.per_bar, chords, truth.key)
