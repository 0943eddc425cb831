"""Cells: there and back, odd bars, players' timing, and what is told beside the notes."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonicflow.core.tempo import MeterMap, Selection, TempoMap
from harmonicflow.score.arrange import Arranger, ComposeRequest
from harmonicflow.score.cell_features import (
    CONTROL_COLUMNS,
    HARMONY_COLUMNS,
    TIME_COLUMNS,
    control_features,
    harmony_features,
    measured_controls,
    section_kind,
    style_features,
    time_features,
)
from harmonicflow.score.cell_recall import likeness_of, moved_to_roots
from harmonicflow.score.cells import (
    CELL_PARTS,
    DURATIONS,
    NOTES,
    PLACE,
    SIZES,
    SLOT,
    TIMING,
    cells_of,
    grid_of,
    notes_of,
)
from harmonicflow.score.chords import ChordSpan, parse_chord
from harmonicflow.score.keys import Key
from harmonicflow.score.score import Note, Score, Section

FOUR = Selection.from_bars(4, 120, "4/4", 44100)
SEVEN = Selection.from_bars(4, 120, "7/8", 44100)


def back(tokens: np.ndarray, selection: Selection) -> list[Note]:
    grid = grid_of(selection)
    return [note for row, part in enumerate(CELL_PARTS) for note in notes_of(part, tokens[row], grid)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(CELL_PARTS), st.integers(0, 167), st.sampled_from(DURATIONS), st.integers(36, 60),
            st.integers(1, 127), st.integers(-8, 8),
        ),
        max_size=40, unique_by=lambda row: (row[0], row[1], row[3]),
    )
)  # fmt: skip
def test_notes_on_the_grid_come_back(rows: list[tuple[str, int, int, int, int, int]]) -> None:
    # Slots between sixteenths and triplets are left out: with some timing they are another slot, just as they sound.
    rows = [row for row in rows if row[1] % 12 in (0, 3, 6, 9) and row[0] != "drums"]
    notes = [Note(p, Fraction(s, 12), Fraction(d, 12), pitch, v, t * 0.0025) for p, s, d, pitch, v, t in rows]
    tokens = cells_of(Score(tuple(notes)), grid_of(SEVEN))
    found = {(note.instrument, note.start, note.pitch): note for note in back(tokens, SEVEN)}
    kept = [note for note in notes if note.start < 14]
    assert len(found) == len({(note.instrument, note.start, note.pitch) for note in kept})
    for note in kept:
        other = found[note.instrument, note.start, note.pitch]
        assert other.duration == note.duration
        assert abs(other.velocity - note.velocity) <= 7
        assert abs(other.shift_s - note.shift_s) <= 0.0026


def test_the_last_cell_of_a_bar_of_seven_eighths_is_half_as_long() -> None:
    grid = grid_of(SEVEN)
    assert grid.cells == 16
    assert [float(length) for length in grid.lengths[:5]] == [1, 1, 1, 0.5, 1]
    assert list(grid.beat[:5]) == [0, 1, 2, 3, 0]
    early = Note("bass", Fraction(7, 2), Fraction(1), 40, 100, -0.01)
    tokens = cells_of(Score((early,)), grid)[0]
    assert tokens[4, 0, SLOT] == 0 and tokens[4, 0, TIMING] < 8, "a little before the bar line is on it"


def test_an_early_note_and_a_swung_one_keep_their_time() -> None:
    # 8 of 12 is the triplet; 0.6 of a beat lies nearest to 7 of 12, and 8 ms later.
    for beat in (0.5, 2 / 3, 0.6, 0.25, 0.27, 0.98):
        shift = beat - int(beat * 4) / 4
        note = Note("piano", 4 + Fraction(int(beat * 4), 4), Fraction(1, 4), 60, 80, shift * 0.5)
        tokens = cells_of(Score((note,)), grid_of(FOUR))
        (found,) = back(tokens, FOUR)
        assert float(found.start) * 0.5 + found.shift_s == pytest.approx((4 + beat) * 0.5, abs=0.0026)


def test_every_token_is_inside_its_table_and_sorted() -> None:
    score = Arranger().compose(ComposeRequest(FOUR, genre="funk", seed=1))
    tokens = cells_of(score, grid_of(FOUR))
    there = tokens[..., SLOT] >= 0
    for field, size in enumerate(SIZES):
        assert tokens[there][:, field].min() >= 0 and tokens[there][:, field].max() < size
    order = tokens[..., SLOT].astype(int) * 100 + tokens[..., PLACE]
    both = there[..., 1:] & there[..., :-1]
    assert (np.diff(order, axis=-1)[both] > 0).all()
    assert not (there[..., 1:] & ~there[..., :-1]).any(), "a hole between notes"
    assert there.sum() == len({(n.instrument, n.start, n.shift_s, n.pitch) for n in score.notes})


def test_of_too_many_notes_the_first_are_seen() -> None:
    notes = tuple(Note("piano", Fraction(slot, 12), Fraction(1, 12), 50 + place, 80) for slot in (0, 3, 6, 9)
                  for place in range(6))  # fmt: skip
    tokens = cells_of(Score(notes), grid_of(FOUR))
    assert (tokens[CELL_PARTS.index("piano"), 0, :, SLOT] >= 0).sum() == NOTES


def test_a_tempo_change_changes_what_a_late_note_is() -> None:
    tempo = TempoMap.from_changes([(0, 60), (4, 240)], 44100)
    selection = Selection(44100, 0, round(float(tempo.frame_at(12))), tempo, MeterMap.constant("4/4"))
    late = [Note("bass", Fraction(beat), Fraction(1), 40, 90, 0.015) for beat in (0, 8)]
    tokens = cells_of(Score(tuple(late)), grid_of(selection))[0]
    assert tokens[0, 0, TIMING] == tokens[8, 0, TIMING] == 11
    assert [bpm for bpm in grid_of(selection).bpm[[0, 8]]] == [60, 240]


def test_harmony_says_this_chord_and_the_next() -> None:
    names = ("Am7", "D/F#")
    spans = [ChordSpan(Fraction(2 * place), Fraction(2), parse_chord(name)) for place, name in enumerate(names)]
    told = harmony_features(spans, Key(9, "minor"), grid_of(FOUR))
    assert told[0, HARMONY_COLUMNS["root"]].argmax() == 9
    assert set(np.flatnonzero(told[0, HARMONY_COLUMNS["pitches"]])) == {9, 0, 4, 7}
    assert told[2, HARMONY_COLUMNS["bass"]].argmax() == 6 and told[1, HARMONY_COLUMNS["next_root"]].argmax() == 2
    assert told[5, HARMONY_COLUMNS["chord"]] == 0 and told[5, HARMONY_COLUMNS["tonic"]].argmax() == 9


def test_sections_and_energy_are_told_by_bar() -> None:
    sections = (Section(Fraction(0), Fraction(8), "Intro"), Section(Fraction(8), Fraction(8), "Chorus 2"))
    energy = np.where(np.arange(16) < 8, 0.25, np.nan).astype(np.float32)
    told = time_features(grid_of(FOUR), sections, energy)
    assert told[0, TIME_COLUMNS["section"]].argmax() == 0 and told[9, TIME_COLUMNS["section"]].argmax() == 3
    assert list(told[:, TIME_COLUMNS["section_last"].start]) == [0] * 4 + [1] * 4 + [0] * 4 + [1] * 4
    assert told[0, TIME_COLUMNS["energy"]].tolist() == [0.25, 1] and told[12, TIME_COLUMNS["energy"]].tolist() == [0, 0]
    assert section_kind("pre-chorus") == "prechorus" and section_kind("zzz") == "other"


def test_controls_measure_what_they_name() -> None:
    def one(name: str, **more: object) -> float:
        beats = [Fraction(beat) for beat in range(16)] + [Fraction(beat) + Fraction(1, 4) for beat in range(8)]
        some = more.get("beats", beats)
        notes = tuple(Note("piano", b, Fraction(1, 4), int(more.get("pitch", 60)), int(more.get("velocity", 64)))
                      for b in some)  # fmt: skip
        found = measured_controls(cells_of(Score(notes), grid_of(FOUR)), grid_of(FOUR))
        return float(found[name][CELL_PARTS.index("piano")][0])

    assert one("density") > one("density", beats=[Fraction(0), Fraction(2)])
    assert one("complexity") > one("complexity", beats=[Fraction(beat) for beat in range(4)]) == 0
    assert one("register", pitch=72) > one("register", pitch=48)
    assert one("loudness", velocity=110) > one("loudness", velocity=50)
    silent = measured_controls(cells_of(Score(), grid_of(FOUR)), grid_of(FOUR))
    assert (silent["density"] == 0).all() and np.isnan(silent["loudness"]).all()
    told = control_features(silent)
    assert told[..., CONTROL_COLUMNS["density"].start + 1].all() and not told[..., CONTROL_COLUMNS["loudness"]].any()


def test_a_genre_nobody_knows_is_not_told() -> None:
    assert style_features("polka", None).sum() == 0
    assert style_features("jazz", (-0.5, 0.25))[-3:].tolist() == [-0.5, 0.25, 1]


def test_recall_moves_to_the_chord_and_likeness_counts_onsets() -> None:
    notes = tuple(Note("bass", Fraction(beat), Fraction(1), 40, 90) for beat in range(4))
    tokens = cells_of(Score((*notes, Note("drums", Fraction(0), Fraction(1), 36, 90))), grid_of(FOUR))[:, :4]
    spans = {name: [ChordSpan(Fraction(0), Fraction(16), parse_chord(name))] for name in ("E", "G", "C#")}
    told = {name: harmony_features(chords, None, grid_of(FOUR))[:4] for name, chords in spans.items()}
    up = moved_to_roots(tokens, told["E"], told["G"])
    assert (up[0, :, 0, PLACE] == 43 - 21).all() and (up[1, 0, 0] == tokens[1, 0, 0]).all()
    assert (moved_to_roots(tokens, told["E"], told["C#"])[0, :, 0, PLACE] == 37 - 21).all(), "the shorter way"
    assert likeness_of(tokens, tokens).tolist() == [1, 1, 1, 1]
    assert likeness_of(tokens, up)[0] == 0
    half = tokens.copy()
    half[0, 2:] = -1
    assert likeness_of(tokens, half)[0] == pytest.approx(2 * 2 / 6)
