"""Performing: unknown cells of a canvas are filled block by block, from noise, by the flow model.

Legend: R rows (row 0 context, then S stems), L latent frames, n frames of a window, C channels, K beats.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from harmonicflow.analysis.guide import pool_matrix
from harmonicflow.core.constants import LATENT_CHANNELS
from harmonicflow.score.rolls import NoteArrays, score_features_seconds

from .blocks import Block, context_length
from .bundle import Bundle
from .canvas import Canvas
from .noise import frame_noise
from .runtime import Runtime
from .sampler import sample, told_step


@dataclass(frozen=True)
class Conditions:
    """What the performer is told of a whole selection."""

    guide: np.ndarray  # float32 [L, 79]
    beats: np.ndarray  # int64 [L], the beat of each frame
    notes: NoteArrays
    text: np.ndarray  # float32 [256]
    genre: np.ndarray  # float32 [16], one-hot
    emotion: np.ndarray  # float32 [3]: valence, arousal, present
    timbre: np.ndarray  # float32 [S, 65]: mean and spread of reference latents, present

    def window(self, stems: tuple[str, ...], low: int, high: int) -> dict[str, np.ndarray]:
        """The performer's inputs for the frames `low` up to `high`, batch of one."""
        score = score_features_seconds(self.notes, stems, high - low, low)
        arrays = {
            "guide": self.guide[low:high], "score": score, "pool": pool_matrix(self.beats[low:high]),
            "text": self.text, "genre": self.genre, "emotion": self.emotion, "timbre": self.timbre,
        }  # fmt: skip
        return {name: np.ascontiguousarray(array[None], np.float32) for name, array in arrays.items()}


def window_of(canvas: Canvas, block: Block, context: int) -> tuple[int, int]:
    """The frames the performer sees for a block: `context` before it, and what is wholly known after it."""
    after: np.ndarray = np.all(canvas.known[1:, block.end : block.end + context], axis=0)
    known_after = len(after) if after.all() else int(np.argmin(after))
    return max(0, block.start - context), block.end + known_after


@dataclass(frozen=True)
class Window:
    """What the performer is given for a block, at flow time 0."""

    low: int  # its first frame in the canvas
    high: int
    unknown: np.ndarray  # bool [S, n]
    x: np.ndarray  # float32 [R, n, C]: noise where unknown
    inputs: dict[str, np.ndarray]  # all others, without the flow time and its step

    @classmethod
    def of(cls, bundle: Bundle, canvas: Canvas, conditions: Conditions, block: Block, seed: int) -> Self:
        """Noise belongs to the cell (seed, stem, frame), not to the block: any cutting into windows draws the same."""
        low, high = window_of(canvas, block, context_length(bundle.card.performer.context_s))
        known_Rn = canvas.known[:, low:high]
        unknown = ~known_Rn[1:]
        x_RnC = np.where(known_Rn[..., None], canvas.latents[:, low:high], 0).astype(np.float32)
        for row, stem in enumerate(bundle.stems):
            if unknown[row].any():
                x_RnC[1 + row, unknown[row]] = frame_noise(seed, stem, low, high - low)[unknown[row]]
        inputs = conditions.window(bundle.stems, low, high)
        inputs["known"] = known_Rn[None].astype(np.float32)
        return cls(low, high, unknown, x_RnC, inputs)


def perform_block(
    runtime: Runtime,
    canvas: Canvas,
    conditions: Conditions,
    block: Block,
    seed: int,
    times: list[float],
    on_step: Callable[[int], None] | None = None,
) -> None:
    """Fill the unknown stem cells of a block in place and make them known; raises `cancelled`."""
    card = runtime.bundle.card
    window = Window.of(runtime.bundle, canvas, conditions, block, seed)
    if not window.unknown.any():
        return

    def velocity(x_RnC: np.ndarray, time: float, step: float) -> np.ndarray:
        out = np.zeros_like(x_RnC)
        told = {"time": time, "step": told_step(step, card.performer.interval)}
        scalars = {name: np.array([value], np.float32) for name, value in told.items()}
        again = time + step < times[-1] - 1e-6
        v_SnC = runtime.run("performer", again=again, x=x_RnC[None], **window.inputs, **scalars)[0]
        out[1:] = v_SnC * window.unknown[..., None]
        return out

    x_RnC = sample(velocity, window.x, times, on_step)
    for row in range(len(card.stems)):
        cells = np.flatnonzero(window.unknown[row]) + window.low
        canvas.latents[1 + row, cells] = x_RnC[1 + row, cells - window.low]
        canvas.known[1 + row, cells] = True


def timbre_of(references: Sequence[np.ndarray | None] | None, stems: int) -> np.ndarray:
    """The timbre reference [S, 65] of each stem's reference latents [n, C]: mean and spread per channel, present.

    Zeros for a stem without any, and for all with None. An array [S, n, C] is one reference a stem.
    """
    out = np.zeros((stems, 2 * LATENT_CHANNELS + 1), np.float32)
    for row, latents_nC in zip(out, references if references is not None else (), strict=references is not None):
        if latents_nC is not None:
            row[:LATENT_CHANNELS] = latents_nC.mean(axis=0)
            row[LATENT_CHANNELS:-1] = latents_nC.std(axis=0)
            row[-1] = 1
    return out
