"""Builds a corpus: makes the planned tracks that are not there yet, in a few processes."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .manifest import Row, read_manifest
from .plan import Track, plan
from .render import write_track
from .song import Unusable
from .sounds import SOUND_FONTS, draw_sound, presets
from .tracks import make_song


@dataclass(frozen=True)
class BuildOptions:
    """What to build and from what."""

    midi: Path  # the pack: manifest.csv and its folders
    out: Path
    hours: float = 3.0
    seed: int = 0
    jobs: int = 2
    parts: str = "AD"
    sound_fonts: tuple[Path, ...] = SOUND_FONTS  # the first one has the default sound
    varied: float = 0.5  # share of the tracks with other sounds, drawn from all SoundFonts
    audio: bool = True  # False: labels.json and score.mid alone, for the composer


@dataclass(frozen=True)
class Progress:
    """One track is done: made, skipped (there already) or left out, with the reason."""

    track: Track
    outcome: str  # "made" | "there" | "left out"
    reason: str
    done: int
    total: int
    seconds: float


def build(options: BuildOptions, progress: Callable[[Progress], None]) -> None:
    """Make every planned track that is not there; calls `progress` after each. Same options, same bytes."""
    for sound_font in options.sound_fonts if options.audio else ():
        presets(sound_font)  # a missing one is said before the work, not in the middle of it
    tracks = plan(read_manifest(options.midi), options.parts, options.hours, options.seed)
    waiting = []
    for track in tracks:
        if (options.out / track.split / track.name / "labels.json").is_file():
            progress(Progress(track, "there", "", 0, len(tracks), track.seconds))
        else:
            waiting.append(track)
    done = len(tracks) - len(waiting)
    for track, outcome, reason, seconds in _results(waiting, options):
        done += 1
        progress(Progress(track, outcome, reason, done, len(tracks), seconds))


def _results(tracks: list[Track], options: BuildOptions) -> Iterator[tuple[Track, str, str, float]]:
    if options.jobs == 1:
        for track in tracks:
            yield (track, *make_track(track, options))
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, mp_context=context, initializer=end_with_parent) as pool:
        futures: dict[Future[tuple[str, str, float]], Track] = {
            pool.submit(make_track, track, options): track for track in tracks
        }
        for future in as_completed(futures):
            yield (futures[future], *future.result())


def end_with_parent() -> None:
    """End this process when its parent ends, however that comes about.

    A pool whose parent is killed waits for work for ever, after it has made the tracks it was handed, in the way of
    the next build.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=follow, name="follow-parent", daemon=True).start()


def make_track(track: Track, options: BuildOptions) -> tuple[str, str, float]:
    """Make one track; (outcome, reason, seconds)."""
    rng = np.random.default_rng(track.seed)
    try:
        song = make_song(track, options.midi, read_rows(options.midi), rng)
    except (Unusable, ValueError, EOFError, KeyError) as error:
        return "left out", f"{type(error).__name__}: {error}", 0.0
    sound = draw_sound(options.sound_fonts, options.varied if options.audio else 0.0, rng)
    labels = write_track(options.out / track.split / track.name, song, sound, track.seed, options.audio)
    return "made", "", float(labels["seconds"])


_ROWS: dict[Path, list[Row]] = {}


def read_rows(midi: Path) -> list[Row]:
    """The manifest, read once a process."""
    if midi not in _ROWS:
        _ROWS[midi] = read_manifest(midi)
    return _ROWS[midi]
