"""Beats and bars from planted activations, with traps; and from sounds without a network."""

from itertools import count, takewhile

import mir_eval
import numpy as np
import pytest

from harmonicflow.analysis.beats import SILENCE, Beats, hear_beats, snapped, tempo_of
from harmonicflow.analysis.flux import hear_beats_without
from harmonicflow.analysis.listening import ANALYST_RATE
from harmonicflow.analysis.meter import bars_of
from harmonicflow.core.constants import SAMPLE_RATE


def planted(
    bpm: float, meter: int, seconds: float = 24.0, half: float = 0.0, missed: float = 0.0, sure: float = 0.95,
    drift: float = 1.0, first_s: float = 0.31,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Logits with beats, off-beats of probability `half` between them, and the truth: beats and downbeats in s."""
    random = np.random.default_rng(int(bpm) + meter)
    logits = random.normal(-4.5, 0.4, (round(seconds * ANALYST_RATE), 2))
    times = [first_s]
    for place in takewhile(lambda _: times[-1] < seconds - 0.3, count()):
        times.append(times[-1] + 60 / bpm * drift**place)
    for place, at in enumerate(times):
        frame = round((at + random.normal(0, 0.006)) * ANALYST_RATE)
        if random.random() >= missed:
            for beside, share in ((-1, 0.5), (1, 0.5), (0, 1.0)):
                if 0 <= frame + beside < len(logits):
                    logits[frame + beside, 0] = logit(share * sure)
                    if place % meter == 0:
                        logits[frame + beside, 1] = logit(share * 0.8 * sure)
        between = round((at + 30 / bpm) * ANALYST_RATE)
        if half and between < len(logits):
            logits[between, 0] = logit(half)
    inside = np.array([at for at in times if at < seconds])
    return logits, inside, inside[::meter]


def logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


def scores(beats: Beats, truth: np.ndarray, downbeats: np.ndarray) -> tuple[float, float]:
    f = mir_eval.beat.f_measure
    return f(truth, beats.beats_s), f(downbeats, beats.downbeats_s)


@pytest.mark.parametrize("meter", [2, 3, 4, 5, 7])
@pytest.mark.parametrize("bpm", [56, 84, 120, 168, 214])
def test_tempo_meter_and_bars_are_found(bpm: int, meter: int) -> None:
    logits, beats, downbeats = planted(bpm, meter, half=0.2)
    heard = hear_beats(logits, ANALYST_RATE)
    assert heard.bpm == pytest.approx(bpm, rel=0.005) and heard.meter == meter
    assert min(scores(heard, beats, downbeats)) > 0.97
    assert heard.confidence > 0.6


@pytest.mark.parametrize(("bpm", "half"), [(60, 0.35), (75, 0.45), (100, 0.45), (140, 0.45)])
def test_strong_off_beats_do_not_double_the_tempo(bpm: int, half: float) -> None:
    logits, _, _ = planted(bpm, 4, half=half)
    assert hear_beats(logits, ANALYST_RATE).bpm == pytest.approx(bpm, rel=0.01)


def test_a_shy_network_is_heard_and_says_so() -> None:
    logits, beats, downbeats = planted(96, 4, sure=0.25)
    heard = hear_beats(logits, ANALYST_RATE)
    assert min(scores(heard, beats, downbeats)) > 0.95
    assert heard.confidence < 0.4


def test_missed_beats_are_filled_in() -> None:
    logits, beats, downbeats = planted(112, 3, missed=0.2)
    assert min(scores(hear_beats(logits, ANALYST_RATE), beats, downbeats)) > 0.95


@pytest.mark.parametrize("drift", [1.004, 0.996])
def test_a_tempo_that_moves_is_followed(drift: float) -> None:
    logits, beats, _ = planted(100, 4, seconds=30, drift=drift)
    assert mir_eval.beat.f_measure(beats, hear_beats(logits, ANALYST_RATE).beats_s) > 0.95


def test_beats_lie_where_they_were_put_to_a_part_of_a_frame() -> None:
    logits, beats, _ = planted(90, 4)
    heard = hear_beats(logits, ANALYST_RATE).beats_s
    errors = [np.abs(heard - beat).min() for beat in beats]
    assert np.median(errors) < 0.008
    exact = [np.abs(snapped(heard, beats) - beat).min() for beat in beats]
    assert max(exact) == 0.0


@pytest.mark.parametrize("logits", [np.zeros((0, 2)), np.full((20, 2), -5.0), np.full((2000, 2), -9.0)])
def test_nothing_is_no_tempo_or_no_confidence(logits: np.ndarray) -> None:
    assert hear_beats(logits, ANALYST_RATE).confidence < 0.05


def test_a_slipped_bar_costs_one_bar_only() -> None:
    first = np.full(41, 0.05)
    first[[0, 4, 8, 12, 16, 18, 22, 26, 30, 34, 38]] = 0.9  # one bar of two beats in between
    bars = bars_of(first)
    assert bars.meter == 4 and bars.downbeats == (0, 4, 8, 12, 16, 18, 22, 26, 30, 34, 38)


def test_tempo_of_a_constant_pulse_is_exact() -> None:
    times = np.arange(40) * 60 / 97.3 + np.random.default_rng(0).normal(0, 0.004, 40)
    assert tempo_of(times) == pytest.approx(97.3, rel=1e-3)


def drummed(bpm: float, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Kick on one and three, snare on two and four, hats on eighths; and where the beats are."""
    random = np.random.default_rng(0)
    out = random.normal(0, 1e-4, round(seconds * SAMPLE_RATE))
    age = np.arange(round(0.12 * SAMPLE_RATE)) / SAMPLE_RATE
    kick = np.sin(2 * np.pi * (50 * age + 4 * (1 - np.exp(-40 * age)))) * np.exp(-25 * age)
    noise = random.normal(0, 0.4, len(age))
    for place, at in enumerate(np.arange(0.2, seconds - 0.2, 30 / bpm)):
        start = round(at * SAMPLE_RATE)
        stroke = 0.12 * noise * np.exp(-90 * age)
        stroke = stroke + (0, 0, 0.5, 0)[place % 4] * noise * np.exp(-30 * age) + (1, 0, 0, 0)[place % 4] * 0.7 * kick
        out[start : start + len(age)] += stroke
    return out.astype(np.float32), np.arange(0.2, seconds - 0.2, 60 / bpm)


@pytest.mark.parametrize("bpm", [84, 117, 150])
def test_drums_are_followed_without_a_network(bpm: int) -> None:
    sound, beats = drummed(bpm, 14.0)
    heard = hear_beats_without(sound)
    assert heard.bpm == pytest.approx(bpm, rel=0.01)
    assert mir_eval.beat.f_measure(beats, heard.beats_s) > 0.9


def test_silence_has_no_beats_without_a_network() -> None:
    assert hear_beats_without(np.zeros(SAMPLE_RATE, np.float32)) is SILENCE
    assert hear_beats_without(np.zeros(0, np.float32)) is SILENCE
