"""How well a bundle plays its score: measured on the exported graphs, beside the ladder that says what scores mean.

For each song a window: the stems are performed from the song's own notes, beats, chords and key, with no audio known.
Beside them stand the true audio, the codec's copy of it, and the controls (scoreboard.LADDER). Onsets are asked for
where the instrument speaks: the score's onset plus the median delay of the true audio's onsets, one number a stem,
because a bass takes 20 ms to sound and a snare none.

Shapes: S stem, L latent frame, T sample at 44.1 kHz.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.analysis.guide import beat_pool_seconds, guide_features_seconds
from harmonicflow.analysis.metrics import (
    chord_score,
    log_mel_distance_db,
    merged_onsets,
    offsets_s,
    onset_counts,
    onsets,
    pitch_counts,
)
from harmonicflow.analysis.pitches import VOICES
from harmonicflow.core.constants import GENRE_PLACES, GENRES, LATENT_RATE, SAMPLE_RATE
from harmonicflow.core.instruments import INSTRUMENTS
from harmonicflow.engine import codec
from harmonicflow.engine.blocks import Block
from harmonicflow.engine.bundle import EMOTION_WIDTH, TEXT_WIDTH, Bundle
from harmonicflow.engine.canvas import Canvas
from harmonicflow.engine.noise import frame_noise
from harmonicflow.engine.perform import Conditions, perform_block, timbre_of
from harmonicflow.engine.runtime import Runtime
from harmonicflow.engine.sampler import flow_times
from harmonicflow.score.rolls import NoteArrays

from .excerpts import EDGE_S, FEWEST_ONSETS, Excerpt, choose_excerpts
from .scoreboard import LADDER, Tally, scoreboard

Sounds = dict[str, NDArray[np.float32]]  # stem -> [T]
Report = Callable[[str], None]

BLOCK_S: Final = 8.0
MOST_VOICES: Final = {"bass": 1}  # pitches at once, for the pitch probe
SOUND_ROWS: Final = ("codec", "performed", "shuffled", "noise")  # also compared with the true sound itself
SILENCE: Final = 1e-3  # root mean square under which a stem has no level to compare


@dataclass(frozen=True)
class EvaluateOptions:
    """What to listen to."""

    split: str = "validation"
    songs: int = 20
    seconds: float = 12.0
    seed: int = 0
    steps: int | None = None  # of the sampler; None: the bundle's own number
    threads: int | None = None  # of the networks; None: the machine's cores
    varied: bool = False  # songs with other sounds than the default ones too


def evaluate(
    bundle_dir: str | Path,
    corpus_dir: str | Path,
    options: EvaluateOptions = EvaluateOptions(),
    report: Report = lambda line: None,
) -> dict[str, Any]:
    """The scoreboard of a bundle on a corpus; `report` gets a line a song.

    Raises `no_bundle`, `bad_bundle`, `latent_mismatch`, `no_corpus`.
    """
    bundle = Bundle.load(bundle_dir)
    runtime = Runtime(bundle, options.threads)
    stems = bundle.stems
    excerpts = choose_excerpts(
        Path(corpus_dir), options.split, stems, options.songs, options.seconds, options.seed, options.varied
    )
    steps = options.steps or bundle.card.performer.steps
    rows: dict[str, list[Sounds]] = {row: [] for row in LADDER}
    for number, excerpt in enumerate(excerpts):
        truth = {stem: excerpt.truth(stem) for stem in stems}
        rows["truth"].append(truth)
        rows["codec"].append(copied(runtime, truth))
        rows["performed"].append(performed(runtime, excerpt, options.seed + number, steps))
        rows["noise"].append(decoded_noise(runtime, excerpt, options.seed + number))
        report(f"performed {number + 1} of {len(excerpts)}: {excerpt.name}")
    for control, row in (("", "performed"), ("truth_", "truth")):
        rows[f"{control}shifted"] = [late(s, e.half_sixteenth_s) for s, e in zip(rows[row], excerpts, strict=True)]
        rows[f"{control}shuffled"] = [another(rows[row], excerpts, place) for place in range(len(excerpts))]
    about = {
        "bundle": bundle.card.name, "version": bundle.card.version, "bundle_hash": bundle.hash,
        "latent_space": bundle.card.latent_space, "split": options.split, "songs": len(excerpts),
        "seconds": round(excerpts[0].seconds, 2), "seed": options.seed, "steps": steps,
        "sounds": "all" if options.varied else "default",
        "minutes_asked": round(sum(e.seconds for e in excerpts) / 60, 2),
    }  # fmt: skip
    return scoreboard(measure(rows, excerpts, stems, report), about)


# ------------------------------------------------------------------------------------------------------------- the rows


def performed(runtime: Runtime, excerpt: Excerpt, seed: int, steps: int) -> Sounds:
    """The stems made from the excerpt's score and guide, block after block as the engine makes them."""
    card = runtime.bundle.card
    canvas = Canvas.blank(len(card.stems), excerpt.frames)
    told = conditions(excerpt, card.stems)
    times = flow_times(steps, card.performer.schedule)
    for block in blocks(excerpt, card.codec.context):
        perform_block(runtime, canvas, told, block, seed, times)
    return dict(zip(card.stems, codec.decode(runtime, canvas.latents[1:]), strict=True))


