"""The learned composer: from a request to a score, as far as it is asked for, with the graph "composer".

    composition = LearnedComposer(runtime).begin(request)
    composition.until(8)      # every note that begins before beat 8 is there, and all that is there is final
    composition.whole()

Where the model has nothing to say the arranger writes, and a sentence says why.
"""

from typing import Final

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.instruments import instrument
from harmonicflow.score.arrange import Arranger, ComposeRequest
from harmonicflow.score.cells import CELL_PARTS
from harmonicflow.score.score import Score
from harmonicflow.score.steering import Steering

from .composing import ComposeOptions, Learned
from .composition import ARRANGER, MODEL, Composition, Whole
from .runtime import Runtime

LONGEST_BAR: Final = 8  # beats, of a meter where the bundle's card lists none


class LearnedComposer:
    """The composer of a bundle. One composition at a time; raises `cancelled` and what the arranger raises."""

    def __init__(self, runtime: Runtime, options: ComposeOptions | None = None) -> None:
        self.runtime = runtime
        self.options = options or ComposeOptions()

    def compose(self, request: ComposeRequest) -> Score:
        """The score of a request, all of it."""
        return self.begin(request).whole()

    def begin(self, request: ComposeRequest, steering: Steering | None = None) -> Composition:
        """A composition of which nothing is written yet. Raises `no_composer`, `unknown_stem`."""
        steering, bundle = steering or Steering(), self.runtime.bundle
        if steering.composer == MODEL and not bundle.has("composer"):
            raise HarmonicFlowError("no_composer", bundle=bundle.card.name)
        why = self._against(request)
        if why or steering.composer == ARRANGER:
            return Whole(Arranger(), request, steering, why="" if steering.composer == ARRANGER else why)
        return Learned(self.runtime, self.options, request, steering)

    def _against(self, request: ComposeRequest) -> str:
        """Why the model cannot write a request, "" where it can."""
        card = self.runtime.bundle.card
        for name in request.stems:
            instrument(name)
        if not self.runtime.bundle.has("composer"):
            return f"the bundle {card.name} has no composer"
        if others := [name for name in request.stems if name not in CELL_PARTS]:
            return f"the composer does not play {others[0]}"
        for bar in request.selection.bars():
            name, seen = str(bar.meter), card.composer.meters
            if name not in seen if seen else bar.meter.beats > LONGEST_BAR:
                return f"the composer has not learned {name}"
        if request.chords == () and not request.known.chords:
            return "there are no chords to play on"
        return ""
