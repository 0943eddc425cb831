"""What the codec is taught beside spectra: levels, pitch classes and onsets; and what rooms and microphones do."""

import numpy as np
import pytest
import torch

from harmonicflow.core.constants import HOP, SAMPLE_RATE
from training import losses
from training.augment import Augmentation, augmented, microphone_gains, room_response

LENGTH = 16 * HOP


def tone(hz: float, length: int = LENGTH) -> torch.Tensor:
    return 0.3 * torch.sin(2 * torch.pi * hz / SAMPLE_RATE * torch.arange(length))[None]


def test_a_pre_echo_costs_more_than_the_same_noise_under_the_sound() -> None:
    sound = torch.zeros(1, LENGTH)
    sound[:, LENGTH // 2 :] = tone(440)[:, : LENGTH // 2]
    noise = torch.zeros_like(sound)
    noise[:, LENGTH // 2 - 2048 : LENGTH // 2] = 0.003 * torch.randn(1, 2048)
    before = losses.level_distance(sound + noise, sound)
    under = losses.level_distance(sound + noise.roll(6000, 1), sound)
    assert before > 20 * under
    assert losses.level_distance(sound, sound) == 0


def test_a_level_is_heard_as_a_ratio_and_silence_ends_at_the_floor() -> None:
    sound = tone(1000)
    assert float(losses.level_distance(sound / 2, sound)) == pytest.approx(np.log(2), rel=0.01)
    assert float(losses.level_distance(2 * sound, sound)) == pytest.approx(2 * np.log(2) - 0.35, rel=0.01)
    silence = torch.zeros(1, LENGTH)
    assert losses.level_distance(silence + 1e-6, silence) < 1e-2  # -120 dB


@pytest.mark.parametrize("frame", [HOP // 4, HOP])
def test_a_hiss_that_repeats_every_frame_is_heard_as_a_buzz(frame: int) -> None:
    torch.manual_seed(0)
    hiss, other = 0.1 * torch.randn(1, 64 * HOP), 0.1 * torch.randn(1, 64 * HOP)
    buzz = hiss[:, :frame].repeat(1, 64 * HOP // frame)
    buzzing, hissing = losses.decoder_frames(buzz), losses.decoder_frames(hiss)
    assert losses.repetition(buzzing, 4).mean() > 0.99 and losses.repetition(hissing, 4).mean().abs() < 0.02
    assert losses.buzz_distance(buzz, hiss) > 5 * losses.buzz_distance(other, hiss)
    assert losses.locked_share(buzzing).mean() > 0.99 and losses.locked_share(hissing).mean() < 0.03
    slow = torch.cat([hiss[:, : 2 * HOP], other[:, : 2 * HOP]], 1).repeat(1, 16)  # comes back after four latent frames
    assert 0.2 < losses.locked_share(losses.decoder_frames(slow)).mean() < 0.3
    partial = tone(SAMPLE_RATE / HOP * 40.5, 64 * HOP)  # between two harmonics of the latent frames
    near = losses.repetition(losses.decoder_frames(partial), 4)[..., 1]  # its band
    assert near.mean() < -0.9


@pytest.mark.parametrize(("hz", "pitch_class"), [(261.63, 0), (440.0, 9), (987.77, 11), (174.61, 5)])
def test_the_pitch_class_of_a_tone(hz: float, pitch_class: int) -> None:
    target = losses.chroma_target(tone(hz))
    assert target.shape == (1, 16, 12)
    middle = target[0, 2:-2]
    assert (middle.argmax(-1) == pitch_class).all() and (middle.amax(-1) > 0.9).all()
    assert not losses.chroma_target(torch.zeros(1, LENGTH)).any()


@pytest.mark.parametrize(("hz", "band"), [(100.0, 0), (1000.0, 1), (6000.0, 2)])
def test_an_onset_is_strong_in_its_frame_and_band(hz: float, band: int) -> None:
    start = 7 * HOP + 5 * HOP // 8
    sound = torch.zeros(1, LENGTH)
    sound[:, start:] = tone(hz)[:, : LENGTH - start]
    target = losses.onset_target(sound)
    assert target.shape == (1, 16, 24)
    frame, place = divmod(int(target[0, :, band::3].reshape(-1).argmax()), 8)
    assert abs(frame * 8 + place - (7 * 8 + 5)) <= 1
    assert not losses.onset_target(torch.zeros(1, LENGTH)).any()


def test_augmentation_is_drawn_from_its_seed_and_can_be_switched_off() -> None:
    sounds = np.random.default_rng(1).standard_normal((4, 8192)).astype(np.float32) * 0.1
    always = Augmentation(room=1, microphone=1, loud=1)
    first, again, other = (augmented(sounds, np.random.default_rng(seed), always) for seed in (5, 5, 6))
    assert np.array_equal(first, again) and not np.allclose(first, other)
    assert first.dtype == np.float32 and first.shape == sounds.shape
    never = Augmentation(room=0, microphone=0, loud=0)
    assert np.array_equal(augmented(sounds, np.random.default_rng(5), never), sounds)


def test_loud_sounds_reach_full_scale_together_but_do_not_pass_it() -> None:
    sounds = np.random.default_rng(1).standard_normal((4, 8192)).astype(np.float32) * 0.01
    for seed in range(20):
        loud = augmented(sounds, np.random.default_rng(seed), Augmentation(room=0, microphone=0, loud=1))
        peak = max(np.abs(loud).max(), np.abs(loud.sum(0)).max())
        assert 10 ** (-6.1 / 20) < peak <= 1.0001
        balance = np.abs(loud).max(1) / np.abs(sounds).max(1)
        assert np.allclose(balance, balance[0], rtol=1e-4)


def test_a_room_starts_with_the_sound_and_dies_away() -> None:
    for seed in range(10):
        response = room_response(np.random.default_rng(seed))
        energy = response.astype(np.float64) ** 2
        assert energy.argmax() == 0
        assert energy[SAMPLE_RATE * 9 // 10 :].sum() < 1e-4 * energy.sum()
        assert 10 ** (-2.6) < energy[1:].sum() < 10 ** (-0.4)


def test_a_microphone_never_cuts_into_the_middle() -> None:
    hz = np.array([20.0, 1000.0, 20_000.0])
    for seed in range(20):
        low, middle, high = 20 * np.log10(microphone_gains(np.random.default_rng(seed), hz))
        assert abs(middle) < 1 and low < 10 and high < 6
