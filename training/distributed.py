"""Several processes that train as one, under `torchrun`.

Every process draws its own windows, computes its own gradients, and takes the same step from their mean, so that the
weights stay equal.  The first one writes, validates and holds the clock.  Alone, every function here does nothing.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def count() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def first_only(report: Callable[[str], None]) -> Callable[[str], None]:
    """`report` of the first process; the others' lines are dropped."""
    return report if rank() == 0 else lambda line: None


@contextmanager
def processes() -> Iterator[None]:
    """Join the processes that torchrun started, if it did."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or dist.is_initialized():
        yield
        return
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def average(tensors: Iterable[Tensor]) -> None:
    """Replace each tensor by its mean over the processes (in place), in one message."""
    whole = list(tensors)
    if count() == 1 or not whole:
        return
    flat = torch.cat([tensor.detach().flatten() for tensor in whole])
    dist.all_reduce(flat)
    flat /= count()
    for tensor, mean in zip(whole, flat.split([tensor.numel() for tensor in whole]), strict=True):
        tensor.detach().copy_(mean.view_as(tensor))


def average_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """The mean of the gradients; a parameter that a process did not use counts there as zero."""
    if count() == 1:
        return
    gradients = []
    for parameter in parameters:
        if parameter.requires_grad:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            gradients.append(parameter.grad)
    average(gradients)


def share(tensors: Iterable[Tensor]) -> None:
    """Give every process the first one's tensors (in place)."""
    if count() > 1:
        for tensor in tensors:
            dist.broadcast(tensor.detach(), 0)


def agreed(value: float) -> float:
    """The first process's number, at every process: a clock that all of them stop by."""
    if count() == 1:
        return value
    told = torch.tensor([value], dtype=torch.float64)
    dist.broadcast(told, 0)
    return float(told)


@contextmanager
def first_process_first() -> Iterator[None]:
    """The others start the block when the first process has ended it."""
    if count() == 1:
        yield
        return
    if rank():
        dist.barrier()
    yield
    if not rank():
        dist.barrier()
