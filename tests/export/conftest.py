"""Two tiny checkpoints with random weights, as training writes them, and the bundle made of them, once a session."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from export.bundle import build_bundle
from harmonicflow.nn.codec import Codec, CodecConfig
from harmonicflow.nn.performer import Performer, PerformerConfig

CODEC = CodecConfig(
    frame_dim=24, latent_width=40, encoder_frame_blocks=1, encoder_latent_blocks=1, decoder_latent_blocks=1,
    decoder_frame_blocks=1,
)  # fmt: skip
PERFORMER = PerformerConfig(dim=32, heads=2, layers=2, modulation=16)


class Made(NamedTuple):
    """The networks, their checkpoints and the bundle."""

    codec: Codec
    performer: Performer
    codec_file: Path
    performer_file: Path
    bundle: Path


def shaken(network: nn.Module, seed: int) -> Any:
    """`network` with no two weights alike, as after training."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network.eval()


def save(path: Path, network: Any, prefix: str = "average.", **meta: Any) -> Path:
    """A checkpoint as `training.checkpoint` writes it; the raw weights beside the average are other ones."""
    tensors = {prefix + name: value.contiguous() for name, value in network.state_dict().items()}
    tensors |= {f"model.{name}": torch.zeros_like(value) for name, value in network.state_dict().items()}
    text = {key: json.dumps(value) for key, value in {"config": asdict(network.config), **meta}.items()}
    save_file(tensors, path, text)
    return path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("export")
    codec, performer = shaken(Codec(CODEC), 1), shaken(Performer(PERFORMER), 2)
    codec.encoder.mean.copy_(torch.linspace(-1, 1, 32))
    codec.encoder.std.copy_(torch.linspace(0.5, 2, 32))
    codec_file = save(folder / "codec.safetensors", codec, step=12, minutes=3.0)
    performer_file = save(folder / "performer.safetensors", performer, step=34, minutes=5.0)
    info = {"hardware": "one core", "data": {"groove": {"hours": 2.5}}}
    bundle = build_bundle(codec_file, performer_file, folder / "bundle", {}, info, "test", "0.0.1")
    return Made(codec, performer, codec_file, performer_file, bundle)
