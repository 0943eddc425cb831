"""What the players stand on: pulses in any meter, draws that depend on nothing else, shapes a hand can hold."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonicflow.core.tempo import Meter
from harmonicflow.score.chords import Chord, parse_chord
from harmonicflow.score.dice import Dice
from harmonicflow.score.fretboard import SPAN, TUNING, shapes
from harmonicflow.score.heard import swing_heard
from harmonicflow.score.pulses import Feel, pulses_of, swing_of
from harmonicflow.score.qualities import QUALITIES
from harmonicflow.score.voicing import closed, lead, travel

METERS = st.builds(Meter, st.integers(1, 32), st.sampled_from([1, 2, 4, 8, 16, 32]))


@given(METERS, st.integers(1, 9), st.floats(20, 400), st.sampled_from([(62.0, 210.0), (54.0, 134.0), (84.0, 300.0)]))
def test_pulses_fill_their_bar(meter: Meter, number: int, bpm: float, window: tuple[float, float]) -> None:
    pulses = pulses_of(meter, Fraction(7), number, bpm, window)
    assert pulses[0].start == 7 and pulses[-1].end == 7 + meter.beats
    for before, after in itertools.pairwise(pulses):
        assert before.end == after.start
    for pulse in pulses:
        assert 0 < pulse.length <= pulse.unit and 0 <= pulse.slot < pulse.size
        steps = [offset for step in range(4) if (offset := Feel().offset(pulse, step)) is not None]
        assert steps[0] == 0 and steps == sorted(steps) and steps[-1] < pulse.length


@pytest.mark.parametrize(
    ("meter", "bpm", "lengths", "slots"),
    [
        ("4/4", 100, "1 1 1 1", "0 1 2 3"),
        ("4/4", 300, "2 2", "0 1"),  # half-time
        ("4/4", 30, "1/2 " * 8, "0 1 2 3 0 1 2 3"),  # double-time
        ("6/8", 100, "3/2 3/2", "0 1"),
        ("12/8", 100, "3/2 3/2 3/2 3/2", "0 1 2 3"),
        ("7/8", 100, "1 1 1 1/2", "0 1 2 3"),
        ("3/4", 100, "1 1 1", "0 1 2"),
        ("3/4", 300, "3", "0"),  # one to the bar
        ("5/4", 100, "1 1 1 1 1", "0 1 2 0 1"),
    ],
)
def test_how_bars_are_felt(meter: str, bpm: float, lengths: str, slots: str) -> None:
    pulses = pulses_of(Meter.parse(meter), Fraction(0), 1, bpm, (60, 200))
    assert [pulse.length for pulse in pulses] == [Fraction(length) for length in lengths.split()]
    assert [pulse.slot for pulse in pulses] == [int(slot) for slot in slots.split()]


def test_swing_flattens_as_it_gets_faster() -> None:
    shares = [swing_of(rate, 1.0).eighths for rate in (100, 160, 220, 300)]
    assert shares == sorted(shares, reverse=True) and shares[0] >= Fraction(2, 3) and shares[-1] > Fraction(1, 2)
    assert swing_of(150, 0.0).eighths == Fraction(1, 2)


@pytest.mark.parametrize(("share", "heard"), [(0.5, Fraction(1, 2)), (0.515, Fraction(1, 2)), (2 / 3, Fraction(2, 3))])
def test_a_planted_swing_is_heard(share: float, heard: Fraction) -> None:
    pulses = pulses_of(Meter(4, 4), Fraction(0), 1, 100, (60, 200))
    strokes = [beat + offset for beat in range(4) for offset in (0.0, share, share + 0.001)]
    assert swing_heard(strokes, pulses) == heard
    assert swing_heard(strokes[:4], pulses) is None


def test_draws_depend_on_their_key_only() -> None:
    dice = Dice(7, "bass")
    first = dice.uniform("line", 3)
    assert first == pytest.approx(0.8598962550290938, abs=1e-15)  # the same on every machine
    dice.uniform("another")
    assert dice.uniform("line", 3) == first
    assert len({Dice(7, "drums").uniform("line", 3), Dice(8, "bass").uniform("line", 3), first}) == 3
    drawn = [dice.uniform(n) for n in range(4000)]
    assert sum(drawn) / 4000 == pytest.approx(0.5, abs=0.02)
    assert sum(dice.chance(0.2, n) for n in range(4000)) / 4000 == pytest.approx(0.2, abs=0.02)
    assert {dice.weighted("abc", (1, 0, 2), n) for n in range(50)} == {"a", "c"}


@pytest.mark.parametrize(
    ("name", "frets"),
    [
        ("C", "x32010"),
        ("G", "320003"),
        ("D", "xx0232"),
        ("Am", "x02210"),
        ("E", "022100"),
        ("F", "133211"),
        ("F#m", "244222"),
    ],
)
def test_the_first_shape_is_the_one_in_every_chord_book(name: str, frets: str) -> None:
    book = tuple(open_ + int(fret) for open_, fret in zip(TUNING, frets, strict=True) if fret != "x")
    assert shapes(parse_chord(name), "open")[0].pitches == book


@pytest.mark.parametrize("kind", ["open", "top", "shell", "power"])
def test_every_chord_has_shapes_a_hand_can_hold(kind: str) -> None:
    for quality, _, _ in QUALITIES:
        for root in (0, 1, 5, 8, 10):
            chord = Chord(root, quality)
            found = shapes(chord, kind)
            assert found
            for shape in found[:5]:
                frets = [fret for fret in _frets(shape.pitches) if fret]
                assert not frets or max(frets) - min(frets) <= SPAN
                if kind != "power" and quality not in ("1", "5"):
                    assert {pitch % 12 for pitch in shape.pitches} <= chord.pitch_classes


def _frets(pitches: tuple[int, ...]) -> list[int]:
    """Frets of an assignment to strings with the smallest spread."""
    options = []
    for strings in itertools.combinations(TUNING, len(pitches)):
        frets = [pitch - string for pitch, string in zip(pitches, strings, strict=True)]
        if min(frets) >= 0:
            used = [fret for fret in frets if fret]
            options.append((max(used) - min(used) if used else 0, frets))
    return min(options)[1]


def test_voices_lead_by_the_shortest_way() -> None:
    choices = [closed(tuple(sorted(parse_chord(name).pitch_classes)), 55, 80) for name in ("C", "F", "G", "C")]
    path = lead(choices, lambda place, option: 0.0, travel)
    whole = sum(travel(a, b) for a, b in itertools.pairwise(path))
    assert whole == min(sum(travel(a, b) for a, b in itertools.pairwise(line)) for line in itertools.product(*choices))
    for before, after in itertools.pairwise(path):
        assert max(abs(a - b) for a, b in zip(before, after, strict=True)) <= 4
