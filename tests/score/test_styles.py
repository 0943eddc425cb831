"""The thirteen styles: each in any meter, unlike the others, with a form and an ending, and as the musician asks."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from harmonicflow.core.constants import DEFAULT_STEMS, GENRES
from harmonicflow.core.instruments import INSTRUMENTS, drum_class
from harmonicflow.core.tempo import Meter, MeterMap, Selection
from harmonicflow.score.arrange import Arranger, ComposeRequest
from harmonicflow.score.chords import chords_over, parse_progression
from harmonicflow.score.genres import STYLES
from harmonicflow.score.harmony import default_chords
from harmonicflow.score.keys import Key
from harmonicflow.score.pulses import pulses_of
from harmonicflow.score.score import Note, Score, Section
from harmonicflow.score.sections import NAMED_FROM, invented
from harmonicflow.score.styles import Row
from harmonicflow.score.styles.style import Line, checked

CHORDS = "Am7 | Fmaj7 | C | G7"
NAMES = {"intro", "verse", "prechorus", "chorus", "bridge", "solo", "break", "outro"}


def compose(genre: str, bars: int, seed: int = 0, meter: str = "4/4", bpm: int | None = None, **more: object) -> Score:
    low, high = STYLES[genre].tempo
    selection = Selection.from_bars(bars, str(bpm or round((low * high) ** 0.5)), meter, 44_100)
    chords = chords_over(CHORDS, selection) if more.pop("planted", True) else None
    return Arranger().compose(ComposeRequest(selection, chords, genre=genre, seed=seed, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize("meter", ["4/4", "3/4", "6/8", "7/8", "5/4"])
@pytest.mark.parametrize("genre", GENRES)
def test_every_style_plays_in_every_meter(genre: str, meter: str) -> None:
    score = compose(genre, 4, meter=meter, density=0.6)
    assert score.parts == tuple(sorted(DEFAULT_STEMS))
    bar = Fraction(int(meter[0]) * 4, int(meter[2]))
    for note in score.notes:
        row = INSTRUMENTS[note.instrument]
        assert 0 <= note.start < note.end <= 4 * bar
        assert row.lowest <= note.pitch <= row.highest and 1 <= note.velocity <= 127
    for part in DEFAULT_STEMS:
        assert len({note.start // bar for note in score.part(part)}) >= 3, part  # one chord may come ahead of its bar


def features(score: Score, beats: int) -> NDArray[np.float64]:
    """Where in the bar each part and drum plays, how long its notes are and how many sound together."""
    found = []
    for part in ("bass", "guitar", "piano"):
        notes = score.part(part)
        onsets = sorted({note.start for note in notes})
        place = np.bincount([int(float(start) % 4 * 4 + 0.01) for start in onsets], minlength=16) * 4 / beats
        length = np.mean([float(note.duration) for note in notes])
        pitches = [note.pitch for note in notes]
        found += [*place, 2 * length, len(notes) / len(onsets) - 2, np.std(pitches) / 8]
    for classes in ((0,), (1, 3), (2,), (4, 5), (6,), (7, 8, 9), (10,), (11,), (12,)):
        hits = [note.start for note in score.part("drums") if drum_class(note.pitch) in classes and note.velocity > 50]
        place = np.bincount([int(float(start) % 4 * 4 + 0.01) for start in hits], minlength=16)
        found += [*(place * 4 / beats)]
    return np.array(found)


def test_styles_are_told_apart_by_where_they_play() -> None:
    """Centroids of other seeds at one tempo over one progression name the genre nine times as often as chance."""
    def played(seed: int) -> list[NDArray[np.float64]]:
        density = (0.35, 0.5, 0.65)[seed % 3]
        return [features(compose(genre, 4, seed, bpm=110, density=density), 16) for genre in GENRES]

    centres = np.mean([played(seed) for seed in range(4)], axis=0)
    right = [
        int(np.linalg.norm(centres - one, axis=1).argmin()) == place
        for seed in range(4, 6)
        for place, one in enumerate(played(seed))
    ]
    assert np.mean(right) >= 9 / len(GENRES)


def hits(score: Score, *pitches: int, loud: int = 60) -> set[Fraction]:
    return {note.start for note in score.part("drums") if note.pitch in pitches and note.velocity > loud}


def places(notes: tuple[Note, ...]) -> list[Fraction]:
    return [note.start % 4 for note in notes]


def test_what_each_style_is_known_by() -> None:
    """Planted facts of the genres, over the first three bars of four (the last has a fill)."""
    beats = {Fraction(beat) for beat in range(12)}
    house = compose("electronic", 4, density=0.7)
    assert beats <= hits(house, 36)  # four on the floor
    assert {beat + Fraction(1, 2) for beat in beats} <= hits(house, 46)  # the open hat between
    reggae = compose("reggae", 4, density=0.42, complexity=0.2)
    assert not {beat for beat in beats if beat % 4 in (0, 2) and beat} & hits(reggae, 36)  # one drop
    skank = [place % 1 for place in places(reggae.part("guitar"))]
    assert skank and set(skank) == {Fraction(1, 2)}
    train = compose("country", 4, density=0.55)
    assert len(hits(train, 38, loud=20)) >= 30
    metal = compose("metal", 4, density=0.95, bpm=140)
    assert len(hits(metal, 36)) >= 40  # two feet
    blues = compose("blues", 4, density=0.55, planted=False)
    assert {round(float(place % 1), 2) for place in places(blues.part("guitar"))} <= {0.0, 0.66, 0.67, 0.68}
    montuno = {note.start for note in compose("latin", 4, density=0.75, bpm=100).part("piano")}
    assert sum(start.denominator > 1 for start in montuno) > len(montuno) / 2
    slow = compose("hiphop", 4, density=0.5).part("bass")
    assert sum(float(note.duration) for note in slow) > 0.8 * 16  # long bass notes
    afro = compose("afrobeat", 4, meter="12/8", bpm=150)
    bell = {note.start % 6 * 2 for note in afro.part("drums") if note.pitch == 53 and note.start < 6}
    assert {0, 2, 4, 5, 7, 9, 11} == {int(place) for place in bell if place.denominator == 1} | {0}


def test_latin_basses_run_ahead_of_the_chord() -> None:
    """A tumbao plays the coming chord's root on the last beat before it, and nothing on the first."""
    ahead = 0
    for seed in range(6):
        score = compose("latin", 4, seed, density=0.55, bpm=100)
        roots = {int(span.start): span.chord.bass_class for span in score.chords}
        early = {int(note.start) + 1: note.pitch % 12 for note in score.part("bass") if note.start % 4 >= 3}
        ahead += sum(early.get(start) == root for start, root in roots.items() if start)
    assert ahead >= 9


