"""A deck on a device: what is heard is chosen while it plays."""

from collections.abc import Callable
from typing import Any

from .deck import Deck
from .device import Device
from .in_step import Audio
from .sounding import Output


class Live:
    """Plays a deck until it is left; `gaps` counts the blocks that came too late."""

    def __init__(self, deck: Deck, output: Output) -> None:
        self.deck = deck
        self.gaps = 0
        self._device = Device(output, self._give, self.leave)

    def run(self, look: Callable[[float], object]) -> None:
        """Until `leave`. Raises what `Device.run` raises."""
        self._device.run(look)

    def leave(self) -> None:
        """Fade out and end."""
        self.deck.leaving = True

    def _give(self, out: Audio, frames: int, times: Any, status: Any) -> None:
        if status and status.output_underflow:
            self.gaps += 1
        self.deck.fill(out, latency_s(times))
        if self.deck.gone:
            raise self._device.end()


def latency_s(times: Any) -> float:
    """How many seconds from now the block is heard, as far as PortAudio knows."""
    now = getattr(times, "currentTime", 0.0)
    heard = getattr(times, "outputBufferDacTime", 0.0)
    return min(heard - now, 1.0) if 0 < now < heard else 0.0
