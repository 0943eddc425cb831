"""What an evaluation listens to: windows of labelled songs, from a bar line on, where the most is played.

Shapes: S stem, T sample at 44.1 kHz. Times of an excerpt count from its first sample.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from harmonicflow.core.constants import HOP, LATENT_RATE, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.score.chords import Chord, parse_chord

from .data import OTHER

Sound = NDArray[np.float32]

FEWEST_ONSETS: Final = 4  # a stem with fewer in the window is not asked about
EDGE_S: Final = 0.15  # onsets this near the window's ends are not asked about: something is cut there
NO_CHORD: Final = frozenset({"", "N", "NC", "N.C.", "X"})


@dataclass(frozen=True)
class Excerpt:
    """A window of a song: everything the score says, and the folder that holds the true audio."""

    name: str
    folder: Path
    start: int  # sample
    frames: int  # latent frames
    notes: dict[str, list[tuple[float, float, int, int]]]  # onset_s, offset_s, pitch, velocity; sounding ones too
    beats_s: list[float]
    downbeats: list[float]
    chords: list[tuple[float, float, Chord]] | None
    key: str | None
    genre: str | None
    emotion: tuple[float, float] | None
    varied: bool  # its programs and kits were drawn at random; False: the default sound, or nothing is said

    @property
    def samples(self) -> int:
        """Length in samples at 44.1 kHz, whole latent frames."""
        return self.frames * HOP

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.samples / SAMPLE_RATE

    @property
    def half_sixteenth_s(self) -> float:
        """Half a sixteenth note at the excerpt's tempo (at 120 BPM where it is not known)."""
        beat_s = float(np.median(np.diff(self.beats_s))) if len(self.beats_s) >= 2 else 0.5
        return beat_s / 8

    def onsets(self, stem: str) -> list[float]:
        """Onsets asked for inside the window."""
        return [note[0] for note in self.notes.get(stem, ()) if 0 <= note[0] < self.seconds]

    def mix(self, stems: Sequence[str]) -> Sound:
        """The true song [T]: these stems and what it has outside them."""
        return np.sum([self.truth(part) for part in (*stems, OTHER)], axis=0, dtype=np.float32)

    def truth(self, stem: str) -> Sound:
        """The true audio [T]; silence where the song has no such part."""
        path = self.folder / f"{stem}.wav"
        out = np.zeros(self.samples, np.float32)
        if path.exists():
            sound, rate = soundfile.read(path, frames=self.samples, start=self.start, dtype="float32", always_2d=True)
            if rate != SAMPLE_RATE:
                raise HarmonicFlowError("bad_rate", what=path, rate=rate, minimum=SAMPLE_RATE, maximum=SAMPLE_RATE)
            out[: len(sound)] = sound.mean(axis=1)
        return out


def choose_excerpts(
    corpus: Path, split: str, stems: tuple[str, ...], songs: int, seconds: float, seed: int, varied: bool = True
) -> list[Excerpt]:
    """One window of each of `songs` songs, the songs drawn by `seed`. Unlabelled and shorter ones are passed over.

    Without `varied` songs of other than the default sound are too: a performer that is told notes and no timbre cannot
    know which piano was drawn. Raises `no_corpus` where none is left.
    """
    folders = sorted(path.parent for path in (Path(corpus) / split).glob("Track*/labels.json"))
    order = np.random.default_rng(seed).permutation(len(folders))
    frames = round(seconds * LATENT_RATE)
    found: list[Excerpt] = []
    for place in order:
        if len(found) == songs:
            break
        excerpt = busiest_window(folders[place], stems, frames)
        if excerpt is not None and (varied or not excerpt.varied):
            found.append(excerpt)
    if not found:
        raise HarmonicFlowError("no_corpus", path=Path(corpus) / split)
    return found


def busiest_window(folder: Path, stems: tuple[str, ...], frames: int) -> Excerpt | None:
    """The window, from a bar line on, in which the most stems play, then the most onsets fall; None if too short."""
    labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    seconds = frames * HOP / SAMPLE_RATE
    beats = np.asarray(labels.get("beats_s") or (), np.float64)
    downbeats = np.asarray(labels.get("downbeats") or (), np.float64)
    lines = np.interp(downbeats, np.arange(len(beats)), beats) if len(beats) else np.zeros(0)
    starts = [float(t) for t in lines if 0 <= t <= labels["seconds"] - seconds] or [0.0]
    if labels["seconds"] < seconds:
        return None
    onsets = {stem: np.array([note[0] for note in labels["notes"].get(stem, ())]) for stem in stems}

    def busy(start: float) -> tuple[int, int]:
        inside = [int(np.sum((times >= start) & (times < start + seconds))) for times in onsets.values()]
        return sum(count >= FEWEST_ONSETS for count in inside), sum(inside)

    start = max(starts, key=busy)
    return _cut(folder, labels, stems, start, frames) if busy(start)[0] else None


def _cut(folder: Path, labels: dict[str, Any], stems: tuple[str, ...], start_s: float, frames: int) -> Excerpt:
    start = round(start_s * SAMPLE_RATE)
    start_s, seconds = start / SAMPLE_RATE, frames * HOP / SAMPLE_RATE
    notes = {
        stem: [
            (on - start_s, off - start_s, int(pitch), int(velocity))
            for on, off, pitch, velocity in labels["notes"].get(stem, ())
            if on < start_s + seconds and off > start_s
        ]
        for stem in stems
    }
    chords = labels.get("chords")
    emotion = labels.get("emotion")
    return Excerpt(
        name=f"{folder.name}@{start_s:.1f}s",
        folder=folder,
        start=start,
        frames=frames,
        notes=notes,
        beats_s=[float(beat) - start_s for beat in labels.get("beats_s") or ()],
        downbeats=[float(beat) for beat in labels.get("downbeats") or ()],
        chords=None if not chords else [
            (a - start_s, b - start_s, parse_chord(name))
            for a, b, name in chords
            if a < start_s + seconds and b > start_s and name.strip().upper() not in NO_CHORD
        ],
        key=labels.get("key"),
        genre=labels.get("genre"),
        emotion=(float(emotion[0]), float(emotion[1])) if emotion else None,
        varied=bool(labels.get("varied")),
    )  # fmt: skip
