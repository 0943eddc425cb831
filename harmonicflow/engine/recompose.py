"""The score of an edit: what a request changes in its parent's plan, and the notes of the range made again."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from harmonicflow.core.messages import Extend, Regenerate, ScoreSpec, Steering
from harmonicflow.core.tempo import Selection
from harmonicflow.score.chords import ChordSpan, clip_spans
from harmonicflow.score.keys import parse_key
from harmonicflow.score.score import Note, Score
from harmonicflow.score.spec import score_of
from harmonicflow.score.steering import Steering as Steered

from .compose import begin, edited_score
from .edit import Edit
from .result import Plan, Result

if TYPE_CHECKING:
    from .api import HarmonicFlow

Request = TypeVar("Request", Regenerate, Extend)

INHERITED: Final[dict[str, Any]] = {"steering": Steering, "groove": ScoreSpec, "like_score": ScoreSpec}


@dataclass(frozen=True)
class Recomposed:
    """An edited score, who wrote its new notes, and warnings."""

    score: Score
    composer: str = ""
    warnings: tuple[str, ...] = ()


def inherited(old: Result, request: Request) -> Request:
    """The request with the steering of its parent's where it has none of its own."""
    found = {}
    for name, kind in INHERITED.items():
        if getattr(request, name) is None and old.request.get(name) is not None:
            found[name] = msgspec.convert(old.request[name], kind)
    return msgspec.structs.replace(request, **found)


def replanned(flow: "HarmonicFlow", plan: Plan, request: Regenerate | Extend) -> Plan:
    """The parent's plan, with what the request says instead. Raises `unknown_genre`, `unknown_mood`, `bad_key`."""
    if request.genre or request.mood or request.emotion or request.prompt.strip():
        meant = flow.words.meant(request.prompt, request.genre, request.mood, request.emotion, plan.genre)
        plan = replace(
            plan, genre=meant.genre, emotion=meant.emotion or plan.emotion, understood=meant.sentence,
            text=request.prompt.strip() or plan.text,
        )  # fmt: skip
    if request.key and request.key.strip():
        plan = replace(plan, key=parse_key(request.key).name)
    return plan


def finished_parts(request: Regenerate | Extend, edit: Edit, stems: tuple[str, ...]) -> Score:
    """The finished parts that a request brings for `stems` in the range of an edit, with its chords there."""
    if request.score is None:
        return Score()
    score, span = score_of(request.score), (edit.start_beat, edit.end_beat)
    inside = tuple(note for note in score.within(*span).notes if note.instrument in stems)
    return Score(inside, clip_spans(score.chords, *span))


def laid_over(
    spans: tuple[ChordSpan, ...], new: tuple[ChordSpan, ...], start: Fraction, end: Fraction
) -> tuple[ChordSpan, ...]:
    """Chords in which `new` ones stand from `start` up to `end`."""
    last = max((span.end for span in spans), default=end)
    return (*clip_spans(spans, Fraction(0), start), *new, *clip_spans(spans, end, max(last, end)))


def recomposed(
    flow: "HarmonicFlow", known: Score, given: Score, plan: Plan, steering: Steered, stems: tuple[str, ...], edit: Edit,
    seed: int,
) -> Recomposed:  # fmt: skip
    """`known`, the parent's score with all chords and sections, in which `stems` play anew in the edit's range.

    Parts that `given` has notes of are played as they are there, and heard by whoever composes the others.
    """
    span = (edit.start_beat, edit.end_beat)
    for name in given.parts:
        known = known.replace_part(name, _sounding_by(given.part(name), edit.selection, span[1]), *span)
    writing = tuple(name for name in stems if name not in given.parts)
    if not writing:
        return Recomposed(known)
    composition = begin(
        edit.selection, writing, genre=plan.genre, chords=known.chords or None,
        key=parse_key(plan.key) if plan.key else None, emotion=plan.emotion, seed=seed, known=known, span=span,
        composer=flow.composer, steering=steering,
    )  # fmt: skip
    new = composition.whole()
    score = edited_score(known, new, writing, *span, edit.selection)
    score = replace(score, chords=known.chords or new.chords, sections=known.sections or new.sections)
    composer = f"{composition.by}: {composition.why}" if composition.why else composition.by
    return Recomposed(score, composer, composition.warnings)


def _sounding_by(notes: tuple[Note, ...], selection: Selection, end: Fraction) -> list[Note]:
    """Given notes, none held over the end of the range they are for."""
    return [note if note.end <= end else replace(note, duration=end - note.start) for note in notes]
