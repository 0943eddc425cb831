"""The analyst: a recording's spectrum to beats, downbeats and the parts of chords and keys.

Time is a temporal convolutional network (Davies & Boeck 2019; two dilations side by side as in Boeck & Davies 2020)
behind a small convolutional front, at half the frame rate. Harmony answers a chord's root, bass and pitch classes and
the key apart from each other (structured targets, McFee & Bello 2017), so that a decoder may name chords that were
rare in training; its layers are told to the time network, since bars begin where chords change. Normalisation is over
channels only: what lies further away than the dilated layers reach has no influence, so long recordings may be heard
in pieces with REACH frames of context.

Legend: B batch, N frame, W spectrum band, H chord row (N / 8), D width.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from harmonicflow.analysis.listening import (
    BANDS_PER_SEMITONE,
    CHORD_FRAMES,
    HARMONY_BANDS,
    HARMONY_COLUMNS,
    HARMONY_OUT,
    HELD,
    TIME_BANDS,
    TIME_COLUMNS,
    TIME_OUT,
)

HALF = 2  # frames to a step of the time network
RARE = -2.5  # first logit of a beat: few frames hold one
ROWS = CHORD_FRAMES // HELD  # rows of harmony bands to a chord row


@dataclass(frozen=True)
class AnalystConfig:
    """Sizes of the analyst."""

    time_dim: int = 52  # width of the time network
    time_layers: int = 8  # their dilations double: 1, 2, 4 ... steps of two frames, and twice that beside it
    harmony_dim: int = 128  # width of the harmony network
    harmony_layers: int = 6  # dilations of 1, 2, 4 ... chord rows
    dropout: float = 0.1  # in training


class DilatedLayer(nn.Module):
    """A residual layer over time [B, N, D] that looks `reach` steps of `dilations` to both sides."""

    def __init__(self, dim: int, kernel: int, dilations: tuple[int, ...], dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.looks = nn.ModuleList(
            nn.Conv1d(dim, dim, kernel, padding=kernel // 2 * dilation, dilation=dilation) for dilation in dilations
        )
        self.joined = nn.Linear(len(dilations) * dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[B, N, D] to the same."""
        y = self.norm(x).transpose(1, 2)
        heard = torch.cat([look(y) for look in self.looks], dim=1).transpose(1, 2)
        return x + self.dropout(self.joined(functional.gelu(heard)))


class HarmonyEar(nn.Module):
    """Harmony bands [B, N / HELD, HARMONY_BANDS] to what is heard of harmony [B, H, D]."""

    def __init__(self, config: AnalystConfig) -> None:
        super().__init__()
        semitones = HARMONY_BANDS // BANDS_PER_SEMITONE
        self.fine = nn.Conv2d(ROWS, 16, (3, 5), padding=(1, 2))
        self.semitones = nn.Conv2d(16, 24, (1, BANDS_PER_SEMITONE), stride=(1, BANDS_PER_SEMITONE))
        self.intervals = nn.Linear(24 * semitones, config.harmony_dim)
        self.layers = nn.ModuleList(
            DilatedLayer(config.harmony_dim, 3, (2**place,), config.dropout) for place in range(config.harmony_layers)
        )
        self.norm = nn.LayerNorm(config.harmony_dim)

    def forward(self, bands: Tensor) -> Tensor:
        """Each chord row has ROWS rows of bands, which enter side by side."""
        x = functional.relu(self.fine(bands.unflatten(1, (-1, ROWS)).transpose(1, 2)))
        x = functional.relu(self.semitones(x))
        x = self.intervals(x.transpose(1, 2).flatten(2))
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)


class TimeEar(nn.Module):
    """Time bands [B, N, TIME_BANDS] and what is heard of harmony to logits of beat and downbeat [B, N, TIME_OUT]."""

    def __init__(self, config: AnalystConfig) -> None:
        super().__init__()
        self.strokes = nn.Conv2d(1, 12, 5, stride=2, padding=2)
        self.bands = nn.Conv2d(12, 20, (3, 5), stride=(1, 2), padding=(1, 2))
        self.together = nn.Linear(20 * TIME_BANDS // 4, config.time_dim)
        self.told = nn.Linear(config.harmony_dim, config.time_dim)
        self.layers = nn.ModuleList(
            DilatedLayer(config.time_dim, 5, (2**place, 2 ** (place + 1)), config.dropout)
            for place in range(config.time_layers)
        )
        self.norm = nn.LayerNorm(config.time_dim)
        self.head = nn.Linear(config.time_dim, HALF * TIME_OUT)
        nn.init.constant_(self.head.bias, RARE)

    def forward(self, bands: Tensor, harmony: Tensor) -> Tensor:
        """`harmony` [B, H, D] is held for the steps of its row."""
        x = functional.relu(self.strokes(bands[:, None]))
        x = functional.relu(self.bands(x))
        x = self.together(x.transpose(1, 2).flatten(2))
        told = self.told(harmony)[:, :, None].expand(-1, -1, CHORD_FRAMES // HALF, -1)
        x = x + told.flatten(1, 2)
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x)).unflatten(2, (HALF, TIME_OUT)).flatten(1, 2)


class Analyst(nn.Module):
    """Spectrum [B, N, W] (N a multiple of CHORD_FRAMES) to time [B, N, TIME_OUT] and harmony [B, H, HARMONY_OUT]."""

    def __init__(self, config: AnalystConfig) -> None:
        super().__init__()
        self.config = config
        self.harmony = HarmonyEar(config)
        self.time = TimeEar(config)
        self.answer = nn.Linear(config.harmony_dim, HARMONY_OUT)

    def forward(self, spectrum: Tensor) -> tuple[Tensor, Tensor]:
        """Logits in the layout of `harmonicflow.analysis.listening`."""
        heard = self.harmony(spectrum[:, ::HELD, HARMONY_COLUMNS])
        return self.time(spectrum[:, :, TIME_COLUMNS], heard), self.answer(heard)
