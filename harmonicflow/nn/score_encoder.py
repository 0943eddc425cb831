"""What a stem's piano rolls say, as one vector a frame, for the performer.

The phase of every sounding pitch since its onset becomes a source signal as in neural source-filter models (Wang et
al. 2019): cosine and sine of the fundamental and its first harmonics, once at the note's velocity and once dying away
with its age.  Latents of one note are close to a linear map of these; the blocks behind it add what chords,
neighbouring frames and the instrument make of them.

Legend: B batch, S stems, L latent frame, W score columns, D width.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from harmonicflow.score.rolls import ACTIVE, AGE, PHASE, PITCHES, SCORE_WIDTH

from .codec import ConvNeXt

HARMONICS = 4
SOURCES = 4 * HARMONICS * PITCHES  # cosine and sine, at two envelopes
TOLD = SCORE_WIDTH - PITCHES  # columns that are taken as they are
SCALE = 0.5  # deviation of the pitch embeddings: few of a score's columns are set at once, as with words
SOURCE_SCALE = 0.1
KERNEL = 5  # frames; the codec's encoder mixes its neighbours into a latent frame


def sources(score: Tensor) -> Tensor:
    """Source signals [..., SOURCES] of score columns [..., W]."""
    envelopes = torch.cat([score[..., ACTIVE], score[..., AGE]], dim=-1)
    angle = score[..., PHASE] * (2 * math.pi)
    parts = []
    for harmonic in range(1, HARMONICS + 1):
        for wave in (torch.cos(harmonic * angle), torch.sin(harmonic * angle)):
            parts.append(envelopes * torch.cat([wave, wave], dim=-1))
    return torch.cat(parts, dim=-1)


class ScoreEncoder(nn.Module):
    """Score [B, S, L, W] to [B, S, L, D]; each stem has its own tables, the blocks are shared."""

    def __init__(self, stems: int, dim: int, blocks: int) -> None:
        super().__init__()
        self.embed = nn.Parameter(torch.randn(stems, TOLD, dim) * SCALE)
        self.source_embed = nn.Parameter(torch.randn(stems, SOURCES, dim) * SOURCE_SCALE)
        self.mix = nn.Parameter(torch.randn(stems, dim, dim) * dim**-0.5)
        self.blocks = nn.ModuleList(ConvNeXt(dim, 3, KERNEL) for _ in range(blocks))

    def forward(self, score: Tensor, rows: Tensor) -> Tensor:
        """`rows` [S, D] says to the shared blocks whose part it is."""
        told = torch.cat([score[..., : PHASE.start], score[..., PHASE.stop :]], dim=-1)
        heard = torch.einsum("bslf,sfd->bsld", told, self.embed)
        played = heard + torch.einsum("bsld,sde->bsle", functional.silu(heard), self.mix)
        played = played + torch.einsum("bslf,sfd->bsld", sources(score), self.source_embed)
        batch, stems = played.shape[:2]
        y = played + rows[:, None]
        for block in self.blocks:
            y = block(y.flatten(0, 1)).unflatten(0, (batch, stems))
        return y - rows[:, None]
