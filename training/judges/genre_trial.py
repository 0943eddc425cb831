"""Takes are asked for by a genre's name, in words: does the judge of genres hear the genre that was asked for?

The whole path is asked: words, arranger, performer. Rows: the prompt in several wordings, the genre named in its own
field, no words at all, and true songs. The control is a take of another genre: how often it is named as this one.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from harmonicflow.core.constants import ARRANGED_GENRES

from .genre import Genre, mixed, recalls, windows_of
from .options import Verdict
from .player import Player
from .songs import Heard
from .tower import Report

WORDINGS: Final = (
    "{genre}", "a {genre} groove for a small band", "something that sounds like {genre}, please",
    "we need a {genre} backing track with bass, drums, guitar and piano",
)  # fmt: skip
TIMES_CHANCE: Final = 5.0
CLEAR: Final = 1.5  # times chance that true songs must be named rightly
GATE: Final = "the genre asked for is named at least 5 times as often as chance"


def genre_trial(
    judge: Genre, truth: list[Heard], checked: list[Heard], player: Player, takes: int, bars: int, report: Report
) -> Verdict:
    """The verdict on takes from words; `truth`: true songs of the split judged, `checked`: of validation."""
    asked = [genre for genre in judge.genres if genre in ARRANGED_GENRES]
    said: dict[str, dict[str, list[str | None]]] = {"prompt": {}, "field": {}}
    silent: list[str | None] = []
    for turn in range(takes):
        silent.append(named(judge, player, bars, turn))
        for genre in judge.genres:
            for place, wording in enumerate(WORDINGS):
                take = named(judge, player, bars, 100 * turn + place, prompt=wording.format(genre=genre))
                said["prompt"].setdefault(genre, []).append(take)
            said["field"].setdefault(genre, []).append(named(judge, player, bars, 100 * turn, genre=genre))
            report(f"genre: {genre}, turn {turn + 1} of {takes}")
    return verdict(judge.genres, asked, said, silent, recalls(judge, truth), recalls(judge, checked))


def named(
    judge: Genre, player: Player, bars: int, seed: int, prompt: str = "", genre: str | None = None
) -> str | None:
    """What the judge calls a take."""
    return judge.named(windows_of(mixed(player.take(bars, seed, prompt, genre).values())))


def verdict(
    genres: Sequence[str], asked: Sequence[str], said: dict[str, dict[str, list[str | None]]],
    silent: Sequence[str | None], truth: dict[str, float], checked: dict[str, float],
) -> Verdict:  # fmt: skip
    """Shares of takes named as asked, every genre weighing the same, beside chance and true songs.

    Chance is one over the number of genres the judge tells apart. Where that is above one fifth nothing can be named
    five times as often, which is then said.
    """
    chance = 1 / len(genres)
    rows: dict[str, Any] = {}
    for row, by_genre in said.items():
        right = {genre: float(np.mean([name == genre for name in by_genre[genre]])) for genre in genres}
        wrong = [name == genre for genre in genres for other in genres if other != genre for name in by_genre[other]]
        share = float(np.mean(list(right.values())))
        arranged = float(np.mean([right[genre] for genre in asked])) if asked else 0.0
        rows[row] = {
            "named": share, "times_chance": share / chance, "named_of_arranged": arranged,
            "named_when_another_was_asked": float(np.mean(wrong)), "by_genre": right,
            "heard_as": {genre: {name: by_genre[genre].count(name) for name in genres} for genre in genres},
        }  # fmt: skip
    ceiling = float(np.mean(list(truth.values()))) if truth else 0.0
    validation = float(np.mean(list(checked.values()))) if checked else 0.0
    prompt = rows["prompt"]
    notes = [f"no words at all: heard as {', '.join(map(str, silent))}"]
    if chance * TIMES_CHANCE > 1:
        notes.append(f"{len(genres)} genres: at most {1 / chance:.0f} times chance is possible")
    if ceiling < TIMES_CHANCE * chance:
        notes.append(f"true songs are named {ceiling / chance:.1f} times as often as chance: the judge's own ceiling")
    return Verdict(
        figures=rows | {"share_of_truth": prompt["named"] / max(ceiling, 1e-9)},
        ladder={"chance": chance, "truth": truth, "truth_named": ceiling, "truth_times_chance": ceiling / chance,
                "validation": checked, "validation_named": validation,
                "control_named": prompt["named_when_another_was_asked"]},
        valid=min(ceiling, validation) >= CLEAR * chance,
        gate=GATE,
        met=prompt["named"] >= TIMES_CHANCE * chance,
        notes=notes,
    )  # fmt: skip
