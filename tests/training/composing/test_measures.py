"""Harmony, groove, repetition, copying, coding and moods: planted answers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from harmonicflow.score.arrange import Arranger, ComposeRequest
from harmonicflow.score.score import Score
from training.composing import coded, copying, emotion, groove, harmony, kept, likeness
from training.composing.pieces import SHIFT, START, VELOCITY, Piece, score_of, transposed
from training.composing.players import Deaf, Noise, free_request, made, request_of, whole_bars

from .planted import Row, band, piece

# ------------------------------------------------------------------------------------------------------------ harmony


def test_shares_of_chord_and_scale_are_those_planted() -> None:
    rows: list[Row] = [(0, 1, 60, 90, 0), (1, 1, 62, 90, 0), (2, 2, 64, 90, 0), (4, 4, 61, 90, 0)]
    one = piece({"piano": rows}, 2, chords=((0.0, 6.0, "C"),), key="C major", human=("piano",))
    found = harmony.fits([one])
    assert found["chord_onsets"]["piano"] == pytest.approx(2 / 4)  # C and E; D is the scale's, C# is neither's
    assert found["scale_onsets"]["piano"] == pytest.approx(3 / 4)
    assert found["chord_time"]["all"] == pytest.approx(3 / 6)  # the C# sounds for two of its beats under the chord
    assert harmony.fits([one], human_only=True) == found
    assert harmony.fits([replace(one, human=())], human_only=True)["chord_time"] == {}


def test_moved_chords_are_told_apart() -> None:
    song = made(Arranger(), free_request("pop", 4, 1)).piece
    own, moved = (harmony.fits([p])["chord_onsets"]["all"] for p in (song, harmony.misled(song)))
    assert own > 0.8 and moved < 0.3


# ------------------------------------------------------------------------------------------------------------- groove


def swung(ratio: float, bars: int = 8, spread_s: float = 0.0) -> Piece:
    long = ratio / (1 + ratio)
    rng = np.random.default_rng(0)
    rows: list[Row] = []
    for beat in range(bars * 4):
        for place in (0.0, long):
            at = beat + place
            rows.append((np.floor(at * 4) / 4, 0.2, 42, int(rng.integers(50, 100)),
                         (at - np.floor(at * 4) / 4) * 0.5 + float(rng.normal(0, spread_s))))  # fmt: skip
    return piece({"drums": rows}, bars, genre="jazz", human=("drums",))


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_a_swing_is_measured_however_it_is_written(ratio: float) -> None:
    assert groove.statistics(swung(ratio), "drums")["swing"] == pytest.approx(ratio, rel=1e-3)


def test_statistics_are_those_planted() -> None:
    found = groove.statistics(swung(1.0, 40, 0.008), "drums")
    assert found["timing_ms"] == pytest.approx(8, rel=0.15)
    assert found["offbeat"] == 0.5 and found["density"] == pytest.approx(2.0)
    assert found["velocity_range"] == pytest.approx(40, abs=2)
    assert groove.statistics(groove.mechanical(swung(1.0, 40, 0.008)), "drums")["timing_ms"] == 0


def test_what_lies_outside_peoples_spread_is_said() -> None:
    people = groove.gather([swung(ratio, 32, 0.006) for ratio in (1.5, 1.6, 1.7)])
    rows = groove.compare(people, groove.gather([swung(1.6, 16, 0.006)]))
    assert groove.inside(rows) == 1.0 and {row["statistic"] for row in rows} == set(groove.STATISTICS)
    straight = groove.compare(people, groove.gather([groove.mechanical(swung(1.6, 16, 0.006))]))
    assert {row["statistic"] for row in straight if not row["inside"]} >= {"velocity_range", "timing_ms", "swing"}


# --------------------------------------------------------------------------------------------------------- repetition


def test_a_loop_is_known_for_one_and_a_song_is_not() -> None:
    song = band(40, 1)
    loop = likeness.looped(song, bars=2)
    names = ("bass", "drums", "piano")
    free, looped = (likeness.figures(p, names) for p in (song, loop))
    assert looped["lag_8"] == 1 and looped["lag_4"] == 1 and looped["lag_1"] < 0.9
    assert looped["longest"] == 38 and looped["all_of_it"] == pytest.approx(38 / 39)
    assert looped["repeated"] == pytest.approx(35 / 37) and free["repeated"] == 0 and free["longest"] == 0


def test_likeness_is_the_f1_of_what_is_struck() -> None:
    rows: list[Row] = [(0, 1, 40, 90, 0), (1, 1, 41, 90, 0.004), (4, 1, 40, 50, 0), (5.5, 1, 41, 90, 0)]
    bars = likeness.bars_of(piece({"bass": rows}, 3), ("bass",))
    assert likeness.alike(bars[0], bars[1]) == pytest.approx(2 * 1 / 4)
    assert likeness.similarity(bars, 1) == pytest.approx((0.5 + 0.0) / 2)
    assert likeness.alike(bars[2], bars[2]) is None


def test_one_literal_return_is_not_the_whole() -> None:
    song = band(32, 2)
    first = {name: part[part[:, START] < 32] for name, part in song.parts.items()}
    moved = {name: part + np.array([64.0, 0, 0, 0, 0]) for name, part in first.items()}
    rest = {name: part[~((part[:, START] >= 64) & (part[:, START] < 96))] for name, part in song.parts.items()}
    returning = replace(song, parts={name: np.concatenate([rest[name], moved[name]]) for name in rest})
    found = likeness.figures(returning, ("bass", "drums", "piano"))
    assert found["longest"] == 8 and found["repeated"] == pytest.approx(5 / 29)


# ------------------------------------------------------------------------------------------------------------ copying


def test_planted_copies_are_found_and_fresh_songs_are_not() -> None:
    train = [band(12, seed) for seed in range(6)]
    index = copying.Index.of(train)
    rng = np.random.default_rng(0)
    copies = [copying.planted(song, 3, rng) for song in train]
    assert {part: copying.rate(counts)[0] for part, counts in index.shared(copies).items()} == {
        "bass": 1.0, "drums": 1.0, "piano": 1.0, "whole": 1.0,
    }  # fmt: skip
    fresh = index.shared([band(12, seed) for seed in range(100, 104)])
    assert all(copying.rate(counts)[0] == 0 for counts in fresh.values()) and set(fresh) >= {"bass", "whole"}


def test_one_note_more_is_no_copy_and_a_transposed_part_is_one() -> None:
    song = band(4, 7)
    index = copying.Index.of([song])
    moved = replace(song, parts=song.parts | {"bass": transposed(song, 5).part("bass")})
    shared = {part: copying.rate(counts)[0] for part, counts in index.shared([moved]).items()}
    assert shared["bass"] == shared["piano"] == 1 and shared["whole"] == 0  # the parts moved against each other
    more = np.concatenate([song.part("bass"), [[0.3, 0.2, 33, 90, 0.0]]])
    assert copying.rate(index.shared([replace(song, parts={"bass": more}).cut(0, 2)])["bass"])[0] == 0


def test_the_error_of_a_rate_has_songs_as_its_units() -> None:
    share, error = copying.rate([(1, 10), (3, 10), (2, 10), (2, 10)])
    assert share == pytest.approx(0.2)
    assert error == pytest.approx(stats.sem([0.1, 0.3, 0.2, 0.2]))
    assert copying.allowed([(1, 10), (3, 10)], [(2, 10), (2, 10)]) == pytest.approx(0.2 + 2 * stats.sem([0.1, 0.3]))


# -------------------------------------------------------------------------------------------------- cells and moods


def test_cells_keep_what_is_on_their_grid_and_late_notes_are_missed() -> None:
    song = band(4, 8)
    back = coded.there_and_back(song)
    found = coded.compare([(song, back)])
    assert found["bass"]["f1"] == 1 and found["piano"]["f1"] == 1 and found["all"]["timing_ms"] == 0
    assert found["drums"]["f1"] > 0.97  # two drums of one class on one slot are one note
    assert found["piano"]["velocity"] <= 4 and found["piano"]["duration_octaves"] == 0
    assert coded.compare([(song, coded.late(back, 0.13))])["piano"]["f1"] < 0.5


def test_a_note_is_matched_once() -> None:
    one = piece({"bass": [(0, 1, 40, 90, 0), (0.05, 1, 40, 90, 0)]}, 1)
    other = piece({"bass": [(0, 1, 40, 90, 0.01)]}, 1)
    assert coded.match(one, other, "bass") == [(0, 0)]


def test_rank_correlation_is_scipys() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 5, 60).astype(float), rng.integers(0, 9, 60).astype(float)
    assert emotion.spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic)
    assert emotion.spearman(a, np.ones(60)) == 0


def test_ties_rise_and_falls_do_not() -> None:
    assert emotion.rises([0.4, 0.4, 1, 1, 1]) and emotion.rises([1, 2, 1.97, 3, 4])
    assert not emotion.rises([1, 2, 1.5, 3, 4]) and not emotion.rises([1, 1, 1, 1, 1])


def test_a_composer_that_is_not_told_the_mood_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emotion, "GENRES", ("pop",))
    monkeypatch.setattr(emotion, "BARS", 2)
    told, deaf = (emotion.verdict(list(emotion.sweep(c, 1))) for c in (Arranger(), Deaf(Arranger())))
    moved = {(row["what"], row["with"]): row["monotonic"] for row in told}
    assert moved["loudness", "arousal"] and moved["tempo", "arousal"] and moved["tempo", "valence"]
    assert not any(row["monotonic"] for row in deaf)
    assert {(row["what"], row["with"]) for row in told} == set(emotion.DIRECTIONS)


# --------------------------------------------------------------------------------------------------- kept and players


class Careless:
    """Fills the hole, and loses a note elsewhere now and then."""

    def compose(self, request: ComposeRequest) -> Score:
        score = Arranger().compose(request)
        outside = [note for note in request.known.notes if note.instrument not in request.stems]
        return score.with_notes(note for note in score.notes if not outside or note != outside[0])


def test_what_the_arranger_keeps_and_a_careless_one_loses() -> None:
    songs = [replace(band(8, seed), chords=((0.0, 32.0, "Am"),)) for seed in range(3)]
    good, bad = (kept.check(composer, songs, 8, 0) for composer in (Arranger(), Careless()))
    assert good.exact == good.masks == 8 and good.changed == good.strange == 0 and good.rewritten > 4
    assert bad.exact < 8 and bad.changed > 0 and bad.notes == good.notes


def test_a_note_that_moves_is_lost_and_strange() -> None:
    song = band(4, 9)
    known = score_of(song)
    moved = [replace(note, shift_s=0.001) if number == 0 else note for number, note in enumerate(known.notes)]
    found = kept.Kept()
    kept.compare(found, known, known.with_notes(moved), (), (Fraction(0), Fraction(1)))
    assert (found.exact, found.changed, found.strange) == (0, 1, 1)


def test_requests_ask_for_everything_but_the_notes() -> None:
    song = replace(band(8, 10), genre="jazz", sections=((0.0, 16.0, "verse"), (16.0, 32.0, "chorus")))
    request = request_of(song, 3)
    assert not request.known.notes and request.genre == "jazz" and str(request.key) == "C major"
    found = made(Noise(), request, song, "n").piece
    assert (
        found.chords == song.chords and found.human == () and set(found.parts) == {"bass", "drums", "guitar", "piano"}
    )
    assert harmony.fits([found])["chord_onsets"]["all"] < 0.5


def test_the_busiest_bars_are_shown() -> None:
    song = band(12, 11)
    late = {name: part[part[:, START] >= 16] for name, part in song.parts.items()}
    cut = whole_bars(replace(song, parts=late), 8)
    assert cut is not None and len(cut.part("bass")) == len(late["bass"])
    assert whole_bars(song, 13) is None and (cut.part("bass")[:, VELOCITY : SHIFT + 1] >= 0).all()
