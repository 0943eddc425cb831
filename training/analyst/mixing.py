"""Excerpts of songs as people's clips are: often one instrument alone, sung over, noisy, in a room, at any pitch.

Playing faster raises the pitch: with whole semitones (and a little detuning) the labels move along exactly, so one
resampling gives other tempi, other keys and other tunings at once.

Shapes: T sample, F frame, H chord row.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from harmonicflow.analysis.listening import ANALYST_HOP, ANALYST_RATE, CHORD_FRAMES, CHORD_RATE, spectra
from harmonicflow.core.constants import SAMPLE_RATE

from ..data import Track
from .leads import lead
from .truth import PITCHED, UNKNOWN, Excerpt, Truth, harmony_targets, moved_key, time_targets

Audio = NDArray[np.float32]

FRAMES: Final = 1720  # of an excerpt: 20 s, a multiple of CHORD_FRAMES
SECONDS: Final = FRAMES / ANALYST_RATE
KINDS: Final = {"all": 0.3, "some": 0.3, "one": 0.4}  # what of a song is heard
ALONE: Final = {"guitar": 0.33, "piano": 0.33, "drums": 0.22, "bass": 0.12}
SEMITONES: Final = 4  # faster or slower by up to a quarter
DETUNED: Final = 0.12  # deviation in semitones
CHANCE: Final = {"lead": 0.25, "off": 0.25, "noise": 0.5, "room": 0.35}
SILENT: Final = 1e-4  # root mean square under which nothing sounds
TONAL_S: Final = 1.0  # a chord is heard this long after its last tone


@dataclass(frozen=True)
class Example:
    """An excerpt as the network learns from it: features [F, ..] and [F / HELD, ..], and targets."""

    time: NDArray[np.float16]
    harmony: NDArray[np.float16]
    beats: NDArray[np.uint8]  # [F, 2] in percent
    chords: NDArray[np.uint8]  # [H, 14]
    key: int


def draw_excerpt(track: Track, random: np.random.Generator, varied: bool) -> Excerpt:
    """A place in a song, its speed and its pitch; not `varied`: as it was recorded."""
    semitones = int(random.integers(-SEMITONES, SEMITONES + 1)) if varied else 0
    detuned = float(np.clip(random.normal(0, DETUNED), -0.4, 0.4)) if varied else 0.0
    speed = 2 ** ((semitones + detuned) / 12)
    latest = max(0.0, track.samples / SAMPLE_RATE - SECONDS * speed)
    return Excerpt(float(random.uniform(0, latest)), SECONDS, speed, semitones)


def choose_parts(track: Track, random: np.random.Generator) -> tuple[str, ...]:
    """The parts that are heard: all, some, or one alone."""
    kind = str(random.choice(list(KINDS), p=list(KINDS.values())))
    parts = list(track.places)
    if kind == "one":
        weights = np.array([ALONE.get(part, 0.05) for part in parts])
        return (str(random.choice(parts, p=weights / weights.sum())),)
    if kind == "some":
        return tuple(random.permutation(parts)[: int(random.integers(1, max(2, len(parts))))])
    return tuple(parts)


def make_example(track: Track, truth: Truth, random: np.random.Generator, varied: bool = True) -> Example:
    """A mix of some of a song's parts, and what is true of it."""
    excerpt = draw_excerpt(track, random, varied)
    parts = choose_parts(track, random)
    sound, tonal = mixed(track, parts, excerpt, random)
    full = bool({"guitar", "piano", "other"} & set(parts))
    if random.random() < CHANCE["lead"]:
        sound = sound + _sung(truth, excerpt, random) * np.float32(_db(random.uniform(-18, 0)) * np.abs(sound).max())
    played = bool((sound**2).mean() > SILENT**2)
    sound = disturbed(sound, random)
    time, harmony = spectra(sound)
    tonal_H = _tonal_rows(tonal)
    beats = time_targets(truth, excerpt, FRAMES)
    if not played:
        beats[:] = UNKNOWN
    key = UNKNOWN if truth.key is None or not tonal_H.any() else moved_key(truth.key, excerpt.semitones)
    chords = harmony_targets(truth, excerpt, FRAMES, tonal_H, full)
    return Example(time.astype(np.float16), harmony.astype(np.float16), beats, chords, key)


