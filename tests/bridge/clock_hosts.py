"""Hosts that send MIDI clock, without ports: when each tick is due, and when it comes in, late as on real ones."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]


def due(bpms: Sequence[float] | float, ticks: int = 0) -> Times:
    """When ticks are due at a tempo each, or `ticks` at one tempo; the first at 0 s."""
    each = np.full(ticks, bpms) if isinstance(bpms, int | float) else np.asarray(bpms, float)
    return np.concatenate([[0.0], np.cumsum(2.5 / each)])


def usb(times: Times, rng: np.random.Generator) -> Times:
    """Through USB (frames of 1 ms) and threads (0.3 ms on average); three of a hundred are up to 15 ms late."""
    size = len(times)
    late = rng.uniform(0, 1e-3, size) + rng.exponential(3e-4, size)
    late += (rng.random(size) < 0.03) * rng.uniform(0, 15e-3, size)
    return np.maximum.accumulate(times + late)


def polled(times: Times, rng: np.random.Generator, ms: float = 2.0) -> Times:
    """By a host whose timer fires so often, at any moment."""
    return np.maximum.accumulate(times + rng.uniform(0, ms / 1000, len(times)))


def blocks(times: Times, rng: np.random.Generator, frames: int = 64) -> Times:
    """By a host that sends what belongs to an audio block of 48 kHz as the block begins."""
    block = frames / 48_000
    shift = rng.uniform(0, block)
    return np.ceil((times + shift) / block) * block - shift


JITTERS = {"usb": usb, "polled": polled, "blocks": blocks}
