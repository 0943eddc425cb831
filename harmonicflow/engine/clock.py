"""How far a job is: steps done, and the seconds left, judged by the latent frames already performed."""

from collections.abc import Callable, Sequence
from time import monotonic

from .result import Progress
from .runtime import Runtime


class Clock:
    """Counts the sampler's steps of all blocks of a job and reports; every report is a chance to cancel."""

    def __init__(self, progress: Callable[[Progress], None] | None, runtime: Runtime) -> None:
        self._progress = progress
        self._runtime = runtime
        self._work: list[int] = []  # latent frames of each step to come
        self._done = 0  # steps
        self._began = monotonic()
        self.take_index = 0

    def expect(self, frames: Sequence[int], steps: int) -> None:
        """The work to come: blocks of these lengths, each sampled in `steps` steps."""
        self._work = [length for length in frames for _ in range(steps) if length > 0]
        self._began = monotonic()

    def step(self, _number: int = 0) -> None:
        """One step of the sampler is done; raises `cancelled`."""
        self._done += 1
        self.say("perform")

    def say(self, stage: str, message: str = "") -> None:
        """Report a stage; raises `cancelled`."""
        self._runtime.check()
        if self._progress is None:
            return
        done, rest = sum(self._work[: self._done]), sum(self._work[self._done :])
        left = (monotonic() - self._began) * rest / done if done else None
        self._progress(Progress(stage, self._done, len(self._work), left, self.take_index, message))
