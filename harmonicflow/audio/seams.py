"""Splicing an edit into a sound without a click.

Outside the edit's range every sample stays as it was: both crossfades lie inside the range. Their gains
are cos and sin of a phase that moves as t^3 (10 - 15 t + 6 t^2): equal power, because an edit and what it
replaces have little to do with each other, and no corner at the ends, because a corner is a click under a
low bass note. A short fade keeps attacks crisp, a long one is smooth under low notes: each seam takes the
shortest that makes no click by the measure `click_db`.

Shapes: T sample; leading axes (channels) are free.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]

FADES_S: Final = (0.005, 0.01, 0.02, 0.04, 0.08)
CLICK_DB: Final = 3.0  # a rise of the second difference by more than this is heard as a click
NEAR_S: Final = 0.005  # how far round a seam is listened
QUIET: Final = 1e-5  # second differences below -100 dB of full scale are nothing

if list(FADES_S) != sorted(FADES_S):
    raise ImportError("fades are tried from the shortest to the longest")


def splice(old: Audio, new: Audio, start: int, end: int, rate: int, fade_s: float | None = None) -> Audio:
    """`old` [.., T] with the samples start <= t < end taken from `new` [.., T], which has the same shape.

    `fade_s`: length of both crossfades; by default each is chosen from `FADES_S`. At the sound's own
    first and last sample there is nothing to fade from, and no fade.
    """
    if old.shape != new.shape or not 0 <= start <= end <= old.shape[-1]:
        raise ValueError(f"cannot splice {new.shape} into {old.shape} at {start} to {end}")
    out = old.copy()
    out[..., start:end] = new[..., start:end]
    room = (end - start) // 2
    if start > 0:
        _fade(out, old, new, start, min(room, _frames(old, new, start, room, rate, fade_s, 1)), 1)
    if end < old.shape[-1]:
        _fade(out, old, new, end, min(room, _frames(old, new, end, room, rate, fade_s, -1)), -1)
    return out


def click_db(spliced: Audio, old: Audio, new: Audio, seam: int, rate: int) -> float:
    """How far the splice's second difference within 5 ms of a seam rises above the rougher of the two sounds there.

    Above `CLICK_DB` it is a click. Arrays [.., T]; the highest channel counts.
    """
    return _rise(spliced, old, new, seam - round(NEAR_S * rate), seam + round(NEAR_S * rate))


def _rise(spliced: Audio, old: Audio, new: Audio, start: int, end: int) -> float:
    part = slice(max(0, start), max(0, end))
    rough = np.maximum(_roughness(old[..., part]), _roughness(new[..., part]))
    ratio = np.maximum(_roughness(spliced[..., part]), QUIET) / np.maximum(rough, QUIET)
    return float(20 * np.log10(np.max(ratio)))


def _roughness(x: Audio) -> NDArray[np.float64]:
    if x.shape[-1] < 3:
        return np.zeros(x.shape[:-1])
    return np.asarray(np.abs(np.diff(x.astype(np.float64), 2)).max(axis=-1))


def _fade(out: Audio, old: Audio, new: Audio, seam: int, frames: int, side: int) -> None:
    """Crossfade inside the edit: after its start (side 1) or before its end (side -1)."""
    t = (np.arange(frames) + 0.5) / max(frames, 1)
    phase = np.pi / 2 * t**3 * (10 - 15 * t + 6 * t * t)
    to_new, to_old = np.sin(phase), np.cos(phase)
    part = slice(seam, seam + frames)
    if side < 0:
        part = slice(seam - frames, seam)
        to_new, to_old = to_old, to_new
    out[..., part] = old[..., part] * to_old + new[..., part] * to_new


def _frames(old: Audio, new: Audio, seam: int, room: int, rate: int, fade_s: float | None, side: int) -> int:
    """The length of a crossfade: as asked, or the shortest without a click, or the one that clicks least."""
    if fade_s is not None:
        return round(fade_s * rate)
    near = round(NEAR_S * rate)
    rises = []
    for seconds in FADES_S:
        frames = min(round(seconds * rate), room)
        first, last = (seam, seam + frames) if side > 0 else (seam - frames, seam)
        low, high = max(0, first - near - 2), last + near + 2
        a, b = old[..., low:high], new[..., low:high]
        trial = b.copy() if side > 0 else a.copy()
        trial[..., : seam - low] = (a if side > 0 else b)[..., : seam - low]
        _fade(trial, a, b, seam - low, frames, side)
        whole = _rise(trial, a, b, first - near - low, last + near - low)
        rises.append((max(whole, _rise(trial, a, b, seam - near - low, seam + near - low)), frames))
        if rises[-1][0] <= CLICK_DB:
            return frames
    return min(rises)[1]
