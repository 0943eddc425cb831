"""The codec's ladder: what survives the latents, measured on exported bundles beside what else sound goes through.

For each song a window: its stems, what it has outside the four, and its mix each go through every rung; the four
copies are also added up and held against the sum of the true stems. Real recordings join without labels. The mix, the
other instruments and the recordings are what travels in the context row.

Shapes: R sound, T sample at 44.1 kHz.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.analysis.fidelity import (
    Truth,
    before_excess_db,
    before_held,
    chroma_similarity,
    click_times,
    complex_distance,
    hum_db,
    levels_before_db,
    si_sdr_db,
)
from harmonicflow.analysis.metrics import log_mel_distance_db, merged_onsets, offsets_s, onset_counts, onsets
from harmonicflow.audio import files, resample
from harmonicflow.core.constants import HOP, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.instruments import INSTRUMENTS
from harmonicflow.engine import codec
from harmonicflow.engine.bundle import Bundle
from harmonicflow.engine.runtime import Runtime, physical_cores

from . import rungs
from .excerpts import EDGE_S, FEWEST_ONSETS, Excerpt, choose_excerpts
from .ladder_scores import CODEC, GRIFFIN_LIM, MIX, MP3, NOISE, OTHER, PREVIOUS, SUM, TRUTH, Tally, board

Sound = NDArray[np.float32]
Report = Callable[[str], None]
Rung = Callable[[Sound], Sound]  # [R, T] to [R, T]

SILENCE: Final = 1e-3  # root mean square under which there is nothing to copy
LONGEST_CLIP_S: Final = 20.0
SYSTEMS: Final = (CODEC, PREVIOUS, MP3, GRIFFIN_LIM)  # whose clicks and hum are looked for
DECODER_HOP: Final = 512  # samples of a decoder frame, 86.1 Hz


@dataclass(frozen=True)
class LadderOptions:
    """What to listen to."""

    split: str = "test"
    songs: int = 20
    seconds: float = 10.0
    seed: int = 0
    threads: int | None = None  # of the networks; None: the machine's cores
    griffin_lim_songs: int = 6  # the slow rung hears the first so many; comparisons with it are on those
    iterations: int = rungs.ITERATIONS  # of Griffin and Lim's algorithm


@dataclass(frozen=True)
class Piece:
    """Sounds of one song or recording that go through the rungs together."""

    name: str
    sounds: dict[str, Sound]  # column -> [T]
    stems: tuple[str, ...] = ()  # those of them that are added up
    onsets_s: dict[str, NDArray[np.float64]] | None = None  # column -> what the score asks for, where there is one


@dataclass
class Ladder:
    """The scoreboard, and for each column the first song's sounds by rung, to look at and listen to."""

    board: dict[str, Any]
    exhibits: dict[str, dict[str, Sound]]


