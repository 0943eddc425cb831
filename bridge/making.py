"""`generate` from options to takes: check everything here first, then send it. The demo does the same."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import ClipSpec, Delivery, Generate, TakeSummary
from harmonicflow.core.tempo import Selection

from .follow import follow
from .output import say
from .request import (
    DEFAULT_BPM,
    DEFAULT_RATE,
    Span,
    check_harmony,
    look_at,
    new_seed,
    out_folders,
    read_clip,
    read_like,
    request_id,
    selection_of,
)
from .results import check_lengths, copy_take, show_take
from .scores import is_midi, specs, take_given
from .spawn import connect_or_start
from .steering import take_steering

__all__ = ["Prepared", "Span", "generate", "make", "prepared"]


def generate(
    clip: str | None, span: Span, rate: int | None, out: str | None, as_json: bool, choices: dict[str, Any]
) -> None:
    """Make takes and write them to stdout."""
    for take in make(clip, span, rate, out, choices):
        show_take(take, as_json)


class Prepared(NamedTuple):
    """A request with its buffers, and the range that it is about."""

    request: Generate
    buffers: list[Any]
    selection: Selection


def make(
    clip: str | None, span: Span, rate: int | None, out: str | None, choices: dict[str, Any]
) -> tuple[TakeSummary, ...]:
    """Make takes; `choices` as in `prepared`. Raises `disk` for --out before any work."""
    folders: list[Path] = []
    request, buffers, selection = prepared(
        clip, span, rate, choices, check=lambda: folders.extend(out_folders(out, choices.get("count", 1)))
    )
    with connect_or_start() as client:
        takes = follow(client, request, buffers)
    for take in takes:
        check_lengths(take, selection.frames, selection.rate)
    if folders:
        takes = tuple(copy_take(take, folder) for take, folder in zip(takes, folders, strict=True))
    return takes


def prepared(
    clip: str | None,
    span: Span,
    rate: int | None,
    choices: dict[str, Any],
    usual_bpm: Callable[[], Fraction] | None = None,
    check: Callable[[], None] = lambda: None,
) -> Prepared:
    """A request from options; what can be wrong with it is found here, before a daemon is asked or started.

    `choices` are fields of `messages.Generate`, with None for the seed to draw one. Their `like` holds pairs of stem
    and path; options that steer and that name MIDI files are turned into fields here. A clip that is a MIDI file is a
    finished part. `usual_bpm`: the tempo where nothing says one; `check`: called before sound is read.
    """
    spec: ClipSpec | None = None
    sound: list[Any] = []
    choices = dict(choices)
    if clip is not None and is_midi(clip):
        clip, choices["midi"] = None, (clip, *choices.get("midi", ()))
        if span.start is not None or span.end is not None:
            raise HarmonicFlowError(
                "bad_option",
                option="--start" if span.start is not None else "--end",
                value=str(span.start if span.start is not None else span.end),
                reason="the clip is MIDI: give --bars",
            )
    choices["steering"], given = take_steering(choices), take_given(choices)
    span = replace(span, clock=given.clock)
    if span.borrows_tempo:
        say(f"note: tempo{' and meter' if span.meter is None else ''} are those of the MIDI file")
    if clip is not None:
        info = look_at(clip)
        selection = selection_of(span, info.rate, info.frames)
        if span.tempo is None and not span.borrows_tempo:
            say(f"note: no --tempo given, so the clip is taken to be at {DEFAULT_BPM} beats a minute")
    else:
        if span.tempo is None and not span.borrows_tempo and usual_bpm is not None:
            span = replace(span, tempo=usual_bpm())
        selection = selection_of(span, DEFAULT_RATE if rate is None else rate)
    check_harmony(choices.get("chords"), choices.get("key"), selection)
    check()
    if clip is not None:
        spec, audio = read_clip(clip, info.frames, selection)
        sound = [audio]
    like, references = read_like(choices.get("like", ()))
    scores = specs(given, selection, choices.get("chords"))
    request = _message(selection, choices | {"like": like} | scores, clip=spec)
    return Prepared(request, [*sound, *references], selection)


def _message(selection: Selection, choices: dict[str, Any], **fields: Any) -> Generate:
    fields |= choices
    fields["seed"] = new_seed() if choices.get("seed") is None else choices["seed"]
    fields["delivery"] = Delivery(choices.get("delivery", "mixed"))
    return Generate(id=request_id(), selection=selection.to_wire(), **fields)
