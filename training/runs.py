"""What the training commands do: build the task, start or resume the loop, leave a finished checkpoint."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harmonicflow.core.constants import LATENT_RATE
from harmonicflow.nn.codec import CodecConfig
from harmonicflow.nn.performer import PerformerConfig

from . import checkpoint
from .codec import CodecData, CodecTask, load_codec, whiten
from .loop import Loop, LoopOptions
from .performer import PerformerTask
from .shards import ExampleData, load_songs

Report = Callable[[str], None]


def loop_options(batch_size: int, max_minutes: float, lr: float, seed: int, threads: int, validate_minutes: float,
                 epochs: int, examples: int, **more: Any) -> LoopOptions:
    """The command line's options as the loop's; `examples` is what one epoch holds."""
    steps = epochs * max(1, examples // batch_size) if epochs else LoopOptions.steps
    return LoopOptions(minutes=max_minutes, steps=steps, batch_size=batch_size, lr=lr, seed=seed, threads=threads,
                       validate_minutes=validate_minutes, **more)


def initial_weights(source: Path, networks: tuple[str, ...]) -> dict[str, Tensor]:
    """Weights by name from a checkpoint file, or from the graphs `networks` of a bundle's folder."""
    if source.is_file():
        return checkpoint.weights(checkpoint.load(source)[0])
    from harmonicflow.nn.readback import read_weights

    found: dict[str, Tensor] = {}
    for network in networks:
        prefix = f"{network}." if len(networks) > 1 else ""
        found |= {prefix + name: torch.from_numpy(value) for name, value in read_weights(source, network).items()}
    return found


def start(loop: Loop, resume: bool, init: Path | None, networks: tuple[str, ...], report: Report) -> None:
    """Resume, or start from given weights, or from scratch; says which."""
    if resume and loop.resume():
        report(f"resumed at step {loop.step} after {loop.minutes:.1f} minutes")
    elif init is not None:
        loop.initialise(initial_weights(init, networks))
        report(f"started from the weights of {init}")


def train_codec(*, data_dir: Path, checkpoint_dir: Path, batch_size: int, epochs: int, max_minutes: float, lr: float,
                resume: bool, init: Path | None, seed: int, threads: int, muon: bool, validate_minutes: float,
                hidden_dim: int, latent_dim: int, report: Report) -> dict[str, float]:
    """Train the codec and whiten its latents; returns the last validation's scores."""
    torch.manual_seed(seed)
    config = CodecConfig(frame_dim=hidden_dim, latent_dim=latent_dim)
    data = CodecData(data_dir, "train", batch_size, seed)
    task = CodecTask(config, CodecData(data_dir, "validation", batch_size, 1), seed)
    examples = sum(track.samples for track in data.tracks) // 65536
    options = loop_options(batch_size, max_minutes, lr, seed, threads, validate_minutes, epochs, examples,
                           muon=muon)
    loop = Loop(task, options, checkpoint_dir, config, {"network": "codec"})
    start(loop, resume, init, ("encoder", "decoder"), report)
    scores = loop.run(iter(data), report)
    finish_codec(checkpoint_dir, CodecData(data_dir, "train", batch_size, 2))
    return scores


def finish_codec(folder: Path, data: CodecData) -> Path:
    """Whiten the best codec over many windows and write `codec.safetensors`, the one to export."""
    network, meta = load_codec(folder / "best.safetensors")
    whiten(network, data)
    path = folder / "codec.safetensors"
    checkpoint.save(path, {checkpoint.AVERAGE + key: value for key, value in network.state_dict().items()}, meta)
    return path


def train_performer(*, data_dir: Path, checkpoint_dir: Path, batch_size: int, epochs: int, max_minutes: float,
                    lr: float, resume: bool, init: Path | None, seed: int, threads: int, muon: bool,
                    validate_minutes: float, hidden_dim: int, layers: int, seconds: float,
                    report: Report) -> dict[str, float]:
    """Train the performer on encoded songs; returns the last validation's scores."""
    torch.manual_seed(seed)
    config = PerformerConfig(dim=hidden_dim, heads=max(1, hidden_dim // 64), layers=layers)
    frames = round(seconds * LATENT_RATE)
    songs = load_songs(data_dir, "train")
    data = ExampleData(songs, frames, batch_size, seed)
    task = PerformerTask(config, ExampleData(load_songs(data_dir, "validation"), frames, batch_size, 1), seed)
    examples = sum(song.frames for song in songs) // frames
    options = loop_options(batch_size, max_minutes, lr, seed, threads, validate_minutes, epochs, examples, muon=muon)
    about = {"network": "performer"} | ({"latent_space": space} if (space := songs[0].latent_space) else {})
    loop = Loop(task, options, checkpoint_dir, config, about)
    start(loop, resume, init, ("performer",), report)
    return loop.run(iter(data), report)
