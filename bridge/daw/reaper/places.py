"""Where REAPER keeps what a user has configured: its resource folder.

Linux `~/.config/REAPER`, macOS `~/Library/Application Support/REAPER`, Windows `%APPDATA%\\REAPER`; a portable
installation keeps it beside its program and is named with --config-dir. (Source: REAPER's user guide, "Options: Show
REAPER resource path in explorer/finder".)
"""

import os
import re
import sys
from pathlib import Path
from typing import Final

from .. import running

RUNNING: Final = re.compile(r"reaper(\.exe|\d+)?$", re.IGNORECASE)  # not its scanners of plugins
_PROGRAMS: Final[dict[str, tuple[str, ...]]] = {
    "linux": ("/opt/REAPER/reaper", "~/opt/REAPER/reaper", "/usr/lib/REAPER/reaper", "/usr/local/bin/reaper"),
    "darwin": ("/Applications/REAPER.app", "/Applications/REAPER64.app", "~/Applications/REAPER.app"),
    "win32": ("C:/Program Files/REAPER (x64)/reaper.exe", "C:/Program Files/REAPER/reaper.exe"),
}


def resource_folder() -> Path:
    """The folder of an ordinary installation; it is there once REAPER has run."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "REAPER"
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", Path.home() / "AppData" / "Roaming")) / "REAPER"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "REAPER"


def places(config: Path | None = None) -> list[Path]:
    """The resource folder, where REAPER has run or is installed; with `config` that one."""
    if config is not None:
        return [config.expanduser().absolute()]
    folder = resource_folder()
    programs = (Path(name).expanduser() for name in _PROGRAMS.get(sys.platform, ()))
    return [folder] if folder.is_dir() or any(program.exists() for program in programs) else []


def is_running(config: Path) -> bool:
    """Whether a REAPER of this user runs that has, or where that cannot be seen may have, this resource folder.

    A portable one is found by its folder's files, whatever its environment: then any REAPER counts.
    """
    portable = config.name != "REAPER"
    return running.is_running(
        RUNNING, lambda environment: portable or running.config_home(environment).resolve() == config.parent.resolve()
    )
