"""What `train analyst` does, and how a trained analyst is loaded for export."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.nn.analyst import Analyst, AnalystConfig

from .. import checkpoint
from ..loop import Loop
from ..runs import Report, Run, start
from .data import MixData
from .mixes import make_mixes
from .task import AnalystTask

VALIDATION_SEED = 1007
AVERAGE = 0.99  # of the weights: runs are short, and the rate falls to zero


def train_analyst(*, time_dim: int, harmony_dim: int, mixes: Path, rounds: int, report: Report,
                  **shared: Any) -> dict[str, float]:
    """Train the analyst on mixes of a corpus's stems (`shared`: see `Run`); returns the last validation's scores.

    `mixes` is a folder for them, which may be filled already; `rounds` says how often each song is mixed anew; widths
    of 0 keep the configuration's.
    Raises: HarmonicFlowError `no_corpus`, `bad_corpus`, `bad_checkpoint`.
    """
    run = Run(**shared)
    torch.manual_seed(run.seed)
    config = AnalystConfig()
    config = replace(config, time_dim=time_dim or config.time_dim, harmony_dim=harmony_dim or config.harmony_dim)
    make_mixes(run.folders, "validation", mixes, range(1), VALIDATION_SEED, report)
    make_mixes(run.folders, "train", mixes, range(rounds), run.seed, report)
    data = MixData(mixes / "train", run.batch_size, run.seed)
    task = AnalystTask(config, MixData(mixes / "validation", run.batch_size, 1, varied=False))
    run.place(task.network)
    options = replace(run.options(len(data.examples)), average=AVERAGE)
    loop = Loop(task, options, run.checkpoint_dir, config, {"network": "analyst"})
    start(loop, run, ("analyst",), report)
    data.random = np.random.default_rng(run.draws(loop.step))
    torch.manual_seed(run.draws(loop.step))
    return loop.run(iter(data), report)


def load_analyst(path: Path) -> tuple[Analyst, dict[str, Any]]:
    """The averaged network of a checkpoint, ready to be asked, and its metadata.

    Raises: HarmonicFlowError `bad_checkpoint`.
    """
    tensors, meta = checkpoint.load(path)
    try:
        network = Analyst(AnalystConfig(**meta["config"]))
        network.load_state_dict(checkpoint.weights(tensors))
    except (KeyError, TypeError, RuntimeError) as error:
        reason = "it holds no analyst, or one of another release"
        raise HarmonicFlowError("bad_checkpoint", path=str(path), reason=reason) from error
    return network.eval().requires_grad_(False), meta


__all__: Sequence[str] = ("load_analyst", "train_analyst")
