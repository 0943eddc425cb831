"""FluidSynth through ctypes: notes in, dry mono sound out, the same bytes every time.

Events take effect at FluidSynth's block of 64 samples, so onsets are put on that grid first
(`on_grid`), and the labels say the grid's time. Nothing but notes is ever sent: what the notes do
not say does not sound.
"""

from __future__ import annotations

import ctypes
import math
from ctypes import c_char_p, c_double, c_float, c_int, c_void_p
from ctypes.util import find_library
from functools import lru_cache
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from harmonicflow.core.constants import SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError

from .song import OFFSET, ONSET, PITCH, VELOCITY, Part
from .sounds import DRUM_BANK, Voice

BLOCK: Final = 64  # samples; FluidSynth's own
PREROLL: Final = 16 * BLOCK  # so that an attack can be started before sample 0
POLYPHONY: Final = 512
DRUM_CHANNEL: Final = 9
RELEASE: Final = 38  # SoundFont 2.04, generator releaseVolEnv, in timecents

_INT, _NUMBER = c_int, c_double
_FUNCTIONS: Final[dict[str, tuple[type | None, tuple[type, ...]]]] = {
    "new_fluid_settings": (c_void_p, ()),
    "delete_fluid_settings": (None, (c_void_p,)),
    "fluid_settings_setint": (c_int, (c_void_p, c_char_p, _INT)),
    "fluid_settings_setnum": (c_int, (c_void_p, c_char_p, _NUMBER)),
    "new_fluid_synth": (c_void_p, (c_void_p,)),
    "delete_fluid_synth": (None, (c_void_p,)),
    "fluid_synth_sfload": (c_int, (c_void_p, c_char_p, _INT)),
    "fluid_synth_program_select": (c_int, (c_void_p, _INT, _INT, _INT, _INT)),
    "fluid_synth_set_gen": (c_int, (c_void_p, _INT, _INT, c_float)),
    "fluid_synth_noteon": (c_int, (c_void_p, _INT, _INT, _INT)),
    "fluid_synth_noteoff": (c_int, (c_void_p, _INT, _INT)),
    "fluid_synth_write_float": (c_int, (c_void_p, _INT, c_void_p, _INT, _INT, c_void_p, _INT, _INT)),
}
_SETTINGS: Final = {
    "synth.reverb.active": 0, "synth.chorus.active": 0, "synth.dynamic-sample-loading": 1,
    "synth.polyphony": POLYPHONY, "synth.cpu-cores": 1,
}  # fmt: skip


def library_name() -> str | None:
    """The shared library's name, or None when FluidSynth is not installed."""
    return find_library("fluidsynth")


def on_grid(part: Part) -> Part:
    """Onsets and offsets moved to the nearest block (0.73 ms at most): the times that will really sound."""
    out = part.copy()
    out[:, :2] = np.round(out[:, :2] * SAMPLE_RATE / BLOCK) * BLOCK / SAMPLE_RATE
    return out


def render(
    sound_font: Path,
    gain: float,
    voices: list[tuple[Voice, Part]],
    frames: int,
    attack_s: float = 0.0,
    release: float = 1.0,
) -> NDArray[np.float32]:
    """Sound [frames] of (voice, notes) pairs, mono, started `attack_s` early to make up for slow attacks.

    `release` times the SoundFont's own time for a note to die after its end. Up to 15 voices sound
    on channels of their own, further ones share the last; kits all share the drums' channel. Raises
    `missing_package`, `missing_file`, `bad_sound_font`.
    """
    lead = PREROLL - round(attack_s * SAMPLE_RATE / BLOCK) * BLOCK
    free = [channel for channel in range(16) if channel != DRUM_CHANNEL]
    events: list[tuple[int, int, int, int, int]] = []  # block, off before on, channel, pitch, velocity
    with _Synth(sound_font, gain) as synth:
        for number, (voice, part) in enumerate(voices):
            channel = DRUM_CHANNEL if voice.bank == DRUM_BANK else free[min(number, len(free) - 1)]
            synth.program(channel, voice)
            synth.release(channel, release)
            for note in part:
                onset, offset = (round((note[at] * SAMPLE_RATE + lead) / BLOCK) for at in (ONSET, OFFSET))
                events.append((onset, 1, channel, int(note[PITCH]), int(note[VELOCITY])))
                events.append((max(offset, onset + 1), 0, channel, int(note[PITCH]), 0))
        sound = synth.play(sorted(events), -(-(frames + PREROLL) // BLOCK))
    return sound[PREROLL : PREROLL + frames]


class _Synth:
    """One FluidSynth with one SoundFont.

    Made anew for every render: a voice that was used before starts a little differently, and the
    same notes must give the same bytes whatever was rendered before them.
    """

    def __init__(self, sound_font: Path, gain: float) -> None:
        self._lib = _library()
        if not sound_font.is_file():
            raise HarmonicFlowError("missing_file", path=str(sound_font))
        self._settings = self._lib.new_fluid_settings()
        for key, value in _SETTINGS.items():
            self._lib.fluid_settings_setint(self._settings, key.encode(), value)
        self._lib.fluid_settings_setnum(self._settings, b"synth.sample-rate", float(SAMPLE_RATE))
        self._lib.fluid_settings_setnum(self._settings, b"synth.gain", gain)
        self._synth = self._lib.new_fluid_synth(self._settings)
        self._font = self._lib.fluid_synth_sfload(self._synth, str(sound_font).encode(), 1)
        if self._font < 0:
            self.__exit__()
            raise HarmonicFlowError("bad_sound_font", path=str(sound_font))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lib.delete_fluid_synth(self._synth)
        self._lib.delete_fluid_settings(self._settings)

    def program(self, channel: int, voice: Voice) -> None:
        """Choose a channel's sound; one the SoundFont lacks gives way to the bank's first."""
        for choice in (voice.program, 0):
            if self._lib.fluid_synth_program_select(self._synth, channel, self._font, voice.bank, choice) == 0:
                return

    def release(self, channel: int, factor: float) -> None:
        """Lengthen or shorten how a channel's notes die away."""
        self._lib.fluid_synth_set_gen(self._synth, channel, RELEASE, 1200 * math.log2(factor))

    def play(self, events: list[tuple[int, int, int, int, int]], blocks: int) -> NDArray[np.float32]:
        """The sound [blocks * BLOCK] of sorted events."""
        pieces, now = [], 0
        for block, on, channel, pitch, velocity in events:
            block = min(block, blocks)
            if block > now:
                pieces.append(self._write((block - now) * BLOCK))
                now = block
            if on:
                self._lib.fluid_synth_noteon(self._synth, channel, pitch, velocity)
            else:
                self._lib.fluid_synth_noteoff(self._synth, channel, pitch)
        if blocks > now:
            pieces.append(self._write((blocks - now) * BLOCK))
        return np.concatenate(pieces)

    def _write(self, frames: int) -> NDArray[np.float32]:
        stereo = np.zeros((frames, 2), np.float32)
        place = stereo.ctypes.data
        self._lib.fluid_synth_write_float(self._synth, frames, place, 0, 2, place, 1, 2)
        return (stereo[:, 0] + stereo[:, 1]) * np.float32(0.5)


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    name = library_name()
    if name is None:
        install = "sudo apt install libfluidsynth3 fluid-soundfont-gm"
        raise HarmonicFlowError("missing_package", package="FluidSynth", install=install)
    library = ctypes.CDLL(name)
    for function, (result, arguments) in _FUNCTIONS.items():
        entry = getattr(library, function)
        entry.restype, entry.argtypes = result, arguments
    return library
