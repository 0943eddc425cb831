"""Chord names and progressions, against notes spelled out by hand and every spelling of the same chord."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.tempo import MeterMap, Selection
from harmonicflow.score.chords import (
    MINOR_NAMES,
    NOTE_NAMES,
    Chord,
    chords_over,
    parse_chord,
    parse_progression,
    pitch_class,
)
from harmonicflow.score.qualities import QUALITIES

# Notes from a textbook, not from the table under test.
SPELLED = {
    "C": "C E G", "Am": "A C E", "F#m7b5/A": "F# A C E", "D7/F#": "D F# A C", "Gmaj7": "G B D F#", "Em9": "E G B D F#",
    "Bb13": "Bb D F Ab C G", "A7b9": "A C# E G Bb", "C7#9": "C E G Bb D#", "Fsus4": "F Bb C", "Dsus2": "D E A",
    "G7sus4": "G C D F", "Bdim7": "B D F Ab", "Caug": "C E G#", "E5": "E B", "Dm(maj7)": "D F A C#", "Eb6": "Eb G Bb C",
    "Ab6/9": "Ab C Eb F Bb", "C/Bb": "C E G Bb", "Cadd9": "C E G D", "B7#5": "B D# Fx A", "Gm11": "G Bb D F A C",
    "C7alt": "C E G# Bb D#", "Fmaj7#11": "F A C E B", "A:min7/b7": "A C E G", "D:sus4(b7,9)": "D G A C E",
    "E:hdim7": "E G Bb D", "C:maj/3": "C E G", "G7(b9,b13)": "G B D F Ab Eb", "Cb": "B D# F#", "C7no5": "C E Bb",
}  # fmt: skip

SAME = [
    ("Cmaj7", "CM7", "Cma7", "CΔ", "CΔ7", "C^7", "Cj7", "C:maj7"),
    ("Am7", "A-7", "Amin7", "Ami7", "am7", "A−7", "A:min7"),
    ("Bm7b5", "Bø", "Bø7", "B-7b5", "Bm7(b5)", "Bhdim7", "Bm7♭5"),
    ("F#dim7", "F♯o7", "F#°7", "Gbdim7", "F#:dim7"),
    ("C7#9", "C7(#9)", "C7+9", "C7♯9", "C:7(#9)"),
    ("Esus4", "Esus", "E4", "E:sus4"),
    ("G+7", "Gaug7", "G7#5", "G7+5", "G7(#5)"),
    ("Dm9", "D-9", "Dmin9", "Dm7(9)", "D:min9"),
]

REFUSED = [
    "H#9",
    "",
    "h",
    "C7h8",
    "Cmaj77",
    "C/H",
    "Czz",
    "C7(",
    "C)7(",
    "1",
    "Am7/",
    "C##b",
    "no",
    "C7b",
    "Cadd",
    "C" * 90,
]


def notes(text: str) -> frozenset[int]:
    return frozenset(pitch_class(name[0], name[1:].replace("x", "##")) for name in text.split())


@pytest.mark.parametrize(("name", "spelled"), SPELLED.items())
def test_notes_are_those_of_a_textbook(name: str, spelled: str) -> None:
    assert parse_chord(name).pitch_classes == notes(spelled)


@pytest.mark.parametrize("spellings", SAME)
def test_one_chord_in_many_spellings(spellings: tuple[str, ...]) -> None:
    assert len({parse_chord(spelling) for spelling in spellings}) == 1


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_chord_is_refused_by_name(name: str) -> None:
    with pytest.raises(HarmonicFlowError) as caught:
        parse_chord(name)
    assert caught.value.code == "bad_chord"
    assert name[:70] in str(caught.value)


ALTERATIONS = st.lists(
    st.sampled_from(["b5", "#5", "b9", "#9", "#11", "b13", "add9", "add11", "no5", "maj7"]), max_size=3
)
CHORDS = st.builds(
    Chord, st.integers(0, 11), st.sampled_from([row[0] for row in QUALITIES]), st.none() | st.integers(0, 11)
)


@given(CHORDS)
def test_a_chord_reads_back_from_its_name(chord: Chord) -> None:
    assert parse_chord(chord.name) == chord


@given(st.sampled_from(NOTE_NAMES + MINOR_NAMES), st.sampled_from([row[0] for row in QUALITIES]), ALTERATIONS)
def test_altered_chords_read_back_too(root: str, quality: str, alterations: list[str]) -> None:
    text = root + quality + (f"({','.join(alterations)})" if alterations else "")
    chord = parse_chord(text)
    assert parse_chord(chord.name) == chord
    assert {tone % 12 for tone in chord.intervals} == {(tone - chord.root) % 12 for tone in chord.pitch_classes}


@given(CHORDS, st.integers(0, 11))
def test_transposing_moves_every_note(chord: Chord, steps: int) -> None:
    assert chord.transposed(steps).pitch_classes == {(tone + steps) % 12 for tone in chord.pitch_classes}
    assert chord.transposed(steps).transposed(-steps) == chord


BAR = st.lists(CHORDS, min_size=1, max_size=4)
SEPARATORS = st.sampled_from(["|", " | ", "| ", " ||", "\n", " |\n"])


@settings(max_examples=50)
@given(
    st.lists(BAR, min_size=1, max_size=5),
    SEPARATORS,
    st.sampled_from([" ", ", ", "  "]),
    st.booleans(),
    st.integers(1, 9),
)
def test_any_progression_spelled_any_way(
    bars: list[list[Chord]], separator: str, space: str, framed: bool, wanted: int
) -> None:
    text = separator.join(space.join(chord.name for chord in bar) for bar in bars)
    spans = parse_progression(f"| {text} |" if framed else text, MeterMap.constant("7/8"), wanted)
    beats = Fraction(7, 2)
    at = {span.start: span for span in spans}
    assert sum(span.duration for span in spans) == wanted * beats
    for number in range(wanted):
        bar = bars[number % len(bars)]
        for place, chord in enumerate(bar):
            start = number * beats + place * beats / len(bar)
            sounding = max((span for span in spans if span.start <= start), key=lambda span: span.start)
            assert sounding.chord == chord
            assert start in at or (place > 0 and bar[place - 1] == chord)


def test_repeats_holds_and_silence() -> None:
    spans = parse_progression("| Am / / G | % | | N.C. F |", MeterMap.constant("4/4"), 4)
    assert [(str(span.start), str(span.duration), span.chord.name) for span in spans] == [
        ("0", "3", "Am"), ("3", "1", "G"), ("4", "3", "Am"), ("7", "1", "G"), ("8", "3", "Am"), ("11", "1", "G"),
        ("14", "2", "F"),
    ]  # fmt: skip


def test_a_meter_change_moves_the_bars() -> None:
    spans = parse_progression(
        "C | F", MeterMap([(1, MeterMap.constant("3/4").meter(1)), (2, MeterMap.constant("7/8").meter(1))]), 3
    )
    assert [span.start for span in spans] == [0, 3, Fraction(13, 2)]


@pytest.mark.parametrize(
    ("text", "chord", "place"),
    [
        ("Am7 | D7/F# H#9 | G", "H#9", "bar 2, chord 2"),
        ("H#9", "H#9", "bar 1, chord 1"),
        ("C\nF\nQ", "Q", "bar 3, chord 1"),
        ("% | C", "%", "bar 1 has nothing before it"),
        ("", "", "empty"),
        (" | | ", "", "empty"),
        (" ".join(["C"] * 17), "C", "bar 1 holds 17 chords"),
        ("C " * 20_000, "C C", "longer than 20000"),
    ],
)
def test_a_wrong_chord_is_named_with_its_place(text: str, chord: str, place: str) -> None:
    with pytest.raises(HarmonicFlowError) as caught:
        parse_progression(text, MeterMap.constant("4/4"), 4)
    assert caught.value.code == "bad_chord"
    assert chord in str(caught.value) and place in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        spans = parse_progression(text, MeterMap.constant("4/4"), 2)
    except HarmonicFlowError as error:
        assert error.code == "bad_chord"
    else:
        assert all(0 <= span.start < span.end <= 8 for span in spans)


def test_over_a_selection_that_starts_inside_a_bar() -> None:
    selection = Selection.from_seconds(0, 3, 48_000, 60, "4/4", start_beat=3)
    spans = chords_over("Am | F", selection)
    assert [(span.start, span.end, span.chord.name) for span in spans] == [(0, 1, "Am"), (1, 3, "F")]
