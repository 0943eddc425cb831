"""What a host's scripts must know of this installation: a file `settings.json` beside them."""

import json
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import harmonicflow
from harmonicflow.analysis.vocabulary import MOODS
from harmonicflow.core import paths, spool
from harmonicflow.core.constants import DEFAULT_STEMS, GENRES

from .wake import wake_command

SETTINGS: Final = "settings.json"


def settings(**own: str) -> bytes:
    """The file: where the spool is, what starts the daemon, the words of the dialogs, and what is the host's `own`."""
    found = {
        "spool": str(spool.folder()),
        "start": wake_command(),
        "version": harmonicflow.__version__,
        "stems": DEFAULT_STEMS,
        "genres": GENRES,
        "moods": sorted(MOODS),
        **own,
    }
    return json.dumps(found, ensure_ascii=False, indent=1).encode() + b"\n"


def put_settings(folder: Path, **own: str) -> None:
    """Write the file into a folder of scripts, and make the spool that it names."""
    paths.owner_only(paths.home())
    spool.make(spool.folder())
    write(folder / SETTINGS, settings(**own))


def version_in(folder: Path) -> str:
    """The release whose scripts lie in a folder; "" when there are none."""
    try:
        return str(json.loads((folder / SETTINGS).read_bytes())["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def misled(file: Path) -> str:
    """What the scripts beside this file know that is not so any more, "" where all of it is."""
    try:
        known = json.loads(file.read_bytes())
        start, folder = [str(word) for word in known["start"]], str(known["spool"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"{file} cannot be read"
    if not Path(start[0] if start else "").is_file():
        return f"its scripts start a Python that is not there any more ({start[0] if start else 'none'})"
    if folder != str(spool.folder()):
        return f"its scripts look for results in {folder}"
    return "" if start == wake_command() else "its scripts start another installation of HarmonicFlow"


def write(path: Path, data: bytes) -> None:
    """Write a file that is not so already."""
    if not path.exists() or path.read_bytes() != data:
        paths.write_atomic(path, data, mode=0o644)


def texts_in(folder: Traversable, ending: str = ".lua") -> Iterator[tuple[str, bytes]]:
    """Name and text of every script in a folder of the package."""
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(ending):
            yield file.name, file.read_bytes()
