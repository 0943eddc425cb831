"""The adversarial stage: planted flaws are found, the encoder is untouched, harm is not kept."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from harmonicflow.core.constants import DEFAULT_STEMS, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.nn.codec import Codec, CodecConfig
from harmonicflow.nn.latent_space import latent_space
from training import checkpoint
from training.adversarial import AdversarialOptions, DecoderTask, texture_distance
from training.codec import CodecData, load_codec
from training.discriminators import DiscriminatorConfig, Discriminators, deceit_loss, feature_loss, rival_loss
from training.runs import train_decoder

SMALL = CodecConfig(frame_dim=16, latent_width=16)
JUDGES = DiscriminatorConfig(width=4, windows=(512,))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One song a split: noise bursts and tones."""
    root = tmp_path_factory.mktemp("bursts")
    t = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
    for place, split in enumerate(("train", "validation")):
        folder = root / split / "Track00000"
        folder.mkdir(parents=True)
        random = np.random.default_rng(place)
        for stem in DEFAULT_STEMS:
            tone = random.standard_normal(len(t)) if stem == "drums" else np.sin(random.uniform(600, 3000) * t)
            soundfile.write(folder / f"{stem}.wav", 0.2 * tone * np.exp(-6 * (t % 0.5)), SAMPLE_RATE, subtype="PCM_16")
    return root


