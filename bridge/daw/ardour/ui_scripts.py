"""Ardour's file `ui_scripts`: action scripts in slots, and hooks; ours put in among the user's, and taken out.

The file is XML. `ActionScript` holds all actions as one saved state (lua_state.py) in base64; every `LuaCallback` in
`ActionHooks` holds one hook, and in `signals` the set of what calls it: one binary digit a signal, the last signal
first. Entries have a name `n`, the script's text `s`, a factory `f` that Ardour loads and calls with the arguments `a`.

Ardour writes `f` as bytecode, but loads it with Lua's `load`, which takes text as well: ours are written as text, so no
Lua is needed here and no version of it can be wrong. An entry is ours when its origin (the argument `x-script-origin`,
which Ardour writes too when a script is bound by hand) is a file named like ours.
"""

import re
from base64 import b64decode, b64encode
from pathlib import PurePath
from typing import Final, NamedTuple
from xml.etree import ElementTree

from . import lua_state
from .lua_state import Table, quote, unquote

PREFIX: Final = "harmonicflow_"  # of the names of all our scripts
SLOTS: Final = 32  # MAX_LUA_ACTION_SCRIPTS in gtk2_ardour/ardour_ui.h; the menu Edit > Lua Scripts shows the first 9
LUA: Final = "Lua 5.3"
ORIGIN: Final = b'"x-script-origin"'
_FIRST_ID: Final = 7_060_000_001  # of a hook, far above what Ardour counts up to by itself
_HEADER: Final = re.compile(r"^\s*ardour\s*\{(.*?)\}", re.DOTALL | re.MULTILINE)
_FIELD: Final = re.compile(r'\[?"?(type|name)"?\]?\s*=\s*"([^"]*)"')
_ICON: Final = re.compile(rb"^function\s+icon\b", re.MULTILINE)


class Script(NamedTuple):
    """One of our scripts: where Ardour finds it, the name in its menus, and its text."""

    path: PurePath
    name: str
    hook: bool
    text: bytes


def read_script(path: PurePath, text: bytes) -> Script:
    """A script by what its header says; raises ValueError for one without name and type."""
    header = _HEADER.search(text.decode("utf-8"))
    fields = dict(_FIELD.findall(header[1])) if header else {}
    if fields.get("type") not in ("EditorAction", "EditorHook") or not fields.get("name"):
        raise ValueError(f"{path} has no header with a name and a type")
    return Script(path, fields["name"], fields["type"] == "EditorHook", text)


class UiScripts:
    """What the file holds. Raises ValueError when it is not as Ardour writes it: then better leave it alone."""

    def __init__(self, data: bytes | None = None) -> None:
        self._root = _element(data)
        if self._root.tag != "UIScripts":
            raise ValueError("the file does not begin with UIScripts")
        self._action_node = _child(self._root, "ActionScript")
        self._hook_node = _child(self._root, "ActionHooks")
        self._actions = _table(self._action_node, b"scripts")

    def to_bytes(self) -> bytes:
        """The file for Ardour."""
        self._action_node.set("lua", self._action_node.get("lua", LUA))
        self._action_node.text = _coded(b"scripts", self._actions)
        ElementTree.indent(self._root)
        text: bytes = ElementTree.tostring(self._root, encoding="UTF-8", xml_declaration=True)
        return text + b"\n"

    def actions(self) -> dict[int, str]:
        """Slot, counted from 1, to the name of what is bound there: everybody's."""
        return {_slot(key): unquote(_entry(value).get(b'"n"')).decode() for key, value in self._actions.items()}

    def our_actions(self) -> dict[int, str]:
        """Slot to file name of ours."""
        found = {_slot(key): _our_file(_entry(value)) for key, value in self._actions.items()}
        return {slot: name for slot, name in sorted(found.items()) if name}

    def our_hooks(self) -> dict[str, str]:
        """File name of ours to the signals that call it."""
        return {name: node.get("signals", "") for node in self._hook_node if (name := _our_file(_hook(node)))}

    def bind(self, scripts: list[Script], signals: str | None) -> list[Script]:
        """Put our scripts in: into the slots they have already, else into free ones in order; returns what could not.

        `signals` is what calls hooks; where it is not known (None), only hooks that are bound already are renewed.
        What is bound twice, or is ours and no longer among `scripts`, is taken out.
        """
        wanted = {script.path.name: script for script in scripts}
        seen: set[str] = set()
        for slot, name in self.our_actions().items():
            if name in wanted and name not in seen and not wanted[name].hook:
                _update(_entry(self._actions[b"%d" % slot]), wanted[name])
                seen.add(name)
            else:
                del self._actions[b"%d" % slot]
        for node in list(self._hook_node):
            entry = _hook(node)
            if name := _our_file(entry):
                right = signals in (None, node.get("signals"))
                if name in wanted and name not in seen and wanted[name].hook and right:
                    _update(entry, wanted[name])
                    if entry != _hook(node):
                        node.text = _coded(b"s", entry)
                    seen.add(name)
                else:
                    self._hook_node.remove(node)
        return [script for script in scripts if script.path.name not in seen and not self._add(script, signals)]

    def _add(self, script: Script, signals: str | None) -> bool:
        entry: Table = {}
        _update(entry, script)
        if script.hook and signals is None:
            return False
        if script.hook and signals:
            taken = {int(node.get("id", "0")) for node in self._hook_node}
            number = next(number for number in range(_FIRST_ID, _FIRST_ID + len(taken) + 1) if number not in taken)
            node = ElementTree.SubElement(self._hook_node, "LuaCallback", lua=LUA, id=str(number), name=script.name)
            node.set("signals", signals)
            node.text = _coded(b"s", entry)
            return True
        free = next((slot for slot in range(1, SLOTS + 1) if b"%d" % slot not in self._actions), None)
        if free is not None:
            self._actions[b"%d" % free] = entry
        return free is not None

    def unbind(self) -> int:
        """Take ours out; returns how many there were."""
        ours = len(self.our_actions()) + sum(bool(_our_file(_hook(node))) for node in self._hook_node)
        self.bind([], None)
        return ours


