"""Extend: a take goes on from its end, once or in several options.

The parent is the known prefix, of its score as of its canvas; the bars after it are composed and performed with it as
context. Its samples stay what they are: dry stems are joined with a fade that lies after the seam, channel strips,
limiter and room run once more from a little before it, so that they are in the state in which the parent left them.

Legend: S delivered stems, R rows, L latent frames, K frames of the parent, N frames of the whole.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from harmonicflow.audio.joins import carry_on, foretold, join
from harmonicflow.core.messages import Extend
from harmonicflow.core.tempo import Selection
from harmonicflow.mix.bus import mix
from harmonicflow.mix.strips import StripProcessor
from harmonicflow.score.chords import ChordSpan
from harmonicflow.score.grid import bar_lines
from harmonicflow.score.onward import chords_onward, sections_onward
from harmonicflow.score.score import Score
from harmonicflow.score.steering import Steering

from .blocks import latent_length
from .canvas import Canvas
from .clock import Clock
from .compose import edited_chords
from .deliver import Sound, binaural, report
from .edit import LEAD_IN_S, Edit, check_parent, decoded, performed
from .given import steering_of
from .recompose import finished_parts, inherited, laid_over, recomposed, replanned
from .request import MAX_SEED, check_stems
from .result import BlockAudio, Result
from .timbre import Like, timbre

if TYPE_CHECKING:
    from .api import HarmonicFlow


@dataclass(frozen=True)
class Continuation:
    """What all options of a request share."""

    old: Result  # the parent, with the plan of what follows it
    request: Extend
    edit: Edit  # the range after the parent
    stems: tuple[str, ...]  # who plays on
    known: Score  # the parent's, with all chords and sections
    given: Score  # finished parts of the new range
    steering: Steering
    tails: np.ndarray  # float32 [S, n], how the parent's dry stems ring on
    warnings: tuple[str, ...]


def extend(
    flow: "HarmonicFlow",
    old: Result,
    request: Extend,
    like: Like | None,
    clock: Clock,
    on_block: Callable[[BlockAudio], None] | None,
) -> list[Result]:
    """`count` new results; see `HarmonicFlow.extend`."""
    check_parent(flow, old)
    stems = check_stems(request.stems, old.names)
    edit = Edit.after(old.selection, longer(old.selection, request))
    clock.expect([block.end - block.start for block in edit.blocks(flow)] * request.count, request.steps)
    plan = replace(old.plan, timbre=timbre(flow.runtime, like, stems, request.like, old.plan.timbre))
    told = replace(old, plan=replanned(flow, plan, request))
    request, steering = _steered(old, request, edit)
    given = finished_parts(request, edit, stems)
    known = _known(old, edit, request.chords, given.chords)
    tails = foretold(old.dry, edit.selection.rate)
    what = Continuation(told, request, edit, stems, known, given, steering, tails, flow.unheard(like))
    results = []
    for index in range(request.count):
        clock.take_index = index
        result = _option(flow, what, index, clock)
        if on_block is not None:
            sounds = np.stack([result.stems[name][:, edit.start :] for name in result.names])
            on_block(BlockAudio(0, edit.start, sounds, result.mix[:, edit.start :], result.names, index))
        results.append(result)
    return results


def _option(flow: "HarmonicFlow", what: Continuation, index: int, clock: Clock) -> Result:
    old, request, edit = what.old, what.request, what.edit
    seed = (request.seed + index) % (MAX_SEED + 1)
    clock.say("compose")
    new = recomposed(flow, what.known, what.given, old.plan, what.steering, what.stems, edit, seed)
    added = new.score.within(edit.start_beat, edit.end_beat).notes
    score = replace(new.score, notes=(*old.score.notes, *added))
    canvas = _longer_canvas(old.canvas, latent_length(edit.selection))
    performed(flow, edit, canvas, range(1, 1 + len(flow.stems)), score, old.plan, seed, request.steps, clock)
    clock.say("mix")
    rows = [1 + flow.stems.index(name) for name in old.names]
    sound = _joined(old, edit, what.tails, decoded(flow, edit, canvas, rows))
    clock.say("place")
    return replace(
        old, selection=edit.selection, stems=sound.stems, dry=sound.dry, mix=sound.mix, binaural=sound.binaural,
        score=score, canvas=canvas, seed=seed, steps=request.steps, request=msgspec.to_builtins(request),
        bundle=flow.identity(), report=report(sound, edit.selection.rate), warnings=what.warnings + new.warnings,
        parent=old.take, title=request.title or old.title, option=index + 1, composer=new.composer, folder=None,
        take="", shared={},
    )  # fmt: skip


def longer(selection: Selection, request: Extend) -> Selection:
    """The parent's selection with what the request adds; raises `bad_selection`, `too_short`, `too_long`."""
    return selection.extended(bars=request.bars, beats=request.beats, seconds=request.seconds)


