"""The learned composer's run-time on a stand-in graph: what is kept, what is final, who writes and in which order."""

from fractions import Fraction
from pathlib import Path
from random import Random

import numpy as np
import pytest

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.instruments import instrument
from harmonicflow.core.meters import Meter
from harmonicflow.core.tempo import MeterMap, Selection, TempoMap
from harmonicflow.engine.api import HarmonicFlow
from harmonicflow.engine.bundle import Bundle
from harmonicflow.engine.composer import LearnedComposer
from harmonicflow.engine.runtime import Runtime
from harmonicflow.score.arrange import Arranger, ComposeRequest
from harmonicflow.score.chords import chords_over
from harmonicflow.score.score import Note, Score, Section
from harmonicflow.score.steering import Steering
from tests.engine.recording import recording
from tests.tiny_bundle import make_tiny_bundle

RATE = 44100
PARTS = ("bass", "drums", "guitar", "piano")


@pytest.fixture(scope="module")
def composer(tiny_composer: Path) -> LearnedComposer:
    return LearnedComposer(Runtime(Bundle.load(tiny_composer), threads=1))


def bars(count: int, meter: str = "4/4", tempo: str = "120") -> Selection:
    return Selection.from_bars(count, tempo, meter, RATE)


def sounds_s(note: Note, selection: Selection) -> float:
    return float(selection.frame_at_beat(note.start)) / RATE + note.shift_s


def test_the_same_request_gives_the_same_notes(composer: LearnedComposer) -> None:
    request = ComposeRequest(bars(8), genre="rock", seed=5)
    score = composer.compose(request)
    assert composer.compose(request) == score
    assert composer.compose(ComposeRequest(bars(8), genre="rock", seed=6)).notes != score.notes
    assert score.parts == PARTS and score.chords and score.sections
    for note in score.notes:
        row = instrument(note.instrument)
        assert 0 <= note.start < 32 and note.end <= 32 and row.lowest <= note.pitch <= row.highest


@pytest.mark.parametrize("seed", range(3))
def test_how_far_it_is_read_changes_nothing(composer: LearnedComposer, seed: int) -> None:
    selection = Selection.from_bars(14, "131", MeterMap([(1, Meter(4, 4)), (6, Meter(3, 4)), (9, Meter(7, 8))]), RATE)
    request = ComposeRequest(selection, genre="funk", seed=seed)
    whole = composer.begin(request).whole()
    random, beat = Random(seed), Fraction(0)
    composition = composer.begin(request)
    while beat < selection.beats:
        beat += Fraction(random.randint(1, 200), 12)
        so_far = composition.until(beat)
        assert set(so_far.notes) <= set(whole.notes)  # what is there is final
        assert [n for n in so_far.notes if n.start < beat] == [n for n in whole.notes if n.start < beat]
        assert so_far.chords == whole.chords and so_far.sections == whole.sections
    assert composition.whole() == whole


def test_the_first_bars_need_few_small_calls(tiny_composer: Path) -> None:
    """64 bars in parts of a second each; the rest of the song is not written before it is asked for."""
    composer, calls = recording(tiny_composer)
    composition = composer.begin(ComposeRequest(bars(64), seed=1))
    assert not calls
    composition.until(Fraction(17, 2))
    assert len(calls) <= 10 and all(call["known"].shape[1] <= 16 for call in calls)
    composition.whole()
    assert len(calls) <= 120 and max(call["known"].shape[1] for call in calls) <= 48
    written = [cell for call in calls for cell in call["write"]]
    resting = sum(len(bar.resting) for bar in composition.form.bars)  # type: ignore[attr-defined]
    assert len(written) == 4 * (4 * 64 - resting)


