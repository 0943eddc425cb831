"""The probes against planted signals: exact attacks, known pitches, known chords; and against wrong ones."""

from __future__ import annotations

import numpy as np
import pytest

from harmonicflow.analysis.metrics import (
    Counts,
    beat_resultants,
    chord_score,
    f1_score,
    matches,
    merged_onsets,
    offsets_s,
    onset_counts,
    onsets,
    pitch_counts,
    spread,
)
from harmonicflow.score.chords import parse_chord

RATE = 44100


def drum_hits(times_s, seconds, rate=RATE, seed=0):
    """Bursts of noise that die away in about 30 ms, of uneven loudness, on a quiet floor."""
    rng = np.random.default_rng(seed)
    out = 1e-4 * rng.standard_normal(round(seconds * rate))
    for time in times_s:
        start = round(time * rate)
        length = min(round(0.15 * rate), len(out) - start)
        envelope = np.exp(-np.arange(length) / (0.03 * rate))
        out[start : start + length] += rng.uniform(0.1, 0.5) * envelope * rng.standard_normal(length)
    return out.astype(np.float32)


@pytest.fixture(scope="module")
def uneven():
    """Times with no grid: 60 to 400 ms apart."""
    return 0.2 + np.cumsum(np.random.default_rng(5).uniform(0.06, 0.4, 40))


@pytest.mark.parametrize("rate", [22050, 44100, 48000])
def test_hits_are_heard_within_three_milliseconds(uneven, rate):
    heard = onsets(drum_hits(uneven, uneven[-1] + 1, rate), rate)
    assert onset_counts(uneven, heard, 0.02).f1 >= 0.95
    late = offsets_s(uneven, heard)
    assert np.abs(late).max() < 0.006 and abs(np.median(late)) < 0.003


def test_plucked_notes_are_heard_within_ten_milliseconds(play, uneven):
    rng = np.random.default_rng(2)
    notes = [(t, 0.5, int(rng.integers(40, 76)), 60 + int(rng.integers(60))) for t in uneven]
    heard = onsets(play(notes, uneven[-1] + 1, overtones=30), RATE)
    assert onset_counts(uneven, heard, 0.02).f1 >= 0.9
    median, iqr = spread(offsets_s(uneven, heard))
    assert abs(median) < 0.01 and iqr < 0.006


def test_a_planted_delay_is_measured_to_the_millisecond(uneven):
    sound = drum_hits(uneven, uneven[-1] + 1)
    late = np.pad(sound, (round(0.013 * RATE), 0))
    difference = np.median(offsets_s(uneven, onsets(late, RATE))) - np.median(offsets_s(uneven, onsets(sound, RATE)))
    assert difference == pytest.approx(0.013, abs=0.0015)


def test_onsets_rank_the_ladder(uneven):
    true = onset_counts(uneven, onsets(drum_hits(uneven, 12), RATE), 0.02).f1
    shifted = onset_counts(uneven, onsets(drum_hits(uneven + 0.0625, 12), RATE), 0.02).f1
    other = 0.2 + np.cumsum(np.random.default_rng(77).uniform(0.06, 0.4, 40))
    shuffled = onset_counts(uneven, onsets(drum_hits(other, 12), RATE), 0.02).f1
    noise = 0.1 * np.random.default_rng(1).standard_normal(12 * RATE)
    assert true > 0.95 > 0.4 > max(shifted, shuffled, onset_counts(uneven, onsets(noise, RATE), 0.02).f1)


@pytest.mark.parametrize("sound", [np.zeros(0), np.zeros(100), np.zeros(RATE), np.full(RATE, 0.5)])
def test_nothing_begins_in_silence(sound):
    assert len(onsets(sound.astype(np.float32), RATE)) <= (1 if sound.any() else 0)


def test_matching_uses_each_onset_once():
    asked, heard = np.array([1.0, 1.04, 2.0]), np.array([1.03, 3.0])
    assert matches(asked, heard, 0.05) == [(0, 0)]
    assert onset_counts(asked, heard, 0.05) == Counts(1, 2, 1)
    assert Counts(1, 2, 1).f1 == pytest.approx(2 / 5) and Counts(0, 0, 5).f1 is None
    np.testing.assert_allclose(merged_onsets([1.02, 1.0, 1.04, 1.08, 2.0]), [1.0, 1.08, 2.0])
    np.testing.assert_allclose(merged_onsets(np.arange(8) * 0.025), [0.0, 0.1])


def chords_of_notes(seed, voices, count=30, low=40, high=76):
    """Random chords, every 0.4 s; no tone an octave above another, which no ear could swear to."""
    rng = np.random.default_rng(seed)
    notes = []
    for number in range(count):
        classes = rng.choice(12, voices, replace=False)
        for pitch_class in classes:
            choices = [p for p in range(low, high) if p % 12 == pitch_class]
            notes.append((0.2 + 0.4 * number, 0.4, int(rng.choice(choices)), 90))
    return notes


def pitch_rows(notes):
    return [(onset, onset + duration, pitch, velocity) for onset, duration, pitch, velocity in notes]


