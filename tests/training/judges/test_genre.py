"""The judge of genres on planted colours; its verdict on planted answers."""

from pathlib import Path

import numpy as np
import pytest

from tests.training.judges.planted import colour_song, rhythm_song
from training.judges import genre
from training.judges.features import decibels
from training.judges.genre_trial import verdict
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
    said = {name: [name] * right + [GENRES[place - 1]] * (of - right) for place, name in enumerate(GENRES)}
    return {"prompt": said, "field": said}  # type: ignore[dict-item]


def test_five_times_chance_is_asked_for() -> None:
    truth = dict.fromkeys(GENRES, 0.9)
    good = verdict(GENRES, GENRES[:4], answers(6), ["pop"], truth, truth).plain()
    assert good["pass"] and good["figures"]["prompt"]["times_chance"] == pytest.approx(6)
    poor = verdict(GENRES, GENRES[:4], answers(4), ["pop"], truth, truth).plain()
    assert poor["valid"] and not poor["pass"] and poor["figures"]["prompt"]["named"] == pytest.approx(2 / 3)
    assert poor["ladder"]["control_named"] == pytest.approx(1 / 3 / 5)
    assert poor["figures"]["prompt"]["heard_as"]["pop"] == {
        "rock": 2, "pop": 4, "funk": 0, "jazz": 0, "electronic": 0, "metal": 0
    }  # fmt: skip


def test_where_five_times_chance_cannot_be_it_is_said() -> None:
    four = GENRES[:4]
    truth = dict.fromkeys(four, 1.0)
    said = {row: {name: [name] for name in four} for row in ("prompt", "field")}
    found = verdict(four, four, said, [None], truth, truth).plain()  # type: ignore[arg-type]
    assert found["figures"]["prompt"]["times_chance"] == 4 and not found["pass"]
    assert any("at most 4 times chance" in note for note in found["notes"])
