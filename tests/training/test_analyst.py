"""The analyst's training: truth, mixes, a step that learns, a checkpoint, and measures of planted answers."""

import json
from pathlib import Path

import mir_eval
import numpy as np
import pytest
import torch

from harmonicflow.analysis.listening import ANALYST_RATE, CHORD_FRAMES, CHORD_RATE, HARMONY_OUT, SPECTRUM_BANDS
from harmonicflow.core.constants import SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.nn.analyst import Analyst, AnalystConfig
from harmonicflow.score.chords import Chord, parse_chord
from harmonicflow.score.qualities import INTERVALS
from tests.planted_songs import make_song
from training import checkpoint
from training.analyst.data import Batch, MixData, coloured, transposed
from training.analyst.etudes import etude
from training.analyst.harte import harte
from training.analyst.hearers import Heard
from training.analyst.measures import filled, judged, tones
from training.analyst.mixes import make_mixes, read
from training.analyst.mixing import FRAMES, SECONDS, make_example, mixed
from training.analyst.page import gates, table, write
from training.analyst.questions import ScoreOptions, questions
from training.analyst.runs import load_analyst
from training.analyst.task import AnalystTask, losses
from training.analyst.truth import UNKNOWN, Excerpt, harmony_targets, time_targets, truth_of
from training.data import tracks

