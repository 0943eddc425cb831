"""Put the control surface into Live's User Library, look at it, and take it out again.

`<User Library>/Remote Scripts/HarmonicFlow` becomes a copy of the folder `script`, with `settings.json` beside it.
Live finds it at its next start; choosing it in Live's settings is left to the musician.
"""

from importlib import resources
from pathlib import Path
from typing import Final, NamedTuple

import harmonicflow
from harmonicflow.core import paths
from harmonicflow.core.errors import HarmonicFlowError

from .. import hosts, settings
from ..settings import SETTINGS, put_settings, texts_in, version_in, write
from .places import is_running, libraries

SCRIPTS: Final = "Remote Scripts"
FOLDER: Final = "HarmonicFlow"  # what Live shows in its list of control surfaces
STEPS: Final = [
    "In Live: Settings > Link, Tempo & MIDI, choose HarmonicFlow as a Control Surface (no input is needed)",
    "Set the loop brace, select tracks to play along with, then: harmonicflow live generate",
]


class State(NamedTuple):
    """How the bridge is in one User Library."""

    config: Path  # the User Library
    version: str  # of the installed scripts; "" when there are none
    files: int
    left: list[str]  # what is left to do, a sentence each

    @property
    def title(self) -> str:
        """The host; the library belongs to all its releases."""
        return "Ableton Live"

    @property
    def state(self) -> str:
        """One of "installed", "other version" and "not installed"."""
        if not self.version:
            return "not installed"
        return "installed" if self.version == harmonicflow.__version__ else "other version"

    @property
    def bound(self) -> list[str]:
        """Where the scripts are."""
        return [f"control surface  {self.config / SCRIPTS / FOLDER}"] if self.version else []

    def to_json(self) -> dict[str, object]:
        """How many files it has."""
        return {"files": self.files}


def look(config: Path | None = None) -> list[hosts.State]:
    """The bridge in every User Library that is found; changes nothing."""
    return [_state(library) for library in libraries(config)]


def install(config: Path | None = None) -> State:
    """Copy the scripts and write their settings; raises `no_host`, `disk`. Doing it twice changes nothing."""
    library = _first(config)
    folder = library / SCRIPTS / FOLDER
    files = dict(texts_in(resources.files(__package__) / "script", ".py"))
    with paths.disk_errors(folder):
        before = {path.name: path.read_bytes() for path in folder.glob("*.py")}
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            write(folder / name, text)
        for path in folder.glob("*.py"):
            if path.name not in files:
                path.unlink()
    put_settings(folder)
    left = (
        ["End Live and start it again: it keeps the scripts that it has read"]
        if before != files and is_running()
        else []
    )
    return _state(library)._replace(left=left)


def uninstall(config: Path | None = None) -> State:
    """Remove the folder; raises `no_host`, `host_running`, `disk`. Samples of takes stay: Sets play them."""
    library = _first(config)
    if is_running():
        raise HarmonicFlowError("host_running", host="Ableton Live")
    paths.remove_folder(library / SCRIPTS / FOLDER)
    return _state(library)


def misled(state: hosts.State) -> str:
    """What the scripts know that is not so any more, "" where all of it is."""
    return settings.misled(state.config / SCRIPTS / FOLDER / SETTINGS)


def _first(config: Path | None) -> Path:
    found = libraries(config)
    if not found:
        raise HarmonicFlowError("no_host", host="Ableton Live (its User Library)")
    return found[0]


def _state(library: Path) -> State:
    folder = library / SCRIPTS / FOLDER
    return State(library, version_in(folder), len(list(folder.glob("*.py"))), [])