def conditions(excerpt: Excerpt, stems: tuple[str, ...]) -> Conditions:
    """What the performer is told: the score and the harmony, nothing of the audio."""
    rows = [(place, *note) for place, stem in enumerate(stems) for note in excerpt.notes[stem]]
    columns = [np.array(column) for column in zip(*rows, strict=True)] if rows else [np.zeros(0)] * 5
    genre, emotion = np.zeros(GENRE_PLACES, np.float32), np.zeros(EMOTION_WIDTH, np.float32)
    if excerpt.genre in GENRES:
        genre[GENRES.index(str(excerpt.genre))] = 1
    if excerpt.emotion is not None:
        emotion[:] = (*excerpt.emotion, 1)
    return Conditions(
        guide=guide_features_seconds(
            excerpt.beats_s, excerpt.downbeats, excerpt.chords, excerpt.key, None, excerpt.frames
        ),
        beats=beat_pool_seconds(excerpt.beats_s, excerpt.frames),
        notes=NoteArrays(*columns),
        text=np.zeros(TEXT_WIDTH, np.float32),
        genre=genre,
        emotion=emotion,
        timbre=timbre_of(None, len(stems)),
    )


def blocks(excerpt: Excerpt, context: int) -> list[Block]:
    """The engine's schedule on a song's own bars: the first two alone, then about 8 s of whole bars each."""
    beats = np.asarray(excerpt.beats_s)
    lines = np.interp(excerpt.downbeats, np.arange(len(beats)), beats) if len(beats) >= 2 else np.zeros(0)
    lines = lines[(lines > 0.25) & (lines < excerpt.seconds - 1.0)]
    edges = [float(lines[1])] if len(lines) >= 2 else []
    for line, following in zip(lines, np.append(lines, excerpt.seconds)[1:], strict=True):
        if edges and line > edges[-1] and following - edges[-1] > BLOCK_S:
            edges.append(float(line))
    ends = [min(int(np.ceil(edge * LATENT_RATE)) + context + 1, excerpt.frames) for edge in edges]
    ends = sorted({*ends, excerpt.frames})
    starts = [0, *ends[:-1]]
    return [Block(index, start, end, 0, 0) for index, (start, end) in enumerate(zip(starts, ends, strict=True))]


def copied(runtime: Runtime, truth: Sounds) -> Sounds:
    """The true audio encoded and decoded."""
    latents = codec.encode(runtime, np.stack(list(truth.values())))
    return dict(zip(truth, codec.decode(runtime, latents), strict=True))


def decoded_noise(runtime: Runtime, excerpt: Excerpt, seed: int) -> Sounds:
    """What the performer starts from, decoded."""
    stems = runtime.bundle.stems
    latents = np.stack([frame_noise(seed, stem, 0, excerpt.frames) for stem in stems])
    return dict(zip(stems, codec.decode(runtime, latents), strict=True))


def late(sounds: Sounds, seconds: float) -> Sounds:
    """The stems moved later, their length kept."""
    shift = round(seconds * SAMPLE_RATE)
    return {stem: np.pad(x_T, (shift, 0))[: len(x_T)] for stem, x_T in sounds.items()}


def another(row: list[Sounds], excerpts: list[Excerpt], place: int) -> Sounds:
    """For each stem the sound of the next other song that plays it; silence where there is none."""
    out: Sounds = {}
    for stem, own in row[place].items():
        turns = [(place + step) % len(row) for step in range(1, len(row))]
        other = next((turn for turn in turns if len(excerpts[turn].onsets(stem)) >= FEWEST_ONSETS), None)
        out[stem] = np.zeros_like(own) if other is None else row[other][stem]
    return out


# ---------------------------------------------------------------------------------------------------------- the measure