def _steered(old: Result, request: Extend, edit: Edit) -> tuple[Extend, Steering]:
    """The request with the parent's steering where it has none, and that steering as composers know it.

    An energy curve goes over the new bars; of the parent's, which has gone over the others, the last value holds on.
    """
    own = request.steering is not None
    request = inherited(old, request)
    if request.steering is not None and not own and request.steering.energy:
        held = msgspec.structs.replace(request.steering, energy=request.steering.energy[-1:])
        request = msgspec.structs.replace(request, steering=held)
    steering = steering_of(request)
    bars, new = len(edit.selection.bars()), len(edit.bars)
    # Composers ask for the curve at the middle of each bar of the whole: its odd points, of two a bar and one.
    shares = (max(0.0, (point / 2 - (bars - new)) / new) for point in range(2 * bars + 1))
    curve = tuple(steering.energy_at(share) or 0.0 for share in shares) if steering.energy else ()
    return request, replace(steering, energy=curve)


def _known(old: Result, edit: Edit, chords: str | None, given: tuple[ChordSpan, ...]) -> Score:
    """The parent's score, whose chords and sections go on: all that is known of the whole."""
    lines, new = bar_lines(old.selection), [(bar.grid_start, bar.grid_start + bar.meter.beats) for bar in edit.bars]
    seam, end = edit.start_beat, edit.end_beat
    spans = edited_chords(old.score, chords, edit.bars, seam, end)
    if not (chords or "").strip():
        spans = laid_over(spans, given or chords_onward(spans, lines, seam, new), seam, end)
    sections = sections_onward(old.score.sections, lines, seam, new)
    return replace(old.score, chords=spans, sections=sections)


def _longer_canvas(old: Canvas, frames: int) -> Canvas:
    """The parent's canvas with unknown frames after it."""
    whole = Canvas.blank(len(old.latents) - 1, frames)
    whole.latents[:, : old.frames] = old.latents
    whole.known[:, : old.frames] = old.known
    return whole


def _joined(old: Result, edit: Edit, tails: np.ndarray, new_SN: np.ndarray) -> Sound:
    """The parent and what follows it in dry and delivered stems, mix and binaural render."""
    rate, seam = edit.selection.rate, edit.start
    dry = np.stack([join(kept, tail, new, rate) for kept, tail, new in zip(old.dry, tails, new_SN, strict=True)])
    low = max(0, seam - round(LEAD_IN_S * rate))
    lead = seam - low
    strips = [StripProcessor(old.strips[name], rate) for name in old.names]
    coloured = np.stack([strip.colour(x) for strip, x in zip(strips, dry[:, low:], strict=True)])
    placed = {name: strip.place(x) for name, strip, x in zip(old.names, strips, coloured, strict=True)}
    stems = {name: dry[row][None] for row, name in enumerate(old.names)}
    if old.delivery != "dry":
        stems = {name: carry_on(old.stems[name], again, lead, rate) for name, again in placed.items()}
    whole = carry_on(old.mix, mix(placed, rate), lead, rate)
    room = carry_on(old.binaural, binaural(old.names, coloured, rate), lead, rate)
    return Sound(stems, dry, whole, room)
