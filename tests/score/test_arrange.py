"""The arranger: what it promises for every request, and planted answers for each style."""

import itertools
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonicflow.core.constants import DEFAULT_STEMS, GENRES, HEARD_GENRES
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.instruments import INSTRUMENTS
from harmonicflow.core.tempo import Selection
from harmonicflow.score.arrange import Arranger, ComposeRequest
from harmonicflow.score.chords import NOTE_NAMES, chords_over
from harmonicflow.score.genres import STYLES, nearest_arranged, nearest_heard
from harmonicflow.score.keys import Key
from harmonicflow.score.midi import read_midi, write_midi
from harmonicflow.score.qualities import QUALITIES
from harmonicflow.score.score import Note, Score, Section

METERS = ["4/4", "3/4", "7/8", "6/8", "12/8", "5/4", "2/4", "9/8", "5/8", "2/2", "3/8", "11/8", "6/4", "15/16", "1/4"]
TEMPI = ["20", "33.3", "72", "97.3", "120", "180", "271.8", "400"]
STRINGS = (40, 45, 50, 55, 59, 64)
KICK, SNARE, RIDE, PEDAL_HAT = 36, 38, 51, 44


def compose(selection: Selection, chords: str | None = None, **fields: object) -> Score:
    spans = chords_over(chords, selection) if chords else None
    return Arranger().compose(ComposeRequest(selection, spans, **fields))  # type: ignore[arg-type]


@st.composite
def requests(draw: st.DrawFn) -> ComposeRequest:
    length = draw(st.sampled_from(["1.5", "4", "9.7"]))
    selection = Selection.from_seconds(
        "0.5",
        Fraction("0.5") + Fraction(length),
        draw(st.sampled_from([44_100, 48_000])),
        draw(st.sampled_from(TEMPI)),
        draw(st.sampled_from(METERS)),
        draw(st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(3), Fraction(37, 10)])),
    )
    name = st.builds(
        lambda root, row, bass: root + row[0] + bass,
        st.sampled_from(NOTE_NAMES),
        st.sampled_from([row for row in QUALITIES if row[0] not in ("1", "5")]),
        st.sampled_from(["", "", "", "/E", "/Bb"]),
    )
    bars = draw(st.lists(st.lists(name, min_size=1, max_size=2), min_size=1, max_size=3))
    text = " | ".join(" ".join(bar) for bar in bars)
    return ComposeRequest(
        selection,
        chords_over(text, selection) if draw(st.booleans()) else None,
        genre=draw(st.sampled_from(GENRES)),
        emotion=draw(st.none() | st.tuples(st.floats(-1, 1), st.floats(-1, 1))),
        density=draw(st.floats(0, 1)),
        complexity=draw(st.floats(0, 1)),
        stems=tuple(draw(st.lists(st.sampled_from(DEFAULT_STEMS), unique=True, min_size=1))),
        seed=draw(st.integers(0, 2**63 - 1)),
    )


def held_on_a_neck(pitches: tuple[int, ...]) -> bool:
    """Whether six strings in standard tuning can sound these pitches with four frets between the fingers."""
    for strings in itertools.combinations(range(6), len(pitches)):
        frets = [pitch - STRINGS[string] for pitch, string in zip(pitches, strings, strict=True)]
        fingers = [fret for fret in frets if fret]
        if min(frets) >= 0 and max(frets) <= 17 and (not fingers or max(fingers) - min(fingers) <= 4):
            return True
    return False


def held_by_two_hands(pitches: tuple[int, ...]) -> bool:
    """Whether two hands of five fingers, a tenth each, cover these pitches."""
    return any(
        all(len(hand) <= 5 and (not hand or hand[-1] - hand[0] <= 16) for hand in (pitches[:cut], pitches[cut:]))
        for cut in range(len(pitches) + 1)
    )


