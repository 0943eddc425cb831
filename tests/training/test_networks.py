"""From audio to trained networks on a tiny corpus of tones: losses, windows, encoding, examples, both tasks."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from harmonicflow.core.constants import DEFAULT_STEMS, HOP, LATENT_CHANNELS, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.nn.codec import CodecConfig
from harmonicflow.nn.performer import PerformerConfig
from training import checkpoint, losses, masks
from training.augment import Augmentation
from training.codec import CodecData, CodecTask, load_codec
from training.data import tracks
from training.encode import encode_audio, encode_corpus
from training.few_step import FewStepOptions, FewStepTask
from training.performer import PerformerTask, corrupt
from training.performer_runs import load_performer, train_performer
from training.runs import Run, train_codec
from training.shards import ExampleData, collate, load_songs

SECONDS = 5
ONSETS = (0.5, 1.7, 3.1)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two songs of three decaying tones a stem, at the same times, labelled."""
    root = tmp_path_factory.mktemp("corpus")
    t = np.arange(SECONDS * SAMPLE_RATE) / SAMPLE_RATE
    for split, songs in (("train", 2), ("validation", 1)):
        for song in range(songs):
            folder = root / split / f"Track{song:05d}"
            folder.mkdir(parents=True)
            notes = {}
            for place, stem in enumerate(DEFAULT_STEMS):
                pitch = 45 + 7 * place + song
                hz = 440 * 2 ** ((pitch - 69) / 12)
                tone = np.sin(2 * np.pi * hz * t)
                sound = sum((t >= on) * np.exp(-3 * np.maximum(t - on, 0)) * tone for on in ONSETS)
                soundfile.write(folder / f"{stem}.wav", 0.3 * sound, SAMPLE_RATE, subtype="PCM_16")
                notes[stem] = [[on, on + 0.5, pitch, 100] for on in ONSETS]
            labels = {"notes": notes, "beats_s": [0.5 * i for i in range(11)], "downbeats": [0, 4, 8],
                      "chords": [[0.0, 5.0, "Am7"]], "key": "A minor", "genre": "rock", "emotion": [0.1, 0.2]}
            (folder / "labels.json").write_text(json.dumps(labels))
    return root


