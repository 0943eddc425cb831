"""Planted sounds: notes with overtones and an attack at an exact sample."""

from __future__ import annotations

import numpy as np
import pytest

RATE = 44100


def _play(notes, seconds, rate=RATE, overtones=8, decay_s=0.8, tuning=0.0):
    """Sum of notes (onset s, duration s, MIDI pitch, velocity) as plucked harmonic tones, float32 [T]."""
    out = np.zeros(round(seconds * rate), np.float64)
    for onset_s, duration_s, pitch, velocity in notes:
        start, length = round(onset_s * rate), round(duration_s * rate)
        length = min(length, len(out) - start)
        t = np.arange(length) / rate
        hz = 440 * 2 ** ((pitch - 69 + tuning) / 12)
        tone = sum(
            np.sin(2 * np.pi * hz * k * t + k) / k**1.2 * np.exp(-t * k**0.5 / decay_s)
            for k in range(1, overtones + 1)
            if hz * k < rate / 2
        )
        release = np.minimum(1, (length - np.arange(length)) / (0.02 * rate))
        attack = np.minimum(1, np.arange(length) / (0.002 * rate))
        out[start : start + length] += 0.1 * velocity / 127 * tone * release * attack
    return out.astype(np.float32)


@pytest.fixture(scope="session")
def play():
    return _play
