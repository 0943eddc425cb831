"""The sampler against differential equations with known answers."""

import numpy as np
import pytest
import torch

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.engine.sampler import flow_times, sample, told_step


@pytest.mark.parametrize("steps", [1, 2, 4, 64])
def test_a_straight_flow_lands_on_the_data_for_any_number_of_steps(steps: int) -> None:
    noise, data = np.array([0.3, -2.0]), np.array([1.0, 5.0])
    out = sample(lambda x, time, step: data - noise, noise, flow_times(steps))
    assert np.allclose(out, data, atol=1e-12)


def test_euler_converges_with_order_one() -> None:
    """dx/dt = x from 1: e at t = 1; the error halves with the step."""
    errors = [abs(sample(lambda x, time, step: x, 1.0, flow_times(n)) - np.e) for n in (16, 32, 64)]
    assert errors[0] / errors[1] == pytest.approx(2, abs=0.1) and errors[1] / errors[2] == pytest.approx(2, abs=0.1)


def test_tensors_and_arrays_give_the_same() -> None:
    start = np.linspace(-1, 1, 8, dtype=np.float32)
    times = flow_times(5, (0.0, 0.1, 0.4, 1.0))
    array = sample(lambda x, time, step: x * time - step, start, times)
    tensor = sample(lambda x, time, step: x * time - step, torch.from_numpy(start), times)
    assert np.array_equal(array, tensor.numpy())


def test_schedules_are_stretched_and_keep_their_ends() -> None:
    schedule = (0.0, 0.5, 0.8, 1.0)
    assert flow_times(3, schedule) == pytest.approx(schedule)
    assert flow_times(6, schedule) == pytest.approx([0, 0.25, 0.5, 0.65, 0.8, 0.9, 1])
    assert flow_times(1, schedule) == [0.0, 1.0]
    assert flow_times(4) == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_the_callback_counts_and_may_cancel() -> None:
    seen = []

    def stop(number: int) -> None:
        seen.append(number)
        if number == 3:
            raise HarmonicFlowError("cancelled")

    with pytest.raises(HarmonicFlowError, match="cancelled"):
        sample(lambda x, time, step: x, 1.0, flow_times(8), stop)
    assert seen == [1, 2, 3]


@pytest.mark.parametrize("steps", [0, -1, 65])
def test_impossible_numbers_of_steps_are_refused(steps: int) -> None:
    with pytest.raises(HarmonicFlowError, match="1 to 64"):
        flow_times(steps)


def test_long_steps_are_told_to_a_few_step_model_alone() -> None:
    assert [told_step(1 / steps, interval=True) for steps in (1, 4, 8, 16, 32)] == [1.0, 0.25, 0.125, 0.0, 0.0]
    assert told_step(0.25, interval=False) == 0.0
