"""The evaluation on three planted songs and the stand-in bundle: the ladder must come out in order."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from harmonicflow.core.constants import HOP, LATENT_RATE, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from tests.tiny_bundle import make_tiny_bundle
from training.commands.evaluate import command
from training.evaluate import EvaluateOptions, blocks, conditions, evaluate, late
from training.excerpts import busiest_window, choose_excerpts
from training.scoreboard import LADDER, table

STEMS = ("bass", "drums", "guitar", "piano")
CHORDS = (("C", (48, 52, 55)), ("Am", (45, 48, 52)), ("F", (41, 45, 48)), ("G", (43, 47, 50)))
SONG_S = 9.0


def plucked(notes, seconds):
    """Plucked tones with twelve overtones; drums (pitch 0) as bursts of noise."""
    rng = np.random.default_rng(0)
    out = np.zeros(round(seconds * SAMPLE_RATE))
    for onset, offset, pitch, velocity in notes:
        start, end = round(onset * SAMPLE_RATE), min(len(out), round(offset * SAMPLE_RATE))
        t = np.arange(end - start) / SAMPLE_RATE
        hz = 440 * 2 ** ((pitch - 69) / 12)
        tone = sum(np.sin(2 * np.pi * hz * k * t) / k for k in range(1, 13)) * np.exp(-3 * t)
        if pitch == 38:
            tone = rng.standard_normal(len(t)) * np.exp(-30 * t)
        out[start:end] += 0.0012 * velocity * tone * np.minimum(1, (end - start - np.arange(end - start)) / 400)
    return out


def make_song(folder: Path, number: int) -> None:
    """Three parts at a tempo of their own, onsets off any common grid, two seconds a chord."""
    rng = np.random.default_rng(number)
    beat_s = 60 / (90 + 17 * number)
    parts = {"bass": [], "drums": [], "piano": []}
    chords = []
    for place in range(int(SONG_S / 2)):
        name, tones = CHORDS[(place + number) % 4]
        chords.append([2.0 * place, 2.0 * place + 2, name])
        for pulse in (0.0, 0.5 + 0.06 * number, 1.1, 1.55 + 0.05 * number):
            at = 2.0 * place + pulse
            parts["piano"] += [[at, at + 0.4, pitch + 12, 90] for pitch in tones]
            parts["bass"].append([at + 0.2, at + 0.5, tones[0] - 12, 100])
    at = 0.2
    while at < SONG_S - 0.3:
        parts["drums"].append([at, at + 0.5, 38, int(rng.integers(70, 120))])
        at += rng.uniform(0.11, 0.4)
    track = folder / "validation" / f"Track{number:05d}"
    track.mkdir(parents=True)
    for stem, notes in parts.items():
        sound = plucked(notes, SONG_S)
        soundfile.write(track / f"{stem}.wav", sound, SAMPLE_RATE, subtype="PCM_16")
    beats = np.arange(0, SONG_S, beat_s)
    labels = {
        "group": str(number), "genre": "pop", "emotion": [0.2, -0.1], "tempo_bpm": 60 / beat_s, "meter": "4/4",
        "beats_s": beats.tolist(), "downbeats": list(range(0, len(beats), 4)), "chords": chords, "key": "C major",
        "notes": parts, "seconds": SONG_S,
    }  # fmt: skip
    (track / "labels.json").write_text(json.dumps(labels))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for number in range(1, 4):
        make_song(folder, number)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def board(tiny: Path, corpus: Path) -> dict:
    return evaluate(tiny, corpus, EvaluateOptions(songs=3, seconds=6.0, threads=1))


def test_the_truth_scores_high_and_every_metric_ranks_its_ladder(board: dict) -> None:
    truth = board["rows"]["truth"]
    assert truth["onset_f1_50"]["all"] > 0.95 and truth["onset_f1_20"]["all"] > 0.9
    assert truth["pitch_f1"]["all"] > 0.85 and truth["chord"]["all"] > 0.85
    assert set(truth["onset_f1_50"]) == {"bass", "drums", "piano", "all"}, "no guitar was asked for"
    assert set(truth["pitch_f1"]) == {"bass", "piano", "all"}, "drums have no pitch"
    assert board["valid"] == dict.fromkeys(("onset_f1_50", "onset_f1_20", "pitch_f1", "chord"), True)
    assert abs(truth["offset_ms"]["all"]) < 2 and truth["offset_iqr_ms"]["all"] < 10
    sound = {row: board["rows"][row]["log_mel_l1_db"]["all"] for row in ("codec", "noise")}
    assert 0 < sound["codec"] < sound["noise"]


def test_controls_fall_below_the_truth(board: dict) -> None:
    shares = board["shares"]
    assert all(value == 1 for values in shares["truth"].values() for value in values.values())
    assert shares["truth_shifted"]["onset_f1_20"]["all"] < 0.5
    assert shares["truth_shuffled"]["pitch_f1"]["all"] < 0.7
    assert shares["noise"]["pitch_f1"]["all"] < 0.2


def test_the_stand_in_plays_the_asked_pitches(board: dict) -> None:
    """Its performer is told nothing but the score: asked notes are there, another song's are not."""
    assert set(board["rows"]) == set(LADDER)
    performed, shuffled = (board["rows"][row]["pitch_f1"]["all"] for row in ("performed", "shuffled"))
    assert performed > 1.5 * shuffled


