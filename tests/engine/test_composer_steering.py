"""Steering of the learned composer, on a stand-in graph: what it is told, and what becomes of it."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from harmonicflow.core.tempo import Selection
from harmonicflow.engine.bundle import Bundle
from harmonicflow.engine.composer import LearnedComposer
from harmonicflow.engine.runtime import Runtime
from harmonicflow.score.arrange import ComposeRequest
from harmonicflow.score.cell_features import CONTROL_COLUMNS, TIME_COLUMNS
from harmonicflow.score.cells import CELL_PARTS
from harmonicflow.score.chords import chords_over
from harmonicflow.score.score import Note, Score
from harmonicflow.score.steering import Steering
from harmonicflow.score.typical import SPREAD, typical
from tests.engine.recording import recording

BARS = Selection.from_bars(8, "120", "4/4", 44100)
CHORDS = chords_over("Am | F | C | G", BARS)
SWEEP = (0.0, 0.25, 0.5, 0.75, 1.0)


def written(composer: LearnedComposer, steering: Steering | None = None, **request: object) -> Score:
    fields = {"chords": CHORDS, "seed": 3, "genre": "rock"} | request
    return composer.begin(ComposeRequest(BARS, **fields), steering).whole()  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def composer(tiny_composer: Path) -> LearnedComposer:
    return recording(tiny_composer)[0]


def told(calls: list[dict[str, np.ndarray]], control: str, part: str) -> tuple[float, float]:
    """Value and presence of a control in the first call."""
    columns = calls[0]["controls"][CELL_PARTS.index(part), 0, CONTROL_COLUMNS[control]]
    return float(columns[0]), float(columns[1])


def test_the_model_is_told_what_players_do_where_nothing_is_asked(tiny_composer: Path) -> None:
    composer, calls = recording(tiny_composer)
    written(composer)
    for control in ("density", "complexity", "register", "loudness"):
        for part in CELL_PARTS:
            value, there = told(calls, control, part)
            if (control, part) == ("register", "drums"):
                assert (value, there) == (0, 0)
            else:
                middle, spread = typical(control, part, "rock"), SPREAD[control][part]
                assert there == 1 and abs(value - middle) <= 1.5 * spread + 1e-6
    assert all(told(calls, "human", part) == ((1, 1) if part == "drums" else (0, 0)) for part in CELL_PARTS)


@pytest.mark.parametrize("control", ["density", "complexity", "register", "loudness"])
def test_shares_reach_the_model_and_rise(tiny_composer: Path, control: str) -> None:
    values, counts, means = [], [], []
    for share in SWEEP:
        composer, calls = recording(tiny_composer)
        asked = {"": 0.5, "guitar": share} if control in ("density", "complexity") else share
        score = written(composer, Steering(**{control: asked}))  # type: ignore[arg-type]
        values.append(told(calls, control, "guitar")[0])
        assert told(calls, control, "guitar")[1] == 1
        counts.append(len(score.part("guitar")))
        notes = score.part("guitar")
        means.append(np.mean([note.velocity if control == "loudness" else note.pitch for note in notes]))
        if control in ("density", "complexity"):
            assert told(calls, control, "bass")[0] == pytest.approx(typical(control, "bass", "rock"), abs=0.08)
    assert values == sorted(values) and len(set(values)) == len(SWEEP)
    if control == "density":
        assert counts == sorted(counts) and counts[-1] > 1.3 * counts[0]
    if control in ("register", "loudness"):
        assert means == sorted(means) and means[-1] > means[0]


def test_temperature_warms_the_draw_of_every_note(tiny_composer: Path) -> None:
    heats = []
    for share in (None, 0.0, 0.5, 1.0):
        composer, calls = recording(tiny_composer)
        written(composer, Steering(temperature=share))
        heats.append(calls[0]["heat"][:, 0])
    usual, cold, half, warm = heats
    assert np.array_equal(half, usual)
    assert np.allclose(cold, usual / 2) and np.allclose(warm, usual * 2)


def test_emotion_moves_controls_key_and_lengths_one_way(tiny_composer: Path) -> None:
    """A sweep of arousal, then of valence, in the directions of the literature (score/emotion.py)."""
    rows = []
    for arousal in (-1.0, -0.5, 0.0, 0.5, 1.0):
        composer, calls = recording(tiny_composer)
        score = written(composer, emotion=(0.2, arousal))
        lengths = [float(note.duration) for note in score.part("piano")]
        rows.append([*(told(calls, name, "piano")[0] for name in ("density", "loudness", "register")),
                     len(score.notes), -np.mean(lengths)])  # fmt: skip
    columns = list(zip(*rows, strict=True))
    assert all(list(column) == sorted(column) and column[0] < column[-1] for column in columns)
    keys = []
    for valence in (-1.0, -0.4, 0.4, 1.0):
        composition = recording(tiny_composer)[0].begin(ComposeRequest(BARS, emotion=(valence, 0.0), seed=3))
        keys.append(composition.form.key.mode)  # type: ignore[attr-defined]
    assert keys == ["minor", "minor", "major", "major"]


def test_an_energy_curve_is_told_bar_by_bar(tiny_composer: Path) -> None:
    composer, calls = recording(tiny_composer)
    written(composer, Steering(energy=(0.0, 1.0)))
    column = TIME_COLUMNS["energy"].start
    seen = {}
    for call in calls:
        density = call["controls"][0, :, CONTROL_COLUMNS["density"].start]
        for energy, aim in zip(call["time"][:, column], density, strict=True):
            seen[round(float(energy), 4)] = round(float(aim), 4)
    assert sorted(seen) == [pytest.approx((number + 0.5) / 8, abs=1e-3) for number in range(8)]
    aims = [seen[energy] for energy in sorted(seen)]
    assert aims == sorted(aims) and aims[0] < aims[-1]


def given_drums() -> Score:
    """A kick on places that no composer would choose by itself, and a hat."""
    kicks = [
        Fraction(bar * 4) + place for bar in range(8) for place in (Fraction(3, 4), Fraction(9, 4), Fraction(11, 3))
    ]
    notes = [Note("drums", beat, Fraction(1, 4), 36, 100) for beat in kicks]
    notes += [Note("drums", Fraction(beat, 2), Fraction(1, 4), 42, 70) for beat in range(64)]
    return Score(tuple(notes))


def test_the_bass_follows_the_kick(composer: LearnedComposer, tiny_composer: Path) -> None:
    drums = given_drums()
    kicks = {note.start for note in drums.notes if note.pitch == 36}

    def shared(score: Score) -> float:
        onsets = {note.start for note in score.part("bass")}
        return 2 * len(onsets & kicks) / (len(onsets) + len(kicks))

    following = written(composer, Steering(follow="drums"), known=drums)
    assert shared(following) > shared(written(composer, known=drums)) + 0.3
    again, calls = recording(tiny_composer)
    written(again, Steering(follow="drums"), known=drums)
    call = next(call for call in calls if (call["write"][:, 0] == 0).any())
    density = call["controls"][0, 0, CONTROL_COLUMNS["density"]]
    assert density[0] == pytest.approx(1 - np.exp(-3 / 4 / 1.2), abs=1e-4) and density[1] == 1


def test_follow_hears_drums_that_are_written_in_the_same_request(composer: LearnedComposer) -> None:
    shares = []
    for steering in (Steering(follow="drums"), Steering()):
        score = written(composer, steering)
        kicks = {note.start for note in score.part("drums") if note.pitch == 36}
        onsets = {note.start for note in score.part("bass")}
        shares.append(len(onsets & kicks) / len(onsets))
    assert shares[0] > 1.5 * shares[1]


def test_an_answer_leaves_room_and_takes_up_the_motif(composer: LearnedComposer, tiny_composer: Path) -> None:
    """A piano melody of two busy beats and two of rest, in every bar."""
    melody = tuple(
        Note("piano", Fraction(bar * 4) + Fraction(step, 4), Fraction(1, 4), 72 + step, 90)
        for bar in range(8)
        for step in range(8)
    )
    known = Score(melody)

    def in_gaps(score: Score) -> float:
        notes = score.part("guitar")
        return sum(note.start % 4 >= 2 for note in notes) / len(notes)

    answering = written(composer, Steering(answer="piano"), known=known)
    assert in_gaps(answering) > in_gaps(written(composer, known=known)) + 0.2
    again, calls = recording(tiny_composer)
    written(again, Steering(answer="piano"), known=known)
    recalled = [call for call in calls if (call["write"][:, 0] == 2).any()]
    gaps = [call["recall"][2, 2] for call in recalled if call["likeness"][2, 2] > 0]
    assert gaps and all((gap[:4, 0] == [0, 3, 6, 9]).all() for gap in gaps)  # the melody's rhythm
    assert all(call["likeness"][2, 0] == 0 for call in recalled[:1])  # not where it sounds


def some_groove(late_s: float, accent: int) -> Score:
    return Score(tuple(
        Note("drums", Fraction(place, 2), Fraction(1, 4), 42, 80 + (accent if place % 2 else -accent), late_s)
        for place in range(32)
    ))  # fmt: skip


def test_a_groove_gives_timing_and_accents(composer: LearnedComposer) -> None:
    plain = written(composer)
    score = written(composer, Steering(groove=some_groove(0.02, 30)))
    for one, two in zip(plain.part("piano"), score.part("piano"), strict=True):
        assert (one.start, one.pitch) == (two.start, two.pitch)
    on = [n for n in score.part("piano") if n.start % 1 == 0]
    off = [n for n in score.part("piano") if n.start % 1 == Fraction(1, 2)]
    assert np.mean([n.shift_s for n in on + off]) == pytest.approx(0.02, abs=0.003)
    assert np.mean([n.velocity for n in off]) > np.mean([n.velocity for n in on]) + 20


def test_like_recalls_another_score_on_the_chords_at_hand(composer: LearnedComposer, tiny_composer: Path) -> None:
    riff = [(Fraction(0), 45), (Fraction(3, 4), 48), (Fraction(3, 2), 45), (Fraction(5, 2), 43), (Fraction(7, 2), 40)]
    like = Score(
        tuple(Note("bass", bar * 4 + beat, Fraction(1, 2), pitch, 90) for bar in range(2) for beat, pitch in riff),
        chords_over("Am", Selection.from_bars(2, "120", "4/4", 44100)),
    )
    again, calls = recording(tiny_composer)
    score = written(again, Steering(like=like))
    alike = np.concatenate([call["likeness"][0] for call in calls])
    np.testing.assert_allclose(alike[alike > 0], 0.6, atol=1e-6)
    onsets = {(note.start % 4) for note in score.part("bass")}
    assert {Fraction(3, 4), Fraction(3, 2), Fraction(5, 2)} <= onsets
    first = next(c for c in calls if c["likeness"][0, :16].all())
    places = [first["recall"][0, 4 * bar, 0, 1] + 21 for bar in range(4)]
    assert [int(place) % 12 for place in places] == [9, 5, 0, 7]  # A, F, C, G: the riff's first note under each chord
    plain = written(composer)
    assert score.part("guitar") != score.part("bass") != plain.part("bass")


@pytest.mark.parametrize(("swing", "place"), [(0.0, Fraction(1, 2)), (0.5, Fraction(7, 12)), (1.0, Fraction(2, 3))])
def test_swing_sets_the_off_beats(composer: LearnedComposer, swing: float, place: Fraction) -> None:
    score = written(composer, Steering(swing=swing))
    places = [note.start % 1 for note in score.notes]
    off = [at for at in places if at in (Fraction(1, 2), Fraction(7, 12), Fraction(2, 3))]
    assert off.count(place) > 0.9 * len(off) > 30  # the others belong to real triplets
    assert len(score.notes) > 100 and places.count(Fraction(0)) > 60  # beats stay where they are


def test_silence_may_be_asked_for_and_the_end_of_a_score_is_its_own(composer: LearnedComposer) -> None:
    quiet = written(composer, Steering(density={"drums": 0.0, "": 1.0}))
    loud = written(composer, Steering(density={"drums": 1.0, "": 0.0}))
    assert len(quiet.part("drums")) < 0.7 * len(loud.part("drums"))
    assert len(quiet.part("bass")) > 1.3 * len(loud.part("bass"))


def test_the_arranger_swings_and_grooves_too(tiny: Path) -> None:
    arranged = LearnedComposer(Runtime(Bundle.load(tiny), threads=1))
    drums = given_drums()
    score = written(arranged, Steering(swing=1.0, groove=some_groove(0.02, 0)), known=drums, genre="rock")
    assert score.part("drums") == drums.notes  # what is given stays
    eighths = [note for note in score.part("bass") if note.start % 1 in (Fraction(1, 2), Fraction(2, 3))]
    assert eighths and all(note.start % 1 == Fraction(2, 3) for note in eighths)
    late = [note.shift_s for note in score.part("piano") if note.start % 1 == 0]
    assert np.mean(late) == pytest.approx(0.02, abs=0.006)


def test_quantize_draws_the_timing_to_the_grid(tiny: Path) -> None:
    """The same notes, each by so much nearer to the grid; what is given keeps its own timing."""
    arranged = LearnedComposer(Runtime(Bundle.load(tiny), threads=1))
    drums = given_drums()
    drums = drums.with_notes([replace(note, shift_s=0.011) for note in drums.notes])
    played, half, exact = (
        written(arranged, Steering(quantize=share), known=drums, genre="funk") for share in (None, 0.5, 1.0)
    )
    shifts = [note.shift_s for note in played.part("guitar")]
    assert sum(abs(shift) > 0.004 for shift in shifts) > 10
    assert [note.shift_s for note in half.part("guitar")] == pytest.approx([shift / 2 for shift in shifts])
    assert {note.shift_s for part in ("bass", "guitar", "piano") for note in exact.part(part)} == {0.0}
    assert exact.part("drums") == played.part("drums") == drums.notes
    assert [(note.start, note.pitch) for note in exact.notes] == [(note.start, note.pitch) for note in played.notes]


def test_quantize_holds_for_the_model_as_well(composer: LearnedComposer) -> None:
    """A groove that is asked for comes after: the model's own timing goes to the grid, the groove's stays."""
    groove = some_groove(0.02, 0)
    both, groove_alone = (
        written(composer, Steering(groove=groove, quantize=share), genre="rock") for share in (1.0, None)
    )
    assert any(note.shift_s for note in both.part("piano"))
    assert both.part("piano") == groove_alone.part("piano")  # the stand-in itself plays on the grid
