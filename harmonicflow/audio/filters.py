"""Biquad filters (Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients") over streams.

An IIR filter is one multiplication after the other, which plain numpy is too slow for. Over a block of
N samples a linear system with state s is four matrices instead (b, c, d: the system's own):

    y[n] = c A^n s + sum over m <= n of h[n - m] x[m],   h = d, cb, cAb, cA^2b ...
    s'   = A^N s   + sum over m of A^(N-1-m) b x[m]

so blocks are filtered by matrix products. What each block leaves in the state is carried to all later
blocks of a superblock by the powers of A^N, one more product.

Shapes: I channel, B block in a superblock, N sample of a block, P order, T sample.
"""

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .blocks import BlockStream

Reals = NDArray[np.float64]
Kind = Literal["lowcut", "highcut", "lowshelf", "highshelf", "peak"]

BLOCK: Final = 128  # samples per block: longer means more multiplications, shorter more steps in Python
BLOCKS: Final = 32  # per superblock, the unit of one matrix product
SILENT: Final = 1e-30  # smaller states are set to zero: denormal numbers are slow
HIGHEST: Final = 0.49  # of the rate; a band above it would act on nothing


class Section(NamedTuple):
    """One biquad: H(z) = (b0 + b1/z + b2/z^2) / (1 + a1/z + a2/z^2)."""

    b0: float
    b1: float
    b2: float
    a1: float
    a2: float

    def response(self, freq_hz: ArrayLike, rate: float) -> NDArray[np.complex128]:
        """The complex gain at frequencies."""
        z = np.exp(-2j * np.pi * np.asarray(freq_hz, np.float64) / rate)
        out: NDArray[np.complex128] = (self.b0 + z * (self.b1 + z * self.b2)) / (1 + z * (self.a1 + z * self.a2))
        return out


THROUGH: Final = Section(1.0, 0.0, 0.0, 0.0, 0.0)


def biquad(kind: Kind, freq_hz: float, rate: float, gain_db: float = 0.0, q: float = 0.7071) -> Section:
    """The cookbook's filter; one that lies above the band (`HIGHEST`) lets everything through."""
    if freq_hz >= HIGHEST * rate:
        return THROUGH
    w = 2 * np.pi * freq_hz / rate
    cos, alpha = np.cos(w), np.sin(w) / (2 * q)
    a = 10 ** (gain_db / 40)
    root = 2 * np.sqrt(a) * alpha
    b: tuple[float, float, float]
    if kind == "lowcut":
        b, a0, a1, a2 = ((1 + cos) / 2, -(1 + cos), (1 + cos) / 2), 1 + alpha, -2 * cos, 1 - alpha
    elif kind == "highcut":
        b, a0, a1, a2 = ((1 - cos) / 2, 1 - cos, (1 - cos) / 2), 1 + alpha, -2 * cos, 1 - alpha
    elif kind == "peak":
        b, a0, a1, a2 = (1 + alpha * a, -2 * cos, 1 - alpha * a), 1 + alpha / a, -2 * cos, 1 - alpha / a
    else:  # a high shelf is the low shelf with the sign of a - 1 turned
        up, down = a + 1, (a - 1 if kind == "lowshelf" else 1 - a)
        b = (a * (up - down * cos + root), 2 * a * (down - up * cos), a * (up - down * cos - root))
        a0, a1, a2 = up + down * cos + root, -2 * (down + up * cos), up + down * cos - root
    return Section(*(float(v / a0) for v in (*b, a1, a2)))


class Biquads:
    """A cascade of biquads over `channels` channels. State is kept: pieces equal the whole bit for bit."""

    def __init__(self, sections: tuple[Section, ...], channels: int = 1) -> None:
        self._channels = channels
        a, b, c, d = _cascade(sections or (THROUGH,))
        order = len(b)
        powers = np.empty((BLOCK + 1, order, order))
        powers[0] = np.eye(order)
        for n in range(BLOCK):
            powers[n + 1] = a @ powers[n]
        impulse = np.concatenate([[d], powers[: BLOCK - 1] @ b @ c])
        lag = np.subtract.outer(np.arange(BLOCK), np.arange(BLOCK))
        toeplitz = np.where(lag >= 0, impulse[np.maximum(lag, 0)], 0.0)
        self._from_input = np.concatenate([toeplitz, (powers[BLOCK - 1 :: -1] @ b)[:BLOCK].T]).T.copy()  # [N, N + P]
        self._from_state = (c @ powers[:BLOCK]).T.copy()  # [P, N]
        self._carry, self._first = _carries(powers[BLOCK].T)
        state = np.zeros((channels, order))
        self._stream = BlockStream(self._step, state, channels, BLOCK * BLOCKS, np.float64)

    def process(self, x: ArrayLike) -> Reals:
        """Filtered samples [I, T] for [I, T]."""
        return self._stream.process(np.asarray(x))

    def _step(self, block: Reals, state: Reals) -> tuple[Reals, Reals]:
        both = block.reshape(self._channels * BLOCKS, BLOCK) @ self._from_input
        both = both.reshape(self._channels, BLOCKS, -1)
        left = both[:, :, BLOCK:].reshape(self._channels, -1)
        states = (left @ self._carry + state @ self._first).reshape(self._channels, BLOCKS + 1, -1)
        out = both[:, :, :BLOCK] + states[:, :BLOCKS] @ self._from_state
        state = states[:, BLOCKS]
        state[np.abs(state) < SILENT] = 0.0
        return out.reshape(self._channels, -1), state


def _carries(step: Reals) -> tuple[Reals, Reals]:
    """From what each block leaves, and from the first state, to the state before every block and after the last."""
    order = len(step)
    powers = [np.eye(order)]
    for _ in range(BLOCKS):
        powers.append(powers[-1] @ step)
    carry = np.zeros((BLOCKS, order, BLOCKS + 1, order))
    for source in range(BLOCKS):
        for at in range(source + 1, BLOCKS + 1):
            carry[source, :, at] = powers[at - source - 1]
    return carry.reshape(BLOCKS * order, -1), np.concatenate(powers, axis=1)


def _cascade(sections: tuple[Section, ...]) -> tuple[Reals, Reals, Reals, float]:
    """State space (A, b, c, d) of biquads in series, each in transposed direct form II."""
    a, b, c, d = np.zeros((0, 0)), np.zeros(0), np.zeros(0), 1.0
    for s in sections:
        a2 = np.array([[-s.a1, 1.0], [-s.a2, 0.0]])
        b2 = np.array([s.b1 - s.a1 * s.b0, s.b2 - s.a2 * s.b0])
        order = len(b)
        grown = np.zeros((order + 2, order + 2))
        grown[:order, :order], grown[order:, :order], grown[order:, order:] = a, np.outer(b2, c), a2
        a, b, c, d = grown, np.concatenate([b, b2 * d]), np.concatenate([s.b0 * c, [1.0, 0.0]]), s.b0 * d
    return a, b, c, d
