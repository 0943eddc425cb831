"""Small songs with a planted truth: plucked tones, bursts of noise, and labels that say exactly what they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from harmonicflow.core.constants import SAMPLE_RATE

CHORDS = (("C", (48, 52, 55)), ("Am", (45, 48, 52)), ("F", (41, 45, 48)), ("G", (43, 47, 50)))
SONG_S = 9.0


def plucked(notes, seconds):
    """Plucked tones with twelve overtones; drums (pitch 0) as bursts of noise."""
    rng = np.random.default_rng(0)
    out = np.zeros(round(seconds * SAMPLE_RATE))
    for onset, offset, pitch, velocity in notes:
        start, end = round(onset * SAMPLE_RATE), min(len(out), round(offset * SAMPLE_RATE))
        t = np.arange(end - start) / SAMPLE_RATE
        hz = 440 * 2 ** ((pitch - 69) / 12)
        tone = sum(np.sin(2 * np.pi * hz * k * t) / k for k in range(1, 13)) * np.exp(-3 * t)
        if pitch == 38:
            tone = rng.standard_normal(len(t)) * np.exp(-30 * t)
        out[start:end] += 0.0012 * velocity * tone * np.minimum(1, (end - start - np.arange(end - start)) / 400)
    return out


def make_song(folder: Path, number: int, **labels_too: Any) -> None:
    """Three parts at a tempo of their own, onsets off any common grid, two seconds a chord."""
    rng = np.random.default_rng(number)
    beat_s = 60 / (90 + 17 * number)
    parts = {"bass": [], "drums": [], "piano": []}
    chords = []
    for place in range(int(SONG_S / 2)):
        name, tones = CHORDS[(place + number) % 4]
        chords.append([2.0 * place, 2.0 * place + 2, name])
        for pulse in (0.0, 0.5 + 0.06 * number, 1.1, 1.55 + 0.05 * number):
            at = 2.0 * place + pulse
            parts["piano"] += [[at, at + 0.4, pitch + 12, 90] for pitch in tones]
            parts["bass"].append([at + 0.2, at + 0.5, tones[0] - 12, 100])
    at = 0.2
    while at < SONG_S - 0.3:
        parts["drums"].append([at, at + 0.5, 38, int(rng.integers(70, 120))])
        at += rng.uniform(0.11, 0.4)
    track = folder / "validation" / f"Track{number:05d}"
    track.mkdir(parents=True)
    for stem, notes in parts.items():
        sound = plucked(notes, SONG_S)
        soundfile.write(track / f"{stem}.wav", sound, SAMPLE_RATE, subtype="PCM_16")
    beats = np.arange(0, SONG_S, beat_s)
    labels = {
        "group": str(number), "genre": "pop", "emotion": [0.2, -0.1], "tempo_bpm": 60 / beat_s, "meter": "4/4",
        "beats_s": beats.tolist(), "downbeats": list(range(0, len(beats), 4)), "chords": chords, "key": "C major",
        "notes": parts, "seconds": SONG_S, **labels_too,
    }  # fmt: skip
    (track / "labels.json").write_text(json.dumps(labels))
