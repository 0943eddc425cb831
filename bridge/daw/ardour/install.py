"""Put the bridge into Ardour, look at it, and take it out again.

Into Ardour's configuration folder go `scripts/harmonicflow_*.lua`, which Ardour lists, and `harmonicflow/`, which holds
the libraries of those scripts and `settings.json`. Binding them, the part that is otherwise done by mouse, changes
Ardour's own file `ui_scripts`, and only when that is safe: Ardour must not run, and the file must be as Ardour writes
it. What a user has bound keeps its slot.
"""

from importlib import resources
from pathlib import Path
from typing import Final, NamedTuple

from harmonicflow.core import paths
from harmonicflow.core.errors import HarmonicFlowError

from .. import hosts, settings
from ..settings import SETTINGS, put_settings, texts_in, version_in, write
from .places import Place, is_running, places, timer_signals
from .ui_scripts import PREFIX, Script, UiScripts, read_script

FOLDER: Final = "harmonicflow"  # in Ardour's configuration, beside `scripts`
BACKUP: Final = "ui_scripts.before-harmonicflow"
LAST: Final = ("another_take", "cancel")  # of the slots; the others before them by name
MANAGER: Final = "Edit > Lua Scripts > Script Manager"
STEPS: Final = [
    "Window > Keyboard Shortcuts, tab Editor, LuaAction: select an action and press its key (free: Shift+G)",
    "Select a range and tracks, then Edit > Lua Scripts",
]


class State(NamedTuple):
    """How the bridge is in one Ardour."""

    title: str  # "Ardour 7.3.0"
    config: Path
    version: str  # of the installed scripts; "" when there are none
    actions: dict[int, str]  # slot to the name of each action of ours that is bound
    hook: bool  # whether what brings results is bound
    left: list[str]  # what is left to do, a sentence each

    @property
    def state(self) -> str:
        """One of "installed", "not bound", "other version" and "not installed"."""
        return hosts.state_of(self.version, self.hook and bool(self.actions))

    @property
    def bound(self) -> list[str]:
        """The slots of our actions, and the hook."""
        hook = ["hook       bound: it shows progress and brings the results"] if self.hook else []
        return [f"Action {slot:<3} {name}" for slot, name in self.actions.items()] + hook

    def to_json(self) -> dict[str, object]:
        """Actions by slot, and whether the hook is bound."""
        return {"actions": {str(slot): name for slot, name in self.actions.items()}, "hook": self.hook}


def look(config: Path | None = None) -> list[hosts.State]:
    """The bridge in every Ardour of this user, the newest first; changes nothing."""
    return [_state(place) for place in places(config)]


def install(config: Path | None = None) -> State:
    """Copy, write the settings and bind, in the newest Ardour or the one with this folder; raises `no_host`, `disk`.

    Doing it twice changes nothing. The state's `left` says what could not be done.
    """
    place = _newest(config)
    with paths.disk_errors(place.config):
        before = _texts(place.config)
        scripts = _copy(place.config)
    put_settings(place.config / FOLDER)
    left = _bind(place, scripts)
    if _texts(place.config) != before and is_running(place.config):
        left.append("End Ardour and start it again: it keeps the scripts that it has read")
    return _state(place)._replace(left=left)


def misled(state: hosts.State) -> str:
    """What the scripts in Ardour know that is not so any more, "" where all of it is."""
    return settings.misled(state.config / FOLDER / SETTINGS)


def uninstall(config: Path | None = None) -> State:
    """Take out what `install` put in, and nothing else; raises `no_host`, `host_running`, `disk`."""
    place = _newest(config)
    if is_running(place.config):
        raise HarmonicFlowError("host_running", host="Ardour")
    left = []
    file = place.config / "ui_scripts"
    try:
        bound = UiScripts(file.read_bytes()) if file.exists() else None
        if bound is not None and bound.unbind():
            write(file, bound.to_bytes())
    except ValueError:
        left.append(f"In Ardour, {MANAGER}: remove what is named HarmonicFlow")
    with paths.disk_errors(place.config):
        for path in (place.config / "scripts").glob(f"{PREFIX}*.lua"):
            path.unlink()
    paths.remove_folder(place.config / FOLDER)
    return _state(place)._replace(left=left)


