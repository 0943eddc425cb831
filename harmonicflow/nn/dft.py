"""Short-time Fourier transforms with exactly `HOP_STFT` samples a frame, for training and for export.

Legend: B batch, T samples, F STFT frames, N window length, K = N // 2 + 1 bins.

Two arithmetics give the same numbers.  In training the FFT is used.  For export the transform is a matrix
product, because runtimes reject the graph of torch.istft.  A real signal's cosine part is even and its sine part
is odd around N / 2, so the frame is folded to half its length first and the product costs half.  The matrix is
gathered from one period of a cosine, which a runtime folds at load: the file holds N numbers and not N * K.
Both the period and the places are buffers, because an exporter would fold what it can see to be constant.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

N_FFT = 2048  # samples in a window
HOP_STFT = 512  # samples between windows
EDGE = (N_FFT - HOP_STFT) // 2  # samples of padding a side, so that F = T / HOP_STFT
OVERLAP = N_FFT // HOP_STFT
WINDOW_POWER = 1.5  # sum over frames of a squared periodic Hann window at a hop of N / 4


class DFT(nn.Module):
    """Forward and inverse transform; `exact_fft` chooses the FFT (training) or the matrix product (export)."""

    window: Tensor
    cosine: Tensor
    places: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.exact_fft = True
        self.register_buffer("window", torch.hann_window(N_FFT), persistent=False)
        cosine = torch.cos(torch.arange(N_FFT, dtype=torch.float64) * (2 * math.pi / N_FFT)).float()
        self.register_buffer("cosine", cosine, persistent=False)
        self.register_buffer("places", torch.arange(N_FFT // 2 + 1), persistent=False)

    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Real and imaginary part, [B, F, K] each, of `audio` [B, T], T a multiple of HOP_STFT."""
        padded = functional.pad(audio, (EDGE, EDGE))
        if self.exact_fft:
            frames = padded.unfold(-1, N_FFT, HOP_STFT) * self.window
            spectrum = torch.fft.rfft(frames)
            return spectrum.real, spectrum.imag
        pieces = padded.reshape(padded.shape[0], -1, HOP_STFT)
        count = pieces.shape[1] - OVERLAP + 1
        frames = torch.cat([pieces[:, i : i + count] for i in range(OVERLAP)], dim=-1) * self.window
        half = N_FFT // 2
        first, last = frames[..., :1], frames[..., half : half + 1]
        rise, fall = frames[..., 1:half], frames[..., half + 1 :].flip(-1)
        even = torch.cat([first, rise + fall, last], dim=-1)
        real = even @ self._basis(0)
        imag = -((rise - fall) @ self._basis(N_FFT // 4)[1:half])
        return real, imag

    def inverse(self, real: Tensor, imag: Tensor) -> Tensor:
        """Audio [B, F * HOP_STFT] of a spectrum [B, F, K]: windowed inverse DFT and overlap-add.

        Within EDGE samples of both ends fewer windows overlap; callers add a frame there and cut it off.
        """
        if self.exact_fft:
            frames = torch.fft.irfft(torch.complex(real, imag), n=N_FFT)
        else:
            half = N_FFT // 2
            weight = torch.full_like(real[:1, :1], 2.0 / N_FFT)
            weight = torch.cat([weight[..., :1] / 2, weight[..., 1:half], weight[..., half:] / 2], dim=-1)
            even = (real * weight) @ self._basis(0)
            odd = -((imag * weight)[..., 1:half] @ self._basis(N_FFT // 4)[1:half])
            zero = torch.zeros_like(even[..., :1])
            odd = torch.cat([zero, odd[..., 1:half], zero], dim=-1)
            frames = torch.cat([even + odd, (even - odd)[..., 1:half].flip(-1)], dim=-1)
        frames = frames * (self.window / WINDOW_POWER)
        pieces = frames.reshape(frames.shape[0], frames.shape[1], OVERLAP, HOP_STFT)
        count = frames.shape[1]
        total = sum(
            functional.pad(pieces[:, :, i], (0, 0, i, OVERLAP - 1 - i)) for i in range(OVERLAP)
        )
        assert isinstance(total, Tensor)
        audio = total.reshape(total.shape[0], -1)
        return audio[:, EDGE : EDGE + count * HOP_STFT]

    def _basis(self, quarter_turns: int) -> Tensor:
        """cos(2 pi k n / N), or with a shift of N / 4 sin(2 pi k n / N); [N/2 + 1, N/2 + 1]."""
        product = self.places[:, None] * self.places[None, :] - quarter_turns
        return self.cosine[torch.remainder(product, N_FFT)]
