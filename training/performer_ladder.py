"""The performer's full scoreboard: the ladder, every condition dropped once, few steps against many, a long take.

Everything runs on the exported graphs, as users run them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np

from harmonicflow.core.constants import SAMPLE_RATE
from harmonicflow.engine import codec
from harmonicflow.engine.api import HarmonicFlow
from harmonicflow.engine.bundle import Bundle
from harmonicflow.engine.result import BlockAudio

from .evaluate import EvaluateOptions, Evaluation, Report, Row
from .excerpts import Excerpt
from .performer_gates import FEW_STEPS, MANY_STEPS, gates
from .rows import Sounds, Told, performed, regenerated
from .scoreboard import ALL, SHARES, scoreboard

TOLD: Final[dict[str, Told]] = {
    "no_score": Told(score=False),
    "clip": Told(score=False, clip=True),
    "no_chords": Told(chords=False),
    "no_score_no_chords": Told(score=False, chords=False),
    "no_harmony": Told(score=False, chords=False, key=False),
    "no_time": Told(time=False),
    "no_key": Told(key=False),
}
STEPS: Final = (1, 2, FEW_STEPS, 8, MANY_STEPS)
SHOWN: Final = 2  # songs that pictures are drawn of


@dataclass(frozen=True)
class PerformerOptions(EvaluateOptions):
    """What to listen to, on the test split."""

    split: str = "test"
    step_songs: int = 8  # of the table of steps, the first ones
    bars: int = 64  # of the long take
    tempo: str = "97.3"
    timed_runs: int = 3


@dataclass
class PerformerLadder:
    """The scoreboard, and the first songs with their true and performed sounds, to look at."""

    board: dict[str, Any]
    exhibits: list[tuple[Excerpt, Sounds, Sounds]] = field(default_factory=list)


def climb(
    bundle_dir: str | Path,
    corpus_dir: str | Path,
    options: PerformerOptions = PerformerOptions(),
    report: Report = lambda line: None,
) -> PerformerLadder:
    """Measure a bundle's performer on a corpus. Raises `no_bundle`, `bad_bundle`, `latent_mismatch`, `no_corpus`."""
    evaluation = Evaluation(bundle_dir, corpus_dir, options, report)
    tallies = evaluation.measure(evaluation.ladder() | dropped(evaluation))
    board = scoreboard(tallies, evaluation.about())
    board["steps"] = step_board(evaluation, options.step_songs)
    board["long_take"] = long_take(evaluation.bundle, options, report)
    board["gates"] = gates(board)
    shown = zip(evaluation.excerpts, evaluation.truths, evaluation.performed, strict=True)
    return PerformerLadder(board, list(shown)[:SHOWN])


def dropped(evaluation: Evaluation) -> dict[str, Row]:
    """The rows with a condition dropped, and each stem made beside the true others."""
    runtime, seed, steps = evaluation.runtime, evaluation.options.seed, evaluation.steps

    def row(told: Told) -> Row:
        return lambda place: performed(runtime, evaluation.excerpts[place], seed + place, steps, told)

    def beside_others(place: int) -> Sounds:
        latents = codec.encode(runtime, np.stack(list(evaluation.truths[place].values())))
        return regenerated(runtime, evaluation.excerpts[place], latents, seed + place, steps)

    return {name: row(told) for name, told in TOLD.items()} | {"regenerated": beside_others}


# ---------------------------------------------------------------------------------------------------------------- steps


def step_board(evaluation: Evaluation, songs: int) -> dict[str, Any]:
    """Scores of the first songs at 1, 2, 4, 8 and 32 steps, and each as a share of those at 32 (`kept`)."""
    runtime, seed = evaluation.runtime, evaluation.options.seed

    def row(steps: int) -> Row:
        if steps == evaluation.steps:
            return evaluation.performed.__getitem__
        return lambda place: performed(runtime, evaluation.excerpts[place], seed + place, steps)

    rows: dict[str, Row] = {f"{steps} steps": row(steps) for steps in STEPS}
    tallies = evaluation.measure(rows, songs)
    scores = {name.split()[0]: tally.scores() for name, tally in tallies.items()}
    return {"songs": min(songs, len(evaluation.excerpts)), "rows": scores, "kept": kept(scores)}


def kept(scores: Mapping[str, Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """Number of steps -> metric -> its score over all stems as a share of that at the most steps."""
    most = {metric: values[ALL] for metric, values in scores[str(MANY_STEPS)].items() if ALL in values}
    return {
        steps: {
            metric: round(by_metric[metric][ALL] / most[metric], 4)
            for metric in SHARES
            if metric in by_metric and most.get(metric, 0.0) > 0
        }
        for steps, by_metric in scores.items()
    }


# ------------------------------------------------------------------------------------------------------------ long take

TIMED_BARS: Final = 6  # 12 s at 120 BPM


def long_take(bundle: Bundle, options: PerformerOptions, report: Report) -> dict[str, Any]:
    """A long take's frames against the exact number, its blocks put end to end against itself, and the speed.

    The long take is made in one step: neither length nor joints depend on their number. The real-time factor is that
    of 12 s of four stems with decode, mix and binaural at the default steps, the best of some runs.
    """
    flow = HarmonicFlow(bundle, options.threads)
    given: list[BlockAudio] = []
    (take,) = flow.generate(bars=options.bars, tempo=options.tempo, rate=SAMPLE_RATE, steps=1, on_block=given.append)
    exact = options.bars * 4 * 60 * SAMPLE_RATE / Fraction(options.tempo)
    frames = int(exact + Fraction(1, 2))
    sounds = [*take.stems.values(), take.mix, take.binaural]
    whole = (np.stack(list(take.stems.values())), take.mix)
    joined = [np.concatenate(parts, axis=-1) for parts in zip(*((b.stems, b.mix) for b in given), strict=True)]
    report(f"made {options.bars} bars at {options.tempo} BPM in {len(given)} blocks")
    steps = options.steps or bundle.card.performer.steps
    times = []
    for _ in range(options.timed_runs):
        start = perf_counter()
        flow.generate(bars=TIMED_BARS, tempo=120, rate=SAMPLE_RATE, steps=steps)
        times.append(perf_counter() - start)
    return {
        "bars": options.bars, "tempo": options.tempo, "frames": frames, "blocks": len(given),
        "wrong_frames": sum(abs(sound.shape[-1] - frames) for sound in sounds),
        "differing_bytes": sum(differing(a, b) for a, b in zip(whole, joined, strict=True)),
        "real_time_factor": round(min(times) / (TIMED_BARS * 2), 3), "steps": steps, "threads": flow.runtime.threads,
    }  # fmt: skip


def differing(a: np.ndarray, b: np.ndarray) -> int:
    """Bytes in which two arrays differ; all of the larger one where their shapes do."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return max(a.nbytes, b.nbytes)
    return int(np.sum(np.ascontiguousarray(a).view(np.uint8) != np.ascontiguousarray(b).view(np.uint8)))
