"""How progressions and forms go on where nobody says: planted ones come round, at the right bar."""

from fractions import Fraction

import pytest

from harmonicflow.core.tempo import Selection
from harmonicflow.score.chords import ChordSpan, chords_over, clip_spans
from harmonicflow.score.grid import bar_lines
from harmonicflow.score.onward import chords_onward, sections_onward
from harmonicflow.score.score import Section


def onward(text: str, bars: int, more: int, meter: str = "4/4") -> tuple[ChordSpan, ...]:
    """The chords of `more` bars after `bars` bars of a progression."""
    whole = Selection.from_bars(bars + more, 120, meter, 44_100)
    lines = bar_lines(whole)
    seam = lines[bars][0]
    heard = clip_spans(chords_over(text, whole), Fraction(0), seam)
    return chords_onward(heard, lines[:bars], seam, lines[bars:])


def names(spans: tuple[ChordSpan, ...]) -> list[str]:
    return [span.chord.name for span in spans]


@pytest.mark.parametrize(
    ("text", "bars", "expected"),
    [
        ("Am | F | C | G", 4, "Am F C G Am"),
        ("Am | F | C | G", 6, "C G Am F C"),  # two bars into the second round
        ("Am | F | C | G", 5, "F C G Am F"),
        ("Am | F", 4, "Am F Am F Am"),
        ("C", 3, "C C C C C"),
        ("Am | F | C | Am", 4, "Am F C Am Am"),  # one chord heard again is no round of three bars
        ("Dm7 G7 | Cmaj7", 2, "Dm7 G7 Cmaj7 Dm7 G7 Cmaj7 Dm7 G7"),
        ("Am | N.C. | F", 3, "Am F Am"),
    ],
)
def test_a_progression_goes_round(text: str, bars: int, expected: str) -> None:
    assert names(onward(text, bars, 5)) == expected.split()


@pytest.mark.parametrize("meter", ["4/4", "7/8", "5/4"])
def test_it_goes_on_as_if_it_had_been_asked_for_all_bars(meter: str) -> None:
    whole = Selection.from_bars(12, 120, meter, 44_100)
    seam = bar_lines(whole)[8][0]
    for text in ("Am | F | C | G", "Em9 | A7 D7", "C/E | % | F . . G | C"):
        full = chords_over(text, whole)
        assert onward(text, 8, 4, meter) == clip_spans(full, seam, whole.beats)


def test_a_cut_bar_is_filled_from_the_round_and_bars_of_other_lengths_fit() -> None:
    whole = Selection.from_bars(6, 120, "4/4", 44_100)
    lines, end = bar_lines(whole), Fraction(18)  # the fifth bar is cut in its middle
    heard = clip_spans(chords_over("Am | F | C | G E", whole), Fraction(0), end)
    spans = chords_onward(heard, lines[:5], end, lines[4:])
    assert [(span.start, span.end, span.chord.name) for span in spans] == [(18, 20, "Am"), (20, 24, "F")]
    short = [(Fraction(20), Fraction(23)), (Fraction(23), Fraction(28))]  # bars of 3/4 and 5/4 after four of 4/4
    spans = chords_onward(chords_over("Am | F | C | G E", Selection.from_bars(4, 120, "4/4", 44_100)), lines[:4],
                          Fraction(16), [(Fraction(16), Fraction(20)), *short])  # fmt: skip
    assert [(span.start, span.end, span.chord.name) for span in spans] == [(16, 20, "Am"), (20, 23, "F"), (23, 28, "C")]


def test_one_cut_bar_holds_its_chord_and_nothing_stays_nothing() -> None:
    chord = chords_over("Em9", Selection.from_bars(1, 120, "4/4", 44_100))
    lines = [(Fraction(0), Fraction(4)), (Fraction(4), Fraction(8))]
    held = chords_onward(clip_spans(chord, Fraction(0), Fraction(3)), lines[:1], Fraction(3), lines)
    assert [(span.start, span.end, span.chord.name) for span in held] == [(3, 8, "Em9")]
    assert chords_onward((), lines[:1], Fraction(4), lines[1:]) == ()


def test_sections_last_eight_bars_then_the_next_begins() -> None:
    lines = [(Fraction(4 * bar), Fraction(4 * bar + 4)) for bar in range(30)]

    def on(name: str, start: int, bars: int, more: int) -> list[tuple[str, int, int]]:
        sections = (Section(Fraction(0), Fraction(4 * start), "intro"),) if start else ()
        sections += (Section(Fraction(4 * start), Fraction(4 * (bars - start)), name),)
        found = sections_onward(sections, lines[:bars], lines[bars][0], lines[bars : bars + more])
        return [(each.name, int(each.start / 4), int(each.end / 4)) for each in found]

    assert on("A", 0, 4, 4) == [("A", 0, 8)]
    assert on("A", 0, 8, 4) == [("A", 0, 8), ("B", 8, 12)]
    assert on("verse", 4, 8, 16) == [("intro", 0, 4), ("verse", 4, 12), ("chorus", 12, 20), ("verse", 20, 24)]
    assert on("outro", 0, 8, 2) == [("outro", 0, 10)]
    assert sections_onward((), lines[:4], Fraction(16), lines[4:8]) == ()
