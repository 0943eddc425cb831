"""Emotions: targets move one way over a sweep, in the direction of the literature, and tempi stay in their genre."""

from itertools import pairwise

import pytest

from harmonicflow.analysis.vocabulary import MOODS
from harmonicflow.core.constants import GENRES
from harmonicflow.score.emotion import LINES, TEMPI, Targets, preferred_bpm

SWEEP = [step / 8 for step in range(-8, 9)]


@pytest.mark.parametrize("name", ["tempo", "density", "register", "loudness", "energy"])
def test_arousal_raises_and_shortens(name: str) -> None:
    values = [getattr(Targets.of((0.0, arousal)), name) for arousal in SWEEP]
    assert all(a < b for a, b in pairwise(values))
    lengths = [Targets.of((0.0, arousal)).articulation for arousal in SWEEP]
    assert all(a > b for a, b in pairwise(lengths))


def test_valence_brightens() -> None:
    modes = [Targets.of((valence, 0.3)).mode for valence in SWEEP]
    assert modes == sorted(modes, reverse=True) and set(modes) == {"major", "minor"}  # minor, then major
    for name, rises in (("register", True), ("tempo", True), ("complexity", False)):
        values = [getattr(Targets.of((valence, 0.0)), name) for valence in SWEEP]
        assert values == sorted(values, reverse=not rises) and values[0] != values[-1]


def test_nothing_is_moved_without_an_emotion() -> None:
    rest = Targets.of(None)
    assert (rest.tempo, rest.density, rest.complexity, rest.register, rest.loudness) == (1, 0, 0, 0, 0)
    assert rest.articulation == 1 and rest == Targets.of((0.0, 0.0))
    assert all(line.source for line in LINES.values())


@pytest.mark.parametrize("genre", GENRES)
def test_tempi_rise_inside_the_genres_range(genre: str) -> None:
    slowest, usual, fastest = TEMPI[genre]
    assert preferred_bpm(genre) == usual
    for tempi in (
        [preferred_bpm(genre, (0.0, arousal)) for arousal in SWEEP],
        [preferred_bpm(genre, (valence, 0.5)) for valence in SWEEP],
    ):
        assert all(a < b for a, b in pairwise(tempi))
        assert slowest < tempi[0] and tempi[-1] < fastest


def test_named_moods_lie_where_people_put_them() -> None:
    """Calm is slower, softer and sparser than excited; sad is minor, happy is major."""
    calm, excited = (Targets.of(MOODS[name][:2]) for name in ("calm", "excited"))
    assert calm.tempo < 1 < excited.tempo and calm.loudness < 0 < excited.loudness and calm.density < excited.density
    assert Targets.of(MOODS["melancholic"][:2]).mode == "minor" and Targets.of(MOODS["happy"][:2]).mode == "major"
