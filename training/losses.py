"""What the codec is trained on: spectra at several resolutions.

Legend: B batch, T samples, F frames, K bins, M mel bands.
"""

import functools
import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from harmonicflow.core.constants import HOP, SAMPLE_RATE

RESOLUTIONS = (128, 256, 512, 1024, 2048)  # window lengths in samples
HOPS = 2  # hops in a window: a quarter window costs twice as much and learns no faster
COMPRESSION = 0.3  # exponent that brings magnitudes near to loudness
MEL_BANDS = 80
MEL_WINDOW = 2048  # samples
FLOOR = 1e-3  # added to magnitudes before the logarithm: about -54 dB below a full-scale sine at N = 1024
LEVEL_WINDOW = 256  # samples (6 ms) of a short-time level, every half of it: shorter than the ear's backward masking
LEVEL_FLOOR = 3e-5  # -90 dB below full scale: silence before an onset is worth having, silence below that is not
LEVEL_MARGIN = 0.35  # natural logarithm, 3 dB: a level more than this above the truth's counts twice
LEVEL_WEIGHT = 0.2
BUZZ_WINDOW = HOP // 4  # samples, one after the other: the decoder's frames, whose repetition would be a buzz
BUZZ_LAGS = (1, 4)  # windows: a decoder's frame, a latent frame
BUZZ_SPAN = 16  # windows that are averaged, 0.19 s
BUZZ_BINS = 8  # STFT bins that are averaged
BUZZ_WEIGHT = 1.0
CHROMA_HZ = (65.0, 2100.0)  # C2 to C7: where harmonics still tell the pitch class
ONSET_BANDS_HZ = (40.0, 250.0, 2500.0, 16000.0)  # edges of the three bands of onset strength
ONSET_WINDOW = 512  # samples, every half of it


@functools.cache
def _held(make: Callable[..., Tensor], device: torch.device, *arguments: int) -> Tensor:
    """What `make` gives, kept on a device: carried there once and not at every step."""
    return make(*arguments).to(device)


