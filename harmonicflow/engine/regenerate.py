"""Regenerate: some stems, on some bars, and nothing else.

Latents of the edit are unknown, all others known: that is the whole task for the performer. What is kept comes back
exactly: splicing is done on session-rate sound, with both crossfades inside the edit.

Legend: S stems, N frames of the selection at the session's rate.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from harmonicflow.audio.seams import splice
from harmonicflow.core.messages import Regenerate
from harmonicflow.mix.bus import mix
from harmonicflow.mix.strips import StripProcessor, pan_gains

from .canvas import Canvas
from .clock import Clock
from .compose import edited_chords
from .deliver import binaural, measure
from .edit import LEAD_IN_S, Edit, check_parent, decoded, performed
from .given import steering_of
from .recompose import Recomposed, finished_parts, inherited, laid_over, recomposed, replanned
from .request import MAX_SEED, check_stems, in_bars
from .result import BlockAudio, Result
from .timbre import Like, timbre

if TYPE_CHECKING:
    from .api import HarmonicFlow

def regenerate(
    flow: "HarmonicFlow",
    old: Result,
    request: Regenerate,
    like: Like | None,
    clock: Clock,
    on_block: Callable[[BlockAudio], None] | None,
) -> list[Result]:
    """`count` new results; see `HarmonicFlow.regenerate`."""
    check_parent(flow, old)
    stems = check_stems(request.stems, old.names)
    request = in_bars(request, old.selection)
    edit = Edit.of(old.selection, request.from_bar or 0, request.to_bar or 0)
    clock.expect([block.end - block.start for block in edit.blocks(flow)] * request.count, request.steps)
    plan = replace(old.plan, timbre=timbre(flow.runtime, like, stems, request.like, old.plan.timbre))
    told = replace(old, plan=replanned(flow, plan, request))
    request = inherited(old, request)
    said = flow.unheard(like)
    return [_take(flow, told, request, index, stems, edit, said, clock, on_block) for index in range(request.count)]


def _take(
    flow: "HarmonicFlow",
    old: Result,
    request: Regenerate,
    index: int,
    stems: tuple[str, ...],
    edit: Edit,
    said: tuple[str, ...],
    clock: Clock,
    on_block: Callable[[BlockAudio], None] | None,
) -> Result:
    seed = (request.seed + index) % (MAX_SEED + 1)
    clock.take_index = index
    clock.say("compose")
    new = _score(flow, old, request, stems, edit, seed)
    canvas = Canvas(old.canvas.latents.copy(), old.canvas.known.copy())
    rows = [1 + flow.stems.index(name) for name in stems]
    performed(flow, edit, canvas, rows, new.score, old.plan, seed, request.steps, clock)
    clock.say("mix")
    result = _spliced(old, stems, edit, decoded(flow, edit, canvas, rows))
    clock.say("place")
    result = replace(
        result, score=new.score, canvas=canvas, seed=seed, steps=request.steps, request=msgspec.to_builtins(request),
        bundle=flow.identity(), warnings=said + new.warnings, composer=new.composer, parent=old.take,
        title=request.title or old.title, folder=None, take="", option=index + 1,
        shared={name: old.folder for name in old.names if name not in stems} if old.folder else {},
    )  # fmt: skip
    if on_block is not None:
        part = slice(edit.start, edit.end)
        sounds = np.stack([result.stems[name][:, part] for name in result.names])
        on_block(BlockAudio(0, edit.start, sounds, result.mix[:, part], result.names, index))
    return result


def _score(
    flow: "HarmonicFlow", old: Result, request: Regenerate, stems: tuple[str, ...], edit: Edit, seed: int
) -> Recomposed:
    given = finished_parts(request, edit, stems)
    chords = edited_chords(old.score, request.chords, edit.bars, edit.start_beat, edit.end_beat)
    if given.chords and not (request.chords or "").strip():
        chords = laid_over(chords, given.chords, edit.start_beat, edit.end_beat)
    known = replace(old.score, chords=chords)
    return recomposed(flow, known, given, old.plan, steering_of(request), stems, edit, seed)


def _spliced(old: Result, stems: Sequence[str], edit: Edit, new_SN: np.ndarray) -> Result:
    """The parent with the edit in its dry and delivered stems, its mix and its binaural render."""
    rate = old.selection.rate
    dry, delivered, report = old.dry.copy(), dict(old.stems), dict(old.report)
    lead = max(0, edit.start - round(LEAD_IN_S * rate))
    for name, new in zip(stems, new_SN, strict=True):
        row = old.names.index(name)
        dry[row] = splice(old.dry[row], new, edit.start, edit.end, rate)
        delivered[name] = dry[row][None]
        if old.delivery != "dry":
            changed = old.stems[name].copy()
            changed[:, lead : edit.end] = StripProcessor(old.strips[name], rate).process(dry[row, lead : edit.end])
            delivered[name] = splice(old.stems[name], changed, edit.start, edit.end, rate)
        report[name] = measure(delivered[name], rate)
    if old.delivery == "dry":
        stereo = {name: StripProcessor(old.strips[name], rate).process(dry[row]) for row, name in enumerate(old.names)}
    else:
        stereo = {name: delivered[name] for name in old.names}
    whole = mix(stereo, rate)
    # A pan's two gains have squares that add up to one: turned back, they give the coloured mono stem.
    coloured = np.stack([np.array(pan_gains(old.strips[name].pan), np.float32) @ stereo[name] for name in old.names])
    placed = binaural(old.names, coloured, rate)
    report |= {"mix": measure(whole, rate), "binaural": measure(placed, rate)}
    return replace(old, stems=delivered, dry=dry, mix=whole, binaural=placed, report=report)