SMALL = AnalystConfig(time_dim=12, time_layers=2, harmony_dim=16, harmony_layers=2)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two songs of nine seconds in each split but train, which links to them."""
    root = tmp_path_factory.mktemp("corpus")
    for number in range(2):
        make_song(root, number)
    (root / "train").symlink_to(root / "validation", target_is_directory=True)
    (root / "test").symlink_to(root / "validation", target_is_directory=True)
    return root


def labels(meter: str, bars: list[float], beats: int = 30, **more: object) -> dict[str, object]:
    return {"meter": meter, "beats_s": [0.5 * n for n in range(beats)], "downbeats": bars, **more}


@pytest.mark.parametrize(
    ("meter", "bars", "per_bar", "first_s", "step_s"),
    [
        ("4/4", [0, 4, 8], 4, 0.0, 0.5),
        ("6/8", [0, 3, 6], 2, 0.0, 0.75),
        ("12/8", [1, 7, 13], 4, 0.5, 0.75),
        ("7/8", [0, 3.5, 7], 7, 0.0, 0.25),
        ("5/4", [2, 7, 12], 5, 1.0, 0.5),
    ],
)
def test_the_pulse_is_what_one_taps(meter: str, bars: list[float], per_bar: int, first_s: float, step_s: float) -> None:
    truth = truth_of(labels(meter, bars))
    assert truth.per_bar == per_bar
    assert truth.downbeats_s[0] == pytest.approx(first_s)
    np.testing.assert_allclose(np.diff(truth.pulses_s), step_s)
    assert np.diff(truth.downbeats).tolist() == [per_bar] * (len(bars) - 1)


def test_targets_lie_on_their_frames_however_fast_it_is_played() -> None:
    truth = truth_of(labels("4/4", [0, 4, 8], chords=[[0, 4, "Em9"], [4, 8, "C/E"]], key="E minor"))
    excerpt = Excerpt(1.0, 10.0, speed=2.0, semitones=12)
    beats = time_targets(truth, excerpt, 400)
    frames = np.flatnonzero(beats[:, 0] == 100)
    np.testing.assert_allclose(np.diff(frames) / ANALYST_RATE, 0.25, atol=1.01 / ANALYST_RATE)
    assert beats[round(0.5 * ANALYST_RATE), 1] == 100  # the bar at 2 s
    chords = harmony_targets(truth, excerpt, 400, np.ones(50, bool), True)
    assert chords[0, :2].tolist() == [4, 4] and set(np.flatnonzero(chords[0, 2:])) == {4, 7, 11, 2, 6}
    assert chords[int(2 * CHORD_RATE), :2].tolist() == [0, 4]
    assert (chords[-1] == UNKNOWN).all()


def test_a_mix_that_is_not_moved_is_the_sum_of_its_parts(corpus: Path) -> None:
    (track, _) = tracks(corpus, "train")
    excerpt = Excerpt(0.0, SECONDS)
    sound, tonal = mixed(track, ("piano", "drums"), excerpt, np.random.default_rng(0))
    parts = [track.read(part, 0, len(sound)) for part in ("piano", "drums")]
    found, *_ = np.linalg.lstsq(np.stack(parts, axis=1), sound, rcond=None)
    np.testing.assert_allclose(found @ np.stack(parts), sound, atol=1e-5)
    np.testing.assert_allclose(tonal, found[0] * parts[0], atol=1e-5)


def test_drums_alone_have_no_chord_and_no_key(corpus: Path) -> None:
    track = tracks(corpus, "train")[0]
    drums = type(track)(track.folder, {"drums": track.places["drums"]}, track.samples)
    example = make_example(drums, truth_of(track.labels or {}), np.random.default_rng(2))
    assert (example.chords[:, 0] == 12).all() and example.key == UNKNOWN
    assert (example.beats == 100).any()
    assert example.time.shape[0] == FRAMES and np.isfinite(example.harmony).all()


def test_mixes_are_kept_and_not_made_twice(corpus: Path, tmp_path: Path) -> None:
    said: list[str] = []
    for _ in range(2):
        make_mixes([corpus], "train", tmp_path, range(1), 0, said.append)
    assert len(said) == 1
    (example, *_), files = read(sorted((tmp_path / "train").glob("*.npz"))[0]), MixData(tmp_path / "train", 2, 0)
    assert len(files.examples) == 2
    np.testing.assert_array_equal(files.examples[0].time, example.time)
    batch = next(iter(files))
    assert batch.spectrum.shape[2] == SPECTRUM_BANDS and batch.chords.shape[1] * CHORD_FRAMES == batch.beats.shape[1]
    with pytest.raises(HarmonicFlowError):
        MixData(tmp_path / "nothing", 2, 0)


def test_transposed_there_and_back() -> None:
    random = np.random.default_rng(0)
    harmony = np.zeros((4, 216), np.float32)
    harmony[:, 50:150] = random.random((4, 100))
    chords = np.array([[4, 11, *(np.arange(12) % 3 == 0)], [12, 12, *[0] * 12]], np.uint8)
    there = transposed(harmony, chords, 13, 3)
    assert there[1][0, :2].tolist() == [7, 2] and there[1][1, :2].tolist() == [12, 12] and there[2] == 16
    back = transposed(*there, -3)
    np.testing.assert_array_equal(back[0], harmony)
    np.testing.assert_array_equal(back[1], chords)


def test_colour_is_a_gain_of_the_bands() -> None:
    time, harmony = np.full((3, 64), 0.5, np.float32), np.full((3, 216), 0.5, np.float32)
    changed = coloured(time, harmony, np.random.default_rng(1))
    assert all(np.isfinite(rows).all() and (np.ptp(rows, axis=0) < 1e-6).all() for rows in changed)
    assert not np.allclose(changed[0], time)


def beaten(random: torch.Generator) -> Batch:
    """Spectra in which beats are loud rows and the chord is a loud band: what a network can learn at once."""
    spectrum = torch.rand(2, 64, SPECTRUM_BANDS, generator=random) * 0.1
    beats = torch.zeros(2, 64, 2)
    beats[:, ::16, 0], beats[:, ::64, 1] = 100, 100
    spectrum[:, ::16, :64] += 1
    chords = torch.zeros(2, 8, 14, dtype=torch.long)
    chords[1, :, :2] = 7
    chords[..., 2] = 1
    spectrum[0, :, 100:103] += 1
    spectrum[1, :, 121:124] += 1
    return Batch(spectrum, beats, chords, torch.tensor([0, UNKNOWN]))


def test_some_steps_lower_every_loss() -> None:
    torch.manual_seed(0)
    network, batch = Analyst(SMALL), beaten(torch.Generator().manual_seed(0))
    first = {name: float(value.detach()) for name, value in losses(*network(batch.spectrum), batch).items()}
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(60):
        optimiser.zero_grad()
        parts = losses(*network(batch.spectrum), batch)
        parts["total"].backward()
        optimiser.step()
    assert all(float(parts[name].detach()) < 0.6 * first[name] for name in first)


def test_what_is_unknown_costs_nothing() -> None:
    batch = beaten(torch.Generator().manual_seed(0))
    unknown = Batch(batch.spectrum, torch.full_like(batch.beats, UNKNOWN), torch.full_like(batch.chords, UNKNOWN),
                    torch.full_like(batch.key, UNKNOWN))  # fmt: skip
    assert float(losses(*Analyst(SMALL)(batch.spectrum), unknown)["total"].detach()) == 0


def test_shapes_and_context_of_the_network() -> None:
    network = Analyst(SMALL).eval()
    spectrum = torch.rand(1, 400, SPECTRUM_BANDS)
    with torch.no_grad():
        time, harmony = network(spectrum)
        piece = network(spectrum[:, 80:])
    assert time.shape == (1, 400, 2) and harmony.shape == (1, 50, HARMONY_OUT)
    torch.testing.assert_close(piece[0][:, 200:], time[:, 280:], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(piece[1][:, 25:], harmony[:, 35:], atol=1e-5, rtol=1e-4)


def test_a_checkpoint_comes_back(tmp_path: Path) -> None:
    network, path = Analyst(SMALL), tmp_path / "best.safetensors"
    tensors = {checkpoint.AVERAGE + name: value for name, value in network.state_dict().items()}
    checkpoint.save(path, tensors, {"config": vars(SMALL), "step": 3, "minutes": 1.0})
    found, meta = load_analyst(path)
    assert meta["step"] == 3 and found.config == SMALL
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in found.state_dict().items())
    checkpoint.save(path, tensors, {"config": {"dim": 3}})
    with pytest.raises(HarmonicFlowError, match="analyst"):
        load_analyst(path)


def test_validation_names_its_loss(corpus: Path, tmp_path: Path) -> None:
    make_mixes([corpus], "validation", tmp_path, range(1), 0, lambda _: None)
    task = AnalystTask(SMALL, MixData(tmp_path / "validation", 2, 0, varied=False))
    task.network.eval()
    with torch.no_grad():
        scores = task.validate(task.network)
    assert scores["loss"] > 0 and 0 <= scores["root_right"] <= 1


@pytest.mark.parametrize("quality", INTERVALS)
@pytest.mark.parametrize("below", [None, 11])
def test_mir_eval_reads_every_chord(quality: str, below: int | None) -> None:
    chord = Chord(4, quality, below)
    root, tones_here, bass = mir_eval.chord.encode(harte(chord))
    assert root == 4 and bass == (chord.bass_class - 4) % 12
    inside = {tone for tone in chord.intervals if tone < 12} | {bass}
    assert {place for place in range(12) if tones_here[place]} <= {tone % 12 for tone in chord.intervals} | {bass}
    assert {place for place in range(12) if tones_here[place]} >= inside - ({9} if "/9" in quality else set())


def test_the_truth_itself_is_right_throughout(corpus: Path) -> None:
    asked = list(questions(corpus, ScoreOptions(seconds=6.0)))
    assert {question.column for question in asked} >= {"mix"} and len(asked) == 4
    for question in asked:
        truth = question.truth
        bpm = 60 / float(np.median(np.diff(truth.pulses_s)))
        heard = Heard(truth.pulses_s, truth.downbeats_s, bpm, truth.per_bar, truth.key, truth.chords)
        assert set(judged(question, heard).values()) == {1.0}
        late = Heard(truth.pulses_s + 0.1, truth.downbeats_s + 0.1, bpm * 2, 3, (truth.key or 0) + 6, ())
        scores = judged(question, late)
        assert scores["beat F"] == scores["downbeat F"] == scores["tempo"] == scores["meter"] == 0
        assert scores["tempo, octave"] == 1 and scores.get("key", 0) == 0 and scores.get("majmin", 0) == 0


def test_chord_tones_count_by_time() -> None:
    em9, em = parse_chord("Em9"), parse_chord("Em")
    truth = filled(((0.0, 4.0, em9),), 4.0)
    assert tones(truth, filled(((0.0, 4.0, em),), 4.0)) == pytest.approx(2 * 3 / (5 + 3))
    assert tones(truth, filled(((0.0, 2.0, em9),), 4.0)) == pytest.approx(2 * 10 / (20 + 10))


def test_the_page_says_what_was_measured(tmp_path: Path) -> None:
    row = {"mix": {"analyst": {"mean": 0.91, "count": 3}, "librosa": {"mean": 0.7, "count": 3}}}
    board = {
        "about": {"checkpoint": "best", "step": 7, "minutes": 1}, "options": {"split": "test", "seconds": 40.0},
        "songs": 3, "hearers": ["analyst", "signal", "librosa"], "rows": {"beat F": row, "key": row},
        "clips": {"a.wav": {"analyst": {"bpm": 120.0, "meter": 4, "beats": 8, "key": "E minor", "chords": ["0 Em9"]}}},
        "speed": {"seconds": 180.0, "features_s": 1.0, "network_s": 1.0, "whole_s": 2.5},
    }  # fmt: skip
    assert all(gate["pass"] for gate in gates(board)) and "0.910" in table(board)
    write(tmp_path / "analyst.md", board, "harmonicflow evaluate --analyst")
    assert "Em9" in (tmp_path / "analyst.md").read_text() and json.dumps(board)


def test_etudes_have_labels_that_fit() -> None:
    songs = [etude(np.random.default_rng(seed)) for seed in range(6)]
    assert len({song.meter for song in songs}) > 1
    for song in songs:
        assert song.chords and song.key and len(song.beats_s) > 8
        truth = truth_of({"meter": song.meter, "beats_s": song.beats_s.tolist(), "downbeats": list(song.downbeats)})
        assert len(truth.downbeats) == len(song.downbeats)
        part = song.parts["piano"]
        inside = [
            int(pitch) % 12 in parse_chord(name).pitch_classes
            for start, end, name in song.chords
            for onset, _, pitch, _ in part
            if start + 0.1 < onset < end - 0.1
        ]
        assert np.mean(inside) > 0.6
    assert SAMPLE_RATE == 44_100