@functools.cache
def mel_matrix(bands: int = MEL_BANDS, window: int = MEL_WINDOW) -> Tensor:
    """Triangular mel filters [K, M], each of unit area (HTK formula, 30 Hz to half the rate)."""
    hz = torch.linspace(0, SAMPLE_RATE / 2, window // 2 + 1)

    def mel(f: float) -> float:
        return 2595 * math.log10(1 + f / 700)

    points = torch.linspace(mel(30.0), mel(SAMPLE_RATE / 2), bands + 2)
    edges = 700 * (10 ** (points / 2595) - 1)
    rise = (hz[:, None] - edges[None, :-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[None, 2:] - hz[:, None]) / (edges[2:] - edges[1:-1])
    filters = torch.minimum(rise, fall).clamp(min=0)
    return filters / filters.sum(0).clamp(min=1e-6)


def spectrum(audio: Tensor, window: int, hops: int = HOPS) -> Tensor:
    """Complex STFT [B, F, K], scaled so that a transient's and a tone's level hardly depend on the window."""
    frames = audio.unfold(-1, window, window // hops) * _held(torch.hann_window, audio.device, window)
    return torch.fft.rfft(frames) * (32.0 / window)


def magnitude(z: Tensor) -> Tensor:
    return torch.sqrt(z.real.square() + z.imag.square() + 1e-12)


def stft_distance(output: Tensor, target: Tensor, window: int) -> tuple[Tensor, Tensor, Tensor]:
    """(log-magnitude L1, compressed complex L1, relative complex error) of two waveforms [B, T] at one resolution.

    The first hears quiet things, the last only the strongest partials: it is what teaches phase.
    """
    a, b = spectrum(output, window), spectrum(target, window)
    ma, mb = magnitude(a), magnitude(b)
    log = (torch.log(ma + FLOOR) - torch.log(mb + FLOOR)).abs().mean()
    ca, cb = (ma + 1e-4) ** (COMPRESSION - 1), (mb + 1e-4) ** (COMPRESSION - 1)
    real = (a.real * ca - b.real * cb).abs().mean()
    imag = (a.imag * ca - b.imag * cb).abs().mean()
    error = (a - b).abs().square().mean((1, 2))
    relative = torch.sqrt(error / (b.abs().square().mean((1, 2)) + 1e-4) + 1e-6)
    return log, real + imag, relative.mean()


def log_mel(audio: Tensor, bands: int = MEL_BANDS) -> Tensor:
    """Natural logarithm of mel magnitudes [B, F, M] (window 2048)."""
    mel = magnitude(spectrum(audio, MEL_WINDOW)) @ _held(mel_matrix, audio.device, bands)
    return torch.log(mel + FLOOR)


def level_distance(output: Tensor, target: Tensor) -> Tensor:
    """L1 of short-time log levels of [B, T] (natural logarithm): hears what sounds before an onset, and late gaps.

    What is too loud by more than a margin counts twice: a gap is less of a fault than noise where silence was.
    """

    def level(audio: Tensor) -> Tensor:
        power = functional.avg_pool1d(audio.float().square()[:, None], LEVEL_WINDOW, LEVEL_WINDOW // 2)
        return 0.5 * torch.log(power + LEVEL_FLOOR**2)

    excess = level(output) - level(target)
    return (excess.abs() + (excess - LEVEL_MARGIN).clamp(min=0)).mean()


def decoder_frames(audio: Tensor) -> Tensor:
    """Spectra [B, N, K] of sound [B, T], one for each of a decoder's frames, side by side."""
    return spectrum(audio, BUZZ_WINDOW, hops=1)[..., :-1]


def repetition(frames: Tensor, lag: int) -> Tensor:
    """How far `decoder_frames` [B, N, K] repeat themselves `lag` frames later, [B, spans, bands], -1 to 1.

    In phase with the frames a component gives 1, a partial between the frames' harmonics anything, noise about 0.  A
    decoder that answers a steady hiss with the same frame again and again makes a buzz: 1 in every band.
    """
    here, there = frames[:, :-lag], frames[:, lag:]
    alike = here.real * there.real + here.imag * there.imag
    power = 0.5 * (here.abs().square() + there.abs().square())
    alike, power = (
        functional.avg_pool2d(x[:, None], (BUZZ_SPAN, BUZZ_BINS), (BUZZ_SPAN // 2, BUZZ_BINS))[:, 0]
        for x in (alike, power)
    )
    return alike / (power + 1e-6)


def locked_share(frames: Tensor) -> Tensor:
    """Share of the power of `decoder_frames` [B, N, K] that all latent frames have in common, with phases, [B, bands].

    Of n frames of anything that does not keep step with them it is 1 / n.  Repetition at a few lags can be avoided by
    a pattern that comes back later; this one counts all of them.
    """
    steps = HOP // BUZZ_WINDOW
    whole = frames[:, : frames.shape[1] // steps * steps].unflatten(1, (-1, steps))
    common = whole.mean(1).abs().square().sum(1)
    power = whole.abs().square().mean(1).sum(1)
    common, power = (functional.avg_pool1d(x[:, None], BUZZ_BINS)[:, 0] for x in (common, power))
    return common / (power + 1e-6)


def buzz_distance(output: Tensor, target: Tensor) -> Tensor:
    """L1 between the repetitions of two sounds [B, T] at a decoder's frame and at a latent frame, plus what keeps step
    with the latent frames in the output beyond the target's share."""
    a, b = decoder_frames(output), decoder_frames(target)
    pairs = [(repetition(a, lag) - repetition(b, lag)).abs().mean() for lag in BUZZ_LAGS]
    locked = (locked_share(a) - locked_share(b)).clamp(min=0).mean()
    return torch.stack(pairs).mean() + locked


def chroma_matrix() -> Tensor:
    """Pitch classes of STFT bins [K, 12], C first; bins outside CHROMA_HZ belong to none."""
    hz = torch.arange(MEL_WINDOW // 2 + 1) * (SAMPLE_RATE / MEL_WINDOW)
    inside = (hz >= CHROMA_HZ[0]) & (hz <= CHROMA_HZ[1])
    pitch = 69 + 12 * torch.log2(hz.clamp(min=1.0) / 440)
    return functional.one_hot(pitch.round().long() % 12, 12).float() * inside[:, None]


def chroma_target(audio: Tensor) -> Tensor:
    """Pitch classes [B, L, 12] of latent frames: shares of the loudest, 0 where nothing sounds.

    The window is centred on the latent frame (window 2048, one a frame).
    """
    power = spectrum(audio, MEL_WINDOW, hops=1).abs().square()
    classes = torch.sqrt(power @ _held(chroma_matrix, audio.device))
    return classes / (classes.amax(-1, keepdim=True) + 1e-2)


def onset_matrix() -> Tensor:
    """Which of the three bands of onset strength an STFT bin belongs to, [K, 3]."""
    hz = torch.arange(ONSET_WINDOW // 2 + 1) * (SAMPLE_RATE / ONSET_WINDOW)
    band = torch.searchsorted(torch.tensor(ONSET_BANDS_HZ), hz)
    return functional.one_hot(band, len(ONSET_BANDS_HZ) + 1)[:, 1:-1].float()


def onset_target(audio: Tensor) -> Tensor:
    """Onset strength [B, L, 3 * 8]: rises of log magnitude in three bands, at each eighth of a latent frame."""
    padded = functional.pad(audio, (ONSET_WINDOW // 2 + ONSET_WINDOW // HOPS, 0))
    level = torch.log(magnitude(spectrum(padded, ONSET_WINDOW)) @ _held(onset_matrix, audio.device) + 0.02)
    rise = (level[:, 1:] - level[:, :-1]).clamp(min=0)
    steps = HOP // (ONSET_WINDOW // HOPS)
    return rise[:, : audio.shape[1] // HOP * steps].reshape(len(audio), -1, steps * 3)


def reconstruction_loss(output: Tensor, target: Tensor, windows: tuple[int, ...]) -> dict[str, Tensor]:
    """The parts of the codec's loss on [B, T]; "total" is their weighted sum."""
    pairs = [stft_distance(output, target, window) for window in windows]
    log = torch.stack([pair[0] for pair in pairs]).mean()
    wave = torch.stack([pair[1] for pair in pairs]).mean()
    relative = torch.stack([pair[2] for pair in pairs]).mean()
    mel = (log_mel(output) - log_mel(target)).abs().mean()
    level, buzz = level_distance(output, target), buzz_distance(output, target)
    parts = {"log": log, "complex": wave, "relative": relative, "mel": mel, "level": level, "buzz": buzz}
    total = log + 2 * wave + relative + mel + LEVEL_WEIGHT * level + BUZZ_WEIGHT * buzz
    return {name: value.detach() for name, value in parts.items()} | {"total": total}


def si_sdr(output: Tensor, target: Tensor) -> Tensor:
    """Scale-invariant signal-to-distortion ratio in dB, [B] (Le Roux et al. 2019, eq. 3)."""
    scale = (output * target).sum(-1, keepdim=True) / target.square().sum(-1, keepdim=True).clamp(min=1e-8)
    wanted = scale * target
    error = output - wanted
    return 10 * torch.log10(wanted.square().sum(-1).clamp(min=1e-10) / error.square().sum(-1).clamp(min=1e-10))
