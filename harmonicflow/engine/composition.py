"""A score that is written as far as it is asked for, whoever writes it."""

from dataclasses import replace
from fractions import Fraction
from typing import Final, Protocol

from harmonicflow.score.arrange import Composer, ComposeRequest
from harmonicflow.score.score import Score
from harmonicflow.score.steering import Steering

from .composing_feel import Feel

MODEL: Final = "model"
ARRANGER: Final = "arranger"


class Composition(Protocol):
    """A score being written."""

    by: str  # MODEL, ARRANGER or another composer's name
    why: str  # it is not the model, "" where it is or where nobody asked for it

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about what was written so far."""
        ...

    def until(self, beat: Fraction | int) -> Score:
        """The score so far; all its notes are final, and every note that begins before `beat` is there."""
        ...

    def whole(self) -> Score:
        """The whole score."""
        ...


class Whole:
    """A composition by a composer that writes all at once. `why`: the model does not write, "" where nobody asked."""

    def __init__(
        self, composer: Composer, request: ComposeRequest, steering: Steering, by: str = ARRANGER, why: str = ""
    ) -> None:
        self.by, self.why = by, why
        self._composer, self._request, self._steering = composer, request, steering
        self._score: Score | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """See `Composition.warnings`."""
        return (f"the notes are the arranger's: {self.why}",) if self.why else ()

    def until(self, beat: Fraction | int) -> Score:
        """The whole score."""
        return self.whole()

    def whole(self) -> Score:
        """The whole score; of the steering, what a composer without a model understands."""
        if self._score is None:
            density, complexity = (
                self._steering.mean(name, getattr(self._request, name)) for name in ("density", "complexity")
            )
            score = self._composer.compose(replace(self._request, density=density, complexity=complexity))
            self._score = Feel(self._steering, self._request.selection).score(score, self._request.known)
        return self._score