@pytest.mark.parametrize("genre", GENRES)
def test_forms_fill_their_bars(genre: str) -> None:
    for bars in (*range(1, 40), 48, 64, 100, 257):
        for seed in range(2):
            form = invented(genre, bars, seed)
            assert sum(length for _, length in form) == bars and all(length > 0 for _, length in form)
            if bars >= NAMED_FROM:
                assert {name for name, _ in form} <= NAMES and form[-1][0] == "outro"
                assert {"verse"} < {name for name, _ in form}
            else:
                assert {name for name, _ in form} <= {"A", "B"}
    assert len({name for name, _ in invented(genre, 64, 0)}) >= 4


def test_blues_choruses_have_twelve_bars() -> None:
    assert [length for name, length in invented("blues", 40, 1) if name in ("verse", "solo", "chorus")] == [12, 12, 10]
    text = default_chords(Key(9), "blues", 40, 3).split(" | ")
    assert all(bar.startswith("A7") for bar in (text[4], text[16], text[28]))  # each begins at home
    assert all(bar.startswith("D") for bar in (text[8], text[20], text[32]))  # and is on the fourth in its fifth bar


@pytest.mark.parametrize("genre", GENRES)
def test_long_pieces_begin_thin_and_end_together(genre: str) -> None:
    score = compose(genre, 24, seed=1, planted=False)
    names = [section.name for section in score.sections]
    assert names[-1] == "outro" and len(set(names)) >= 3
    if names[0] == "intro":
        begin = {part for part in score.parts for note in score.part(part) if note.start < 4}
        assert 1 <= len(begin) < 4
    assert {part for part in score.parts for note in score.part(part) if 40 <= note.start < 44} == set(DEFAULT_STEMS)
    last = [note for note in score.notes if note.start >= 92]
    assert {note.start for note in last} == {Fraction(92)} and {note.instrument for note in last} == set(DEFAULT_STEMS)
    assert all(note.end >= 95 for note in last if note.instrument in ("bass", "piano"))
    assert {note.pitch for note in last if note.instrument == "drums"} == {36, 49}
    assert score.chords[-1].chord.root in (0, 9)  # home, in C major or A minor


