"""What regenerating and extending share: a range that is made again while everything outside it is known.

Legend: S stems, R rows, L latent frames, C channels, N frames of the selection at the session's rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd
from typing import TYPE_CHECKING, Final

import numpy as np

from harmonicflow.audio.resample import resample
from harmonicflow.core.constants import HOP, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.tempo import Bar, Selection
from harmonicflow.score.keys import parse_key
from harmonicflow.score.score import Score

from .blocks import Block, schedule
from .canvas import Canvas
from .clock import Clock
from .codec import decode
from .perform import perform_block
from .result import Plan, Result
from .sampler import flow_times

if TYPE_CHECKING:
    from .api import HarmonicFlow


LEAD_IN_S: Final = 2.0  # a channel strip starts this early, so that its state at the edit is what it was in the parent


@dataclass(frozen=True)
class Edit:
    """Where the change is: bars, beats, frames at the session's rate."""

    selection: Selection
    bars: tuple[Bar, ...]
    start_beat: Fraction
    end_beat: Fraction
    start: int
    end: int

    @classmethod
    def of(cls, selection: Selection, from_bar: int, to_bar: int) -> "Edit":
        """The bars `from_bar` to `to_bar`, which is included; raises `bad_bars`."""
        first, last = selection.bar_range(from_bar, to_bar)
        bars = tuple(selection.bars()[from_bar - 1 : to_bar])
        return cls(selection, bars, first.start_beat, last.end_beat, first.start_frame, last.end_frame)

    @classmethod
    def after(cls, before: Selection, selection: Selection) -> "Edit":
        """All of a selection that lies after `before`, which it begins with, to the frame."""
        beat, seam = before.beats, before.frames
        first, *rest = (bar for bar in selection.bars() if bar.end_beat > beat)
        first = replace(first, start_beat=max(first.start_beat, beat), start_frame=seam)
        return cls(selection, (first, *rest), beat, selection.beats, seam, selection.frames)

    def blocks(self, flow: "HarmonicFlow") -> list[Block]:
        """The schedule that performs it."""
        return schedule(self.selection, flow.bundle.card.codec.context, self.bars)


def check_parent(flow: "HarmonicFlow", old: Result) -> None:
    """Raise `latent_mismatch` where a take was made in another latent space."""
    space = flow.bundle.card.latent_space
    if old.bundle["latent_space"] != space or len(old.latents) != 1 + len(flow.stems):
        reason = f"the take was made in {old.bundle['latent_space']}, the bundle {flow.bundle.path} reads {space}"
        hint = "Generate it again with this bundle, or serve the one it was made with"
        raise HarmonicFlowError("latent_mismatch", reason=reason, hint=hint)


def performed(
    flow: "HarmonicFlow",
    edit: Edit,
    canvas: Canvas,
    rows: Sequence[int],
    score: Score,
    plan: Plan,
    seed: int,
    steps: int,
    clock: Clock,
) -> None:
    """Perform `rows` of the canvas anew, in place, over the latent frames that the edit touches."""
    blocks = edit.blocks(flow)
    for row in rows:
        canvas.forget(row, blocks[0].start, blocks[-1].end)
    conditions = flow.conditions(edit.selection, score, plan, parse_key(plan.key) if plan.key else None)
    times = flow_times(steps, flow.bundle.card.performer.schedule)
    for block in blocks:
        perform_block(flow.runtime, canvas, conditions, block, seed, times, clock.step)


def decoded(flow: "HarmonicFlow", edit: Edit, canvas: Canvas, rows: list[int]) -> np.ndarray:
    """Dry sound [S, N] of some rows at the session's rate, right in and round the edit, silent elsewhere.

    Resampling begins where a sample of 44.1 kHz and one of the session fall together, some frames before the edit.
    """
    selection, blocks = edit.selection, edit.blocks(flow)
    rate = selection.rate
    grid = SAMPLE_RATE // gcd(SAMPLE_RATE, rate)  # so many samples are whole frames of the session
    early = max(0, (blocks[0].start - 2) * HOP // grid * grid)
    first, last = early // HOP, min(canvas.frames, blocks[-1].end + 2)
    audio = decode(flow.runtime, canvas.latents[rows], first, last)[:, early - first * HOP :]
    sound = resample(audio, SAMPLE_RATE, rate)
    out = np.zeros((len(rows), selection.frames), np.float32)
    at = early * rate // SAMPLE_RATE
    room = min(sound.shape[1], selection.frames - at)
    out[:, at : at + room] = sound[:, :room]
    return out
