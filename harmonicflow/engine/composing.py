"""A composition by the model: the form first, then bars in chunks and their cells in rounds (`composing_rounds`).

Cells draw from the seed, the part and the beat, and the order is fixed: the score does not depend on how far it is read
at a time. Notes are final once nothing that is still to be written can cut them short.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

import numpy as np

from harmonicflow.score.arrange import Arranger, ComposeRequest
from harmonicflow.score.cells import CELL_PARTS
from harmonicflow.score.chords import clip_spans
from harmonicflow.score.events import Event
from harmonicflow.score.finish import finished
from harmonicflow.score.form import FormBar, form_of
from harmonicflow.score.score import Note, Score
from harmonicflow.score.steering import Steering

from .composing_bias import Bias
from .composing_desk import Desk, Heat
from .composing_feel import Feel
from .composing_recall import Like, Recalls, lay, lay_answers
from .composing_rounds import Chunk, chunks_of, rounds_of, window_of
from .composition import MODEL
from .runtime import Runtime

AHEAD: Final = Fraction(1, 2)  # beats: a note this near to what is not written may still be moved by it
WARMEST: Final = 2.0  # times the bundle's temperature at a share of 1, and so much below it at 0
MARGIN: Final = Fraction(1, 4)  # beats, and so may one that ends this near to it


@dataclass(frozen=True)
class ComposeOptions:
    """How the model is asked."""

    temperature: float | None = None  # None: the bundle's
    min_p: float | None = None
    before: int = 4  # bars of what was written that a chunk hears
    after: int = 2  # bars that follow a hole
    opening: int = 2  # groups of beats of a bar that nothing says how to play, in the first chunk: sound starts soon
    leading: int = 4  # the same in later chunks
    following: int = 2  # of the bars that are to be like others
    filling: int = 4  # of those in a hole
    silence: int = 2  # chunks that a part may rest in a row before the arranger writes it


class Learned:
    """A composition by the model."""

    by, why = MODEL, ""

    def __init__(self, runtime: Runtime, options: ComposeOptions, request: ComposeRequest, steering: Steering) -> None:
        self._runtime, self._options, self._request, self._steering = runtime, options, request, steering
        given = request.known.parts if request.span is None else ()
        names = [name for name in CELL_PARTS if name in request.stems and name not in given]
        self._parts = [CELL_PARTS.index(name) for name in names]
        self.form = form_of(request, steering)
        self.desk = desk = Desk(request, self.form, steering, names)
        self._kept = [
            note for note in request.known.notes
            if note.instrument not in names or not desk.start <= note.start < desk.end
        ]  # fmt: skip
        self._distant = self._closed()
        self._like = Like.of(steering.like, desk) if steering.like is not None else None
        self._bias = Bias(desk, steering, request.genre)
        self._feel = Feel(steering, request.selection, request.emotion, self.form.grid)
        card = runtime.bundle.card.composer
        warmth = WARMEST ** (2 * (0.5 if steering.temperature is None else steering.temperature) - 1)
        self._heat = Heat(
            (card.temperature if options.temperature is None else options.temperature) * warmth,
            card.min_p if options.min_p is None else options.min_p,
        )
        self._chunks = chunks_of(self.form, np.any(desk.wanted, axis=0))
        self._next = 0  # chunk
        self._open: dict[int, list[Event]] = {part: [] for part in self._parts}
        self._done: list[Note] = []
        self._silent = dict.fromkeys(self._parts, options.silence)  # chunks in a row; the first must sound
        self._said: dict[str, list[int]] = {}  # bars that the arranger wrote, by part

    @property
    def warnings(self) -> tuple[str, ...]:
        """Where the arranger helped out."""
        return tuple(
            f"the composer left the {name} empty in bars {bars[0]} to {bars[-1]}: the arranger wrote it there"
            for name, bars in self._said.items()
        )

    def until(self, beat: Fraction | int) -> Score:
        """See `Composition.until`."""
        while self._next < len(self._chunks) and not self._settled(Fraction(beat)):
            self._write(self._chunks[self._next])
            self._next += 1
            self._settle()
        return self._score()

    def whole(self) -> Score:
        """See `Composition.whole`."""
        return self.until(self._request.selection.beats + 1)

    def _closed(self) -> bool:
        """Whether a part to write goes on after the span: it is a hole in what is there."""
        after = np.array([start >= self.desk.end for start in self.desk.grid.starts])
        return bool(self.desk.known[self._parts][:, after].any())

    def _written_to(self) -> Fraction:
        """The beat from which nothing is written yet."""
        if self._next == len(self._chunks):
            return self._request.selection.beats + 2
        return self.form.bars[self._chunks[self._next].first].start

    def _settled(self, beat: Fraction) -> bool:
        ringing = any(event.start < beat for events in self._open.values() for event in events)
        return beat + AHEAD <= self._written_to() and not ringing

    def _score(self) -> Score:
        chords = clip_spans(self.form.chords, Fraction(0), self._request.selection.beats)
        return Score((*self._kept, *self._done), chords, self.form.sections)

    def _write(self, chunk: Chunk) -> None:
        """Write the cells of a chunk, and take up its notes."""
        desk, options = self.desk, self._options
        window = window_of(self.form, chunk, np.any(desk.known, axis=0), options.before, options.after)
        order = self._bias.order(self._parts)
        lead = self._bias.lead
        passes = [[lead], [part for part in order if part != lead]] if lead in order else [order]
        for parts in passes:
            recalls = Recalls.of(desk, chunk, self._like, parts, self._distant)
            self._rounds(recalls.leaders, order, options.leading if self._next else options.opening, window)
            for part, rows in recalls.followers.items():
                for recall in rows:
                    lay(desk, part, recall)
            followers = {part: tuple(row.bar for row in rows) for part, rows in recalls.followers.items()}
            self._rounds(followers, order, options.filling if self._distant else options.following, window)
        for part in self._parts:
            if self._missed(part, chunk):
                self._urge(part, chunk, window)
            self._take_up(part, chunk)

    def _cells(self, chunk: Chunk) -> tuple[int, int]:
        return self.form.bars[chunk.first].cells[0], self.form.bars[chunk.last - 1].cells[1]

    def _missed(self, part: int, chunk: Chunk) -> bool:
        """Whether a part that must sound has been silent too long: from the beginning, or for some chunks."""
        first, last = self._cells(chunk)
        bar = self.form.bars[chunk.first].cells
        asked = int(np.count_nonzero(self.desk.wanted[part, first:last])) >= bar[1] - bar[0]
        quiet = self._steering.share("density", CELL_PARTS[part]) == 0
        long = self._silent[part] + 1 > self._options.silence
        return bool(asked and long and not quiet) and not self.desk.notes(part, first, last)

    def _urge(self, part: int, chunk: Chunk, window: tuple[int, int]) -> None:
        """Ask for a part's cells once more, in which the model now hardly likes to write nothing."""
        self.desk.reopen(part, *self._cells(chunk))
        self._bias.urged = part
        self._rounds({part: chunk.bars(self.form)}, [part], self._options.following, window)
        self._bias.urged = None

    def _rounds(
        self, bars_of: Mapping[int, tuple[FormBar, ...]], order: Sequence[int], groups: int, window: tuple[int, int]
    ) -> None:
        bias, desk = self._bias, self.desk
        for picks in rounds_of(bars_of, order, groups, desk.wanted):
            bars = {self.form.bars[desk.grid.bar[cell]] for _, cell in picks}
            bias.aim(sorted(bars, key=lambda bar: bar.number), sorted({part for part, _ in picks}))
            for part, lead in bias.answers(picks):
                lay_answers(desk, part, [bar for bar in bars_of[part] if bar in bars], lead)
            desk.write(self._runtime, picks, bias.of(picks), window, self._heat)

    def _take_up(self, part: int, chunk: Chunk) -> None:
        """The notes of a part's new cells as played events, or the arranger's where the part has been silent long."""
        first, last = self._cells(chunk)
        if not self.desk.wanted[part, first:last].any():
            return
        if self._missed(part, chunk):
            notes: Sequence[Note] = self._arranged(part, chunk)
            self.desk.show(part, notes, first, last)
        else:
            notes = self._feel.given_to(CELL_PARTS[part], self.desk.notes(part, first, last))
        self._silent[part] = 0 if notes else self._silent[part] + 1
        self._open[part] += [Event(n.start, n.duration, n.pitch, n.velocity, n.shift_s) for n in notes]

    def _arranged(self, part: int, chunk: Chunk) -> list[Note]:
        """The arranger's notes for a part in a chunk's bars, beside all that is written."""
        name = CELL_PARTS[part]
        bars = self.form.bars[chunk.first], self.form.bars[chunk.last - 1]
        span = max(bars[0].start, self.desk.start), min(bars[1].end, self.desk.end)
        known = replace(self._score(), chords=self.form.chords)
        request = replace(
            self._request, stems=(name,), known=known, chords=self.form.chords, key=self.form.key, span=span
        )
        found = [note for note in Arranger().compose(request).part(name) if span[0] <= note.start < span[1]]
        if found:
            self._said.setdefault(name, []).extend((chunk.first + 1, chunk.last))
        return found

    def _settle(self) -> None:
        """Finish the notes that nothing can change any more."""
        end, edge = self.desk.end, self._written_to()
        for part in self._parts:
            name = CELL_PARTS[part]
            known = self._request.known.part(name)
            notes = finished(name, self._open[part], self._request.selection, self.desk.start, end, known)
            late = [note for note in notes if note.start >= edge - AHEAD or note.end > edge - MARGIN]
            kept = {id(note) for note in late}
            self._done += [note for note in notes if id(note) not in kept]
            self._open[part] = [Event(n.start, n.duration, n.pitch, n.velocity, n.shift_s) for n in late]
