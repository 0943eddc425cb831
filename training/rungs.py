"""The rungs a codec is compared with: MP3, a mel spectrogram turned back into sound, and noise.

Shapes: R sound (row), T sample at 44.1 kHz; what comes back is as long as what was given and in step with it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchaudio.transforms import GriffinLim, MelSpectrogram

from harmonicflow.core.constants import SAMPLE_RATE

Sounds = NDArray[np.float32]

MP3_KBPS: Final = 64.0
MP3_LEVEL: Final = 0.88  # libsndfile's compression level that LAME takes for 64 kbit/s
MP3_TOLERANCE: Final = 0.05  # frames are whole, and the file has a header
LONGEST_DELAY: Final = 3_000  # samples; encoder and decoder delay are below 2,400

MEL_BANDS: Final = 128
N_FFT: Final = 2_048
MEL_HOP: Final = 512
ITERATIONS: Final = 32
REFINEMENTS: Final = 10
LEAST: Final = 1e-10  # of a mel power


# ------------------------------------------------------------------------------------------------------------------ MP3


def mp3_writable() -> bool:
    """Whether this libsndfile writes MP3."""
    return "MP3" in soundfile.available_formats()


def mp3_kbps(x_T: Sounds) -> float:
    """Bits of the MP3 file per second of sound, in thousands."""
    return len(_mp3_file(x_T)) * 8 / (len(x_T) / SAMPLE_RATE) / 1000


def mp3(x_T: Sounds) -> Sounds:
    """A sound [T] through MP3 at a constant 64 kbit/s, mono; the codec's delay taken out.

    libsndfile trims the delay that LAME's header names; what might be left is found by cross-correlation.
    """
    data, _ = soundfile.read(io.BytesIO(_mp3_file(x_T)), dtype="float32")
    return aligned(np.asarray(data, np.float32), x_T)


def _mp3_file(x_T: Sounds) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, x_T, SAMPLE_RATE, format="MP3", subtype="MPEG_LAYER_III", bitrate_mode="CONSTANT",
                    compression_level=MP3_LEVEL)  # fmt: skip
    return file.getvalue()


def aligned(x_T: Sounds, truth_T: Sounds) -> Sounds:
    """`x_T` moved by the whole number of samples at which it correlates best with the truth, and cut to its length."""
    size = 2 ** int(np.ceil(np.log2(len(x_T) + len(truth_T))))
    product = np.fft.rfft(x_T, size) * np.fft.rfft(truth_T, size).conj()
    correlation = np.fft.irfft(product, size)
    lags = np.arange(-LONGEST_DELAY, LONGEST_DELAY + 1)
    delay = int(lags[correlation[lags].argmax()]) if correlation.any() else 0
    moved = x_T[delay:] if delay >= 0 else np.pad(x_T, (-delay, 0))
    return np.pad(moved, (0, max(0, len(truth_T) - len(moved))))[: len(truth_T)]


# --------------------------------------------------------------------------------------------------- mel + Griffin-Lim


@lru_cache(maxsize=2)
def _mel(iterations: int) -> tuple[MelSpectrogram, Tensor, GriffinLim]:
    """The transforms and the pseudo-inverse [M, F] of the mel matrix."""
    mel = MelSpectrogram(SAMPLE_RATE, N_FFT, hop_length=MEL_HOP, n_mels=MEL_BANDS, power=2.0)
    back = torch.linalg.pinv(mel.mel_scale.fb.double()).float()
    return mel, back, GriffinLim(N_FFT, iterations, hop_length=MEL_HOP, power=2.0)


def mel_griffin_lim(sounds_RT: Sounds, seed: int, iterations: int = ITERATIONS) -> Sounds:
    """Sounds [R, T] through 128 mel bands and back, as vocoder-less systems do it (Griffin & Lim 1984).

    Window 2,048, hop 512. Powers come back by the pseudo-inverse and ten multiplicative updates towards non-negative
    least squares (Lee & Seung 2001), which more than halves the error of the pseudo-inverse alone. The phases' random
    start is fixed by `seed`. The sound keeps its place: frames are centred.
    """
    mel, back, griffin_lim = _mel(iterations)
    with torch.no_grad(), _seeded(seed):
        bands = mel(torch.from_numpy(sounds_RT))
        power = nonnegative(bands, mel.mel_scale.fb, back)
        out = nn.functional.pad(griffin_lim(power), (0, sounds_RT.shape[1]))
    return np.asarray(out[:, : sounds_RT.shape[1]].numpy(), np.float32)


def nonnegative(bands_RMN: Tensor, filters_FM: Tensor, back_MF: Tensor) -> Tensor:
    """Powers [R, F, N] >= 0 whose mel bands are nearest to the given ones."""
    power = (bands_RMN.mT @ back_MF).mT.clamp(min=LEAST)
    wanted = filters_FM @ bands_RMN
    for _ in range(REFINEMENTS):
        power = power * (wanted / (filters_FM @ (filters_FM.mT @ power) + LEAST))
    return power


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Torch's global generator, which GriffinLim draws from, set for a moment."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


# ---------------------------------------------------------------------------------------------------------------- noise


def noise_like(x_T: Sounds, seed: int) -> Sounds:
    """White noise of the sound's level (root mean square)."""
    noise: NDArray[Any] = np.random.default_rng(seed).standard_normal(len(x_T))
    return (noise * np.sqrt(np.mean(np.square(x_T, dtype=np.float64)))).astype(np.float32)
