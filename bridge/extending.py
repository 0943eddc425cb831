"""`extend` from options to takes."""

from fractions import Fraction
from typing import Any

from harmonicflow.core.messages import Extend

from .follow import follow
from .remaking import find_take, scores_inside, take_selection
from .request import check_harmony, new_seed, out_folders, read_like, request_id
from .results import check_lengths, copy_take, show_take
from .scores import take_given
from .spawn import connect_or_start
from .steering import take_steering


def extend(
    take: str,
    bars: int | None,
    beats: Fraction | None,
    seconds: Fraction | None,
    stems: tuple[str, ...],
    out: str | None,
    as_json: bool,
    choices: dict[str, Any],
) -> None:
    """Make new takes that go on from the end of `take` and write them to stdout."""
    folders = out_folders(out, choices.get("count", 1))
    steering, given = take_steering(choices), take_given(choices)
    choices["like"], references = read_like(choices.get("like", ()))
    choices["seed"] = new_seed() if choices["seed"] is None else choices["seed"]
    with connect_or_start() as client:
        parent = find_take(client, take)
        before = take_selection(client, parent)
        whole = before.extended(bars=bars, beats=beats, seconds=seconds)
        check_harmony(choices.get("chords"), choices.get("key"), whole)
        scores = scores_inside(given, whole, before.frames, whole.frames, before.beats, choices.get("chords"))
        request = Extend(
            id=request_id(), take=parent.take, bars=bars, beats=None if beats is None else str(beats),
            seconds=None if seconds is None else float(seconds), stems=stems, steering=steering, **(choices | scores),
        )  # fmt: skip
        takes = follow(client, request, references)
    for new in takes:
        check_lengths(new, whole.frames, whole.rate)
    if folders:
        takes = tuple(copy_take(new, folder) for new, folder in zip(takes, folders, strict=True))
    for new in takes:
        show_take(new, as_json)
