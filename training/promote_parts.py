"""Whether a composer or an analyst may take the place of the one that stands, or stand where there was none.

A composer is judged by the bits it needs for hidden cells of validation songs, an analyst by the beats, downbeats and
chords it hears in them. Each must first beat its control: a composer that is shown the right context and one that is
shown another song's, an analyst and signal analysis without a network.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from harmonicflow.engine.bundle import Bundle
from harmonicflow.engine.runtime import Runtime
from harmonicflow.score.cells import FIELDS, NOTES, SIZES, SLOT, SLOTS

from .analyst.hearers import asked, network, without
from .analyst.measures import judged
from .analyst.questions import ScoreOptions, questions
from .cell_songs import load_cell_songs
from .composer_data import CellData, CellExample

WINDOWS: Final = 24  # batches of hidden cells, of a few windows each
LEAST_GAIN: Final = 0.02  # of the bits, of a composer over its control
METRICS: Final = ("beat F", "downbeat F", "majmin", "sevenths")  # of an analyst, each 0..1
LEAST_LEAD: Final = 0.01  # of their mean, of an analyst over signal analysis

Report = Callable[[str], None]
TOLD: Final = ("notes", "known", "recall", "likeness", "harmony", "time", "style", "controls", "write")


def composer_verdict(new: Bundle, old: Bundle | None, corpus: Path, seed: int, report: Report) -> tuple[str, str]:
    """(why it is refused or "", what speaks for it)."""
    batches = hidden_cells(corpus, seed)
    own, control = bits(new, batches), bits(new, [_foreign(batch) for batch in batches])
    report(f"composer: {own:.2f} bits a hidden cell, {control:.2f} with another song's context")
    if own > control * (1 - LEAST_GAIN):
        return f"its composer needs {own:.2f} bits a cell, with another song's context {control:.2f}", ""
    if old is None or not old.has("composer"):
        return "", f"its composer needs {own:.2f} bits a cell, there was none"
    before = bits(old, batches)
    told = f"its composer needs {own:.2f} bits a cell, the current one {before:.2f}"
    return ("", told) if own < before else (told, "")


def hidden_cells(corpus: Path, seed: int) -> list[CellExample]:
    """Windows of the validation songs with cells hidden, the same for every composer."""
    data = CellData(load_cell_songs([corpus], "validation"), batch_size=4, seed=seed)
    return [data.batch() for _ in range(WINDOWS)]


def bits(bundle: Bundle, batches: list[CellExample]) -> float:
    """Mean bits a cell of the cells that are asked for, all fields of all notes and the end."""
    runtime = Runtime(bundle)
    total, count = 0.0, 0.0
    for batch in batches:
        logp = runtime.outputs("composer", ("logp",), again=True, **graph_inputs(batch))["logp"].sum(-1)
        weight = batch.weight.numpy()
        total -= float((logp * weight).sum()) / np.log(2)
        count += float(weight.sum())
    return total / max(count, 1.0)


def graph_inputs(batch: CellExample) -> dict[str, np.ndarray]:
    """The inputs of the composer's graph for a batch, its true notes forced."""
    given = {name: getattr(batch, name).numpy() for name in TOLD}
    forced = batch.targets.numpy().copy()
    count = (forced[..., SLOT] >= 0).sum(-1)
    some, pick = np.nonzero(count < NOTES)
    forced[some, pick, count[some, pick], SLOT] = SLOTS
    batch_size, picks = forced.shape[:2]
    return given | {
        "forced": forced,
        "uniform": np.full((batch_size, picks, NOTES, FIELDS), 0.5, np.float32),
        "bias": np.zeros((batch_size, picks, SIZES[SLOT]), np.float32),
        "heat": np.tile(np.array([1.0, 0.0], np.float32), (batch_size, picks, 1)),
    }


def _foreign(batch: CellExample) -> CellExample:
    """The batch with all that is told from its neighbour: what is asked for stays."""
    moved = {field.name: getattr(batch, field.name).roll(1, 0) for field in fields(batch) if field.name in TOLD[:-1]}
    return replace(batch, **moved)


def analyst_verdict(new: Bundle, old: Bundle | None, corpus: Path, songs: int, report: Report) -> tuple[str, str]:
    """(why it is refused or "", what speaks for it)."""
    options = ScoreOptions(split="validation", songs=songs, threads=2)
    hearers: dict[str, Any] = {"new": network(asked(new.path, options.threads)[0]), "signal": without}
    if old is not None and old.has("analyst"):
        hearers["old"] = network(asked(old.path, options.threads)[0])
    found: dict[str, list[float]] = defaultdict(list)
    for question in questions(corpus, options):
        for name, hear in hearers.items():
            scores = judged(question, hear(question.sound))
            found[name] += [float(scores[metric]) for metric in METRICS if metric in scores]
    means = {name: float(np.mean(values)) for name, values in found.items()}
    report("analyst: " + ", ".join(f"{name} {value:.3f}" for name, value in means.items()))
    if means["new"] < means["signal"] + LEAST_LEAD:
        return f"its analyst hears {means['new']:.3f}, signal analysis without one {means['signal']:.3f}", ""
    if "old" not in means:
        return "", f"its analyst hears {means['new']:.3f}, there was none"
    told = f"its analyst hears {means['new']:.3f}, the current one {means['old']:.3f}"
    return ("", told) if means["new"] > means["old"] else (told, "")