def sounding(notes: tuple[Note, ...]) -> set[tuple[int, ...]]:
    """The pitches that sound together at each onset, from low to high."""
    starts = {note.start for note in notes}
    return {tuple(sorted({note.pitch for note in notes if note.start <= start < note.end})) for start in starts}


@settings(max_examples=80)
@given(requests())
def test_every_request_is_answered_with_what_people_can_play(request: ComposeRequest) -> None:
    score = Arranger().compose(request)
    selection = request.selection
    assert set(score.parts) <= set(request.stems)
    for note in score.notes:
        row = INSTRUMENTS[note.instrument]
        assert 0 <= note.start < note.end <= selection.beats
        assert 1 <= note.velocity <= 127 and row.lowest <= note.pitch <= row.highest
        onset_s = float(selection.frame_at_beat(note.start)) / selection.rate + note.shift_s
        assert -1e-9 <= onset_s < selection.seconds and abs(note.shift_s) <= 0.06
        assert (note.start * 960).denominator == 1 or note.start == 0
    for pitches in sounding(score.part("guitar")):
        assert len(pitches) <= 6 and held_on_a_neck(pitches), pitches
    for pitches in sounding(score.part("piano")):
        assert held_by_two_hands(pitches), pitches
    bass = score.part("bass")
    for before, after in itertools.pairwise(bass):
        ends = float(selection.frame_at_beat(before.end)) / selection.rate + before.shift_s
        begins = float(selection.frame_at_beat(after.start)) / selection.rate + after.shift_s
        assert ends <= begins + 1e-9 and before.start < after.start
    for start in {note.start for note in score.part("drums")}:
        hands = [n.pitch for n in score.part("drums") if n.start == start and n.pitch not in (KICK, PEDAL_HAT)]
        assert len(hands) <= 2 and len(set(hands)) == len(hands)


@settings(max_examples=15)
@given(requests())
def test_the_same_request_gives_the_same_bytes(request: ComposeRequest) -> None:
    first, second = (Arranger().compose(request) for _ in range(2))
    assert first == second
    assert write_midi(first, request.selection) == write_midi(second, request.selection)
    assert len(read_midi(write_midi(first, request.selection)).score.notes) == len(first.notes)


@settings(max_examples=20)
@given(requests(), st.integers(0, 2**63 - 1), st.data())
def test_writing_some_bars_again_leaves_every_other_note(
    request: ComposeRequest, seed: int, data: st.DataObject
) -> None:
    first = Arranger().compose(request)
    bars = request.selection.bars()
    low = data.draw(st.integers(0, len(bars) - 1))
    high = data.draw(st.integers(low, len(bars) - 1))
    span = (bars[low].start_beat, bars[high].end_beat)
    stem = data.draw(st.sampled_from(request.stems))
    again = Arranger().compose(replace(request, known=first, stems=(stem,), chords=first.chords, seed=seed, span=span))

    def outside(score: Score) -> list[Note]:
        return [note for note in score.notes if note.instrument != stem or not span[0] <= note.start < span[1]]

    assert outside(again) == outside(first)
    assert again.chords == first.chords and again.sections == first.sections
    for note in again.part(stem):
        if span[0] <= note.start < span[1]:
            assert note.end <= span[1] or note in first.notes
            assert note.shift_s >= 0 or note.start > span[0]


@pytest.mark.parametrize("genre", GENRES)
def test_one_part_is_the_same_whoever_else_is_asked_for(genre: str) -> None:
    """Drums do not change with the other stems; nor does the bass, which listens to the drums."""
    selection = Selection.from_bars(8, 104, "4/4", 44_100)
    everyone = compose(selection, "Dm7 | G7 | Cmaj7 | A7", genre=genre, seed=5)
    for name in ("drums", "bass"):
        alone = compose(selection, "Dm7 | G7 | Cmaj7 | A7", genre=genre, seed=5, stems=(name,))
        assert alone.part(name) == everyone.part(name)


