"""Training the codec: stems, their sum, mixtures and foreign instruments.

Legend: G songs in a batch, S stems, E extra waveforms, B = G * S + E, T samples.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from harmonicflow.core.constants import DEFAULT_STEMS, HOP
from harmonicflow.nn.codec import Codec, CodecConfig
from harmonicflow.nn.readback import read_config, read_weights

from . import checkpoint
from .augment import Augmentation, augmented
from .data import OTHER, Audio, Track, tracks
from .device import moved
from .losses import RESOLUTIONS, chroma_target, onset_target, reconstruction_loss, si_sdr

WINDOW = 32 * HOP  # samples of a training example: 1.49 s
QUIET = 2e-3  # a window whose loudest part has less RMS than this is drawn again
EXTRA_SHARE = 0.25  # share of the batch that is mixtures and foreign instruments
LATENT_NOISE = 0.2  # largest deviation of the noise put on whitened latents, so that the decoder forgives
HEADS_WEIGHT = 0.1  # of each head's loss
SUM_WEIGHT = 0.5  # of the decoded stems' sum against each of them
STATISTICS_DECAY = 0.99  # of the running mean and deviation of the latents


@dataclass(frozen=True)
class CodecBatch:
    """`grouped` [G, S, T] stems of songs, `extra` [E, T] anything else."""

    grouped: Tensor
    extra: Tensor

    def flat(self) -> Tensor:
        return torch.cat([self.grouped.flatten(0, 1), self.extra])


class CodecData:
    """Draws windows of a split of one corpus or several together; the same seed draws the same windows."""

    def __init__(self, roots: Path | Sequence[Path], split: str, batch_size: int, seed: int,
                 augmentation: Augmentation | None = None) -> None:
        self.augmentation = augmentation or Augmentation()
        self.tracks = [track for root in ([roots] if isinstance(roots, Path) else roots)
                       for track in tracks(root, split)]
        self.random = np.random.default_rng(seed)
        self.songs = max(1, round(batch_size * (1 - EXTRA_SHARE) / len(DEFAULT_STEMS)))
        self.extra = max(1, batch_size - self.songs * len(DEFAULT_STEMS))

    def _song(self) -> tuple[Track, int]:
        track = self.tracks[int(self.random.integers(len(self.tracks)))]
        return track, int(self.random.integers(max(1, track.samples - WINDOW)))

    def _stems(self) -> Audio:
        """Aligned windows of a song's stems; of a song without stems four windows from anywhere in it."""
        for _ in range(8):
            track, start = self._song()
            if any(part in track.parts for part in DEFAULT_STEMS):
                stems = np.stack([track.read(part, start, WINDOW) for part in DEFAULT_STEMS])
            else:
                starts = self.random.integers(max(1, track.samples - WINDOW), size=len(DEFAULT_STEMS))
                stems = np.stack([track.read(OTHER, int(each), WINDOW) for each in starts])
            if np.sqrt((stems**2).mean(-1)).max() > QUIET:
                break
        gain_db = self.random.uniform(-9, 3) + self.random.uniform(-3, 3, (len(DEFAULT_STEMS), 1))
        stems = (stems * 10 ** (gain_db / 20)).astype(np.float32)
        return augmented(stems, self.random, self.augmentation)

    def _extra(self) -> Audio:
        """A mixture of a song or one of its foreign instruments."""
        track, start = self._song()
        parts = [*DEFAULT_STEMS, OTHER]
        if OTHER in track.parts and self.random.random() < 0.4:
            parts = [OTHER]
        sound = np.sum([track.read(part, start, WINDOW) for part in parts], axis=0)
        sound = (sound * 10 ** (self.random.uniform(-12, 6) / 20)).astype(np.float32)
        return augmented(sound[None], self.random, self.augmentation)[0]

    def batch(self) -> CodecBatch:
        grouped = np.stack([self._stems() for _ in range(self.songs)])
        extra = np.stack([self._extra() for _ in range(self.extra)])
        return CodecBatch(torch.from_numpy(grouped), torch.from_numpy(extra))

    def __iter__(self) -> Iterator[CodecBatch]:
        while True:
            yield self.batch()


class TrainedCodec(Codec):
    """The codec with two heads that are dropped at export.

    They ask the latents for pitch classes and onsets by one linear layer each: what a latent space says plainly, a
    performer learns first.
    """

    def __init__(self, config: CodecConfig) -> None:
        super().__init__(config)
        self.heads = nn.ModuleDict({"chroma": nn.Linear(config.latent_dim, 12),
                                    "onset": nn.Linear(config.latent_dim, 24)})


def noisy(latents: Tensor) -> Tensor:
    """Latents [B, L, C] with noise of a level drawn for each example."""
    deviation = torch.rand(len(latents), 1, 1, device=latents.device) * LATENT_NOISE
    return latents + deviation * torch.randn_like(latents)


