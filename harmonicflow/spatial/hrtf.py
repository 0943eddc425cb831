"""The pair of filters that puts a mono source at a position round the head.

Two kinds. *Measured*: KEMAR's responses as they are, with the loudspeaker's missing bass in them; exact at
the measured directions. *Equalised*, the default: divided by the mean over all directions (diffuse-field
equalisation, as headphones expect it), flat below 200 Hz, where the head casts no shadow and the
measurement had no sound. Every direction is divided by the same numbers, so the differences between the
ears stay the measured ones at every frequency above.

Shapes: E ear (left, right), K tap, F frequency bin.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.audio.loudness import k_weighting
from harmonicflow.audio.resample import resample

from .air import absorption_db_per_m
from .phase import log_magnitude, minimum_phase
from .table import FFT, RADIUS_M, RATE, TAPS, kemar

Reals = NDArray[np.float64]

FREQ_HZ: Final = np.arange(FFT // 2 + 1) * RATE / FFT
NEAREST_M: Final = 0.2
FARTHEST_M: Final = 100.0
FLAT_BELOW_HZ: Final = 150.0
MEASURED_ABOVE_HZ: Final = 300.0
MOST_BOOST_DB: Final = 12.0  # of the equalisation: above 15 kHz the loudspeaker gave little
FADE: Final = 32  # taps faded out at the end
HEARD_HZ: Final = (30.0, 16_000.0)  # of the pink noise by which levels are matched


@dataclass(frozen=True)
class Position:
    """Where a source is, seen from the head: azimuth counted to the left (90 is left, 180 behind)."""

    azimuth_deg: float = 0.0
    elevation_deg: float = 0.0
    distance_m: float = RADIUS_M

    def __post_init__(self) -> None:
        if not (np.isfinite(self.azimuth_deg) and -90 <= self.elevation_deg <= 90):
            raise ValueError(f"elevation is -90 to 90 degrees: {self}")
        if not NEAREST_M <= self.distance_m <= FARTHEST_M:
            raise ValueError(f"distance is {NEAREST_M} to {FARTHEST_M} m: {self}")

    @property
    def gain(self) -> float:
        """The pressure against that at the measurement's distance: 1 / r. The ears' near field is not modelled."""
        return RADIUS_M / self.distance_m


@lru_cache(maxsize=64)
def filters(position: Position, rate: int = RATE, equalised: bool = True) -> Reals:
    """The filters [E, K] of a position, without the common delay of the measurement; includes distance and air."""
    table = kemar()
    nearest = table.around(position.azimuth_deg, position.elevation_deg)
    far = max(0.0, position.distance_m - RADIUS_M)
    if not equalised and len(nearest) == 1 and not far:
        pair = table.responses[nearest[0][0], :, table.common_delay :]
    else:
        pair = shortened(spectra(nearest, equalised, far))
    if rate != RATE:
        pair = resample(pair, RATE, rate).astype(np.float64) * (RATE / rate)
    pair = pair * position.gain
    pair.flags.writeable = False
    return np.asarray(pair)


def shortened(spectra_EF: NDArray[np.complex128]) -> Reals:
    """The responses [.., E, K] of spectra [.., E, F], without the measurement's common delay, faded out at the end."""
    pair: Reals = np.fft.irfft(spectra_EF)[..., : TAPS - kemar().common_delay]
    pair[..., -FADE:] *= np.cos(np.linspace(0, np.pi / 2, FADE)) ** 2
    return pair


def spectra(nearest: list[tuple[int, float]], equalised: bool, far_m: float = 0.0) -> NDArray[np.complex128]:
    """The filters' spectra [E, F] from measured directions and their weights (`Table.around`).

    Log magnitudes and delays are averaged. A single direction also keeps what its measured phase has
    beyond minimum phase and delay, where the magnitude is the measured one.
    """
    table = kemar()
    rows, weights = [row for row, _ in nearest], np.array([weight for _, weight in nearest])
    measured = np.tensordot(weights, log_magnitude(table.responses[rows], FFT), 1)
    share = _measured_share() if equalised else np.ones(len(FREQ_HZ))
    wanted = equalised_log(measured) if equalised else measured
    wanted = wanted - absorption_db_per_m(FREQ_HZ) * far_m * np.log(10) / 20
    late = np.exp(-2j * np.pi * FREQ_HZ / RATE * (weights @ table.delays[rows])[:, None])
    out = minimum_phase(wanted) * late
    if len(rows) == 1:
        own = np.fft.rfft(table.responses[rows[0]], FFT)
        out *= np.exp(1j * share * np.angle(own * np.conj(minimum_phase(measured) * late)))
    return np.asarray(out * np.exp(2j * np.pi * FREQ_HZ / RATE * table.common_delay))


def equalised_log(measured_F: Reals) -> Reals:
    """Log magnitudes [.., F] of measured responses, equalised."""
    return (measured_F - _diffuse()) * _measured_share()


def pink_power(pair: Reals, rate: int) -> float:
    """The K-weighted power of both ears together for pink noise whose own is 1: what the loudness meter will read."""
    size = 4 * FFT
    freq_hz = np.fft.rfftfreq(size, 1 / rate)
    heard = (freq_hz >= HEARD_HZ[0]) & (freq_hz <= min(HEARD_HZ[1], 0.45 * rate))
    weight = np.zeros(len(freq_hz))
    shelf, cut = (np.abs(section.response(freq_hz[heard], rate)) for section in k_weighting(rate))
    weight[heard] = (shelf * cut) ** 2 / freq_hz[heard]
    power = np.abs(np.fft.rfft(pair, size)) ** 2
    return float(np.sum(power * weight) / np.sum(weight))


@lru_cache(maxsize=1)
def _diffuse() -> Reals:
    """Log magnitude of the mean over all directions, held up where the measurement had no treble."""
    power = kemar().diffuse
    return np.asarray(0.5 * np.log(np.maximum(power, 10 ** (-MOST_BOOST_DB / 10))))


@lru_cache(maxsize=1)
def _measured_share() -> Reals:
    """0 in the bass, 1 above, a smooth step on a logarithmic scale between."""
    edges = np.log([FLAT_BELOW_HZ, MEASURED_ABOVE_HZ])
    t = np.clip((np.log(np.maximum(FREQ_HZ, 1.0)) - edges[0]) / (edges[1] - edges[0]), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))