def test_short_pieces_and_given_forms_do_not_stop() -> None:
    short = compose("rock", 8)
    assert {note.start >= 30 for note in short.part("drums")} == {False, True}
    form = (Section(Fraction(0), Fraction(32), "verse"), Section(Fraction(32), Fraction(32), "Chorus 2"))
    given = compose("rock", 16, known=Score(sections=form))
    assert given.sections == form and [note for note in given.part("guitar") if note.start > 62]


def test_a_part_asked_for_alone_never_rests() -> None:
    for part in DEFAULT_STEMS:
        score = compose("pop", 24, stems=(part,))
        assert {note.start // 4 for note in score.notes} >= set(range(23))


def test_a_rewritten_bar_of_an_introduction_is_not_empty() -> None:
    first = compose("rock", 24, seed=1)
    for part in DEFAULT_STEMS:
        again = compose("rock", 24, seed=9, known=first, stems=(part,), span=(Fraction(0), Fraction(8)))
        assert [note for note in again.part(part) if note.start < 8]
        assert [n for n in again.notes if n.start >= 8] == [n for n in first.notes if n.start >= 8]


def mean_of(genre: str, what: str, **fields: object) -> float:
    """A statistic over two takes of four bars."""
    found = []
    for seed in range(2):
        score = compose(genre, 4, seed, **fields)
        if what == "onsets":
            found.append(sum(len({note.start for note in score.part(part)}) for part in score.parts) / 16)
        elif what == "loudness":
            found.append(float(np.mean([note.velocity for note in score.notes])))
        else:
            found.append(float(np.mean([n.pitch for n in score.notes if n.instrument in ("guitar", "piano")])))
    return float(np.mean(found))


@pytest.mark.parametrize("genre", GENRES)
def test_density_arousal_and_valence_are_heard(genre: str) -> None:
    sparse, middle, dense = (mean_of(genre, "onsets", density=density) for density in (0.0, 0.5, 1.0))
    assert sparse < middle < dense and dense > 1.3 * sparse
    calm, wild = (mean_of(genre, "loudness", emotion=(0.0, arousal)) for arousal in (-1.0, 1.0))
    assert wild > calm + 6
    dark, bright = (mean_of(genre, "register", emotion=(valence, 0.0)) for valence in (-1.0, 1.0))
    assert bright > dark


def test_valence_decides_the_mode() -> None:
    def minor(valence: float) -> float:
        found = []
        for genre, seed in itertools.product(("pop", "soul", "country", "latin"), range(4)):
            score = compose(genre, 4, seed, planted=False, emotion=(valence, 0.0), stems=("bass",))
            found.append(all(span.chord.root != 0 or span.chord.is_minor for span in score.chords))
        return float(np.mean(found))

    shares = [minor(valence) for valence in (-1.0, -0.3, 0.3, 1.0)]
    assert shares == sorted(shares, reverse=True) and shares[0] - shares[-1] > 0.6


def test_made_up_chords_know_the_form_and_come_home() -> None:
    text = default_chords(Key(0), "pop", 32, 5).split(" | ")
    form = [name for name, length in invented("pop", 32, 5) for _ in range(length)]
    sung = {name: [bar for bar, of in zip(text, form, strict=True) if of == name] for name in set(form)}
    assert sung["verse"][:4] != sung["chorus"][:4] and sung["verse"][:4] == sung["verse"][4:8]
    assert text[-1] == "C"
    asked = default_chords(Key(0), "rock", 16, 2, ["verse"] * 8 + ["chorus"] * 8)
    assert sum(span.duration for span in parse_progression(asked, MeterMap.constant("4/4"), 16)) == 64


def test_patterns_of_two_turns_and_of_twelve() -> None:
    plain = pulses_of(Meter(4, 4), Fraction(0), 1, 100, (60, 200))
    row = Row("a..." * 4 + "b..." * 4, twelve="123456789abc")
    assert row.cell(plain[0], 0) == row.cell(plain[3], 2) == "a..." and row.cell(plain[2], 1) == "b..."
    rolling = pulses_of(Meter(12, 8), Fraction(0), 1, 100, (60, 200))
    assert [row.cell(pulse, 1) for pulse in rolling] == ["123", "456", "789", "abc"]
    broken = STYLES["rock"].bass._replace(lines=(Line(0.5, "R..."),))
    with pytest.raises(ImportError, match="rock has a broken bass pattern"):
        checked(STYLES["rock"]._replace(bass=broken))
