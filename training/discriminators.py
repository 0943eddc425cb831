"""Discriminators on complex spectrograms at several resolutions.

Jang et al. 2021 (UnivNet) compare magnitudes at several resolutions; Kumar et al. 2023 (DAC) give real and imaginary
part as two channels, so that phase is judged too.  Here the magnitudes are compressed first, because a quiet cymbal
matters as much as a loud bass, and every layer but the last two halves the frequencies, which keeps the whole within
reach of a CPU.

Legend: B batch, T samples, F frames, K bins, D channels.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from .losses import COMPRESSION, magnitude, spectrum

SLOPE = 0.1  # of the leaky rectifier
QUIET = 1e-3  # magnitude below which compression stops: what is not heard is not judged
HALVINGS = 4


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Sizes of the discriminators."""

    width: int = 16  # channels; the cost grows with its square
    windows: tuple[int, ...] = (512, 1024, 2048)  # samples, one discriminator each


@dataclass(frozen=True)
class Judgement:
    """What one discriminator says about sounds: `score` [B, 1, F, K / 16], high for real, and the layers' features."""

    score: Tensor
    features: list[Tensor]


class Discriminator(nn.Module):
    """One resolution."""

    def __init__(self, window: int, width: int) -> None:
        super().__init__()
        self.window = window
        layers = [nn.Conv2d(width if i else 2, width, (3, 9), (1, 2), (1, 4)) for i in range(HALVINGS)]
        layers.append(nn.Conv2d(width, width, 3, padding=1))
        self.layers = nn.ModuleList(weight_norm(layer) for layer in layers)
        self.last = weight_norm(nn.Conv2d(width, 1, 3, padding=1))

    def forward(self, audio: Tensor) -> Judgement:
        """Judge sounds [B, T]."""
        with torch.autocast(audio.device.type, enabled=False):
            z = spectrum(audio, self.window)[..., :-1]
            gain = (magnitude(z) + QUIET) ** (COMPRESSION - 1)
            x = torch.stack([z.real * gain, z.imag * gain], dim=1)
        features = []
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), SLOPE)
            features.append(x)
        return Judgement(self.last(x), features)


class Discriminators(nn.Module):
    """All resolutions."""

    steps: Tensor

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.judges = nn.ModuleList(Discriminator(window, config.width) for window in config.windows)
        self.register_buffer("steps", torch.zeros(()))  # trained so far: kept with the weights

    def forward(self, audio: Tensor) -> list[Judgement]:
        return [judge(audio) for judge in self.judges]


def rival_loss(real: list[Judgement], fake: list[Judgement]) -> Tensor:
    """Hinge loss of the discriminators (Lim & Ye 2017)."""
    return torch.stack([functional.relu(1 - r.score).mean() + functional.relu(1 + f.score).mean()
                        for r, f in zip(real, fake, strict=True)]).mean()


def deceit_loss(fake: list[Judgement]) -> Tensor:
    """What the decoder pays for being found out (the hinge form of Tagliasacchi et al. 2020)."""
    return torch.stack([functional.relu(1 - f.score).mean() for f in fake]).mean()


def feature_loss(real: list[Judgement], fake: list[Judgement]) -> Tensor:
    """L1 between features, each layer in units of its real features' magnitude (Defossez et al. 2022, eq. 3)."""
    pairs = [(r.detach(), f) for one, two in zip(real, fake, strict=True)
             for r, f in zip(one.features, two.features, strict=True)]
    return torch.stack([(f - r).abs().mean() / r.abs().mean().clamp(min=1e-4) for r, f in pairs]).mean()
