"""A runtime that remembers what the composer's graph was given and what it wrote."""

from pathlib import Path

import numpy as np

from harmonicflow.engine.bundle import Bundle
from harmonicflow.engine.composer import ComposeOptions, LearnedComposer
from harmonicflow.engine.runtime import Runtime


class Recording(Runtime):
    """`calls`: the inputs of each call, with what was "written".

    The part that `mute` names is written empty; with `shy` only where nothing is said against a cell's end.
    """

    def __init__(self, bundle: Path, mute: int | None = None, shy: bool = False) -> None:
        super().__init__(Bundle.load(bundle), threads=1)
        self.calls: list[dict[str, np.ndarray]] = []
        self.mute, self.shy = mute, shy

    def run(self, name: str, /, *, again: bool = False, **inputs: np.ndarray) -> np.ndarray:
        written = super().run(name, again=again, **inputs)
        if self.mute is not None:
            easy = inputs["bias"][..., -1] >= 0 if self.shy else True
            written[(inputs["write"][..., 0] == self.mute) & easy] = -1
        self.calls.append({key: value[0] for key, value in inputs.items()} | {"written": written[0]})
        return written


def recording(
    bundle: Path, mute: int | None = None, shy: bool = False, **options: object
) -> tuple[LearnedComposer, list[dict]]:
    """A composer and the list of calls its graph gets."""
    runtime = Recording(bundle, mute, shy)
    return LearnedComposer(runtime, ComposeOptions(**options)), runtime.calls
