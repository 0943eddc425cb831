"""REAPER runs `Scripts/__startup.lua` when it starts. One line of ours in it; what a user has there stays to the byte.

What was put in is kept in a file of our own, so that exactly that is taken out again, and so that a line which the user
has removed is not put in twice.
"""

import json
from pathlib import Path
from typing import Final, NamedTuple

from harmonicflow.core import paths

FILE: Final = "__startup.lua"
RECORD: Final = "startup.json"  # in our folder
LINE: Final = (
    'pcall(function() local f = reaper.GetResourcePath() .. "/Scripts/HarmonicFlow"; '
    'assert(loadfile(f .. "/lib/startup.lua"))(f) end) -- HarmonicFlow: results of jobs from before'
)


class Record(NamedTuple):
    """What was put in, and whether the file was made for it."""

    text: str
    made: bool


def put(scripts: Path, ours: Path) -> None:
    """Add the line at the end of the file in `scripts`, once; `ours` is the folder for the record."""
    if (ours / RECORD).exists():
        return
    file = scripts / FILE
    old = file.read_bytes() if file.exists() else None
    text = LINE + "\n" if not old or old.endswith(b"\n") else "\n" + LINE + "\n"
    if b"HarmonicFlow/lib/startup" in (old or b"") or LINE.encode() in (old or b""):
        return
    record = Record(text, made=old is None)
    paths.write_atomic(ours / RECORD, json.dumps(record._asdict()).encode() + b"\n", mode=0o644)
    paths.write_atomic(file, (old or b"") + text.encode(), mode=0o644)


def take_out(scripts: Path, ours: Path) -> None:
    """Take out what `put` put in, where it still stands there."""
    try:
        record = Record(**json.loads((ours / RECORD).read_bytes()))
        old = (scripts / FILE).read_bytes()
    except (OSError, ValueError, TypeError):
        return
    left = old.replace(record.text.encode(), b"", 1)
    if left == old:  # somebody has added lines, or REAPER's own editor has other ends of lines
        left = b"".join(line for line in old.splitlines(keepends=True) if line.strip() != LINE.encode())
    if record.made and not left:
        (scripts / FILE).unlink()
    elif left != old:
        paths.write_atomic(scripts / FILE, left, mode=0o644)


def is_in(scripts: Path) -> bool:
    """Whether the line stands there."""
    file = scripts / FILE
    return file.exists() and LINE.encode() in file.read_bytes()
