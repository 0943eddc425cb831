"""The limiter keeps the ceiling between the samples too, touches nothing below it, and streams."""

import numpy as np
import pytest
import scipy.signal

from harmonicflow.audio.limiter import Limiter, limit
from harmonicflow.audio.loudness import true_peak_dbtp

RATE = 44100
RNG = np.random.default_rng(0)
SOUNDS = {
    "loud noise": RNG.standard_normal((2, RATE)) * 1.5,
    "single samples": np.where(RNG.random((2, RATE)) > 0.999, RNG.standard_normal((2, RATE)) * 4, 0.0),
    "a square": np.tile(np.sign(np.sin(np.arange(RATE) * 0.02)) * 2.0, (2, 1)),
    "a tone that peaks between samples": np.tile(1.5 * np.sin(np.pi / 2 * np.arange(RATE) + np.pi / 4), (2, 1)),
    "a burst at the very start": np.concatenate([np.full((2, 100), 3.0), np.zeros((2, 20000))], axis=1),
    "a burst at the very end": np.concatenate([np.zeros((2, 20000)), np.full((2, 1), -3.0)], axis=1),
}


@pytest.mark.parametrize("name", SOUNDS)
@pytest.mark.parametrize("rate", [RATE, 96000])
def test_the_ceiling_holds(name, rate):
    out = limit(SOUNDS[name], rate)
    assert out.shape == SOUNDS[name].shape
    assert true_peak_dbtp(out) <= -1.0
    dense = scipy.signal.resample_poly(np.pad(out.astype(float), ((0, 0), (200, 200))), 16, 1, axis=1)
    assert 20 * np.log10(np.abs(dense).max()) < -0.6


def test_below_the_ceiling_the_sound_passes_bit_for_bit():
    x = (RNG.standard_normal((2, 3 * RATE)) * 0.1).astype(np.float32)
    assert limit(x, RATE).tobytes() == x.tobytes()


def test_after_a_peak_the_gain_comes_back():
    x = np.full((2, 2 * RATE), 0.5, np.float32)
    x[:, 1000] = 5.0
    out = limit(x, RATE)
    assert np.array_equal(out[:, RATE + RATE // 2 :], x[:, RATE + RATE // 2 :])
    assert np.array_equal(out[:, :880], x[:, :880])


def test_the_gain_has_no_corner():
    x = np.full((1, RATE), 0.5, np.float32)
    x[:, 20000] = 2.0
    gain = limit(x, RATE)[0].astype(float) / x[0]
    assert np.abs(np.diff(gain)).max() < 1.5 / 88  # the reduction of 0.55 is spread over the look-ahead


@pytest.mark.parametrize("sizes", [[1, 3, 40], [4096], [0, 1000, 10000, 89]])
def test_pieces_equal_the_whole_bit_for_bit(sizes):
    x = SOUNDS["loud noise"].astype(np.float32)[:, : 3000 if 1 in sizes else RATE]
    limiter, parts, at = Limiter(RATE), [], 0
    while at < x.shape[1]:
        count = int(RNG.choice(sizes))
        parts.append(limiter.process(x[:, at : at + count]))
        at += count
    parts.append(limiter.finish())
    assert np.concatenate(parts, axis=1).tobytes() == limit(x, RATE).tobytes()
