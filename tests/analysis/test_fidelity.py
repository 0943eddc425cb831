"""What a codec might do to a sound, planted: each fault is found by the measure made for it."""

from __future__ import annotations

import numpy as np
import pytest

from harmonicflow.analysis.fidelity import (
    WORST_SI_SDR_DB,
    Truth,
    before_excess_db,
    before_held,
    chroma_similarity,
    click_times,
    complex_distance,
    hum_db,
    levels_before_db,
    si_sdr_db,
)
from harmonicflow.analysis.metrics import onset_counts, onsets

RATE = 44100
HITS_S = np.array([0.3, 0.62, 0.9, 1.31, 1.7, 2.05, 2.5])
PITCHES = (45, 52, 57, 60, 64, 55, 47)


def hits(seconds: float = 3.0, late_s: float = 0.0) -> np.ndarray:
    """Bursts of noise out of silence, each from its exact first sample."""
    rng = np.random.default_rng(3)
    out = np.zeros(round(seconds * RATE))
    for time in HITS_S:
        start, length = round((time + late_s) * RATE), round(0.15 * RATE)
        out[start : start + length] += 0.5 * np.exp(-np.arange(length) / (0.02 * RATE)) * rng.standard_normal(length)
    return out.astype(np.float32)


def noise(level_db: float, length: int, seed: int = 0) -> np.ndarray:
    return (10 ** (level_db / 20) * np.random.default_rng(seed).standard_normal(length)).astype(np.float32)


@pytest.fixture(scope="module")
def tune(play) -> np.ndarray:
    return play([(0.1 + 0.5 * place, 0.45, pitch, 100) for place, pitch in enumerate(PITCHES)], 4.0)


@pytest.mark.parametrize("planted_db", [0.0, 7.0, 40.0])
def test_si_sdr_is_the_planted_error(tune, planted_db) -> None:
    error = noise(0, len(tune)).astype(np.float64)
    error -= tune * (error @ tune) / (tune @ tune)
    error *= np.linalg.norm(tune) / np.linalg.norm(error) * 10 ** (-planted_db / 20)
    assert si_sdr_db(0.3 * (tune + error), tune) == pytest.approx(planted_db, abs=0.01)


def test_si_sdr_has_a_floor(tune) -> None:
    assert si_sdr_db(noise(-20, len(tune)), tune) == WORST_SI_SDR_DB
    assert si_sdr_db(np.zeros_like(tune), tune) == WORST_SI_SDR_DB


def test_complex_distance_knows_copies_silence_and_lost_phases(tune) -> None:
    truth = Truth(tune, RATE)
    assert complex_distance(tune, truth) == 0
    assert complex_distance(np.zeros_like(tune), truth) == pytest.approx(1, abs=0.01)
    assert complex_distance(-tune, truth) == pytest.approx(2, abs=0.01)
    quarter = np.fft.irfft(np.fft.rfft(tune) * 1j, len(tune)).astype(np.float32)  # every partial a quarter period off
    assert complex_distance(quarter, truth) == pytest.approx(np.sqrt(2), abs=0.05)


def test_complex_distance_hears_quiet_partials_that_si_sdr_does_not(tune) -> None:
    dull = np.fft.rfft(tune)
    dull[round(1000 * len(tune) / RATE) :] = 0
    copy = np.fft.irfft(dull, len(tune)).astype(np.float32)
    assert si_sdr_db(copy, tune) > 15 and complex_distance(copy, Truth(tune, RATE)) > 0.3


def test_an_octave_keeps_the_chroma_and_a_semitone_does_not(play, tune) -> None:
    truth = Truth(tune, RATE)

    def moved(semitones: int) -> float | None:
        notes = [(0.1 + 0.5 * place, 0.45, pitch + semitones, 100) for place, pitch in enumerate(PITCHES)]
        return chroma_similarity(play(notes, 4.0), truth)

    assert chroma_similarity(tune, truth) == pytest.approx(1, abs=1e-5)
    assert moved(12) > 0.9 > 0.5 > moved(1)
    assert moved(12) > chroma_similarity(noise(-20, len(tune)), truth)


def test_chroma_asks_only_where_the_truth_sounds(tune) -> None:
    assert chroma_similarity(tune, Truth(np.zeros_like(tune), RATE)) is None
    gap = tune.copy()
    gap[RATE:] = 0
    half = chroma_similarity(gap, Truth(tune, RATE))
    assert half is not None and 0.15 < half < 0.4, "silence where notes should be counts nothing"
    later = np.concatenate([tune, noise(-60, 2 * RATE)])
    assert chroma_similarity(later, Truth(np.pad(tune, (0, 2 * RATE)), RATE)) > 0.98


