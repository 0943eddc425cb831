"""Voice-like melodies made from nothing: vibrato, glides and formants, in the song's key and time or off them.

Source and filter after Fant 1960: harmonics that fall by 6 to 12 dB an octave under two or three resonances.

Shapes: T sample.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.core.constants import SAMPLE_RATE

Audio = NDArray[np.float32]

VOWELS_HZ: Final = ((730, 1090, 2440), (270, 2290, 3010), (530, 1840, 2480), (570, 840, 2410), (300, 870, 2240))
"""Formants of five vowels of men (Peterson & Barney 1952)."""
HARMONICS: Final = 10
TABLE_HZ: Final = 10.0  # the formants' resolution
LOWEST, HIGHEST = 52, 79  # MIDI


def lead(samples: int, onsets_s: NDArray[np.float64], scale: NDArray[np.intp], random: np.random.Generator) -> Audio:
    """A melody [samples] of peak 1 whose notes begin at some of `onsets_s` and lie in `scale` (pitch classes)."""
    rate = SAMPLE_RATE // 2
    count = samples // 2 + 1
    pitch, level = _line(count, rate, onsets_s, scale, random)
    if not level.any():
        return np.zeros(samples, np.float32)
    hz = (440 * 2 ** ((pitch - 69) / 12)).astype(np.float32)
    phase = (2 * np.pi * (np.cumsum(hz, dtype=np.float64) / rate % 1)).astype(np.float32)
    formants = np.array(VOWELS_HZ[random.integers(len(VOWELS_HZ))]) * random.uniform(0.9, 1.25)
    slope = random.uniform(0.8, 1.8)
    table_hz = np.arange(0, rate // 2, TABLE_HZ)[:, None]
    colour = 0.08 + np.exp(-(((table_hz - formants) / (0.15 * formants + 60)) ** 2)).sum(axis=1).astype(np.float32)
    colour[table_hz[:, 0] > 0.45 * rate] = 0
    out = np.zeros(count, np.float32)
    for number in range(1, HARMONICS + 1):
        at = number * hz
        level_here = colour[np.minimum(at / TABLE_HZ, len(colour) - 1).astype(np.int32)] / number**slope
        out += level_here * np.sin(number * phase)
    out *= level
    out += level * random.normal(0, 0.01, count).astype(np.float32)  # breath
    whole = np.repeat(out, 2)[:samples]
    whole[1:-1:2] = (whole[:-2:2] + whole[2::2])[: len(whole[1:-1:2])] / 2  # straight lines between
    return (whole / (np.abs(whole).max() + 1e-9)).astype(np.float32)


def _line(
    count: int, rate: int, onsets_s: NDArray[np.float64], scale: NDArray[np.intp], random: np.random.Generator
) -> tuple[NDArray[np.float64], Audio]:
    """Pitch and level [count] of a melody in small steps with rests."""
    allowed = np.array([pitch for pitch in range(LOWEST, HIGHEST) if pitch % 12 in scale])
    at = int(random.integers(len(allowed)))
    pitch, level = np.full(count, float(allowed[at])), np.zeros(count, np.float32)
    starts = np.sort(onsets_s[random.random(len(onsets_s)) < random.uniform(0.3, 0.9)])
    vibrato = random.uniform(0.1, 0.7) * np.sin(2 * np.pi * random.uniform(4.5, 6.8) * np.arange(count) / rate)
    for start_s, next_s in zip(starts, [*starts[1:], count / rate], strict=True):
        at = int(np.clip(at + random.integers(-3, 4), 0, len(allowed) - 1))
        first = max(0, int(start_s * rate))
        last = min(count, int(min(next_s, start_s + random.uniform(0.2, 2.5)) * rate))
        if random.random() < 0.15 or last - first < rate // 20:
            continue
        age = np.arange(last - first) / rate
        glide = (pitch[first - 1] if first else allowed[at]) - allowed[at]
        pitch[first:] = allowed[at]
        pitch[first:last] += glide * np.exp(-age / 0.03) + vibrato[first:last] * np.clip((age - 0.15) / 0.3, 0, 1)
        rise, fall = np.clip(age / random.uniform(0.01, 0.08), 0, 1), np.clip((age[-1] - age) / 0.05, 0, 1)
        level[first:last] = random.uniform(0.5, 1) * rise * fall
    return pitch, level
