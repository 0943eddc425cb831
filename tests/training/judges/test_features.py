"""What the judges hear: pitches and times where they are, loudness left out, pictures kept while a sound stays."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from harmonicflow.core.constants import HOP, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from training.judges.features import LOWEST, MEL_HOP, decibels, picture
from training.judges.songs import load_songs
from training.judges.tower import shown, sounds


def tone(pitch: float, seconds: float = 1.0, level: float = 0.5) -> np.ndarray:
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (level * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * t)).astype(np.float32)


@pytest.mark.parametrize("pitch", [28, 40, 57, 69, 86])
def test_a_tone_lies_at_its_pitch(pitch: int) -> None:
    whole = picture(tone(pitch))
    assert LOWEST + whole.pitch[10].argmax() == pitch


def test_levels_are_decibels_of_the_power() -> None:
    loud, soft = (decibels(picture(tone(69, level=level)).pitch[10]).max() for level in (0.5, 0.05))
    assert loud - soft == pytest.approx(20, abs=0.5)
    assert decibels(picture(np.zeros(SAMPLE_RATE, np.float32)).mel).max() == -100


def test_a_click_lies_in_its_frame_and_a_frame_lasts_a_hop() -> None:
    sound = np.zeros(40 * HOP, np.float32)
    sound[31 * MEL_HOP] = 1
    whole = picture(sound)
    assert whole.mel.sum(axis=1).argmax() == 31
    assert (len(whole.mel), len(whole.pitch), whole.frames) == (80, 40, 40)


def test_a_cut_past_the_end_is_silent() -> None:
    whole = picture(tone(60))
    piece = whole.cut(whole.frames - 3, 10)
    assert piece.mel.shape == (20, 48) and piece.pitch.shape == (10, 60)
    assert not piece.mel[6:].any() and piece.mel[:6].any()


def test_loudness_is_not_shown_and_silence_does_not_sound() -> None:
    loud, soft = (picture(tone(60, level=level)) for level in (0.4, 0.1))
    for a, b in zip(shown([loud]), shown([soft]), strict=True):
        assert float((a - b).abs().max()) < 0.02 and float(a.max()) == 1
    assert sounds(loud) and sounds(soft) and not sounds(picture(np.zeros(SAMPLE_RATE, np.float32)))


def write_song(folder: Path, name: str, sound: np.ndarray) -> Path:
    song = folder / "train" / name
    song.mkdir(parents=True, exist_ok=True)
    soundfile.write(song / "bass.wav", sound, SAMPLE_RATE, subtype="PCM_16")
    labels = {"programs": {"bass": 33, "drums": 0}, "sound_font": "a.sf2", "genre": "rock", "genre_arranged": "funk"}
    (song / "labels.json").write_text(json.dumps(labels), encoding="utf-8")
    return song


def test_pictures_are_made_once_and_again_for_another_sound(tmp_path: Path) -> None:
    corpus, cache = tmp_path / "corpus", tmp_path / "cache"
    write_song(corpus, "Track00001", tone(40))

    def hear() -> int:
        song = load_songs(corpus, "train", ("bass", "drums"), cache, lambda line: None)[0]
        assert set(song.pictures) == {"bass"} and song.genre == "funk"
        assert song.program("bass") == "a.sf2:0:33" and song.program("drums") == "a.sf2:128:0"
        assert song.program("piano") is None
        return int(LOWEST + song.pictures["bass"].pitch[8].argmax())

    kept = cache / "pictures" / "train" / "Track00001.safetensors"
    assert hear() == 40
    first = kept.stat().st_mtime_ns
    assert hear() == 40 and kept.stat().st_mtime_ns == first, "read, not made again"
    write_song(corpus, "Track00001", tone(47, 1.5))
    assert hear() == 47
    kept.write_bytes(kept.read_bytes()[:100])
    assert hear() == 47, "a torn file is made again"
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]


def test_no_songs_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(HarmonicFlowError):
        load_songs(tmp_path, "train", ("bass",), tmp_path / "cache", lambda line: None)
