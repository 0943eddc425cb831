"""The judge of genres on planted colours; its verdict on planted answers."""

from pathlib import Path

import numpy as np
import pytest

from tests.tiny_bundle import make_tiny_bundle
from tests.training.judges.planted import colour_song, rhythm_song
from training.judges import genre, genre_trial
from training.judges.features import decibels
from training.judges.genre_trial import verdict
from training.judges.player import Player
from training.judges.songs import Heard


def song(number: int, name: str) -> Heard:
    made = colour_song(number, ("rock", "jazz", "rare").index(name))
    return Heard(made.name, made.pictures, {"genre_arranged": name})


def test_two_colours_are_told_apart_in_new_songs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(genre, "WINDOW", 48)
    monkeypatch.setattr(genre, "BATCH", 8)
    train = [song(number, name) for name in ("rock", "jazz") for number in range(8)] + [song(50, "rare")]
    genres = genre.genres_of(train)
    assert set(genres) == {"rock", "jazz"}
    judge = genre.trained(genres, train, tmp_path, 40, 0, lambda line: None)
    new = [song(number, name) for name in ("rock", "jazz") for number in range(90, 93)]
    assert genre.recalls(judge, new) == {"rock": 1.0, "jazz": 1.0}
    assert genre.recalls(judge, new, ("jazz",)) == {"jazz": 1.0}
    assert judge.named([new[0].pictures["piano"].cut(10_000, 48)]) is None


def test_a_mix_is_the_sum_of_powers() -> None:
    stem = rhythm_song(1).pictures["bass"]
    twice = genre.mixed([stem, stem])
    assert np.abs(decibels(twice.mel) - decibels(stem.mel) - 10 * np.log10(2)).max() < 0.2
    assert [window.frames for window in genre.windows_of(stem)] == [genre.WINDOW]


GENRES = ("rock", "pop", "funk", "jazz", "electronic", "metal")


def answers(right: int, of: int = 6) -> dict[str, dict[str, list[str | None]]]:
    said: dict[str, list[str | None]] = {
        name: [name] * right + [GENRES[place - 1]] * (of - right) for place, name in enumerate(GENRES)
    }
    return {"no_words": {"": ["pop", None]}, "prompt": said, "field": said}


def truths(share: float, genres: tuple[str, ...] = GENRES) -> dict[str, dict[str, float]]:
    return {row: dict.fromkeys(genres, share) for row in ("truth", "validation_truth")}


def test_five_times_chance_is_asked_for() -> None:
    good = verdict(GENRES, answers(6), truths(0.9)).plain()
    assert good["pass"] and good["figures"]["prompt"]["times_chance"] == pytest.approx(6)
    assert good["notes"] == ["no words at all: heard as pop, None"]
    poor = verdict(GENRES, answers(4), truths(0.9)).plain()
    assert poor["valid"] and not poor["pass"] and poor["figures"]["prompt"]["named"] == pytest.approx(2 / 3)
    assert poor["figures"]["share_of_truth"] == pytest.approx(2 / 3 / 0.9)
    assert poor["ladder"]["control_named"] == pytest.approx(1 / 3 / 5)
    assert poor["figures"]["prompt"]["heard_as"]["pop"] == {"pop": 4, "rock": 2}


def test_a_judge_at_chance_is_not_valid() -> None:
    assert not verdict(GENRES, answers(6), truths(0.2)).plain()["pass"]


def test_where_five_times_chance_cannot_be_it_is_said() -> None:
    four = GENRES[:4]
    said: dict[str, dict[str, list[str | None]]] = {row: {name: [name] for name in four} for row in ("prompt", "field")}
    found = verdict(four, said, truths(1.0, four)).plain()
    assert found["figures"]["prompt"]["times_chance"] == 4 and not found["pass"]
    assert any("at most 4 times chance" in note for note in found["notes"])


def test_takes_are_asked_for_in_words_and_by_the_field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(genre_trial, "WORDINGS", ("{genre}", "some {genre}"))
    player = Player(make_tiny_bundle(tmp_path), 1, 1, 0)
    judge = genre.Genre(("funk", "metal")).eval()
    found = genre_trial.genre_trial(judge, [song(1, "rock")], [], player, 1, 1, lambda line: None).plain()
    heard = found["figures"]["prompt"]["heard_as"]
    assert {asked: sum(names.values()) for asked, names in heard.items()} == {"funk": 2, "metal": 2}
    assert sum(found["figures"]["field"]["heard_as"]["metal"].values()) == 1
    assert found["figures"]["prompt_among_arranged"]["named"] == 1, "funk alone is there to choose"
    assert found["notes"][0].startswith("no words at all") and not found["valid"]
