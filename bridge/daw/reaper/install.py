"""Put the bridge into REAPER, look at it, and take it out again.

Into REAPER's folder of scripts goes `HarmonicFlow/`: a script for each action, and `lib/` with what they share and
`settings.json`. Registering the actions, which is otherwise done by mouse, changes REAPER's own file `reaper-kb.ini`
(kb.py), and only while REAPER does not run. One line goes into `__startup.lua` (startup.py).
"""

from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

from harmonicflow.core import paths
from harmonicflow.core.errors import HarmonicFlowError

from .. import hosts, settings
from ..settings import SETTINGS, put_settings, texts_in, version_in, write
from . import kb, startup
from .kb import Script
from .places import is_running, places

TITLE: Final = "REAPER"
FOLDER: Final = "HarmonicFlow"  # in REAPER's folder of scripts
LIBRARY: Final = "lib"
PREFIX: Final = "HarmonicFlow_"
KEYS: Final = "reaper-kb.ini"
BACKUP: Final = "reaper-kb.ini.before-harmonicflow"
WATCH: Final = "watch"
ACTIONS: Final = {  # the name of an action's file, and what it does (lib/main.lua)
    "generate_stems": "Generate stems from selection",
    "generate_stems_last_settings": "Generate stems (last settings)",
    "regenerate_bass": "Regenerate bass on selection",
    "regenerate_drums": "Regenerate drums on selection",
    "regenerate_guitar": "Regenerate guitar on selection",
    "regenerate_piano": "Regenerate piano on selection",
    "another_take": "Another take",
    "cancel": "Cancel",
    WATCH: "watch",
}
UNTRIED: Final = "These scripts were checked against REAPER's published API and not run in REAPER: tell us what you see"
STEPS: Final = [
    'Actions > Show action list, filter "HarmonicFlow": Add... gives an action a key (Shift+G, say)',
    "Make a time selection or select items, select the tracks to play along with, then run an action",
    UNTRIED,
]


class State(NamedTuple):
    """How the bridge is in one REAPER."""

    title: str
    config: Path
    version: str  # of the installed scripts; "" when there are none
    actions: dict[str, str]  # REAPER's id of each action of ours that is registered, to what it does
    startup: bool  # whether REAPER looks for results when it starts
    left: list[str]

    @property
    def state(self) -> str:
        """One of "installed", "not bound", "other version" and "not installed"."""
        return hosts.state_of(self.version, len(self.actions) == len(ACTIONS))

    @property
    def bound(self) -> list[str]:
        """What is in the list of actions."""
        line = [f"{startup.FILE} looks for results when REAPER starts"] if self.startup else []
        return [f"action     {name}" for name in self.actions.values()] + line

    def to_json(self) -> dict[str, object]:
        """Actions by their ids, and whether REAPER looks for results when it starts."""
        return {"actions": self.actions, "startup": self.startup}


def look(config: Path | None = None) -> list[hosts.State]:
    """The bridge in this user's REAPER; changes nothing."""
    return [_state(folder) for folder in places(config)]


def install(config: Path | None = None) -> State:
    """Copy, write the settings and register, in REAPER's folder or this one; raises `no_host`, `disk`.

    Doing it twice changes nothing. The state's `left` says what could not be done.
    """
    folder = _folder(config)
    ours = folder / "Scripts" / FOLDER
    with paths.disk_errors(folder):
        changed = _copy(ours)
        put_settings(ours / LIBRARY, watch=f"_{_script(WATCH).id}")
        startup.put(ours.parent, ours)
    left = _register(folder)
    if changed and is_running(folder):
        left.append("End REAPER and start it again: a watch that runs there keeps what it has read")
    return _state(folder)._replace(left=left)


def uninstall(config: Path | None = None) -> State:
    """Take out what `install` put in, and nothing else; raises `no_host`, `host_running`, `disk`."""
    folder = _folder(config)
    if is_running(folder):
        raise HarmonicFlowError("host_running", host=TITLE)
    ours = folder / "Scripts" / FOLDER
    with paths.disk_errors(folder):
        _unregister(folder)
        startup.take_out(ours.parent, ours)
    paths.remove_folder(ours)
    return _state(folder)


def misled(state: hosts.State) -> str:
    """What the scripts in REAPER know that is not so any more, "" where all of it is."""
    return settings.misled(state.config / "Scripts" / FOLDER / LIBRARY / SETTINGS)


def _folder(config: Path | None) -> Path:
    found = places(config)
    if not found:
        raise HarmonicFlowError("no_host", host=TITLE)
    return found[0]


def _script(name: str) -> Script:
    return Script(PurePosixPath(FOLDER, f"{PREFIX}{name}.lua"), f"Custom: HarmonicFlow: {ACTIONS[name]}")


def _copy(ours: Path) -> bool:
    """Copy actions and libraries, remove those of another release; whether anything changed."""
    here = resources.files(__package__)
    action = (here / "action.lua").read_bytes()
    library = dict(texts_in(resources.files(__package__.rpartition(".")[0]) / "lua")) | dict(texts_in(here / "lib"))
    library["startup.lua"] = (here / "startup.lua").read_bytes()
    wanted = {ours / f"{PREFIX}{name}.lua": action for name in ACTIONS}
    wanted |= {ours / LIBRARY / name: text for name, text in library.items()}
    before = {path: path.read_bytes() for path in ours.rglob("*.lua")}
    (ours / LIBRARY).mkdir(parents=True, exist_ok=True)
    for path, text in wanted.items():
        write(path, text)
    for path in before.keys() - wanted.keys():
        path.unlink()
    return bool(before) and before != wanted


def _register(folder: Path) -> list[str]:
    """Register the actions; returns what is left to do, a sentence each."""
    file = folder / KEYS
    old = file.read_bytes() if file.exists() else None
    scripts = [_script(name) for name in ACTIONS]
    new = kb.put(old or b"", scripts, FOLDER)
    if new == old:
        return []
    if is_running(folder):
        missing = [script.path.name for script in scripts if script.path.name not in kb.registered(old or b"", FOLDER)]
        by_hand = f"in REAPER, Actions > Show action list > New action > Load ReaScript, in Scripts/{FOLDER}"
        return [f"End REAPER and run this again; or {by_hand}: {', '.join(missing)}"] if missing else []
    with paths.disk_errors(folder):
        if old is not None and not (folder / BACKUP).exists():
            write(folder / BACKUP, old)
        write(file, new)
    return []


def _unregister(folder: Path) -> None:
    """Take our actions out. Where nothing else has changed since, the file is again what it was, to the byte."""
    file, backup = folder / KEYS, folder / BACKUP
    if not file.exists():
        return
    left = kb.take_out(file.read_bytes(), FOLDER)
    before = backup.read_bytes() if backup.exists() else b""
    if left.rstrip(b"\r\n") == before.rstrip(b"\r\n"):
        left = before
        backup.unlink(missing_ok=True)
    write(file, left) if left else file.unlink()


def _state(folder: Path) -> State:
    ours = folder / "Scripts" / FOLDER
    try:
        found = kb.registered((folder / KEYS).read_bytes(), FOLDER)
    except OSError:
        found = {}
    files = {f"{PREFIX}{name}.lua": words for name, words in ACTIONS.items()}
    actions = {found[file]: words for file, words in files.items() if file in found}
    return State(TITLE, folder, version_in(ours / LIBRARY), actions, startup.is_in(ours.parent), [])
