"""How chords and sections go on after the end of a score, for who continues it and has said nothing else.

A line is a bar's start and end in selection beats, whole bars: the first may start before 0 and the last end after the
selection does.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from .chords import Chord, ChordSpan, clip_spans
from .score import Section

Line = tuple[Fraction, Fraction]
Cell = tuple[tuple[Fraction, Fraction, Chord], ...]  # the chords of a bar: start in it, duration, chord

PHRASE: Final = 4  # bars; a progression of whole phrases is taken to go round once its first bar has come again
SECTION: Final = 8  # bars that a section lasts, where nobody has said otherwise
NEXT: Final = {
    "intro": "verse", "verse": "chorus", "prechorus": "chorus", "pre-chorus": "chorus", "chorus": "verse",
    "bridge": "chorus", "solo": "chorus", "break": "chorus", "a": "B", "b": "A",
}  # fmt: skip


def chords_onward(
    spans: Sequence[ChordSpan], lines: Sequence[Line], end: Fraction, new: Sequence[Line]
) -> tuple[ChordSpan, ...]:
    """The chords of the bars `new`, from beat `end` on: those of the bars `lines` before it go round.

    They go round by the shortest progression that explains them: one heard twice, or as many phrases as there are, or
    all of them. What was silent stays silent. A bar that `end` cuts is the last of `lines` and the first of `new`.
    """
    cells = {
        number: _cell(spans, line)
        for number, line in enumerate(lines)
        if line[0] >= 0 and line[1] <= end  # a cut bar does not say what its other part was
    }
    first = len(lines) - (1 if lines and lines[-1][1] > end else 0)  # the number of the first bar of `new`
    held = max((span for span in spans if span.start < end), key=lambda span: span.end, default=None)
    if not cells:
        return () if held is None or not new else (ChordSpan(end, new[-1][1] - end, held.chord),)
    period = _period([cells[number] for number in sorted(cells)])
    found: list[ChordSpan] = []
    for number, line in enumerate(new, first):
        while number not in cells:
            number -= period
        found += _laid(cells[number], line)
    return clip_spans(tuple(found), end, new[-1][1] if new else end)


def _cell(spans: Sequence[ChordSpan], line: Line) -> Cell:
    inside = clip_spans(tuple(spans), *line)
    return tuple((span.start - line[0], span.duration, span.chord) for span in inside)


def _period(cells: Sequence[Cell]) -> int:
    """After how many bars they repeat."""
    for period in range(1, len(cells)):
        trusted = 2 * period <= len(cells) or period % PHRASE == 0
        if trusted and all(cells[bar] == cells[bar - period] for bar in range(period, len(cells))):
            return period
    return len(cells)


def _laid(cell: Cell, line: Line) -> list[ChordSpan]:
    """A bar's chords in another bar, which may be shorter; in a longer one the last chord is held."""
    start, end = line
    spans = [ChordSpan(start + at, duration, chord) for at, duration, chord in cell]
    if spans:
        spans[-1] = ChordSpan(spans[-1].start, max(spans[-1].duration, end - spans[-1].start), spans[-1].chord)
    return list(clip_spans(tuple(spans), start, end))


def sections_onward(
    sections: Sequence[Section], lines: Sequence[Line], end: Fraction, new: Sequence[Line]
) -> tuple[Section, ...]:
    """The sections with those of the bars `new` after them: the last goes on until it has its length, then its next.

    Without any there are none afterwards: whoever composes makes them up.
    """
    if not sections:
        return ()
    *found, last = sections
    name, start = last.name, last.start
    bars = sum(1 for line in lines if line[0] >= start)
    for line in new:
        if line[0] < end:
            continue  # the rest of a cut bar, counted already
        if bars >= SECTION and name.lower() in NEXT:
            found.append(Section(start, line[0] - start, name))
            name, start, bars = NEXT[name.lower()], line[0], 0
        bars += 1
    return (*found, Section(start, new[-1][1] - start, name)) if new else tuple(sections)