def _element(data: bytes | None) -> ElementTree.Element:
    if data is None:
        return ElementTree.Element("UIScripts")
    try:
        return ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from error


def _child(root: ElementTree.Element, tag: str) -> ElementTree.Element:
    found = root.find(tag)
    return found if found is not None else ElementTree.SubElement(root, tag)


def _table(node: ElementTree.Element, name: bytes) -> Table:
    """The one table of a saved state, which may be empty."""
    text = (node.text or "").strip()
    tables = lua_state.parse(b64decode(text, validate=True)) if text else {name: {}}
    table = tables.get(name)
    if len(tables) != 1 or not isinstance(table, dict):
        raise ValueError(f"there is no table {name.decode()}")
    return table


def _coded(name: bytes, table: Table) -> str:
    return b64encode(lua_state.serialise(name, table)).decode()


def _hook(node: ElementTree.Element) -> Table:
    return _table(node, b"s")


def _slot(key: bytes) -> int:
    return int(key)


def _entry(value: Table | bytes) -> Table:
    if not isinstance(value, dict):
        raise ValueError("an action is not a table")
    return value


def _our_file(entry: Table) -> str:
    """The file name of an entry of ours, "" for somebody else's."""
    arguments = entry.get(b'"a"')
    origin = unquote(arguments.get(ORIGIN)).decode() if isinstance(arguments, dict) else ""
    name = re.split(r"[/\\]", origin)[-1]
    return name if name.startswith(PREFIX) else ""


def _update(entry: Table, script: Script) -> None:
    """Make an entry that script's. One that holds its text already stays as Ardour has written it."""
    arguments = entry.get(b'"a"')
    if unquote(entry.get(b'"s"')) != script.text or b'"f"' not in entry:
        entry[b'"s"'] = quote(script.text)
        entry[b'"f"'] = quote(_factory(script.text, b"factory"))
        entry.pop(b'"c"', None)
        if not script.hook and _ICON.search(script.text):
            entry[b'"c"'] = quote(_factory(script.text, b"icon"))
    entry.setdefault(b'"n"', quote(script.name.encode()))
    entry[b'"a"'] = {**(arguments if isinstance(arguments, dict) else {}), ORIGIN: quote(str(script.path).encode())}


def _factory(text: bytes, function: bytes) -> bytes:
    """A chunk that reads the script and calls one of its functions, leaving none of its names behind."""
    return b"local ardour, factory, icon, signals = function () end\n%b\nreturn %b (...)\n" % (text, function)
