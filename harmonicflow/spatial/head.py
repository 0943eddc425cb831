"""A head that turns: how it is held, and where a source that stays in the room then is, seen from it.

Axes as in AES69 (SOFA): x to the front, y to the left, z up, of the room and of the head. A head is held by three
turns about its own axes, one after the other (intrinsic): yaw about z, to the left; pitch about -y, so that positive
looks up; roll about x, so that positive tilts to the right. As unit quaternions (w, x, y, z), q and -q are the same
attitude and the product p q is "first p, then q about the axes as p has left them"; Kuipers 1999, "Quaternions and
rotation sequences", chapters 5 and 7.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .hrtf import Position

Reals = NDArray[np.float64]

STILL: Final = np.array([1.0, 0.0, 0.0, 0.0])  # looks to the front
SAME: Final = 1e-7  # of the sine of half an angle: closer is there


@dataclass(frozen=True)
class Head:
    """How a head is held, in degrees: `yaw` to the left, then `pitch` up, then `roll` to the right."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.yaw, self.pitch, self.roll))):
            raise ValueError(f"a head is held by three finite angles: {self}")

    @property
    def quaternion(self) -> Reals:
        """The attitude [4]."""
        halves = [math.radians(math.fmod(angle, 360.0)) / 2 for angle in (self.yaw, -self.pitch, self.roll)]
        yaw, pitch, roll = (
            np.array([math.cos(half), *(math.sin(half) * (axis == i) for i in range(3))])
            for half, axis in zip(halves, (2, 1, 0), strict=True)
        )
        return product(product(yaw, pitch), roll)


def product(p: Reals, q: Reals) -> Reals:
    """The quaternion p q."""
    (a, b, c, d), (e, f, g, h) = p.tolist(), q.tolist()
    return np.array(
        [
            a * e - b * f - c * g - d * h,
            a * f + b * e + c * h - d * g,
            a * g - b * h + c * e + d * f,
            a * h + b * g - c * f + d * e,
        ]
    )


def toward(now: Reals, there: Reals, most_deg: float) -> Reals:
    """The attitude at most `most_deg` from `now`, on the shortest way `there`; exactly there where that is near."""
    turn = product(now * [1, -1, -1, -1], there)
    turn = -turn if turn[0] < 0 else turn
    sine = float(np.linalg.norm(turn[1:]))
    angle = 2 * math.atan2(sine, turn[0])
    if angle <= math.radians(most_deg) or sine < SAME:
        return there
    half = math.radians(most_deg) / 2
    step = product(now, np.concatenate(([math.cos(half)], turn[1:] * (math.sin(half) / sine))))
    return np.asarray(step / np.linalg.norm(step))


def seen(position: Position, attitude: Reals) -> Position:
    """Where a source at `position` of the room is, seen from a head in the middle that is held in this attitude."""
    azimuth, elevation = math.radians(position.azimuth_deg), math.radians(position.elevation_deg)
    flat = math.cos(elevation)
    room = np.array([0.0, flat * math.cos(azimuth), flat * math.sin(azimuth), math.sin(elevation)])
    _, x, y, z = product(product(attitude * [1, -1, -1, -1], room), attitude).tolist()
    up = math.degrees(math.atan2(z, math.hypot(x, y)))
    return Position(math.degrees(math.atan2(y, x)), up, position.distance_m)
