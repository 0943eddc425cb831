"""Where Live's User Library is, and whether Live runs.

By default it is `~/Music/Ableton/User Library` on macOS and `Documents\\Ableton\\User Library` on Windows (Ableton's
help pages, "The User Library"). Where it was moved, `Library.cfg` in Live's preferences names the folder it is in, as
`<ProjectPath Value="...">`: `~/Library/Preferences/Ableton/Live 12.1` or `%APPDATA%\\Ableton\\Live 12.1\\Preferences`.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final
from xml.sax.saxutils import unescape

NAME: Final = "User Library"
MAX_CONFIG: Final = 4 << 20  # bytes
_MOVED: Final = re.compile(r'<ProjectPath Value="([^"<>]+)"')
_RELEASE: Final = re.compile(r"Live (\d+(?:\.\d+)*)")
_RUNNING: Final = re.compile(r"(Ableton )?Live( \d+.*)?(\.exe)?|Ableton Live.*", re.IGNORECASE)


def libraries(config: Path | None = None) -> list[Path]:
    """Every User Library of this user, that of the newest release first; with `config` that folder alone."""
    if config is not None:
        return [config.expanduser().absolute()]
    found = [library for file in _configs() if (library := _named_in(file)) is not None]
    default = Path.home() / ("Music" if sys.platform == "darwin" else "Documents") / "Ableton" / NAME
    return list(dict.fromkeys(path for path in [*found, default] if path.is_dir()))


def is_running() -> bool:
    """Whether a Live runs; on systems that it is not made for it never does."""
    if sys.platform not in ("darwin", "win32"):
        return False
    words = ["tasklist", "/fo", "csv", "/nh"] if sys.platform == "win32" else ["ps", "-axo", "comm="]
    listed = subprocess.run(words, capture_output=True, text=True, check=False).stdout
    return any(_is_live(line) for line in listed.splitlines())


def _is_live(line: str) -> bool:
    path = line.split('","')[0].strip().strip('"')
    if sys.platform == "darwin" and "Ableton" not in path:
        return False
    return bool(_RUNNING.fullmatch(re.split(r"[/\\]", path)[-1]))


def _configs() -> list[Path]:
    """The files in which Live's releases keep where the library is, the newest release first."""
    if sys.platform == "win32":
        base, below = Path(os.environ.get("APPDATA", Path.home() / "AppData" / "Roaming")), "Preferences/Library.cfg"
    else:
        base, below = Path.home() / "Library" / "Preferences", "Library.cfg"
    found = list((base / "Ableton").glob(f"Live */{below}"))
    return sorted(found, key=lambda file: _release(file.relative_to(base)), reverse=True)


def _release(path: Path) -> tuple[int, ...]:
    match = _RELEASE.search(str(path))
    return tuple(int(word) for word in match[1].split(".")) if match else ()


def _named_in(file: Path) -> Path | None:
    """The library that a file of Live's preferences names."""
    try:
        text = file.read_bytes()[:MAX_CONFIG].decode("utf-8", "replace")
    except OSError:
        return None
    for found in _MOVED.findall(text):
        path = Path(unescape(found, {"&quot;": '"', "&apos;": "'"}))
        for library in (path / NAME, path):
            if library.is_dir():
                return library
    return None
