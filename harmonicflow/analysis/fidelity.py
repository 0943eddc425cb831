"""How near a copy of a sound is to the sound itself: what a codec keeps, and what it adds that was not there.

Each is validated against planted faults in the tests. What is computed of the true sound alone is kept in a `Truth`,
because a ladder compares many copies with it.

Shapes: T sample, N analysis frame, F frequency bin. Copies are as long as their truth and in step with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .onsets import onsets
from .spectra import Floats, Times, chroma, estimate_tuning, hann, magnitudes

WORST_SI_SDR_DB: Final = -20.0  # below it nothing is shared: two unrelated sounds score -30 to -60 by chance
WINDOWS: Final = (256, 1024, 4096)  # of the complex distance, samples, at hops of half a window
COMPRESSION: Final = 0.3  # exponent of magnitudes in it
CHROMA_SIZE_S: Final = 0.186  # semitones are told apart from 90 Hz on, partials of lower notes lie above that
CHROMA_HOP_S: Final = 0.0464
SOUNDS_DB: Final = -40.0  # a frame sounds that is at most this far below the loudest
BEFORE_S: Final = 0.02  # the ear masks backwards about as long
GUARD_S: Final = 0.001
CLEAR_DB: Final = -20.0  # an onset whose own attack or neighbour is louder than this before it shows no pre-echo
RISING: Final = 1.12  # 1 dB: sound that grows before an onset is no decay
INAUDIBLE_DB: Final = -50.0  # of the onset's peak
HELD_DB: Final = 6.0  # a copy may be this much louder before the onset
CLICK_BLOCK_S: Final = 0.005
CLICK_TIMES: Final = 4.0  # 12 dB over the truth's and over its own surroundings
SMALLEST_CLICK: Final = 1e-3  # second difference, of full scale
FOLDED_S: Final = 3.0  # tones a third of a hertz beside a multiple of the frame rate are no hum


class Truth:
    """A true sound [T] and what is measured of it once."""

    def __init__(self, sound_T: Floats, rate: int) -> None:
        self.sound = np.asarray(sound_T, np.float32)
        self.rate = rate

    @cached_property
    def spectra(self) -> list[NDArray[np.complex64]]:
        """Compressed complex spectra [N, F], one of each window."""
        return [compressed_spectrum(self.sound, size) for size in WINDOWS]

    @cached_property
    def tuning(self) -> float:
        """Semitones above A = 440 Hz."""
        return estimate_tuning(_long_spectra(self.sound, self.rate), self.rate)

    @cached_property
    def chroma(self) -> Floats:
        """Pitch classes [N, 12]."""
        return chroma(_long_spectra(self.sound, self.rate), self.rate, tuning=self.tuning)

    @cached_property
    def sounding(self) -> NDArray[np.bool_]:
        """Frames [N] of the chroma in which there is something to hear."""
        level = np.sqrt((_long_spectra(self.sound, self.rate) ** 2).sum(axis=1))
        return (level > max(level.max() * 10 ** (SOUNDS_DB / 20), 1e-5)) & self.chroma.any(axis=1)

    @cached_property
    def onsets(self) -> Times:
        """Onsets in seconds."""
        return onsets(self.sound, self.rate)

    @cached_property
    def clear_starts(self) -> NDArray[np.intp]:
        """First samples of the clear onsets: those with silence or decay before them."""
        return clear_starts(self.sound, self.rate, self.onsets)


def si_sdr_db(x_T: Floats, truth_T: Floats) -> float:
    """Scale-invariant signal-to-distortion ratio (Le Roux et al. 2019, eq. 3), not below `WORST_SI_SDR_DB`."""
    x, truth = (np.asarray(sound, np.float64) for sound in (x_T, truth_T))
    wanted = (x @ truth) / max(float(truth @ truth), 1e-20) * truth
    error = x - wanted
    ratio = float(wanted @ wanted) / max(float(error @ error), 1e-20)
    return max(10 * float(np.log10(max(ratio, 1e-20))), WORST_SI_SDR_DB)


# -------------------------------------------------------------------------------------------------------- complex STFT


def compressed_spectrum(x_T: Floats, size: int) -> NDArray[np.complex64]:
    """STFT [N, F] whose magnitudes are raised to 0.3 and whose phases are kept.

    Not compressed, the relative error of an STFT with a tight window is that of the waveform (Parseval), whatever the
    window: SI-SDR in other units. Compressed, quiet partials and quiet moments count as well.
    """
    count = max(1, len(x_T) // (size // 2))
    padded = np.pad(np.asarray(x_T, np.float32), (size // 2, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 2][:count]
    spectrum = np.fft.rfft(frames * hann(size)).astype(np.complex64)
    power = spectrum.real**2 + spectrum.imag**2
    return spectrum * (power + np.float32(1e-12)) ** np.float32((COMPRESSION - 1) / 2)


def complex_distance(x_T: Floats, truth: Truth) -> float:
    """Multi-resolution complex STFT distance: mean over windows of |X - Y| / |Y| (Frobenius), compressed as above.

    0 for a perfect copy, 1 for silence, about 1.4 for a sound of the same spectrum with other phases.
    """
    distances = []
    for size, wanted in zip(WINDOWS, truth.spectra, strict=True):
        error = compressed_spectrum(x_T, size) - wanted
        distances.append(np.linalg.norm(error) / max(float(np.linalg.norm(wanted)), 1e-9))
    return float(np.mean(distances))


# -------------------------------------------------------------------------------------------------------------- chroma


def _long_spectra(x_T: Floats, rate: int) -> Floats:
    size, hop = 2 ** round(np.log2(CHROMA_SIZE_S * rate)), max(1, round(CHROMA_HOP_S * rate))
    return magnitudes(x_T, hop // 2, hop, max(1, len(x_T) // hop), size)


def chroma_similarity(x_T: Floats, truth: Truth) -> float | None:
    """Mean cosine of the two chromas over the frames where the truth sounds; None where it never does.

    An octave's difference changes no pitch class. Frames in which the copy has no pitch count 0.
    """
    if not truth.sounding.any():
        return None
    heard = chroma(_long_spectra(x_T, truth.rate), truth.rate, tuning=truth.tuning)[truth.sounding]
    wanted = truth.chroma[truth.sounding]
    lengths = np.linalg.norm(heard, axis=1) * np.linalg.norm(wanted, axis=1)
    return float(np.mean((heard * wanted).sum(axis=1) / np.maximum(lengths, 1e-12)))


# ----------------------------------------------------------------------------------------------------------- pre-echo


def clear_starts(x_T: Floats, rate: int, onsets_s: Times) -> NDArray[np.intp]:
    """First samples of the onsets before which there are 20 ms of silence or decay, at least 20 dB below the peak.

    An onset starts where the sound first reaches a tenth of the peak of its first 30 ms.
    """
    size = np.abs(x_T)
    found = []
    for onset_s in onsets_s:
        low, high = round((onset_s - 0.012) * rate), round((onset_s + 0.006) * rate)
        if low < round(2 * BEFORE_S * rate):
            continue
        peak = float(size[low : round((onset_s + 0.03) * rate)].max(initial=0.0))
        loud = np.flatnonzero(size[low:high] >= 0.1 * peak)
        if peak < 10 ** (INAUDIBLE_DB / 20) or not len(loud) or loud[0] == 0:
            continue
        start = low + int(loud[0])
        before = x_T[_before(start, rate)]
        early, late = (_rms(half) for half in np.array_split(before, 2))
        if _rms(before) <= peak * 10 ** (CLEAR_DB / 20) and late <= max(RISING * early, 1e-6):
            found.append(start)
    return np.array(found, np.intp)


def levels_before_db(x_T: Floats, starts: Sequence[int] | NDArray[np.intp], rate: int) -> Times:
    """Level (root mean square) of the 20 ms before each onset in dB relative to the onset's own peak in this sound."""
    out = np.zeros(len(starts))
    for number, start in enumerate(starts):
        peak = float(np.abs(x_T[start : start + round(0.03 * rate)]).max(initial=0.0))
        out[number] = 20 * np.log10(max(_rms(x_T[_before(int(start), rate)]), 1e-6) / max(peak, 1e-6))
    return np.maximum(out, -120.0)


