"""What the training commands share, and the codec's: build the task, start or resume, leave a finished checkpoint."""

import os
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.nn.codec import SIZES, CodecConfig, ConvNeXt
from harmonicflow.nn.performer import Block

from . import checkpoint, distributed
from .adversarial import AdversarialOptions, DecoderTask
from .codec import WINDOW, CodecData, CodecTask, load_codec, whiten
from .device import chosen_device
from .discriminators import Discriminator, DiscriminatorConfig
from .loop import Loop, LoopOptions

Report = Callable[[str], None]


class Draws(Protocol):
    """Endless batches, drawn by a generator of its own."""

    random: np.random.Generator

    def __iter__(self) -> Iterator[Any]: ...


@dataclass(frozen=True)
class Run:
    """What the commands of all networks ask for."""

    data_dir: Path | Sequence[Path]  # one corpus or several together
    checkpoint_dir: Path
    batch_size: int
    epochs: int  # 0: as many as the minutes allow
    max_minutes: float
    lr: float
    resume: bool
    init: Path | None
    seed: int
    threads: int
    muon: bool
    validate_minutes: float
    device: str = "auto"
    precision: str = "auto"
    compile: bool = False
    loaders: int = 0  # threads that load batches; 0: one, and for a GPU half of the cores up to eight

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where the data lies."""
        return (self.data_dir,) if isinstance(self.data_dir, Path) else tuple(self.data_dir)

    @property
    def last(self) -> Path | None:
        """The checkpoint to go on from, if that is wanted and there is one."""
        path = self.checkpoint_dir / "last.safetensors"
        return path if self.resume and path.exists() else None

    def options(self, examples: int) -> LoopOptions:
        """The loop's options; `examples` is what one epoch holds."""
        steps = self.epochs * max(1, examples // (self.batch_size * distributed.count()))
        return LoopOptions(minutes=self.max_minutes, steps=steps or LoopOptions.steps, batch_size=self.batch_size,
                           lr=self.lr, rival_lr=self.lr, seed=self.seed, threads=self.threads, muon=self.muon,
                           validate_minutes=self.validate_minutes, precision=self.precision)

    def draws(self, step: int = 0, loader: int = 0) -> int:
        """A seed for what is drawn: another one in each process and loader, and after each resuming."""
        return int(np.random.SeedSequence((self.seed, distributed.rank(), step, loader)).generate_state(1)[0])

    def place(self, network: nn.Module) -> None:
        """Move a network to its device, and compile its repeated blocks where they stand if that is wanted.

        Compiled like this they keep their names, and a second block of a kind costs no second compilation.
        """
        network.to(chosen_device(self.device, distributed.rank()))
        for module in network.modules():
            if self.compile and isinstance(module, (ConvNeXt, Block, Discriminator)):
                module.compile()

    def go(self, loop: Loop, data: Draws, report: Report) -> dict[str, float]:
        """Train on draws that nobody has had yet."""
        share = (os.cpu_count() or 1) // (2 * distributed.count())  # a GPU eats more than a core makes
        loaders = self.loaders or (1 if loop.device.type == "cpu" else min(8, max(1, share)))
        sources = []
        for loader in range(loaders):
            own = copy(data)
            own.random = np.random.default_rng(self.draws(loop.step, loader))
            sources.append(iter(own))
        torch.manual_seed(self.draws(loop.step))
        return loop.run(sources, report)


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


def start(loop: Loop, run: Run, networks: tuple[str, ...], report: Report) -> None:
    """Resume, or start from given weights, or from scratch; says which."""
    if run.last and loop.resume():
        report(f"resumed at step {loop.step} after {loop.minutes:.1f} minutes")
    elif run.init is not None:
        loop.initialise(initial_weights(run.init, networks))
        report(f"started from the weights of {run.init}")


def codec_data(run: Run, split: str, seed: int) -> CodecData:
    """The windows of a split; the first process converts what has to be converted, the others find it done."""
    with distributed.first_process_first():
        return CodecData(run.folders, split, run.batch_size, seed)


def windows(data: CodecData) -> int:
    """How many windows the songs hold."""
    return sum(track.samples for track in data.tracks) // WINDOW


def train_codec(*, hidden_dim: int, latent_dim: int, report: Report, size: str = "default",
                **shared: Any) -> dict[str, float]:
    """Train the codec and whiten its latents (`shared`: see `Run`); returns the last validation's scores.

    `hidden_dim` 0 keeps the width of the `size`.
    """
    run = Run(**shared)
    with distributed.processes():
        report = distributed.first_only(report)
        torch.manual_seed(run.seed)
        config = replace(SIZES[size], frame_dim=hidden_dim or SIZES[size].frame_dim, latent_dim=latent_dim)
        data = codec_data(run, "train", run.seed)
        task = CodecTask(config, codec_data(run, "validation", 1), run.draws())
        run.place(task.network)
        loop = Loop(task, run.options(windows(data)), run.checkpoint_dir, config, {"network": "codec"})
        start(loop, run, ("encoder", "decoder"), report)
        scores = run.go(loop, data, report)
        if distributed.rank() == 0:
            finish_codec(run.checkpoint_dir, CodecData(run.folders, "train", run.batch_size, 2))
        return scores


def finish_codec(folder: Path, data: CodecData) -> Path:
    """Whiten the best codec over many windows and write `codec.safetensors`, the one to export."""
    network, meta = load_codec(folder / "best.safetensors")
    whiten(network, data)
    path = folder / "codec.safetensors"
    checkpoint.save(path, {checkpoint.AVERAGE + key: value for key, value in network.state_dict().items()}, meta)
    return path


def codec_config(source: Path, weights: dict[str, Tensor]) -> CodecConfig:
    """The sizes of the codec in a checkpoint, or of a bundle's (its depths are those of the size of its width)."""
    if source.is_file():
        return CodecConfig(**checkpoint.load(source)[1]["config"])
    width = len(weights["decoder.norm.weight"])
    size = next((config for config in SIZES.values() if config.frame_dim == width), CodecConfig())
    return replace(size, frame_dim=width, latent_dim=weights["decoder.beyond"].shape[1],
                   latent_width=len(weights["decoder.stem.bias"]))


def train_decoder(*, adversary: AdversarialOptions, discriminators: DiscriminatorConfig, report: Report,
                  **shared: Any) -> dict[str, float]:
    """Train a finished codec's decoder, by default against discriminators (`shared`: see `Run`); the last scores.

    Leaves the best decoder, with the encoder and the whitening it was given, in `codec.safetensors`.
    Raises: HarmonicFlowError `bad_option` (nothing to start from), `bad_checkpoint`.
    """
    run = Run(**shared)
    source = run.last or run.init
    if source is None:
        raise HarmonicFlowError("bad_option", option="--init", value="", reason="this stage needs a finished codec")
    with distributed.processes():
        report = distributed.first_only(report)
        torch.manual_seed(run.seed)
        found = initial_weights(source, ("encoder", "decoder"))
        config = codec_config(source, found)
        data, held_out = codec_data(run, "train", run.seed), codec_data(run, "validation", 1)
        task = DecoderTask(config, held_out, run.draws(), adversary, discriminators)
        run.place(nn.ModuleList([task.network, task.rivals]))
        about = {"network": "codec", "stage": "adversarial" if adversary.share else "decoder",
                 "adversary": asdict(adversary),
                 "discriminators": asdict(discriminators)}
        loop = Loop(task, run.options(windows(data)), run.checkpoint_dir, config, about, task.rivals)
        if run.last:
            start(loop, run, (), report)
            meta = checkpoint.load(run.last)[1]
            task.start = meta.get("start") or meta["scores"]
        else:
            names = task.network.state_dict()
            if missing := [name for name in names if name not in found]:
                raise HarmonicFlowError("bad_checkpoint", path=str(source), reason=f"it has no {missing[0]}")
            loop.initialise({name: found[name] for name in names})
            report(f"started from the decoder of {source}")
            task.start = loop.check(report)  # the decoder that was given is the first to beat
        loop.meta["start"] = task.start
        scores = run.go(loop, data, report)
        if distributed.rank() == 0:
            tensors, meta = checkpoint.load(run.checkpoint_dir / "best.safetensors")
            checkpoint.save(run.checkpoint_dir / "codec.safetensors", tensors, meta)
            report(f"the best decoder is that of step {meta['step']}")
        return scores
