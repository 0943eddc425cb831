"""Whether a host runs: its files must not be changed under it."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path


def is_running(program: re.Pattern[str], uses: Callable[[dict[bytes, bytes]], bool]) -> bool:
    """Whether a program of this user runs whose file name begins as `program` says.

    On Linux only one counts whose environment `uses` the configuration in question; elsewhere that cannot be seen.
    """
    if sys.platform == "linux":
        return any(_is(Path("/proc") / name, program, uses) for name in os.listdir("/proc") if name.isdigit())
    list_all = ["tasklist", "/fo", "csv", "/nh"] if sys.platform == "win32" else ["ps", "-axo", "comm="]
    listed = subprocess.run(list_all, capture_output=True, text=True, check=False).stdout
    names = (re.split(r"[/\\]", _first(line))[-1] for line in listed.splitlines())
    return any(program.match(name) for name in names)


def _first(line: str) -> str:
    """The program of a line: `tasklist` writes it in quotes, with more behind."""
    return line.strip().split('","')[0].strip('"')


def _is(process: Path, program: re.Pattern[str], uses: Callable[[dict[bytes, bytes]], bool]) -> bool:
    try:
        if not program.match((process / "exe").readlink().name):
            return False
        lines = (process / "environ").read_bytes().split(b"\0")
    except OSError:  # it has ended, or is somebody else's
        return False
    return uses(dict(line.split(b"=", 1) for line in lines if b"=" in line))


def config_home(environment: dict[bytes, bytes]) -> Path:
    """Where programs of that environment keep their configurations (Linux)."""
    return Path(os.fsdecode(environment.get(b"XDG_CONFIG_HOME") or environment.get(b"HOME", b"") + b"/.config"))
