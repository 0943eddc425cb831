"""Planted chords and keys, and the shipped recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from harmonicflow.analysis.harmony import estimate_chords, estimate_harmony, estimate_key
from harmonicflow.core.tempo import Selection
from harmonicflow.score.chords import parse_progression

CLIP = Path(__file__).parents[2] / "harmonicflow" / "data" / "guit_em9.flac"


def played(play, spans, bpm, rate=44100, **options):
    """Root in the bass, the chord's tones around middle C, struck on every beat."""
    beat_s = 60 / bpm
    notes = []
    for span in spans:
        classes = sorted(span.chord.pitch_classes)
        tones = [48 + pitch + (12 if place > 1 else 0) for place, pitch in enumerate(classes)]
        for beat in range(int(span.duration)):
            at = (float(span.start) + beat) * beat_s
            notes += [(at, beat_s, pitch, 80) for pitch in tones]
            notes.append((at, beat_s, 36 + (span.chord.root - 36) % 12, 90))
    seconds = float(spans[-1].start + spans[-1].duration) * beat_s
    return play(notes, seconds, rate, **options)


def right_beats(spans, found, beats):
    """Share of beats on which root and third (minor or not) are right."""

    def at(row, beat):
        return next((s.chord for s in row if s.start <= beat < s.start + s.duration), None)

    same = 0
    for beat in range(beats):
        want, got = at(spans, beat), at(found, beat)
        same += got is not None and (want.root, want.is_minor) == (got.root, got.is_minor)
    return same / beats


@pytest.mark.parametrize(
    ("text", "meter", "bpm", "rate", "key"),
    [
        ("C | Am | F | G", "4/4", 120, 44100, "C major"),
        ("Am | F | C | G", "4/4", "97.3", 48000, None),
        ("Em7 A7 | Dmaj7 | Gmaj7 | F#m7b5 B7", "4/4", 90, 44100, None),
        ("Cm | Fm | G7 | Cm", "3/4", 140, 44100, "C minor"),
        ("Bb | Gm7 | Eb | F7", "6/8", 80, 22050, "Bb major"),
    ],
)
def test_planted_progressions(play, text, meter, bpm, rate, key):
    selection = Selection.from_bars(8, bpm, meter, rate)
    spans = parse_progression(text, selection.meters, 8)
    found = estimate_harmony(played(play, spans, float(bpm), rate), rate, selection)
    beats = int(selection.beats)
    assert right_beats(spans, found.chords, beats) >= 0.9
    assert key is None or found.key.name == key
    # Chords cover the selection in order, without overlap.
    assert all(a.start + a.duration <= b.start for a, b in zip(found.chords, found.chords[1:], strict=False))
    assert found.chords[-1].start + found.chords[-1].duration <= selection.beats


def test_a_detuned_instrument_is_heard_as_it_is_tuned(play):
    selection = Selection.from_bars(4, 100, "4/4", 44100)
    spans = parse_progression("D | Bm | G | A", selection.meters, 4)
    found = estimate_harmony(played(play, spans, 100, tuning=-0.35), 44100, selection)
    assert found.tuning == pytest.approx(-0.35, abs=0.05)
    assert right_beats(spans, found.chords, 16) >= 0.9


def test_starts_inside_a_bar(play):
    selection = Selection.from_seconds(0, 8, 44100, 120, "4/4", 2)
    spans = parse_progression("F | C | Dm | Bb | F", selection.meters, 5)
    shifted = [type(s)(s.start - 2, s.duration, s.chord) for s in spans]
    found = estimate_chords(played(play, spans, 120)[44100:], 44100, selection)
    assert right_beats(shifted, found, 16) >= 0.85


@pytest.mark.parametrize("sound", [np.zeros(0), np.zeros(44100 * 4), np.full(44100 * 4, 0.1)])
def test_silence_has_no_chords(sound):
    selection = Selection.from_bars(2, 120, "4/4", 44100)
    assert estimate_chords(sound.astype(np.float32), 44100, selection) == ()


BARRED = [(96, "4/4", 0), (120, "4/4", 0), (96, "7/8", 2), (33.3, "4/4", 0)]


@pytest.mark.parametrize(("tempo", "meter", "start"), BARRED)
def test_the_shipped_recording_is_e_minor(tempo, meter, start):
    """A rolled Em9: however it is barred, what is heard longest is a chord of the E minor family."""
    clip, rate = soundfile.read(CLIP, dtype="float32")
    selection = Selection.from_seconds(start, "9.5", rate, tempo, meter)
    mono = clip.mean(axis=1)[selection.start_frame : selection.end_frame]
    found = estimate_harmony(mono, rate, selection)
    longest = max(found.chords, key=lambda span: span.duration)
    assert longest.chord.root == 4 and longest.chord.is_minor
    assert found.key.name == "E minor"


def test_key_of_a_scale():
    scale = np.zeros(12)
    scale[[0, 2, 4, 5, 7, 9, 11]] = [3, 1, 2, 1, 2, 1, 1]
    for tonic in range(12):
        assert estimate_key(np.roll(scale, tonic)).tonic == tonic
    assert estimate_key(np.zeros(12)) is None
