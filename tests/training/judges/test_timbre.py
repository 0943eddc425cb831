"""The judge of sounds on planted colours, and its verdict on planted ranks."""

import numpy as np

from tests.training.judges.planted import colour_song
from training.judges.ranks import rank_of
from training.judges.timbre import by_sound, description, learn, windows_of
from training.judges.timbre_trial import Bench, Reference, bench, verdict

SOUNDS = 5


def test_the_right_sound_comes_first_in_songs_not_heard_before() -> None:
    songs = [colour_song(10 * sound + number, sound) for sound in range(SOUNDS) for number in range(3)]
    found = by_sound(songs, "piano")
    assert {name: len(own) for name, own in found.items()} == {f"f:0:{sound}": 3 for sound in range(SOUNDS)}
    made = {sound: [description(window) for song in own for window in windows_of(song, "piano")]
            for sound, own in found.items()}  # fmt: skip
    judge = learn(made)
    for sound in range(SOUNDS):
        distances = judge.of(windows_of(colour_song(900 + sound, sound), "piano"))
        assert distances is not None and rank_of(distances, f"f:0:{sound}") == 1
    silent = colour_song(1, 1).pictures["piano"].cut(10_000, 128)
    assert description(silent) is None and judge.of([silent]) is None


def test_loudness_does_not_matter() -> None:
    window = windows_of(colour_song(3, 2), "piano")[0]
    softer = type(window)((window.mel * 1.0 - 9).clip(0).astype(np.uint8), window.pitch)
    a, b = description(window), description(softer)
    assert a is not None and b is not None and np.abs(a - b).max() < 0.1 * np.abs(a).max()


def test_references_come_from_songs_the_judge_was_not_taught() -> None:
    train = [colour_song(10 * sound + number, sound) for sound in range(4) for number in range(3)]
    test = [colour_song(500, 2), colour_song(501, 77)]
    made = bench("piano", {"train": train, "test": test}, 16)
    assert made is not None
    by_name = {reference.sound: reference for reference in made.references}
    assert set(by_name) == {f"f:0:{sound}" for sound in range(4)}, "a sound without training songs is not asked for"
    assert by_name["f:0:2"].split == "test" and by_name["f:0:0"].split == "train"
    assert made.references[0].sound == "f:0:2", "what was never heard before goes first"
    assert bench("piano", {"train": train[:3]}, 16) is None


def planted_verdict(performed: int) -> dict:
    names = [f"s{number}" for number in range(8)]
    judge = learn({name: [np.eye(8)[at], np.eye(8)[at] + 0.01] for at, name in enumerate(names)})
    window = colour_song(1, 1).pictures["piano"]
    made = {"piano": Bench(judge, [Reference("piano", name, "train", "song", 0, window) for name in names])}

    def ranked(name: str, place: int) -> dict[str, float]:
        others = [other for other in names if other != name]
        return dict(zip([*others[: place - 1], name, *others[place - 1 :]], range(8), strict=True))

    rows = {"truth": 1, "codec": 1, "performed": performed, "dropped": 5}
    heard = {row: {("piano", name): [ranked(name, place)] for name in names} for row, place in rows.items()}
    return verdict(heard, made).plain()


def test_the_verdict_asks_for_more_than_controls_and_chance() -> None:
    good = planted_verdict(2)
    assert good["valid"] and good["pass"] and good["ladder"]["performed"]["mrr"] == 0.5
    assert good["figures"]["performed"]["median_rank"] == 2 and good["ladder"]["truth"]["mrr"] == 1
    poor = planted_verdict(8)
    assert poor["valid"] and not poor["pass"]
