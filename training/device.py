"""Where to train and in which precision: both are found out, not assumed."""

import time
from dataclasses import fields, is_dataclass
from typing import TypeVar, cast

import torch
from torch import Tensor

from harmonicflow.core.errors import HarmonicFlowError

ROWS, INNER, COLUMNS = 1024, 256, 768  # the product that is timed: a block of the codec on a batch of eight
WORTHWHILE = 0.8  # bfloat16 has to take less than this share of float32's time: it costs casts, and precision

T = TypeVar("T")


def chosen_device(name: str, rank: int = 0) -> torch.device:
    """The device called `name`; "auto" is CUDA where there is one.  Raises: HarmonicFlowError `bad_option`."""
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise HarmonicFlowError("bad_option", option="--device", value=name, reason="torch sees no CUDA device here")
    if name == "cpu" or not there:
        return torch.device("cpu")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    return torch.device("cuda", rank % torch.cuda.device_count())


def _seconds(kinds: tuple[torch.dtype, ...], device: torch.device) -> list[float]:
    """Shortest of twelve runs of a linear layer's product in each type, taken in turns: other work slows all alike."""
    pairs = [(torch.ones(ROWS, INNER, device=device, dtype=kind), torch.ones(INNER, COLUMNS, device=device, dtype=kind))
             for kind in kinds]
    best = [float("inf")] * len(kinds)
    for _ in range(13):  # the first one is slower, and never the shortest
        for place, (a, b) in enumerate(pairs):
            began = time.perf_counter()
            product = a @ b
            float(product[0, 0])  # waits for the device
            best[place] = min(best[place], time.perf_counter() - began)
    return best


def use_bf16(precision: str, device: torch.device) -> tuple[bool, str]:
    """Whether to autocast to bfloat16, and the sentence for the log.

    "auto" times one product in both: with matrix units (AMX, tensor cores) bfloat16 is several times faster, without
    them it is emulated and slower than float32.
    """
    if precision != "auto":
        return precision == "bf16", f"{precision} as asked"
    half, full = _seconds((torch.bfloat16, torch.float32), device)
    faster = half < WORTHWHILE * full
    name = "bf16" if faster else "fp32"
    return faster, f"{name}: a product takes {1e3 * half:.2f} ms in bf16 and {1e3 * full:.2f} ms in fp32"


def moved(value: T, device: torch.device) -> T:
    """A tensor, or a dataclass of tensors, on `device`; pinned memory travels while the device works."""
    if isinstance(value, Tensor):
        return cast(T, value.to(device, non_blocking=True))
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{field.name: moved(getattr(value, field.name), device) for field in fields(value)})
    return value


def pinned(value: T) -> T:
    """The same in page-locked memory, which a CUDA device reads by itself."""
    if isinstance(value, Tensor):
        return cast(T, value.pin_memory())
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{field.name: pinned(getattr(value, field.name)) for field in fields(value)})
    return value
