"""Pictures of songs that never sounded: bands lit up by a rhythm that every stem of a song shares."""

import numpy as np

from training.judges.features import Picture
from training.judges.songs import Heard

QUIET, LOUD = 60, 220


def rhythm_song(number: int, stems: tuple[str, ...] = ("bass", "drums"), frames: int = 200, **labels) -> Heard:
    """Stems of different colour that play in the same pitch frames, drawn by the song's number."""
    random = np.random.default_rng(number)
    played = random.random(frames) < 0.3
    pictures = {}
    for place, stem in enumerate(stems):
        mel = random.integers(0, QUIET, (2 * frames, 48)).astype(np.uint8)
        pitch = random.integers(0, QUIET, (frames, 60)).astype(np.uint8)
        mel[np.repeat(played, 2), 10 * place : 10 * place + 10] = LOUD
        pitch[played, 10 * place : 10 * place + 10] = LOUD
        pictures[stem] = Picture(mel, pitch)
    return Heard(f"song{number}", pictures, {"beats_s": [0.0, 1.5, 3.0]} | labels)


def colour_song(number: int, sound: int, stem: str = "piano", frames: int = 260) -> Heard:
    """Notes at random whose spectrum bends as the sound says, and which vary otherwise."""
    random = np.random.default_rng(number)
    level = np.zeros((2 * frames, 48))
    bend = 120 + 60 * np.cos(np.linspace(0, (1 + sound) * np.pi, 48))
    for start in np.flatnonzero(random.random(2 * frames) < 0.08):
        fall = np.exp(-np.arange(2 * frames - start) / 8)[:, None]
        level[start:] = np.maximum(level[start:], fall * (bend + random.normal(0, 12, 48) + random.normal(0, 10)))
    mel = level.clip(0, 255).astype(np.uint8)
    labels = {"programs": {stem: sound}, "banks": {stem: 0}, "sound_font": "f"}
    return Heard(f"song{number}", {stem: Picture(mel, np.zeros((frames, 60), np.uint8))}, labels)
