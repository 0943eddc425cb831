"""Which SoundFont and voices a song is rendered with."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from harmonicflow.core.constants import DEFAULT_STEMS
from harmonicflow.core.errors import HarmonicFlowError
from tests.training.test_corpus_render import PRESETS, sound_font
from training.corpus.labels import make_labels
from training.corpus.song import Song, as_part
from training.corpus.sounds import (
    DEFAULT_VOICES,
    DRUM_BANK,
    SOUND_FONTS,
    VOICE_NAMES,
    VOICES,
    Sound,
    Voice,
    draw_sound,
    presets,
    voice_name,
)  # fmt: skip

SECOND = ((0, 0), (0, 4), (8, 4), (8, 28), (0, 38), (DRUM_BANK, 0), (DRUM_BANK, 32), (0, 73))


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("fonts")
    (folder / "first.sf2").write_bytes(sound_font())
    (folder / "second.sf2").write_bytes(sound_font(SECOND))
    return folder / "first.sf2", folder / "second.sf2"


def draws(fonts: tuple[Path, ...], varied: float, count: int = 400, seed: int = 0) -> list[Sound]:
    rng = np.random.default_rng(seed)
    return [draw_sound(fonts, varied, rng) for _ in range(count)]


def test_presets_of_a_sound_font(fonts: tuple[Path, Path]) -> None:
    assert presets(fonts[0]) == {Voice(*row) for row in PRESETS}
    assert presets(fonts[1]) == {Voice(*row) for row in SECOND}


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (b"", "bad_sound_font"),
        (b"no SoundFont at all", "bad_sound_font"),
        (b"phdr\x26\0\0\0" + bytes(38), "bad_sound_font"),  # no RIFF file
        (b"RIFF\x04\0\0\0sfbk", "bad_sound_font"),  # RIFF without presets
        (b"RIFF\x04\0\0\0sfbkphdr", "bad_sound_font"),  # ends before the table's size
        (b"RIFF\x04\0\0\0sfbkphdr\x4c\0\0\0" + bytes(75), "bad_sound_font"),  # ends inside the table
        (b"RIFF\x04\0\0\0sfbkphdr\x28\0\0\0" + bytes(40), "bad_sound_font"),  # no whole rows of 38 bytes
        (None, "missing_file"),
    ],
)
def test_what_is_no_sound_font_has_no_presets(tmp_path: Path, broken: bytes | None, code: str) -> None:
    path = tmp_path / "broken.sf2"
    if broken is not None:
        path.write_bytes(broken)
    with pytest.raises(HarmonicFlowError) as caught:
        presets(path)
    assert caught.value.code == code and str(path) in str(caught.value)


def test_the_same_seed_draws_the_same_sounds(fonts: tuple[Path, Path]) -> None:
    assert draws(fonts, 0.5) == draws(fonts, 0.5)
    assert draws(fonts, 0.5) != draws(fonts, 0.5, seed=1)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_share_of_varied_songs(fonts: tuple[Path, Path], share: float) -> None:
    sounds = draws(fonts, share)
    varied = sum(sound.varied for sound in sounds)
    # Of 400 draws the share's deviation is 2.3 % at most: four of them.
    assert varied == share * 400 if share in (0, 1) else abs(varied / 400 - share) < 0.092
    # The rest has the default sound of the first SoundFont.
    assert all(sound == Sound(fonts[0]) for sound in sounds if not sound.varied)
    assert dict(Sound(fonts[0]).voices) == DEFAULT_VOICES


def test_varied_songs_have_every_voice_that_their_sound_font_holds(fonts: tuple[Path, Path]) -> None:
    sounds = draws(fonts, 1.0)
    by_font = Counter(sound.sound_font for sound in sounds)
    assert set(by_font) == set(fonts) and min(by_font.values()) > 150
    for font, rows in zip(fonts, (PRESETS, SECOND), strict=True):
        for name in DEFAULT_STEMS:
            possible = {Voice(*row) for row in rows} & set(VOICES[name])
            drawn = {sound.voice(name) for sound in sounds if sound.sound_font == font}
            # A SoundFont without any voice of an instrument gives its default one.
            assert drawn == (possible or {DEFAULT_VOICES[name]})


def test_every_voice_belongs_to_its_instrument_and_has_a_name() -> None:
    families = {"bass": range(32, 40), "guitar": range(24, 32), "piano": range(8)}
    for name, voices in VOICES.items():
        assert DEFAULT_VOICES[name] in voices and len(set(voices)) == len(voices)
        for voice in voices:
            assert voice.bank == DRUM_BANK if name == "drums" else voice.program in families[name]
            assert voice in VOICE_NAMES
    assert voice_name(Voice(0, 25)) == "steel (25)" and voice_name(Voice(8, 28)) == "funk (8:28)"
    assert voice_name(Voice(DRUM_BANK, 9)) == "room 1 (9)" and voice_name(Voice(1, 7)) == "1:7"


def test_labels_tell_the_sound() -> None:
    notes = as_part([(0.0, 0.5, 60, 80)])
    made = Song("g", "c", "s", "train", 2.0, {"guitar": notes, "drums": notes})
    voices = {**DEFAULT_VOICES, "guitar": Voice(8, 28), "drums": Voice(DRUM_BANK, 32)}
    labels = make_labels(made, Sound(Path("folder/second.sf2"), tuple(voices.items()), True), 0.0, 1)
    assert labels["programs"] == {"guitar": 28, "drums": 32} and labels["banks"] == {"guitar": 8, "drums": DRUM_BANK}
    assert labels["varied"] is True and labels["sound_font"] == "second.sf2"
    plain = make_labels(made, Sound(Path("first.sf2")), 0.0, 1)
    assert plain["programs"] == {"guitar": 25, "drums": 0} and plain["varied"] is False


@pytest.mark.parametrize("font", SOUND_FONTS, ids=lambda path: path.stem)
def test_debians_sound_fonts_hold_what_is_drawn(font: Path) -> None:
    if not font.is_file():
        pytest.skip("not installed")
    held = presets(font)
    assert set(DEFAULT_VOICES.values()) <= held
    for name, voices in VOICES.items():
        assert sum(voice in held for voice in voices) >= len(voices) - 1, name