@pytest.mark.parametrize("genre", GENRES)
def test_every_meter_and_tempo_has_all_four_parts(genre: str) -> None:
    """Every thirteenth pair for each genre: together all of them."""
    pairs = list(itertools.product(METERS, TEMPI))[GENRES.index(genre) % 13 :: 13]
    for meter, bpm in pairs:
        selection = Selection.from_bars(4, bpm, meter, 44_100)
        score = compose(selection, "Am7 | D7 | Gmaj7 | C", genre=genre, seed=3)
        assert score.parts == ("bass", "drums", "guitar", "piano"), bpm
        for name in score.parts:
            notes_per_second = len({note.start for note in score.part(name)}) / float(selection.seconds)
            assert 0.1 < notes_per_second < 14, (name, bpm)
        down = [bar.start_beat for bar in selection.bars()]
        struck = {note.start for note in score.notes if note.instrument in ("bass", "drums")}
        assert sum(beat in struck for beat in down) >= len(down) * (0.5 if meter in ("1/4", "3/8") else 0.9), bpm


CHORDS = st.sampled_from(["C", "Am", "F#m7", "Bbmaj7", "E7", "Gsus4", "Bm7b5", "D9", "Ebm", "A13", "G/B", "Fmaj7#11"])


@settings(max_examples=20)
@given(st.lists(CHORDS, min_size=2, max_size=4), st.sampled_from(GENRES), st.integers(0, 99))
def test_planted_chords_are_what_is_played(chords: list[str], genre: str, seed: int) -> None:
    selection = Selection.from_bars(4, 110, "4/4", 44_100)
    score = compose(selection, " | ".join(chords), genre=genre, seed=seed)
    spans = score.chords
    for name in ("guitar", "piano"):
        for note in score.part(name):
            near = [span.chord for span in spans if span.start < note.start + Fraction(1, 1) and note.start < span.end]
            boogie = genre == "blues" and any((note.pitch - chord.root) % 12 == 9 for chord in near)
            assert boogie or any(note.pitch % 12 in chord.pitch_classes for chord in near), (name, note)
    heard = {span.start: set() for span in spans}
    for note in score.notes:
        span = next(span for span in reversed(spans) if span.start <= note.start)
        if note.instrument != "drums" and note.start < span.end:
            heard[span.start].add(note.pitch % 12)
    for span in spans:
        third = next((tone for tone in (4, 3, 5) if tone in span.chord.intervals), 0)
        assert (span.chord.root + third) % 12 in heard[span.start], span.chord.name
    bass = score.part("bass")
    for before, span in itertools.pairwise((None, *spans)):
        if before is not None and before.chord == span.chord:
            continue
        # With the chord; where the style leaves the beat out, within a beat of it.
        near = [note for note in bass if abs(note.start - span.start) <= STYLES[genre].bass.loose]
        assert any(note.pitch % 12 == span.chord.bass_class for note in near), span.chord.name


def on(score: Score, pitch: int, loud: int = 60) -> set[Fraction]:
    return {note.start for note in score.part("drums") if note.pitch == pitch and note.velocity > loud}


@pytest.mark.parametrize("genre", ["rock", "pop", "funk"])
def test_backbeats(genre: str) -> None:
    """Snare (or its rim) on two and four, kick on one, in every bar without a fill."""
    score = compose(Selection.from_bars(4, 100, "4/4", 44_100), "C | F | G | C", genre=genre, seed=11)
    snare, kick = on(score, SNARE) | on(score, 37), on(score, KICK)
    for bar in range(3):
        assert {Fraction(4 * bar + 1), Fraction(4 * bar + 3)} <= snare | {note.start for note in score.part("drums")}
        assert Fraction(4 * bar) in kick
    assert sum(Fraction(4 * bar + beat) in snare for bar in range(3) for beat in (1, 3)) >= 5