def climb(
    bundle_dir: str | Path,
    corpus_dir: str | Path,
    options: LadderOptions = LadderOptions(),
    previous_dir: str | Path | None = None,
    clips_dir: str | Path | None = None,
    report: Report = lambda line: None,
) -> Ladder:
    """Measure a bundle's codec on a corpus and, where given, beside another bundle's and on a folder of recordings.

    Raises `no_bundle`, `bad_bundle`, `latent_mismatch`, `no_corpus`, and what reading a recording raises.
    """
    bundle = Bundle.load(bundle_dir)
    systems: dict[str, Rung] = {CODEC: through(Runtime(bundle, options.threads))}
    about: dict[str, Any] = {"bundle": bundle.card.name, "version": bundle.card.version, "bundle_hash": bundle.hash}
    if previous_dir is not None:
        previous = Bundle.load(previous_dir, any_layout=True)
        systems[PREVIOUS] = through(Runtime(previous, options.threads))
        about |= {"previous": previous.card.name, "previous_version": previous.card.version,
                  "previous_hash": previous.hash}  # fmt: skip
    if rungs.mp3_writable():
        systems[MP3] = lambda sounds: np.stack([rungs.mp3(sound) for sound in sounds])
    else:
        report("this libsndfile writes no MP3: that rung is left out")
    pieces = song_pieces(Path(corpus_dir), bundle.stems, options)
    clips = [] if clips_dir is None else clip_pieces(Path(clips_dir))
    tally, exhibits = Tally(), dict[str, dict[str, Sound]]()
    workers = options.threads or physical_cores()
    for number, piece in enumerate([*clips, *pieces]):
        seed = options.seed + number
        copies = {name: copied(system, piece) for name, system in systems.items()}
        if number < len(clips) + options.griffin_lim_songs:
            mel = partial(rungs.mel_griffin_lim, seed=seed, iterations=options.iterations)
            copies[GRIFFIN_LIM] = copied(mel, piece)
        copies[NOISE] = noises(piece, seed)
        sounds = {
            column: {TRUTH: sound} | {rung: by_column[column] for rung, by_column in copies.items()}
            for column, sound in whole(piece).items()
        }
        with ThreadPoolExecutor(workers) as pool:  # most of it is transforms, which let other threads run
            list(pool.map(lambda item, piece=piece: measure(tally, piece, *item), sounds.items()))
        if GRIFFIN_LIM in copies:
            exhibits = sounds | exhibits
        report(f"measured {number + 1} of {len(clips) + len(pieces)}: {piece.name}")
    about |= {
        "split": options.split, "songs": len(pieces), "seconds": options.seconds, "seed": options.seed,
        "griffin_lim_songs": min(options.griffin_lim_songs, len(pieces)), "clips": [clip.name for clip in clips],
    }  # fmt: skip
    columns = [*bundle.stems, SUM, MIX, OTHER, *(column for clip in clips for column in clip.sounds)]
    return Ladder(board(tally, about, columns, bundle.stems), exhibits)


# ----------------------------------------------------------------------------------------------------------- the pieces


def song_pieces(corpus: Path, stems: tuple[str, ...], options: LadderOptions) -> list[Piece]:
    """A window of each song: what sounds of its stems, of the rest, and the mix of all.

    The score's drum onsets are asked for where the instrument speaks: plus the median delay of the true audio's.
    """
    excerpts = choose_excerpts(corpus, options.split, stems, options.songs, options.seconds, options.seed)
    pieces = []
    for excerpt in excerpts:
        parts = {column: excerpt.truth(column) for column in (*stems, OTHER)}
        heard = {column: sound for column, sound in parts.items() if _level(sound) > SILENCE}
        if heard:
            mix = np.stack(list(heard.values())).sum(axis=0)
            own = tuple(stem for stem in stems if stem in heard)
            pieces.append(Piece(excerpt.name, heard | {MIX: mix}, own, _asked(excerpt, own)))
    if not pieces:
        raise HarmonicFlowError("no_corpus", path=corpus / options.split)
    late: dict[str, list[float]] = {}
    for piece in pieces:
        for stem, asked in (piece.onsets_s or {}).items():
            late.setdefault(stem, []).extend(offsets_s(asked, onsets(piece.sounds[stem], SAMPLE_RATE)))
    for piece in pieces:
        for stem, asked in (piece.onsets_s or {}).items():
            asked += np.median(late[stem]) if late[stem] else 0.0
    return pieces


def _asked(excerpt: Excerpt, stems: tuple[str, ...]) -> dict[str, NDArray[np.float64]]:
    struck = [stem for stem in stems if not INSTRUMENTS[stem].pitched]
    times = {stem: merged_onsets(excerpt.onsets(stem)) for stem in struck}
    return {stem: _inside(asked, excerpt.samples) for stem, asked in times.items() if len(asked) >= FEWEST_ONSETS}


