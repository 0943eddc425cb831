"""The codec's transforms, its finite memory and its ends."""

import math

import pytest
import torch

from harmonicflow.core.constants import HOP, SAMPLE_RATE
from harmonicflow.nn.codec import Codec, CodecConfig
from harmonicflow.nn.dft import DFT, HOP_STFT, N_FFT

SMALL = CodecConfig(frame_dim=16, latent_width=16, expansion=2)


@pytest.fixture
def codec() -> Codec:
    torch.manual_seed(0)
    return Codec(SMALL).eval()


def test_a_tone_lies_in_its_bin() -> None:
    k = 40
    t = torch.arange(8 * N_FFT) / SAMPLE_RATE
    real, imag = DFT()(torch.cos(2 * math.pi * k * SAMPLE_RATE / N_FFT * t)[None])
    power = (real.square() + imag.square())[0, 8]
    assert int(power.argmax()) == k
    assert power[k].sqrt() == pytest.approx(N_FFT / 4, rel=1e-3)  # a Hann window's mean is 1/2, a real tone's half 1/2


def test_the_inverse_gives_the_sound_back() -> None:
    dft, audio = DFT(), torch.randn(2, 12 * HOP_STFT)
    back = dft.inverse(*dft(audio))
    inner = slice(2 * HOP_STFT, -2 * HOP_STFT)
    assert torch.allclose(back[:, inner], audio[:, inner], atol=1e-5)


def test_matrix_product_and_fft_are_one_transform() -> None:
    dft, audio = DFT(), torch.randn(2, 9 * HOP_STFT)
    spectrum = dft(audio)
    back = dft.inverse(*spectrum)
    dft.exact_fft = False
    for a, b in zip(spectrum, dft(audio), strict=True):
        assert torch.allclose(a, b, atol=1e-3)
    assert torch.allclose(back, dft.inverse(*spectrum), atol=1e-5)


def test_shapes(codec: Codec) -> None:
    audio = torch.randn(3, 7 * HOP) * 0.1
    latents = codec.encoder(audio)
    assert latents.shape == (3, 7, SMALL.latent_dim)
    assert codec.decoder(latents).shape == audio.shape


def test_chunks_with_context_join_exactly(codec: Codec) -> None:
    context = codec.context
    latents = torch.randn(1, 3 * context + 10, SMALL.latent_dim)
    whole = codec.decoder(latents)
    piece = codec.decoder(latents[:, context : 2 * context + 10 + context])
    inner = piece[:, context * HOP : -context * HOP]
    assert torch.allclose(inner, whole[:, 2 * context * HOP : (2 * context + 10) * HOP], atol=1e-6)


def test_context_is_no_larger_than_needed_by_much(codec: Codec) -> None:
    """A frame's own neighbourhood changes, what lies beyond the context does not."""
    context = codec.context
    latents = torch.randn(1, 4 * context, SMALL.latent_dim)
    changed = latents.clone()
    changed[:, 2 * context] += 10
    moved = (codec.decoder(latents) - codec.decoder(changed)).abs()[0].reshape(-1, HOP).amax(1)
    far = torch.arange(4 * context).sub(2 * context).abs() > context
    assert moved[far].max() < 1e-6
    assert moved[2 * context] > 1e-4
    assert moved[2 * context - context // 2] > 0


def test_the_encoder_hears_no_further_than_it_says(codec: Codec) -> None:
    reach = codec.encoder_context
    audio = torch.randn(1, (4 * reach + 1) * HOP) * 0.1
    changed = audio.clone()
    changed[:, 2 * reach * HOP : (2 * reach + 1) * HOP] += 1.0
    moved = (codec.encoder(audio) - codec.encoder(changed)).abs().amax((0, 2))
    far = torch.arange(4 * reach + 1).sub(2 * reach).abs() > reach
    assert moved[far].max() < 1e-6 and moved[2 * reach] > 1e-3


def test_whitening_is_applied_by_the_encoder(codec: Codec) -> None:
    audio = torch.randn(1, 4 * HOP)
    raw = codec.encoder.raw(audio)
    codec.encoder.mean.fill_(2.0)
    codec.encoder.std.fill_(4.0)
    assert torch.allclose(codec.encoder(audio), (raw - 2) / 4, atol=1e-6)
