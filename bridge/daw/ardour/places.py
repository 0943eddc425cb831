"""Where Ardour is on this computer: its programs, its configuration folders, and whether it runs.

Folders are Ardour's own choice (`user_config_directory` in libs/ardour/filesystem_paths.cc): `ardour7` in
XDG_CONFIG_HOME or ~/.config, `~/Library/Preferences/Ardour7` on macOS, `%localappdata%\\ardour7` on Windows.
"""

import mmap
import os
import re
import sys
from pathlib import Path
from typing import Final, NamedTuple

from .. import running

OLDEST: Final = 7  # the first Ardour whose positions are exact in samples, and whose scripts can read them
NAME: Final = "Ardour" if sys.platform in ("darwin", "win32") else "ardour"

_PROGRAMS: Final[dict[str, tuple[str, ...]]] = {  # below the file system's root
    "linux": (
        "usr/lib/ardour*/ardour-*", "usr/lib64/ardour*/ardour-*", "usr/lib/*/ardour*/ardour-*",
        "usr/local/lib/ardour*/ardour-*", "opt/Ardour-*/bin/ardour-*",
    ),
    "darwin": ("Applications/Ardour*.app/Contents/MacOS/Ardour*",),
    "win32": ("Program Files/Ardour*/bin/ardour-*.exe", "Program Files/Ardour*/bin/Ardour*.exe"),
}  # fmt: skip
_VERSION: Final = re.compile(r"ardour-?(\d+(?:\.\d+)*)", re.IGNORECASE)
_RUNNING: Final = re.compile(r"ardour-?\d", re.IGNORECASE)  # not its scanners of plugins, not ardour7-lua

# How many signals a hook can listen to differs by release, and so does the place of the timer of a tenth of a second
# (LuaTimerDS) among them: it was the last but one, and since a signal was added after it, the last but two.
# (Source: gtk2_ardour/luasignal_syms.h, luasignal_syms.inc.h; 7.3 has 49.)
_TIMER: Final = {49: 47, 50: 47, 51: 48, 52: 49, 53: 50}
_SIGNAL_SET: Final = re.compile(rb"6bitsetIL[mjy](\d+)E")  # std::bitset<N> in the names of the program's functions


class Program(NamedTuple):
    """An Ardour that is installed."""

    path: Path
    version: str  # "7.3.0"

    @property
    def major(self) -> int:
        """7 of 7.3.0."""
        return int(self.version.partition(".")[0])


class Place(NamedTuple):
    """A configuration folder of Ardour, which may not be there yet, and the program it belongs to, if one was found."""

    config: Path
    program: Program | None

    @property
    def title(self) -> str:
        """ "Ardour 7.3.0", or what the folder's name tells."""
        number = self.program.version if self.program else "".join(re.findall(r"\d+$", self.config.name))
        return f"Ardour {number}".strip()


def config_base() -> Path:
    """The folder in which every release of Ardour makes a folder of its own."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Preferences"
    chosen = os.environ.get("XDG_CONFIG_HOME")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    return Path.home() / ".config"


def programs(root: Path | None = None) -> list[Program]:
    """Every Ardour that is installed, the newest first."""
    found = []
    for pattern in _PROGRAMS.get(sys.platform, ()):
        for path in (root or Path(Path.home().anchor)).glob(pattern):
            versions = _VERSION.findall(str(path))
            if versions and path.is_file() and _RUNNING.match(path.name):
                found.append(Program(path, max(versions, key=_numbers)))
    return sorted(found, key=lambda program: _numbers(program.version), reverse=True)


def places(config: Path | None = None) -> list[Place]:
    """Where scripts can go, the newest release first; with `config`, that folder alone."""
    installed = programs()
    if config is not None:
        return [Place(config.expanduser().absolute(), _program_of(config, installed))]
    base = config_base()
    folders = [folder for folder in base.glob(f"{NAME}*") if folder.is_dir()] if base.is_dir() else []
    folders += [base / f"{NAME}{program.major}" for program in installed]
    releases = {_release(folder): folder for folder in folders if _release(folder) >= OLDEST}
    return [Place(folder, _program_of(folder, installed)) for _, folder in sorted(releases.items(), reverse=True)]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(word) for word in version.split("."))


def _release(folder: Path) -> int:
    found = re.fullmatch(rf"{NAME}(\d+)", folder.name, re.IGNORECASE)
    return int(found[1]) if found else 0


def _program_of(folder: Path, installed: list[Program]) -> Program | None:
    release = _release(folder)
    return next((program for program in installed if release in (0, program.major)), None)


def timer_signals(program: Program | None) -> str | None:
    """The set of signals with the timer of a tenth of a second alone, as that Ardour writes it; None when unknown."""
    if program is None:
        return None
    with program.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        sizes = {int(found) for found in _SIGNAL_SET.findall(data)} & set(_TIMER)
    if len(sizes) != 1:
        return None
    [size] = sizes
    return f"{1 << _TIMER[size]:0{size}b}"


def is_running(config: Path) -> bool:
    """Whether an Ardour of this user runs that has, or where that cannot be seen may have, this configuration."""
    return running.is_running(
        _RUNNING, lambda environment: running.config_home(environment).resolve() == config.parent.resolve()
    )
