"""The canvas: latents of a context row and of every stem, and which of them are known. Every task is a mask on it.

Legend: R rows (row 0 the user's clip or mixture, then S stems), L latent frames, C channels.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from harmonicflow.core.constants import LATENT_CHANNELS


@dataclass(frozen=True)
class Canvas:
    """`latents` float32 [R, L, C], `known` bool [R, L]; unknown cells hold anything."""

    latents: np.ndarray
    known: np.ndarray

    @classmethod
    def blank(cls, stems: int, frames: int) -> Self:
        """Nothing known: the task `generate`."""
        shape = (1 + stems, frames)
        return cls(np.zeros((*shape, LATENT_CHANNELS), np.float32), np.zeros(shape, bool))

    @property
    def frames(self) -> int:
        """L, the length in latent frames."""
        return int(self.latents.shape[1])

    def learn(self, row: int, start: int, latents: np.ndarray) -> None:
        """Make the frames of one row from `start` on known: `latents` [n, C]."""
        end = start + len(latents)
        self.latents[row, start:end] = latents
        self.known[row, start:end] = True

    def forget(self, row: int, start: int, end: int) -> None:
        """Make the frames `start` up to `end` of one row unknown."""
        self.latents[row, start:end] = 0
        self.known[row, start:end] = False
