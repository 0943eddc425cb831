"""The noise: partition, independence of keys, and the distribution."""

import zlib

import numpy as np
import pytest
from numpy.random import Philox

from harmonicflow.engine.noise import cell_draws, frame_noise


@pytest.mark.parametrize("cuts", [(0, 40), (0, 1, 2, 40), (0, 7, 19, 40), tuple(range(41))])
def test_any_partition_into_blocks_draws_the_same(cuts: tuple[int, ...]) -> None:
    whole = frame_noise(7, "bass", 100, 40)
    pieces = [frame_noise(7, "bass", 100 + a, b - a) for a, b in zip(cuts, cuts[1:], strict=False)]
    assert np.concatenate(pieces).tobytes() == whole.tobytes()


def test_seed_stem_and_step_are_separate_keys() -> None:
    keys = ((1, "bass", 0), (2, "bass", 0), (1, "drums", 0), (1, "bass", 1), (2**63 - 1, "bass", 0))
    draws = [frame_noise(seed, stem, 0, 50, step) for seed, stem, step in keys]
    for i, a in enumerate(draws):
        for b in draws[:i]:
            assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.1


def test_it_is_normal_and_white() -> None:
    noise = frame_noise(3, "piano", 0, 8000).astype(np.float64)
    assert abs(noise.mean()) < 0.01 and abs(noise.var() - 1) < 0.01
    assert abs((noise**4).mean() - 3) < 0.05  # a normal's fourth moment
    assert abs((noise[:, :-1] * noise[:, 1:]).mean()) < 0.01
    assert abs((noise[:, :16] * noise[:, 16:]).mean()) < 0.01  # the two halves share radius and angle
    assert abs((noise[:-1] * noise[1:]).mean()) < 0.01
    assert np.isfinite(noise).all() and np.abs(noise).max() < 9


def test_the_bits_are_philox_of_the_documented_counter() -> None:
    """A planted answer: the first pair of frame 5 from raw words drawn one frame at a time."""
    raw = Philox(key=[11, zlib.crc32(b"bass")], counter=[5 * 8, 0, 0, 0]).random_raw(32)
    u1, u2 = (int(raw[0]) >> 11) * 2.0**-53 + 2.0**-54, (int(raw[16]) >> 11) * 2.0**-53
    expected = np.sqrt(-2 * np.log(u1)) * np.cos(2 * np.pi * u2)
    assert frame_noise(11, "bass", 5, 1)[0, 0] == pytest.approx(expected, rel=1e-6)


def test_draws_of_a_cell_depend_on_seed_part_and_beat_alone() -> None:
    draws = cell_draws(7, "bass", 12, 96)
    assert draws.dtype == np.float32 and draws.shape == (96,) and (0 <= draws).all() and (draws < 1).all()
    np.testing.assert_array_equal(draws, cell_draws(7, "bass", 12, 96))
    for other in (cell_draws(8, "bass", 12, 96), cell_draws(7, "drums", 12, 96), cell_draws(7, "bass", 13, 96)):
        assert not np.isin(draws, other).all()
    many = np.concatenate([cell_draws(1, "piano", cell, 96) for cell in range(500)])
    assert abs(many.mean() - 0.5) < 0.005 and abs(many.std() - 12**-0.5) < 0.005
    assert len(np.unique(many)) > 0.99 * len(many)  # cells next to each other share no block