def sums(output: Tensor, batch: CodecBatch) -> tuple[Tensor, Tensor]:
    """Sum of the decoded stems of each song and of the true ones, [G, T] each."""
    songs, stems = batch.grouped.shape[:2]
    return output[: songs * stems].unflatten(0, (songs, stems)).sum(1), batch.grouped.sum(1)


def reconstruction(output: Tensor, batch: CodecBatch, random: np.random.Generator) -> dict[str, Tensor]:
    """The loss and its parts on a batch and on the sums of its stems, at two resolutions drawn for it."""
    windows = tuple(int(w) for w in random.choice(RESOLUTIONS, 2, replace=False))
    parts = reconstruction_loss(output, batch.flat(), windows)
    parts["sum"] = reconstruction_loss(*sums(output, batch), windows[:1])["total"]
    return parts | {"total": parts["total"] + SUM_WEIGHT * parts["sum"]}


def reconstruction_scores(network: Codec, batches: list[CodecBatch]) -> dict[str, float]:
    """The loss, its parts and SI-SDR of a codec, averaged over batches."""
    rows: list[dict[str, float]] = []
    for told in batches:
        batch = moved(told, network.encoder.mean.device)
        audio = batch.flat()
        output = network.decoder(network.encoder(audio))
        parts = reconstruction_loss(output, audio, RESOLUTIONS)
        loud = audio.square().mean(-1) > QUIET**2
        together, truth = sums(output, batch)
        rows.append({name: float(value) for name, value in parts.items()}
                    | {"si_sdr_db": float(si_sdr(output[loud], audio[loud]).mean()),
                       "sum_si_sdr_db": float(si_sdr(together, truth).mean())})
    mean = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    return {"loss": mean.pop("total"), **mean}


class CodecTask:
    """The loss and the validation of the codec (see `training.loop.Task`)."""

    def __init__(self, config: CodecConfig, validation: CodecData, seed: int, batches: int = 8) -> None:
        self.network = TrainedCodec(config)
        self.random = np.random.default_rng(seed)
        self.fixed = [validation.batch() for _ in range(batches)]

    def loss(self, batch: CodecBatch) -> dict[str, Tensor]:
        audio = batch.flat()
        encoder = self.network.encoder
        raw = encoder.raw(audio)
        with torch.no_grad():  # running statistics instead of a batch's own: the decoder sees what it will see later
            mean, std = raw.mean((0, 1)), raw.std((0, 1))
            fresh = (encoder.std.amin() == 1) & (encoder.mean.abs().amax() == 0)  # a tensor: nobody waits for a GPU
            share = torch.where(fresh, 1.0, 1 - STATISTICS_DECAY)
            encoder.mean.lerp_(mean, share)
            encoder.std.lerp_(std.clamp(min=1e-3), share)
        latents = (raw - encoder.mean) / encoder.std
        output = self.network.decoder(noisy(latents))
        parts = reconstruction(output, batch, self.random)
        far = (latents.abs() - 4).clamp(min=0).square().mean()  # whitened latents stay where noise is drawn
        heads = self.network.heads
        parts["chroma"] = functional.mse_loss(heads["chroma"](latents), chroma_target(audio))
        parts["onset"] = functional.l1_loss(heads["onset"](latents), onset_target(audio))
        parts["total"] = parts["total"] + far + HEADS_WEIGHT * (parts["chroma"] + parts["onset"])
        return {name: value if name == "total" else value.detach() for name, value in parts.items()}

    def validate(self, network: nn.Module) -> dict[str, float]:
        assert isinstance(network, Codec)
        return reconstruction_scores(network, self.fixed)


def whiten(network: Codec, data: CodecData, batches: int = 64) -> None:
    """Replace the running statistics of the latents by those of many windows (in place)."""
    with torch.no_grad():
        raw = torch.cat([network.encoder.raw(data.batch().flat()).flatten(0, 1) for _ in range(batches)])
    network.encoder.mean.copy_(raw.mean(0))
    network.encoder.std.copy_(raw.std(0).clamp(min=1e-3))


def load_codec(path: Path) -> tuple[Codec, dict[str, Any]]:
    """The averaged codec of a checkpoint, and the checkpoint's metadata; or the codec of a bundle's folder."""
    if path.is_dir():
        meta: dict[str, Any] = {"config": read_config(path, "codec")}
        weights = {f"{half}.{name}": torch.from_numpy(value) for half in ("encoder", "decoder")
                   for name, value in read_weights(path, half).items()}
    else:
        tensors, meta = checkpoint.load(path)
        weights = checkpoint.weights(tensors)
    network = Codec(CodecConfig(**meta["config"]))
    network.load_state_dict({name: value for name, value in weights.items() if not name.startswith("heads.")})
    return network.eval(), meta
