"""Biquads against scipy, and streams against the whole."""

import numpy as np
import pytest
import scipy.signal

from harmonicflow.audio.filters import Biquads, biquad

RATE = 44100
SECTIONS = (
    biquad("lowcut", 30, RATE),
    biquad("lowshelf", 120, RATE, 4.0),
    biquad("peak", 900, RATE, -5.0, 1.4),
    biquad("highshelf", 7000, RATE, 3.0),
    biquad("highcut", 18000, RATE),
)


def test_a_cascade_filters_as_scipy_does():
    x = np.random.default_rng(1).standard_normal((2, 30000))
    expected = scipy.signal.sosfilt([[s.b0, s.b1, s.b2, 1, s.a1, s.a2] for s in SECTIONS], x)
    assert np.abs(Biquads(SECTIONS, 2).process(x) - expected).max() < 1e-10


@pytest.mark.parametrize(
    ("kind", "low_db", "at_db", "high_db"),
    [
        ("lowcut", -70, -3.01, 0),
        ("highcut", 0, -3.01, -70),
        ("lowshelf", 6, 3, 0),
        ("highshelf", 0, 3, 6),
        ("peak", 0, 6, 0),
    ],
)
def test_gains_are_the_ones_asked_for(kind, low_db, at_db, high_db):
    gain = 20 * np.log10(np.abs(biquad(kind, 1000, RATE, 6.0).response([10, 1000, 21900], RATE)))
    for measured, expected in zip(gain, (low_db, at_db, high_db), strict=True):
        assert measured < -70 if expected == -70 else abs(measured - expected) < 0.05


def test_pieces_equal_the_whole_bit_for_bit():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((1, 20000)).astype(np.float32)
    whole = Biquads(SECTIONS).process(x)
    for most in (1, 300, 9000):
        stream, parts, at = Biquads(SECTIONS), [], 0
        stop = 600 if most == 1 else x.shape[1]
        while at < stop:
            count = int(rng.integers(1, most + 1))
            parts.append(stream.process(x[:, at : min(stop, at + count)]))
            at += count
        assert np.concatenate(parts, axis=1).tobytes() == whole[:, :stop].tobytes()


def test_a_band_above_the_rate_lets_everything_through():
    x = np.random.default_rng(3).standard_normal((1, 500))
    assert np.array_equal(Biquads((biquad("peak", 9000, 8000, 6.0),)).process(x), x)


def test_silence_after_sound_ends_in_exact_zeros():
    stream = Biquads(SECTIONS)
    stream.process(np.ones((1, RATE)))
    assert not np.any(stream.process(np.zeros((1, 4 * RATE)))[0, -1000:])
