"""The training loop that all networks share: it stops by the clock, resumes at any step and keeps the best.

The learning rate follows the budget: a short warm-up, then constant, then linear to zero over the last part of the
minutes (or steps) asked for, whichever ends first.  What is validated and exported is an exponential moving average.
Nothing in a step asks the device for a number, so that a GPU is never waited for.  Under torchrun every process takes
the same steps (`training.distributed`), and the first one writes.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from harmonicflow.core.errors import HarmonicFlowError

from . import checkpoint, distributed
from .device import use_bf16
from .feed import ahead
from .scalars import Scalars

Report = Callable[[str], None]

log = logging.getLogger("harmonicflow.training")

REPORT_STEPS = 50  # between lines of the log
SMOOTH = 0.02  # share of a new value in the reported ones


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
    precision: str = "auto"  # bf16 autocast, fp32, or whichever the device is quicker in
    muon: bool = False  # Muon for the matrices inside the network, AdamW for the rest
    rival_lr: float = 3e-4  # peak learning rate of discriminators


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
        if parameter.requires_grad:
            inner = parameter.ndim == 2 and min(parameter.shape) >= 64 and "embed" not in name and "head" not in name
            (matrices if inner and options.muon else rest).append(parameter)
    adam = torch.optim.AdamW(rest, lr=options.lr, betas=(0.9, 0.98), weight_decay=options.weight_decay, fused=True)
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
    """Trains `task` on `batches` and keeps `last.safetensors` and `best.safetensors` in `folder`.

    `rivals` are networks that learn from the same loss (discriminators): saved in `last`, not averaged, not exported.
    """

    def __init__(self, task: Task, options: LoopOptions, folder: Path, config: Any, info: dict[str, Any],
                 rivals: nn.Module | None = None) -> None:
        self.task, self.options, self.folder, self.rivals = task, options, folder, rivals
        self.meta = {"config": asdict(config), **info}
        self.device = next(task.network.parameters()).device
        self.optimisers = optimisers(task.network, options)
        if rivals is not None:
            self.optimisers.append(torch.optim.AdamW(rivals.parameters(), lr=options.rival_lr, betas=(0.8, 0.99),
                                                     fused=True))
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["initial_lr"] = group["lr"]
        self.trained = nn.ModuleList([task.network] if rivals is None else [task.network, rivals])
        learned = dict(task.network.named_parameters())
        self.statistics = [value for name, value in task.network.state_dict().items() if name not in learned]
        self.average = self._copy()
        self.step, self.minutes, self.best = 0, 0.0, math.inf
        self.bf16 = options.precision == "bf16"
        self.smooth: dict[str, Tensor] = {}
        self.scores: dict[str, float] = {}
        self.scalars = Scalars(folder)

    def _copy(self) -> dict[str, Tensor]:
        return {key: value.detach().clone().float() for key, value in self.task.network.state_dict().items()}

    def resume(self) -> bool:
        """Go on from `last.safetensors` if there is one.  Raises: HarmonicFlowError `bad_checkpoint`."""
        path = self.folder / "last.safetensors"
        if not path.exists():
            return False
        tensors, meta = checkpoint.load(path)
        try:
            self.task.network.load_state_dict(checkpoint.weights(tensors, checkpoint.MODEL))
            if self.rivals is not None:
                self.rivals.load_state_dict(checkpoint.weights(tensors, checkpoint.RIVALS))
        except RuntimeError as error:
            raise HarmonicFlowError("bad_checkpoint", path=str(path), reason="its networks have other sizes") from error
        average = checkpoint.weights(tensors)
        self.average = {key: value.to(self.device) for key, value in average.items()}
        checkpoint.restore_optimiser(self.optimisers, tensors)
        self.step, self.minutes, self.best = meta["step"], meta["minutes"], meta["best"]
        self.scores = meta["scores"]
        log.info("resumed at step %d after %.1f minutes", self.step, self.minutes)
        return True

    def initialise(self, tensors: dict[str, Tensor]) -> None:
        """Start from the weights of a bundle or a checkpoint, by name; what they lack keeps its first values.

        Raises: HarmonicFlowError `bad_checkpoint`.
        """
        try:
            self.task.network.load_state_dict({**self.task.network.state_dict(), **tensors})
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1].strip()
            told = {"path": "--init", "reason": f"it holds another network: {reason}"}
            raise HarmonicFlowError("bad_checkpoint", **told) from error
        self.average = self._copy()

    def run(self, batches: Iterator[Any] | Sequence[Iterator[Any]], report: Report) -> dict[str, float]:
        """Train until the budget ends; returns the last validation's scores (of the first process).

        Several iterators are loaded at once and drawn from in turn.  Interrupted from the keyboard it writes `last`.
        """
        options = self.options
        sources = [batches] if isinstance(batches, Iterator) else batches
        if options.threads:
            torch.set_num_threads(options.threads)
        self.bf16, why = use_bf16(options.precision, self.device)
        self.bf16 = bool(distributed.agreed(self.bf16))
        distributed.share([*self.trained.state_dict().values(), *self.average.values()])
        report(f"on {self.device}" + (f", {distributed.count()} processes" if distributed.count() > 1 else "")
               + f", {why}")
        began, before = time.monotonic(), self.minutes
        next_check = self.minutes + options.validate_minutes
        with closing(ahead(sources, self.device)) as feed, closing(self.scalars):
            try:
                while self.minutes < options.minutes and self.step < options.steps:
                    self._update(next(feed))
                    self.minutes = distributed.agreed(before + (time.monotonic() - began) / 60)
                    if self.step % REPORT_STEPS == 0:
                        self._report(report)
                    if self.minutes >= next_check:
                        next_check = self.minutes + options.validate_minutes
                        self.check(report)
            except KeyboardInterrupt:
                report(f"stopped at step {self.step}: writing what there is, to go on with --resume")
                self._write(self.scores)
                raise
            return self.check(report) if self.step else {}

    def _update(self, batch: Any) -> None:
        options = self.options
        progress = max(self.minutes / options.minutes, self.step / options.steps)
        share = rate(self.step, progress, options)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["initial_lr"] * share
        self.trained.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            parts = self.task.loss(batch)
        parts["total"].backward()
        distributed.average_gradients(self.trained.parameters())
        distributed.share(self.statistics)
        norms = [nn.utils.clip_grad_norm_(network.parameters(), options.clip) for network in self.trained]
        self._step(norms)
        self.trained.zero_grad(set_to_none=True)
        self.step += 1
        self._follow()
        self._note({name: value.detach() for name, value in parts.items()} | {"norm": norms[0]})

    def _step(self, norms: list[Tensor]) -> None:
        """Let the optimisers step; a broken batch must not reach the weights.

        On a GPU asking would mean waiting: there its gradients, NaN since they were clipped, become zero.
        """
        if self.device.type == "cpu":
            if not all(bool(norm.isfinite()) for norm in norms):
                return
        else:
            for parameter in self.trained.parameters():
                if parameter.grad is not None:
                    parameter.grad.nan_to_num_(0, 0, 0)
        for optimiser in self.optimisers:
            optimiser.step()

    def _follow(self) -> None:
        """Move the average towards the weights."""
        decay = min(self.options.average, (1 + self.step) / (10 + self.step))
        network = self.task.network
        # What does not learn stays to the bit: a step towards itself makes 0.0 of -0.0, another latent space.
        still = {name for name, weight in network.named_parameters() if not weight.requires_grad}
        values = {key: value for key, value in network.state_dict().items() if key not in still}
        torch._foreach_lerp_([self.average[key] for key in values], [value.float() for value in values.values()],
                             1 - decay)

    def _note(self, parts: dict[str, Tensor]) -> None:
        """Smooth what is reported, on the device."""
        for name, value in parts.items():
            old = self.smooth.get(name, value)
            self.smooth[name] = torch.where(value.isfinite(), old.lerp(value.to(old), SMOOTH), old)

    def _report(self, report: Report) -> None:
        if distributed.rank() == 0:
            parts = {name: float(value) for name, value in self.smooth.items()}
            report(f"step {self.step} minutes {self.minutes:.1f}/{self.options.minutes:.0f} "
                   + " ".join(f"{name} {value:.4f}" for name, value in parts.items()))
            self.scalars.add("train", parts | {"minutes": self.minutes}, self.step)

    def check(self, report: Report) -> dict[str, float]:
        """Validate the average and write the checkpoints; the other processes wait for the first one's clock."""
        if distributed.rank() != 0:
            return {}
        network = self.task.network
        trained = {key: value.detach().clone() for key, value in network.state_dict().items()}
        try:
            network.load_state_dict(self.average)
            network.eval()
            with torch.no_grad():
                scores = self.task.validate(network)
        finally:
            network.load_state_dict(trained)
        report(f"step {self.step} minutes {self.minutes:.1f} VALIDATION "
               + " ".join(f"{name} {value:.4f}" for name, value in scores.items()))
        self.scalars.add("validation", scores | {"minutes": self.minutes}, self.step)
        if self.scores and self.scores.keys() != scores.keys():
            report("validation measures other things than before: the best is chosen anew")
            self.best = math.inf
        better = scores["loss"] < self.best
        self.best = min(self.best, scores["loss"])
        self._write(scores, better)
        return scores

    def _write(self, scores: dict[str, float], better: bool = False) -> None:
        """Write `last`, and `best` if this is a better one; the first process does."""
        if distributed.rank() != 0:
            return
        self.scores = scores
        meta = {**self.meta, "step": self.step, "minutes": self.minutes, "best": self.best, "scores": scores,
                "options": asdict(self.options)}
        average = {checkpoint.AVERAGE + key: value for key, value in self.average.items()}
        if better:
            checkpoint.save(self.folder / "best.safetensors", average, meta)
        whole = average | {checkpoint.MODEL + key: value for key, value in self.task.network.state_dict().items()}
        if self.rivals is not None:
            whole |= {checkpoint.RIVALS + key: value for key, value in self.rivals.state_dict().items()}
        checkpoint.save(self.folder / "last.safetensors", whole | checkpoint.flatten_optimiser(self.optimisers), meta)
