"""The takes that are to be exported: found by name on this computer's disk, with or without a daemon, and read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from harmonicflow.core import connection, paths
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import SelectionSpec, TakeSummary
from harmonicflow.core.tempo import Selection

from ..results import read_details

if TYPE_CHECKING:
    from harmonicflow.score.score import Score

LAST: Final = "last"
SHOWN: Final = 4  # names in an error
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # messages.Id
_FILE: Final = re.compile(r"\w[\w .-]{0,99}")  # of a take: a file in its folder and nothing else, on every system


@dataclass(frozen=True)
class Take:
    """A take on the disk: its folder, what take.json says of it, and its selection."""

    folder: Path
    summary: TakeSummary
    selection: Selection
    details: dict[str, Any]

    @property
    def name(self) -> str:
        return self.summary.take

    @cached_property
    def score(self) -> "Score":
        """The exact notes, chords and sections; raises `bad_take`."""
        from harmonicflow.score.score import Score

        try:
            return Score.from_wire(self.details["score"])
        except (KeyError, TypeError, ValueError, ZeroDivisionError, HarmonicFlowError) as error:
            raise HarmonicFlowError("bad_take", take=self.folder, reason=f"its score: {error}") from None

    @property
    def request(self) -> str:
        """The name of the request that made it, "" where nobody has written it down."""
        request = self.details.get("request")
        return str(request.get("id", "")) if isinstance(request, dict) else ""

    @property
    def key(self) -> str:
        """The key as people write it, "" where none is known."""
        plan = self.details.get("plan")
        return str(plan.get("key") or "") if isinstance(plan, dict) else ""


def find(names: Sequence[str], options: bool = False) -> list[Take]:
    """The takes that a person means, each once; with `options` all that were made by the same request as each.

    A name is a take's, the beginning of one, "last", or a folder. Raises `unknown_take`, `several_takes`, `bad_take`;
    with a daemon on another computer also what fetching the take raises.
    """
    takes: dict[Path, Take] = {}
    for name in names:
        take = read(_folder(name))
        for each in _beside(take) if options else (take,):
            takes.setdefault(each.folder.resolve(), each)
    return list(takes.values())


def read(folder: Path) -> Take:
    """The take in a folder; raises `unknown_take`, `bad_take`."""
    if not (folder / "take.json").is_file():
        raise HarmonicFlowError("unknown_take", take=folder.name)
    details = read_details(folder)
    try:
        summary = msgspec.convert(details["summary"], TakeSummary)
        selection = Selection.from_wire(msgspec.convert(details["selection"], SelectionSpec))
    except (KeyError, msgspec.ValidationError, HarmonicFlowError) as error:
        raise HarmonicFlowError("bad_take", take=folder, reason=f"its take.json: {error}") from None
    for name in (*(row.file for row in summary.files), *summary.parts.values()):
        if not _FILE.fullmatch(name):
            raise HarmonicFlowError("bad_take", take=folder, reason=f"{name[:100]!r} is not a file name")
    for row in summary.files:
        if (row.frames, row.rate) != (selection.frames, selection.rate):
            raise HarmonicFlowError("bad_take", take=folder, reason=f"{row.file} does not fit its selection")
    return Take(folder, summary, selection, details)


def _folder(name: str) -> Path:
    """Where a take lies; one that only the daemon of another computer has is brought here first."""
    folder = Path(name).expanduser()
    if (folder / "take.json").is_file():
        return folder
    if name != LAST and not _NAME.fullmatch(name):
        raise HarmonicFlowError("unknown_take", take=name[:100])
    daemon = connection.find()
    remote = daemon is not None and daemon.remote
    found = [] if remote and name == LAST else _kept(name)
    if len(found) > 1:
        some = ", ".join(each.name for each in found[:SHOWN])
        raise HarmonicFlowError("several_takes", name=name, count=len(found), some=some)
    if found:
        return found[0]
    if not remote:
        raise HarmonicFlowError("unknown_take", take=name)
    return _fetched(name)


def _kept(name: str) -> list[Path]:
    """The folders of the takes on this computer that a name may stand for, the newest first."""
    from ..fetching import FOLDER

    homes = (paths.takes_folder(), paths.home() / FOLDER)
    files = [file for home in homes for file in home.glob("*/take.json")]
    folders = [file.parent for file in sorted(files, key=_age, reverse=True) if not file.parent.name.startswith(".")]
    if name == LAST:
        return folders[:1]
    exact = [folder for folder in folders if folder.name == name]
    return exact[:1] or [folder for folder in folders if folder.name.startswith(name)]


def _age(file: Path) -> tuple[float, str]:
    try:
        return file.stat().st_mtime, file.parent.name
    except OSError:  # it has just been removed
        return 0.0, file.parent.name


def _fetched(name: str) -> Path:
    from ..client import Client
    from ..fetching import fetch
    from ..remaking import find_take

    with Client.connect() as client:
        return Path(fetch(client, find_take(client, name)).folder)


def _beside(take: Take) -> list[Take]:
    """The takes of the same request, this one included, in their order: those of one job have its name and a number."""
    folder = take.folder.resolve()
    names = folder.parent.glob(f"{folder.name.rpartition('-')[0]}-*/take.json") if take.request else ()
    found = [each for each in (read(name.parent) for name in names) if each.request == take.request]
    return sorted(found, key=lambda each: (each.summary.option, each.name)) or [take]