def test_half_time_when_too_fast_and_double_time_when_too_slow() -> None:
    fast = compose(Selection.from_bars(8, "271.8", "4/4", 44_100), "Em | C", genre="rock", seed=2)
    backbeats = on(fast, SNARE)
    assert sum(Fraction(4 * bar + 2) in backbeats for bar in range(8)) >= 6
    assert sum(Fraction(4 * bar + beat) in backbeats for bar in range(8) for beat in (1, 3)) <= 4
    slow = compose(Selection.from_bars(4, "33.3", "4/4", 44_100), "Em | C", genre="rock", seed=2)
    backbeats = on(slow, SNARE)
    assert sum(Fraction(8 * bar + 2 * beat + 1, 2) in backbeats for bar in range(4) for beat in range(4)) >= 12


def test_jazz_walks_and_swings() -> None:
    score = compose(Selection.from_bars(8, 140, "4/4", 44_100), "Dm7 | G7 | Cmaj7 | A7b9", genre="jazz", seed=4)
    bass = score.part("bass")
    on_beats = [note for note in bass if note.start.denominator == 1]
    assert len(on_beats) >= 28
    leaps = [abs(a.pitch - b.pitch) for a, b in itertools.pairwise(on_beats)]
    assert sum(leap <= 5 for leap in leaps) >= 0.8 * len(leaps)
    offbeats = [note.start % 1 for note in score.part("drums") if note.pitch == RIDE and note.start.denominator != 1]
    assert len(offbeats) > 8
    assert all(Fraction(60, 100) < offbeat < Fraction(70, 100) for offbeat in offbeats)


def test_the_bass_listens_to_the_kick() -> None:
    """Kicks planted by the user are where the bass plays, in styles that lock."""
    selection = Selection.from_bars(4, 100, "4/4", 44_100)
    planted = [Fraction(4 * bar) + place for bar in range(4) for place in (Fraction(0), Fraction(3, 4), Fraction(5, 2))]
    drums = Score(tuple(Note("drums", beat, Fraction(1, 4), KICK, 100, 0.006) for beat in planted))
    shared = []
    for seed in range(10):
        score = compose(selection, "C | F", genre="pop", stems=("bass",), known=drums, seed=seed)
        starts = {note.start for note in score.part("bass")}
        shared.append(len(starts & set(planted)) / len(planted))
        assert score.part("drums") == drums.notes
    assert sum(shared) / len(shared) > 0.75


@pytest.mark.parametrize("place", [Fraction(1, 2), Fraction(2, 3)])
def test_the_band_swings_as_given_drums_do(place: Fraction) -> None:
    selection = Selection.from_bars(8, 100, "4/4", 44_100)
    beats = [Fraction(beat) + offset for beat in range(32) for offset in (Fraction(0), place)]
    drums = Score(tuple(Note("drums", beat, Fraction(1, 4), 42, 90, 0.003) for beat in beats))
    score = compose(selection, "C | F", genre="rock", known=drums, stems=("bass", "guitar", "piano"), density=0.7)
    offbeats = {note.start % 1 for note in score.part("guitar")} - {Fraction(0)}
    assert offbeats
    assert min(abs(float(offbeat - place)) for offbeat in offbeats) < 0.02
    assert all(abs(float(offbeat - (Fraction(1, 2) + Fraction(2, 3) - place))) > 0.05 for offbeat in offbeats)


