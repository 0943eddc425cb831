"""The composer that a bundle ships, as it is measured: through the engine, on the exported graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harmonicflow.engine.bundle import Bundle
from harmonicflow.engine.composer import LearnedComposer
from harmonicflow.engine.composition import MODEL
from harmonicflow.engine.runtime import Runtime
from harmonicflow.score.arrange import ComposeRequest
from harmonicflow.score.score import Score

FIRST_BEATS = 8  # two bars of 4/4


class Learned:
    """A bundle's composer; counts what the arranger wrote in its place."""

    def __init__(self, bundle: Bundle, threads: int | None) -> None:
        self.bundle = bundle
        self.runtime = Runtime(bundle, threads)
        self.composer = LearnedComposer(self.runtime)
        self.requests = 0
        self.arranged = 0  # requests that went to the arranger
        self.helped = 0  # requests in which it wrote some bars of a part

    @classmethod
    def of(cls, path: Path, threads: int | None) -> Learned | None:
        """None for a bundle without a composer. Raises `no_bundle`, `bad_bundle`."""
        bundle = Bundle.load(path)
        return cls(bundle, threads) if bundle.has("composer") else None

    def compose(self, request: ComposeRequest) -> Score:
        """The score of a request."""
        composition = self.composer.begin(request)
        score = composition.whole()
        self.requests += 1
        self.arranged += composition.by != MODEL
        self.helped += composition.by == MODEL and bool(composition.warnings)
        return score

    def first(self, request: ComposeRequest) -> Score:
        """What is there as soon as two bars can be played."""
        return self.composer.begin(request).until(FIRST_BEATS)

    def graph(self, inputs: dict[str, NDArray[np.float32]]) -> NDArray[np.float64]:
        """Log probabilities [1, R, N] of forced notes."""
        return self.runtime.outputs("composer", ("logp",), again=True, **inputs)["logp"].astype(np.float64)

    def about(self) -> dict[str, Any]:
        """Which bundle, and how often it was really the network that wrote."""
        card = self.bundle.card
        return {
            "bundle": card.name, "version": card.version, "bundle_hash": self.bundle.hash, "requests": self.requests,
            "left_to_the_arranger": self.arranged, "helped_by_the_arranger": self.helped,
        }  # fmt: skip
