"""The second stage: a score for the selection, from a composer; and the score of an edit, put into its parent's.

The learned composer writes as far as it is asked to, so that performing may begin; any other writes all at once.
"""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final

from harmonicflow.core.tempo import Bar, Selection
from harmonicflow.score.arrange import Arranger, Composer, ComposeRequest
from harmonicflow.score.chords import ChordSpan, clip_spans, parse_bars, spans_of
from harmonicflow.score.keys import Key
from harmonicflow.score.score import Note, Score
from harmonicflow.score.steering import Steering

from .composer import LearnedComposer
from .composition import ARRANGER, Composition, Whole

SHORTEST: Final = Fraction(1, 64)  # beats; what is left of a note below this is dropped


def begin(
    selection: Selection,
    stems: Sequence[str],
    *,
    genre: str,
    chords: tuple[ChordSpan, ...] | None,
    key: Key | None,
    emotion: tuple[float, float] | None,
    seed: int,
    known: Score | None = None,
    span: tuple[Fraction, Fraction] | None = None,
    composer: Composer | None = None,
    steering: Steering | None = None,
) -> Composition:
    """A composition with a part for each of `stems`, of which nothing is written yet.

    `known` is heard by the composer and kept, but for the notes of `stems` inside the beats of `span`; without a span
    parts that have notes there are kept whole. Raises `unknown_stem`, `unknown_genre`, `no_composer`.
    """
    request = ComposeRequest(
        selection=selection, chords=chords, key=key, genre=genre, emotion=emotion, stems=tuple(stems),
        known=known or Score(), seed=seed, span=span,
    )  # fmt: skip
    if isinstance(composer, LearnedComposer):
        return composer.begin(request, steering)
    by = ARRANGER if composer is None else type(composer).__name__
    return Whole(composer or Arranger(), request, steering or Steering(), by)


def compose(
    selection: Selection,
    stems: Sequence[str],
    *,
    genre: str,
    chords: tuple[ChordSpan, ...] | None,
    key: Key | None,
    emotion: tuple[float, float] | None,
    seed: int,
    known: Score | None = None,
    span: tuple[Fraction, Fraction] | None = None,
    composer: Composer | None = None,
    steering: Steering | None = None,
) -> tuple[Score, tuple[str, ...]]:
    """The whole score of `begin`, and warnings."""
    composition = begin(
        selection, stems, genre=genre, chords=chords, key=key, emotion=emotion, seed=seed, known=known, span=span,
        composer=composer, steering=steering,
    )  # fmt: skip
    return composition.whole(), composition.warnings


def edited_chords(
    score: Score, text: str | None, bars: Sequence[Bar], start: Fraction, end: Fraction
) -> tuple[ChordSpan, ...]:
    """The parent's chords with those of the edit's bars laid over them, if `text` names any; raises `bad_chord`."""
    if text is None or not text.strip():
        return score.chords
    lines = [(bar.grid_start, bar.grid_start + bar.meter.beats) for bar in bars]
    new = clip_spans(spans_of(parse_bars(text), lines), start, end)
    last = max((span.end for span in score.chords), default=end)
    kept = clip_spans(score.chords, Fraction(0), start) + clip_spans(score.chords, end, max(last, end))
    return tuple(sorted(kept + new, key=lambda span: span.start))


def edited_score(
    parent: Score, new: Score, stems: Sequence[str], start: Fraction, end: Fraction, selection: Selection
) -> Score:
    """The parent's score in which `stems` play `new` from beat `start` up to `end`, and nothing else changed.

    What the parent holds over the edit's start ends there, and notes of the edit end with it. Notes that would
    sound earlier than the edit's start, for their micro-timing, begin with it.
    """
    score = parent
    for name in stems:
        kept = [note for note in score.part(name) if not start <= note.start < end]
        kept = [_ending_by(note, start) if note.start < start else note for note in kept]
        inside = [note for note in new.part(name) if start <= note.start < end]
        played = [_starting_from(_ending_by(note, end), start, selection) for note in inside]
        score = score.replace_part(name, (*kept, *(note for note in played if note.duration >= SHORTEST)))
    return replace(score, chords=new.chords) if new.chords else score


def _ending_by(note: Note, beat: Fraction) -> Note:
    return note if note.end <= beat else replace(note, duration=beat - note.start)


def _starting_from(note: Note, beat: Fraction, selection: Selection) -> Note:
    """The note, not sounding before a beat: an early one is moved to it exactly."""
    ahead_s = float((selection.frame_at_beat(note.start) - selection.frame_at_beat(beat)) / selection.rate)
    return note if note.shift_s >= -ahead_s else replace(note, shift_s=-ahead_s)
