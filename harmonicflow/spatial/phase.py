"""Minimum phase and delay: the two parts a head-related impulse response is taken apart into.

A response is, as far as ears can tell, the shortest response of its magnitude (minimum phase) and a pure
delay (Kulkarni, Isabelle and Colburn 1999). Taken apart, both can be interpolated between directions;
averaged as they are, two responses with different delays would blur into a comb.

Shapes: F frequency bin (F = N / 2 + 1), N sample.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]

FINE: Final = 16  # delays are read on a grid this much finer than samples, then between its points
FLOOR_DB: Final = -80.0  # notches deeper than this, against the highest point, have no meaning


def log_magnitude(response: NDArray[np.floating], size: int) -> Reals:
    """Natural logarithm of the magnitude spectrum [.., F] of responses [.., taps], without bottomless notches."""
    magnitude = np.abs(np.fft.rfft(np.asarray(response, np.float64), size))
    floor = magnitude.max(axis=-1, keepdims=True) * 10 ** (FLOOR_DB / 20)
    return np.log(np.maximum(magnitude, floor))


def minimum_phase(log_magnitude_F: Reals) -> NDArray[np.complex128]:
    """The minimum-phase spectrum [.., F] of a log magnitude [.., F]."""
    return np.asarray(np.exp(log_minimum_phase(log_magnitude_F)))


def log_minimum_phase(log_magnitude_F: Reals) -> NDArray[np.complex128]:
    """The logarithm of that spectrum, by folding its cepstrum
    (Oppenheim and Schafer, "Discrete-time signal processing", section 13.5)."""
    cepstrum = np.fft.irfft(log_magnitude_F)
    half = cepstrum.shape[-1] // 2
    cepstrum[..., 1:half] *= 2
    cepstrum[..., half + 1 :] = 0
    return np.asarray(np.fft.rfft(cepstrum))


def delay_samples(response: NDArray[np.floating]) -> float:
    """The delay of a response [taps] behind its own minimum-phase version, where their correlation is highest
    (Nam, Abel and Smith 2008, "A method for estimating interaural time difference")."""
    size = 4 * len(response)
    own = np.fft.rfft(np.asarray(response, np.float64), size)
    cross = own * np.conj(minimum_phase(log_magnitude(response, size)))
    curve = np.fft.irfft(cross, size * FINE)
    at = int(np.argmax(curve[: len(response) * FINE]))
    before, top, after = curve[[at - 1, at, at + 1]]
    return float((at + 0.5 * (before - after) / (before - 2 * top + after)) / FINE)
