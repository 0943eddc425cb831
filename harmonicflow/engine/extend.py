"""Extend: a take goes on from its end, once or in several options.

The parent is the known prefix, of its score as of its canvas; the bars after it are composed and performed with it as
context. Its samples stay what they are: dry stems are joined with a fade that lies after the seam, channel strips,
limiter and room run once more from a little before it, so that they are in the state in which the parent left them.

Legend: S delivered stems, R rows, L latent frames, K frames of the parent, N frames of the whole.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from harmonicflow.audio.joins import carry_on, foretold, join
from harmonicflow.core.messages import Extend
from harmonicflow.core.tempo import Selection
from harmonicflow.mix.bus import mix
from harmonicflow.mix.strips import StripProcessor
from harmonicflow.score.grid import bar_lines
from harmonicflow.score.keys import parse_key
from harmonicflow.score.onward import chords_onward, sections_onward
from harmonicflow.score.score import Score

from .blocks import latent_length
from .canvas import Canvas
from .clock import Clock
from .compose import compose, edited_chords, edited_score
from .deliver import Sound, binaural, report
from .edit import LEAD_IN_S, Edit, check_parent, decoded, performed, replanned
from .request import MAX_SEED, check_stems
from .result import BlockAudio, Result
from .timbre import Like, timbre

if TYPE_CHECKING:
    from .api import HarmonicFlow


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
    selection = longer(old.selection, request)
    edit = Edit.after(old.selection, selection)
    clock.expect([block.end - block.start for block in edit.blocks(flow)] * request.count, request.steps)
    plan = replace(old.plan, timbre=timbre(flow.runtime, like, stems, request.like, old.plan.timbre))
    told = replace(old, plan=replanned(flow, plan, request))
    known = _known(old, edit, request.chords)
    tails = foretold(old.dry, selection.rate)
    results = []
    for index in range(request.count):
        seed = (request.seed + index) % (MAX_SEED + 1)
        clock.take_index = index
        clock.say("compose")
        score, notes = _score(flow, told, known, stems, edit, seed)
        canvas = _longer_canvas(old.canvas, latent_length(selection))
        performed(flow, edit, canvas, range(1, 1 + len(flow.stems)), score, told.plan, seed, request.steps, clock)
        clock.say("mix")
        rows = [1 + flow.stems.index(name) for name in old.names]
        sound = _joined(old, edit, tails, decoded(flow, edit, canvas, rows))
        clock.say("place")
        result = replace(
            told, selection=selection, stems=sound.stems, dry=sound.dry, mix=sound.mix, binaural=sound.binaural,
            score=score, canvas=canvas, seed=seed, steps=request.steps, request=msgspec.to_builtins(request),
            bundle=flow.identity(), report=report(sound, selection.rate), warnings=flow.unheard(like) + notes,
            parent=old.take, title=request.title or old.title, option=index + 1, folder=None, take="", shared={},
        )  # fmt: skip
        if on_block is not None:
            sounds = np.stack([result.stems[name][:, edit.start :] for name in result.names])
            on_block(BlockAudio(0, edit.start, sounds, result.mix[:, edit.start :], result.names, index))
        results.append(result)
    return results


def longer(selection: Selection, request: Extend) -> Selection:
    """The parent's selection with what the request adds; raises `bad_selection`, `too_short`, `too_long`."""
    return selection.extended(bars=request.bars, beats=request.beats, seconds=request.seconds)


def _known(old: Result, edit: Edit, chords: str | None) -> Score:
    """The parent's score, whose chords and sections go on: all that is known of the whole."""
    lines, new = bar_lines(old.selection), [(bar.grid_start, bar.grid_start + bar.meter.beats) for bar in edit.bars]
    seam, end = edit.start_beat, edit.end_beat
    spans = edited_chords(old.score, chords, edit.bars, seam, end)
    if not (chords and chords.strip()):
        spans = (*spans, *chords_onward(spans, lines, seam, new))
    return replace(old.score, chords=spans, sections=sections_onward(old.score.sections, lines, seam, new))


def _score(
    flow: "HarmonicFlow", told: Result, known: Score, stems: tuple[str, ...], edit: Edit, seed: int
) -> tuple[Score, tuple[str, ...]]:
    """The parent's notes, exactly, and the new bars'; and warnings."""
    plan, span = told.plan, (edit.start_beat, edit.end_beat)
    new, notes = compose(
        edit.selection, stems, genre=plan.genre, chords=known.chords or None,
        key=parse_key(plan.key) if plan.key else None, emotion=plan.emotion, seed=seed, known=known, span=span,
        composer=flow.composer,
    )  # fmt: skip
    edited = edited_score(known, new, stems, *span, edit.selection)
    added = (note for note in edited.notes if note.start >= edit.start_beat and note.instrument in stems)
    chords, sections = known.chords or new.chords, known.sections or new.sections
    return Score((*known.notes, *added), chords, sections), notes


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
