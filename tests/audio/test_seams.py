"""Splices: untouched outside, new inside, and no click, under bass, noise, attacks and silence."""

import numpy as np
import pytest

from harmonicflow.audio.seams import CLICK_DB, click_db, splice

RATE = 44100
LONG = 2 * RATE
START, END = 30_000, 60_000
T = np.arange(LONG) / RATE


def sine(hz, phase=0.0, amplitude=0.5):
    return (amplitude * np.sin(2 * np.pi * hz * T + phase)).astype(np.float32)[None]


def noise(seed):
    return (0.2 * np.random.default_rng(seed).standard_normal((1, LONG))).astype(np.float32)


def hits(hz, step, offset=0):
    t = (np.arange(LONG) - offset) % step / RATE
    return (0.7 * np.exp(-t * 30) * np.sin(2 * np.pi * hz * t)).astype(np.float32)[None]


PAIRS = {
    "two bass notes": (sine(41.2), sine(55, 1.0)),
    "a bass note and its opposite": (sine(41.2), sine(41.2, np.pi)),
    "two mid notes": (sine(440), sine(660, 2.0)),
    "noise": (noise(0), noise(1)),
    "noise over bass": (sine(50), noise(2)),
    "silence to bass": (np.zeros((1, LONG), np.float32), sine(60, np.pi / 2)),
    "bass to silence": (sine(60, np.pi / 2), np.zeros((1, LONG), np.float32)),
    "hits": (hits(60, 11025), hits(80, 7350, 30_000)),
    "stereo": (np.concatenate([sine(45), noise(3)]), np.concatenate([sine(52, 1.0), noise(4)])),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(("start", "end"), [(START, END), (START, START + 4000), (0, END), (START, LONG)])
def test_a_splice_keeps_the_outside_and_makes_no_click(name, start, end):
    old, new = PAIRS[name]
    out = splice(old, new, start, end, RATE)
    assert out[:, :start].tobytes() == old[:, :start].tobytes() and out[:, end:].tobytes() == old[:, end:].tobytes()
    middle = slice(start + (end - start) // 2 - 20, start + (end - start) // 2 + 20)
    assert np.array_equal(out[:, middle], new[:, middle])
    for seam in {start, end} - {0, LONG}:
        assert click_db(out, old, new, seam, RATE) <= CLICK_DB


def test_a_hard_cut_is_measured_as_a_click():
    old, new = PAIRS["a bass note and its opposite"]
    cut = np.concatenate([old[:, :START], new[:, START:]], axis=1)
    assert click_db(cut, old, new, START, RATE) > 20


def test_an_attack_at_the_start_stays_crisp():
    old, new = hits(60, 11025, 500), hits(200, LONG, START)
    out = splice(old, new, START, END, RATE)
    late = START + round(0.005 * RATE)
    assert np.array_equal(out[:, late : END - 4000], new[:, late : END - 4000])


def test_ends_of_the_sound_are_not_faded():
    old, new = PAIRS["noise"]
    assert np.array_equal(splice(old, new, 0, LONG, RATE), new)
    assert np.array_equal(splice(old, new, 5, 5, RATE), old)


def test_noise_keeps_its_power_through_the_fade():
    old, new = PAIRS["noise"]
    out = splice(old, new, START, END, RATE, 0.2)
    fade = out[:, START : START + 8820]
    assert abs(10 * np.log10(np.mean(fade**2) / np.mean(old**2))) < 0.3


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="cannot splice"):
        splice(np.zeros((1, 10)), np.zeros((1, 11)), 0, 5, RATE)
