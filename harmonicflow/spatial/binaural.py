"""The binaural render: mono stems at positions round a head, for headphones.

Shapes: S stem, E ear (left, right), T sample.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harmonicflow.audio.convolve import Convolver
from harmonicflow.audio.limiter import CEILING_DB, Limiter

from .hrtf import Position, filters, pink_power

Audio = NDArray[np.float32]
Reals = NDArray[np.float64]

# A band in front of the listener, on the sides where the stereo mix pans them.
DEFAULT_POSITIONS: Final[dict[str, Position]] = {
    "bass": Position(0.0, 0.0, 1.5),
    "drums": Position(0.0, 10.0, 1.5),
    "guitar": Position(40.0, 0.0, 1.5),
    "piano": Position(-40.0, 0.0, 1.5),
}
OTHER_POSITION: Final = Position(0.0, 20.0, 1.5)


def position_for(stem: str) -> Position:
    """Where an instrument stands by default."""
    return DEFAULT_POSITIONS.get(stem, OTHER_POSITION)


def matched_gains(pairs: Sequence[Reals], positions: Sequence[Position], rate: int) -> list[float]:
    """What the filters of positions are multiplied with, so that a render is as loud as the mix; see `Placement`."""
    near = [position.gain for position in positions]
    whole = np.sqrt(np.mean(np.square(near)))
    return [float(g / np.sqrt(pink_power(pair, rate)) / whole) for pair, g in zip(pairs, near, strict=True)]


class Placement:
    """Sources at still positions: linear, no latency, pieces equal the whole bit for bit.

    `matched` sets fixed gains, from the positions alone, so that the render is as loud as the stereo mix
    of the same mono stems: each position's own loudness (for pink noise) is taken out, then all are
    raised together by what their distances take. `equalised`: see `hrtf`.
    """

    def __init__(
        self, rate: int, positions: Mapping[str, Position], *, equalised: bool = True, matched: bool = True
    ) -> None:
        pairs = [filters(position, rate, equalised) for position in positions.values()]
        if matched:
            gains = matched_gains(pairs, tuple(positions.values()), rate)
            pairs = [pair * gain for pair, gain in zip(pairs, gains, strict=True)]
        self._convolver = Convolver(np.stack(pairs, axis=1))

    def process(self, sources: ArrayLike) -> Audio:
        """What both ears hear, [E, T], of sources [S, T] in the order of the positions."""
        return self._convolver.process(np.asarray(sources, np.float32))


class BinauralRenderer:
    """A `Placement` and a limiter: the finished binaural render of a stream of stems.

    `process` gives what is certain after each piece, `finish` the rest: together exactly as many
    samples as went in, aligned with them.
    """

    def __init__(
        self,
        rate: int,
        positions: Mapping[str, Position] = DEFAULT_POSITIONS,
        *,
        equalised: bool = True,
        matched: bool = True,
        ceiling_db: float = CEILING_DB,
    ) -> None:
        self._placement = Placement(rate, positions, equalised=equalised, matched=matched)
        self._limiter = Limiter(rate, 2, ceiling_db)

    def process(self, stems: ArrayLike) -> Audio:
        """Left and right [2, any number] after the piece `stems` [S, T]."""
        return self._limiter.process(self._placement.process(stems))

    def finish(self) -> Audio:
        """The last samples."""
        return self._limiter.finish()


def render(stems: ArrayLike, rate: int, positions: Mapping[str, Position] = DEFAULT_POSITIONS) -> Audio:
    """The binaural render [2, T] of whole stems [S, T]."""
    renderer = BinauralRenderer(rate, positions)
    return np.concatenate([renderer.process(stems), renderer.finish()], axis=1)
