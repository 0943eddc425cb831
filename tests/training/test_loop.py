"""The loop: it learns, it stops by the clock, it resumes where it was, it keeps the best."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.nn.codec import ConvNeXt
from training import checkpoint, device
from training.feed import ahead
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


def test_what_does_not_learn_stays_to_the_sign_of_zero(tmp_path: Path) -> None:
    """A latent space is named by the bytes of its encoder: an average must not touch what is frozen."""
    trained = loop(tmp_path, steps=40)
    frozen = trained.task.network[0].requires_grad_(False)
    with torch.no_grad():
        frozen.weight.view(-1)[:5] = -0.0
        trained.average["0.weight"].view(-1)[:5] = -0.0
    before = frozen.weight.detach().numpy().tobytes()
    trained.run(batches(), silent)
    assert trained.average["0.weight"].numpy().tobytes() == before == frozen.weight.detach().numpy().tobytes()
    assert not torch.equal(trained.average["1.weight"], torch.zeros(64, 64))


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


def test_a_best_by_another_measure_is_none(tmp_path: Path) -> None:
    loop(tmp_path, steps=5).run(batches(), silent)
    again = loop(tmp_path, steps=5)
    assert again.resume()
    good, again.best = again.best, 0.0
    again.check(silent)
    assert again.best == 0.0
    again.task.validate = lambda network: {"loss": 7.0, "buzz": 1.0}  # type: ignore[method-assign]
    again.check(silent)
    assert again.best == 7.0 and checkpoint.load(tmp_path / "best.safetensors")[1]["best"] == 7.0 != good


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


def test_batches_come_in_turn_and_errors_where_they_were() -> None:
    """Three loaders of different speed: the order is theirs, and the threads end with the reader."""

    def source(name: int, delay: float) -> Iterator[Tensor]:
        for i in range(100):
            time.sleep(delay)
            if i == 4:
                raise ValueError("broken file")
            yield torch.tensor([name, i])

    before = threading.active_count()
    with closing(ahead([source(0, 0.01), source(1, 0.0), source(2, 0.002)], torch.device("cpu"))) as feed:
        got = [next(feed).tolist() for _ in range(12)]
        assert got == [[name, i] for i in range(4) for name in range(3)]
        with pytest.raises(ValueError, match="broken file"):
            next(feed)
    endless = ahead([batches()], torch.device("cpu"))
    next(endless)
    endless.close()
    assert threading.active_count() == before


def test_an_interrupted_run_can_go_on(tmp_path: Path) -> None:
    def interrupted() -> Iterator[Tensor]:
        feed = batches()
        for _ in range(7):
            yield next(feed)
        raise KeyboardInterrupt

    stopped = loop(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        stopped.run(interrupted(), silent)
    again = loop(tmp_path)
    assert again.resume() and again.step == 7
    values = again.task.network.state_dict()
    assert all(torch.equal(value, values[name]) for name, value in stopped.task.network.state_dict().items())


def test_precision_is_asked_for_or_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    assert device.use_bf16("bf16", cpu)[0] and not device.use_bf16("fp32", cpu)[0]
    began = time.process_time()
    chosen, why = device.use_bf16("auto", cpu)
    assert time.process_time() - began < 2 and "ms in bf16" in why and why.startswith("bf16" if chosen else "fp32")
    for slow, fast in ((torch.bfloat16, "fp32"), (torch.float32, "bf16")):
        times = lambda kinds, where, slow=slow: [2.0 if kind == slow else 1.0 for kind in kinds]  # noqa: E731
        monkeypatch.setattr(device, "_seconds", times)
        assert device.use_bf16("auto", cpu)[1].startswith(fast)


def test_batches_move_whole() -> None:
    @dataclass(frozen=True)
    class Batch:
        sound: Tensor
        name: str

    there = device.moved(Batch(torch.ones(3), "a"), torch.device("meta"))
    assert there.sound.device.type == "meta" and there.sound.shape == (3,) and there.name == "a"
    if not torch.cuda.is_available():
        with pytest.raises(HarmonicFlowError, match="--device"):
            device.chosen_device("cuda")
    assert device.chosen_device("cpu") == torch.device("cpu")


def test_curves_are_written_where_tensorboard_is(tmp_path: Path) -> None:
    event_file_loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    loop(tmp_path).run(batches(), silent)
    (path,) = (tmp_path / "tensorboard").iterdir()
    found = {value.tag: event.step for event in event_file_loader.EventFileLoader(str(path)).Load()
             for value in event.summary.value}
    assert found["train/total"] == 50 and found["validation/loss"] == 60 and "train/minutes" in found


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch itself
def test_compiled_blocks_keep_their_names() -> None:
    torch.manual_seed(0)
    block = ConvNeXt(8, 2, 3)
    names, x = list(block.state_dict()), torch.randn(1, 5, 8)
    with torch.autocast("cpu", torch.bfloat16):
        before = block(x)
        block.compile(backend="aot_eager")  # traced and taken apart as usual, without a C++ compiler's minute
        assert torch.allclose(block(x), before, atol=3e-2)
    assert list(block.state_dict()) == names
