"""Draws that depend on what they are for and on nothing else.

Each draw hashes (seed, part, what it is for), so the order of drawing does not matter, and writing one part or one bar
again leaves every other draw as it was. BLAKE2b (RFC 7693) gives the same bits on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Dice:
    """The draws of one part under one seed; keys are anything with a stable `str`."""

    seed: int
    part: str

    def uniform(self, *key: object) -> float:
        """A number in [0, 1)."""
        text = "|".join(map(str, (self.seed, self.part, *key)))
        return int.from_bytes(blake2b(text.encode(), digest_size=7).digest()) / 2**56

    def chance(self, probability: float, *key: object) -> bool:
        return self.uniform(*key) < probability

    def pick(self, options: Sequence[T], *key: object) -> T:
        """One of the options, all equally likely."""
        return options[int(self.uniform(*key) * len(options))]

    def weighted(self, options: Sequence[T], weights: Sequence[float], *key: object) -> T:
        """One of the options, as likely as its weight says."""
        left = self.uniform(*key) * sum(weights)
        for option, weight in zip(options, weights, strict=True):
            left -= weight
            if left < 0:
                return option
        return options[-1]

    def wobble(self, *key: object) -> float:
        """A number in (-1, 1), most often near 0 (triangular)."""
        return self.uniform(*key, "a") - self.uniform(*key, "b")
