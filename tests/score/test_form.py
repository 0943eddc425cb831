"""The form of what is composed: sections, and which bars are to be like which."""

from fractions import Fraction

import pytest

from harmonicflow.core.tempo import Selection
from harmonicflow.score.arrange import ComposeRequest
from harmonicflow.score.form import Form, form_of
from harmonicflow.score.score import Score, Section
from harmonicflow.score.steering import Steering


def form(bars: int = 24, size: int = 8, names: tuple[str, ...] = ("verse 1", "Chorus", "verse 2")) -> Form:
    sections = tuple(Section(Fraction(4 * size * n), Fraction(4 * size), name) for n, name in enumerate(names))
    selection = Selection.from_bars(bars, "120", "4/4", 44100)
    return form_of(ComposeRequest(selection, known=Score(sections=sections), seed=5), Steering())


def recalled(whole: Form, number: int, there: set[int], distant: bool = False) -> tuple[int, float] | None:
    found = whole.recalled(whole.bars[number], "piano", lambda bar: bar.number in there, distant)
    return None if found is None else (found[0].number, found[1])


def test_bars_know_their_place() -> None:
    bars = form().bars
    assert [(bar.section, bar.appearance, bar.offset, bar.last) for bar in bars[6:10]] == [
        ("verse", 0, 6, False), ("verse", 0, 7, True), ("chorus", 1, 0, False), ("chorus", 1, 1, False),
    ]  # fmt: skip
    assert bars[16].section == "verse" and bars[16].appearance == 2 and bars[3].cells == (12, 16)
    assert all(0 <= bar.energy <= 1 and bar.start <= bar.fill <= bar.end for bar in bars)


def test_what_a_bar_recalls() -> None:
    whole, all_before = form(), set(range(24))
    assert recalled(whole, 0, set()) is None
    assert recalled(whole, 2, {0}) == (0, pytest.approx(0.375, abs=0.176))  # the section's first bar
    assert recalled(whole, 5, set(range(5)))[0] == 1  # type: ignore[index]  # four bars ago
    assert recalled(whole, 8, set(range(8))) is None  # a new section
    assert recalled(whole, 18, set(range(18)))[0] == 2  # type: ignore[index]  # its place in the first verse
    assert recalled(whole, 2, all_before - {2}, distant=True)[0] == 18  # type: ignore[index]  # a hole hears what follows


def test_ends_of_phrases_and_sections_vary_most() -> None:
    whole = form()

    def mean(offsets: tuple[int, ...]) -> float:
        found = [whole.likeness(whole.bars[16 + offset], part, 0.7, 0.9) for offset in offsets for part in "abcdefgh"]
        return sum(found) / len(found)

    assert mean((0, 1, 2, 4, 5, 6)) > mean((3,)) + 0.1 > mean((7,)) + 0.2
    draws = {whole.likeness(whole.bars[16], part, 0.7, 0.9) for part in "abcdefgh"}
    assert len(draws) == 8 and all(0.7 <= draw <= 0.9 for draw in draws)


def test_an_invented_form_has_returning_sections() -> None:
    selection = Selection.from_bars(64, "120", "4/4", 44100)
    whole = form_of(ComposeRequest(selection, genre="pop", seed=3), Steering())
    by_name: dict[str, set[int]] = {}
    for bar in whole.bars:
        by_name.setdefault(bar.section, set()).add(bar.appearance)
    assert len(by_name) >= 3 and any(len(appearances) > 1 for appearances in by_name.values())
    assert len(whole.chords) >= 64 / 2 and whole.chords[-1].end == 256


def test_an_energy_curve_is_taken_as_it_is() -> None:
    selection = Selection.from_bars(8, "120", "4/4", 44100)
    whole = form_of(ComposeRequest(selection, seed=3), Steering(energy=(0.0, 0.8)))
    assert [bar.energy for bar in whole.bars] == [pytest.approx(0.8 * (number + 0.5) / 8) for number in range(8)]
    assert whole.energy()[0] == pytest.approx(0.05) and len(whole.energy()) == 32
