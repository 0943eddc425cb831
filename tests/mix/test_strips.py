"""Channel strips: gains that are asked for, constant power, and pieces equal to the whole."""

import numpy as np
import pytest

from harmonicflow.mix.compressor import Compressor, GainRider
from harmonicflow.mix.strips import (
    DEFAULT_STRIPS,
    OTHER_STRIP,
    Band,
    ChannelStrip,
    StripProcessor,
    pan_gains,
    strip_for,
)

RATE = 44100


def sine(hz, amplitude=0.5, seconds=2.0):
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def level_db(x):
    return 10 * np.log10(np.mean(np.square(x, dtype=np.float64)))


@pytest.mark.parametrize("pan", np.linspace(-1, 1, 9))
def test_panning_keeps_the_power(pan):
    x = sine(440)
    left, right = StripProcessor(ChannelStrip(pan=float(pan)), RATE).process(x)
    assert abs(np.mean(left.astype(float) ** 2 + right.astype(float) ** 2) / np.mean(x.astype(float) ** 2) - 1) < 1e-5
    assert (np.abs(left).max() > np.abs(right).max()) == (pan < 0)


def test_the_ends_of_the_pan_are_one_side_only():
    assert pan_gains(-1) == (1.0, 0.0)
    assert np.allclose(pan_gains(0), np.sqrt(0.5)) and np.allclose(pan_gains(1), (0, 1))
    with pytest.raises(ValueError, match="pan"):
        ChannelStrip(pan=1.1)


@pytest.mark.parametrize(("hz", "gain_db"), [(1000, 6.0), (60, 0.0), (15000, 0.0)])
def test_the_equaliser_and_the_gain(hz, gain_db):
    strip = ChannelStrip((Band("peak", 1000.0, 9.0, 4.0),), gain_db=-3.0, pan=-1.0)
    left = StripProcessor(strip, RATE).process(sine(hz))[0][RATE:]
    assert abs(level_db(left) - level_db(sine(hz)[RATE:]) - (gain_db if hz == 1000 else -3.0)) < 0.1


@pytest.mark.parametrize("over_db", [-20.0, -3.5, 0.0, 6.0, 12.0])
def test_the_static_curve(over_db):
    """A steady tone is turned down by the curve's amount: at 4:1, 12 dB over come out 3 dB over."""
    settings = Compressor(threshold_db=-20.0, ratio=4.0, attack_s=0.01, release_s=0.1, knee_db=6.0, makeup_db=2.0)
    expected = {-20.0: 0, -3.5: 0, 0.0: 0.75 * 3**2 / 12, 6.0: 4.5, 12.0: 9.0}[over_db]
    x = sine(3000, 10 ** ((over_db - 20) / 20)).astype(float)
    out = GainRider(settings, RATE).process(x)[RATE:]
    assert abs(level_db(x[RATE:]) - level_db(out) - (expected - 2.0)) < 0.1


def test_attack_and_release_take_their_time():
    settings = Compressor(threshold_db=-20.0, ratio=4.0, attack_s=0.05, release_s=0.2, knee_db=0.0)
    x = sine(5000, 1.0, 3.0).astype(float)
    x[RATE : 2 * RATE] *= 0.001
    x[np.abs(x) < 1e-6] = 1e-6
    gain_db = 20 * np.log10(GainRider(settings, RATE).process(x) / x)
    assert abs(gain_db[RATE - 1] + 15) < 0.1
    assert abs(gain_db[round(0.05 * RATE)] / -15 - (1 - np.exp(-1))) < 0.05  # a time constant after the start
    assert abs(gain_db[RATE + round(0.2 * RATE)] / -15 - np.exp(-1)) < 0.05


@pytest.mark.parametrize("stem", DEFAULT_STRIPS)
def test_the_gain_moves_without_a_click(stem):
    """At a step of 40 dB in level the corners of the gain stay 50 dB under the sound."""
    settings = DEFAULT_STRIPS[stem].compressor
    assert settings is not None
    ones = np.ones(RATE)
    ones[: RATE // 2] = 0.01
    gain = GainRider(settings, RATE).process(ones) / ones
    assert np.ptp(gain) > 0.1 and np.abs(np.diff(gain, 2)).max() < 10 ** (-50 / 20)


@pytest.mark.parametrize("stem", [*DEFAULT_STRIPS, "other"])
@pytest.mark.parametrize("rate", [44100, 96000])
def test_pieces_equal_the_whole_bit_for_bit(stem, rate):
    rng = np.random.default_rng(1)
    x = (rng.standard_normal(20000) * np.linspace(0, 1, 20000)).astype(np.float32)
    whole = StripProcessor(strip_for(stem), rate).process(x)
    for sizes in ([1, 2, 65, 66], [4096], [0, 5000, 131]):
        stream, parts, at = StripProcessor(strip_for(stem), rate), [], 0
        stop = 700 if 1 in sizes else len(x)
        while at < stop:
            count = int(rng.choice(sizes))
            parts.append(stream.process(x[at : min(stop, at + count)]))
            at += count
        assert np.concatenate(parts, axis=1).tobytes() == whole[:, :stop].tobytes()


def test_every_default_strip_does_little_harm():
    """White noise at -20 dBFS leaves each strip within 6 dB of its gain, and silence stays silence."""
    x = (0.1 * np.random.default_rng(2).standard_normal(2 * RATE)).astype(np.float32)
    for strip in (*DEFAULT_STRIPS.values(), OTHER_STRIP):
        out = StripProcessor(strip, RATE).process(x)
        level = 10 * np.log10(np.sum(np.mean(out.astype(float) ** 2, axis=1)))
        assert abs(level - strip.gain_db - level_db(x)) < 6
        assert not StripProcessor(strip, RATE).process(np.zeros(5000)).any()


def test_strips_work_at_any_session_rate():
    for rate in (8000, 384000):
        out = StripProcessor(DEFAULT_STRIPS["drums"], rate).process(np.random.default_rng(3).standard_normal(rate // 4))
        assert np.isfinite(out).all() and np.abs(out).max() < 20
