"""Planted songs: what is heard in them, with a stand-in for the network and without one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from harmonicflow.analysis.listening import CHORD_FRAMES, HARMONY_OUT, SPECTRUM_BANDS, TIME_OUT
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.tempo import Selection
from harmonicflow.engine import hear as hearing
from harmonicflow.engine.hear import activations, hear
from harmonicflow.engine.hear_clip import hear_clip
from harmonicflow.engine.hear_midi import hear_midi
from harmonicflow.engine.heard import ANALYST, MIDI, SESSION, SIGNAL
from harmonicflow.score.arrange import Arranger, ComposeRequest
from harmonicflow.score.chords import parse_progression
from harmonicflow.score.midi import write_midi

RATE = 44100


def song(progression, bars, bpm, rate=RATE, drums=True):
    """Bass and chords on every beat, a kick on one and three, a snare on two and four."""
    selection = Selection.from_bars(bars, bpm, "4/4", rate)
    spans = parse_progression(progression, selection.meters, bars)
    beat_s = 60 / bpm
    out = np.zeros(selection.frames)
    random = np.random.default_rng(0)

    def tone(at, length_s, pitch, level):
        start, count = round(at * rate), min(round(length_s * rate), len(out) - round(at * rate))
        t = np.arange(count) / rate
        hz = 440 * 2 ** ((pitch - 69) / 12)
        partials = sum(np.sin(2 * np.pi * hz * k * t) / k**1.5 for k in (1, 2, 3, 4))
        out[start : start + count] += level * np.exp(-t * 3) * partials

    def noise(at, level, decay):
        start, count = round(at * rate), min(round(0.2 * rate), len(out) - round(at * rate))
        out[start : start + count] += level * random.normal(size=count) * np.exp(-np.arange(count) / rate * decay)

    for span in spans:
        for beat in range(int(span.duration)):
            at = (float(span.start) + beat) * beat_s
            tone(at, beat_s, 36 + span.chord.bass_class, 0.2)
            for pitch in span.chord.pitch_classes:
                tone(at, beat_s, 60 + pitch, 0.08)
    for beat in range(4 * bars if drums else 0):
        if beat % 2:
            noise(beat * beat_s, 0.1, 30)
        else:
            tone(beat * beat_s, 0.2, 28, 0.5 if beat % 4 == 0 else 0.35)
    return out.astype(np.float32), spans, selection


@pytest.fixture(scope="module")
def verse_and_chorus():
    verse, _, _ = song("Am | F | C | G", 8, 100, drums=False)
    chorus, _, _ = song("F | G | Em | Am", 8, 100)
    return np.concatenate([verse, 1.5 * chorus, verse, 1.5 * chorus])


def test_a_song_without_a_network(verse_and_chorus):
    heard = hear(np.stack([verse_and_chorus] * 2), RATE)
    assert (heard.source, heard.time_source) == (SIGNAL, SIGNAL)
    assert heard.tempo is not None and heard.tempo.bpm == pytest.approx(100, rel=0.01) and heard.tempo.steady
    assert heard.key is not None and heard.key.key.name in ("A minor", "C major")
    asked = ["Am", "F", "C", "G"] * 2 + ["F", "G", "Em", "Am"] * 2
    centres = [(bar + 0.5) * 2.4 for bar in range(32)]
    named = [next((one.chord for one in heard.chords if one.start_s <= at < one.end_s), None) for at in centres]
    right = [got is not None and got.name[:2].rstrip("67") == want for got, want in zip(named, asked * 2, strict=True)]
    assert sum(right) >= 29, [one and one.name for one in named]
    assert len({part.name for part in heard.sections}) >= 2
    assert any(motif.again - motif.first == 16 for motif in heard.motifs)
    assert heard.loudness is not None and max(heard.loudness.curve_lufs) > heard.loudness.integrated_lufs
    assert heard.onsets is not None and sum(heard.onsets.per_second) == heard.onsets.count >= 60
    data = heard.to_json()
    assert data["chords"][0]["end_s"] > 0 and len(data["beats_s"]) == len(heard.beats_s)


def test_a_selections_beats_are_taken_as_they_are():
    sound, spans, selection = song("Dm7 | G7 | Cmaj7 | Cmaj7", 4, 120, 48000)
    heard = hear(sound, 48000, selection=selection)
    assert heard.time_source == SESSION and heard.meter == "4/4" and heard.tempo.bpm == pytest.approx(120)
    assert heard.beats_s == pytest.approx([0.5 * beat for beat in range(16)])
    assert heard.downbeats == (0, 4, 8, 12)
    assert [one.chord.root for one in heard.chords] == [2, 7, 0]
    assert [one.start_beat for one in heard.chords] == pytest.approx([0, 4, 8], abs=0.1)


def test_pieces_of_a_long_recording_are_heard_as_one(monkeypatch):
    """A stand-in that answers with its input's own bands: every frame must come once, in order, from its own place."""
    sound, _, _ = song("C | G", 6, 90)

    def echo(rows):
        time, harmony = rows[:, :TIME_OUT], rows[:: CHORD_FRAMES, -HARMONY_OUT:]
        return time, harmony

    whole = activations(sound, echo)
    monkeypatch.setattr(hearing, "PIECE", 64 * CHORD_FRAMES * 512)
    monkeypatch.setattr(hearing, "AROUND", 8 * CHORD_FRAMES * 512)
    pieces = activations(sound, echo)
    for one, other in zip(whole, pieces, strict=True):
        assert one.shape == other.shape and np.abs(one - other)[:-40].max() < 1e-4
    assert SPECTRUM_BANDS > HARMONY_OUT


