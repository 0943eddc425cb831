"""The training loop that all networks share: it stops by the clock, resumes at any step and keeps the best.

The learning rate follows the budget: a short warm-up, then constant, then linear to zero over the last part of the
minutes (or steps) asked for, whichever ends first.  What is validated and exported is an exponential moving average.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from . import checkpoint

log = logging.getLogger("harmonicflow.training")


@dataclass(frozen=True)
class LoopOptions:
    """How long and how to train."""

    minutes: float = 60.0  # wall-clock budget, counted over all runs of this checkpoint
    steps: int = 1_000_000  # ends earlier when reached
    batch_size: int = 16
    lr: float = 1e-3  # peak learning rate
    warmup_steps: int = 200  # at most a tenth of the steps
    decay_share: float = 0.6  # last share of the budget over which the rate falls to zero
    weight_decay: float = 0.01
    average: float = 0.998  # decay of the moving average per step
    clip: float = 1.0  # largest norm of the gradient
    validate_minutes: float = 5.0  # between validations and checkpoints
    seed: int = 0
    threads: int = 0  # 0: torch's own choice
    bf16: bool = True  # autocast where the device has it
    muon: bool = False  # Muon for the matrices inside the network, AdamW for the rest


class Task(Protocol):
    """What the loop trains."""

    @property
    def network(self) -> nn.Module:
        """The network to train."""

    def loss(self, batch: Any) -> dict[str, Tensor]:
        """Parts by name; "total" is minimised."""

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Scores of the averaged network; "loss" (lower is better) chooses the best."""


def optimisers(network: nn.Module, options: LoopOptions) -> list[torch.optim.Optimizer]:
    """AdamW, and Muon (Jordan et al. 2024) for the matrices when asked for."""
    matrices: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        inner = parameter.ndim == 2 and min(parameter.shape) >= 64 and "embed" not in name and "head" not in name
        (matrices if inner and options.muon else rest).append(parameter)
    adam = torch.optim.AdamW(rest, lr=options.lr, betas=(0.9, 0.98), weight_decay=options.weight_decay)
    if not matrices:
        return [adam]
    muon = torch.optim.Muon(
        matrices, lr=options.lr, weight_decay=options.weight_decay, adjust_lr_fn="match_rms_adamw"
    )
    return [adam, muon]


def rate(step: int, progress: float, options: LoopOptions) -> float:
    """Share of the peak learning rate after `step` steps and `progress` (0 to 1) of the budget."""
    rise = min(1.0, (step + 1) / max(1, min(options.warmup_steps, options.steps // 10)))
    fall = min(1.0, max(0.0, (1 - progress) / options.decay_share))
    return rise * fall


class Loop:
    """Trains `task` on `batches` and keeps `last.safetensors` and `best.safetensors` in `folder`."""

    def __init__(self, task: Task, options: LoopOptions, folder: Path, config: Any, info: dict[str, Any]) -> None:
        self.task, self.options, self.folder = task, options, folder
        self.meta = {"config": asdict(config), **info}
        self.optimisers = optimisers(task.network, options)
        self.average = {key: value.detach().clone().float() for key, value in task.network.state_dict().items()}
        self.step, self.minutes, self.best = 0, 0.0, math.inf
        self.last_parts: dict[str, float] = {}

    def resume(self) -> bool:
        """Go on from `last.safetensors` if there is one."""
        path = self.folder / "last.safetensors"
        if not path.exists():
            return False
        tensors, meta = checkpoint.load(path)
        self.task.network.load_state_dict(checkpoint.weights(tensors, checkpoint.MODEL))
        self.average = checkpoint.weights(tensors)
        checkpoint.restore_optimiser(self.optimisers, tensors)
        self.step, self.minutes, self.best = meta["step"], meta["minutes"], meta["best"]
        log.info("resumed at step %d after %.1f minutes", self.step, self.minutes)
        return True

    def initialise(self, tensors: dict[str, Tensor]) -> None:
        """Start from the weights of a bundle or a checkpoint, by name; what they lack keeps its first values."""
        self.task.network.load_state_dict({**self.task.network.state_dict(), **tensors})
        self.average = {key: value.detach().clone().float() for key, value in self.task.network.state_dict().items()}

    def run(self, batches: Iterator[Any], report: Callable[[str], None]) -> dict[str, float]:
        """Train until the budget ends; returns the last validation's scores."""
        options = self.options
        if options.threads:
            torch.set_num_threads(options.threads)
        began, before = time.monotonic(), self.minutes
        next_check = self.minutes + options.validate_minutes
        scores: dict[str, float] = {}
        while self.minutes < options.minutes and self.step < options.steps:
            parts = self._update(next(batches))
            self.minutes = before + (time.monotonic() - began) / 60
            for name, value in parts.items():
                old = self.last_parts.get(name, value)
                self.last_parts[name] = old + 0.02 * (value - old)
            if self.step % 50 == 0:
                report(self._line())
            if self.minutes >= next_check:
                next_check = self.minutes + options.validate_minutes
                scores = self._check(report)
        return self._check(report) if self.step else scores

    def _update(self, batch: Any) -> dict[str, float]:
        options, network = self.options, self.task.network
        progress = max(self.minutes / options.minutes, self.step / options.steps)
        share = rate(self.step, progress, options)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = options.lr * share
        network.train()
        device = next(network.parameters()).device.type
        with torch.autocast(device, torch.bfloat16, enabled=options.bf16):
            parts = self.task.loss(batch)
        parts["total"].backward()
        norm = nn.utils.clip_grad_norm_(network.parameters(), options.clip)
        if torch.isfinite(norm):  # a broken batch must not reach the weights
            for optimiser in self.optimisers:
                optimiser.step()
        network.zero_grad(set_to_none=True)
        self.step += 1
        decay = min(options.average, (1 + self.step) / (10 + self.step))
        for key, value in network.state_dict().items():
            self.average[key].lerp_(value.float(), 1 - decay)
        return {name: float(value.detach()) for name, value in parts.items()} | {"norm": float(norm.detach())}

    def _line(self) -> str:
        parts = " ".join(f"{name} {value:.4f}" for name, value in self.last_parts.items())
        return f"step {self.step} minutes {self.minutes:.1f}/{self.options.minutes:.0f} {parts}"

    def _check(self, report: Callable[[str], None]) -> dict[str, float]:
        network = self.task.network
        trained = {key: value.detach().clone() for key, value in network.state_dict().items()}
        network.load_state_dict(self.average)
        network.eval()
        with torch.no_grad():
            scores = self.task.validate(network)
        average = {key: value.detach().clone() for key, value in network.state_dict().items()}
        network.load_state_dict(trained)
        report(f"step {self.step} minutes {self.minutes:.1f} VALIDATION "
               + " ".join(f"{name} {value:.4f}" for name, value in scores.items()))
        better = scores["loss"] < self.best
        self.best = min(self.best, scores["loss"])
        meta = {**self.meta, "step": self.step, "minutes": self.minutes, "best": self.best, "scores": scores,
                "options": asdict(self.options)}
        prefixed = {checkpoint.AVERAGE + key: value for key, value in average.items()}
        if better:
            checkpoint.save(self.folder / "best.safetensors", prefixed, meta)
        whole = prefixed | {checkpoint.MODEL + key: value for key, value in trained.items()}
        checkpoint.save(self.folder / "last.safetensors", whole | checkpoint.flatten_optimiser(self.optimisers), meta)
        return scores
