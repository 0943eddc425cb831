"""Names, colours and the table of MIDI messages: what the script, its documentation and its tests read."""

import re
from typing import Any, Final, NamedTuple


class Trouble(Exception):
    """A sentence for the musician."""


WAIT: Final = "wait"  # what a step of work gives when there is nothing more to do in this tick
PREFIX: Final = "HF "  # of the tracks that results go to; they are never part of the clip
EXTRAS: Final = ("mix", "binaural")  # beside the stems they would be heard twice: their tracks come muted
# 0x00RRGGBB; Live takes the nearest of its palette. To be told apart by the colour-blind too (Okabe and Ito 2008).
COLOURS: Final = {
    "bass": 0x0072B2,
    "drums": 0xD55E00,
    "guitar": 0xE69F00,
    "piano": 0x009E73,
    "mix": 0x999999,
    "binaural": 0xCC79A7,
}
INSTRUMENTS: Final = (  # in this order: "bass drum" is drums
    ("drums", ("drum", "perc", "beat", "kit")),
    ("bass", ("bass",)),
    ("guitar", ("guit", "gtr", "strum")),
    ("piano", ("pian", "key", "rhodes", "organ", "clav")),
)
TAKE: Final = re.compile(r"([a-z]+) (\d+-\d+-[0-9a-f]+-\d+)")  # a clip of ours: "bass 20261122-101500-a1b2c3-1"


class Trigger(NamedTuple):
    """One MIDI message on channel 16 and what it does."""

    kind: str  # "note" or "cc"
    number: int
    command: str
    option: str = ""
    meaning: str = ""


CHANNEL: Final = 15  # counted from 0, as MIDI's bytes do
TRIGGERS: Final = (
    Trigger("note", 0, "generate", "", "generate stems with the last options"),
    Trigger("note", 1, "again", "", "another take"),
    Trigger("note", 2, "cancel", "", "cancel"),
    Trigger("note", 3, "regenerate", "bass", "regenerate the bass"),
    Trigger("note", 4, "regenerate", "drums", "regenerate the drums"),
    Trigger("note", 5, "regenerate", "guitar", "regenerate the guitar"),
    Trigger("note", 6, "regenerate", "piano", "regenerate the piano"),
    Trigger("cc", 20, "option", "count", "how many options: 1 (value 0) to 8 (value 127)"),
    Trigger("cc", 21, "option", "quantize", "timing: as played (0) to on the grid (127)"),
)


def track_name(stem: str, midi: bool = False) -> str:
    """The name of the track of a stem, or of its MIDI."""
    return PREFIX + stem[:1].upper() + stem[1:] + (" MIDI" if midi else "")


def instrument_of(name: str) -> str | None:
    """The instrument that a track's name speaks of; None for none."""
    for instrument, words in INSTRUMENTS:
        if any(word in name.lower() for word in words):
            return instrument
    return None


def is_ours(track: Any) -> bool:
    """Whether results go to this track of Live."""
    return str(track.name).startswith(PREFIX)