def test_the_table_says_every_row_and_metric(board: dict) -> None:
    text = table(board)
    assert all(row in text for row in LADDER) and "onset F1 within 20 ms" in text and "100 %" in text
    assert json.loads(json.dumps(board)) == board


def test_same_seed_same_scores(tiny: Path, corpus: Path) -> None:
    options = EvaluateOptions(songs=1, seconds=3.0, threads=1)
    assert evaluate(tiny, corpus, options) == evaluate(tiny, corpus, options)


def test_an_excerpt_is_cut_from_a_bar_line_with_what_still_sounds(corpus: Path) -> None:
    folder = corpus / "validation" / "Track00001"
    excerpt = busiest_window(folder, STEMS, round(4 * LATENT_RATE))
    labels = json.loads((folder / "labels.json").read_text())
    lines = [labels["beats_s"][beat] for beat in labels["downbeats"]]
    assert min(abs(excerpt.start / SAMPLE_RATE - line) for line in lines) < 1e-4
    assert excerpt.samples == excerpt.frames * HOP
    start_s = excerpt.start / SAMPLE_RATE
    for stem, notes in excerpt.notes.items():
        wanted = [n for n in labels["notes"].get(stem, ()) if n[0] < start_s + excerpt.seconds and n[1] > start_s]
        np.testing.assert_allclose([n[0] + start_s for n in notes], [n[0] for n in wanted], atol=1e-9)
    sound, _ = soundfile.read(folder / "piano.wav", start=excerpt.start, frames=excerpt.samples, dtype="float32")
    np.testing.assert_array_equal(excerpt.truth("piano"), sound)
    assert not excerpt.truth("guitar").any()


def test_what_the_performer_is_told(corpus: Path) -> None:
    excerpt = choose_excerpts(corpus, "validation", STEMS, 1, 5.0, 0)[0]
    told = conditions(excerpt, STEMS)
    assert told.guide.shape == (excerpt.frames, 79) and told.guide[:, 75:78].all() and not told.guide[:, 78].any()
    assert told.genre.argmax() == 1 and told.emotion.tolist() == pytest.approx([0.2, -0.1, 1])
    assert not told.timbre.any(), "nothing of the audio is known"
    assert len(told.notes.onset_s) == sum(len(notes) for notes in excerpt.notes.values())
    parts = blocks(excerpt, 3)
    assert parts[0].start == 0 and parts[-1].end == excerpt.frames
    assert all(a.end == b.start for a, b in zip(parts, parts[1:], strict=False))


def test_late_is_late_by_whole_samples() -> None:
    sound = {"drums": np.arange(10, dtype=np.float32)}
    assert late(sound, 3 / SAMPLE_RATE)["drums"].tolist() == [0, 0, 0, 0, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(("split", "seconds"), [("nowhere", 4.0), ("validation", 60.0)])
def test_without_songs_it_says_so(tiny: Path, corpus: Path, split: str, seconds: float) -> None:
    with pytest.raises(HarmonicFlowError) as error:
        evaluate(tiny, corpus, EvaluateOptions(split=split, seconds=seconds))
    assert error.value.code == "no_corpus" and split in str(error.value)


def test_the_command_prints_one_object(tiny: Path, corpus: Path) -> None:
    arguments = ["--bundle", str(tiny), "--corpus", str(corpus), "--songs", "1", "--seconds", "3", "--json"]
    result = CliRunner().invoke(command, [*arguments, "--threads", "1"], catch_exceptions=False)
    assert result.exit_code == 0 and "measured truth" in result.stderr
    assert json.loads(result.stdout)["about"]["songs"] == 1
