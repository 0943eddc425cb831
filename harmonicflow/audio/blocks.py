"""Causal processing of a stream in blocks of one fixed size, such that the cutting of the stream leaves no trace.

A step sees one block (its unfilled end holds any finite numbers) and the state before it. Matrix
products sum in an order that depends on their shapes, so one fixed shape, on a fixed grid counted from
the stream's first sample, gives the same bits however the stream is cut; and because a causal matrix
holds exact zeros for every later sample, the samples of an unfinished block are final at once: no
latency, no flush.

Shapes: I input, O output, N sample of a block, T sample.
"""

from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

State = TypeVar("State")


class Step(Protocol[State]):
    """out_ON, next state = step(block_IN, state); out[:, n] may depend on block[:, :n + 1] and the state only."""

    def __call__(self, block: NDArray[Any], state: State, /) -> tuple[NDArray[Any], State]: ...


class BlockStream(Generic[State]):
    """Run a step over a stream; `process` returns as many samples as it is given."""

    def __init__(self, step: Step[State], state: State, inputs: int, size: int, dtype: type) -> None:
        self._step = step
        self._state = state
        self._block: NDArray[Any] = np.zeros((inputs, size), dtype)
        self._filled = 0

    def process(self, x: NDArray[Any]) -> NDArray[Any]:
        """Outputs [O, T] for inputs [I, T]."""
        size = self._block.shape[1]
        parts: list[NDArray[Any]] = []
        at = 0
        while at < x.shape[1] or not parts:
            count = min(size - self._filled, x.shape[1] - at)
            end = self._filled + count
            self._block[:, self._filled : end] = x[:, at : at + count]
            out, state = self._step(self._block, self._state)
            parts.append(out[:, self._filled : end])
            at += count
            self._filled = end
            if end == size:
                self._state, self._filled = state, 0
        return np.concatenate(parts, axis=1)
