"""The few-step fine-tune: one call of the network crosses a whole interval of flow time, guidance included.

A network that gives the velocity at a moment needs many small steps.  Here it is also told the length s of the step it
is asked for and learns the mean velocity over it (MeanFlow, Geng et al. 2025), by splitting the interval: one step of
length s must lead where two steps of s / 2 lead (shortcut models, Frans et al. 2024).  That needs no forward-mode
differentiation, which fused attention kernels lack.  The rest of a batch stays plain flow matching with s = 0.

Classifier-free guidance (Ho and Salimans 2022) is distilled in: the plain target is moved by `guidance - 1` times the
difference that the conditions make to a frozen network, the one this stage began with or a larger one, so that
inference pays for one forward pass a step.  Guidance makes louder what it makes clearer, so the data it points to are
brought most of the way back to the power they had without it (Lin et al. 2024).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from harmonicflow.engine.sampler import SHORTEST_STEP, flow_times, sample, told_step
from harmonicflow.nn.performer import Performer, PerformerConfig

from .device import moved
from .performer import PerformerTask, corrupt, masked_mean, velocity
from .shards import Example, ExampleData, part_of, untold

LENGTHS = (1.0, 0.5, 0.25, 0.125)  # of the steps that are learned
LENGTH_SHARES = (0.2, 0.3, 0.35, 0.15)
ON_GRID = 0.5  # share of intervals that begin at a multiple of their length, as even sampling has them
RESCALED = 0.8  # of the way back to the power without guidance: all the way, guitars come out 2 to 3 dB too quiet
FEW, MANY = 4, 16  # steps that validation compares


@dataclass(frozen=True)
class FewStepOptions:
    """How the fine-tune is mixed."""

    share: float = 0.35  # of a batch that learns intervals
    guidance: float = 1.0  # 1: none


class FewStepTask(PerformerTask):
    """The loss and the validation of the fine-tune (see `training.loop.Task`)."""

    def __init__(self, config: PerformerConfig, validation: ExampleData, seed: int, options: FewStepOptions) -> None:
        super().__init__(config, validation, seed)
        self.options = options
        self.guide: Performer | None = None
        self.taught = False

    def begin(self, guide: Performer, teaches: bool) -> None:
        """Take the network that guides; if it `teaches`, its velocity also stands in the data's place."""
        self.guide, self.taught = guide, teaches

    def loss(self, batch: Example) -> dict[str, Tensor]:
        count = len(batch.data)
        few = max(1, round(self.options.share * count))
        device = batch.data.device
        time = self.flow_times(count).to(device)
        length = torch.zeros_like(time)
        starts, lengths = self.intervals(few)
        time[:few], length[:few] = starts.to(device), lengths.to(device)
        noise = torch.randn_like(batch.data)
        x, unknown = corrupt(batch, time, noise)
        with torch.no_grad():
            first, rest = part_of(batch, slice(0, few)), part_of(batch, slice(few, count))
            long = two_steps(self.network, first, x[:few], time[:few], length[:few])
            plain = self.target(rest, x[few:], time[few:], noise[few:]) if few < count else long[:0]
            target = torch.cat([long, plain])
        error = (velocity(self.network, batch, x, time, length) - target).square()
        flow, interval = masked_mean(error[few:], unknown[few:]), masked_mean(error[:few], unknown[:few])
        return {"total": (few * interval + (count - few) * flow) / count, "flow": flow, "interval": interval}

    def intervals(self, count: int) -> tuple[Tensor, Tensor]:
        """Starts and lengths [count] of intervals inside 0..1."""
        lengths = self.random.choice(LENGTHS, count, p=LENGTH_SHARES)
        starts = self.random.random(count) * (1 - lengths)
        grid = self.random.random(count) < ON_GRID
        starts = np.where(grid, np.round(starts / lengths) * lengths, starts)
        return torch.from_numpy(starts.astype(np.float32)), torch.from_numpy(lengths.astype(np.float32))

    def target(self, batch: Example, x: Tensor, time: Tensor, noise: Tensor) -> Tensor:
        """The plain target, or the teacher's, moved by what guidance adds."""
        target = super().target(batch, x, time, noise)
        weight = self.options.guidance - 1
        if self.guide is None or not (weight or self.taught):
            return target
        told = velocity(self.guide, batch, x, time)
        if self.taught:
            target = told
        if not weight:
            return target
        difference = told - velocity(self.guide, untold(batch), x, time)
        left = (1 - time)[:, None, None, None]
        data = x[:, 1:] + left * told  # where the velocity points to
        moved = data + left * weight * difference
        unknown = 1 - batch.known[:, 1:]
        kept = (power(data, unknown) / power(moved, unknown).clamp(min=1e-6)).sqrt()
        scale = RESCALED * kept + 1 - RESCALED
        return target + (scale * moved - data) / left.clamp(min=SHORTEST_STEP)

    def validate(self, network: nn.Module) -> dict[str, float]:
        """The error of the velocity that is asked for, and how far a few steps end from many (`few`, mean square)."""
        scores = super().validate(network)
        assert isinstance(network, Performer)
        batch = moved(self.told[0], next(network.parameters()).device)
        noise = self.noises[0].to(batch.data.device)
        ends = [sampled(network, batch, noise, steps) for steps in (FEW, MANY)]
        few = float((ends[0] - ends[1]).square().mean())
        return scores | {"loss": scores["loss"] + few, "flow": scores["loss"], "few": few}


def power(latents: Tensor, unknown: Tensor) -> Tensor:
    """Mean square over a stem's unknown cells, [B, S, 1, 1]."""
    total = (latents.square().mean(-1) * unknown).sum(-1) / unknown.sum(-1).clamp(min=1)
    return total[..., None, None]


def two_steps(network: Performer, batch: Example, x: Tensor, time: Tensor, length: Tensor) -> Tensor:
    """The mean velocity [B, S, L, C] of two steps that together have the given lengths [B]."""
    half = length / 2
    asked = torch.where(half > SHORTEST_STEP, half, 0.0)
    first = velocity(network, batch, x, time, asked)
    unknown = (1 - batch.known[:, 1:])[..., None]
    between = torch.cat([x[:, :1], x[:, 1:] + half[:, None, None, None] * first * unknown], dim=1)
    return (first + velocity(network, batch, between, time + half, asked)) / 2


def sampled(network: Performer, batch: Example, noise: Tensor, steps: int) -> Tensor:
    """The stems' latents [B, S, L, C] after even steps from noise."""
    start = torch.zeros(len(noise), device=noise.device)
    x, unknown = corrupt(batch, start, noise)

    def step(x: Tensor, time: float, length: float) -> Tensor:
        asked = torch.full_like(start, told_step(length, interval=True))
        found = velocity(network, batch, x, torch.full_like(start, time), asked)
        return torch.cat([torch.zeros_like(x[:, :1]), found * unknown[..., None]], dim=1)

    out: Tensor = sample(step, x, flow_times(steps))
    return out[:, 1:]

