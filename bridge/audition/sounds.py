"""What a person names to hear it (a take, a sound file, a score), and the sound files that it stands for."""

import glob
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from harmonicflow.core.constants import DEFAULT_STEMS
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.paths import takes_folder

from ..output import say
from ..results import read_details
from ..scores import is_midi

LAST: Final = "last"
SHOWN: Final = 4  # names in an error


class Sound(NamedTuple):
    """A sound file, and the name by which what it belongs to is found again: a take's, a folder's or its own."""

    name: str
    path: Path


def sounds(what: str, part: str, choices: dict[str, Any], options: bool = False) -> Iterator[Sound]:
    """What `what` stands for, made first if it is a score; with `options` all takes of the same request.

    `part`: the file of a take, without its ending. Raises `unknown_take`, `unknown_stem` and what performing raises.
    """
    file = Path(what).expanduser()
    if file.is_dir():
        folder = file
    elif file.is_file() or file.suffix:
        if not is_midi(what):
            yield Sound(str(file), file)
            return
        folder = _performed(what, choices)
    else:
        folder = take_folder(what)
    if not (folder / "take.json").is_file():
        raise HarmonicFlowError("unknown_take", take=what)
    for each in _options(folder) if options else (folder,):
        yield of_take(each, part)


def take_folder(name: str) -> Path:
    """The folder of a take by its name, the beginning of it, or "last"; it need not be there.

    Raises `several_takes`.
    """
    home = takes_folder()
    if name == LAST:
        found = sorted(home.glob("*/take.json"), key=lambda file: file.stat().st_mtime)
        return found[-1].parent if found else home / LAST
    folder = home / Path(name).name
    if not name or folder.exists():
        return folder
    begin = sorted(file.parent for file in home.glob(f"{glob.escape(folder.name)}*/take.json"))
    if len(begin) > 1:
        some = ", ".join(each.name for each in begin[-SHOWN:])
        raise HarmonicFlowError("several_takes", name=name, count=len(begin), some=some)
    return begin[0] if begin else folder


def of_take(folder: Path, part: str) -> Sound:
    """A file of a take by the name of its part; raises `unknown_stem`."""
    file = folder / f"{part}.wav"
    if not file.is_file():
        known = sorted(each.stem for each in folder.glob("*.wav"))
        raise HarmonicFlowError("unknown_stem", stem=part, known=", ".join(known))
    ours = folder.resolve().parent == takes_folder().resolve()
    return Sound(folder.resolve().name if ours else str(folder), file)


def _options(folder: Path) -> list[Path]:
    """The takes beside this one that were made by the same request, this one included, in their order.

    Takes of one job have its name and a number: only those are looked into.
    """
    folder = folder.resolve()
    request = _request(folder)
    beside = folder.parent.glob(f"{folder.name.rpartition('-')[0]}-*")
    found = [each for each in beside if request and _request(each) == request]
    return sorted(found, key=lambda each: (len(each.name), each.name)) or [folder]


def _request(folder: Path) -> object:
    request = read_details(folder).get("request")
    return request.get("id") if isinstance(request, dict) else None


def _performed(path: str, choices: dict[str, Any]) -> Path:
    """The take of a score."""
    from ..making import Span, make

    (take,) = make(None, Span(), None, None, performance(path, choices))
    say(f"take: {take.take}")
    return Path(take.folder)


def performance(path: str, choices: dict[str, Any]) -> dict[str, Any]:
    """The choices for `making` that perform a score: its parts are finished, and nobody else plays."""
    from harmonicflow.score.midi import read_midi

    parts = read_midi(Path(path).expanduser(), dict(choices.get("tracks", ()))).score.parts
    stems = tuple(name for name in DEFAULT_STEMS if name in parts)
    return {"midi": (path,), "stems": stems, "title": Path(path).stem[:200]} | choices
