"""The few-step fine-tune's arithmetic on networks whose velocity is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from harmonicflow.analysis.guide import GUIDE_COLUMNS, GUIDE_WIDTH
from harmonicflow.nn.performer import PerformerConfig
from harmonicflow.score.rolls import SCORE_WIDTH
from training.few_step import LENGTHS, FewStepOptions, FewStepTask, power, sampled, two_steps
from training.performer import TrainedPerformer
from training.shards import Example, part_of, untold

CONFIG = PerformerConfig(dim=16, heads=1, layers=1, modulation=4)
FRAMES = 6


class Planted(TrainedPerformer):
    """Velocity `t + 10 * (score heard)`: the same in all cells, its mean over an interval known."""

    asked: list[Tensor]

    def hidden(self, x: Tensor, known: Tensor, time: Tensor, step: Tensor, guide: Tensor, score: Tensor,
               *rest: Tensor) -> tuple[Tensor, Tensor]:
        self.asked.append(step)
        told = 10 * score.amax((1, 2, 3))
        return (time + told)[:, None, None, None].expand(-1, x.shape[1] - 1, x.shape[2], x.shape[3]), step

    def velocity(self, x: Tensor, time: Tensor, h: Tensor) -> Tensor:
        return h


def planted() -> Planted:
    network = Planted(CONFIG)
    network.asked = []
    return network


def batch(count: int = 3) -> Example:
    torch.manual_seed(0)
    known = torch.zeros(count, 5, FRAMES)
    known[:, 1:, :2] = 1
    score = torch.zeros(count, 4, FRAMES, SCORE_WIDTH)
    score[..., 3] = 1
    return Example(torch.randn(count, 5, FRAMES, 32), known, torch.rand(count, FRAMES, GUIDE_WIDTH), score,
                   torch.ones(count, 1, FRAMES), torch.ones(count, 256), torch.ones(count, 16), torch.ones(count, 3),
                   torch.ones(count, 4, 65), torch.zeros(count, 4, FRAMES, 16))


def task(**options: float) -> FewStepTask:
    made = FewStepTask.__new__(FewStepTask)
    made.options, made.random = FewStepOptions(**options), np.random.default_rng(0)
    made.guide, made.taught = None, False
    return made


def test_two_halves_make_a_whole() -> None:
    network, given = planted(), batch()
    time, length = torch.tensor([0.0, 0.25, 0.875]), torch.tensor([1.0, 0.5, 0.125])
    mean = two_steps(network, given, given.data, time, length)
    assert torch.allclose(mean[:, 0, 0, 0], 10 + time + length / 4)
    assert network.asked[0].tolist() == [0.5, 0.25, 0.0]  # the shortest half is the velocity at its start


def test_intervals_lie_inside_the_flow() -> None:
    starts, lengths = task().intervals(4000)
    assert starts.min() >= 0 and (starts + lengths).max() <= 1 + 1e-6
    assert set(lengths.tolist()) == set(LENGTHS)
    quarter = starts[lengths == 0.25]
    on_grid = (quarter * 4 == (quarter * 4).round()).float().mean()
    assert 0.4 < on_grid < 0.6 and set((quarter * 4)[quarter * 4 == (quarter * 4).round()].tolist()) == {0, 1, 2, 3}


@pytest.mark.parametrize(("teaches", "wanted"), [(False, 7.0), (True, 10.5)])
def test_without_guidance_the_target_is_the_data_s_or_the_teacher_s(teaches: bool, wanted: float) -> None:
    """Told 10.5 at t = 0.5; from noise 7 below the data the plain target is 7."""
    made, given = task(guidance=1.0), batch()
    made.begin(planted(), teaches)
    target = made.target(given, given.data, torch.full((3,), 0.5), given.data - 7)
    assert torch.allclose(target, torch.tensor(wanted), atol=1e-5)


def test_guidance_turns_the_target_and_all_but_keeps_its_power() -> None:
    """Told 10.5 at t = 0.5, untold 0.5: the data pointed to move by 0.5 * 2 * 10, then shrink towards their power."""
    made, given = task(guidance=3.0), batch()
    made.begin(planted(), True)
    time = torch.full((3,), 0.5)
    target = made.target(given, given.data, time, given.data)
    told, found = (given.data[:, 1:] + 0.5 * velocity for velocity in (10.5, target))
    unknown = 1 - given.known[:, 1:]
    moved = told + 10
    assert (power(found, unknown) < 0.5 * power(moved, unknown) + 0.5 * power(told, unknown)).all()
    shrunk = 0.8 * (power(told, unknown) / power(moved, unknown)).sqrt() + 0.2
    assert torch.allclose(found, shrunk * moved, atol=1e-3)


def test_sampling_keeps_what_is_known() -> None:
    network, given = planted(), batch()
    end = sampled(network, given, torch.zeros_like(given.data), 4)
    assert torch.equal(end[:, :, :2], given.data[:, 1:, :2])
    assert torch.allclose(end[:, :, 2:], torch.tensor(10 + (0 + 0.25 + 0.5 + 0.75) / 4))


def test_untold_is_told_of_time_and_sound_alone() -> None:
    given = batch()
    bare = untold(given)
    for name in ("score", "text", "genre", "emotion", "timbre"):
        assert not getattr(bare, name).any()
    for name in ("data", "known", "pool"):
        assert torch.equal(getattr(bare, name), getattr(given, name))
    kept = {"phase", "tempo"}
    for name, columns in GUIDE_COLUMNS.items():
        if name != "presence":
            assert torch.equal(bare.guide[..., columns], given.guide[..., columns]) == (name in kept)
    start = GUIDE_COLUMNS["presence"].start
    assert torch.equal(bare.guide[..., start], given.guide[..., start]) and not bare.guide[..., start + 1 :].any()


def test_a_part_of_a_batch_is_whole() -> None:
    given = batch()
    given = replace(given, text=torch.arange(3.0)[:, None].expand(3, 256))
    part = part_of(given, slice(1, 3))
    assert part.text[:, 0].tolist() == [1, 2] and len(part.data) == len(part.curves) == 2
