"""Chords and sections of a MIDI file: from its texts, markers and lyrics.

Chords are texts "chord Am7", as this program writes them. Without any, they are that kind of event (text, lyrics, cues,
markers) of which nearly every one names a chord: lead sheet programs write chords into each of them. Bare letters among
markers ("A", "B", "C") are rehearsal marks. Sections are the markers that name no chords.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.tempo import parse_bpm

from .chords import Chord, ChordSpan, parse_chord
from .midi_exact import is_beat
from .midi_write import SILENCE
from .score import Score, Section

OWN: Final = "chord "
KINDS: Final = ("text", "lyrics", "cue_marker", "marker")  # where chords may stand, the likeliest first
CHORD_SHARE: Final = 0.8  # of the events of a kind
MAX_MARKS: Final = 20_000
_LETTER: Final = re.compile(r"[A-G]\Z")


@dataclass
class Marks:
    """Texts by kind and tick; the last one of a tick counts. `ours`: this program wrote the file."""

    by_kind: dict[str, dict[int, str]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    ours: bool = False

    def add(self, kind: str, tick: int, words: str) -> None:
        marks = self.by_kind[kind]
        own = marks.get(tick, "").startswith(OWN)  # what else stands at the tick does not hide a chord
        if (words or self.ours) and not (own and not words.startswith(OWN)) and len(marks) < MAX_MARKS:
            marks[tick] = words


def spans_of_marks(
    marks: Marks, end: int, beat: Callable[[int], Fraction]
) -> tuple[tuple[ChordSpan, ...], tuple[Section, ...]]:
    """What the marks say up to tick `end`; each holds until the next of its kind."""
    own = {tick: words.removeprefix(OWN) for tick, words in marks.by_kind["text"].items() if words.startswith(OWN)}
    kinds = () if own or marks.ours else KINDS
    source = next((kind for kind in kinds if _name_chords(marks.by_kind[kind], kind)), None)
    named = own or (marks.by_kind[source] if source else {})
    chords = [
        ChordSpan(beat(start), beat(stop) - beat(start), chord)
        for start, stop, name in _stretches({tick: name for tick, name in named.items() if own or _is_chord(name)}, end)
        if (chord := _chord(name)) is not None
    ]
    markers = {
        tick: name for tick, name in marks.by_kind["marker"].items() if not (source == "marker" and _is_chord(name))
    }
    sections = [Section(beat(start), beat(stop) - beat(start), name) for start, stop, name in _stretches(markers, end)]
    return tuple(chords), tuple(sections)


def _name_chords(marks: dict[int, str], kind: str) -> bool:
    """Whether a kind of event is where the chords stand."""
    named = [name for name in marks.values() if _is_chord(name)]
    if not named or len(named) < CHORD_SHARE * len(marks):
        return False
    letters = all(_LETTER.match(name) for name in named)
    return not (letters and kind in ("marker", "cue_marker")) and (len(set(named)) > 1 or not letters)


def _is_chord(name: str) -> bool:
    return name.upper() in (SILENCE, "N.C.", "NC") or _chord(name) is not None


def _chord(name: str) -> Chord | None:
    """The chord of a name; None for silence and for what is none."""
    if not name[:1].isupper() or name.upper() in (SILENCE, "N.C.", "NC"):  # "a" is a word of a lyric
        return None
    try:
        return parse_chord(name)
    except HarmonicFlowError:
        return None


def _stretches(marks: dict[int, str], end: int) -> list[tuple[int, int, str]]:
    """(start, end, text) of marks that each hold until the next one."""
    starts = sorted(marks)
    stops = [*starts[1:], end][: len(starts)]
    return [(start, stop, marks[start]) for start, stop in zip(starts, stops, strict=True) if stop > start]


# ------------------------------------------------------------------------------ what a file of ours holds besides


def exact_spans(
    content: dict[str, Any], chords: tuple[ChordSpan, ...], sections: tuple[Section, ...]
) -> tuple[tuple[ChordSpan, ...], tuple[Section, ...]]:
    """Chords and sections as they were written, where the file keeps them exactly; else as they were read."""
    wire = {"notes": []} | {name: content.get(name, []) for name in ("chords", "sections")}
    try:
        for row in (*wire["chords"], *wire["sections"]):
            start, duration, name = row
            if not (is_beat(start) and is_beat(duration) and isinstance(name, str) and Fraction(duration) > 0):
                return chords, sections
        kept = Score.from_wire(wire)
    except (ValueError, TypeError, ZeroDivisionError, HarmonicFlowError):
        return chords, sections
    return kept.chords if "chords" in content else chords, kept.sections if "sections" in content else sections


def exact_tempo(content: dict[str, Any]) -> list[tuple[Fraction, Fraction]] | None:
    """Tempo changes as (beat, BPM), where the file keeps them exactly."""
    try:
        rows = [(str(beat), str(bpm)) for beat, bpm in content["tempo"]]
        if not rows or not all(is_beat(beat) for beat, _ in rows):
            return None
        changes = [(Fraction(beat), parse_bpm(bpm)) for beat, bpm in rows]
    except (KeyError, ValueError, TypeError, ZeroDivisionError, HarmonicFlowError):
        return None
    rising = all(one[0] < two[0] for one, two in zip(changes, changes[1:], strict=False))
    return changes if rising and changes[0][0] == 0 else None
