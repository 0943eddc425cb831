"""Takes are asked for by a genre's name, in words: does the judge of genres hear the genre that was asked for?

The whole path is asked: words, arranger, performer. Rows: the prompt in several wordings, the genre named in its own
field, no words at all, and true songs. The control is a take of another genre: how often it is named as this one.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from harmonicflow.core.constants import HEARD_GENRES

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
ARRANGED: Final = "among_arranged"  # a row whose genres are the first arranger had a style for, chosen among alone
GATE: Final = "the genre asked for is named at least 5 times as often as chance"

Said = dict[str, dict[str, list[str | None]]]  # row -> genre asked for -> what the judge called each take


def genre_trial(
    judge: Genre, truth: list[Heard], checked: list[Heard], player: Player, takes: int, bars: int, report: Report
) -> Verdict:
    """The verdict on takes from words; `truth`: true songs of the split judged, `checked`: of validation."""
    arranged = tuple(genre for genre in judge.genres if genre in HEARD_GENRES)
    said: Said = {}

    def note(row: str, asked: str, seed: int, **words: str) -> None:
        windows = windows_of(mixed(player.take(bars, seed, **words).values()))
        said.setdefault(row, {}).setdefault(asked, []).append(judge.named(windows))
        if asked in arranged:
            said.setdefault(f"{row}_{ARRANGED}", {}).setdefault(asked, []).append(judge.named(windows, arranged))

    for turn in range(takes):
        note("no_words", "", turn)
        for genre in judge.genres:
            for place, wording in enumerate(WORDINGS):
                note("prompt", genre, 100 * turn + place, prompt=wording.format(genre=genre))
            note("field", genre, 100 * turn, genre=genre)
            report(f"genre: {genre}, turn {turn + 1} of {takes}")
    true = {"": truth, "validation_": checked}
    found = {f"{name}truth": recalls(judge, songs) for name, songs in true.items()}
    found |= {f"{name}truth_{ARRANGED}": recalls(judge, songs, arranged) for name, songs in true.items()}
    return verdict(judge.genres, said, found)


def verdict(genres: Sequence[str], said: Said, truth: dict[str, dict[str, float]]) -> Verdict:
    """Shares of takes named as asked, every genre weighing the same, beside chance and true songs.

    Chance is one over the number of genres the judge chooses from. Where that is above one fifth nothing can be named
    five times as often, which is then said.
    """
    rows = {row: figures(by_genre) for row, by_genre in said.items() if row != "no_words"}
    prompt, chance = rows["prompt"], 1 / len(genres)
    named = {row: float(np.mean(list(by_genre.values()))) if by_genre else 0.0 for row, by_genre in truth.items()}
    ceiling, validation = named["truth"], named["validation_truth"]
    silent = [name for names in said.get("no_words", {}).values() for name in names]
    notes = [f"no words at all: heard as {', '.join(map(str, silent))}"]
    if chance * TIMES_CHANCE > 1:
        notes.append(f"{len(genres)} genres: at most {1 / chance:.0f} times chance is possible")
    if ceiling < TIMES_CHANCE * chance:
        notes.append(f"true songs are named {ceiling / chance:.1f} times as often as chance: the judge's own ceiling")
    return Verdict(
        figures=rows | {"share_of_truth": prompt["named"] / max(ceiling, 1e-9)},
        ladder={"chance": chance, "truth_times_chance": ceiling / chance, "named": named, "by_genre": truth,
                "control_named": prompt["named_when_another_was_asked"]},
        valid=min(ceiling, validation) >= CLEAR * chance,
        gate=GATE,
        met=prompt["named"] >= TIMES_CHANCE * chance,
        notes=notes,
    )  # fmt: skip


def figures(by_genre: dict[str, list[str | None]]) -> dict[str, Any]:
    """Of the answers to what was asked, by genre."""
    right = {genre: float(np.mean([name == genre for name in names])) for genre, names in by_genre.items()}
    wrong = [name == genre for genre in by_genre for other in by_genre if other != genre for name in by_genre[other]]
    named = float(np.mean(list(right.values())))
    return {
        "named": named, "times_chance": named * len(by_genre), "by_genre": right,
        "named_when_another_was_asked": float(np.mean(wrong)) if wrong else 0.0,
        "heard_as": {genre: dict(Counter(map(str, names))) for genre, names in by_genre.items()},
    }  # fmt: skip