@pytest.mark.parametrize("genre", GENRES)
def test_fills_lead_into_new_sections_and_crashes_open_them(genre: str) -> None:
    selection = Selection.from_bars(8, 110, "4/4", 44_100)
    form = (Section(Fraction(0), Fraction(16), "verse"), Section(Fraction(16), Fraction(16), "chorus"))
    crashes = fills = 0
    louder = []
    for seed in range(5):
        score = compose(selection, "C | F", genre=genre, known=Score(sections=form), seed=seed, density=0.6)
        drums = score.part("drums")
        crashes += any(note.start == 16 and note.pitch == 49 for note in drums)
        usual = {(note.pitch, note.start % 4) for note in drums if note.start < 8}
        fills += any((note.pitch, note.start % 4) not in usual for note in drums if 14 <= note.start < 16)
        halves = [[n.velocity for n in score.notes if low <= n.start < low + 14] for low in (0, 16)]
        louder.append(sum(halves[1]) / len(halves[1]) - sum(halves[0]) / len(halves[0]))
        assert score.sections == form
    assert crashes >= 4 and fills >= 4
    assert sum(louder) > 0


def test_silence_where_there_is_no_chord() -> None:
    selection = Selection.from_bars(4, 100, "4/4", 44_100)
    score = compose(selection, "C | N.C. | F | N.C.", genre="pop", seed=1)
    pitched = [note for note in score.notes if note.instrument != "drums"]
    assert pitched and not [note for note in pitched if 4 <= note.start < Fraction(15, 2) or 12 <= note.start]
    assert [note for note in score.part("drums") if 4 <= note.start < 8]


def test_given_parts_are_kept() -> None:
    selection = Selection.from_bars(4, 100, "3/4", 44_100)
    mine = tuple(Note("piano", Fraction(n), Fraction(1, 2), 60 + n, 77, 0.001) for n in range(12))
    score = compose(selection, "C | G", genre="jazz", known=Score(mine))
    assert score.part("piano") == mine
    assert score.parts == ("bass", "drums", "guitar", "piano")


def test_another_seed_another_take_and_bars_differ() -> None:
    selection = Selection.from_bars(8, 100, "4/4", 44_100)
    for genre in GENRES:
        takes = [compose(selection, "Am | F | C | G", genre=genre, seed=seed) for seed in range(4)]
        for name in DEFAULT_STEMS:
            assert len({take.part(name) for take in takes}) == 4
        bars = [
            {
                (n.instrument, n.pitch, n.start % 4, n.duration)
                for n in takes[0].notes
                if 16 * half <= n.start < 16 * half + 16
            }
            for half in range(2)
        ]
        assert bars[0] != bars[1]


def test_feeling_and_density_are_heard() -> None:
    selection = Selection.from_bars(8, 100, "4/4", 44_100)

    def loudness(**fields: object) -> tuple[float, int]:
        scores = [compose(selection, "C | G", genre="rock", seed=seed, **fields) for seed in range(5)]
        notes = [note for score in scores for note in score.notes]
        return sum(note.velocity for note in notes) / len(notes), len(notes)

    assert loudness(emotion=(0.0, 0.9))[0] > loudness(emotion=(0.0, -0.9))[0] + 8
    assert loudness(density=0.9)[1] > loudness(density=0.1)[1] * 1.2


def test_harmony_is_made_up_in_the_asked_key() -> None:
    selection = Selection.from_bars(8, 100, "4/4", 44_100)
    score = compose(selection, genre="pop", key=Key(2, "major"), seed=8)
    assert sum(span.duration for span in score.chords) == 32
    assert all(span.chord.root in Key(2, "major").scale for span in score.chords)


@pytest.mark.parametrize("genre", GENRES)
def test_every_genre_is_arranged_and_has_a_neighbour_that_performers_know(genre: str) -> None:
    assert nearest_arranged(genre) == genre and STYLES[genre].name == genre
    assert nearest_heard(genre) in HEARD_GENRES
    assert genre not in HEARD_GENRES or nearest_heard(genre) == genre


def test_unknown_names_are_refused() -> None:
    selection = Selection.from_bars(1, 100, "4/4", 44_100)
    for fields, code in (({"genre": "polka"}, "unknown_genre"), ({"stems": ("kazoo",)}, "unknown_stem")):
        with pytest.raises(HarmonicFlowError) as caught:
            compose(selection, "C", **fields)
        assert caught.value.code == code
