"""Chords and progressions: what "F#m7b5/A" and "Am7 | D7/F# | Gmaj7" mean.

Names are those of lead sheets ("Am7", "C-7", "G7sus", "F^7", "Bø") and Harte's ("A:min7/b7", ISMIR 2005).
Beats are quarter notes, exact fractions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from harmonicflow.core.errors import HarmonicFlowError

from .grid import bar_lines, selection_end
from .qualities import degree, parse_quality, plain

if TYPE_CHECKING:
    from harmonicflow.core.tempo import MeterMap, Selection

NOTE_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MINOR_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
MAX_TEXT = 20_000  # characters of a progression
MAX_PER_BAR = 16  # chords

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ROOT = re.compile(r"([A-Ga-g])(##|bb|#|b|)")
_BASS = re.compile(r"([A-Ga-g])(##|bb|#|b|)\Z")
_BAR_LINE = re.compile(r"\|* ?[\r\n;][\s;|]*|\|+")  # a line's end and the strokes around it are one bar line
_SILENCE = frozenset({"n", "nc", "n.c.", "n.c", "x", "tacet"})
_HOLD = frozenset({"/", "-", ".", "%", "~"})


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord: root and bass as pitch classes (0 = C), quality as a canonical name of `qualities.QUALITIES`.

    `bass` is None where the root is the bass. Raises `bad_chord` for a quality that is not understood.
    """

    root: int
    quality: str = ""
    bass: int | None = None

    def __post_init__(self) -> None:
        found = parse_quality(self.quality)
        if found is None or not 0 <= self.root < 12 or (self.bass is not None and not 0 <= self.bass < 12):
            name = f"{self.root}:{self.quality}/{self.bass}"
            raise HarmonicFlowError("bad_chord", chord=name, where="root, quality and bass given as numbers")
        object.__setattr__(self, "quality", found[0])
        if self.bass == self.root:
            object.__setattr__(self, "bass", None)

    @property
    def intervals(self) -> tuple[int, ...]:
        """Semitones above the root, ascending; extensions lie above the octave (a ninth is 14)."""
        found = parse_quality(self.quality)
        return found[1] if found else (0,)

    @property
    def pitch_classes(self) -> frozenset[int]:
        """The pitch classes that sound, a foreign bass among them."""
        tones = {(self.root + tone) % 12 for tone in self.intervals}
        return frozenset(tones | ({self.bass} if self.bass is not None else set()))

    @property
    def bass_class(self) -> int:
        """The pitch class at the bottom: the bass where there is one, else the root."""
        return self.root if self.bass is None else self.bass

    @property
    def is_minor(self) -> bool:
        return 3 in self.intervals and 4 not in self.intervals

    @property
    def name(self) -> str:
        """The name on a lead sheet; `parse_chord(chord.name) == chord`."""
        names = MINOR_NAMES if self.is_minor else NOTE_NAMES
        quality = f"({self.quality})" if self.quality[:1] in ("#", "b") else self.quality
        return names[self.root] + quality + (f"/{names[self.bass]}" if self.bass is not None else "")

    def transposed(self, semitones: int) -> Chord:
        bass = None if self.bass is None else (self.bass + semitones) % 12
        return Chord((self.root + semitones) % 12, self.quality, bass)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class ChordSpan:
    """A chord and where it sounds: start and duration in beats."""

    start: Fraction
    duration: Fraction
    chord: Chord

    @property
    def end(self) -> Fraction:
        return self.start + self.duration


def pitch_class(letter: str, accidentals: str) -> int:
    """ "F", "##" -> 7."""
    return (_LETTERS[letter.upper()] + accidentals.count("#") - accidentals.count("b")) % 12


def parse_chord(text: str, where: str = "given alone") -> Chord:
    """The chord that `text` names; raises `bad_chord`, which quotes the name and says `where` it stood."""
    chord = _parse(text.strip()) if len(text) <= 80 else None
    if chord is None:
        raise HarmonicFlowError("bad_chord", chord=text if len(text) <= 80 else f"{text[:77]}...", where=where)
    return chord


@lru_cache(maxsize=4096)
def _parse(text: str) -> Chord | None:
    text = plain(text)
    match = _ROOT.match(text)
    if match is None:
        return None
    root, rest = pitch_class(match[1], match[2]), text[match.end() :]
    harte = rest.startswith(":")
    rest = rest.removeprefix(":")
    quality, _, below = rest.rpartition("/") if "/" in rest else (rest, "", "")
    bass = _bass(below, root, harte)
    if bass is None:  # "6/9", "m/maj7": the stroke belongs to the quality
        quality = rest
    found = parse_quality(quality.strip(), harte=harte)
    return None if found is None else Chord(root, found[0], bass)