@pytest.mark.parametrize(("voices", "least"), [(1, 0.97), (2, 0.85), (3, 0.75)])
def test_planted_pitches_are_heard_and_others_are_not(play, voices, least):
    notes = chords_of_notes(voices, voices)
    sound = play(notes, 12.5, overtones=12)
    right = pitch_counts(sound, RATE, pitch_rows(notes), 0, 12).f1
    semitone = pitch_counts(sound, RATE, [(a, b, p + 1, v) for a, b, p, v in pitch_rows(notes)], 0, 12).f1
    other = pitch_counts(sound, RATE, pitch_rows(chords_of_notes(voices + 50, voices)), 0, 12).f1
    noise = np.random.default_rng(0).standard_normal(len(sound)).astype(np.float32)
    assert right >= least
    assert max(semitone, other, pitch_counts(noise, RATE, pitch_rows(notes), 0, 12).f1) < 0.35 * right


@pytest.mark.parametrize("rate", [22050, 44100])
def test_low_bass_is_heard(play, rate):
    notes = chords_of_notes(4, 1, low=28, high=45)
    sound = play(notes, 12.5, rate, overtones=15)
    assert pitch_counts(sound, rate, pitch_rows(notes), 0, 12, voices=1).f1 >= 0.95


def test_the_ripple_of_a_long_low_note_is_no_onset(play):
    sound = play([(0.5, 3.0, 28, 100), (3.6, 3.0, 33, 100)], 7, overtones=15, decay_s=3.0)
    np.testing.assert_allclose(onsets(sound, RATE), [0.5, 3.6], atol=0.012)


def test_pitches_of_silence_and_of_nothing_asked():
    assert pitch_counts(np.zeros(RATE, np.float32), RATE, [(0.1, 0.4, 60)], 0, 1) == Counts(0, 1, 0)
    assert pitch_counts(np.zeros(RATE, np.float32), RATE, [], 0, 1).f1 is None


def test_chord_score_of_right_and_wrong_chords(play):
    names = ["C", "Am7", "F", "G7", "Dm", "Bb", "Ebmaj7", "Cm"]
    spans = [(2.0 * i, 2.0 * i + 2.0, parse_chord(name)) for i, name in enumerate(names)]
    notes = [(start, 1.9, 48 + (pitch + 12 - 48 % 12) % 12, 90) for start, _, c in spans for pitch in c.pitch_classes]
    sound = play(notes, 16)
    right, asked = chord_score(sound, RATE, spans, 0, 16)
    assert asked == pytest.approx(16) and right / asked >= 0.9
    wrong = [(a, b, c.transposed(1)) for a, b, c in spans]
    shuffled = [(a, b, spans[(i + 3) % 8][2]) for i, (a, b, _) in enumerate(spans)]
    assert chord_score(sound, RATE, wrong, 0, 16)[0] <= 2.0
    assert chord_score(sound, RATE, shuffled, 0, 16)[0] <= 4.0
    assert chord_score(np.zeros(16 * RATE, np.float32), RATE, spans, 0, 16) == (0.0, pytest.approx(16))


def test_chords_without_a_third_are_not_asked_about():
    spans = [(0.0, 2.0, parse_chord("Csus4")), (2.0, 4.0, parse_chord("C5"))]
    assert chord_score(np.zeros(4 * RATE, np.float32), RATE, spans, 0, 4) == (0.0, 0.0)


@pytest.mark.parametrize(("division", "part"), [(1, 1), (2, 2), (3, 3), (4, 4)])
def test_onsets_gather_at_their_own_part_of_the_beat(division, part):
    beats = np.cumsum(np.random.default_rng(3).uniform(0.45, 0.55, 30))  # a tempo that wavers
    places = np.arange(4, 20, 1 / division)
    times = np.interp(places + 0.13, np.arange(30), beats)  # always as late: no matter
    found = beat_resultants(times, beats)
    assert found[part] == pytest.approx(1, abs=1e-6)
    assert all(value < 0.05 for other, value in found.items() if other % part), "finer play gathers nowhere coarser"


def test_onsets_without_a_grid_gather_nowhere():
    rng, beats = np.random.default_rng(4), np.arange(0, 40, 0.5)
    few = [beat_resultants(np.sort(rng.uniform(0, 39, 12)), beats) for _ in range(200)]
    squares = [np.mean([found[part] ** 2 for found in few]) for part in (1, 2, 3, 4)]
    assert max(squares) < 0.07, "few onsets have no resultant by chance alone; 1/12 without the correction, twice over"
    half = np.concatenate([beats[:40] + 0.02, rng.uniform(0, 39, 40)])
    assert 0.35 < beat_resultants(np.sort(half), beats)[1] < 0.65
    assert set(beat_resultants(np.array([1.0, 2.0]), beats).values()) == {0.0}
    assert set(beat_resultants(beats, []).values()) == {0.0}


def test_swing_and_jitter_lower_the_concentration():
    """Normal jitter of deviation s beats gives exp(-(2 pi part s)^2 / 2), the normal distribution's transform."""
    beats = np.arange(0, 400, 0.5)
    times = beats[2:700] + np.random.default_rng(0).normal(0, 0.03, 698) * 0.5
    for part, value in beat_resultants(times, beats).items():
        assert value == pytest.approx(np.exp(-((2 * np.pi * part * 0.03) ** 2) / 2), abs=0.03)


def test_f1_of_flags():
    said, told = np.array([True, True, False, False]), np.array([True, False, True, False])
    assert f1_score(said, told) == 0.5 and f1_score(said & ~said, told & ~told) == 0