def test_a_late_copy_loses_its_onsets() -> None:
    asked, on_time = HITS_S, onsets(hits(), RATE)
    assert onset_counts(asked, on_time, 0.02).f1 == 1
    late = onsets(hits(late_s=0.035), RATE)
    assert onset_counts(asked, late, 0.02).f1 < 0.3 and onset_counts(asked, late, 0.05).f1 > 0.9


def test_clear_onsets_start_at_their_first_sample_and_have_silence_before_them() -> None:
    truth = Truth(hits(), RATE)
    assert len(truth.clear_starts) == len(HITS_S)
    assert np.abs(truth.clear_starts - np.round(HITS_S * RATE)).max() <= 20
    assert levels_before_db(truth.sound, truth.clear_starts, RATE).max() == -120


@pytest.mark.parametrize(("floor_db", "held"), [(-90, True), (-40, False), (-25, False)])
def test_a_noise_floor_is_heard_before_onsets(floor_db, held) -> None:
    truth = Truth(hits(), RATE)
    true_db = levels_before_db(truth.sound, truth.clear_starts, RATE)
    copy = truth.sound + noise(floor_db, len(truth.sound))
    copy_db = levels_before_db(copy, truth.clear_starts, RATE)
    peaks = [np.abs(copy[s : s + 1323]).max() for s in truth.clear_starts]
    np.testing.assert_allclose(copy_db, floor_db - 20 * np.log10(peaks), atol=0.7)
    assert before_held(copy_db, true_db).all() == held
    assert bool(before_excess_db(copy_db, true_db).max() == 0) == held


def test_what_already_sounds_before_an_onset_is_no_pre_echo() -> None:
    """A swell into a hit is no silence to smear into; a decaying cymbal has its own level, which a copy may have."""
    length, rng = 3 * RATE, np.random.default_rng(1)
    swell = hits()
    for time in HITS_S:
        start, ramp = round(time * RATE), np.exp(np.arange(-3000, 0) / 500)
        swell[start - 3000 : start] += (0.02 * ramp * rng.standard_normal(3000)).astype(np.float32)
    assert len(Truth(swell, RATE).onsets) == len(HITS_S) and not len(Truth(swell, RATE).clear_starts)
    cymbal = (0.02 * np.exp(-np.arange(length) / RATE) * rng.standard_normal(length)).astype(np.float32)
    truth = Truth(hits() + cymbal, RATE)
    true_db = levels_before_db(truth.sound, truth.clear_starts, RATE)
    assert len(true_db) == len(HITS_S) and -60 < true_db.min() and true_db.max() > -42
    other = hits() + np.roll(cymbal, 999) * 1.4
    assert before_held(levels_before_db(other, truth.clear_starts, RATE), true_db).all()


def test_planted_clicks_are_found_and_resynthesised_noise_has_none(tune) -> None:
    copy = tune.copy()
    for time_s in (1.234, 2.5):
        copy[round(time_s * RATE)] += 0.05
    np.testing.assert_allclose(click_times(copy, tune, RATE), [1.234, 2.5], atol=0.005)
    assert not len(click_times(tune, tune, RATE))
    assert not len(click_times(noise(-20, RATE, 1), noise(-20, RATE, 2), RATE))
    assert not len(click_times(0.9 * hits() + noise(-60, 3 * RATE), hits(), RATE))


@pytest.mark.parametrize("period", [512, 2048])
@pytest.mark.parametrize("planted_db", [-25.0, -45.0])
def test_a_planted_hum_is_measured(tune, period, planted_db) -> None:
    truth = np.tile(tune, 3)
    level = np.sqrt(np.mean(truth**2))
    buzz = np.sin(2 * np.pi * 5 * np.arange(len(truth)) / period) * np.sqrt(2) * level * 10 ** (planted_db / 20)
    residue = noise(-35 + 20 * np.log10(level), len(truth))
    assert hum_db(truth + residue, truth, RATE, period)[1] < 1.5
    found_db, over_db = hum_db(truth + residue + buzz, truth, RATE, period)
    assert found_db == pytest.approx(planted_db, abs=1.5) and over_db > 5


def test_hum_of_nothing_is_nothing(tune) -> None:
    assert hum_db(tune, np.zeros_like(tune), RATE, 512) is None
    assert hum_db(tune[:9999], tune[:9999], RATE, 2048) is None
