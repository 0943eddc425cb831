"""Pieces of sound join exactly, however the stream of latents is cut."""

import numpy as np
import pytest

from harmonicflow.core.constants import HOP
from harmonicflow.engine import codec
from harmonicflow.engine.runtime import Runtime


@pytest.fixture
def latents() -> np.ndarray:
    return np.random.default_rng(5).standard_normal((3, 60, 32)).astype(np.float32)


def test_encode_undoes_decode_for_steady_sound(runtime: Runtime) -> None:
    steady = np.broadcast_to(np.linspace(-1, 1, 32, dtype=np.float32), (1, 40, 32))
    audio = codec.decode(runtime, steady)
    assert audio.shape == (1, 40 * HOP)
    assert np.abs(codec.encode(runtime, audio) - steady)[:, 1:-1].max() < 1e-4


@pytest.mark.parametrize("cuts", [(60,), (1, 60), (13, 14, 15, 59, 60), tuple(range(1, 61))])
def test_a_stream_is_the_whole_sample_for_sample(
    runtime: Runtime, latents: np.ndarray, cuts: tuple[int, ...]
) -> None:
    whole = codec.decode(runtime, latents)
    stream = codec.DecodeStream(runtime, [0, 1, 2])
    parts = []
    for ready in cuts:
        unsure = latents.copy()
        unsure[:, ready:] = 99.0  # what is not generated yet must not be looked at
        parts.append(stream.process(unsure, ready))
    joined = np.concatenate(parts, axis=1)
    assert joined.shape == whole.shape and np.abs(joined - whole).max() < 1e-6


def test_long_sound_goes_through_in_chunks(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    latents = np.random.default_rng(6).standard_normal((1, 50, 32)).astype(np.float32)
    whole = codec.decode(runtime, latents)
    back = codec.encode(runtime, whole)
    monkeypatch.setattr(codec, "CHUNK", 7)
    assert np.abs(codec.decode(runtime, latents) - whole).max() < 1e-6
    assert np.abs(codec.encode(runtime, whole) - back).max() < 1e-5
    assert codec.decode(runtime, latents, 11, 23) == pytest.approx(whole[:, 11 * HOP : 23 * HOP], abs=1e-6)


def test_the_last_frame_is_filled_with_silence(runtime: Runtime) -> None:
    audio = np.random.default_rng(7).standard_normal((1, 3 * HOP + 5)).astype(np.float32)
    assert codec.encode(runtime, audio).shape == (1, 4, 32)


@pytest.mark.parametrize("cuts", [(), (1,), (2047, 2049), tuple(range(0, 20 * HOP, 3000))])
def test_encoding_a_stream_is_encoding_the_whole(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, cuts: tuple[int, ...]
) -> None:
    monkeypatch.setattr(codec, "CHUNK", 4)
    audio = np.random.default_rng(8).standard_normal((2, 20 * HOP - 100)).astype(np.float32)
    whole = codec.encode(runtime, audio)
    stream = codec.EncodeStream(runtime, 2)
    parts = [stream.process(piece) for piece in np.split(audio, cuts, axis=1)]
    given = np.concatenate(parts, axis=1)
    assert given.shape[1] == stream.done >= 12 and np.array_equal(given, whole[:, : stream.done])
    assert np.array_equal(np.concatenate((given, stream.finish()), axis=1), whole)


def test_silence_fills_up_to_a_multiple(runtime: Runtime) -> None:
    audio = np.random.default_rng(9).standard_normal((1, 5 * HOP + 1)).astype(np.float32)
    stream = codec.EncodeStream(runtime, 1)
    latents = np.concatenate((stream.process(audio), stream.finish(4)), axis=1)
    assert latents.shape[1] == 8 and not latents[:, 6:].any()
    assert np.array_equal(latents[:, :6], codec.encode(runtime, audio))


def test_no_sound_at_all(runtime: Runtime) -> None:
    assert codec.encode(runtime, np.zeros((3, 0), np.float32)).shape == (3, 0, 32)
    assert codec.decode(runtime, np.zeros((3, 0, 32), np.float32)).shape == (3, 0)
