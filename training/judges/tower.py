"""The network that judges share: pictures of a stem in, one vector a frame out; and how it is fitted and kept.

Shapes: B batch, N mel frame, L pitch frame (N = 2 L), M mel band, P semitone, D width.
"""

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn import functional

from harmonicflow.core.paths import atomic_file

from .features import FLOOR_DB, MELS, PITCHES, STEP_DB, Picture

Report = Callable[[str], None]

RANGE_DB: Final = 60.0  # below a window's largest level nothing is looked at
QUIET: Final = round((-70.0 - FLOOR_DB) / STEP_DB)  # level, as stored, over which something sounds
TILT_DB: Final = 6.0  # deviation of the random filter of a training window, at the ends of the spectrum
LEARNING_RATE: Final = 2e-3


class Tower(nn.Module):
    """One vector a pitch frame, from about 1.5 s around it; `kinds` are the stems it tells apart."""

    def __init__(self, kinds: int, width: int = 64, layers: int = 4) -> None:
        super().__init__()
        self.mel = nn.Conv1d(MELS, width, 6, stride=2, padding=2)
        self.pitch = nn.Linear(PITCHES, width)
        self.kind = nn.Embedding(kinds, width)
        self.layers = nn.ModuleList(
            nn.Conv1d(width, width, 3, padding=2**layer, dilation=2**layer) for layer in range(layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(layers))
        self.out = nn.Linear(width, width)

    def forward(self, mel_BNM: Tensor, pitch_BLP: Tensor, kind_B: Tensor) -> Tensor:
        """[B, L, D] of what `shown` gives."""
        x_BLD = self.mel(mel_BNM.transpose(1, 2)).transpose(1, 2) + self.pitch(pitch_BLP)
        x_BLD = x_BLD + self.kind(kind_B)[:, None]
        for layer, norm in zip(self.layers, self.norms, strict=True):
            inner = functional.silu(layer(norm(x_BLD).transpose(1, 2)).transpose(1, 2))
            x_BLD = x_BLD + inner
        return cast(Tensor, self.out(x_BLD))


def sounds(window: Picture) -> bool:
    """Whether something is played in a window: levels over -70 dB in a tenth of its frames."""
    return bool((window.mel.max(axis=1, initial=0) > QUIET).mean() > 0.1)


def shown(windows: list[Picture], random: np.random.Generator | None = None) -> tuple[Tensor, Tensor]:
    """Windows of equal length as the tower takes them: mel [B, N, M] and pitch [B, L, P], 0 at the floor, 1 on top.

    Each window's own largest level is on top, so loudness tells nothing. With `random` the windows go through a
    smooth random filter and lose a random part of their quietest levels, so that a codec's colour tells little.
    """
    mel = torch.from_numpy(np.stack([window.mel for window in windows])).float() * STEP_DB
    pitch = torch.from_numpy(np.stack([window.pitch for window in windows])).float() * STEP_DB
    lowest = RANGE_DB
    if random is not None:
        tilt, bend = (torch.from_numpy(random.normal(0, TILT_DB / 2, (len(windows), 1, 1))).float() for _ in range(2))
        at_M, at_P = torch.linspace(-1, 1, MELS), torch.linspace(-1, 0.3, PITCHES)
        mel, pitch = (x + tilt * at + bend * (at**2 - 1 / 3) for x, at in ((mel, at_M), (pitch, at_P)))
        lowest = float(random.uniform(0.6, 1.0)) * RANGE_DB
    return tuple(  # type: ignore[return-value]  # two of them
        (1 + (x - x.amax(dim=(1, 2), keepdim=True)) / lowest).clamp(min=0) for x in (mel, pitch)
    )


def fit(
    model: nn.Module, loss: Callable[[np.random.Generator], Tensor], steps: int, seed: int, report: Report, name: str
) -> None:
    """AdamW: a tenth of the steps to warm up, then a cosine to zero. One machine and seed give the same weights."""
    random = np.random.default_rng(seed)
    optimiser = torch.optim.AdamW(model.parameters(), LEARNING_RATE, weight_decay=0.01)
    model.train()
    total = 0.0
    for step in range(steps):
        warm = min(1.0, (step + 1) / max(1, steps // 10))
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * warm * 0.5 * (1 + math.cos(math.pi * step / steps))
        value = loss(random)
        optimiser.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        total += float(value.detach())
        if (step + 1) % 100 == 0:
            report(f"{name} judge: {step + 1} of {steps} updates, loss {total / 100:.3f}")
            total = 0.0
    model.eval()


def fitted(
    model: nn.Module, folder: Path, name: str, about: dict[str, Any], train: Callable[[], None], report: Report
) -> str:
    """Load the weights kept for exactly this model, data and seed, or train and keep them; gives their key."""
    shapes = {key: list(value.shape) for key, value in model.state_dict().items()}
    key = hashlib.sha256(json.dumps([about, shapes], sort_keys=True).encode()).hexdigest()[:16]
    path = folder / "judges" / f"{name}-{key}.safetensors"
    try:
        model.load_state_dict(load_file(path))
        model.eval()
        return key
    except (OSError, SafetensorError, RuntimeError):
        report(f"{name} judge: to be trained")
    train()
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as file:
        file.write(save({k: v.contiguous() for k, v in model.state_dict().items()}))
    return key
