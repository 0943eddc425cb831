"""What a generation gives: progress and blocks on the way, a Result at the end.

Legend: S delivered stems, N frames of the selection at the session's rate, R rows, L latent frames, C channels.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from harmonicflow.core.tempo import Selection
from harmonicflow.mix.strips import ChannelStrip
from harmonicflow.score.score import Score

from .canvas import Canvas


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a job is. `stage`: analyse, compose, perform, mix, place, write; `seconds_left` None = not known yet."""

    stage: str
    step: int
    steps: int
    seconds_left: float | None = None
    take_index: int = 0  # of the request's `count`
    message: str = ""


@dataclass(frozen=True, slots=True)
class BlockAudio:
    """Finished sound, in order and without gaps: blocks put end to end are the result, sample for sample."""

    index: int
    start_frame: int  # from the selection's first frame, at the session's rate
    stems: np.ndarray  # float32 [S, channels, frames], as they are delivered
    mix: np.ndarray  # float32 [2, frames], after the limiter
    names: tuple[str, ...]
    take_index: int = 0

    @property
    def frames(self) -> int:
        """Length at the session's rate."""
        return int(self.mix.shape[1])


@dataclass(frozen=True)
class Plan:
    """What the request was understood to ask for, after words and analysis."""

    genre: str
    key: str | None = None
    emotion: tuple[float, float] | None = None  # valence, arousal
    understood: str = ""  # one line about the prompt
    curves: np.ndarray | None = None  # float32 [L, 16] of the clip, None without one
    text: str = ""  # the prompt, which the network hears too
    timbre: np.ndarray | None = None  # float32 [stems of the bundle, 65], None where no stem is to be like anything


@dataclass(frozen=True)
class Composed:
    """A score that was written but not performed."""

    score: Score
    selection: Selection
    plan: Plan
    seed: int
    composer: str  # who wrote it, as in `Result`
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """One take in memory. `stems` and files have exactly `selection.frames` frames."""

    selection: Selection
    names: tuple[str, ...]  # the delivered stems, in the bundle's order
    stems: dict[str, np.ndarray]  # float32 [2, N] mixed or [1, N] dry
    dry: np.ndarray  # float32 [S, N]
    mix: np.ndarray  # float32 [2, N]
    binaural: np.ndarray  # float32 [2, N]
    score: Score
    canvas: Canvas  # of all the bundle's stems
    strips: dict[str, ChannelStrip]
    plan: Plan
    seed: int
    steps: int
    delivery: str  # "mixed" or "dry"
    request: dict[str, Any]  # the message, as plain values
    bundle: dict[str, str]  # name, version, hash, latent_space
    report: dict[str, dict[str, float | None]]  # per file: peak_dbfs, lufs
    warnings: tuple[str, ...] = ()
    parent: str = ""  # id of the take it was regenerated or extended from
    title: str = ""
    option: int = 1  # of the request's `count`
    composer: str = ""  # who wrote the notes: "model", or "arranger: why"; "" in takes of older releases
    folder: Path | None = None  # where it was read from
    take: str = ""  # its id there
    shared: dict[str, Path] = field(default_factory=dict)  # stem -> folder of a take that holds the very same files

    @property
    def latents(self) -> np.ndarray:
        """float32 [R, L, C]."""
        return self.canvas.latents
