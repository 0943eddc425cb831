"""Turns of a head against scipy's rotations, against directions that need no arithmetic, and there and back."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from harmonicflow.spatial.head import STILL, Head, product, seen, toward
from harmonicflow.spatial.hrtf import Position

RNG = np.random.default_rng(0)


def scipys(yaw, pitch, roll):
    """Intrinsic about z, y, x; y points to the left, so that its right-handed turn looks down."""
    return Rotation.from_euler("ZYX", [yaw, -pitch, roll], degrees=True)


def vector(position):
    azimuth, elevation = np.radians([position.azimuth_deg, position.elevation_deg])
    return np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])


def test_yaw_then_pitch_then_roll_as_scipy_has_them():
    for angles in RNG.uniform(-400, 400, (200, 3)):
        w, x, y, z = Head(*angles).quaternion
        between = Rotation.from_quat([x, y, z, w]).inv() * scipys(*angles)
        assert between.magnitude() < 1e-9


def test_sources_are_seen_where_scipy_sees_them():
    for angles in RNG.uniform(-180, 180, (200, 3)):
        place = Position(RNG.uniform(-180, 180), RNG.uniform(-90, 90), 2.0)
        found = seen(place, Head(*angles).quaternion)
        assert found.distance_m == 2.0
        assert vector(found) == pytest.approx(scipys(*angles).inv().apply(vector(place)), abs=1e-9)


FRONT, LEFT, ABOVE = Position(0), Position(90), Position(0, 90)


@pytest.mark.parametrize(
    ("head", "source", "direction"),
    [
        (Head(yaw=90), FRONT, (0, -1, 0)),  # who turns to the left hears the front at the right
        (Head(yaw=90), LEFT, (1, 0, 0)),
        (Head(pitch=90), FRONT, (0, 0, -1)),  # who looks up has it below
        (Head(pitch=90), ABOVE, (1, 0, 0)),
        (Head(roll=90), ABOVE, (0, 1, 0)),  # who tilts to the right has the ceiling at the left ear
        (Head(roll=90), LEFT, (0, 0, -1)),
        (Head(90, 90, 0), LEFT, (0, 0, -1)),  # the pitch is about the axis that the yaw has left
        (Head(90, 0, 90), FRONT, (0, 0, 1)),
        (Head(360, -360, 720), LEFT, (0, 1, 0)),
    ],
)
def test_directions_that_need_no_arithmetic(head, source, direction):
    assert vector(seen(source, head.quaternion)) == pytest.approx(direction, abs=1e-9)


def test_a_whole_turn_is_none():
    for angles in RNG.uniform(-180, 180, (20, 3)):
        turned = Head(*(angles + [360, -720, 360])).quaternion
        assert abs(turned @ Head(*angles).quaternion) == pytest.approx(1, abs=1e-12)


def test_steps_lead_there_on_the_shortest_way_and_no_faster():
    for _ in range(50):
        now, there = (Head(*RNG.uniform(-180, 180, 3)).quaternion for _ in range(2))
        way = np.degrees(2 * np.arccos(min(1.0, abs(now @ there))))
        steps = 0
        while now is not there:
            after = toward(now, there, 7.0)
            assert np.degrees(2 * np.arccos(min(1.0, abs(now @ after)))) < 7.0 + 1e-6
            now, steps = after, steps + 1
        assert steps == np.ceil(way / 7.0)


def test_opposite_attitudes_and_the_same_one_twice():
    behind = Head(180).quaternion
    first = toward(STILL, behind, 10.0)
    assert np.degrees(2 * np.arccos(first[0])) == pytest.approx(10.0)
    assert toward(behind, -behind, 1.0) @ behind == pytest.approx(-1)  # q and -q are one attitude: there at once
    assert product(STILL, behind) == pytest.approx(behind)


@pytest.mark.parametrize("angle", [float("nan"), float("inf")])
def test_angles_are_finite(angle):
    for name in ("yaw", "pitch", "roll"):
        with pytest.raises(ValueError, match="finite"):
            Head(**{name: angle})
