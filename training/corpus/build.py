"""Builds a corpus: makes the planned tracks that are not there yet, in a few processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from harmonicflow.core.errors import HarmonicFlowError

from . import drums
from .manifest import Row, read_manifest
from .plan import LONGEST_S, TAIL_S, Track, plan
from .render import Sound, write_track
from .song import Song, window
from .sources import load_original, load_pop909, load_solo

DEFAULT_SOUND_FONT: Final = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
SHORTEST_S: Final = 8.0
FEWEST_NOTES: Final = 8  # a part with fewer in the window is hardly there; a track needs one part with more
POP_DRUMS: Final = ("pop", "rock", "soul", "hiphop")  # styles a drummer may bring to a pop song


class Unusable(Exception):
    """A song that gives no track: too short, or without notes in the window."""


@dataclass(frozen=True)
class BuildOptions:
    """What to build and from what."""

    midi: Path  # the pack: manifest.csv and its folders
    out: Path
    hours: float = 3.0
    seed: int = 0
    jobs: int = 2
    parts: str = "AD"
    sound_font: Path = DEFAULT_SOUND_FONT


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
    if not options.sound_font.is_file():
        raise HarmonicFlowError("missing_file", path=str(options.sound_font))
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
    with ProcessPoolExecutor(options.jobs, mp_context=context) as pool:
        futures: dict[Future[tuple[str, str, float]], Track] = {
            pool.submit(make_track, track, options): track for track in tracks
        }
        for future in as_completed(futures):
            yield (futures[future], *future.result())


def make_track(track: Track, options: BuildOptions) -> tuple[str, str, float]:
    """Make one track; (outcome, reason, seconds)."""
    rng = np.random.default_rng(track.seed)
    try:
        song = make_song(track, options.midi, read_rows(options.midi), rng)
    except (Unusable, ValueError, EOFError, KeyError) as error:
        return "left out", f"{type(error).__name__}: {error}", 0.0
    labels = write_track(options.out / track.split / track.name, song, Sound(options.sound_font), track.seed)
    return "made", "", float(labels["seconds"])


_ROWS: dict[Path, list[Row]] = {}


def read_rows(midi: Path) -> list[Row]:
    """The manifest, read once a process."""
    if midi not in _ROWS:
        _ROWS[midi] = read_manifest(midi)
    return _ROWS[midi]


def make_song(track: Track, midi: Path, rows: list[Row], rng: np.random.Generator) -> Song:
    """The song of a track, cut to its window; raises `Unusable`."""
    row = track.row
    shift = int(rng.integers(-4, 5)) if track.turn or track.part == "D" else 0
    if track.part == "A":
        return cut_window(load_original(midi, row, shift), rng)
    if row.corpus == "pop909":
        return with_human_drums(cut_window(load_pop909(midi, row, shift), rng), midi, rows, POP_DRUMS, rng)
    stem = "guitar" if row.kind == "guitar_score" else "piano"
    return cut_window(load_solo(stem)(midi, row, shift), rng)


def with_human_drums(
    song: Song, midi: Path, rows: list[Row], genres: tuple[str, ...], rng: np.random.Generator
) -> Song:
    """The song with a drummer's performance of its own split warped to its beats; as it is when not in 4/4."""
    if song.meter != "4/4" or len(song.downbeats) < 4:
        return song
    bpm = 60.0 / float(np.median(np.diff(song.beats_s)))
    row = drums.choose(drums.takes_of(rows, song.split, genres), bpm, rng)
    if row is None:
        return song
    take = drums.load_take(midi / row.path, row.path, row.genre, row.tempo_bpm)
    first_bar = int(rng.integers(0, max(take.bars // 4, 1))) * 4
    skip = int(rng.choice((0, 0, 0, 4)))
    ends_s = song.seconds - TAIL_S
    part = drums.warp(take, song.beats_s, song.downbeats, first_bar, skip)
    part = part[part[:, 0] < ends_s - 0.02]
    return replace(song, parts={**song.parts, "drums": drums.tidy_drums(part)}, drums_from=row.path)


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
    count = sum(
        int(((part[:, 0] >= start_s) & (part[:, 0] < end_s)).sum() >= FEWEST_NOTES) for part in song.parts.values()
    )
    return count + 0.5 * float(end_s - start_s > 0.75 * min(LONGEST_S, song.seconds))
