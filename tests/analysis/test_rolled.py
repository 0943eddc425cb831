"""A rolled chord is one chord; chords that follow each other stay two."""

from __future__ import annotations

import numpy as np
import pytest

from harmonicflow.analysis.harmony import estimate_harmony
from harmonicflow.analysis.rolled import rolled
from harmonicflow.core.tempo import Selection
from harmonicflow.score.chord_search import FoundChord
from harmonicflow.score.chords import parse_chord

RATE = 44100
EDGES_S = np.arange(0, 9) * 0.75


def found(*rows: tuple[int, int, str]) -> list[FoundChord]:
    return [FoundChord(first, last, parse_chord(name) if name else None, 0.5) for first, last, name in rows]


def sounding(*pitch_classes: int) -> np.ndarray:
    """Every beat holds these pitch classes, alike loud."""
    row = np.zeros(12)
    row[list(pitch_classes)] = 1
    return np.repeat(row[None], len(EDGES_S) - 1, axis=0)


def names(chords: list[FoundChord]) -> list[str]:
    return [one.chord.name if one.chord else "N" for one in chords]


def test_what_sounds_on_belongs_to_the_chord() -> None:
    heard = rolled(found((0, 2, "Bm"), (2, 7, "Em"), (7, 8, "")), sounding(4, 7, 11, 2, 6), EDGES_S)
    assert names(heard) == ["Em9", "N"] and (heard[0].first, heard[0].last) == (0, 7)


@pytest.mark.parametrize(
    ("chords", "heard"),
    [
        (((0, 2, "Bm"), (2, 8, "Em")), (4, 7, 11)),  # D and F# were damped
        (((0, 4, "Bm"), (4, 8, "Em")), (4, 7, 11, 2, 6)),  # three seconds: a chord of its own
        (((0, 2, "Bm"), (2, 4, "Em"), (4, 8, "Am")), (4, 7, 11, 2, 6)),  # music goes on
        (((0, 2, "Bm"), (2, 3, ""), (3, 8, "Em")), (4, 7, 11, 2, 6)),  # a rest between
        (((0, 2, "Bb"), (2, 8, "Em")), tuple(range(12))),  # nobody names that
        (((0, 8, "Em"),), (4, 7, 11)),
    ],
)
def test_all_else_is_left_as_it_is(chords: tuple[tuple[int, int, str], ...], heard: tuple[int, ...]) -> None:
    given = found(*chords)
    assert rolled(given, sounding(*heard), EDGES_S) == given


@pytest.mark.parametrize(("name", "pitches"), [("Em9", (71, 66, 62, 55, 40))])
def test_a_slow_roll_from_the_top_is_named_whole(name: str, pitches: tuple[int, ...]) -> None:
    selection = Selection.from_bars(2, 80, "4/4", RATE)
    t = np.arange(selection.frames) / RATE
    sound = np.zeros(selection.frames)
    for place, pitch in enumerate(pitches):
        since = t - 0.3 * place
        hz = 440 * 2 ** ((pitch - 69) / 12)
        tone = sum(np.sin(2 * np.pi * hz * k * since) / k**1.5 for k in range(1, 8))
        sound += 0.1 * np.where(since > 0, tone * np.exp(-0.35 * since), 0)
    assert {span.chord.name for span in estimate_harmony(sound.astype(np.float32), RATE, selection).chords} == {name}
