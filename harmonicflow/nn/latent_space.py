"""The name of a latent space, and the rounding that comes before it: what ships is rounded, so what is named is."""

import hashlib
from typing import Final

from torch import Tensor

from .codec import Encoder

SMALLEST_HALF: Final = 1024  # numbers in a tensor stored as half floats; smaller ones stay float32, they weigh nothing


def rounded(value: Tensor) -> Tensor:
    """A weight as a bundle stores it."""
    return value.half().float() if value.numel() >= SMALLEST_HALF else value.float()


def latent_space(encoder: Encoder) -> str:
    """The name (16 hexadecimal digits) of the latents an encoder makes: its rounded weights and its whitening."""
    digest = hashlib.sha256()
    for name, value in sorted(encoder.state_dict().items()):
        digest.update(f"{name} {tuple(value.shape)}\n".encode())
        digest.update(rounded(value.detach().cpu()).numpy().astype("<f4").tobytes())
    return digest.hexdigest()[:16]
