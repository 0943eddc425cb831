"""The table of instruments and the table of drum classes. Everything else about instruments reads these."""

from typing import Final, NamedTuple

from .errors import HarmonicFlowError


class Instrument(NamedTuple):
    """One kind of stem. Pitches are MIDI numbers, programs are General MIDI counted from 0."""

    name: str
    title: str
    colour: str  # "#rrggbb", for tracks and regions in a DAW
    pitched: bool
    midi_program: int
    midi_channel: int  # counted from 0; 9 is General MIDI's drum channel
    lowest: int
    highest: int


INSTRUMENTS: Final[dict[str, Instrument]] = {
    row.name: row
    for row in (
        Instrument("bass", "Bass", "#4f6fd8", True, 33, 0, 28, 67),
        Instrument("drums", "Drums", "#d8654f", False, 0, 9, 27, 87),
        Instrument("guitar", "Guitar", "#d8a84f", True, 25, 1, 40, 88),
        Instrument("piano", "Piano", "#5fb37a", True, 0, 2, 21, 108),
    )
}


def instrument(name: str) -> Instrument:
    """The row of `name`; raises `unknown_stem`."""
    try:
        return INSTRUMENTS[name]
    except KeyError:
        raise HarmonicFlowError("unknown_stem", stem=name, known=", ".join(INSTRUMENTS)) from None


class DrumClass(NamedTuple):
    """One of the 16 sounds a drum kit is described by; `pitches[0]` is the canonical GM pitch."""

    name: str
    pitches: tuple[int, ...]


# The position is the class number, which the networks' score input relies on: never reorder.
DRUM_CLASSES: Final[tuple[DrumClass, ...]] = (
    DrumClass("kick", (36, 35)),
    DrumClass("snare", (38, 40)),
    DrumClass("sidestick", (37,)),
    DrumClass("clap", (39,)),
    DrumClass("closed hat", (42,)),
    DrumClass("pedal hat", (44,)),
    DrumClass("open hat", (46,)),
    DrumClass("low tom", (45, 41, 43)),
    DrumClass("mid tom", (47, 48)),
    DrumClass("high tom", (50,)),
    DrumClass("crash", (49, 57)),
    DrumClass("ride", (51, 59)),
    DrumClass("ride bell", (53,)),
    DrumClass("china or splash", (52, 55)),
    DrumClass("tambourine or cowbell", (54, 56)),
    DrumClass("other percussion", (70,)),  # maracas stand for the rest
)
OTHER_PERCUSSION: Final = len(DRUM_CLASSES) - 1
DRUM_PITCHES: Final[tuple[int, ...]] = tuple(row.pitches[0] for row in DRUM_CLASSES)

_CLASS_OF_PITCH: Final[dict[int, int]] = {
    pitch: number for number, row in enumerate(DRUM_CLASSES) for pitch in row.pitches
}


def drum_class(pitch: int) -> int:
    """The drum class (0 to 15) of a MIDI pitch: total over 0 to 127, unlisted pitches are "other percussion"."""
    if not 0 <= pitch <= 127:
        raise ValueError(f"a MIDI pitch is 0 to 127; got {pitch}")
    return _CLASS_OF_PITCH.get(pitch, OTHER_PERCUSSION)