def test_a_hole_of_four_bars_in_one_part_is_filled_in_six_calls(composer: LearnedComposer, tiny_composer: Path) -> None:
    selection = bars(16)
    known = composer.compose(ComposeRequest(selection, genre="rock", seed=1))
    again, calls = recording(tiny_composer)
    span = Fraction(16), Fraction(32)
    score = again.compose(ComposeRequest(selection, genre="rock", stems=("guitar",), known=known, span=span, seed=2))
    assert 1 <= len(calls) <= 6 and max(call["known"].shape[1] for call in calls) <= 40
    assert score.part("guitar") != known.part("guitar")
    for call in calls:
        other_parts, inside = np.delete(call["known"], 2, axis=0), call["write"][:, 1].astype(int)
        assert other_parts.all() and not call["known"][2, inside].any()
        assert call["known"][2, -1] == 1  # and what follows the hole is heard


def some_score(random: Random, beats: int) -> Score:
    notes = {}
    for _ in range(random.randint(0, 60)):
        part = random.choice(PARTS)
        row = instrument(part)
        start = Fraction(random.randint(0, beats * 48 - 1), 48)
        pitch = random.randint(row.lowest, row.highest)
        shift = random.uniform(-0.03, 0.03)
        notes[part, start, pitch] = Note(
            part, start, Fraction(random.randint(1, 400), 96), pitch, random.randint(1, 127), shift
        )
    return Score(tuple(notes.values()), chords_over("Am | F", bars(2)))


def test_what_is_kept_is_kept_exactly_for_500_masks(composer: LearnedComposer) -> None:
    random = Random(7)
    selection = bars(2, "4/4", "97")
    changed = 0
    for number in range(500):
        known = some_score(random, 8)
        stems = tuple(random.sample(PARTS, random.randint(1, 4)))
        a, b = sorted(random.sample(range(0, 8 * 12 + 1), 2))
        span = Fraction(a, 12), Fraction(b, 12)  # cells are cut anywhere
        request = ComposeRequest(selection, stems=stems, known=known, span=span, seed=number)
        score = composer.compose(request)
        kept = [n for n in known.notes if n.instrument not in stems or not span[0] <= n.start < span[1]]
        ids = {id(note) for note in score.notes}
        assert all(id(note) in ids for note in kept)  # the very objects
        new = [note for note in score.notes if id(note) not in {id(note) for note in kept}]
        changed += len(new)
        edge_s = float(selection.frame_at_beat(span[0])) / RATE
        for note in new:
            assert note.instrument in stems and span[0] <= note.start and note.end <= span[1]
            assert sounds_s(note, selection) >= edge_s - 1e-9 or note.start > span[0]
    assert changed > 500


def test_parts_with_notes_are_kept_whole_without_a_span(composer: LearnedComposer) -> None:
    drums = Arranger().compose(ComposeRequest(bars(4), stems=("drums",), seed=3))
    score = composer.compose(ComposeRequest(bars(4), known=Score(drums.notes), seed=4))
    assert score.part("drums") == drums.notes and set(score.parts) == set(PARTS)


@pytest.mark.parametrize("meter", ["3/4", "5/4", "7/8", "6/8"])
def test_holes_in_other_meters_and_under_changing_tempo(composer: LearnedComposer, meter: str) -> None:
    tempo = TempoMap.from_changes([(0, 80), (7, 140), (15, 66)], RATE)
    selection = Selection.from_bars(8, tempo, meter, RATE)
    whole = composer.compose(ComposeRequest(selection, seed=2))
    lines = [bar.start_beat for bar in selection.bars()]
    assert {note.start for note in whole.part("drums")} & set(lines)
    for note in whole.notes:
        bar = max(line for line in lines if line <= note.start)
        assert (note.start - bar) * 12 % 1 == 0 and note.start < selection.beats
    span = lines[3], lines[5]
    filled = composer.compose(ComposeRequest(selection, stems=("bass",), known=whole, span=span, seed=9))
    outside = [note for note in whole.notes if note.instrument != "bass" or not span[0] <= note.start < span[1]]
    assert [n for n in filled.notes if n.instrument != "bass" or not span[0] <= n.start < span[1]] == outside
    assert any(span[0] <= note.start < span[1] for note in filled.part("bass"))


