"""Training the performer: one objective, every task.

Rectified flow (Liu et al. 2022): with noise e and data x, x_t = (1 - t) e + t x and the target velocity is x - e.
Unknown cells of an example share t; known cells are data; the loss is the squared error on unknown cells of the stems.
"""

import numpy as np
import torch
from torch import Tensor, nn

from harmonicflow.analysis.curves import CURVES
from harmonicflow.nn.performer import Performer, PerformerConfig

from .device import moved
from .shards import Example, ExampleData, collate

UNIFORM_SHARE = 0.5  # of flow times; the rest is logit-normal.  Few steps are taken, so the early times matter
HEARD_WEIGHT = 0.5  # of the head's error
VALIDATION_TIMES = (0.0, 0.25, 0.5, 0.75)  # those of the default four steps


class TrainedPerformer(Performer):
    """The performer with a head that is dropped at export.

    It asks what the last block knows for the curves of each stem's true sound (onsets, chroma, loudness), which are
    nearer to what is heard than phases are.
    """

    def __init__(self, config: PerformerConfig) -> None:
        super().__init__(config)
        self.heads = nn.ParameterDict({"curves": torch.zeros(len(config.stems), config.dim, CURVES)})


def corrupt(batch: Example, time: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """(x at flow time, unknown cells [B, S, L]) of a batch; an absent clip's row is zero."""
    known = batch.known[..., None]
    mixed = (1 - time[:, None, None, None]) * noise + time[:, None, None, None] * batch.data
    x = known * batch.data + (1 - known) * mixed
    x = torch.cat([x[:, :1] * known[:, :1], x[:, 1:]], dim=1)
    return x, 1 - batch.known[:, 1:]

def velocity(network: Performer, batch: Example, x: Tensor, time: Tensor, step: Tensor | None = None) -> Tensor:
    """The network's velocity [B, S, L, C] for a batch."""
    return network.velocity(x, time, hidden(network, batch, x, time, step))


def hidden(network: Performer, batch: Example, x: Tensor, time: Tensor, step: Tensor | None = None) -> Tensor:
    """What the network knows of the stems, [B, S, L, D]."""
    step = torch.zeros_like(time) if step is None else step
    return network.hidden(x, batch.known, time, step, batch.guide, batch.score, batch.pool, batch.text, batch.genre,
                          batch.emotion, batch.timbre)[0]


def masked_mean(error: Tensor, unknown: Tensor) -> Tensor:
    return (error.mean(-1) * unknown).sum() / unknown.sum().clamp(min=1)


class PerformerTask:
    """The loss and the validation of the performer (see `training.loop.Task`)."""

    def __init__(self, config: PerformerConfig, validation: ExampleData, seed: int, batches: int = 4) -> None:
        self.network = TrainedPerformer(config)
        self.random = np.random.default_rng(seed)
        whole = np.zeros((len(config.stems), validation.frames), bool)
        count = validation.batch_size
        self.told = [collate([validation.example(whole, all_told=True) for _ in range(count)])
                     for _ in range(batches)]
        self.drawn = [collate([validation.example() for _ in range(count)]) for _ in range(batches)]
        generator = torch.Generator().manual_seed(1)
        self.noises = [torch.randn(batch.data.shape, generator=generator) for batch in self.told]

    def flow_times(self, count: int) -> Tensor:
        """Flow times [count]: uniform ones among logit-normal ones."""
        logistic = 1 / (1 + np.exp(-self.random.normal(0, 1, count)))
        uniform = self.random.random(count)
        chosen = np.where(self.random.random(count) < UNIFORM_SHARE, uniform, logistic)
        return torch.from_numpy(chosen.astype(np.float32))

    def loss(self, batch: Example) -> dict[str, Tensor]:
        time = self.flow_times(len(batch.data)).to(batch.data.device)
        noise = torch.randn_like(batch.data)
        x, unknown = corrupt(batch, time, noise)
        known = hidden(self.network, batch, x, time)
        error = (self.network.velocity(x, time, known) - self.target(batch, x, time, noise)).square()
        flow = masked_mean(error, unknown)
        curves = torch.einsum("bsld,sdc->bslc", known, self.network.heads["curves"].to(known.dtype)).float()
        heard = masked_mean((curves - batch.curves).square(), unknown)
        return {"total": flow + HEARD_WEIGHT * heard, "flow": flow, "heard": heard}

    def target(self, batch: Example, x: Tensor, time: Tensor, noise: Tensor) -> Tensor:
        """The velocity [B, S, L, C] that is asked for."""
        return (batch.data - noise)[:, 1:]

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Velocity error over masks as drawn, and with everything told; `first` is the error of the data predicted
        from noise alone, in units of its variance: what the conditions do not tell."""
        assert isinstance(network, Performer)
        device = next(network.parameters()).device
        losses: list[float] = []
        firsts: list[Tensor] = []
        for batches, keep in ((self.drawn, False), (self.told, True)):
            for held_out, drawn in zip(batches, self.noises, strict=True):
                batch, noise = moved(held_out, device), drawn.to(device)
                for t in VALIDATION_TIMES:
                    time = torch.full((len(batch.data),), t, device=device)
                    x, unknown = corrupt(batch, time, noise)
                    error = (velocity(network, batch, x, time) - self.target(batch, x, time, noise)).square()
                    losses.append(float(masked_mean(error, unknown)))
                    if keep and t == 0.0:
                        firsts.append(error.mean((0, 2, 3)))
        stems = torch.stack(firsts).mean(0)
        named = {f"first_{name}": float(value) for name, value in zip(network.config.stems, stems, strict=True)}
        return {"loss": float(np.mean(losses)), **named}
