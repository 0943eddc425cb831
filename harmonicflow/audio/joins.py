"""Going on where a sound was cut off: not a sample of it changes, and nothing is heard of the seam.

At a cut the old sound has no other side to fade from, so it is foretold: for some milliseconds it rings on as linear
prediction continues it, under a fade into the new sound (as lost samples are concealed: Kauppinen and Roth 2002,
"Audio signal extrapolation"). The coefficients are Burg's (1975): each reflection k makes the errors of prediction
forwards (f) and backwards (b) as small as it can,

    k = -2 sum f[n] b[n - 1] / sum (f[n]^2 + b[n - 1]^2),    f'[n] = f[n] + k b[n - 1],    b'[n] = b[n - 1] + k f[n]

and |k| < 1, so what is foretold never grows.

Shapes: R rows, C channels, K samples kept, N new ones, T any number.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .seams import FADES_S, NEAR_S, Audio, splice

Reals = NDArray[np.float64]

HEARD_S: Final = 0.1  # of the old sound, from which the rest is foretold
ORDER: Final = 64  # coefficients of the prediction; 16 make no click either, these keep the pitch for longer
TAIL_S: Final = max(FADES_S) + 2 * NEAR_S  # all that a fade and the listening round it need
LEVEL_S: Final = 0.001  # over which two levels are compared
GLIDE_S: Final = 0.005  # in which one level becomes the other
LOUDER: Final = 2.0  # at most so much may a level differ: 6 dB
QUIET: Final = 1e-12  # energy below which nothing sounds


def foretold(x_RT: Audio, rate: int) -> Audio:
    """How sounds go on for `TAIL_S`, [R, tail], by linear prediction from their last `HEARD_S`."""
    heard = x_RT[:, -round(HEARD_S * rate) :].astype(np.float64)
    frames = round(TAIL_S * rate)
    order = min(ORDER, heard.shape[1] // 3)
    last_first = np.ascontiguousarray(burg(heard, order)[:, ::-1])
    out = np.concatenate((heard[:, heard.shape[1] - order :], np.zeros((len(heard), frames))), axis=1)
    for n in range(order, order + frames):
        out[:, n] = (last_first * out[:, n - order : n]).sum(axis=1)
    return out[:, order:].astype(np.float32)


def burg(x_RT: Reals, order: int) -> Reals:
    """Coefficients a [R, order] with x[n] ~ sum a[i] x[n - 1 - i], by Burg's method; zeros for silence."""
    error = np.ones((len(x_RT), 1))
    f, b = x_RT[:, 1:], x_RT[:, :-1]
    for _ in range(order):
        energy = (f * f + b * b).sum(axis=1)
        k = np.where(energy > QUIET, -2 * (f * b).sum(axis=1) / np.maximum(energy, QUIET), 0.0)[:, None]
        error = np.pad(error, ((0, 0), (0, 1)))
        error = error + k * error[:, ::-1]
        f, b = (f + k * b)[:, 1:], (b + k * f)[:, :-1]
    return -error[:, 1:]


def join(kept: Audio, tail: Audio, new: Audio, rate: int) -> Audio:
    """`kept` [K] exactly as it is, then `new` [K + N] from sample K on, faded in from `tail`, how `kept` goes on.

    The fade is as long as `seams.splice` finds it must be, with what `new` has before K as its other side.
    """
    seam, near = len(kept), round(2 * NEAR_S * rate)
    low, high = max(0, seam - near), min(len(new), seam + len(tail))
    old = np.concatenate((kept[low:], tail[: high - seam]))
    spliced = splice(old, new[low:high], seam - low, high - low, rate)
    return np.concatenate((kept[:low], spliced, new[high:]))


def carry_on(kept: Audio, again: Audio, lead: int, rate: int) -> Audio:
    """`kept` [C, K] exactly as it is, then `again` [C, lead + N] after its first `lead` samples, kept's last ones anew.

    For channel strips and limiters that run once more over a sound that goes on: what differs at the seam is a slow
    gain that knows other sound before the lead or after the seam, so the one level glides into the other.
    """
    near = min(lead, round(LEVEL_S * rate))
    old, new = (x[:, end - near : end].astype(np.float64) for x, end in ((kept, kept.shape[1]), (again, lead)))
    energy = float((new * new).sum())
    ratio = float((old * new).sum()) / energy if energy > QUIET else 1.0
    rest = again[:, lead:].copy()
    glide = min(round(GLIDE_S * rate), rest.shape[1])
    fall = 0.5 + 0.5 * np.cos(np.pi * (np.arange(glide) + 0.5) / max(glide, 1))
    rest[:, :glide] *= (1 + (min(max(ratio, 1 / LOUDER), LOUDER) - 1) * fall).astype(np.float32)
    return np.concatenate((kept, rest), axis=1)
