"""Planted tempos and grids, found again out of ticks that come late, in bunches, or not at all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.clock.ticks import PER_BEAT, Ticks
from tests.bridge.clock_hosts import JITTERS, blocks, due, polled, usb


def heard(times: np.ndarray) -> Ticks:
    ticks = Ticks()
    for time in times:
        ticks.hear(float(time))
    return ticks


def off(ticks: Ticks, bpm: float) -> float:
    """How far the tempo is off, in percent."""
    assert ticks.bpm is not None
    return 100 * (ticks.bpm / bpm - 1)


@pytest.mark.parametrize("jitter", JITTERS)
@pytest.mark.parametrize("bpm", [60, 93.7, 120, 137.3, 180])
def test_the_tempo_is_known_after_two_beats(bpm: float, jitter: str) -> None:
    """Below 0.1 % after 48 ticks, and below 0.03 % after two bars."""
    found = []
    for seed in range(4):
        times = JITTERS[jitter](due(bpm, 8 * PER_BEAT), np.random.default_rng(seed))
        found.append((abs(off(heard(times[:49]), bpm)), abs(off(heard(times), bpm))))
    two_beats, two_bars = np.max(found, axis=0)
    assert two_beats < 0.1 and two_bars < 0.03


@pytest.mark.parametrize(("before", "after"), [(100, 140), (140, 100), (120, 123), (60, 120), (120, 60)])
def test_another_tempo_is_followed_within_a_bar_and_not_overshot(before: float, after: float) -> None:
    for seed in range(4):
        ticks = heard((times := usb(due([before] * 120 + [after] * 96), np.random.default_rng(seed)))[:120])
        shown = []
        for time in times[120:]:
            ticks.hear(float(time))
            shown.append(off(ticks, after) * np.sign(after - before))
        assert abs(shown[-1]) < 0.1 and max(shown) < 1.0
        assert max(map(abs, shown[48:])) < 0.3  # and half a bar earlier nearly


def test_a_ramp_is_followed_without_lagging_behind_its_ticks() -> None:
    bpms = [100.0] * 96 + list(np.linspace(100, 140, 384)) + [140.0] * 96
    times = due(bpms)
    ticks, shown, late = Ticks(), [], []
    for number, time in enumerate(usb(times, np.random.default_rng(3))[:-1]):
        ticks.hear(float(time))
        if number >= 96:
            assert ticks.line is not None
            shown.append(off(ticks, bpms[number]))
            late.append(ticks.line.time_of(number + 1) - times[number + 1])
    assert -2 < min(shown) and max(shown) < 1 and abs(shown[-1]) < 0.1
    assert max(map(abs, late)) < 0.004


@pytest.mark.parametrize("lost", [1, 2, 5])
def test_lost_ticks_are_counted_and_change_no_tempo(lost: int) -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        times = polled(due(120, 300), rng)
        gone = {first + n for first in (80, 150, 220) for n in range(lost)}
        ticks = Ticks()
        for number, time in enumerate(times):
            if number in gone:
                continue
            last = ticks.hear(float(time))
            assert number < 48 or abs(off(ticks, 120)) < 0.1
        assert last == 300


def test_single_late_ticks_are_left_out() -> None:
    times = due(150, 200)
    late = times.copy()
    late[60:190:13] += 0.012
    ticks = heard(np.maximum.accumulate(late))
    assert abs(off(ticks, 150)) < 0.001 and ticks.last is not None and ticks.last[0] == 200


@pytest.mark.parametrize(("before", "after"), [(120, 110), (110, 120), (100, 140), (120, 117)])
def test_another_tempo_of_a_host_with_long_audio_blocks(before: float, after: float) -> None:
    """512 frames, half a tick: no tick is taken for lost, and after two bars the tempo is there."""
    for seed in range(4):
        times = blocks(due([before] * 150 + [after] * 192), np.random.default_rng(seed), 512)
        ticks = heard(times)
        assert ticks.last is not None and ticks.last[0] == len(times) - 1 and abs(off(ticks, after)) < 0.2


@pytest.mark.parametrize("bpm", [60, 93.7, 180])
def test_a_host_with_long_audio_blocks(bpm: float) -> None:
    """1,024 frames at 48 kHz: two ticks of 180 BPM in one block. Two bars are enough for a third of a percent."""
    for seed in range(3):
        assert abs(off(heard(blocks(due(bpm, 192), np.random.default_rng(seed), 1024)), bpm)) < 0.33


def test_the_line_is_not_drawn_over_a_gap() -> None:
    ticks = heard(np.concatenate([due(120, 96), 60 + due(120, 3)]))
    assert ticks.count == 4 and ticks.line is not None and ticks.line.period == pytest.approx(2.5 / 120)
    assert ticks.line.time_of(100) == pytest.approx(60 + 3 * 2.5 / 120)


@settings(deadline=None, max_examples=15)
@given(st.floats(25, 300), st.integers(0, 2**32 - 1), st.sampled_from(sorted(JITTERS)))
def test_any_tempo(bpm: float, seed: int, jitter: str) -> None:
    """A bar of any tempo with any jitter; each tick has its number and its own time is near."""
    times = due(bpm, 96)
    ticks = heard(JITTERS[jitter](times, np.random.default_rng(seed)))
    assert abs(off(ticks, bpm)) < 0.25
    assert ticks.last is not None and ticks.last[0] == 96 and ticks.line is not None
    assert ticks.line.time_of(96) - times[96] == pytest.approx(0, abs=0.004)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0, 3, allow_nan=False), max_size=60))
def test_nothing_that_comes_breaks_it(gaps: list[float]) -> None:
    """Ticks at any times, bunches and gaps too: numbers rise, and whatever is shown is a tempo."""
    ticks, now, before = Ticks(), 0.0, -1
    for gap in gaps:
        now += gap
        number = ticks.hear(now)
        assert number > before
        before = number
        assert ticks.bpm is None or 0 < ticks.bpm < float("inf")