def test_a_selection_may_begin_and_end_inside_a_bar(composer: LearnedComposer) -> None:
    tempo = TempoMap.constant("100", RATE)
    selection = Selection.from_seconds(0, "7.1", RATE, tempo, "4/4", start_beat="5/2")
    score = composer.compose(ComposeRequest(selection, seed=1))
    assert score.notes and all(0 <= note.start and note.end <= selection.beats for note in score.notes)


def test_returning_sections_are_alike_and_no_literal_loop(composer: LearnedComposer) -> None:
    form = [Section(Fraction(32 * n), Fraction(32), name) for n, name in enumerate(("verse 1", "Chorus", "verse 2"))]
    score = composer.compose(ComposeRequest(bars(24), genre="pop", seed=11, known=Score(sections=tuple(form))))
    assert score.sections == tuple(form)
    chords = chords_over("C | G | Am | F", bars(24))
    score = composer.compose(ComposeRequest(bars(24), chords=chords, seed=11, known=Score(sections=tuple(form))))

    def onsets(section: Section, part: str) -> set[tuple[Fraction, int]]:
        return {(n.start - section.start, n.pitch) for n in score.within(section.start, section.end).part(part)}

    def alike(one: set[tuple[Fraction, int]], two: set[tuple[Fraction, int]]) -> float:
        return 2 * len(one & two) / (len(one) + len(two))

    verses = [alike(onsets(form[0], part), onsets(form[2], part)) for part in PARTS]
    others = [alike(onsets(form[0], part), onsets(form[1], part)) for part in PARTS]
    assert all(0.6 < share < 1.0 for share in verses)
    assert np.mean(verses) > np.mean(others) + 0.1


def test_who_rests_in_the_form_is_shown_as_silent(tiny_composer: Path) -> None:
    composer, calls = recording(tiny_composer)
    composition = composer.begin(ComposeRequest(bars(32), genre="pop", seed=2))
    score = composition.whole()
    resting = {(bar.number, part) for bar in composition.form.bars for part in bar.resting}  # type: ignore[attr-defined]
    assert resting  # players come in one after another
    for number, part in resting:
        assert not score.within(Fraction(4 * number), Fraction(4 * number + 4)).part(part)
    assert set(score.parts) == set(PARTS) and calls[0]["known"].any()


# Who writes.


def why(composer: LearnedComposer, request: ComposeRequest, steering: Steering | None = None) -> tuple[str, str]:
    composition = composer.begin(request, steering)
    score = composition.whole()
    assert score.notes
    return composition.by, " ".join(composition.warnings)


def test_the_arranger_steps_in_and_says_why(composer: LearnedComposer, tiny: Path, tmp_path: Path) -> None:
    plain = ComposeRequest(bars(2), seed=1)
    assert why(composer, plain) == ("model", "")
    none = LearnedComposer(Runtime(Bundle.load(tiny), threads=1))
    assert why(none, plain) == ("arranger", "the notes are the arranger's: the bundle tiny has no composer")
    assert none.compose(plain) == Arranger().compose(plain)
    with pytest.raises(HarmonicFlowError) as caught:
        none.begin(plain, Steering(composer="model"))
    assert caught.value.code == "no_composer"
    assert why(composer, plain, Steering(composer="arranger")) == ("arranger", "")
    card = {"composer": {"cells_v": 1, "meters": ["4/4", "3/4"]}}
    learned = LearnedComposer(Runtime(Bundle.load(make_tiny_bundle(tmp_path, with_composer=True, **card)), threads=1))
    assert why(learned, ComposeRequest(bars(2, "3/4")))[0] == "model"
    by, said = why(learned, ComposeRequest(bars(2, "7/8")))
    assert by == "arranger" and "has not learned 7/8" in said
    by, said = why(composer, ComposeRequest(bars(2), chords=()))
    assert by == "arranger" and "no chords" in said
    with pytest.raises(HarmonicFlowError) as caught:
        composer.begin(ComposeRequest(bars(2), stems=("kazoo",)))
    assert caught.value.code == "unknown_stem"


