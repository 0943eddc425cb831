"""Which entries of a folder are clips, and when one is complete.

A clip is what has the name of a sound or MIDI file and is not hidden; results are not clips. It is complete when its
size and times have not changed for `SETTLE_S` and, where the system can say so, nobody has it open for writing. What
was renamed into the folder is old already, and is taken at the first look.

The folder is read again and again: notices of changes differ from system to system and do not come at all from many
network drives, and reading a folder of a thousand names takes milliseconds.
"""

import contextlib
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from harmonicflow.core.paths import home

from ..scores import SUFFIXES

SETTLE_S: Final = 1.0
RESULT: Final = " - HarmonicFlow"
_RESULT: Final = re.compile(rf".*{RESULT}(?: \d+)?", re.DOTALL)
KINDS: Final = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Mark(NamedTuple):
    """What a file is known by from look to look: another mark is another clip."""

    number: int  # of the file in its file system
    size: int
    changed_ns: int
    touched_ns: int  # also where only the name or the permissions were changed


class Clip(NamedTuple):
    """Something with the name of a clip. `kind`: "" for a file, else what it is, with an article."""

    path: Path
    mark: Mark
    kind: str = ""


def is_result(name: str) -> bool:
    """Whether a name, without its ending, is one that we give."""
    return _RESULT.fullmatch(name) is not None


def endings() -> tuple[str, ...]:
    """How the names of clips end."""
    from harmonicflow.audio.files import ENDINGS

    return (*ENDINGS, *SUFFIXES)


def printable(path: object) -> str:
    """A path as text, whatever bytes its name has."""
    return str(path).encode("utf-8", "replace").decode()


def look(path: Path) -> Clip | None:
    """What is there under a name; None where nothing is."""
    try:
        about = path.lstat()
    except OSError:
        return None
    mark = Mark(about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
    kind = stat.S_IFMT(about.st_mode)
    if kind in (stat.S_IFDIR, stat.S_IFIFO):  # what is done to one, or in it, does not make it another one
        mark = Mark(about.st_ino, 0, 0, 0)
    if kind != stat.S_IFREG:
        return Clip(path, mark, KINDS.get(kind, "something else"))
    return Clip(path, mark, "" if printable(path.name) == path.name else "a file whose name is not UTF-8")


def listed(folder: Path, recursive: bool, wanted: tuple[str, ...]) -> Iterator[Path]:
    """The names of clips in a folder, results and hidden ones left out, in their order. Raises OSError.

    `recursive`: and those in its folders, but for links and for folders that hold a take.
    """
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        name = Path(entry.name)
        if entry.name.startswith((".", "~")) or is_result(name.stem) or is_result(entry.name):
            continue
        if name.suffix.lower() in wanted:
            yield Path(entry.path)
        elif recursive and entry.is_dir(follow_symlinks=False) and not _is_ours(Path(entry.path)):
            with contextlib.suppress(OSError):  # it has gone, or nobody may look into it
                yield from listed(Path(entry.path), recursive, wanted)


def _is_ours(folder: Path) -> bool:
    """Whether a folder holds a take, or what we keep."""
    return os.path.lexists(folder / "take.json") or folder == home()


class Looks:
    """One look at a folder after the other. `clock`: seconds since 1970, as the times of files are."""

    def __init__(self, folder: Path, recursive: bool, clock: Callable[[], float] = time.time) -> None:
        self.folder, self._recursive, self._clock = folder, recursive, clock
        self._wanted = endings()
        self._unsettled: dict[Path, tuple[Mark, float]] = {}  # since when it is as it is
        self._known: dict[Path, Mark] = {}

    @property
    def unsettled(self) -> int:
        """How many were not complete at the last look."""
        return len(self._unsettled)

    def new(self) -> list[Clip]:
        """The clips that are complete and were not there, or were others, at any look before. Raises OSError."""
        found: list[Clip] = []
        there = set()
        for path in listed(self.folder, self._recursive, self._wanted):
            clip = look(path)
            if clip is None:
                continue
            there.add(path)
            if self._known.get(path) == clip.mark:
                self._unsettled.pop(path, None)
            elif self._settled(clip):
                self._known[path] = clip.mark
                found.append(clip)
        for memory in (self._known, self._unsettled):
            for path in [each for each in memory if each not in there]:
                del memory[path]
        return found

    def forget(self, path: Path) -> None:
        """Take it for new at the next look."""
        self._known.pop(path, None)

    def _settled(self, clip: Clip) -> bool:
        now = self._clock()
        mark, since = self._unsettled.get(clip.path, (None, now))
        if mark != clip.mark:
            since = now
        quiet_s = max(now - since, min(now - clip.mark.changed_ns / 1e9, SETTLE_S * (sys.platform == "linux")))
        if not clip.kind and (quiet_s < SETTLE_S or being_written(clip.path)):
            self._unsettled[clip.path] = (clip.mark, since)
            return False
        self._unsettled.pop(clip.path, None)
        return True


def being_written(path: Path) -> bool:
    """Whether somebody has a file open for writing. Only Linux can say so, and only of our own files: else False."""
    if sys.platform != "linux":
        return False
    import fcntl
    import signal

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # A lease to read is refused while there is a writer. One who comes in between waits for the moment until it is
        # given back; the signal that tells us of him, which would end this process, is made one that is ignored.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:  # another user's, or a file system without leases
        return False
    finally:
        os.close(descriptor)
    return False
