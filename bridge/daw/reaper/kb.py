"""REAPER's file `reaper-kb.ini`: actions, keys and scripts, a line each. Ours are put in and taken out; others stay.

A script is `SCR flags section id "description" path`: flags 4, section 0 (the main one), an id that begins with `RS`,
and a path below `Scripts`, in quotes where it has a space. REAPER takes the id from the line; any 40 hexadecimal digits
that no other line has will do, and ours are the SHA-1 of the path, so that keys that are set to our actions still are
after an update. REAPER reads the file when it starts and writes it when something is bound: it must not run meanwhile.
(Source: lines as REAPER 6 and 7 write them, in public configurations.)
"""

import hashlib
import re
from pathlib import PurePosixPath
from typing import Final, NamedTuple

FLAGS: Final = 4
MAIN: Final = 0
_LINE: Final = re.compile(rb'^SCR\s+(\d+)\s+(\d+)\s+(\S+)\s+"(.*?)"\s+(?:"(.*)"|(\S.*?))\s*$')


class Script(NamedTuple):
    """One of our actions."""

    path: PurePosixPath  # below `Scripts`
    name: str  # in REAPER's list of actions

    @property
    def id(self) -> str:
        """The id in the file; elsewhere REAPER names it with an underscore before it."""
        return "RS" + hashlib.sha1(str(self.path).encode(), usedforsecurity=False).hexdigest()

    def line(self) -> bytes:
        """As it stands in the file, without an end of line."""
        return f'SCR {FLAGS} {MAIN} {self.id} "{self.name}" {self.path}'.encode()


def registered(data: bytes, folder: str) -> dict[str, str]:
    """Of the scripts in our folder of `Scripts`: file name to id, for each that is registered in the main section."""
    found = {}
    for line in data.splitlines():
        if (name := _ours(line, folder)) and (match := _LINE.match(line)) and int(match[2]) == MAIN:
            found[name] = match[3].decode()
    return found


def put(data: bytes, scripts: list[Script], folder: str) -> bytes:
    """The file with our scripts: those that are there already stay as they are, the missing ones come at its end.

    Ours that are no longer among `scripts` go.
    """
    names = {script.path.name for script in scripts}
    kept = b"".join(line for line in data.splitlines(keepends=True) if _ours(line, folder) in (None, *names))
    there = registered(kept, folder)
    end = b"\r\n" if b"\r\n" in data else b"\n"
    new = [script.line() + end for script in scripts if script.path.name not in there]
    if new and kept and not kept.endswith(b"\n"):
        new.insert(0, end)
    return kept + b"".join(new)


def take_out(data: bytes, folder: str) -> bytes:
    """The file without our scripts. Keys that were set to them stay: they hold again after another install."""
    return b"".join(line for line in data.splitlines(keepends=True) if _ours(line, folder) is None)


def _ours(line: bytes, folder: str) -> str | None:
    """The file name of a script in our folder; None for any other line."""
    match = _LINE.match(line)
    if not match:
        return None
    parts = re.split(r"[/\\]", (match[5] or match[6] or b"").decode("utf-8", "replace"))
    return parts[-1] if len(parts) >= 2 and parts[-2] == folder else None
