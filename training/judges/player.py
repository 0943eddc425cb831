"""Stems performed for the judges: from a score, to the true stems around them, like a reference, or by the whole path.

Shapes: S stem, L latent frame, C channel, T sample at 44.1 kHz.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.core.constants import SAMPLE_RATE
from harmonicflow.engine import codec
from harmonicflow.engine.api import HarmonicFlow
from harmonicflow.engine.canvas import Canvas
from harmonicflow.engine.perform import Conditions, perform_block, timbre_of
from harmonicflow.engine.sampler import flow_times

from ..excerpts import Excerpt
from ..rows import Sounds, blocks, conditions
from .features import Picture, picture

Sound = NDArray[np.float32]

TEMPO: Final = 112  # BPM of what is asked for by name alone: no genre's own


@dataclass(frozen=True)
class Unscored(Conditions):
    """Conditions in which one stem is told nothing of its score: it has only the other stems to go by."""

    without: int = 0

    def window(self, stems: tuple[str, ...], low: int, high: int) -> dict[str, np.ndarray]:
        """The performer's inputs; an absent score is all zeros."""
        arrays = super().window(stems, low, high)
        arrays["score"][0, self.without] = 0
        return arrays


class Player:
    """A bundle that performs excerpts."""

    def __init__(self, bundle_dir: str | Path, steps: int | None, threads: int | None, seed: int) -> None:
        self.flow = HarmonicFlow(Path(bundle_dir), threads)
        self.card = self.flow.bundle.card
        self.stems = self.flow.stems
        self.steps = steps or self.card.performer.steps
        self.seed = seed

    def encode(self, sounds: Sounds) -> dict[str, Sound]:
        """Latents [L, C] of sounds of one length."""
        return dict(zip(sounds, codec.encode(self.flow.runtime, np.stack(list(sounds.values()))), strict=True))

    def decode(self, latents: Mapping[str, Sound]) -> Sounds:
        """Sounds [T] of latents of one length."""
        return dict(zip(latents, codec.decode(self.flow.runtime, np.stack(list(latents.values()))), strict=True))

    def play(
        self,
        excerpt: Excerpt,
        known: Mapping[str, Sound] | None = None,
        without_score: str | None = None,
        like: Mapping[str, Sound] | None = None,
    ) -> dict[str, Sound]:
        """Latents [L, C] of the stems that are not `known`, played from the excerpt's score.

        `known`: latents of stems that are there already. `without_score`: a stem that is not told its notes. `like`:
        latents of another excerpt that a stem is to sound like. The noise is the same for an excerpt and a stem.
        """
        known = known or {}
        told = conditions(excerpt, self.stems)
        if like:
            rows = timbre_of([like.get(stem) for stem in self.stems], len(self.stems))
            told = replace(told, timbre=rows)
        if without_score is not None:
            told = Unscored(**vars(told), without=self.stems.index(without_score))
        canvas = Canvas.blank(len(self.stems), excerpt.frames)
        for stem, latents_LC in known.items():
            canvas.learn(1 + self.stems.index(stem), 0, latents_LC[: excerpt.frames])
        times = flow_times(self.steps, self.card.performer.schedule)
        for block in blocks(excerpt, self.card.codec.context):
            perform_block(self.flow.runtime, canvas, told, block, self.seed, times)
        return {stem: canvas.latents[1 + row].copy() for row, stem in enumerate(self.stems) if stem not in known}

    def take(self, bars: int, seed: int, prompt: str = "", genre: str | None = None) -> dict[str, Picture]:
        """The pictures of the dry stems of a take made from words alone."""
        result = self.flow.generate(
            bars=bars, tempo=TEMPO, rate=SAMPLE_RATE, prompt=prompt, genre=genre, seed=seed, steps=self.steps
        )[0]
        return {stem: picture(sound_T) for stem, sound_T in zip(result.names, result.dry, strict=True)}