class Ears:
    """The onset detector, which hears the same array only once: shuffled rows hold other rows' arrays."""

    def __init__(self) -> None:
        self._heard: dict[int, tuple[NDArray[np.float32], NDArray[np.float64]]] = {}

    def onsets(self, x_T: NDArray[np.float32]) -> NDArray[np.float64]:
        """Onset times in seconds."""
        if id(x_T) not in self._heard:
            self._heard[id(x_T)] = x_T, onsets(x_T, SAMPLE_RATE)
        return self._heard[id(x_T)][1]


def measure(
    rows: dict[str, list[Sounds]], excerpts: list[Excerpt], stems: tuple[str, ...], report: Report
) -> dict[str, Tally]:
    """What every row did on every excerpt. A shuffled row needs two songs."""
    ears = Ears()
    speaks = attack_delays(ears, rows["truth"], excerpts, stems)
    tallies: dict[str, Tally] = {}
    for row, sounds in rows.items():
        if len(excerpts) < 2 and row.endswith("shuffled"):
            continue
        tally = tallies[row] = Tally()
        for sound, truth, excerpt in zip(sounds, rows["truth"], excerpts, strict=True):
            asked = asked_stems(excerpt, stems)
            for stem in asked:
                _notes(tally, ears, stem, sound[stem], excerpt, speaks[stem])
                if row in SOUND_ROWS:
                    _sound(tally, stem, sound[stem], truth[stem])
            _harmony(tally, [sound[stem] for stem in asked if INSTRUMENTS[stem].pitched], excerpt)
        report(f"measured {row}")
    return tallies


def attack_delays(
    ears: Ears, truths: list[Sounds], excerpts: list[Excerpt], stems: tuple[str, ...]
) -> dict[str, float]:
    """Seconds from a note's onset to where the detector hears it in the true audio, the median per stem."""
    found: dict[str, list[float]] = {stem: [] for stem in stems}
    for truth, excerpt in zip(truths, excerpts, strict=True):
        for stem in asked_stems(excerpt, stems):
            found[stem] += offsets_s(_inside(excerpt.onsets(stem), excerpt), ears.onsets(truth[stem])).tolist()
    return {stem: float(np.median(values)) if values else 0.0 for stem, values in found.items()}


def asked_stems(excerpt: Excerpt, stems: tuple[str, ...]) -> list[str]:
    """The stems with enough onsets to be asked about."""
    return [stem for stem in stems if len(excerpt.onsets(stem)) >= FEWEST_ONSETS]


def _inside(times_s: list[float] | NDArray[np.float64], excerpt: Excerpt) -> NDArray[np.float64]:
    times = merged_onsets(times_s)
    return times[(times >= EDGE_S) & (times < excerpt.seconds - EDGE_S)]


def _notes(tally: Tally, ears: Ears, stem: str, x_T: NDArray[np.float32], excerpt: Excerpt, delay_s: float) -> None:
    last_s = excerpt.seconds - EDGE_S
    heard = ears.onsets(x_T)
    heard = heard[(heard >= EDGE_S) & (heard < last_s)]
    wanted = _inside(excerpt.onsets(stem), excerpt) + delay_s
    _add(tally.onsets_50, stem, onset_counts(wanted, heard, 0.05))
    _add(tally.onsets_20, stem, onset_counts(wanted, heard, 0.02))
    tally.offsets_s.setdefault(stem, []).extend(offsets_s(wanted, heard))
    if INSTRUMENTS[stem].pitched:
        voices = MOST_VOICES.get(stem, VOICES)
        _add(tally.pitches, stem, pitch_counts(x_T, SAMPLE_RATE, excerpt.notes[stem], EDGE_S, last_s - 0.2, voices))


def _sound(tally: Tally, stem: str, x_T: NDArray[np.float32], truth_T: NDArray[np.float32]) -> None:
    tally.mel_db.setdefault(stem, []).append(log_mel_distance_db(x_T, truth_T, SAMPLE_RATE))
    level, true = (float(np.sqrt(np.mean(np.square(s, dtype=np.float64)))) for s in (x_T, truth_T))
    if true > SILENCE:
        tally.level_db.setdefault(stem, []).append(20 * np.log10(max(level, 1e-5) / true))


def _harmony(tally: Tally, pitched: list[NDArray[np.float32]], excerpt: Excerpt) -> None:
    if excerpt.chords and pitched:
        right_s, asked_s = chord_score(np.sum(pitched, axis=0), SAMPLE_RATE, excerpt.chords, 0.0, excerpt.seconds)
        tally.chord_right_s += right_s
        tally.chord_asked_s += asked_s


def _add(counts: dict[str, Any], stem: str, more: Any) -> None:
    counts[stem] = counts[stem] + more if stem in counts else more