def mixed(
    track: Track, parts: tuple[str, ...], excerpt: Excerpt, random: np.random.Generator
) -> tuple[Audio, Audio]:
    """The parts at drawn levels [T], and the pitched ones among them alone."""
    start, length = round(excerpt.start_s * SAMPLE_RATE), round(SECONDS * excerpt.speed * SAMPLE_RATE) + 64
    tonal, rest = np.zeros(length, np.float32), np.zeros(length, np.float32)
    for part in parts:
        level = np.float32(_db(random.uniform(-10, 4)))
        (tonal if part in PITCHED else rest)[:] += level * track.read(part, start, length)
    samples = FRAMES * ANALYST_HOP
    if excerpt.speed != 1.0:
        both = soxr.resample(np.stack([tonal, rest], axis=1), SAMPLE_RATE * excerpt.speed, SAMPLE_RATE, "LQ")
        tonal, rest = both[:, 0], both[:, 1]
    tonal, rest = (np.pad(one, (0, max(0, samples - len(one))))[:samples] for one in (tonal, rest))
    return tonal + rest, tonal


def _sung(truth: Truth, excerpt: Excerpt, random: np.random.Generator) -> Audio:
    """A voice-like line in the song's key and time, or sometimes in none."""
    pulses = excerpt.heard(truth.pulses_s)
    pulses = pulses[(pulses >= 0) & (pulses < SECONDS)]
    off = len(pulses) < 4 or truth.key is None or random.random() < CHANCE["off"]
    if off:
        onsets, tonic, minor = np.cumsum(random.uniform(0.15, 1.2, 40)), int(random.integers(12)), False
    else:
        onsets = np.sort(np.concatenate([pulses, (pulses[1:] + pulses[:-1]) / 2]))
        onsets = onsets + random.normal(0, 0.015, len(onsets))
        tonic, minor = moved_key(truth.key or 0, excerpt.semitones) % 12, (truth.key or 0) >= 12
    scale = (tonic + np.array((0, 2, 3, 5, 7, 8, 10) if minor else (0, 2, 4, 5, 7, 9, 11))) % 12
    return lead(FRAMES * ANALYST_HOP, onsets[(onsets >= 0) & (onsets < SECONDS)], scale, random)


def disturbed(sound: Audio, random: np.random.Generator) -> Audio:
    """The sound in a room and with noise; level and colour are drawn at each step of training (`data.coloured`)."""
    if random.random() < CHANCE["room"]:
        length = int(random.uniform(0.1, 1.2) * SAMPLE_RATE)
        tail = random.standard_normal(length, np.float32) * np.exp(-6.9 * np.arange(length, dtype=np.float32) / length)
        tail *= np.float32(_db(random.uniform(-22, -6))) / np.sqrt((tail**2).sum())
        sound = sound + fftconvolve(sound, tail)[: len(sound)]
    peak = float(np.abs(sound).max())
    if random.random() < CHANCE["noise"]:
        sound = sound + _noise(len(sound), random) * np.float32(_db(random.uniform(-70, -26)) * max(peak, 0.01))
    return (sound * (0.5 / (peak + 1e-3))).astype(np.float32)


def _noise(samples: int, random: np.random.Generator) -> Audio:
    """White, pink or red noise of unit power, or the crackle of a record."""
    colour = int(random.integers(4))
    if colour == len(noises()):
        places = random.integers(0, samples, int(random.uniform(0.5, 12) * SECONDS))
        clicks = np.zeros(samples, np.float32)
        clicks[places] = np.clip(10 * random.standard_t(2, len(places)), -60, 60)
        return clicks
    whole = noises()[colour]
    start = int(random.integers(len(whole) - samples))
    return whole[start : start + samples]


@lru_cache(maxsize=1)
def noises() -> tuple[Audio, ...]:
    """A minute of white, pink and red noise."""
    size = 60 * SAMPLE_RATE
    hz = np.maximum(np.fft.rfftfreq(size, 1 / SAMPLE_RATE), 20.0)
    white = np.fft.rfft(np.random.default_rng(0).standard_normal(size))
    out = [np.fft.irfft(white / hz**power, size) for power in (0.0, 0.5, 1.0)]
    return tuple((one / one.std()).astype(np.float32) for one in out)


def _tonal_rows(tonal: Audio) -> NDArray[np.bool_]:
    """Whether something pitched sounds [H], or has a moment ago."""
    power = (tonal.reshape(-1, ANALYST_HOP * CHORD_FRAMES) ** 2).mean(axis=1)
    reach = round(TONAL_S * CHORD_RATE)
    padded = np.pad(power, (reach, 1))
    return np.lib.stride_tricks.sliding_window_view(padded, reach + 2).max(axis=1) > SILENT**2


def _db(value: float) -> float:
    return float(10 ** (value / 20))
