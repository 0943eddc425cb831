"""What the shipped codec does with sounds that are easily spoilt, and that its pieces join exactly.

Properties of any codec that deserves to ship, not numbers of this one: a retrained bundle must pass as well.
"""

import numpy as np
import pytest

from harmonicflow.core.constants import HOP, SAMPLE_RATE
from harmonicflow.engine import codec
from harmonicflow.engine.bundle import Bundle
from harmonicflow.engine.runtime import Runtime

SECONDS = 1.5
SILENT_DBFS = -80.0
OVER = 10 ** (2 / 20)  # a copy may exceed full scale by 2 dB, as a decoded MP3 does; files and stems are float
EXACT = 1e-4


@pytest.fixture(scope="module")
def shipped() -> Runtime:
    return Runtime(Bundle.load(), threads=1)


def copied(runtime: Runtime, *sounds: np.ndarray) -> np.ndarray:
    """Each sound encoded and decoded, [B, T]."""
    return codec.decode(runtime, codec.encode(runtime, np.stack(sounds).astype(np.float32)))


def time_s() -> np.ndarray:
    return np.arange(round(SECONDS * SAMPLE_RATE)) / SAMPLE_RATE


def programme() -> np.ndarray:
    """Eight plucked notes with a drum on each, at full scale."""
    random, t = np.random.default_rng(3), time_s()
    sound = np.zeros_like(t)
    for note in range(8):
        age = np.clip(t - note * SECONDS / 8, 0, None)
        on = t >= note * SECONDS / 8
        hz = 110 * 2 ** (note / 12)
        sound += on * np.exp(-8 * age) * (np.sin(2 * np.pi * hz * age) + 0.5 * np.sin(4 * np.pi * hz * age))
        sound += on * 0.7 * np.exp(-40 * age) * random.standard_normal(len(t))
    return sound / np.abs(sound).max()


def level_dbfs(x: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(np.square(x, dtype=np.float64))) + 1e-12))


def test_silence_stays_silent_at_its_edges_too(shipped: Runtime) -> None:
    (y,) = copied(shipped, np.zeros(round(2.3 * SAMPLE_RATE)))
    assert 20 * np.log10(np.abs(y).max() + 1e-12) < SILENT_DBFS
    # A piece of one frame is all edge.
    assert np.abs(copied(shipped, np.zeros(HOP))).max() < 10 ** (SILENT_DBFS / 20)


def test_silence_after_sound_is_silent_again(shipped: Runtime) -> None:
    sound = np.concatenate((programme(), np.zeros(4 * SAMPLE_RATE)))
    (y,) = copied(shipped, sound)
    reach = (shipped.bundle.card.codec.context + shipped.bundle.card.codec.encoder_reach) * HOP
    assert level_dbfs(y[len(programme()) + reach :]) < SILENT_DBFS


def test_full_scale_comes_back_without_clipping(shipped: Runtime) -> None:
    # Nothing flattens a peak: no run of equal samples, and next to nothing above full scale.
    loud = programme()
    for y in copied(shipped, loud, np.clip(3 * loud, -1, 1), np.sin(2 * np.pi * 440 * time_s())):
        assert np.isfinite(y).all() and 0.1 < np.abs(y).max() <= OVER
        top = np.abs(y) > 0.999 * np.abs(y).max()
        assert not ((np.diff(y) == 0) & top[1:]).any()


def test_beyond_full_scale_stays_in_bounds(shipped: Runtime) -> None:
    for gain in (4.0, 1000.0):  # a forgotten 12 dB, and the most that a file may hold
        (y,) = copied(shipped, gain * programme())
        assert np.isfinite(y).all() and np.abs(y).max() <= gain * OVER


def test_signals_that_no_instrument_makes(shipped: Runtime) -> None:
    t = time_s()
    impulses = np.zeros_like(t)
    impulses[:: SAMPLE_RATE // 4] = 1.0
    high = np.sin(2 * np.pi * 20_000 * t)
    signals = {
        "DC": np.ones_like(t), "20 kHz": high, "impulses": impulses, "alternating": np.cos(np.pi * np.arange(len(t))),
        "square": np.sign(np.sin(2 * np.pi * 100 * t)), "noise": np.random.default_rng(4).uniform(-1, 1, len(t)),
        "subnormal": np.full_like(t, 1e-40),
    }  # fmt: skip
    for name, y in zip(signals, copied(shipped, *signals.values()), strict=True):
        assert np.isfinite(y).all() and np.abs(y).max() <= 2, name
    # An impulse adds no sound where the codec cannot hear it, before or after.
    one = np.zeros(4 * SAMPLE_RATE)
    one[2 * SAMPLE_RATE] = 1.0
    (y,) = copied(shipped, one)
    reach = (shipped.bundle.card.codec.context + shipped.bundle.card.codec.encoder_reach + 1) * HOP
    assert level_dbfs(y[: 2 * SAMPLE_RATE - reach]) < SILENT_DBFS
    assert level_dbfs(y[2 * SAMPLE_RATE + reach :]) < SILENT_DBFS


@pytest.mark.parametrize("length", [1, 17, HOP - 1, HOP, HOP + 1])
def test_the_shortest_sounds(shipped: Runtime, length: int) -> None:
    latents = codec.encode(shipped, np.full((2, length), 0.5, np.float32))
    assert latents.shape == (2, -(-length // HOP), 32)
    y = codec.decode(shipped, latents)
    assert y.shape == (2, latents.shape[1] * HOP) and np.isfinite(y).all()


@pytest.mark.parametrize("chunk", [1, 5, 16, 64])
def test_chunks_join_exactly(shipped: Runtime, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    # Lengths that are no multiple of any chunk; the whole is one chunk.
    length = 21 if chunk == 1 else 83
    sound = programme()[: length * HOP - 777][None]
    sound = np.pad(sound, ((0, 0), (0, length * HOP - 777 - sound.shape[1])), "reflect").astype(np.float32)
    latents = codec.encode(shipped, sound)
    whole = codec.decode(shipped, latents)
    monkeypatch.setattr(codec, "CHUNK", chunk)
    assert np.abs(codec.encode(shipped, sound) - latents).max() < EXACT
    assert np.abs(codec.decode(shipped, latents) - whole).max() < EXACT
    part = codec.decode(shipped, latents, 7, 19)
    assert np.abs(part - whole[:, 7 * HOP : 19 * HOP]).max() < EXACT


def test_streams_are_the_whole(shipped: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "CHUNK", 16)
    sound = np.stack((programme(), programme()[::-1])).astype(np.float32)
    latents = codec.encode(shipped, sound)
    stream = codec.EncodeStream(shipped, 2)
    cuts = np.cumsum([1, 1000, 3 * HOP, 7, 40_000])
    parts = [stream.process(piece) for piece in np.split(sound, cuts, axis=1)]
    assert sum(part.shape[1] > 0 for part in parts) >= 1, "something comes before the end"
    assert np.array_equal(np.concatenate([*parts, stream.finish()], axis=1), latents), "to the bit"
    whole = codec.decode(shipped, latents)
    pieces = list(codec.decode_pieces(shipped, lambda low, high: latents[:, low:high], latents.shape[1]))
    assert len(pieces) > 1 and np.array_equal(np.concatenate(pieces, axis=1), whole)
