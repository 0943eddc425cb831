"""Two processes on loopback train as one: equal weights, the gradient of the joined batch, one clock, one writer."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from training import checkpoint

PATIENCE_S = 280  # two interpreters with torch on a busy machine
pytestmark = pytest.mark.timeout(PATIENCE_S + 20)

WORKER = """
import itertools, json, sys, torch
from types import SimpleNamespace
from dataclasses import dataclass
from pathlib import Path
from torch import nn
import training.loop as loop_module
import training.codec
import training.runs as runs
from training import distributed
from training.loop import Loop, LoopOptions
from training.runs import train_codec

torch.set_num_threads(1)
runs.whiten = lambda network, data: training.codec.whiten(network, data, batches=2)
folder, corpus = Path(sys.argv[1]), Path(sys.argv[2])

@dataclass(frozen=True)
class Config:
    width: int = 8

class Line:
    def __init__(self):
        torch.manual_seed(distributed.rank())  # unequal on purpose: the first process's weights are taken
        self.network = nn.Linear(8, 8)
        self.network.register_buffer("seen", torch.zeros(()))
        self.network.register_parameter("unused", nn.Parameter(torch.ones(3)))
    def loss(self, batch):
        self.network.seen += batch.mean().detach()
        return {"total": self.network(batch).square().mean()}
    def validate(self, network):
        return {"loss": 1.0}

def batches():
    for step in range(100):
        whole = torch.randn(8, 8, generator=torch.Generator().manual_seed(step))
        yield whole[4 * distributed.rank() : 4 * distributed.rank() + 4]

with distributed.processes():
    rank = distributed.rank()
    if rank:  # a clock that races: nobody goes by it
        loop_module.time = SimpleNamespace(monotonic=itertools.count(0, 1000).__next__)
    options = LoopOptions(minutes=1.0, steps=5, lr=1e-2, precision="fp32")
    line = Loop(Line(), options, folder / f"rank{rank}", Config(), {})
    distributed.share(line.task.network.state_dict().values())
    before = line.task.network.weight.detach().clone()
    first = next(batches())
    line.task.loss(first)["total"].backward()
    distributed.average_gradients(line.task.network.parameters())
    gradient = line.task.network.weight.grad.clone()
    line.task.network.zero_grad()
    line.run(batches(), lambda text: None)
    told = {"before": before.tolist(), "gradient": gradient.tolist(), "step": line.step, "count": distributed.count(),
            "seen": float(line.task.network.seen), "weight": line.task.network.weight.tolist()}
    (folder / f"{rank}.json").write_text(json.dumps(told))
    shared = dict(data_dir=corpus, checkpoint_dir=folder / "codec", batch_size=4, max_minutes=5.0, lr=1e-3, init=None,
                  seed=0, threads=1, muon=True, validate_minutes=5.0, hidden_dim=8, latent_dim=32,
                  report=lambda text: (folder / f"report{rank}").open("a").write(text + chr(10)))
    train_codec(epochs=1, resume=False, **shared)
    train_codec(epochs=2, resume=True, **shared)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import numpy as np
    import soundfile

    root = tmp_path_factory.mktemp("corpus")
    for split in ("train", "validation"):
        for song in range(2):
            folder = root / split / f"Track{song:05d}"
            folder.mkdir(parents=True)
            noise = 0.1 * np.random.default_rng(song).standard_normal(3 * 44100)
            soundfile.write(folder / "drums.wav", noise, 44100, subtype="PCM_16")
    return root


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, corpus: Path, repository: Path) -> Path:
    folder = tmp_path_factory.mktemp("two")
    around = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2",
              "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    workers = [subprocess.Popen([sys.executable, "-c", WORKER, folder, corpus], cwd=repository,
                                env={**around, "RANK": str(rank), "LOCAL_RANK": str(rank)}) for rank in range(2)]
    try:
        assert [worker.wait(PATIENCE_S) for worker in workers] == [0, 0]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    return folder


def told(folder: Path, rank: int) -> dict[str, object]:
    return json.loads((folder / f"{rank}.json").read_text())  # type: ignore[no-any-return]


def test_the_mean_gradient_is_that_of_the_joined_batch(run: Path) -> None:
    network = torch.nn.Linear(8, 8)
    torch.manual_seed(0)
    network.load_state_dict(torch.nn.Linear(8, 8).state_dict())
    network(torch.randn(8, 8, generator=torch.Generator().manual_seed(0))).square().mean().backward()
    for rank in range(2):
        assert torch.equal(network.weight, torch.tensor(told(run, rank)["before"]))
        assert torch.allclose(network.weight.grad, torch.tensor(told(run, rank)["gradient"]), atol=1e-7)  # type: ignore


def test_both_end_with_the_same_weights_by_the_first_ones_clock(run: Path) -> None:
    """The second one's clock says that 16 minutes of the single one are over at each step."""
    first, second = told(run, 0), told(run, 1)
    assert first["count"] == 2 and first["step"] == second["step"] == 5
    assert first["weight"] == second["weight"] != first["before"]
    assert first["seen"] == second["seen"]
    assert (run / "rank0" / "last.safetensors").exists() and not (run / "rank1").exists()


def test_a_codec_trains_and_resumes(run: Path) -> None:
    meta = checkpoint.load(run / "codec" / "last.safetensors")[1]
    lines = (run / "report0").read_text().splitlines()
    assert not (run / "report1").exists()
    resumed = [line for line in lines if line.startswith("resumed")]
    assert resumed == [f"resumed at step {meta['step'] // 2} after {resumed[0].split()[-2]} minutes"]
    assert sum("2 processes" in line for line in lines) == 2
    assert (run / "codec" / "codec.safetensors").exists()