def before_held(copy_db: Times, true_db: Times) -> NDArray[np.bool_]:
    """Which onsets have no more before them than the truth plus 6 dB, or less than can be heard."""
    return (copy_db <= true_db + HELD_DB) | (copy_db < INAUDIBLE_DB)


def before_excess_db(copy_db: Times, true_db: Times) -> Times:
    """How much louder than the truth the copy is before each onset; what cannot be heard is no excess."""
    return np.maximum(copy_db - np.maximum(true_db, INAUDIBLE_DB), 0.0)


def _before(start: int, rate: int) -> slice:
    end = start - round(GUARD_S * rate)
    return slice(max(0, end - round(BEFORE_S * rate)), end)


def _rms(x_T: Floats) -> float:
    return float(np.sqrt(np.mean(np.square(x_T, dtype=np.float64)))) if len(x_T) else 0.0


# ------------------------------------------------------------------------------------------------------ clicks and hum


def click_times(x_T: Floats, truth_T: Floats, rate: int) -> Times:
    """Seconds at which the copy's second difference has a peak that the truth lacks.

    In blocks of 5 ms: 12 dB above the truth's largest within 10 ms and above the copy's own median within 30 ms, so
    that noise which came out as other noise is no click.
    """
    block = max(3, round(CLICK_BLOCK_S * rate))
    rough, true = (_roughness(sound, block) for sound in (x_T, truth_T))
    if not len(rough):
        return np.zeros(0)
    near = np.lib.stride_tricks.sliding_window_view(np.pad(true, 2), 5).max(axis=1)
    around = np.median(np.lib.stride_tricks.sliding_window_view(np.pad(rough, 6, mode="edge"), 13), axis=1)
    click = (rough > CLICK_TIMES * np.maximum(near, around)) & (rough > SMALLEST_CLICK)
    click[1:] &= ~click[:-1]  # one that falls on two blocks is one
    return np.flatnonzero(click) * block / rate


