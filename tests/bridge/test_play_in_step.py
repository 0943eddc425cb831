"""Several files read side by side: to the sample what the files hold, around and around, at any rates and lengths."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.audition.in_step import PIECE, File, InStep, mixed
from harmonicflow.audio.resample import resample
from tests.bridge.stand_in_device import noise


def written(path: Path, frames: int, rate: int = 44_100, seed: int = 0) -> np.ndarray:
    sound = np.random.default_rng(seed).uniform(-0.4, 0.4, (frames, 2)).astype(np.float32)
    soundfile.write(path, sound, rate, "FLOAT")
    return sound


def heard(voices: InStep, rounds: int) -> np.ndarray:
    """[V, T, C] of so many rounds; the places that the pieces name are checked on the way."""
    asked: list[None] = []

    def around() -> bool:
        asked.append(None)
        return len(asked) < rounds

    pieces = list(voices.pieces(around))
    assert len(asked) == rounds and sum(piece.last for piece in pieces) == rounds
    at = 0
    for piece in pieces:
        assert piece.start == at and 0 < piece.sound.shape[1] <= PIECE
        at = 0 if piece.last else at + piece.sound.shape[1]
    return np.concatenate([piece.sound for piece in pieces], axis=1)


def test_rounds_follow_each_other_and_the_shorter_one_rests(tmp_path: Path) -> None:
    long, short = written(tmp_path / "long.wav", 10_007), written(tmp_path / "short.wav", 4_096, seed=1)
    both = heard(InStep([File(tmp_path / "long.wav"), File(tmp_path / "short.wav")], 44_100, 2), 3)
    np.testing.assert_array_equal(both[0], np.tile(long, (3, 1)))
    np.testing.assert_array_equal(both[1], np.tile(np.pad(short, ((0, 5_911), (0, 0))), (3, 1)))


@pytest.mark.parametrize("rounds", [1, 3])
def test_a_converted_loop_is_one_stream(rounds: int, tmp_path: Path) -> None:
    """The seam is converted like any other place, and the end is silent only after the last round."""
    sound = written(tmp_path / "a.wav", 9_001)
    (got,) = heard(InStep([File(tmp_path / "a.wav")], 48_000, 2), rounds)
    np.testing.assert_array_equal(got, resample(np.tile(sound, (rounds, 1)).T, 44_100, 48_000).T)


def test_files_of_unlike_rates_never_drift(tmp_path: Path) -> None:
    """A click at the start of each: a hundred odd rounds later they still fall together, within a frame."""
    for name, rate, frames in (("a", 44_100, 1_001), ("b", 32_000, 700)):
        sound = np.zeros((frames, 1), np.float32)
        sound[0] = 0.9
        soundfile.write(tmp_path / f"{name}.wav", sound, rate, "FLOAT")
    voices = heard(InStep([File(tmp_path / "a.wav"), File(tmp_path / "b.wav")], 44_100, 1), 120)[:, :, 0]
    assert voices.shape[1] == 120 * 1_001
    clicks = [1_001 * n + np.argmax(np.pad(voices[1], 10)[1_001 * n : 1_001 * n + 20]) - 10 for n in range(120)]
    np.testing.assert_allclose(clicks, np.arange(120) * 1_001, atol=1)


def test_gain_and_full_scale(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "loud.wav", noise(5_000) * 3, 44_100, "FLOAT")
    (half,) = heard(InStep([File(tmp_path / "loud.wav")], 44_100, 2, [0.5]), 1)
    np.testing.assert_allclose(half, np.clip(noise(5_000) * 1.5, -1, 1), atol=1e-6)


@pytest.mark.parametrize(("channels", "device"), [(1, 2), (2, 1), (4, 2), (3, 2), (2, 2), (1, 1)])
def test_channels(channels: int, device: int) -> None:
    sound = np.arange(channels, dtype=np.float32)[:, None] + np.zeros((channels, 5), np.float32)
    wanted = {(1, 2): (0, 0), (2, 1): (0.5,), (4, 2): (1, 2), (3, 2): (1, 1), (2, 2): (0, 1), (1, 1): (0,)}
    np.testing.assert_array_equal(mixed(sound, device)[:, 0], wanted[channels, device])
