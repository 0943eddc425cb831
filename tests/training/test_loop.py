"""The loop: it learns, it stops by the clock, it resumes where it was, it keeps the best."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from harmonicflow.core.errors import HarmonicFlowError
from training import checkpoint
from training.loop import Loop, LoopOptions, rate


@dataclass(frozen=True)
class Config:
    width: int = 64


class Line:
    """Fits y = W x for a planted W."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Linear(64, 64), nn.Linear(64, 64))
        self.planted = torch.randn(64, 64, generator=torch.Generator().manual_seed(5)) / 8

    def loss(self, batch: Tensor) -> dict[str, Tensor]:
        return {"total": (self.network(batch) - batch @ self.planted).square().mean()}

    def validate(self, network: nn.Module) -> dict[str, float]:
        x = torch.randn(256, 64, generator=torch.Generator().manual_seed(9))
        with torch.no_grad():
            return {"loss": float((network(x) - x @ self.planted).square().mean())}


def batches(start: int = 0) -> Iterator[Tensor]:
    while True:
        yield torch.randn(32, 64, generator=torch.Generator().manual_seed(start))
        start += 1


def loop(folder: Path, **options: object) -> Loop:
    base = {"steps": 60, "minutes": 5.0, "lr": 3e-3, "warmup_steps": 5, "precision": "fp32", "average": 0.9}
    return Loop(Line(), LoopOptions(**(base | options)), folder, Config(), {"network": "line"})  # type: ignore[arg-type]


def silent(line: str) -> None:
    assert "nan" not in line


@pytest.mark.parametrize("muon", [False, True])
def test_it_learns(tmp_path: Path, muon: bool) -> None:
    trained = loop(tmp_path, muon=muon, lr=2e-2, steps=150)
    before = trained.task.validate(trained.task.network)["loss"]
    assert trained.run(batches(), silent)["loss"] < 0.1 * before


def test_resuming_is_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    """Same steps, same batches, same optimiser state: the same weights, for AdamW and Muon."""
    whole = loop(tmp_path / "whole", muon=True)
    whole.run(batches(), silent)
    first = loop(tmp_path / "parts", muon=True)
    first.options = LoopOptions(**{**first.options.__dict__, "steps": 60})
    feed = batches()
    for _ in range(30):
        first._update(next(feed))
    first.check(silent)
    second = loop(tmp_path / "parts", muon=True)
    assert second.resume() and second.step == 30
    second.run(batches(30), silent)
    a, b = whole.task.network.state_dict(), second.task.network.state_dict()
    assert all(torch.allclose(a[name], b[name], atol=1e-6) for name in a)
    assert all(torch.allclose(whole.average[name], second.average[name], atol=1e-6) for name in a)


def test_it_stops_by_the_clock(tmp_path: Path) -> None:
    began = time.monotonic()
    timed = loop(tmp_path, steps=10**6, minutes=0.02)
    timed.run(batches(), silent)
    assert 1.0 < time.monotonic() - began < 10
    assert timed.minutes >= 0.02
    again = loop(tmp_path, steps=10**6, minutes=0.02)
    assert again.resume()
    steps = again.step
    again.run(batches(), silent)
    assert again.step == steps  # the budget counts over all runs


def test_the_best_is_kept(tmp_path: Path) -> None:
    trained = loop(tmp_path)
    trained.run(batches(), silent)
    good = trained.best
    with torch.no_grad():
        for value in trained.average.values():
            value.add_(1.0)
    trained.check(silent)
    _, meta = checkpoint.load(tmp_path / "best.safetensors")
    assert meta["best"] == pytest.approx(good) and meta["config"] == {"width": 64} and meta["network"] == "line"
    _, last = checkpoint.load(tmp_path / "last.safetensors")
    assert last["scores"]["loss"] > good


def test_a_broken_batch_does_not_reach_the_weights(tmp_path: Path) -> None:
    trained = loop(tmp_path)
    before = {name: value.clone() for name, value in trained.task.network.state_dict().items()}
    trained._update(torch.full((32, 64), float("nan")))
    after = trained.task.network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_rate_rises_and_falls_to_zero() -> None:
    options = LoopOptions(warmup_steps=10, decay_share=0.5)
    assert rate(0, 0.0, options) == pytest.approx(0.1)
    assert rate(50, 0.4, options) == 1.0
    assert rate(50, 0.75, options) == pytest.approx(0.5)
    assert rate(50, 1.0, options) == 0.0


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(b"\xff" * 100)
    with pytest.raises(HarmonicFlowError) as caught:
        checkpoint.load(path)
    assert caught.value.code == "bad_checkpoint" and "bad.safetensors" in str(caught.value)
