"""The binaural render for a head that turns while it listens: sources stay in the room, the filters follow.

While the head is still, a source goes through one pair of filters, as in `binaural.Placement`. While it turns, the
filters go from attitude to attitude: through each `FADE_S` the old and the new ones both run, and the render goes from
one to the other in a straight line, so that its parts are continuous and so is the motion. An attitude that jumps is
reached at `FASTEST_DEG_S`, as quickly as a person turns.

The level of each source stays what it is for a head that looks to the front, in the takes' own binaural render: a
source behind the head is as much weaker as the measured head hears it.

Shapes: S source, E ear, K tap, F frequency bin, T sample.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.audio.resample import resample

from .air import absorption_db_per_m
from .binaural import matched_gains
from .head import STILL, Head, seen, toward
from .hrtf import FREQ_HZ, Position, equalised_log, filters, shortened, spectra
from .phase import log_magnitude, log_minimum_phase
from .table import FFT, RADIUS_M, RATE, TAPS, kemar

Audio = NDArray[np.float32]
Reals = NDArray[np.float64]

FADE_S: Final = 0.01  # rounded to a power of two frames: 512 at 44.1 and 48 kHz
FASTEST_DEG_S: Final = 500.0  # heads reach it when they are thrown round


class Ears:
    """The pairs of filters of several sources at once, wherever they are seen: `hrtf.filters`, quicker.

    What `hrtf` averages between directions are logarithms of magnitudes, and delays; the logarithm of a spectrum of
    minimum phase and delay depends linearly on both. So one table of such logarithms is averaged, and what is left to
    do for a new direction is one exponential, one transform back, and one matrix product for another rate.
    """

    def __init__(self, rate: int, gains: Sequence[float], distances_m: Sequence[float], equalised: bool = True) -> None:
        self._logs = _logs(equalised)
        self._equalised = equalised
        self._far_m = [max(0.0, metres - RADIUS_M) for metres in distances_m]
        air = log_minimum_phase(absorption_db_per_m(FREQ_HZ) * np.log(10) / 20)
        self._air = np.multiply.outer(self._far_m, air)[:, None].astype(np.complex64)  # [S, 1, F]
        self._gains = np.asarray(gains, np.float32)[:, None, None]
        self._converted = _conversion(rate)
        self.taps = self._converted.shape[1]

    def pairs(self, places: Sequence[Position]) -> Audio:
        """[S, E, K] for the sources where they are seen."""
        found = [kemar().around(place.azimuth_deg, place.elevation_deg) for place in places]
        spectra_SEF = np.exp(np.stack([self._log(near) for near in found]) - self._air)
        for source, near in enumerate(found):
            if len(near) == 1:  # a measured direction keeps its own phase
                spectra_SEF[source] = spectra(near, self._equalised, self._far_m[source])
        return np.asarray((shortened(spectra_SEF) @ self._converted) * self._gains, np.float32)

    def _log(self, near: list[tuple[int, float]]) -> NDArray[np.complex64]:
        """The average [E, F]. A sum, not a product: BLAS would wake all cores for so little."""
        rows, weights = [row for row, _ in near], np.array([weight for _, weight in near], np.float32)
        return np.asarray((self._logs[rows] * weights[:, None, None]).sum(axis=0))


class TurningPlacement:
    """Sources in a room for a head that turns. One thread renders; `face` may be called by any other at any time."""

    def __init__(
        self, rate: int, positions: Mapping[str, Position], *, equalised: bool = True, matched: bool = True
    ) -> None:
        self._positions = tuple(positions.values())
        front = [filters(position, rate, equalised) for position in self._positions]
        gains = matched_gains(front, self._positions, rate) if matched else [1.0] * len(front)
        gains = [gain * position.gain for gain, position in zip(gains, self._positions, strict=True)]
        self._ears = Ears(rate, gains, [position.distance_m for position in self._positions], equalised)
        self.fade = 1 << max(round(np.log2(FADE_S * rate)), (self._ears.taps - 1).bit_length())
        self._step_deg = FASTEST_DEG_S * self.fade / rate
        self._ramp = np.arange(1, self.fade + 1) / self.fade
        self._there = self._now = STILL
        self._here = self._filters(STILL)  # spectra [E, S, F]
        self._next: NDArray[np.complex128] | None = None
        self._faded = 0

    @property
    def before(self) -> int:
        """How many frames before the first one the filters look back on."""
        return self._ears.taps - 1

    def face(self, head: Head) -> None:
        """Turn the head there, from the next frames on."""
        self._there = head.quaternion

    def jump(self) -> None:
        """Be there at once: for a render that begins anew."""
        if self._now is not self._there:
            self._now = self._there
            self._here = self._filters(self._now)
        self._next, self._faded = None, 0

    def process(self, sources: Audio) -> Audio:
        """What both ears hear [E, T] of sources [S, `before` + T], of which the first `before` frames are past."""
        past, frames = self.before, sources.shape[1] - self.before
        out = np.empty((2, frames), np.float32)
        done = 0
        while done < frames:
            self._begin_turn()
            count = min(frames - done, self.fade - self._faded)
            bins = np.fft.rfft(sources[:, done : done + past + count], 2 * self.fade)
            heard = self._heard(bins, self._here, count)
            if self._next is not None:
                ramp = self._ramp[self._faded : self._faded + count]
                heard += (self._heard(bins, self._next, count) - heard) * ramp
                self._faded += count
                if self._faded == self.fade:
                    self._here, self._next, self._faded = self._next, None, 0
            out[:, done : done + count] = heard
            done += count
        return out

    def _begin_turn(self) -> None:
        there = self._there  # once: another thread may turn on
        if self._next is None and there is not self._now:
            self._now = toward(self._now, there, self._step_deg)
            self._next = self._filters(self._now)

    def _filters(self, attitude: Reals) -> NDArray[np.complex128]:
        pairs = self._ears.pairs([seen(position, attitude) for position in self._positions])
        return np.fft.rfft(pairs, 2 * self.fade).transpose(1, 0, 2).copy()

    def _heard(self, bins_SF: NDArray[np.complex128], spectra_ESF: NDArray[np.complex128], count: int) -> Reals:
        heard = np.fft.irfft((spectra_ESF * bins_SF).sum(axis=1))
        return np.asarray(heard[:, self.before : self.before + count])


@lru_cache(maxsize=2)
def _logs(equalised: bool) -> NDArray[np.complex64]:
    """The logarithm of the wanted spectrum of every measured direction, as minimum phase and delay, [D, E, F]."""
    measured = log_magnitude(kemar().responses, FFT)
    late = (kemar().delays - kemar().common_delay)[..., None] * (2j * np.pi / RATE * FREQ_HZ)
    wanted = log_minimum_phase(equalised_log(measured) if equalised else measured)
    return np.asarray(wanted - late, np.complex64)


@lru_cache(maxsize=4)
def _conversion(rate: int) -> Audio:
    """The matrix [K at 44.1 kHz, K at `rate`] that brings filters to another rate."""
    unit = np.eye(TAPS - kemar().common_delay, dtype=np.float32)
    return unit if rate == RATE else resample(unit, RATE, rate) * np.float32(RATE / rate)
