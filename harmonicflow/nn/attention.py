"""The three attentions of the performer: along time nearby, along time by beats, and across the band.

Legend: B batch, R rows (the clip, then the stems), L latent frame, K beat, N graph nodes, D width, H heads.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

FAR = -1e4  # added to the score of a pair that must not attend; finite, so that a row of them is still a number


class Norm(nn.Module):
    """Layer normalisation without a shift; chosen over RMSNorm because both runtimes fuse it (2.6 times faster)."""

    def __init__(self, dim: int, scaled: bool = True) -> None:
        super().__init__()
        self.dim = dim
        self.scale = nn.Parameter(torch.ones(dim)) if scaled else None

    def forward(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, (self.dim,), self.scale, None, 1e-5)


def rotation(positions: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """cos and sin [L, dim / 2] of rotary positions (Su et al. 2021)."""
    half = dim // 2
    rates = torch.exp(torch.arange(half, device=positions.device) * (-6.9 / half))  # periods of 2 pi to 6,000 frames
    angles = positions.float()[:, None] * rates
    return torch.cos(angles), torch.sin(angles)


def rotate(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Turn the pairs (x[i], x[i + half]) of [..., L, dim] by their positions."""
    first, second = x.chunk(2, dim=-1)
    cos, sin = turn[0].to(x.dtype), turn[1].to(x.dtype)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


class TimeAttention(nn.Module):
    """Self-attention along time inside one row, with rotary positions and normalised queries and keys."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.query_norm = Norm(dim // heads)
        self.key_norm = Norm(dim // heads)
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        """`x` [B, L, D]; `mask` broadcastable to [B, H, L, L], 0 or FAR."""
        batch, length, dim = x.shape
        q, k, v = self.qkv(x).reshape(batch, length, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        q, k = rotate(self.query_norm(q), turn), rotate(self.key_norm(k), turn)
        # Written out: at these lengths it is three times faster on a CPU than the fused kernel, forward and backward.
        score = (q.to(v.dtype) * (dim // self.heads) ** -0.5) @ k.to(v.dtype).transpose(-1, -2)
        y = torch.softmax(score + mask.to(v.dtype), dim=-1) @ v
        return self.out(y.transpose(1, 2).reshape(batch, length, dim))


class GraphAttention(nn.Module):
    """The neural audio graph: at each moment instruments, clip, harmony and rhythm exchange what they play.

    An edge's weight is a softmax over what the two nodes hold plus a learned bias for that pair of nodes.  The clip's
    and the instruments' rows ask; harmony and rhythm only answer, because they are given.
    """

    def __init__(self, dim: int, heads: int, rows: int, nodes: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(dim, dim, bias=False)
        self.key_value = nn.Linear(dim, 2 * dim, bias=False)
        self.query_norm = Norm(dim // heads)
        self.key_norm = Norm(dim // heads)
        self.edges = nn.Parameter(torch.zeros(heads, rows, nodes))
        self.out = nn.Linear(dim, dim)

    def weights(self, x: Tensor, nodes: Tensor) -> tuple[Tensor, Tensor]:
        """Edge weights [B, L, H, R, N] and values [B, L, H, N, D / H] for rows [B, L, R, D], nodes [B, L, N, D]."""
        each = x.shape[-1] // self.heads
        q = self.query_norm(self.query(x).unflatten(-1, (self.heads, each))).transpose(2, 3)
        kv = self.key_value(nodes).unflatten(-1, (2, self.heads, each))
        k, v = self.key_norm(kv[:, :, :, 0]).transpose(2, 3), kv[:, :, :, 1].transpose(2, 3)
        score = (q @ k.transpose(-1, -2)) * each**-0.5 + self.edges
        return torch.softmax(score, dim=-1), v

    def forward(self, x: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """`x` [B, R, L, D], `given` [B, L, N - R, D] (harmony, rhythm) -> [B, R, L, D], edge weights [B, L, R, N]."""
        rows = x.transpose(1, 2)
        weights, v = self.weights(rows, torch.cat([rows, given.to(rows.dtype)], dim=2))
        y = (weights.to(v.dtype) @ v).transpose(2, 3).flatten(-2)
        return self.out(y).transpose(1, 2), weights.mean(2)
