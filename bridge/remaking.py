"""`regenerate` from options to takes, and the ways a person may name a take."""

import re
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import (
    ListTakes,
    Regenerate,
    ScoreSpec,
    SelectionSpec,
    ShowTake,
    TakeList,
    TakeReply,
    TakeSummary,
)
from harmonicflow.core.tempo import Selection, frame_of

from .client import Client
from .follow import follow
from .request import new_seed, out_folders, read_like, request_id
from .results import check_lengths, copy_take, read_details, show_take
from .scores import Given, moved, specs, take_given
from .spawn import connect_or_start
from .steering import take_steering

LAST: Final = "last"
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # messages.Id


class Place(NamedTuple):
    """Where in a take: bars, the last included, or seconds; None: from its start, to its end."""

    from_bar: int | None = None
    to_bar: int | None = None
    start_s: Fraction | None = None
    end_s: Fraction | None = None


def regenerate(
    take: str,
    stems: tuple[str, ...],
    place: Place,
    out: str | None,
    as_json: bool,
    choices: dict[str, Any],
) -> None:
    """Make new takes from `take` and write them to stdout."""
    folders = out_folders(out, choices.get("count", 1))
    steering, given = take_steering(choices), take_given(choices)
    choices["like"], references = read_like(choices.get("like", ()))
    choices["seed"] = new_seed() if choices["seed"] is None else choices["seed"]
    with connect_or_start() as client:
        parent = find_take(client, take)
        where = _where(parent, place)
        scores = _scores(client, parent, given, where, choices.get("chords"))
        request = Regenerate(
            id=request_id(), take=parent.take, stems=stems, steering=steering, **where, **(choices | scores)
        )
        takes = follow(client, request, references)
    for new in takes:
        check_lengths(new, parent.frames, parent.rate)
    if folders:
        takes = tuple(copy_take(new, folder) for new, folder in zip(takes, folders, strict=True))
    for new in takes:
        show_take(new, as_json)


def _where(parent: TakeSummary, place: Place) -> dict[str, Any]:
    """The fields that say where: `frames` for seconds, else bars. Raises `bad_bars`, `bad_selection`."""
    if place.start_s is not None or place.end_s is not None:
        start = frame_of(place.start_s or 0, parent.rate)
        end = parent.frames if place.end_s is None else frame_of(place.end_s, parent.rate)
        if not 0 <= start < end <= parent.frames:
            told = {"start": f"{start / parent.rate:g} s", "end": f"{end / parent.rate:g} s"}
            reason = f"the take has {parent.seconds:g} seconds"
            raise HarmonicFlowError("bad_selection", **told, reason=reason, hint="Give a start and an end inside it")
        return {"frames": (start, end)}
    first = 1 if place.from_bar is None else place.from_bar
    last = max(first, parent.bars) if place.to_bar is None else place.to_bar
    if not 1 <= first <= last <= parent.bars:
        raise HarmonicFlowError("bad_bars", first=first, last=last, bars=parent.bars)
    return {"from_bar": first, "to_bar": last}


def _scores(
    client: Client, parent: TakeSummary, given: Given, where: dict[str, Any], chords: str | None
) -> dict[str, ScoreSpec]:
    """The fields that carry scores: what is finished is moved to the first of the bars. Raises `bad_take`."""
    if given == Given():
        return {}
    whole = take_selection(client, parent)
    bars = whole.bars_touched(*where["frames"]) if "frames" in where else (where["from_bar"], where["to_bar"])
    begin, end = whole.bar_range(*bars)
    return scores_inside(given, whole, begin.start_frame, end.end_frame, begin.start_beat, chords)


def take_selection(client: Client, take: TakeSummary) -> Selection:
    """The selection that a take was made for; raises `bad_take`."""
    details = client.ask(ShowTake(id=request_id(), take=take.take), TakeReply).details
    try:
        return Selection.from_wire(msgspec.convert(details["selection"], SelectionSpec))
    except (KeyError, msgspec.ValidationError) as error:
        raise HarmonicFlowError("bad_take", take=take.take, reason=f"its selection: {error}") from None


def scores_inside(
    given: Given, whole: Selection, start: int, end: int, beat: Fraction, chords: str | None
) -> dict[str, ScoreSpec]:
    """The fields that carry scores for the frames `start` to `end` of a selection, which begin on its beat `beat`."""
    if given == Given():
        return {}
    frames = (whole.start_frame + start, whole.start_frame + end)
    part = Selection(whole.rate, *frames, whole.tempo, whole.meters, whole.start_beat + beat)
    found = specs(given, part, chords)
    if "score" in found:
        found["score"] = moved(found["score"], beat)
    return found


def find_take(client: Client, name: str) -> TakeSummary:
    """The take that a person means by an id, by "last" or by a folder; raises `unknown_take`."""
    if name == LAST:
        newest = client.ask(ListTakes(id=request_id(), limit=1), TakeList).takes
        if not newest:
            raise HarmonicFlowError("unknown_take", take=name)
        return newest[0]
    take = _id_in(name)
    if not _ID.fullmatch(take):
        raise HarmonicFlowError("unknown_take", take=name)
    return client.ask(ShowTake(id=request_id(), take=take), TakeReply).take


def _id_in(name: str) -> str:
    """The id itself, or the one that the take.json of a folder holds."""
    folder = Path(name).expanduser()
    try:
        if not folder.is_dir():
            return name
        return str(read_details(folder)["summary"]["take"])
    except (OSError, KeyError, TypeError):
        raise HarmonicFlowError("unknown_take", take=name) from None
