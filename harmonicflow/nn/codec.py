"""The codec: mono audio at 44.1 kHz to 32 channels at 21.5 Hz and back.

Legend: B batch, T samples, F STFT frames (86 Hz), L latent frames (21.5 Hz), C latent channels.

ConvNeXt blocks (Liu et al. 2022) at frame rate and an inverse-STFT head (Vocos, Siuzdak 2023).  Nothing normalises
over time and nothing attends, so the receptive field is finite and chunks decoded with `context` frames on both
sides join exactly.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from harmonicflow.core.constants import HOP, LATENT_CHANNELS

from .dft import DFT, HOP_STFT, N_FFT

BINS = N_FFT // 2 + 1
STRIDE = HOP // HOP_STFT  # STFT frames in a latent frame
COMPRESSION = 0.3  # exponent of the magnitudes the encoder sees
MAX_LOG_MAGNITUDE = 6.5  # e^6.5 = 665: a full-scale sine in a Hann window has a bin of N / 4 = 512
assert HOP % HOP_STFT == 0


@dataclass(frozen=True)
class CodecConfig:
    """Sizes of the codec; the defaults hold about 4 M parameters a side."""

    latent_dim: int = LATENT_CHANNELS  # channels of a latent frame
    frame_dim: int = 256  # width at 86 Hz
    latent_width: int = 320  # width at 21.5 Hz
    expansion: int = 3  # hidden width of a block over its width
    kernel: int = 7  # frames seen by a block's depthwise convolution
    encoder_frame_blocks: int = 3
    encoder_latent_blocks: int = 3
    decoder_latent_blocks: int = 2
    decoder_frame_blocks: int = 5


# The default keeps within what two CPU cores can decode beside the performer; the large one, of about 22 M parameters
# a side, is for a GPU.
SIZES = {
    "default": CodecConfig(),
    "large": CodecConfig(frame_dim=512, latent_width=768, encoder_frame_blocks=5, decoder_frame_blocks=8),
}


class ConvNeXt(nn.Module):
    """One block on [B, F, D]: depthwise convolution over time, normalisation over D, two linear layers."""

    def __init__(self, dim: int, expansion: int, kernel: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(dim, dim, kernel, padding=kernel // 2, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=1e-5)
        self.rise = nn.Linear(dim, dim * expansion)
        self.fall = nn.Linear(dim * expansion, dim)
        self.scale = nn.Parameter(torch.full((dim,), 0.3))

    def forward(self, x: Tensor) -> Tensor:
        y = self.depthwise(x.transpose(1, 2)).transpose(1, 2)
        y = self.fall(functional.gelu(self.rise(self.norm(y)), approximate="tanh"))
        return x + self.scale * y


def _blocks(count: int, dim: int, config: CodecConfig) -> nn.Sequential:
    return nn.Sequential(*(ConvNeXt(dim, config.expansion, config.kernel) for _ in range(count)))


class Encoder(nn.Module):
    """Audio [B, T] to latents [B, L, C], whitened by the stored statistics."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.dft = DFT()
        self.stem = nn.Linear(2 * BINS, config.frame_dim)
        self.frame_blocks = _blocks(config.encoder_frame_blocks, config.frame_dim, config)
        self.down = nn.Linear(STRIDE * config.frame_dim, config.latent_width)
        self.latent_blocks = _blocks(config.encoder_latent_blocks, config.latent_width, config)
        self.norm = nn.LayerNorm(config.latent_width, eps=1e-5)
        self.out = nn.Linear(config.latent_width, config.latent_dim)
        self.register_buffer("mean", torch.zeros(config.latent_dim))
        self.register_buffer("std", torch.ones(config.latent_dim))

    def forward(self, audio: Tensor) -> Tensor:
        return (self.raw(audio) - self.mean) / self.std

    def raw(self, audio: Tensor) -> Tensor:
        """Latents before whitening, [B, L, C]."""
        with torch.autocast(audio.device.type, enabled=False):
            real, imag = self.dft(audio)
            power = real.square() + imag.square()
            gain = (power + 1e-7) ** ((COMPRESSION - 1) / 2)
            features = torch.cat([real * gain, imag * gain], dim=-1)
        x = self.frame_blocks(self.stem(features))
        x = x.reshape(x.shape[0], -1, STRIDE * x.shape[-1])
        x = self.latent_blocks(self.down(x))
        return self.out(self.norm(x)).float()


class Decoder(nn.Module):
    """Whitened latents [B, L, C] to audio [B, L * HOP]."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.dft = DFT()
        # What lies beyond the ends: a learned frame, so that the first window of a take is a whole one.
        self.beyond = nn.Parameter(torch.zeros(2, config.latent_dim))
        self.stem = nn.Linear(config.latent_dim, config.latent_width)
        self.latent_blocks = _blocks(config.decoder_latent_blocks, config.latent_width, config)
        self.up = nn.Linear(config.latent_width, STRIDE * config.frame_dim)
        self.frame_blocks = _blocks(config.decoder_frame_blocks, config.frame_dim, config)
        self.norm = nn.LayerNorm(config.frame_dim, eps=1e-5)
        self.head = nn.Linear(config.frame_dim, 2 * BINS)

    def forward(self, latents: Tensor) -> Tensor:
        before = self.beyond[:1].expand(latents.shape[0], 1, -1)
        after = self.beyond[1:].expand(latents.shape[0], 1, -1)
        x = self.latent_blocks(self.stem(torch.cat([before, latents, after], dim=1)))
        x = self.up(x)
        x = x.reshape(x.shape[0], -1, x.shape[-1] // STRIDE)
        x = self.head(self.norm(self.frame_blocks(x))).float()
        with torch.autocast(latents.device.type, enabled=False):
            magnitude = torch.exp(x[..., :BINS].clamp(max=MAX_LOG_MAGNITUDE))
            phase = x[..., BINS:]
            audio = self.dft.inverse(magnitude * torch.cos(phase), magnitude * torch.sin(phase))
        return audio[:, HOP:-HOP]


class Codec(nn.Module):
    """Encoder and decoder of one latent space."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    @property
    def context(self) -> int:
        """Latent frames on each side of a frame that its decoded samples depend on."""
        reach = self.config.kernel // 2
        frames = reach * self.config.decoder_frame_blocks + N_FFT // 2 // HOP_STFT
        return reach * self.config.decoder_latent_blocks + -(-frames // STRIDE) + 1

    @property
    def encoder_context(self) -> int:
        """Latent frames on each side whose sound a latent frame depends on."""
        reach = self.config.kernel // 2
        frames = reach * self.config.encoder_frame_blocks + N_FFT // 2 // HOP_STFT
        return reach * self.config.encoder_latent_blocks + -(-frames // STRIDE) + 1

    def exporting(self) -> "Codec":
        """Switch both transforms to matrix products; returns self."""
        self.encoder.dft.exact_fft = self.decoder.dft.exact_fft = False
        return self.eval()