def _newest(config: Path | None) -> Place:
    found = places(config)
    if not found:
        raise HarmonicFlowError("no_host", host="Ardour")
    return found[0]


def _texts(config: Path) -> dict[str, bytes]:
    """What lies in Ardour's folders of ours."""
    files = [*(config / "scripts").glob(f"{PREFIX}*.lua"), *(config / FOLDER).glob("*.lua")]
    return {str(file): file.read_bytes() for file in files}


def _copy(config: Path) -> list[Script]:
    """Copy scripts and libraries, remove those of another release; returns the scripts in the order of their slots."""
    here = resources.files(__package__)
    libraries = dict(texts_in(resources.files(__package__.rpartition(".")[0]) / "lua")) | dict(texts_in(here / "lib"))
    actions = {f"{PREFIX}{name.removeprefix(PREFIX)}": text for name, text in texts_in(here / "actions")}
    for folder, files, pattern in (("scripts", actions, f"{PREFIX}*.lua"), (FOLDER, libraries, "*.lua")):
        (config / folder).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            write(config / folder / name, text)
        for path in (config / folder).glob(pattern):
            if path.name not in files:
                path.unlink()
    ordered = sorted(actions, key=lambda name: (name.removeprefix(PREFIX).removesuffix(".lua") in LAST, name))
    return [read_script(config / "scripts" / name, actions[name]) for name in ordered]


def _bind(place: Place, scripts: list[Script]) -> list[str]:
    """Bind the scripts; returns what is left to do, a sentence each."""
    file = place.config / "ui_scripts"
    old = file.read_bytes() if file.exists() else None
    signals = timer_signals(place.program)
    try:
        bound = UiScripts(old)
        before = bound.to_bytes()
        unbound = bound.bind(scripts, signals)
    except ValueError:
        return _by_hand(scripts)
    if old is None or bound.to_bytes() != before:
        if is_running(place.config):
            again = "End Ardour and run this again; or bind the scripts by hand:"
            return [again, *_by_hand([script for script in scripts if not _is_bound(file, script)])]
        if old is not None and not (place.config / BACKUP).exists():
            write(place.config / BACKUP, old)
        write(file, bound.to_bytes())
    return _by_hand(unbound)


def _is_bound(file: Path, script: Script) -> bool:
    actions, hooks = _bound(file)
    return script.path.name in hooks or script.path.name in actions


def _by_hand(scripts: list[Script]) -> list[str]:
    """How a musician binds these scripts, in Ardour's own words."""
    left = []
    if actions := [script.name for script in scripts if not script.hook]:
        names = ", ".join(f'"{name}"' for name in actions)
        left.append(f"In Ardour, {MANAGER}, Action Scripts: choose an Unset Action, Add/Set, for each of {names}")
    if hooks := [script.name for script in scripts if script.hook]:
        left.append(f'In Ardour, {MANAGER}, Action Hooks: New Hook, choose "{hooks[0]}"')
    return left


def _bound(file: Path) -> tuple[dict[str, tuple[int, str]], dict[str, str]]:
    """What of ours is bound: file name to slot and name, and file name of hooks to their signals."""
    try:
        bound = UiScripts(file.read_bytes()) if file.exists() else UiScripts()
        names = bound.actions()
        return {name: (slot, names[slot]) for slot, name in bound.our_actions().items()}, bound.our_hooks()
    except (ValueError, OSError):
        return {}, {}


def _state(place: Place) -> State:
    version = version_in(place.config / FOLDER)
    actions, hooks = _bound(place.config / "ui_scripts")
    signals = timer_signals(place.program)
    hook = any(signals in (None, found) for found in hooks.values())
    return State(place.title, place.config, version, dict(sorted(actions.values())), hook, [])