def _roughness(x_T: Floats, block: int) -> Floats:
    """Largest second difference of each block."""
    second = np.abs(np.diff(np.asarray(x_T, np.float64), 2, prepend=[0.0, 0.0]))
    return second[: len(second) // block * block].reshape(-1, block).max(axis=1)


def hum_db(x_T: Floats, truth_T: Floats, rate: int, period: int) -> tuple[float, float] | None:
    """What of the error repeats every `period` samples: dB of the signal's power, and dB over neighbouring periods.

    The error is averaged over the periods in 3 s: tones at multiples of rate / period survive, noise falls by 18 dB
    and more. What survives at periods a little off is no hum, so that the second number is near 0 without one. None for
    sounds that are too short or silent.
    """
    error = np.asarray(x_T, np.float64) - truth_T
    signal = float(np.mean(np.square(truth_T, dtype=np.float64)))
    neighbours = [round(period * (1 + step / 100)) for step in (-4.1, -2.9, -1.7, 1.3, 2.3, 3.7)]
    length = round(FOLDED_S * rate)
    if signal < 1e-10 or len(error) < length:
        return None
    hum = max(_folded(error, period, length), 1e-20)
    floor = max(float(np.median([_folded(error, other, length) for other in neighbours])), 1e-20)
    return 10 * float(np.log10(hum / signal)), 10 * float(np.log10(hum / floor))


def _folded(error_T: Floats, period: int, length: int) -> float:
    """Power of the mean of all periods in `length` samples, averaged over the stretches of that length."""
    whole, periods = len(error_T) // length, length // period
    stretches = error_T[: whole * length].reshape(whole, length)[:, : periods * period]
    folds = stretches.reshape(whole, periods, period).mean(axis=1)
    return float(np.mean((folds - folds.mean(axis=1, keepdims=True)) ** 2))
