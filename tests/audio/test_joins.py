"""A sound goes on after its cut: foretold from its own past, joined without a click and without a changed sample."""

import numpy as np
import pytest

from harmonicflow.audio.joins import LOUDER, TAIL_S, burg, carry_on, foretold, join
from harmonicflow.audio.seams import CLICK_DB, click_db


def tone(hz: float, rate: int, seconds: float, level: float = 0.5, phase: float = 0.0) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hz * time + phase)).astype(np.float32)


@pytest.mark.parametrize("rate", [44_100, 96_000])
@pytest.mark.parametrize("hz", [41.2, 440.0, 3000.0])
def test_a_tone_is_foretold(rate: int, hz: float) -> None:
    """Against the tone as it really went on: within 1 % for the shortest fade, the phase held to the end."""
    whole = tone(hz, rate, 1.0)
    cut = round(0.5 * rate)
    told = foretold(whole[None, :cut], rate)[0]
    truth = whole[cut : cut + len(told)]
    assert len(told) == round(TAIL_S * rate)
    assert np.abs(told - truth)[: rate // 200].max() < 0.005
    assert np.corrcoef(told, truth)[0, 1] > 0.99


def test_coefficients_of_a_known_process_are_found() -> None:
    """A planted recursion x[n] = 1.6 x[n-1] - 0.9 x[n-2] + noise; and each row has its own."""
    random = np.random.default_rng(1)
    x = np.zeros((2, 20_000))
    for n in range(2, x.shape[1]):
        x[0, n] = 1.6 * x[0, n - 1] - 0.9 * x[0, n - 2] + random.normal()
        x[1, n] = -0.5 * x[1, n - 1] + random.normal()
    np.testing.assert_allclose(burg(x, 2), [[1.6, -0.9], [-0.5, 0.0]], atol=0.02)


@pytest.mark.parametrize("frames", [0, 1, 5, 400])
def test_silence_and_short_sounds_go_on_as_silence_and_never_grow(frames: int) -> None:
    assert not foretold(np.zeros((2, 1000), np.float32), 48_000).any()
    noise = np.random.default_rng(frames).normal(0, 0.3, (1, frames)).astype(np.float32)
    told = foretold(noise, 48_000)
    assert np.isfinite(told).all() and np.abs(told).max(initial=0) <= 2 * np.abs(noise).max(initial=0)


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000, 96_000])
def test_a_join_keeps_every_sample_and_makes_no_click(rate: int) -> None:
    """Two tones cut at their loudest: put end to end they click, joined they do not."""
    kept, new = tone(110, rate, 0.8, phase=1.0), tone(165, rate, 2.0, phase=4.0)
    seam = len(kept)
    hard = np.concatenate((kept, new[seam:]))
    (tail,) = foretold(kept[None], rate)
    joined = join(kept, tail, new, rate)
    old = np.concatenate((kept, tail))
    high = len(old)
    assert len(joined) == len(new) and joined[:seam].tobytes() == kept.tobytes()
    assert np.array_equal(joined[seam + rate // 10 :], new[seam + rate // 10 :])
    assert click_db(hard[:high], old, new[:high], seam, rate) > 20
    assert click_db(joined[:high], old, new[:high], seam, rate) <= CLICK_DB


def test_a_join_at_the_very_end_has_room_for_little() -> None:
    kept = tone(220, 48_000, 0.3)
    (tail,) = foretold(kept[None], 48_000)
    for more in (1, 7, 300):
        joined = join(kept, tail, np.ones(len(kept) + more, np.float32), 48_000)
        assert len(joined) == len(kept) + more and np.array_equal(joined[: len(kept)], kept)


def test_a_level_glides_from_the_old_gain_to_the_new_one() -> None:
    rate, lead = 48_000, 4800
    sound = np.stack([tone(300, rate, 1.0), tone(300, rate, 1.0, 0.2)])
    kept, again = sound[:, :24_000], 0.8 * sound[:, 24_000 - lead :]
    out = carry_on(kept, again, lead, rate)
    assert out.shape == sound.shape and out[:, :24_000].tobytes() == kept.tobytes()
    gain = out[0, 24_000:] / np.where(np.abs(sound[0, 24_000:]) > 0.01, sound[0, 24_000:], np.nan)
    assert abs(np.nanmax(gain[:10]) - 1) < 0.01 and np.nanmax(np.abs(gain[300:] - 0.8)) < 1e-3
    assert np.nanmax(np.diff(gain)) < 1e-6  # it only falls
    np.testing.assert_array_equal(carry_on(kept, sound[:, 24_000 - lead :], lead, rate), sound)


def test_a_level_out_of_silence_is_left_alone() -> None:
    kept, again = np.zeros((2, 500), np.float32), np.ones((2, 900), np.float32)
    again[:, :100] = 0
    assert np.array_equal(carry_on(kept, again, 100, 48_000)[:, 500:], again[:, 100:])
    again[:, :100] = 1e-9
    assert carry_on(np.ones((2, 500), np.float32), again, 100, 48_000).max() <= LOUDER
