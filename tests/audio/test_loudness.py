"""Loudness against pyloudnorm and the standard's own tones, true peak against strong oversampling."""

from importlib import resources

import numpy as np
import pyloudnorm
import pytest
import scipy.signal

from harmonicflow.audio import files, loudness

CLIP = resources.files("harmonicflow.data") / "guit_em9.flac"


def sine(hz, rate, seconds=3.0, amplitude=1.0, phase=0.0):
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate + phase)).astype(np.float32)


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2])
def test_it_agrees_with_pyloudnorm(rate, channels):
    rng = np.random.default_rng(rate + channels)
    gate = np.repeat(10 ** rng.uniform(-3, 0, 12), rate)  # seconds of very different level: both gates work
    x = (rng.standard_normal((channels, 12 * rate)) * gate * 0.2).astype(np.float32)
    theirs = pyloudnorm.Meter(rate).integrated_loudness(x.T.astype(np.float64))
    assert abs(loudness.integrated_lufs(x, rate) - theirs) < 0.1


def test_it_agrees_with_pyloudnorm_on_a_recording():
    x, rate = files.read(str(CLIP))
    theirs = pyloudnorm.Meter(rate).integrated_loudness(x.T.astype(np.float64))
    assert abs(loudness.integrated_lufs(x, rate) - theirs) < 0.1


@pytest.mark.parametrize("rate", [8000, 44100, 48000, 192000])
def test_the_standards_tone(rate):
    """BS.1770-4: a full-scale 997 Hz sine on one channel reads -3.01 LKFS."""
    x = np.stack([sine(997, rate), np.zeros(3 * rate, np.float32)])
    assert abs(loudness.integrated_lufs(x, rate) + 3.01) < 0.05


def test_quiet_parts_are_gated():
    """EBU Tech 3341, case 3: 10 s at -36, 60 s at -23, 10 s at -36 LUFS reads -23."""
    quiet, loud = sine(1000, 48000, 10, 10 ** (-36 / 20)), sine(1000, 48000, 60, 10 ** (-23 / 20))
    x = np.concatenate([quiet, loud, quiet])
    assert abs(loudness.integrated_lufs(np.stack([x, x]), 48000) + 23) < 0.1


def test_silence_and_short_sounds_have_finite_loudness():
    assert loudness.integrated_lufs(np.zeros((2, 44100)), 44100) == loudness.SILENCE_LUFS
    assert loudness.integrated_lufs(np.zeros(0), 44100) == loudness.SILENCE_LUFS
    assert loudness.true_peak_dbtp(np.zeros((2, 100))) == loudness.SILENCE_DB
    assert loudness.true_peak_dbtp(np.zeros(0)) == loudness.SILENCE_DB
    assert -10 < loudness.integrated_lufs(sine(997, 44100, 0.2), 44100) < -2


@pytest.mark.parametrize("hz", [100, 997, 11025, 16000, 19000])
@pytest.mark.parametrize("phase", [0.0, 0.4, 0.7854])
def test_the_peak_between_the_samples_is_found(hz, phase):
    x = sine(hz, 44100, 0.5, 0.5, phase) * scipy.signal.windows.tukey(22050, 0.5)
    assert abs(loudness.true_peak_dbtp(x) - 20 * np.log10(0.5)) < (0.15 if hz < 18000 else 0.6)


def test_true_peak_agrees_with_strong_oversampling():
    x = np.random.default_rng(5).standard_normal((2, 20000)) * 0.2
    x = scipy.signal.lfilter(*scipy.signal.butter(4, 0.8), x)
    dense = scipy.signal.resample_poly(x, 16, 1, axis=1, window=("kaiser", 10.0))
    assert abs(loudness.true_peak_dbtp(x) - 20 * np.log10(np.abs(dense).max())) < 0.3


def test_a_streams_peaks_are_bit_for_bit_the_wholes():
    x = np.random.default_rng(6).standard_normal((2, 9000)).astype(np.float32)
    whole = loudness.TruePeaks(2).process(x)
    stream = loudness.TruePeaks(2)
    parts = [stream.process(x[:, at : at + 111]) for at in range(0, 9000, 111)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()
    late = loudness.TAPS // 2
    assert np.all(whole[late:] >= np.abs(x).max(axis=0)[:-late] * (1 - 1e-6))
