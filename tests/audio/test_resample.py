"""Resampling: pure tones, scipy, exact lengths, and streams equal to the whole."""

import numpy as np
import pytest
import scipy.signal

from harmonicflow.audio.resample import StreamResampler, resample, resampled_frames
from harmonicflow.core.errors import HarmonicFlowError

RATES = [(44100, 48000), (44100, 96000), (48000, 44100), (96000, 44100), (44100, 22050), (8000, 384000), (44100, 44100)]


@pytest.mark.parametrize(("before", "after"), RATES)
def test_a_tone_keeps_its_time_and_level(before, after):
    hz = 997.0
    x = np.sin(2 * np.pi * hz * np.arange(before) / before).astype(np.float32)
    y = resample(x, before, after)
    expected = np.sin(2 * np.pi * hz * np.arange(after) / after)
    middle = slice(after // 4, -after // 4)
    assert len(y) == after
    assert 20 * np.log10(np.abs(y - expected)[middle].max()) < -100


def test_it_agrees_with_scipy_on_band_limited_noise():
    noise = np.random.default_rng(0).standard_normal(44100)
    x = scipy.signal.sosfiltfilt(scipy.signal.butter(8, 12000, fs=44100, output="sos"), noise)
    ours = resample(x, 44100, 48000)
    theirs = scipy.signal.resample_poly(x, 160, 147, window=("kaiser", 14.0))
    error = (ours - theirs[: len(ours)])[2000:-2000]
    assert 10 * np.log10(np.mean(error**2) / np.mean(theirs**2)) < -60


@pytest.mark.parametrize(("before", "after"), RATES)
def test_pieces_equal_the_whole_bit_for_bit(before, after):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, 30000)).astype(np.float32)
    whole = resample(x, before, after)
    stream, parts, at = StreamResampler(before, after, 2), [], 0
    while at < x.shape[1]:
        count = int(rng.choice([0, 1, 7, 500, 4096]))
        parts.append(stream.process(x[:, at : at + count]))
        at += count
    parts.append(stream.finish())
    assert np.concatenate(parts, axis=1).tobytes() == whole.tobytes()


@pytest.mark.parametrize("frames", [0, 1, 2, 999, 12345])
def test_lengths_are_exact(frames):
    x = np.ones((3, 5000), np.float32)
    assert resample(x, 44100, 48000, frames).shape == (3, frames)
    assert resample(x, 44100, 44100, frames).shape == (3, frames)
    assert resample(np.ones(frames, np.float32), 48000, 44100).shape == (resampled_frames(frames, 48000, 44100),)


def test_rates_are_refused_in_words():
    with pytest.raises(HarmonicFlowError, match="8000 to 384000"):
        resample(np.ones(10), 0, 44100)
