"""What `train composer` does: songs as cells, the task, start or resume."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import torch

from harmonicflow.engine.sources import corpus_data, merged
from harmonicflow.nn.composer import ComposerConfig
from harmonicflow.score.cell_features import CELLS_V

from . import distributed
from .cell_songs import CellSong, load_cell_songs
from .composer import ComposerTask
from .composer_data import CellData
from .loop import Loop
from .runs import Report, Run, start


def train_composer(*, hidden_dim: int, layers: int, report: Report, **shared: Any) -> dict[str, float]:
    """Train the composer on the notes of corpora (`shared`: see `Run`); returns the last validation's scores.

    `hidden_dim` and `layers` 0 keep the default's. Raises: HarmonicFlowError `no_corpus`, `bad_checkpoint`.
    """
    run = Run(**shared)
    with distributed.processes():
        report = distributed.first_only(report)
        torch.manual_seed(run.seed)
        config = ComposerConfig()
        width = hidden_dim or config.dim
        config = replace(config, dim=width, heads=max(1, width // 64), layers=layers or config.layers)
        songs = load_cell_songs(run.folders, "train")
        data = CellData(songs, run.batch_size, run.seed)
        task = ComposerTask(config, CellData(load_cell_songs(run.folders, "validation"), run.batch_size, 1))
        run.place(task.network)
        cells = sum(song.cells for song in songs)
        report(f"{len(songs)} songs, {cells} beats")
        told = about(songs) | {"data": merged([corpus_data(folder) for folder in run.folders])}
        loop = Loop(task, run.options(cells // 64), run.checkpoint_dir, config, told)
        start(loop, run, ("composer",), report)
        return run.go(loop, data, report)


def about(songs: list[CellSong]) -> dict[str, Any]:
    """What the checkpoint says of itself beside its sizes."""
    meters: Counter[str] = Counter()
    for song in songs:
        meters[song.meter] += song.cells
    total = sum(meters.values())
    heard = sorted(meter for meter, cells in meters.items() if cells >= max(64, total // 2000))
    return {"network": "composer", "cells_v": CELLS_V, "meters": heard,
            "corpus": {"songs": len(songs), "beats": total}}  # fmt: skip
