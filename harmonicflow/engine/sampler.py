"""Flow sampling as plain arithmetic: the same code serves arrays (the daemon) and tensors (training previews).

Rectified flow (Liu et al. 2022, eq. 1): x_t = (1 - t) noise + t data, and a network predicts the velocity
data - noise. Sampling follows dx/dt = velocity(x, t) from noise at t = 0 to data at t = 1 by Euler's method; a
few-step model (Geng et al. 2025, MeanFlow) is also told the size of the step, whose mean velocity it gives.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final

from harmonicflow.core.errors import HarmonicFlowError

SHORTEST_STEP: Final = 1 / 16  # of flow time: a few-step model is asked for steps no longer as for a moment


def flow_times(steps: int, schedule: Sequence[float] | None = None) -> list[float]:
    """`steps` + 1 times from 0 to 1: even, or along a bundle's `schedule` stretched to that number of steps."""
    if not 1 <= steps <= 64:
        raise HarmonicFlowError("bad_steps", steps=steps)
    if schedule is None:
        return [step / steps for step in range(steps + 1)]
    places = [step * (len(schedule) - 1) / steps for step in range(steps)]
    return [_between(schedule, place) for place in places] + [1.0]


def told_step(step: float, interval: bool) -> float:
    """What a network's input `step` is told of a step's length: nothing unless it is a few-step model (`interval`)."""
    return step if interval and step > SHORTEST_STEP else 0.0


def _between(values: Sequence[float], place: float) -> float:
    low = int(place)
    return values[low] + (place - low) * (values[low + 1] - values[low])


def sample(
    velocity: Callable[[Any, float, float], Any],
    x: Any,
    times: Sequence[float],
    on_step: Callable[[int], None] | None = None,
) -> Any:
    """Follow `velocity(x, time, step)` from x at times[0] to times[-1]; `on_step(number)` may raise `cancelled`."""
    for number, (time, after) in enumerate(pairwise(times), 1):
        x = x + (after - time) * velocity(x, time, after - time)
        if on_step is not None:
            on_step(number)
    return x
