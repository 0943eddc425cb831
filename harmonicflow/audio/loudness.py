"""Loudness and true peak after ITU-R BS.1770-4 (the measure that EBU R 128 uses).

Loudness: K-weighting (a high shelf for the head and a low cut), mean square in blocks of 400 ms that
overlap by three quarters, blocks under -70 LUFS left out, then blocks more than 10 LU under the mean of
the rest. The filters are the standard's two, moved to any rate through their analogue prototypes, whose
numbers are those of libebur128.

Results are always finite, so that they can stand in a report: silence is `SILENCE_LUFS` and `SILENCE_DB`.

Shapes: C channel, T sample, P phase, K tap.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .blocks import BlockStream
from .filters import Biquads, Section

Reals = NDArray[np.float64]
Audio = NDArray[np.float32]

SILENCE_LUFS: Final = -70.0  # the absolute gate: nothing below it is counted
SILENCE_DB: Final = -144.0  # one step of 24 bits
OFFSET_LUFS: Final = -0.691  # makes a full-scale 997 Hz sine on one channel -3.01 LUFS
GATE_LU: Final = -10.0
STEP_S: Final = 0.1
STEPS: Final = 4  # a block is 400 ms
SURROUND: Final = {5: (1, 1, 1, 1.41, 1.41), 6: (1, 1, 1, 0, 1.41, 1.41)}  # L R C (LFE) Ls Rs; other counts: all 1

PHASES: Final = 4  # oversampling of the true peak
TAPS: Final = 24  # per phase: reads a tone at 0.45 of the rate 0.1 dB low at most
PEAK_BLOCK: Final = 64


def integrated_lufs(x: ArrayLike, rate: int) -> float:
    """Integrated loudness of `x` [C, T] or [T]. Less than 400 ms counts as one block; silence is `SILENCE_LUFS`."""
    sound = np.atleast_2d(np.asarray(x, np.float32))
    powers = _step_powers(sound, rate)
    if len(powers) >= STEPS:
        sums = np.concatenate([[0.0], np.cumsum(powers)])
        blocks = np.maximum(sums[STEPS:] - sums[:-STEPS], 0.0) / STEPS
    else:
        blocks = np.array([_weighted_power(sound, rate)])
    blocks = blocks[blocks > _power(SILENCE_LUFS)]
    if len(blocks):
        blocks = blocks[blocks > np.mean(blocks) * 10 ** (GATE_LU / 10)]
    return max(_lufs(float(np.mean(blocks))), SILENCE_LUFS) if len(blocks) else SILENCE_LUFS


def true_peak_dbtp(x: ArrayLike) -> float:
    """The highest value at and between the samples of `x` [C, T] or [T], in dB of full scale, 4 times oversampled."""
    sound = np.atleast_2d(np.asarray(x, np.float32))
    padded = np.concatenate([sound, np.zeros((len(sound), TAPS), np.float32)], axis=1)
    return decibels(float(TruePeaks(len(sound)).process(padded).max(initial=0.0)))


def decibels(value: float) -> float:
    """20 log10, not below `SILENCE_DB`."""
    return max(20 * float(np.log10(max(value, 1e-30))), SILENCE_DB)


@lru_cache(maxsize=16)
def k_weighting(rate: int) -> tuple[Section, Section]:
    """The two filters of BS.1770 annex 1 at any rate: the high shelf and the low cut."""
    k = np.tan(np.pi * 1681.974450955533 / rate)
    vh = 10 ** (3.999843853973347 / 20)
    vb = vh**0.4996667741545416
    q = 0.7071752369554196
    a0 = 1 + k / q + k * k
    shelf = ((vh + vb * k / q + k * k), 2 * (k * k - vh), (vh - vb * k / q + k * k), 2 * (k * k - 1), 1 - k / q + k * k)
    k = np.tan(np.pi * 38.13547087602444 / rate)
    q = 0.5003270373238773
    c0 = 1 + k / q + k * k
    cut = (c0, -2 * c0, c0, 2 * (k * k - 1), 1 - k / q + k * k)
    return Section(*(float(v / a0) for v in shelf)), Section(*(float(v / c0) for v in cut))


class TruePeaks:
    """The peak around each sample of a stream: |x| and its three values before it, interpolated.

    `process` [C, T] gives [T], the largest over channels, `TAPS` / 2 samples late (as many as given).
    """

    def __init__(self, channels: int) -> None:
        taps = _interpolator()
        product = np.zeros((PEAK_BLOCK + TAPS - 1, PHASES, PEAK_BLOCK), np.float32)
        for n in range(PEAK_BLOCK):
            product[n : n + TAPS, :, n] = taps[:, ::-1].T
        self._product = product.reshape(len(product), -1)
        self._channels = channels
        size = 64 * PEAK_BLOCK
        self._window = np.arange(0, size, PEAK_BLOCK)[:, None] + np.arange(len(product))
        state = np.zeros((channels, TAPS - 1), np.float32)
        self._stream = BlockStream(self._step, state, channels, size, np.float32)

    def process(self, x: Audio) -> Audio:
        """Peaks [T] for samples [C, T]."""
        peaks: Audio = self._stream.process(x)[0]
        return peaks

    def _step(self, block: Audio, past: Audio) -> tuple[Audio, Audio]:
        signal = np.concatenate([past, block], axis=1)
        values = signal.take(self._window, axis=1).reshape(-1, len(self._product)) @ self._product
        np.abs(values, out=values)
        peaks = values.reshape(self._channels, -1, PHASES, PEAK_BLOCK).max(axis=2).max(axis=0)
        return peaks.reshape(1, -1), signal[:, -TAPS + 1 :]


@lru_cache(maxsize=1)
def _interpolator() -> Audio:
    """Windowed sinc [P, K] whose phase p gives the signal p / P of a sample before its centre."""
    at = np.arange(TAPS)[None, :] - TAPS // 2 + np.arange(PHASES)[:, None] / PHASES
    taps = np.sinc(at) * np.kaiser(2 * 512 + 1, 6.0)[np.round((at / (TAPS / 2) + 1) * 512).astype(int)]
    out: Audio = (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)
    return out


def _step_powers(sound: Audio, rate: int) -> Reals:
    """Weighted mean square of every full step of 100 ms."""
    step = round(STEP_S * rate)
    count = sound.shape[1] // step
    weighted = Biquads(k_weighting(rate), len(sound)).process(sound[:, : count * step])
    squares = np.square(weighted, out=weighted).reshape(len(sound), count, step).mean(axis=2)
    return np.asarray(_gains(len(sound)) @ squares)


def _weighted_power(sound: Audio, rate: int) -> float:
    if not sound.shape[1]:
        return 0.0
    weighted = Biquads(k_weighting(rate), len(sound)).process(sound)
    return float(_gains(len(sound)) @ np.mean(weighted**2, axis=1))


def _gains(channels: int) -> Reals:
    return np.asarray(SURROUND.get(channels, (1.0,) * channels), np.float64)


def _lufs(power: float) -> float:
    return OFFSET_LUFS + 10 * float(np.log10(max(power, 1e-30)))


def _power(lufs: float) -> float:
    return float(10 ** ((lufs - OFFSET_LUFS) / 10))