def clip_pieces(folder: Path) -> list[Piece]:
    """The recordings of a folder, mono, at the engine's rate, their first 20 s."""
    pieces = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff"):
            sound, rate = files.read(path)
            mono = resample.resample(sound.mean(axis=0)[: round(LONGEST_CLIP_S * rate)], rate, SAMPLE_RATE)
            pieces.append(Piece(path.stem, {path.stem: mono[: len(mono) // HOP * HOP]}))
    return pieces


def whole(piece: Piece) -> dict[str, Sound]:
    """The true sounds of a piece, the sum of its stems among them."""
    return _with_sum(piece, piece.sounds)


def _with_sum(piece: Piece, sounds: dict[str, Sound]) -> dict[str, Sound]:
    if not piece.stems:
        return sounds
    return sounds | {SUM: np.stack([sounds[stem] for stem in piece.stems]).sum(axis=0)}


def _level(sound_T: Sound) -> float:
    return float(np.sqrt(np.mean(np.square(sound_T, dtype=np.float64))))


# ------------------------------------------------------------------------------------------------------------ the rungs


def through(runtime: Runtime) -> Rung:
    """A bundle's codec as a rung."""

    def copy(sounds_RT: Sound) -> Sound:
        return codec.decode(runtime, codec.encode(runtime, sounds_RT))[:, : sounds_RT.shape[1]]

    return copy


def copied(rung: Rung, piece: Piece) -> dict[str, Sound]:
    """A piece's sounds through a rung, and the sum of its copied stems."""
    copies = rung(np.stack(list(piece.sounds.values())))
    return _with_sum(piece, dict(zip(piece.sounds, copies, strict=True)))


def noises(piece: Piece, seed: int) -> dict[str, Sound]:
    """Noise of each sound's level, and of the sum's own."""
    return {column: rungs.noise_like(sound, seed + place) for place, (column, sound) in enumerate(whole(piece).items())}


# ---------------------------------------------------------------------------------------------------------- the measure


def measure(tally: Tally, piece: Piece, column: str, sounds: dict[str, Sound]) -> None:
    """Everything that is asked of a column's copies, and of the truth where it can be asked; `sounds` by rung."""
    sound, copies = sounds[TRUTH], {rung: copy for rung, copy in sounds.items() if rung != TRUTH}
    truth = Truth(sound, SAMPLE_RATE)
    pitched = column not in INSTRUMENTS or INSTRUMENTS[column].pitched
    struck = column not in INSTRUMENTS or not INSTRUMENTS[column].pitched
    for rung, copy in copies.items():
        tally.add("log_mel_l1_db", column, rung, piece.name, log_mel_distance_db(copy, sound, SAMPLE_RATE))
        tally.add("complex_stft", column, rung, piece.name, complex_distance(copy, truth))
        tally.add("si_sdr_db", column, rung, piece.name, si_sdr_db(copy, sound))
        if pitched:
            tally.add("chroma", column, rung, piece.name, chroma_similarity(copy, truth))
        if rung in SYSTEMS:
            minutes = len(sound) / SAMPLE_RATE / 60
            tally.add("clicks", column, rung, piece.name, len(click_times(copy, sound, SAMPLE_RATE)) / minutes)
            for name, period in (("hum", HOP), ("buzz", DECODER_HOP)):
                levels = hum_db(copy, sound, SAMPLE_RATE, period)
                if levels is not None:
                    tally.add(f"{name}_db", column, rung, piece.name, levels[0])
                    tally.add(f"{name}_over_db", column, rung, piece.name, levels[1])
    if struck:
        _onsets(tally, piece, column, truth, sounds)


def _onsets(tally: Tally, piece: Piece, column: str, truth: Truth, sounds: dict[str, Sound]) -> None:
    """Onsets against the score's or, without one, against the true audio's own; the level before the clear ones."""
    asked = (piece.onsets_s or {}).get(column)
    if asked is None and column not in INSTRUMENTS:
        asked = _inside(truth.onsets, len(truth.sound))
    true_db = levels_before_db(truth.sound, truth.clear_starts, SAMPLE_RATE)
    for rung, sound in sounds.items():
        if asked is not None and len(asked):
            found = truth.onsets if rung == TRUTH else onsets(sound, SAMPLE_RATE)
            heard = _inside(found, len(sound))
            tally.add("onset_f1_50", column, rung, piece.name, onset_counts(asked, heard, 0.05))
            tally.add("onset_f1_20", column, rung, piece.name, onset_counts(asked, heard, 0.02))
        if len(true_db):
            own_db = levels_before_db(sound, truth.clear_starts, SAMPLE_RATE)
            tally.add("before_db", column, rung, piece.name, own_db.tolist())
            tally.add("before_excess_db", column, rung, piece.name, before_excess_db(own_db, true_db).tolist())
            tally.add("before_held", column, rung, piece.name, before_held(own_db, true_db).astype(float).tolist())


def _inside(times_s: NDArray[np.float64], samples: int) -> NDArray[np.float64]:
    return times_s[(times_s >= EDGE_S) & (times_s < samples / SAMPLE_RATE - EDGE_S)]
