"""The rolls against a slow copy of their definition, and against time itself."""

import time
from fractions import Fraction

import numpy as np
import pytest

from harmonicflow.core.constants import HOP, LATENT_RATE, SAMPLE_RATE
from harmonicflow.core.instruments import drum_class
from harmonicflow.core.tempo import Selection, TempoMap
from harmonicflow.score.rolls import SCORE_WIDTH, NoteArrays, note_arrays, score_features, score_features_seconds
from harmonicflow.score.score import Note, Score

STEMS = ("bass", "drums", "guitar", "piano")


def slow(notes: NoteArrays, stems: tuple[str, ...], frames: int) -> np.ndarray:
    """The definition, note by note and frame by frame."""
    out = np.zeros((len(stems), frames, SCORE_WIDTH), np.float32)
    out[:, :, -1] = 1
    rows = sorted(zip(*notes, strict=True), key=lambda row: -row[1])
    newest = set()
    for stem, onset_s, offset_s, pitch, velocity in rows:
        place = drum_class(int(pitch)) if stems[stem] == "drums" else pitch - 21
        offset_s = onset_s + 0.5 if stems[stem] == "drums" else offset_s
        level = velocity / 127
        for frame in range(frames):
            begins, ends = frame / LATENT_RATE, (frame + 1) / LATENT_RATE
            row = out[stem, frame]
            if onset_s < ends and offset_s > begins:
                row[place] = max(row[place], level)
                row[264 + place] = max(row[264 + place], level * np.exp(-(ends - onset_s) / 0.5))
                hertz = 40.0 if stems[stem] == "drums" else 440 * 2 ** ((pitch - 69) / 12)
                if (stem, frame, place) not in newest:  # rows come from the latest onset to the earliest
                    newest.add((stem, frame, place))
                    row[352 + place] = hertz * ((begins + ends) / 2 - onset_s) % 1
            if begins <= onset_s < ends:
                row[88 + place] = max(row[88 + place], level)
                row[176 + place] = (onset_s - begins) * LATENT_RATE
    for plane in range(5):
        places = out[stems.index("drums")][:, 88 * plane : 88 * (plane + 1)]
        for octave in range(1, 5):
            again = places[:, :16] * (2**octave if plane == 4 else 1)
            places[:, 16 * octave : 16 * (octave + 1)] = again % 1 if plane == 4 else again
    return out


def drawn(count: int, seconds: float, seed: int) -> NoteArrays:
    rng = np.random.default_rng(seed)
    onset = rng.uniform(0, seconds, count)
    return NoteArrays(
        rng.integers(0, 4, count), onset, onset + rng.uniform(0.01, 1.5, count), rng.integers(21, 109, count),
        rng.integers(1, 128, count),
    )  # fmt: skip


def close(found: np.ndarray, wanted: np.ndarray) -> None:
    """The same rolls; a phase of almost one is almost nought."""
    assert found[..., :352] == pytest.approx(wanted[..., :352], abs=1e-5)
    turn = np.abs(found[..., 352:440] - wanted[..., 352:440])
    assert np.minimum(turn, 1 - turn).max() < 1e-4
    assert (found[..., 440] == wanted[..., 440]).all()


@pytest.mark.parametrize("seed", range(4))
def test_equal_to_the_definition(seed: int) -> None:
    notes = drawn(80, 4.0, seed)
    close(score_features_seconds(notes, STEMS, 80), slow(notes, STEMS, 80))


@pytest.mark.parametrize("first", [1, 17, 60])
def test_a_window_is_a_slice_of_the_whole(first: int) -> None:
    notes = drawn(200, 6.0, 9)
    whole = score_features_seconds(notes, STEMS, 129)
    close(score_features_seconds(notes, STEMS, 40, first), whole[:, first : first + 40])


def test_a_planted_note_lies_in_its_frames() -> None:
    selection = Selection.from_bars(2, 120, "4/4", 48_000)
    note = Note("piano", Fraction(2), Fraction(1), 69, 127, shift_s=0.01)  # at 1.01 s for half a second
    roll = score_features(Score((note,)), selection, STEMS, 86)[3]
    frame = int(1.01 * SAMPLE_RATE) // HOP
    assert np.flatnonzero(roll[:, 88 + 48]).tolist() == [frame]
    assert roll[frame, 88 + 48] == 1
    assert roll[frame, 176 + 48] == pytest.approx(1.01 * LATENT_RATE - frame, abs=1e-4)
    assert np.flatnonzero(roll[:, 48]).tolist() == list(range(frame, int(1.51 * SAMPLE_RATE) // HOP + 1))
    assert roll[:, :352].sum() == pytest.approx(roll[:, [48, 88 + 48, 176 + 48, 264 + 48]].sum())
    assert (np.diff(roll[frame:, 264 + 48]) <= 0).all() and roll[frame, 264 + 48] > 0.9


@pytest.mark.parametrize("pitch", [33, 69, 100])
def test_the_phase_plane_says_where_the_tone_is(pitch: int) -> None:
    onset = 0.3217
    notes = NoteArrays(*(np.array([value]) for value in (3, onset, onset + 1.0, pitch, 100)))
    roll = score_features_seconds(notes, STEMS, 40)[3]
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    centres = (np.arange(40) + 0.5) / LATENT_RATE
    sounding = roll[:, pitch - 21] > 0
    tone = np.sin(2 * np.pi * hertz * (centres - onset))
    assert sounding.sum() > 20
    assert np.sin(2 * np.pi * roll[sounding, 352 + pitch - 21]) == pytest.approx(tone[sounding], abs=1e-4)


def test_seconds_follow_the_tempo_map() -> None:
    tempo = TempoMap.from_changes([(0, 60), (2, 120), (5, "97.3")], 44_100, start_frame=1000)
    selection = Selection(44_100, 1000, 500_000, tempo)
    notes = [Note("bass", Fraction(n, 3), Fraction(1, 3), 40, 90) for n in range(30)]
    columns = note_arrays(Score(tuple(notes)), selection, STEMS)
    assert columns.onset_s == pytest.approx([float(selection.frame_at_beat(n.start)) / 44_100 for n in notes], abs=1e-9)
    assert columns.offset_s == pytest.approx([float(selection.frame_at_beat(n.end)) / 44_100 for n in notes], abs=1e-9)


def test_drums_are_classes_and_last_half_a_second() -> None:
    columns = NoteArrays(np.array([1]), np.array([0.0]), np.array([0.01]), np.array([40]), np.array([127]))
    roll = score_features_seconds(columns, STEMS, 30)[1]
    assert np.flatnonzero(roll[:, 1]).tolist() == list(range(11))  # 40 is a snare, class 1; 11 frames hold 0.5 s
    assert roll[11:, :88].sum() == 0


def test_absent_scores_and_empty_ones_differ() -> None:
    empty = NoteArrays(*(np.zeros(0) for _ in range(5)))
    rolls = score_features_seconds(empty, STEMS, 5, present=(True, False, True, True))
    assert rolls[:, :, -1].tolist() == [[1] * 5, [0] * 5, [1] * 5, [1] * 5]
    assert rolls[:, :, :-1].sum() == 0


def test_twelve_seconds_take_under_twenty_milliseconds() -> None:
    selection = Selection.from_seconds(0, 12, 44_100, 120)
    notes = [Note(STEMS[n % 4], Fraction(n, 24), Fraction(1, 2), 40 + n % 40, 90) for n in range(560)]
    score = Score(tuple(notes))
    took = []
    for _ in range(7):
        begun = time.process_time()
        score_features(score, selection, STEMS, 259)
        took.append(time.process_time() - begun)
    assert min(took) < 0.02
