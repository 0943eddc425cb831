"""The mix bus: the sum of the delivered stems, then the limiter.

The sum is taken in double precision in the order of the names, so that it does not depend on who asks.

Shapes: T sample.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from harmonicflow.audio.limiter import Limiter, limit

Audio = NDArray[np.float32]


def total(stems: Mapping[str, Audio]) -> Audio:
    """The sum [2, T] of stems [2, T] or mono [T] (which count as centred, 3 dB down on both sides)."""
    if not stems:
        raise ValueError("a mix needs at least one stem")
    parts = [np.asarray(stems[name], np.float64) for name in sorted(stems)]
    out = np.zeros((2, parts[0].shape[-1]))
    for part in parts:
        out += part if part.ndim == 2 and len(part) == 2 else part * np.sqrt(0.5)
    return out.astype(np.float32)


def mix(stems: Mapping[str, Audio], rate: int) -> Audio:
    """The finished mix [2, T]: `total`, limited."""
    return limit(total(stems), rate)


class MixBus:
    """The same over a stream: pieces of all stems go in, what is certain of the mix comes out."""

    def __init__(self, rate: int) -> None:
        self._limiter = Limiter(rate)

    def process(self, stems: Mapping[str, Audio]) -> Audio:
        """The mix [2, any number] after pieces [2, T] of equal length."""
        return self._limiter.process(total(stems))

    def finish(self) -> Audio:
        """The last samples of the mix."""
        return self._limiter.finish()
