"""Rooms, microphones and levels: what recordings have and a dry render lacks.

Every draw comes from the caller's generator, so that the same seed gives the same sounds.  What an augmentation makes
is the new truth: a codec has to carry a room, not to remove it.

Legend: S sounds heard by the same microphone in the same room, T samples.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harmonicflow.core.constants import SAMPLE_RATE

Audio = NDArray[np.float32]

ROOM_S = (0.15, 0.9)  # reverberation time (60 dB) of small rooms to halls
WET_DB = (-24.0, -6.0)  # energy of the room's answer against the direct sound
EARLY_S = (0.002, 0.02)  # from the direct sound to the first reflections
TILT_DB = 3.0  # of a microphone, per decade, either way
ROLL_OFF_HZ = (6_000.0, 20_000.0)  # where a microphone's top ends
RUMBLE_HZ = (20.0, 90.0)  # where its bottom ends


@dataclass(frozen=True)
class Augmentation:
    """How often what is done to a window."""

    room: float = 0.2  # share of the windows heard in a room
    microphone: float = 0.2  # share with a microphone's colour
    loud: float = 0.2  # share brought near to full scale, as finished mixes are


def room_response(random: np.random.Generator, length: int = SAMPLE_RATE) -> Audio:
    """A room's impulse response [length]: the direct sound, a few reflections, a decaying tail that darkens."""
    seconds = np.exp(random.uniform(*np.log(ROOM_S)))
    t = np.arange(length) / SAMPLE_RATE
    tail = random.standard_normal(length) * 10 ** (-3 * t / seconds)
    dark = np.cumsum(tail) / np.sqrt(SAMPLE_RATE / 200)  # a low-passed copy takes over as the highs are absorbed
    dark -= np.mean(dark)
    fade = np.exp(-t / (0.3 * seconds))
    tail = fade * tail + (1 - fade) * dark * 10 ** (-3 * t / seconds)
    first = int(random.uniform(*EARLY_S) * SAMPLE_RATE)
    tail[:first] = 0
    for _ in range(6):
        tail[int(first * random.uniform(1, 6))] += random.choice((-1, 1)) * random.uniform(0.3, 1) * 4
    tail *= 10 ** (random.uniform(*WET_DB) / 20) / np.sqrt(np.sum(tail**2) + 1e-9)
    tail[0] += 1
    return tail.astype(np.float32)


def microphone_gains(random: np.random.Generator, hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """A microphone's gain at each frequency: a tilt, and gentle ends at top and bottom."""
    tilt_db = random.uniform(-TILT_DB, TILT_DB) * np.log10(np.maximum(hz, 20) / 1000)
    top = np.exp(random.uniform(*np.log(ROLL_OFF_HZ)))
    bottom = np.exp(random.uniform(*np.log(RUMBLE_HZ)))
    ends = 1 / np.sqrt(1 + (hz / top) ** 4) / np.sqrt(1 + (bottom / np.maximum(hz, 1)) ** 4)
    return 10 ** (tilt_db / 20) * ends


def augmented(sounds: Audio, random: np.random.Generator, options: Augmentation) -> Audio:
    """Sounds [S, T] as a microphone in a room may hear them: the same room and microphone for all of them."""
    in_room, coloured = random.random() < options.room, random.random() < options.microphone
    if in_room or coloured:
        length = sounds.shape[-1]
        size = 2 ** int(np.ceil(np.log2(length + SAMPLE_RATE)))
        spectrum = np.fft.rfft(sounds, size)
        if in_room:
            spectrum *= np.fft.rfft(room_response(random), size)
        if coloured:
            spectrum *= microphone_gains(random, np.fft.rfftfreq(size, 1 / SAMPLE_RATE).astype(np.float64))
        sounds = np.fft.irfft(spectrum, size)[..., :length].astype(np.float32)
    if random.random() < options.loud:
        peak = max(float(np.abs(sounds).max()), float(np.abs(sounds.sum(0)).max()))
        sounds = sounds * np.float32(10 ** (random.uniform(-6, 0) / 20) / max(peak, 1e-3))
    return sounds
