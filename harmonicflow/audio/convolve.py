"""Finite filters from several inputs to several outputs, as one matrix product a block.

For the lengths used here (a few hundred samples, a handful of channels) a product is as fast as Fourier
transforms, and it is causal to the last bit, which gives a stream without latency (see `blocks`).

Shapes: I input, O output, K tap, N sample of a block, B block, T sample.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .blocks import BlockStream

Audio = NDArray[np.float32]

BLOCK: Final = 128
BLOCKS: Final = 32


class Convolver:
    """out[o] = sum over i of taps[o, i] convolved with in[i]; pieces equal the whole bit for bit."""

    def __init__(self, taps_OIK: NDArray[np.floating]) -> None:
        outputs, inputs, length = taps_OIK.shape
        reach = BLOCK + length - 1
        product = np.zeros((inputs, reach, outputs, BLOCK), np.float32)
        for n in range(BLOCK):
            product[:, n : n + length, :, n] = taps_OIK[:, :, ::-1].transpose(1, 2, 0)
        self._product = product.reshape(inputs * reach, outputs * BLOCK)
        self._window = np.arange(0, BLOCKS * BLOCK, BLOCK)[:, None] + np.arange(reach)
        self._outputs = outputs
        past = np.zeros((inputs, length - 1), np.float32)
        self._stream = BlockStream(self._step, past, inputs, BLOCK * BLOCKS, np.float32)

    def process(self, x: Audio) -> Audio:
        """Outputs [O, T] for inputs [I, T]."""
        out: Audio = self._stream.process(x)
        return out

    def _step(self, block: Audio, past: Audio) -> tuple[Audio, Audio]:
        signal = np.concatenate([past, block], axis=1)
        windows = signal.take(self._window, axis=1).transpose(1, 0, 2).reshape(BLOCKS, -1)
        out = (windows @ self._product).reshape(BLOCKS, self._outputs, BLOCK)
        return out.transpose(1, 0, 2).reshape(self._outputs, -1), signal[:, signal.shape[1] - past.shape[1] :]