def test_the_network_is_asked_where_there_is_one():
    sound, _, _ = song("C | G", 4, 120)
    frames = []

    def analyst(rows):
        frames.append(len(rows))
        time = np.full((len(rows), TIME_OUT), -6.0)
        time[:: 43] = 6.0  # a beat every half second or so
        harmony = np.zeros((len(rows) // CHORD_FRAMES, HARMONY_OUT))
        harmony[:, [2, 13 + 2]] = 12.0  # D in root and bass
        harmony[:, 26:38] = -6.0
        harmony[:, [26 + 2, 26 + 5, 26 + 9]] = 6.0
        harmony[:, 38 + 12 + 2] = 9.0
        return time, harmony

    heard = hear(sound, RATE, analyst)
    assert heard.source == ANALYST and frames and heard.key.key.name == "D minor"
    assert max(heard.chords, key=lambda one: one.end_s - one.start_s).chord.root == 2
    assert heard.tempo.bpm == pytest.approx(60 * 86.13 / 43, rel=0.02)


@pytest.mark.parametrize(
    ("sound", "code"),
    [
        (np.zeros(RATE), "nothing_heard"),
        (np.full(RATE // 5, 0.1), "too_short"),
        (np.zeros((2, 0)), "too_short"),
    ],
)
def test_nothing_to_hear_is_a_sentence(sound, code):
    with pytest.raises(HarmonicFlowError) as caught:
        hear(sound, RATE)
    assert caught.value.code == code


@settings(max_examples=12)
@given(
    strategies.sampled_from([8000, 44100, 48000]),
    strategies.floats(0.5, 3.0),
    strategies.integers(1, 3),
    strategies.sampled_from(["noise", "click", "tone", "constant", "clipped"]),
    strategies.integers(0, 2**16),
)
def test_any_short_sound_is_heard(rate, seconds, channels, kind, seed):
    random = np.random.default_rng(seed)
    count = int(seconds * rate) + 1
    t = np.arange(count) / rate
    sound = {
        "noise": random.normal(0, 0.2, (channels, count)),
        "click": np.eye(1, count, int(random.integers(count))).repeat(channels, 0),
        "tone": 0.3 * np.sin(2 * np.pi * random.uniform(20, rate / 2) * t)[None].repeat(channels, 0),
        "constant": np.full((channels, count), 0.5),
        "clipped": np.sign(random.normal(0, 1, (channels, count))),
    }[kind]
    heard = hear(sound.astype(np.float32), rate)
    heard.to_json()
    assert all(one.start_s < one.end_s <= heard.seconds + 1 for one in heard.chords)
    assert all(0 <= one.confidence <= 1 for one in heard.chords)


# ------------------------------------------------------------------------------------------------------ MIDI, clips


def test_a_midi_file_is_heard_by_its_own_beats():
    selection = Selection.from_bars(8, "97.3", "7/8", 48000)
    spans = parse_progression("Am | F | C | G", selection.meters, 8)
    score = Arranger().compose(ComposeRequest(selection, chords=spans, genre="rock", seed=2))
    heard = hear_midi(write_midi(score, selection))
    assert heard.source == MIDI and heard.meter == "7/8" and heard.tempo.bpm == pytest.approx(97.3, rel=1e-4)
    assert len(heard.downbeats) == 8 and len(heard.beats_s) == 32
    assert heard.seconds == pytest.approx(float(selection.seconds), abs=0.1)
    assert [one.chord.name for one in heard.chords][:4] == ["Am", "F", "C", "G"]
    assert heard.place(heard.bars_s[2]) == pytest.approx((3, 1))


def test_a_midi_file_without_notes_is_a_sentence():
    from harmonicflow.score.score import Score

    with pytest.raises(HarmonicFlowError) as caught:
        hear_midi(write_midi(Score(), Selection.from_bars(1, 120, "4/4", 44100)))
    assert caught.value.code == "empty_midi"


def test_a_clip_of_another_tempo_is_spoken_of():
    sound, _, _ = song("Am | F | C | G", 8, 92)
    session = Selection.from_seconds(0, len(sound) / RATE, RATE, 120)
    assert hear_clip(sound, session, None, "riff.wav").remark == "riff.wav sounds like 92 BPM, the session says 120"
    for bpm in (92, 46, 184):  # the same, or counted otherwise
        selection = Selection.from_seconds(0, len(sound) / RATE, RATE, bpm)
        assert hear_clip(sound, selection, None, "riff.wav").remark == ""
