"""From a `Song` to a track folder in Slakh's layout: one mono WAV a stem, score.mid, labels.json.

All stems of a corpus are rendered with one gain, so that a velocity means the same loudness in every
song; only a song that would pass `PEAK` is turned down as a whole, which keeps its balance.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from harmonicflow.core.constants import HOP, SAMPLE_RATE

from .fluid import on_grid, render
from .labels import make_labels, score_midi, write_labels
from .song import Song
from .sounds import Sound, Voice

PEAK: Final = 0.9  # of any stem and of their sum
GAIN: Final = 0.6  # FluidSynth's master gain, the same for every song

# Seconds between a note-on and the sound's being there (a tenth of its peak), median over pitches of
# FluidR3's default programs; a stem is started this much early.
ATTACK_S: Final[dict[str, float]] = {"bass": 0.012, "drums": 0.0015, "guitar": 0.005, "piano": 0.003}
# FluidR3's guitars ring for two seconds after a note's end, as no damped string does.
RELEASE: Final[dict[str, float]] = {"guitar": 0.125}


def render_song(song: Song, sound: Sound) -> tuple[Song, dict[str, NDArray[np.float32]], float]:
    """The song with its times as they sound, its stems [frames] (and "other"), and the gain in dB they were given."""
    frames = -(-round(song.seconds * SAMPLE_RATE) // HOP) * HOP
    song = replace(
        song,
        seconds=frames / SAMPLE_RATE,
        parts={name: on_grid(part) for name, part in song.parts.items() if len(part)},
        other=tuple((program, on_grid(part)) for program, part in song.other if len(part)),
    )
    font = sound.sound_font
    stems = {}
    for name, part in song.parts.items():
        voices = [(sound.voice(name), part)]
        stems[name] = render(font, GAIN, voices, frames, ATTACK_S[name], RELEASE.get(name, 1.0))
    if song.other:
        stems["other"] = render(font, GAIN, [(Voice(0, program), part) for program, part in song.other], frames)
    peaks = [float(np.abs(stem).max(initial=0.0)) for stem in (*stems.values(), sum(stems.values()))]
    gain = min(PEAK / max(*peaks, 1e-6), 1.0)
    return song, {name: stem * np.float32(gain) for name, stem in stems.items()}, 20 * float(np.log10(gain))


def write_track(folder: Path, song: Song, sound: Sound, seed: int, audio: bool = True) -> dict[str, Any]:
    """Render a song into `folder` (made whole under another name first, so that a folder is never half); its labels.

    Without `audio` only the notes are written, for networks that read no sound.
    """
    stems: dict[str, NDArray[np.float32]] = {}
    gain_db = 0.0
    if audio:
        song, stems, gain_db = render_song(song, sound)
    labels = make_labels(song, sound, gain_db, seed)
    making = folder.with_name(f".{folder.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    for name, stem in stems.items():
        soundfile.write(making / f"{name}.wav", stem, SAMPLE_RATE, subtype="PCM_16")
    (making / "score.mid").write_bytes(score_midi(labels))
    write_labels(making / "labels.json", labels)
    shutil.rmtree(folder, ignore_errors=True)
    making.rename(folder)
    return labels
