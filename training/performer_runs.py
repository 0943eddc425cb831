"""What `train performer` does: the flow itself, and the few-step fine-tune of a performer that has learned it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from harmonicflow.core.constants import GENRES, LATENT_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.nn.performer import SIZES, PerformerConfig
from harmonicflow.nn.readback import read_card, read_config
from harmonicflow.text.table import TextTable

from . import checkpoint, distributed
from .few_step import FEW, FewStepOptions, FewStepTask
from .loop import Loop
from .performer import PerformerTask, TrainedPerformer
from .runs import Report, Run, initial_weights, start
from .shards import ExampleData, Song, genre_of, load_songs

BEFORE = ("step", "minutes", "hardware", "scores", "options")  # of a checkpoint, for the model card
CONDITIONS = ("score", "chords", "key", "time", "clip", "genre", "emotion", "timbre")  # what is told in training


def train_performer(*, hidden_dim: int, layers: int, seconds: float, report: Report, size: str = "default",
                    text: Path | None = None, few_step: FewStepOptions | None = None, teacher: Path | None = None,
                    **shared: Any) -> dict[str, float]:
    """Train the performer on encoded songs (`shared`: see `Run`); returns the last validation's scores.

    `hidden_dim` and `layers` 0 keep those of the `size`; `text` is a table of words, for captions.  With `few_step` a
    performer that is trained already (`init`) learns to cross flow time in few steps; `teacher`, a larger one, then
    says the velocity in the data's place.
    Raises: HarmonicFlowError `no_corpus`, `latent_mismatch`, `bad_option` (nothing to fine-tune, or guided already),
    `bad_checkpoint`, `no_bundle`, `bad_bundle`.
    """
    run = Run(**shared)
    guide = teacher or run.init
    if few_step and (guide is None or not (run.last or run.init)):
        raise HarmonicFlowError("bad_option", option="--init", value="", reason="this stage needs a trained performer")
    if few_step and few_step.guidance != 1 and guide and is_guided(guide):
        reason = f"the performer of {guide} is guided already; train it on without --few-steps first"
        raise HarmonicFlowError("bad_option", option="--guidance", value=str(few_step.guidance), reason=reason)
    with distributed.processes():
        report = distributed.first_only(report)
        torch.manual_seed(run.seed)
        config = sized(size, hidden_dim, layers)
        frames = round(seconds * LATENT_RATE)
        table = words(text)
        songs = encoded(run, "train", table)
        data = ExampleData(songs, frames, run.batch_size, run.seed)
        held_out = ExampleData(encoded(run, "validation", table), frames, run.batch_size, 1)
        about: dict[str, Any] = {"network": "performer", "conditions": [*CONDITIONS, *(["text"] if table else [])]}
        about["genres"] = sorted({genre for song in songs if (genre := genre_of(song.labels)) in GENRES})
        if space := songs[0].latent_space:
            about["latent_space"] = space
        task: PerformerTask
        if few_step:
            task = FewStepTask(config, held_out, run.draws(), few_step)
            about |= {"stage": "few-step", "interval": True, "steps": FEW, "guidance": few_step.guidance}
            about["before"] = trained_before(run.init)
        else:
            task = PerformerTask(config, held_out, run.draws())
        run.place(task.network)
        loop = Loop(task, run.options(sum(song.frames for song in songs) // frames), run.checkpoint_dir, config, about)
        start(loop, run, ("performer",), report)
        if isinstance(task, FewStepTask) and guide:
            task.begin(load_performer(guide, run), teacher is not None)
        return run.go(loop, data, report)


def sized(size: str, hidden_dim: int, layers: int) -> PerformerConfig:
    """A size's configuration with another width or depth where given (not 0)."""
    config = SIZES[size]
    width = hidden_dim or config.dim
    return replace(config, dim=width, heads=max(1, width // 64), layers=layers or config.layers)


def is_guided(source: Path) -> bool:
    """Whether a performer comes from a few-step stage with guidance; a bundle says only that it is few-step."""
    if source.is_dir():
        return bool(read_card(source).get("performer", {}).get("interval"))
    return bool(checkpoint.load(source)[1].get("guidance", 1) != 1)


def trained_before(source: Path | None) -> dict[str, Any]:
    """What is known of the training behind the performer that a stage begins with."""
    if source is None:
        return {}
    if source.is_dir():
        told: dict[str, Any] = read_card(source).get("training", {}).get("performer", {})
        return told
    return {key: value for key, value in checkpoint.load(source)[1].items() if key in BEFORE}


def encoded(run: Run, split: str, table: TextTable | None = None) -> list[Song]:
    """The songs of a split of all folders."""
    return [song for folder in run.folders for song in load_songs(folder, split, table)]


def words(path: Path | None) -> TextTable | None:
    """The table of words in a file.  Raises: HarmonicFlowError `bad_option`."""
    if path is None:
        return None
    try:
        return TextTable.load(path.read_bytes())
    except (OSError, ValueError) as error:
        raise HarmonicFlowError("bad_option", option="--text", value=str(path), reason=str(error)) from error


def load_performer(source: Path, run: Run) -> TrainedPerformer:
    """The performer of a checkpoint or a bundle, on the run's device."""
    found = initial_weights(source, ("performer",))
    told = read_config(source, "performer") if source.is_dir() else checkpoint.load(source)[1]["config"]
    config = PerformerConfig(**{**told, "stems": tuple(told["stems"])})
    network = TrainedPerformer(config)
    try:
        network.load_state_dict({**network.state_dict(), **found})
    except RuntimeError as error:
        raise HarmonicFlowError("bad_checkpoint", path=str(source), reason="its performer has other sizes") from error
    run.place(network)
    return network.eval().requires_grad_(False)
