"""How long jobs take, learned from those that were done: what an honest waiting time is made of.

A job takes `a + b x` seconds for x seconds of sound: the least squares of the last jobs of the same kind and the
same number of steps, else of the same kind, else of any. Before the first job nothing is known, and nothing is said.
"""

from collections import defaultdict, deque
from collections.abc import Hashable, Sequence
from typing import Final, TypeAlias

from harmonicflow.core.messages import WorkRequest

LAST: Final = 12  # jobs of each kind that count
SPREAD: Final = 1.5  # the longest against the shortest, below which a line through the points means nothing

Point: TypeAlias = tuple[float, float]  # seconds of sound, seconds of work


class Pace:
    """The jobs of late, by kind. Times are seconds of any clock that never goes back."""

    def __init__(self) -> None:
        self._points: dict[Hashable, deque[Point]] = defaultdict(lambda: deque(maxlen=LAST))

    def learn(self, request: WorkRequest, sound_s: float, seconds: float) -> None:
        """A job for so much sound has taken so long."""
        for key in _keys(request):
            self._points[key].append((sound_s, seconds))

    def expect_s(self, request: WorkRequest, sound_s: float) -> float | None:
        """How long such a job will take; None while nobody knows."""
        for key in _keys(request):
            if points := self._points.get(key):
                return _line(points, sound_s)
        return None


def _keys(request: WorkRequest) -> tuple[Hashable, ...]:
    kind = type(request).__name__
    return (kind, request.steps), kind, ""


def _line(points: Sequence[Point], x: float) -> float:
    """The line of least squares at x; through the origin where it cannot be told, or would fall or begin below 0."""
    xs, ys = [point[0] for point in points], [point[1] for point in points]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    if max(xs) > SPREAD * min(xs):
        slope = sum((a - mean_x) * (b - mean_y) for a, b in points) / sum((a - mean_x) ** 2 for a in xs)
        start = mean_y - slope * mean_x
        if slope >= 0 and start >= 0:
            return start + slope * x
    return mean_y * x / mean_x if mean_x else mean_y
