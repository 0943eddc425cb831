"""What is done to notes once they are written: length by the emotion, swing, quantizing, the groove of a score."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final

from harmonicflow.core.instruments import INSTRUMENTS
from harmonicflow.core.tempo import Selection
from harmonicflow.score.cells import CellGrid, grid_of
from harmonicflow.score.emotion import Emotion, Targets
from harmonicflow.score.grid import bar_lines
from harmonicflow.score.groove import Groove, swung
from harmonicflow.score.score import Note, Score
from harmonicflow.score.steering import Steering

from .composing_recall import lines_of

SHORTEST: Final = Fraction(1, 12)  # beats, that an emotion makes a note


class Feel:
    """The feel that a request asks for. `emotion`: None where the composer has seen to it."""

    def __init__(
        self, steering: Steering, selection: Selection, emotion: Emotion | None = None, grid: CellGrid | None = None
    ) -> None:
        self._swing, self._quantize, self._emotion = steering.swing, steering.quantize, emotion
        self._grid = grid if grid is not None else grid_of(selection)
        lines = bar_lines(selection)
        self._lines = [start for start, _ in lines]
        source = steering.groove or steering.like
        self._groove: Groove | None = None
        if source is not None and source.notes:
            beats = lines[0][1] - lines[0][0]
            self._groove = Groove.of(source.notes, [start for start, _ in lines_of(source, beats)])

    def given_to(self, part: str, notes: Sequence[Note]) -> Sequence[Note]:
        """The notes of one part with this feel, in order."""
        if self._emotion is not None and INSTRUMENTS[part].pitched:
            factor = Fraction(round(Targets.of(self._emotion).articulation * 24), 24)
            notes = [replace(note, duration=max(note.duration * factor, SHORTEST)) for note in notes]
        if self._swing is not None:
            straight = [note for note in notes if not self._compound(note)]
            bent = swung(straight, self._swing, self._grid.starts)
            notes = sorted((*bent, *(note for note in notes if self._compound(note))), key=lambda note: note.start)
        if self._quantize is not None:  # the players' own timing; a groove that is asked for comes after
            notes = [replace(note, shift_s=note.shift_s * (1 - self._quantize)) for note in notes]
        if self._groove is not None:
            notes = self._groove.given_to(notes, self._lines)
        return notes

    def score(self, score: Score, known: Score) -> Score:
        """A score whose notes have this feel, but for those that were `known`."""
        if self._swing is None and self._quantize is None and self._groove is None:
            return score
        kept = {id(note) for note in known.notes}
        notes = [note for note in score.notes if id(note) in kept]
        for part in score.parts:
            notes += self.given_to(part, [note for note in score.part(part) if id(note) not in kept])
        return score.with_notes(notes)

    def _compound(self, note: Note) -> bool:
        return bool(self._grid.compound[self._grid.cell_at(note.start)])
