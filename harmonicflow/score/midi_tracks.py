"""Which part a track of a MIDI file belongs to: one table, read from the top; the first row that fits decides.

A *lane* is what is told apart: the notes of one track on one channel under one program. Its title is the track's name,
else the instrument's. Parts are the instruments of `core.instruments` and "other", which nobody plays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.instruments import INSTRUMENTS

DRUM_CHANNEL: Final = 9  # channel 10, as people count
OTHER: Final = "other"
PARTS: Final = (*INSTRUMENTS, OTHER)
LOW_PITCH: Final = 45  # an unnamed lane whose middle note lies below A2 is a bass


def _words(*words: str) -> re.Pattern[str]:
    """Any of these at the beginning of a word: "drum" fits "Drums", "drum kit 2" and not "humdrum"."""
    return re.compile(rf"(?<![a-z])(?:{'|'.join(words)})", re.IGNORECASE)


# What a title says. Rows stand in an order in which "bass drum" is a drum, "bass guitar" a bass, "vocal bass" a voice.
TITLES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (
        _words(
            "drum", "dr(?![a-z])", "bass ?drum", "kit(?![a-z])", "kick", "snare", "hi-?hat", "hats?(?![a-z])", "cymbal",
            "toms?(?![a-z])", "perc", "conga", "bongo", "shaker", "tambourine", "clap", "cajon", "timbale",
            "beats?(?![a-z])", "groove", "batterie", "schlagzeug", "bater[ií]a", "808 ?kit",
        ),
        "drums",
    ),
    (
        _words(
            "vocal", "vox", "voice", "sing", "choir", "chor(?:us)?(?![a-z])", "lyric", "melod", "lead(?![a-z])(?! ?g)",
            "sax", "trumpet", "trombone", "horn", "brass", "flute", "clarinet", "oboe", "bassoon", "violin",
            "strings?(?! ?(?:bass|g))",
            "viola", "cello", "orchestra", "synth(?! ?bass)", "pad(?![a-z])", "arp", "fx",
            "harmonica", "accordion", "bass ?clarinet", "bass ?trombone", "bass ?sax", "whistle", "banjo", "mandolin",
        ),
        OTHER,
    ),
    (_words("bass", "bs(?![a-z])", "synth ?bass", "upright(?! p)", "contrabass", "sub(?![a-z])", "808"), "bass"),
    (
        _words("guit", "gtr", "gt(?![a-z])", "git(?![a-z])", "strat", "tele(?![a-z])", "les paul", "nylon", "ukulele",
               "lead ?g", "rhythm g", "power ?chord"),
        "guitar",
    ),
    (
        _words("piano", "pno", "keys?(?![a-z])", "keyboard", "rhodes", "wurl", "e\\.? ?p(?:iano)?(?![a-z])", "clav",
               "grand(?![a-z])", "upright p", "organ", "hammond", "klavier", "fender r", "harpsichord", "celest"),
        "piano",
    ),
)  # fmt: skip

# General MIDI programs, counted from 0.
PROGRAMS: Final[tuple[tuple[range, str], ...]] = (
    (range(0, 8), "piano"),
    (range(16, 21), "piano"),  # organs
    (range(24, 32), "guitar"),
    (range(32, 40), "bass"),
    (range(112, 120), OTHER),  # bells and single drums
)


@dataclass(frozen=True)
class Track:
    """A lane as people are shown it: what it is called, where its notes went, and which row of the table said so."""

    number: int  # of the track in the file, from 1
    title: str
    channel: int  # from 1, as people count
    program: int | None  # General MIDI, from 0; None where the file names none
    notes: int
    lowest: int
    highest: int
    part: str
    why: str


def assign(
    title: str, channel: int, program: int | None, pitches: Sequence[int], number: int = 1,
    chosen: Mapping[str, str] | None = None,
) -> tuple[str, str]:  # fmt: skip
    """The part of a lane and why. `channel` counts from 0.

    `chosen`: parts by title, by "#3" (the third track) or by "ch 3" (the third channel).
    """
    own = _chosen(title, channel, number, chosen or {})
    if own:
        return own, "chosen"
    if channel == DRUM_CHANNEL:
        return "drums", "channel 10"
    if part := next((part for words, part in TITLES if words.search(title)), None):
        return part, "name"
    if program is not None:
        return next((part for programs, part in PROGRAMS if program in programs), OTHER), "program"
    return ("bass" if pitches and median(pitches) < LOW_PITCH else "piano"), "range"


def _keys(title: str, channel: int, number: int) -> tuple[str, ...]:
    return title.strip().casefold(), f"#{number}", f"ch{channel + 1}", f"ch {channel + 1}"


def _chosen(title: str, channel: int, number: int, chosen: Mapping[str, str]) -> str | None:
    wanted = {name.strip().casefold(): part for name, part in chosen.items()}
    return next((wanted[key] for key in _keys(title, channel, number) if key and key in wanted), None)


def check_chosen(chosen: Mapping[str, str], tracks: Sequence[Track], path: str) -> None:
    """Raises `unknown_stem` for a part that there is not, `unknown_track` for a track that the file does not have."""
    for name, part in chosen.items():
        if part not in PARTS:
            raise HarmonicFlowError("unknown_stem", stem=part, known=", ".join(PARTS))
        found = any(name.strip().casefold() in _keys(row.title, row.channel - 1, row.number) for row in tracks)
        if not found:
            known = ", ".join(dict.fromkeys(repr(row.title) if row.title else f"#{row.number}" for row in tracks))
            raise HarmonicFlowError("unknown_track", track=name, path=path, known=(known or "none: it is empty")[:500])
