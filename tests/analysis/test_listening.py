"""What the analyst hears: against scipy, in tune, the same in pieces."""

import numpy as np
import pytest
from scipy import signal

from harmonicflow.analysis import listening
from harmonicflow.analysis.listening import (
    ANALYST_HOP,
    BANDS_PER_SEMITONE,
    CHORD_FRAMES,
    HARMONY_COLUMNS,
    HELD,
    LOUDNESS,
    LOWEST_PITCH,
    SCALE,
    SPECTRUM_BANDS,
    TIME_COLUMNS,
    TIME_SIZE,
    spectrum,
)
from harmonicflow.core.constants import SAMPLE_RATE

RNG = np.random.default_rng(3)


def tone(pitch: float, seconds: float = 1.5, level: float = 0.2) -> np.ndarray:
    hz = 440 * 2 ** ((pitch - 69) / 12)
    return (level * np.sin(2 * np.pi * hz * np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE)).astype(np.float32)


@pytest.mark.parametrize("samples", [0, 1, 4096, 4097, 100_000])
def test_frames_hold_the_sound_and_whole_chord_rows(samples: int) -> None:
    rows = spectrum(np.zeros(samples, np.float32))
    assert rows.shape[1] == SPECTRUM_BANDS and rows.dtype == np.float32
    assert len(rows) % CHORD_FRAMES == 0 and 0 <= len(rows) * ANALYST_HOP - samples <= CHORD_FRAMES * ANALYST_HOP
    assert not rows.any()


@pytest.mark.parametrize("pitch", [40, 51, 52, 64, 76, 99])
def test_a_tone_in_tune_is_loudest_in_the_middle_of_its_semitone(pitch: int) -> None:
    row = spectrum(tone(pitch))[48, HARMONY_COLUMNS]
    assert row.argmax() == BANDS_PER_SEMITONE * (pitch - LOWEST_PITCH) + 1


@pytest.mark.parametrize("pitch", [28, 31, 33, 36])
def test_the_lowest_tones_are_found_to_a_semitone(pitch: int) -> None:
    row = spectrum(tone(pitch))[48, HARMONY_COLUMNS]
    assert abs(row.argmax() - BANDS_PER_SEMITONE * (pitch - LOWEST_PITCH) - 1) < BANDS_PER_SEMITONE


@pytest.mark.parametrize("cents", [-33, 33])
def test_a_detuned_tone_moves_to_the_band_beside(cents: int) -> None:
    row = spectrum(tone(69 + cents / 100))[48, HARMONY_COLUMNS]
    assert row.argmax() == BANDS_PER_SEMITONE * (69 - LOWEST_PITCH) + 1 + np.sign(cents)


def test_time_bands_are_those_of_scipys_transform() -> None:
    sound = RNG.normal(0, 0.1, 40_960).astype(np.float32)
    _, _, found = signal.stft(sound, window="hann", nperseg=TIME_SIZE, noverlap=TIME_SIZE - ANALYST_HOP, padded=False)
    expected = SCALE * np.log1p(LOUDNESS * np.abs(found.T) @ listening._time_bank())
    ours = spectrum(sound)[:, TIME_COLUMNS]
    np.testing.assert_allclose(ours[:80], expected[:80], rtol=1e-3, atol=1e-4)


def test_thinned_out_sound_keeps_what_is_low_and_loses_what_is_high() -> None:
    low, high = tone(60), tone(128.5)  # 262 Hz; 13.7 kHz, which would fold to 2.7 kHz
    thin = listening.decimated(low, 4)
    np.testing.assert_allclose(thin[200:-200], low[::4][200 : 200 + len(thin) - 400], atol=2e-3)
    assert np.abs(listening.decimated(high, 4)[200:-200]).max() < 1e-3 * 0.2


def test_a_piece_has_the_rows_of_the_whole() -> None:
    sound = RNG.normal(0, 0.1, 6 * SAMPLE_RATE).astype(np.float32)
    start = 64 * ANALYST_HOP
    whole, piece = spectrum(sound), spectrum(sound[start : start + 4 * SAMPLE_RATE])
    np.testing.assert_allclose(piece[40:300], whole[104:364], atol=1e-4)


def test_harmony_rows_are_held() -> None:
    rows = spectrum(RNG.normal(0, 0.1, SAMPLE_RATE).astype(np.float32))[:, HARMONY_COLUMNS]
    assert (rows[::HELD] == rows[HELD - 1 :: HELD]).all() and not (rows[0] == rows[HELD]).all()
