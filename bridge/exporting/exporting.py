"""`export-take`: names and options become files, and what was written is told."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.paths import disk_errors

from ..output import result, result_json, say
from .dawproject import ENDING, write_dawproject
from .folder import write_folder
from .found import Take, find
from .wanted import Wanted

_UNFIT: Final = re.compile(r'[\x00-\x1f<>:"/\\|?*]')  # in names of files, on one system or another
LONGEST_NAME: Final = 80


def export(
    names: Sequence[str], folder: bool, out: str | None, force: bool, options: bool, wanted: Wanted, as_json: bool
) -> None:
    """Export takes and say where to; raises what the writers raise, and `exists`."""
    takes = find(names, options)
    for take in takes:
        wanted.stems_of(take)
    if folder:
        _folders(takes, out, force, wanted, as_json)
    else:
        _project(takes, out, force, wanted, as_json)


def _project(takes: Sequence[Take], out: str | None, force: bool, wanted: Wanted, as_json: bool) -> None:
    file = Path(out).expanduser() if out else Path(f"{_name(takes)}{ENDING}")
    if file.is_dir() or (out or "").endswith(("/", os.sep)):
        file = file / f"{_name(takes)}{ENDING}"
    if file.suffix.lower() != ENDING:
        file = file.with_name(f"{file.name}{ENDING}")
    if file.exists() and not force:
        raise HarmonicFlowError("exists", path=file)
    with disk_errors(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
    tracks = write_dawproject(file, takes, wanted)
    if as_json:
        result_json(_row(takes) | {"file": str(file.absolute()), "bytes": file.stat().st_size, "tracks": tracks})
        return
    say(f"tracks: {', '.join(tracks)}")
    result(str(file.absolute()))


def _folders(takes: Sequence[Take], out: str | None, force: bool, wanted: Wanted, as_json: bool) -> None:
    """One folder for one take; of several each in a folder inside it."""
    folder = Path(out).expanduser() if out else Path(_name(takes))
    targets = [folder] if len(takes) == 1 else [folder / _fit(take.name) for take in takes]
    for target in targets:
        if (target / "take.json").exists():
            reason = "it is a take, and takes are never changed"
            raise HarmonicFlowError("bad_option", option="--out", value=str(target), reason=reason)
        if target.exists() and not target.is_dir():
            reason = "a file has that name, and a folder is to be made"
            raise HarmonicFlowError("bad_option", option="--out", value=str(target), reason=reason)
        if target.exists() and not force and not (target.is_dir() and not any(target.iterdir())):
            raise HarmonicFlowError("exists", path=target)
    for take, target in zip(takes, targets, strict=True):
        written = write_folder(target, take, wanted)
        if as_json:
            result_json(_row([take]) | {"folder": str(target.absolute()), "files": written})
        else:
            say(f"files: {', '.join(written)}")
            result(str(target.absolute()))


def _row(takes: Sequence[Take]) -> dict[str, Any]:
    return {"takes": [take.name for take in takes]}


def _name(takes: Sequence[Take]) -> str:
    """What is made is called after the title, where there is one, and the first take."""
    take = takes[0]
    return _fit(f"{take.summary.title} {take.name}".strip())


def _fit(name: str) -> str:
    return _UNFIT.sub("_", name).strip(" .")[-LONGEST_NAME:].strip() or "take"
