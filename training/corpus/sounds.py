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

# What people call them; both SoundFonts agree.
VOICE_NAMES: Final[dict[Voice, str]] = {
    **{Voice(0, 32 + at): name for at, name in enumerate(
        ("acoustic", "fingered", "picked", "fretless", "slap", "pop", "synth 1", "synth 2")
    )},
    Voice(8, 38): "synth 3", Voice(8, 39): "synth 4",
    **{Voice(0, 24 + at): name for at, name in enumerate(
        ("nylon", "steel", "jazz", "clean", "muted", "overdrive", "distortion")
    )},
    Voice(8, 25): "12 strings", Voice(8, 26): "Hawaiian", Voice(8, 28): "funk",
    **{Voice(0, at): name for at, name in enumerate(
        ("grand", "bright grand", "electric grand", "honky-tonk", "tine electric", "FM electric")
    )},
    Voice(8, 0): "mellow grand", Voice(8, 4): "detuned tine", Voice(8, 5): "detuned FM",
    **{Voice(DRUM_BANK, first + at): f"{name} {at}" if at else name for name, first, kits in (
        ("standard", 0, 8), ("room", 8, 8), ("power", 16, 4), ("electronic", 24, 1), ("TR-808", 25, 1),
        ("jazz", 32, 5), ("brush", 40, 3),
    ) for at in range(kits)},
}  # fmt: skip


def voice_name(voice: Voice) -> str:
    """A voice for people: "steel (25)", "funk (8:28)"; the drums' own bank goes without saying."""
    number = f"{voice.program}" if voice.bank in (0, DRUM_BANK) else f"{voice.bank}:{voice.program}"
    return f"{VOICE_NAMES[voice]} ({number})" if voice in VOICE_NAMES else number


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
    """Every bank and program a SoundFont holds. Raises `missing_file`, `unreadable`, `bad_sound_font`."""
    try:
        data = sound_font.read_bytes()
    except FileNotFoundError:
        raise HarmonicFlowError("missing_file", path=str(sound_font)) from None
    except OSError as error:
        raise HarmonicFlowError("unreadable", path=str(sound_font), reason=error.strerror or str(error)) from error
    at = data.rfind(b"phdr")  # in the last of the three lists, behind the samples
    records = b""
    if data.startswith(b"RIFF") and 0 <= at <= len(data) - 8:
        (size,) = struct.unpack_from("<I", data, at + 4)
        records = data[at + 8 : at + 8 + size] if at + 8 + size <= len(data) else b""
    if not records or len(records) % _HEADER.size:
        raise HarmonicFlowError("bad_sound_font", path=str(sound_font))
    found = [Voice(bank, program) for _, program, bank in _HEADER.iter_unpack(records)]
    return frozenset(found[:-1])  # the last record is an end mark
