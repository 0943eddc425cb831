"""Swing and grooves given to notes after they are written."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from harmonicflow.score.groove import Groove, swung
from harmonicflow.score.score import Note

BEATS = tuple(Fraction(beat) for beat in range(16))


def notes_at(*places: str) -> list[Note]:
    return [Note("piano", Fraction(place), Fraction(1, 4), 60, 80) for place in places]


def starts(notes: tuple[Note, ...]) -> list[Fraction]:
    return [note.start for note in notes]


def test_straight_eighths_become_triplets_and_back() -> None:
    straight = notes_at("0", "1/2", "1", "3/2")
    shuffled = swung(straight, 1.0, BEATS)
    assert starts(shuffled) == [Fraction(place) for place in ("0", "2/3", "1", "5/3")]
    assert starts(swung(shuffled, 0.0, BEATS)) == starts(tuple(straight))
    assert starts(swung(straight, 0.5, BEATS))[1] == Fraction(7, 12)


def test_sixteenths_go_along_and_triplets_stay() -> None:
    assert starts(swung(notes_at("0", "1/4", "1/2", "3/4"), 1.0, BEATS)) == [
        Fraction(place) for place in ("0", "1/3", "2/3", "5/6")
    ]
    triplets = notes_at("0", "1/3", "2/3")
    assert starts(swung(triplets, 0.0, BEATS)) == starts(tuple(triplets))


@given(st.lists(st.integers(0, 191), max_size=40, unique=True), st.floats(0, 1))
def test_order_and_beats_are_kept(places: list[int], swing: float) -> None:
    notes = [Note("piano", Fraction(place, 12), Fraction(1, 4), 60, 80) for place in sorted(places)]
    moved = swung(notes, swing, BEATS)
    assert [note.start // 1 for note in moved] == [note.start // 1 for note in notes]
    assert starts(moved) == sorted(starts(moved)) and len(set(starts(moved))) == len(notes)
    assert all(two.start == one.start for one, two in zip(notes, moved, strict=True) if one.start % 1 == 0)


def test_a_groove_is_measured_and_given() -> None:
    """A drummer 12 ms late on the second and fourth beats, which are 20 louder than the first and third."""
    lines = [Fraction(4 * bar) for bar in range(4)]
    drums = [
        Note("drums", Fraction(beat), Fraction(1, 4), 38, 70 + 20 * (beat % 2), 0.012 * (beat % 2))
        for beat in range(16)
    ]  # fmt: skip
    groove = Groove.of(drums, lines)
    assert groove.late_s["drums"][1, 0] == 0.012 and groove.accent["drums"][0, 0] == -10
    played = groove.given_to([Note("bass", Fraction(beat), Fraction(1), 40, 80) for beat in range(4)], lines)
    assert [note.shift_s for note in played] == [0, 0.012, 0, 0.012]
    assert [note.velocity for note in played] == [73, 87, 73, 87]
    silent = groove.given_to([Note("bass", Fraction(1, 3), Fraction(1), 40, 80)], lines)
    assert silent[0].shift_s == 0 and silent[0].velocity == 80  # nothing was said about this place
