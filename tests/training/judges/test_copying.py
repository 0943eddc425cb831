"""Distances to training: exact for planted copies, as the truth's for new windows, and the verdict between them."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from harmonicflow.core.errors import HarmonicFlowError
from tests.training.judges.planted import colour_song
from training.judges import copying
from training.judges.copying import WINDOW, distances, latent_windows, mel_windows, verdict

SPACE = "a space"


@pytest.fixture
def encoded(tmp_path: Path) -> Path:
    (tmp_path / "train").mkdir()
    random = np.random.default_rng(0)
    for number in range(3):
        latents = random.standard_normal((2, 120, 32)).astype(np.float16)
        meta = {"parts": ["mix", "bass"], "latent_space": SPACE}
        path = tmp_path / "train" / f"Track{number:05d}.safetensors"
        save_file({"latents": latents}, path, {name: json.dumps(value) for name, value in meta.items()})
    return tmp_path


def test_windows_hold_what_lies_there() -> None:
    latents = np.arange(60 * 32, dtype=np.float32).reshape(60, 32)
    rows = latent_windows(latents, [0, 5])
    assert rows.shape == (2, WINDOW * 32) and np.array_equal(rows[1].reshape(WINDOW, 32), latents[5 : 5 + WINDOW])
    whole = colour_song(1, 1).pictures["piano"]
    a, b = mel_windows(whole, [7, 30])
    assert abs(a.mean()) < 1e-3 and np.ptp(a) <= 60.01 and not np.array_equal(a, b)
    assert mel_windows(whole, []).shape == (0, WINDOW * 48)


def test_a_copy_lies_at_nothing_and_the_nearest_of_all_songs_counts(encoded: Path) -> None:
    every = list(copying.encoded_windows(encoded, "bass", SPACE))
    assert [len(rows) for rows in every] == [120 - WINDOW + 1] * 3
    song = colour_song(4, 1)
    new = np.random.default_rng(9).standard_normal(WINDOW * 32)
    mel = mel_windows(song.pictures["piano"], [11])[0]
    windows = {
        "bass": {"latents": {"truth": [new], "performed": [every[2][40]]}, "mel": {}},
        "piano": {"latents": {}, "mel": {"truth": [mel_windows(colour_song(5, 3).pictures["piano"], [3])[0]],
                                         "performed": [mel]}},
    }  # fmt: skip
    found = distances(windows, encoded, [colour_song(8, 0), song], SPACE, lambda line: None)
    assert found["latents"]["bass"]["performed"][0] < 1e-2 < 1 < found["latents"]["bass"]["truth"][0]
    assert found["mel"]["piano"]["performed"][0] < 1e-2 < 0.1 < found["mel"]["piano"]["truth"][0]
    assert set(distances(windows, None, [song], SPACE, lambda line: None)) == {"mel"}


def test_latents_of_another_codec_are_refused(encoded: Path, tmp_path: Path) -> None:
    with pytest.raises(HarmonicFlowError) as caught:
        list(copying.encoded_windows(encoded, "bass", "another space"))
    assert caught.value.code == "latent_mismatch"
    with pytest.raises(HarmonicFlowError) as caught:
        list(copying.encoded_windows(tmp_path / "nothing", "bass", SPACE))
    assert caught.value.code == "no_corpus"


def planted(performed: np.ndarray) -> dict:
    random = np.random.default_rng(2)
    row = {"truth": random.normal(1.0, 0.1, 400), "performed": performed, "noise": np.full(50, 1.4),
           "planted_on_grid": np.full(8, 0.1), "planted_off_grid": np.full(8, 0.2)}  # fmt: skip
    return {"mel": {"bass": row}, "latents": {"bass": row | {"planted_off_grid": np.full(8, 1.0)}}}


def test_new_music_passes_and_copies_do_not() -> None:
    random = np.random.default_rng(3)
    new = verdict(planted(random.normal(1.02, 0.1, 400))).plain()
    assert new["valid"] and new["pass"] and new["figures"]["mel"]["windows"] == 400
    assert new["figures"]["mel"]["distances"]["bass"]["truth"]["50%"] == pytest.approx(1.0, abs=0.02)
    some = np.where(np.arange(400) % 20 == 0, 0.1, random.normal(1.02, 0.1, 400))
    copied = verdict(planted(some)).plain()
    assert copied["valid"] and not copied["pass"]
    assert copied["figures"]["latents"]["share_below_1%_of_truth"] == copied["figures"]["worst_share"] >= 0.05


def test_what_a_fresh_song_would_show_is_expected() -> None:
    """Drawn from one distribution, the share under the limit is the chance that is named, for few windows too."""
    random = np.random.default_rng(4)
    shares = []
    for _ in range(400):
        one = verdict({"mel": {"bass": {"truth": random.random(30), "performed": random.random(30)}}}).figures["mel"]
        shares.append(one["share_below_1%_of_truth"])
    assert one["expected"] == pytest.approx(1 / 31) and np.mean(shares) == pytest.approx(1 / 31, abs=0.01)
    assert np.mean(np.array(shares) > one["allowed"]) < 0.12


def test_a_measure_deaf_to_planted_copies_is_not_valid() -> None:
    found = planted(np.full(10, 1.1))
    found["mel"]["bass"]["planted_off_grid"] = np.full(8, 1.2)
    assert not verdict(found).valid and not verdict({}).plain()["pass"]