@pytest.fixture(scope="session")
def run(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A codec trained for a moment and the corpus encoded with it."""
    folder = tmp_path_factory.mktemp("run")
    torch.manual_seed(0)
    train_codec(data_dir=corpus, checkpoint_dir=folder, batch_size=4, epochs=30, max_minutes=3.0, lr=1e-3, resume=False,
                init=None, seed=0, threads=1, muon=True, validate_minutes=1.0, hidden_dim=16,
                latent_dim=LATENT_CHANNELS, report=lambda line: None)
    encode_corpus(corpus, folder / "codec.safetensors", folder / "encoded", lambda line: None)
    return folder


def test_equal_sounds_have_no_loss_and_noise_has() -> None:
    audio = torch.randn(2, 16384) * 0.1
    parts = losses.reconstruction_loss(audio, audio, (256, 2048))
    assert float(parts["total"]) < 1e-2
    worse = [float(losses.reconstruction_loss(audio + level * torch.randn_like(audio), audio, (256, 2048))["total"])
             for level in (0.001, 0.01, 0.1)]
    assert worse[0] < worse[1] < worse[2]


def test_si_sdr_of_a_planted_error() -> None:
    target = torch.sin(torch.arange(44100) * 0.1)[None]
    error = torch.cos(torch.arange(44100) * 0.1)[None] * 0.1  # orthogonal, 20 dB below
    assert float(losses.si_sdr(3 * (target + error), target)) == pytest.approx(20, abs=0.1)


def test_mel_filters_have_unit_area_and_find_a_tone() -> None:
    matrix = losses.mel_matrix()
    assert torch.allclose(matrix.sum(0), torch.ones(matrix.shape[1]), atol=1e-4)
    tone = torch.sin(2 * np.pi * 1000 / SAMPLE_RATE * torch.arange(SAMPLE_RATE))[None]
    band = int(losses.log_mel(tone)[0, 5].argmax())
    assert matrix[int(1000 * 2048 / SAMPLE_RATE), band] > 0


@pytest.mark.parametrize("kind", [kind for kind, _ in masks.KINDS], ids=lambda kind: kind.__name__)
def test_every_mask_leaves_something_to_perform(kind) -> None:  # type: ignore[no-untyped-def]
    random = np.random.default_rng(0)
    for _ in range(50):
        known = kind(random, 4, 40)
        assert known.shape == (4, 40) and not known.all()
        if kind is not masks.everything:
            assert known.any()


def test_windows_are_what_the_files_hold(corpus: Path) -> None:
    track = tracks(corpus, "train")[0]
    truth, _ = soundfile.read(track.folder / "bass.wav", dtype="float32")
    assert np.array_equal(track.read("bass", 1000, 5000), truth[1000:6000])
    assert not track.read("other", 0, 100).any()
    with pytest.raises(HarmonicFlowError, match="no songs"):
        tracks(corpus, "test")


def test_a_folder_of_sound_files_beside_a_corpus_is_drawn_from(corpus: Path, tmp_path: Path) -> None:
    """Songs without stems give windows of themselves, never silence."""
    t = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    for number in range(6):
        name = tmp_path / f"album{number}" / "song.flac"
        name.parent.mkdir()
        soundfile.write(name, 0.2 * np.sin(2 * np.pi * 5000 * t), SAMPLE_RATE)
    alone = CodecData(tmp_path, "train", 8, 0, Augmentation(0, 0, 0)).batch()
    assert (alone.grouped.square().mean(-1).sqrt() > 0.02).all()
    both = CodecData([corpus, tmp_path], "train", 8, 0, Augmentation(0, 0, 0))
    loudest = {int(torch.fft.rfft(both.batch().grouped[0, 0]).abs().argmax()) for _ in range(12)}
    high = {round(5000 * 32 * HOP / SAMPLE_RATE)}
    assert high & loudest and loudest - high


def test_the_codec_learns_and_resumes(corpus: Path, run: Path) -> None:
    network, meta = load_codec(run / "codec.safetensors")
    fresh = CodecTask(CodecConfig(frame_dim=16), CodecData(corpus, "validation", 4, 1), 0)
    with torch.no_grad():
        untrained = fresh.validate(fresh.network)["loss"]
    assert meta["best"] < 0.9 * untrained
    latents = np.concatenate([encode_audio(network, tracks(corpus, "train")[0].read(stem, 0, 44100 * 5))
                              for stem in DEFAULT_STEMS])
    assert 0.2 < latents.std() < 5  # whitened


def test_encoding_in_pieces_is_encoding_at_once(corpus: Path, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network, _ = load_codec(run / "codec.safetensors")
    audio = tracks(corpus, "train")[0].read("piano", 0, 60 * HOP)
    whole = encode_audio(network, audio)
    monkeypatch.setattr("training.encode.PIECE", 16)
    assert np.allclose(encode_audio(network, audio), whole, atol=0.05)  # bfloat16


def test_examples_line_up_with_their_labels(run: Path) -> None:
    songs = load_songs(run / "encoded", "train")
    assert songs[0].row("other", 0, 3).shape == (3, LATENT_CHANNELS)
    data = ExampleData(songs, 60, 2, 0)
    example = data.example(np.zeros((4, 60), bool), all_told=True)
    frames = [np.flatnonzero(example.score[0, :, 88:176].any(1))]
    gaps = np.diff(frames[0]) * HOP / SAMPLE_RATE
    assert all(min(abs(gap - (b - a)) for a, b in ((0.5, 1.7), (1.7, 3.1), (0.5, 3.1))) < 0.1 for gap in gaps)
    assert example.genre.sum() == 1 and example.emotion[2] == 1 and not example.known.any()
    batch = collate([data.example() for _ in range(4)])
    assert batch.pool.shape[1] % 4 == 0 and batch.data.shape == (4, 5, 60, LATENT_CHANNELS)


def test_known_cells_stay_and_absent_clips_are_empty(run: Path) -> None:
    data = ExampleData(load_songs(run / "encoded", "train"), 40, 8, 3)
    batch = next(iter(data))
    noise = torch.randn_like(batch.data)
    x, unknown = corrupt(batch, torch.full((8,), 0.25), noise)
    known = batch.known.bool()
    assert torch.equal(x[known], batch.data[known])
    assert torch.allclose(x[:, 1:][unknown.bool()], (0.75 * noise + 0.25 * batch.data)[:, 1:][unknown.bool()])
    assert not x[:, 0][~known[:, 0]].any()


def test_the_performer_learns_what_the_score_tells(run: Path) -> None:
    scores = train_performer(
        data_dir=run / "encoded", checkpoint_dir=run / "performer", batch_size=4, epochs=50, max_minutes=3.0, lr=3e-3,
        resume=False, init=None, seed=0, threads=1, muon=True, validate_minutes=1.0, hidden_dim=64, layers=1,
        seconds=2.0, report=lambda line: None)
    assert {"curves"} == {name.split(".")[2] for name in checkpoint.load(run / "performer" / "best.safetensors")[0]
                          if name.startswith("average.heads")}
    task = PerformerTask(PerformerConfig(dim=64, heads=1, layers=1),
                         ExampleData(load_songs(run / "encoded", "validation"), 43, 4, 1), 0)
    with torch.no_grad():
        assert scores["loss"] < 0.93 * task.validate(task.network)["loss"]


def test_guidance_is_learned_and_few_steps_suffice(run: Path) -> None:
    trained = run / "performer" / "best.safetensors"  # of the test above
    if not trained.exists():
        pytest.skip("needs the performer of the test before")
    shared = {"data_dir": run / "encoded", "checkpoint_dir": run / "few", "batch_size": 4, "epochs": 25,
              "max_minutes": 3.0, "lr": 2e-3, "resume": False, "init": trained, "seed": 0, "threads": 1, "muon": True,
              "validate_minutes": 1.0}
    options = FewStepOptions(share=0.5, guidance=3.0)
    scores = train_performer(hidden_dim=64, layers=1, seconds=2.0, report=lambda line: None, few_step=options, **shared)
    task = FewStepTask(PerformerConfig(dim=64, heads=1, layers=1),
                       ExampleData(load_songs(run / "encoded", "validation"), 43, 4, 1), 0, options)
    task.begin(load_performer(trained, Run(**shared)), teaches=False)
    with torch.no_grad():
        before = task.validate(load_performer(trained, Run(**shared)))
    assert scores["flow"] < 0.99 * before["flow"], "it learns what guidance asks for"
    assert scores["few"] < 1.1 * before["few"], "and needs no more steps for it"
    meta = checkpoint.load(run / "few" / "best.safetensors")[1]
    assert meta["interval"] is True and meta["steps"] == 4 and meta["guidance"] == 3
    with pytest.raises(HarmonicFlowError, match="guided already"):
        train_performer(hidden_dim=64, layers=1, seconds=2.0, report=lambda line: None, few_step=options,
                        **shared | {"init": run / "few" / "best.safetensors", "checkpoint_dir": run / "twice"})


def test_a_few_step_stage_needs_a_performer(run: Path) -> None:
    with pytest.raises(HarmonicFlowError, match="trained performer"):
        train_performer(hidden_dim=64, layers=1, seconds=2.0, report=lambda line: None, few_step=FewStepOptions(),
                        data_dir=run / "encoded", checkpoint_dir=run / "none", batch_size=4, epochs=1, max_minutes=1.0,
                        lr=1e-3, resume=False, init=None, seed=0, threads=1, muon=True, validate_minutes=1.0)


@pytest.mark.parametrize(("card", "said"), [(None, "no bundle"), ("[]", "no table"), ("{}", "sizes of its codec")])
def test_a_folder_that_is_no_bundle_is_refused_as_a_codec(tmp_path: Path, card: str | None, said: str) -> None:
    if card is not None:
        (tmp_path / "model.json").write_text(card)
    with pytest.raises(HarmonicFlowError) as error:
        load_codec(tmp_path)
    assert error.value.code in ("no_bundle", "bad_bundle") and str(tmp_path) in str(error.value)
    assert said in str(error.value).lower()
