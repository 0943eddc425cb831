"""Who plays a track: a SoundFont and, for each stem, one of its sounds.

A share of the tracks is varied: another SoundFont, other programs, other kits, drawn once a song. The rest has the
default sound, so that a small performer without a timbre to follow can be trained on one sound alone.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from harmonicflow.core.constants import DEFAULT_STEMS
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.instruments import INSTRUMENTS

# Debian's fluid-soundfont-gm and musescore-general-soundfont, both under the MIT licence.
SOUND_FONTS: Final = (
    Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"), Path("/usr/share/sounds/sf3/MuseScore_General.sf3"),
)  # fmt: skip
DRUM_BANK: Final = 128
_HEADER: Final = struct.Struct("<20sHH14x")  # SoundFont 2.04, chapter 7.2: name, program, bank, the rest


class Voice(NamedTuple):
    """One sound of a SoundFont."""

    bank: int
    program: int


DEFAULT_VOICES: Final = {
    name: Voice(DRUM_BANK, 0) if name == "drums" else Voice(0, INSTRUMENTS[name].midi_program)
    for name in DEFAULT_STEMS
}
# What an instrument may be: basses, kits from standard to brushes, guitars but for harmonics and feedback, pianos with
# electric ones. Variations of General MIDI lie in bank 8 (12 strings, funk guitar, detuned electric pianos, ...).
VOICES: Final[dict[str, tuple[Voice, ...]]] = {
    "bass": (*(Voice(0, program) for program in range(32, 40)), Voice(8, 38), Voice(8, 39)),
    "drums": tuple(Voice(DRUM_BANK, kit) for kit in (*range(20), 24, 25, *range(32, 37), *range(40, 43))),
    "guitar": (*(Voice(0, program) for program in range(24, 31)), Voice(8, 25), Voice(8, 26), Voice(8, 28)),
    "piano": (*(Voice(0, program) for program in range(6)), Voice(8, 0), Voice(8, 4), Voice(8, 5)),
}


@dataclass(frozen=True)
class Sound:
    """What a song is rendered with."""

    sound_font: Path
    voices: tuple[tuple[str, Voice], ...] = tuple(DEFAULT_VOICES.items())
    varied: bool = False

    def voice(self, stem: str) -> Voice:
        """The bank and program of a stem."""
        return dict(self.voices)[stem]


def draw_sound(sound_fonts: tuple[Path, ...], varied: float, rng: np.random.Generator) -> Sound:
    """The default sound of the first SoundFont or, with probability `varied`, any sound of any of them."""
    if rng.random() >= varied:
        return Sound(sound_fonts[0])
    font = sound_fonts[int(rng.integers(len(sound_fonts)))]
    held = presets(font)
    chosen = []
    for name in DEFAULT_STEMS:
        choice = [voice for voice in VOICES[name] if voice in held] or [DEFAULT_VOICES[name]]
        chosen.append((name, choice[int(rng.integers(len(choice)))]))
    return Sound(font, tuple(chosen), varied=True)


@lru_cache(maxsize=8)
def presets(sound_font: Path) -> frozenset[Voice]:
    """Every bank and program a SoundFont holds. Raises `missing_file`, `bad_sound_font`."""
    try:
        data = sound_font.read_bytes()
    except FileNotFoundError:
        raise HarmonicFlowError("missing_file", path=str(sound_font)) from None
    at = data.rfind(b"phdr")  # in the last of the three lists, behind the samples
    if not data.startswith(b"RIFF") or at < 0:
        raise HarmonicFlowError("bad_sound_font", path=str(sound_font))
    (size,) = struct.unpack_from("<I", data, at + 4)
    records = data[at + 8 : at + 8 + size - size % _HEADER.size]
    found = [Voice(bank, program) for _, program, bank in _HEADER.iter_unpack(records)]
    return frozenset(found[:-1])  # the last record is an end mark
