"""The measured head: MIT KEMAR's responses (Gardner and Martin 1994), their directions and neighbours.

Azimuth is counted from the front to the left, elevation from the horizon up, both in degrees. The
directions lie on rings of one elevation with equal steps of azimuth, from -40 in steps of 10 up to the
single one overhead. kemar.npz holds the measurement's own 16-bit numbers; KEMAR.txt names the source.

Shapes: D direction, E ear (left, right), K tap, F frequency bin.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

RATE: Final = 44_100  # Hz, of the measurement
TAPS: Final = 256
FFT: Final = 1024  # for spectra of the responses
RADIUS_M: Final = 1.4  # at which the loudspeaker stood
LEAD: Final = 10  # samples left before the earliest delay: responses begin softly, this much ahead of it
SAME: Final = 1e-6  # degrees, or a weight: closer than this is exactly there

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Ring:
    """The directions of one elevation: rows `first` to `first + count - 1` of the table, azimuth rising from 0."""

    elevation_deg: float
    first: int
    count: int


@dataclass(frozen=True, eq=False)
class Table:
    """All measured directions."""

    responses: Reals  # [D, E, K]
    directions: Reals  # [D, 2] azimuth, elevation
    delays: Reals  # [D, E] samples, of each response behind its minimum-phase version
    diffuse: Reals  # [F] mean power over ears and directions, of FFT bins
    rings: tuple[Ring, ...]
    common_delay: int  # samples by which every response is late: the way from the loudspeaker

    def around(self, azimuth_deg: float, elevation_deg: float, without: int = -1) -> list[tuple[int, float]]:
        """The nearest directions (at most four) and their weights, which add up to 1; a measured one stands alone.

        Between two rings and two directions on each, linear in both angles; below the lowest ring, on
        it. `without` leaves one direction out, to ask how well its neighbours stand in for it.
        """
        elevation = float(np.clip(elevation_deg, self.rings[0].elevation_deg, self.rings[-1].elevation_deg))
        upper = next(ring for ring in self.rings if ring.elevation_deg >= elevation - SAME)
        lower = self.rings[max(0, self.rings.index(upper) - 1)]
        if upper.elevation_deg - elevation < SAME or lower is upper:
            parts = [(upper, 1.0)]
        else:
            up = (elevation - lower.elevation_deg) / (upper.elevation_deg - lower.elevation_deg)
            parts = [(lower, 1.0 - up), (upper, up)]
        found: dict[int, float] = {}
        for ring, share in parts:
            for index, weight in _on_ring(ring, azimuth_deg, without):
                found[index] = found.get(index, 0.0) + share * weight
        return [(index, weight) for index, weight in found.items() if weight > SAME]


def _on_ring(ring: Ring, azimuth_deg: float, without: int) -> list[tuple[int, float]]:
    place = (azimuth_deg % 360.0) * ring.count / 360.0
    if abs(place - round(place)) < SAME:
        place = float(round(place))
    below = int(np.floor(place))
    above = below + 1
    if without in (ring.first + below % ring.count, ring.first + above % ring.count):
        below, above = (below - 1, above) if without == ring.first + below % ring.count else (below, above + 1)
    part = (place - below) / (above - below)
    return [(ring.first + below % ring.count, 1.0 - part), (ring.first + above % ring.count, part)]


@lru_cache(maxsize=1)
def kemar() -> Table:
    """The table that ships with the package."""
    with np.load(Path(__file__).with_name("kemar.npz"), allow_pickle=False) as data:
        directions = np.asarray(data["directions"], np.float64)
        delays = np.asarray(data["delays"], np.float64)
        elevations, first, count = np.unique(directions[:, 1], return_index=True, return_counts=True)
        rings = tuple(Ring(float(e), int(f), int(n)) for e, f, n in zip(elevations, first, count, strict=True))
        responses = data["responses"].astype(np.float64) / 32768
        common = int(np.floor(delays.min())) - LEAD
        return Table(responses, directions, delays, np.asarray(data["diffuse"], np.float64), rings, common)