def _bass(text: str, root: int, harte: bool) -> int | None:
    match = _BASS.match(text)
    if match is not None:
        return pitch_class(match[1], match[2])
    step = degree(text) if harte else None
    return None if step is None else (root + step) % 12


def parse_bars(text: str) -> tuple[tuple[Chord | None, ...], ...]:
    """The chords of each bar of a progression, in even shares; None is silence ("N.C.").

    `|` separates bars, as does a new line. `%` or an empty bar repeats the bar before; inside a bar `%`, `/`, `-` and
    `.` hold the chord for one more share. Raises `bad_chord` with the chord and its place.
    """
    if len(text) > MAX_TEXT:
        raise HarmonicFlowError("bad_chord", chord=f"{text[:40]}...", where=f"longer than {MAX_TEXT} characters")
    cells = [cell.strip(" :") for cell in _BAR_LINE.split(re.sub(r"[ \t]+", " ", plain(text)))]
    while cells and not cells[0]:
        cells.pop(0)
    while cells and not cells[-1]:
        cells.pop()
    if not cells:
        raise HarmonicFlowError("bad_chord", chord=text, where="the progression is empty")
    bars: list[tuple[Chord | None, ...]] = []
    for number, cell in enumerate(cells, 1):
        words = _words(cell)
        repeats = not words or (len(words) == 1 and words[0] in _HOLD)
        if repeats and not bars:
            raise HarmonicFlowError("bad_chord", chord=cell, where="bar 1 has nothing before it to repeat")
        bars.append(bars[-1] if repeats else _bar(words, number, bars[-1][-1:] if bars else ()))
    return tuple(bars)


def _words(cell: str) -> list[str]:
    """Split at white space and commas, but not inside brackets ("7(b9, b13)")."""
    closed = re.sub(r"\([^()]*\)", lambda match: match[0].replace(",", "\0").replace(" ", ""), cell)
    return [word.replace("\0", ",") for word in re.split(r"[\s,]+", closed) if word]


def _bar(words: list[str], number: int, before: tuple[Chord | None, ...]) -> tuple[Chord | None, ...]:
    if len(words) > MAX_PER_BAR:
        raise HarmonicFlowError("bad_chord", chord=words[MAX_PER_BAR], where=f"bar {number} holds {len(words)} chords")
    chords = list(before)
    for place, word in enumerate(words, 1):
        if word in _HOLD and chords:
            chords.append(chords[-1])
        elif word.lower() in _SILENCE:
            chords.append(None)
        else:
            chords.append(parse_chord(word, f"bar {number}, chord {place}"))
    return tuple(chords[len(before) :])


def spans_of(
    bars: tuple[tuple[Chord | None, ...], ...], places: list[tuple[Fraction, Fraction]]
) -> tuple[ChordSpan, ...]:
    """Lay bars of chords over `places` (start and end of each bar in beats); the bars repeat until places run out."""
    spans: list[ChordSpan] = []
    for number, (start, end) in enumerate(places):
        chords = bars[number % len(bars)]
        share = (end - start) / len(chords)
        held: list[tuple[Chord | None, int]] = []
        for chord in chords:  # a chord held over several shares is one span
            held[-1:] = [(chord, held[-1][1] + 1)] if held and held[-1][0] == chord else [*held[-1:], (chord, 1)]
        at = start
        for chord, shares in held:
            if chord is not None:
                spans.append(ChordSpan(at, share * shares, chord))
            at += share * shares
    return tuple(spans)


def parse_progression(text: str, meters: MeterMap, bars: int) -> tuple[ChordSpan, ...]:
    """The spans of a progression over bars 1 to `bars` of `meters`, in beats from bar 1's start.

    Several chords in a bar share it evenly; the progression repeats until the bars are filled; "N.C." leaves a gap.
    Raises `bad_chord`. For a selection, which may start inside a bar, use `chords_over`.
    """
    origin = meters.bar_start(1)
    starts = [Fraction(meters.bar_start(number)) - origin for number in range(1, bars + 2)]
    return spans_of(parse_bars(text), list(zip(starts[:-1], starts[1:], strict=True)))


def chords_over(text: str, selection: Selection) -> tuple[ChordSpan, ...]:
    """The spans of a progression over a selection, in selection beats, cut to it; bar 1 is the bar it starts in."""

    spans = spans_of(parse_bars(text), bar_lines(selection))
    return clip_spans(spans, Fraction(0), selection_end(selection))


def clip_spans(spans: tuple[ChordSpan, ...], start: Fraction, end: Fraction) -> tuple[ChordSpan, ...]:
    """What of `spans` lies inside [start, end)."""
    cut = (ChordSpan(max(span.start, start), min(span.end, end) - max(span.start, start), span.chord) for span in spans)
    return tuple(span for span in cut if span.duration > 0)
