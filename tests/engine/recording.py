"""A runtime that remembers what the composer's graph was given and what it wrote."""

from pathlib import Path

import numpy as np

from harmonicflow.engine.bundle import Bundle
from harmonicflow.engine.composer import ComposeOptions, LearnedComposer
from harmonicflow.engine.runtime import Runtime


class Recording(Runtime):
    """`calls`: the inputs of each call, with "written" and "out" (the part that `mute` names is written empty)."""

    def __init__(self, bundle: Path, mute: int | None = None) -> None:
        super().__init__(Bundle.load(bundle), threads=1)
        self.calls: list[dict[str, np.ndarray]] = []
        self.mute = mute

    def run(self, name: str, /, *, again: bool = False, **inputs: np.ndarray) -> np.ndarray:
        written = super().run(name, again=again, **inputs)
        if self.mute is not None:
            written[inputs["write"][..., 0] == self.mute] = -1
        self.calls.append({key: value[0] for key, value in inputs.items()} | {"written": written[0]})
        return written


def recording(bundle: Path, mute: int | None = None, **options: object) -> tuple[LearnedComposer, list[dict]]:
    """A composer and the list of calls its graph gets."""
    runtime = Recording(bundle, mute)
    return LearnedComposer(runtime, ComposeOptions(**options)), runtime.calls
