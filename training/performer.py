"""Training the performer: one objective, every task.

Rectified flow (Liu et al. 2022): with noise e and data x, x_t = (1 - t) e + t x and the target velocity is x - e.
Unknown cells of an example share t; known cells are data; the loss is the squared error on unknown cells of the stems.
"""

import numpy as np
import torch
from torch import Tensor, nn

from harmonicflow.nn.performer import Performer, PerformerConfig

from .device import moved
from .shards import Example, ExampleData, collate

UNIFORM_SHARE = 0.5  # of flow times; the rest is logit-normal.  Few steps are taken, so the early times matter
VALIDATION_TIMES = (0.0, 0.25, 0.5, 0.75)  # those of the default four steps


def corrupt(batch: Example, time: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """(x at flow time, unknown cells [B, S, L]) of a batch; an absent clip's row is zero."""
    known = batch.known[..., None]
    mixed = (1 - time[:, None, None, None]) * noise + time[:, None, None, None] * batch.data
    x = known * batch.data + (1 - known) * mixed
    x = torch.cat([x[:, :1] * known[:, :1], x[:, 1:]], dim=1)
    return x, 1 - batch.known[:, 1:]

def velocity(network: nn.Module, batch: Example, x: Tensor, time: Tensor) -> Tensor:
    """The network's velocity [B, S, L, C] for a batch."""
    return network(x, batch.known, time, torch.zeros_like(time), batch.guide, batch.score, batch.pool, batch.text,
                   batch.genre, batch.emotion, batch.timbre)


def masked_mean(error: Tensor, unknown: Tensor) -> Tensor:
    return (error.mean(-1) * unknown).sum() / unknown.sum().clamp(min=1)


class PerformerTask:
    """The loss and the validation of the performer (see `training.loop.Task`)."""

    def __init__(self, config: PerformerConfig, validation: ExampleData, seed: int, batches: int = 4) -> None:
        self.network = Performer(config)
        self.random = np.random.default_rng(seed)
        whole = np.zeros((len(config.stems), validation.frames), bool)
        count = validation.batch_size
        self.told = [collate([validation.example(whole, all_told=True) for _ in range(count)])
                     for _ in range(batches)]
        self.drawn = [collate([validation.example() for _ in range(count)]) for _ in range(batches)]
        generator = torch.Generator().manual_seed(1)
        self.noises = [torch.randn(batch.data.shape, generator=generator) for batch in self.told]

    def loss(self, batch: Example) -> dict[str, Tensor]:
        count = len(batch.data)
        logistic = 1 / (1 + np.exp(-self.random.normal(0, 1, count)))
        uniform = self.random.random(count)
        chosen = np.where(self.random.random(count) < UNIFORM_SHARE, uniform, logistic)
        time = torch.from_numpy(chosen.astype(np.float32)).to(batch.data.device)
        noise = torch.randn_like(batch.data)
        x, unknown = corrupt(batch, time, noise)
        error = (velocity(self.network, batch, x, time) - (batch.data - noise)[:, 1:]).square()
        total = masked_mean(error, unknown)
        return {"total": total}

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Velocity error over masks as drawn, and with everything told; `first` is the error of the data predicted
        from noise alone, in units of its variance: what the conditions do not tell."""
        device = next(network.parameters()).device
        losses: list[float] = []
        firsts: list[Tensor] = []
        for batches, keep in ((self.drawn, False), (self.told, True)):
            for held_out, drawn in zip(batches, self.noises, strict=True):
                batch, noise = moved(held_out, device), drawn.to(device)
                for t in VALIDATION_TIMES:
                    time = torch.full((len(batch.data),), t, device=device)
                    x, unknown = corrupt(batch, time, noise)
                    error = (velocity(network, batch, x, time) - (batch.data - noise)[:, 1:]).square()
                    losses.append(float(masked_mean(error, unknown)))
                    if keep and t == 0.0:
                        firsts.append(error.mean((0, 2, 3)))
        stems = torch.stack(firsts).mean(0)
        assert isinstance(network, Performer)
        named = {f"first_{name}": float(value) for name, value in zip(network.config.stems, stems, strict=True)}
        return {"loss": float(np.mean(losses)), **named}
