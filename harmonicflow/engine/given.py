"""What a request brings besides words and sound: finished parts, steering, and scores to be like."""

from fractions import Fraction
from typing import Final, TypeVar

import msgspec

from harmonicflow.core.constants import HOP, SAMPLE_RATE
from harmonicflow.core.messages import Extend, Generate, Regenerate
from harmonicflow.core.tempo import Selection
from harmonicflow.score.chords import clip_spans
from harmonicflow.score.finish import MAX_SHIFT_S
from harmonicflow.score.score import Score
from harmonicflow.score.spec import score_of, spec_of
from harmonicflow.score.steering import Steering

from .blocks import Block

# Seconds that a note may be heard before its beat; notes of a MIDI file may be earlier than ours, and are all there
# from the beginning.
EARLY_S: Final = Fraction(MAX_SHIFT_S)

Request = TypeVar("Request", Generate, Regenerate, Extend)


def with_given(request: Request, known: Score | None, steering: Steering | None) -> Request:
    """The request with finished parts and steering in its fields; what is None is left as it is."""
    if known is not None:
        request = msgspec.structs.replace(request, score=spec_of(known))
    if steering is not None:
        like, groove = (None if score is None else spec_of(score) for score in (steering.like, steering.groove))
        request = msgspec.structs.replace(request, steering=steering.message(), like_score=like, groove=groove)
    return request


def steering_of(request: Generate | Regenerate | Extend) -> Steering:
    """The steering that a request carries. Raises `bad_request`, `bad_chord`, `unknown_stem`."""
    like, groove = (
        None if (spec := getattr(request, name, None)) is None else score_of(spec) for name in ("like_score", "groove")
    )
    return Steering.of(getattr(request, "steering", None), like, groove)


def given_score(request: Generate, selection: Selection) -> Score | None:
    """The finished parts of a request inside the selection, with their chords and sections; None without any."""
    if request.score is None:
        return None
    score, end = score_of(request.score), selection.beats
    sections = tuple(section for section in score.sections if section.start < end and section.end > 0)
    inside = tuple(note for note in score.notes if 0 <= note.start < end)
    return Score(inside, clip_spans(score.chords, Fraction(0), end), sections)


def heard_until(selection: Selection, block: Block) -> Fraction:
    """The beat before which every note must be there for a block to be performed."""
    seconds = Fraction(block.end * HOP, SAMPLE_RATE) + EARLY_S
    return selection.beat_at_frame(seconds * selection.rate)
