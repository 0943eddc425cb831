"""`regenerate` from options to takes, and the ways a person may name a take."""

import re
from pathlib import Path
from typing import Any, Final

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import ListTakes, Regenerate, ShowTake, TakeList, TakeReply, TakeSummary

from .client import Client
from .follow import follow
from .request import new_seed, out_folders, read_like, request_id
from .results import check_lengths, copy_take, read_details, show_take
from .spawn import connect_or_start

LAST: Final = "last"
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # messages.Id


def regenerate(
    take: str,
    stems: tuple[str, ...],
    from_bar: int | None,
    to_bar: int | None,
    out: str | None,
    as_json: bool,
    choices: dict[str, Any],
) -> None:
    """Make new takes from `take` and write them to stdout."""
    folders = out_folders(out, choices.get("count", 1))
    choices["like"], references = read_like(choices.get("like", ()))
    choices["seed"] = new_seed() if choices["seed"] is None else choices["seed"]
    with connect_or_start() as client:
        parent = find_take(client, take)
        first = 1 if from_bar is None else from_bar
        last = max(first, parent.bars) if to_bar is None else to_bar
        if not 1 <= first <= last <= parent.bars:
            raise HarmonicFlowError("bad_bars", first=first, last=last, bars=parent.bars)
        request = Regenerate(id=request_id(), take=parent.take, stems=stems, from_bar=first, to_bar=last, **choices)
        takes = follow(client, request, references)
    for new in takes:
        check_lengths(new, parent.frames, parent.rate)
    if folders:
        takes = tuple(copy_take(new, folder) for new, folder in zip(takes, folders, strict=True))
    for new in takes:
        show_take(new, as_json)


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
