"""Feel, given to notes after they are written: swing, and the timing and accents of another score.

Swing is the share of a beat that its first eighth gets: 1/2 is straight, 2/3 a triplet. A beat is bent in two straight
lines that meet at the off-beat eighth, so sixteenths move along with it; a beat that holds real triplets is left alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from statistics import fmean
from typing import Final

from .pulses import on_grid
from .score import Note

STRAIGHT: Final = Fraction(1, 2)
TRIPLET: Final = Fraction(2, 3)
SLOTS: Final = 12  # places of a beat that a profile tells apart
ENOUGH: Final = 3  # notes in one place before a profile says anything about it
DEPTH: Final = 0.7  # how far accents go the way of the other score's
FARTHEST_S: Final = 0.05  # a profile moves no note farther


def swung(notes: Sequence[Note], swing: float, starts: Sequence[Fraction]) -> tuple[Note, ...]:
    """The notes of one part with the off-beats where `swing` (0 straight, 1 triplet) has them.

    `starts`: the beats of the selection in order; a note belongs to the last one before it.
    """
    middle = STRAIGHT + (TRIPLET - STRAIGHT) * Fraction(round(swing * 96), 96)
    of_beat: dict[Fraction, list[int]] = defaultdict(list)
    for number, note in enumerate(notes):
        of_beat[_beat_of(note.start, starts)].append(number)
    out = list(notes)
    for beat, numbers in of_beat.items():
        bend = _bend({notes[number].start - beat for number in numbers}, middle)
        if bend is None:
            continue
        for number in numbers:
            note = notes[number]
            out[number] = replace(note, start=beat + _bent(note.start - beat, *bend))
    return tuple(out)


def _beat_of(beat: Fraction, starts: Sequence[Fraction]) -> Fraction:
    return starts[max(bisect_right(starts, beat) - 1, 0)]


def _bend(places: Iterable[Fraction], middle: Fraction) -> tuple[Fraction, Fraction] | None:
    """(where the off-beat eighth is, where it should be) of a beat; None where nothing is to move."""
    slots = {round(place * SLOTS) for place in places} - {0}
    if not slots:
        return None
    if slots & {3, 6, 9}:
        return STRAIGHT, middle
    if slots & {2, 4, 10}:
        return None  # triplets, which swing does not touch
    return (TRIPLET if 8 in slots else STRAIGHT), middle


def _bent(place: Fraction, now: Fraction, then: Fraction) -> Fraction:
    """A place 0..1 of a beat after its middle has moved from `now` to `then`."""
    return on_grid(place * then / now if place < now else then + (place - now) * (1 - then) / (1 - now))


@dataclass(frozen=True)
class Groove:
    """How a score is played, place by place of the beat: seconds late and velocity over the part's mean.

    Places are (beat of the bar, slot of the beat); (-1, slot) is the mean over beats.
    """

    late_s: Mapping[str, Mapping[tuple[int, int], float]]
    accent: Mapping[str, Mapping[tuple[int, int], float]]

    @classmethod
    def of(cls, notes: Iterable[Note], lines: Sequence[Fraction]) -> Groove:
        """The groove of notes whose bars begin at `lines`."""
        late: dict[str, dict[tuple[int, int], list[float]]] = defaultdict(lambda: defaultdict(list))
        loud: dict[str, dict[tuple[int, int], list[float]]] = defaultdict(lambda: defaultdict(list))
        for note in notes:
            beat, slot = _place(note.start, lines)
            for place in ((beat, slot), (-1, slot)):
                late[note.instrument][place].append(note.shift_s)
                loud[note.instrument][place].append(note.velocity)
        mean = {part: fmean(v for values in rows.values() for v in values) for part, rows in loud.items()}
        return cls(
            {part: {place: fmean(v) for place, v in rows.items() if len(v) >= ENOUGH} for part, rows in late.items()},
            {part: {place: fmean(v) - mean[part] for place, v in rows.items() if len(v) >= ENOUGH}
             for part, rows in loud.items()},
        )  # fmt: skip

    def given_to(self, notes: Sequence[Note], lines: Sequence[Fraction]) -> tuple[Note, ...]:
        """Notes with this groove where it says something: their own unevenness stays, around its timing and accents.

        A part that the groove has not follows its drums.
        """
        return tuple(self._one(note, lines) for note in notes)

    def _one(self, note: Note, lines: Sequence[Fraction]) -> Note:
        part = note.instrument if note.instrument in self.late_s else "drums"
        beat, slot = _place(note.start, lines)
        shift_s, velocity = note.shift_s, float(note.velocity)
        for place in ((beat, slot), (-1, slot)):
            if place in self.late_s.get(part, ()):
                late_s = self.late_s[part][place]
                shift_s = min(max(late_s + 0.4 * note.shift_s, -FARTHEST_S), FARTHEST_S)
                velocity += DEPTH * self.accent[part][place]
                break
        return replace(note, shift_s=round(shift_s, 5), velocity=min(max(round(velocity), 1), 127))


def _place(start: Fraction, lines: Sequence[Fraction]) -> tuple[int, int]:
    """(beat of the bar, slot of the beat) of a note."""
    inside = start - lines[max(bisect_right(lines, start) - 1, 0)]
    slot = round(inside * SLOTS)
    return slot // SLOTS, slot % SLOTS
