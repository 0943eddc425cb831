"""Which key some music is in, and where it changes: pitch-class profiles and the best path through them.

Correlation with the probe-tone ratings of Krumhansl & Kessler (1982), made a probability, and Viterbi over stretches
with a cost for every modulation (as in Temperley 1999, What's key for key?, section 4).

Shapes: K stretch, P pitch class (12), M key (24: C major ... B major, C minor ... B minor).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .chord_search import best_path

Reals = NDArray[Any]
"""float64."""

KRUMHANSL: Final = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}
SHARPNESS: Final = 18.0  # nats for a whole unit of correlation, so that a lead of 0.04 is two to one
MODULATION: Final = 12.0  # nats; with stretches of four bars a key must hold about eight of them to be believed


def key_correlations(profile_KP: Reals) -> Reals:
    """Correlation of pitch-class profiles [K, P] with each key's [K, M]; 0 for a profile without shape."""
    rows = np.atleast_2d(np.asarray(profile_KP, np.float64))
    rows = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.divide(rows, length, out=np.zeros_like(rows), where=length > 1e-12)
    return np.asarray(rows @ _profiles().T)


def key_probabilities(profile_KP: Reals) -> Reals:
    """Probabilities of the keys [K, M]."""
    return softmax(SHARPNESS * key_correlations(profile_KP))


def key_path(log_probabilities_KM: Reals, modulation: float = MODULATION) -> list[int]:
    """The key of each stretch: the best path with `modulation` nats for each change."""
    if not len(log_probabilities_KM):
        return []
    return best_path(np.asarray(log_probabilities_KM), np.full(len(log_probabilities_KM), modulation))


def softmax(x: Reals) -> Reals:
    """exp(x) with unit sums along the last axis."""
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def _profiles() -> Reals:
    rows = np.array([np.roll(weights, tonic) for weights in KRUMHANSL.values() for tonic in range(12)])
    rows = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))
