"""Takes are compared equally loud, against an independent meter, and nothing is ever made louder."""

import json
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile

from bridge.audition.in_step import File
from bridge.audition.levels import heard_lufs, matching_db

RATE = 48_000


def written(path: Path, level: float, channels: int = 2, seed: int = 0) -> np.ndarray:
    sound = np.random.default_rng(seed).uniform(-level, level, (RATE, channels)).astype(np.float32)
    soundfile.write(path, sound, RATE, "FLOAT")
    return sound


def lufs(sound: np.ndarray) -> float:
    return float(pyloudnorm.Meter(RATE).integrated_loudness(sound))


def test_the_louder_ones_come_down_to_the_softest(tmp_path: Path) -> None:
    sounds = [written(tmp_path / f"{n}.wav", level, seed=n) for n, level in enumerate((0.9, 0.1, 0.5))]
    paths = [tmp_path / f"{n}.wav" for n in range(3)]
    offsets = matching_db([File(path) for path in paths], 2)
    assert max(offsets) == 0 and offsets[1] == 0
    levels = [lufs(sound * 10 ** (db / 20)) for sound, db in zip(sounds, offsets, strict=True)]
    assert max(levels) - min(levels) < 0.1


def test_one_channel_counts_as_it_is_heard(tmp_path: Path) -> None:
    sound = written(tmp_path / "mono.wav", 0.3, 1)
    mono = File(tmp_path / "mono.wav")
    assert heard_lufs(mono, 2) == pytest.approx(lufs(np.repeat(sound, 2, axis=1)), abs=0.05)
    assert heard_lufs(mono, 1) == pytest.approx(lufs(sound[:, 0]), abs=0.05)


def test_silence_is_left_alone_and_pulls_nobody_down(tmp_path: Path) -> None:
    written(tmp_path / "a.wav", 0.3)
    soundfile.write(tmp_path / "none.wav", np.zeros((RATE, 2)), RATE)
    paths = [tmp_path / "a.wav", tmp_path / "none.wav"]
    assert matching_db([File(path) for path in paths], 2) == (0.0, 0.0)


def test_a_take_says_how_loud_it_is(tmp_path: Path) -> None:
    """Its own row is believed where it describes the very file, and only then."""
    written(tmp_path / "mix.wav", 0.3)
    row = {"file": "mix.wav", "rate": RATE, "channels": 2, "frames": RATE, "lufs": -33.3}
    mix = File(tmp_path / "mix.wav")
    for wrong, wanted in (({}, -33.3), ({"frames": 7}, None), ({"file": "bass.wav"}, None), ({"lufs": "loud"}, None)):
        (tmp_path / "take.json").write_text(json.dumps({"summary": {"files": [row | wrong]}}))
        said = heard_lufs(mix, 2)
        assert said is not None and (said == -33.3) == (wanted == -33.3)
    (tmp_path / "take.json").write_text(json.dumps({"summary": {"files": [row | {"channels": 1}]}}))
    soundfile.write(tmp_path / "mix.wav", np.zeros(RATE), RATE)
    said = heard_lufs(File(tmp_path / "mix.wav"), 2)
    assert said == pytest.approx(-33.3 + 3.01, abs=0.01)