@pytest.fixture(scope="module")
def codec_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A codec nobody trained, with a whitening of its own and the heads of training beside it."""
    torch.manual_seed(0)
    network = Codec(SMALL)
    network.encoder.mean.copy_(torch.linspace(-1, 1, 32))
    network.encoder.std.copy_(torch.linspace(0.5, 2, 32))
    with torch.no_grad():
        network.encoder.stem.weight.view(-1)[:3] = -0.0  # a zero with a sign is part of the latent space's name
    path = tmp_path_factory.mktemp("codec") / "codec.safetensors"
    tensors = {**network.state_dict(), "heads.chroma.weight": torch.zeros(12, 32)}
    checkpoint.save(path, {checkpoint.AVERAGE + name: value for name, value in tensors.items()},
                    {"config": SMALL.__dict__, "network": "codec"})
    return path


def stage(corpus: Path, folder: Path, **options: Any) -> dict[str, float]:
    base: dict[str, Any] = {
        "data_dir": corpus, "checkpoint_dir": folder, "batch_size": 5, "epochs": 3, "max_minutes": 2.0, "lr": 1e-3,
        "resume": False, "init": None, "seed": 0, "threads": 1, "muon": True, "validate_minutes": 1.0,
        "adversary": AdversarialOptions(warmup_steps=1), "discriminators": JUDGES, "report": lambda line: None,
        "device": "cpu", "precision": "fp32"}
    return train_decoder(**(base | options))


def test_the_stage_resumes_and_leaves_the_latent_space(corpus: Path, codec_file: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    stage(corpus, tmp_path, init=codec_file)
    stage(corpus, tmp_path, resume=True, epochs=6, report=lines.append)
    assert lines[0].startswith("resumed at step 3")
    before, after = load_codec(codec_file)[0], load_codec(tmp_path / "codec.safetensors")[0]
    assert latent_space(after.encoder) == latent_space(before.encoder)
    assert all(torch.equal(value, after.encoder.state_dict()[name])
               for name, value in before.encoder.state_dict().items())
    tensors, meta = checkpoint.load(tmp_path / "last.safetensors")
    trained = checkpoint.weights(tensors, checkpoint.MODEL)
    assert not torch.equal(trained["decoder.head.weight"], before.decoder.head.weight)
    averaged = checkpoint.weights(tensors)  # of every step, kept or not
    assert all(value.numpy().tobytes() == averaged[f"encoder.{name}"].numpy().tobytes()
               for name, value in before.encoder.state_dict().items())
    assert float(checkpoint.weights(tensors, checkpoint.RIVALS)["steps"]) == meta["step"] == 6
    assert meta["config"] == SMALL.__dict__ and meta["start"]["mel"] > 0
    best = checkpoint.load(tmp_path / "best.safetensors")[1]
    assert checkpoint.load(tmp_path / "codec.safetensors")[1]["step"] == best["step"]
    with pytest.raises(HarmonicFlowError) as caught:
        stage(corpus, tmp_path, resume=True, discriminators=DiscriminatorConfig(width=8, windows=(512,)))
    assert caught.value.code == "bad_checkpoint"


def test_it_starts_from_something_whole(corpus: Path, codec_file: Path, tmp_path: Path) -> None:
    with pytest.raises(HarmonicFlowError, match="--init"):
        stage(corpus, tmp_path)
    tensors, meta = checkpoint.load(codec_file)
    half = tmp_path / "half.safetensors"
    checkpoint.save(half, {name: value for name, value in tensors.items() if "decoder.head" not in name}, meta)
    with pytest.raises(HarmonicFlowError, match="decoder.head"):
        stage(corpus, tmp_path, init=half)


def test_a_harmed_decoder_is_not_kept(corpus: Path) -> None:
    """As at the start it may stay; a louder noise is refused, however well it is grained."""
    task = DecoderTask(SMALL, CodecData(corpus, "validation", 5, 1), 0, AdversarialOptions(), JUDGES, batches=1)
    network = task.network.eval()
    task.start = task.scores(network)
    assert task.validate(network)["loss"] == pytest.approx(task.start["texture"])
    assert not task.acceptable({**task.start, "si_sdr_db": task.start["si_sdr_db"] - 0.5})
    assert not task.acceptable({**task.start, "sum_si_sdr_db": task.start["sum_si_sdr_db"] - 0.5})
    assert not task.acceptable({**task.start, "mel": task.start["mel"] * 1.1})
    assert task.acceptable({**task.start, "mel": task.start["mel"] * 1.01, "si_sdr_db": task.start["si_sdr_db"] - 0.1})
    with torch.no_grad():
        network.decoder.head.bias.add_(2.0)
    assert math.isinf(task.validate(network)["loss"])
    assert json.loads(json.dumps({"loss": math.inf}))["loss"] == math.inf  # as checkpoints keep it


def gradients(task: DecoderTask, batch: Any) -> torch.Tensor:
    task.network.zero_grad()
    torch.manual_seed(3)
    task.random = np.random.default_rng(3)
    task.loss(batch)["total"].backward()
    assert all(value.grad is None for value in task.network.encoder.parameters())
    return torch.cat([value.grad.flatten() for value in task.network.decoder.parameters() if value.grad is not None])


def test_the_adversary_is_heard_after_its_warm_up_and_in_its_share(corpus: Path) -> None:
    data = CodecData(corpus, "train", 5, 1)
    batch = data.batch()
    torch.manual_seed(0)
    task = DecoderTask(SMALL, data, 0, AdversarialOptions(share=0.5, warmup_steps=10), JUDGES, batches=1)
    found = {}
    for steps in (0, 10, 15, 20, 500):
        task.rivals.steps.fill_(steps)
        task.rivals.zero_grad()
        found[steps] = gradients(task, batch)
        assert all(value.grad is not None for value in task.rivals.parameters())
        assert all(judge.layers[0].bias.grad.any() for judge in task.rivals.judges)
    assert torch.allclose(found[0], found[10])
    pulled = found[20] - found[10]
    assert torch.allclose(found[500], found[20])
    assert torch.allclose(found[15] - found[10], 0.5 * pulled, atol=1e-3 * float(pulled.norm()))
    task.options = AdversarialOptions(share=1.0, warmup_steps=10)
    assert torch.allclose(gradients(task, batch) - found[10], 2 * pulled, atol=1e-3 * float(pulled.norm()))


def bursts(count: int, seed: int, length: int = 4096) -> torch.Tensor:
    return 0.1 * torch.randn(count, length, generator=torch.Generator().manual_seed(seed))


def smooth(audio: torch.Tensor, window: int) -> torch.Tensor:
    """Noise as a decoder of averages answers it: every magnitude the mean one."""
    hann = torch.hann_window(window)
    z = torch.stft(audio, window, window // 2, window=hann, return_complex=True)
    z = z / z.abs().clamp(min=1e-6) * z.abs().mean()
    return torch.istft(z, window, window // 2, window=hann, length=audio.shape[-1])


def dull(audio: torch.Tensor) -> torch.Tensor:
    """As loud, with less of the highs."""
    return (audio + torch.roll(audio, 1, -1)) / 2**0.5


def test_texture_hears_what_is_too_smooth_or_too_dull() -> None:
    """Against another draw of the same noise, which no listener tells apart."""
    audio = bursts(2, 0, 65536)
    other = float(texture_distance(bursts(2, 1, 65536), audio))
    assert float(texture_distance(audio, audio)) == 0
    assert float(texture_distance(smooth(audio, 1024), audio)) > 3 * other
    assert float(texture_distance(dull(audio), audio)) > 3 * other


def test_discriminators_learn_to_tell_hiss_from_a_dull_one() -> None:
    torch.manual_seed(0)
    judges = Discriminators(DiscriminatorConfig(width=4, windows=(256,)))
    adam = torch.optim.AdamW(judges.parameters(), 3e-3, betas=(0.8, 0.99))
    for step in range(60):
        audio = bursts(8, step)
        loss = rival_loss(judges(audio), judges(dull(audio)))
        adam.zero_grad()
        loss.backward()
        adam.step()
    audio = bursts(8, 1000)
    with torch.no_grad():
        real, fake = judges(audio), judges(dull(audio))
        assert float(rival_loss(real, fake)) < 1.4  # 2 for a judge who knows nothing
        assert float(deceit_loss(fake)) > float(deceit_loss(real))
        assert float(feature_loss(real, real)) == 0 < float(feature_loss(real, fake))


def test_feature_matching_does_not_depend_on_the_scale_of_features() -> None:
    torch.manual_seed(0)
    judge = Discriminators(JUDGES)
    with torch.no_grad():
        real, fake = judge(bursts(2, 0)), judge(bursts(2, 1))

    def scaled(judgements: Any) -> Any:
        return [type(one)(one.score, [100 * layer for layer in one.features]) for one in judgements]

    assert float(feature_loss(scaled(real), scaled(fake))) == pytest.approx(float(feature_loss(real, fake)), rel=1e-4)


def test_without_a_share_the_reconstruction_alone_is_heard(corpus: Path, codec_file: Path, tmp_path: Path) -> None:
    batch = CodecData(corpus, "train", 5, 1).batch()
    torch.manual_seed(0)
    task = DecoderTask(SMALL, CodecData(corpus, "validation", 5, 1), 0, AdversarialOptions(share=0), JUDGES, batches=1)
    alone = gradients(task, batch)
    assert all(value.grad is None for value in task.rivals.parameters())
    task.options = AdversarialOptions(warmup_steps=10)  # during the warm-up the decoder hears nothing else either
    assert torch.allclose(gradients(task, batch), alone, rtol=1e-3, atol=1e-3 * float(alone.abs().max()))
    scores = stage(corpus, tmp_path, init=codec_file, adversary=AdversarialOptions(share=0))
    assert scores["loss"] == scores["reconstruction"]
    assert checkpoint.load(tmp_path / "codec.safetensors")[1]["stage"] == "decoder"