def test_a_part_that_the_model_leaves_empty_is_arranged(tiny_composer: Path) -> None:
    mute, _ = recording(tiny_composer, mute=0)
    composition = mute.begin(ComposeRequest(bars(16), genre="rock", seed=1))
    score = composition.whole()
    assert composition.by == "model" and set(score.parts) == set(PARTS)
    assert "left the bass empty in bars 1 to" in composition.warnings[0]
    first = {note.start // 4 for note in score.part("bass")}
    assert {0, 1, 2, 3} <= first
    quiet = mute.begin(ComposeRequest(bars(8), seed=1), Steering(density={"bass": 0.0}))
    assert "bass" not in quiet.whole().parts and not quiet.warnings


def test_a_part_that_begins_with_silence_is_asked_once_more(tiny_composer: Path) -> None:
    shy, calls = recording(tiny_composer, mute=0, shy=True)
    composition = shy.begin(ComposeRequest(bars(8), genre="rock", seed=1))
    score = composition.whole()
    assert score.part("bass") and not composition.warnings and composition.by == "model"
    urged = [call for call in calls if (call["bias"][:, -1] < 0).any()]
    assert urged and all((call["write"][:, 0] == 0).all() for call in urged)
    assert all(call["known"][1, :16].all() for call in urged)  # beside the others' notes


def test_cancelled_between_two_calls(tiny_composer: Path) -> None:
    runtime = Runtime(Bundle.load(tiny_composer), threads=1)
    composition = LearnedComposer(runtime).begin(ComposeRequest(bars(64), seed=1))
    composition.until(1)
    runtime.stop()
    with pytest.raises(HarmonicFlowError) as caught:
        composition.whole()
    assert caught.value.code == "cancelled"


# In the engine.


class AtOnce:
    """The same composer, asked for all of it before anything is performed."""

    def __init__(self, composer: LearnedComposer) -> None:
        self.composer = composer

    def compose(self, request: ComposeRequest) -> Score:
        return self.composer.compose(request)


def test_performing_begins_before_the_score_is_written(tiny_composer: Path) -> None:
    flow = HarmonicFlow(tiny_composer, threads=1)
    assert isinstance(flow.composer, LearnedComposer)
    calls, at_first = [0], []
    run = flow.runtime.run

    def counted(name: str, /, **inputs: np.ndarray) -> np.ndarray:
        calls[0] += name == "composer"
        return run(name, **inputs)

    flow.runtime.run = counted  # type: ignore[method-assign, assignment]
    request = {"bars": 18, "tempo": 140, "seed": 4, "steps": 1, "genre": "funk"}
    (result,) = flow.generate(on_block=lambda block: at_first.append(calls[0]), **request)
    assert at_first[0] < calls[0] / 2 and len(at_first) > 2
    assert result.composer == "model" and not result.warnings
    flow.composer = AtOnce(LearnedComposer(flow.runtime))
    (again,) = flow.generate(**request)
    assert again.score == result.score
    np.testing.assert_array_equal(again.mix, result.mix)
    np.testing.assert_array_equal(again.latents, result.latents)


def test_compose_gives_the_scores_that_generate_performs(tiny_composer: Path) -> None:
    flow = HarmonicFlow(tiny_composer, threads=1)
    drums = Arranger().compose(ComposeRequest(bars(2), stems=("drums",), seed=3))
    request = {"bars": 2, "seed": 4, "count": 2, "known": drums, "steering": Steering(density={"bass": 1.0})}
    composed = flow.compose(**request)
    results = flow.generate(steps=1, **request)
    assert [found.score for found in composed] == [result.score for result in results]
    assert [found.seed for found in composed] == [4, 5] and composed[0].composer == "model"
    assert composed[0].score.notes != composed[1].score.notes
    assert all(found.score.part("drums") == drums.notes and found.score.chords == drums.chords for found in composed)
    assert results[0].request["steering"]["density"] == {"bass": 1.0}
