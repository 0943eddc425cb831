"""A stand-in for REAPER that runs the real scripts under Lua 5.4, each in a state of its own, and is strict with them.

Every call is compared with the published facts (reaper_api): its name, the number and the types of its arguments. What
is wrong is kept in `misused`, so that no `pcall` of a script can hide it. `fail_at` makes the n-th call raise instead.
"""

import importlib
import time
from collections import Counter
from pathlib import Path
from typing import Any

from . import reaper_api as api
from .reaper_calls import Calls, Misuse
from .reaper_project import Project, Track

NUMBERS = {"number", "integer"}

SHIM = """
local call, fill, window, misuse = ...
local ids, handles, arrays = setmetatable({}, {__mode = "k"}), {}, setmetatable({}, {__mode = "k"})
local opaque = {
  __index = function(_, key) misuse("a handle is looked into: " .. tostring(key)) end,
  __newindex = function(_, key) misuse("a handle is written into: " .. tostring(key)) end,
}
local function handle(id)
  handles[id] = handles[id] or setmetatable({}, opaque)
  ids[handles[id]] = id
  return handles[id]
end
local function id_of(value) return ids[value] end
local function new_array(size)
  if math.type(size) ~= "integer" or size < 1 or size > 4194304 then misuse("an array of " .. tostring(size)) end
  local values, array = {}, {}
  function array.clear() for index = 1, size do values[index] = 0.0 end return true end
  function array.table(offset, count)
    offset, count = offset or 1, count or size
    if offset < 1 or offset + count - 1 > size then misuse("an array is read beyond its end") end
    return table.move(values, offset, offset + count - 1, 1, {})
  end
  array.clear()
  arrays[array] = function(list)
    if #list > size then misuse("more samples than the array holds") end
    table.move(list, 1, #list, 1, values)
  end
  return array
end
local function filler(value) return arrays[value] end
local function caller(kind)
  return function(_, name)
    if type(name) ~= "string" then misuse("a field " .. tostring(name)) end
    if kind == "reaper" and name == "new_array" then
      call(kind, name, 2)
      return new_array
    end
    return function(...) return call(kind, name, select("#", ...), ...) end
  end
end
reaper = setmetatable({}, {
  __index = caller("reaper"), __newindex = function(_, name) misuse("reaper is written into: " .. name) end,
})
gfx = setmetatable({}, {
  __index = function(self, name)
    if window.has(name) then return window.get(name) end
    return caller("gfx")(self, name)
  end,
  __newindex = function(_, name, value) window.set(name, value) end,
})
return handle, id_of, filler
"""


class Window:
    """The graphics window of one script."""

    def __init__(self, host: "Reaper") -> None:
        self.host = host
        self.open, self.title, self.size = False, "", (0, 0)
        self.fields: dict[str, float] = dict.fromkeys(api.GFX_FIELDS, 0.0)
        self.fields["mouse_cap"] = 0
        self.texts: list[tuple[str, float, float]] = []  # drawn since the last update, and where
        self.shown: list[tuple[str, float, float]] = []  # what one sees
        self.keys: list[int] = []
        self.choice = ""  # of the next menu

    def has(self, name: str) -> bool:
        return name in api.GFX_FIELDS

    def get(self, name: str) -> float:
        return self.fields[name]

    def set(self, name: str, value: float) -> None:
        if name not in api.GFX_FIELDS or isinstance(value, bool) or not isinstance(value, int | float):
            self.host.misuse(f"gfx.{name} = {value!r}")
        self.fields[name] = value

    def call(self, name: str, arguments: tuple[Any, ...]) -> Any:
        if name == "init":
            self.open, self.title = True, arguments[0] or self.title
            self.size = arguments[1:3]
        elif name == "drawstr":
            self.texts.append((arguments[0], self.fields["x"], self.fields["y"]))
        elif name == "update":
            self.shown, self.texts = self.texts, []
            self.host.windows[self.title] = self
        elif name == "quit":
            self.open, self.shown = False, []
        elif name == "getchar":
            return (self.keys.pop(0) if self.keys else 0 if self.open else -1), 0
        elif name == "showmenu":
            fields = [field.lstrip("!#><") for field in arguments[0].split("|")]
            return fields.index(self.choice) + 1 if self.choice else 0
        return 1.0

    def click(self, text: str) -> None:
        """Press the left button on a text that is shown."""
        [(x, y)] = [(x, y) for shown, x, y in self.shown if shown == text]
        self.fields |= {"mouse_x": x + 2, "mouse_y": y + 2, "mouse_cap": 1}

    def release(self) -> None:
        self.fields["mouse_cap"] = 0


class Script:
    """One running script."""

    def __init__(self, host: "Reaper", path: Path, lua: str) -> None:
        runtime = importlib.import_module(f"lupa.{lua}").LuaRuntime(
            unpack_returned_tuples=True, register_eval=False, attribute_filter=self._filter
        )
        self.host, self.path, self.runtime = host, path, runtime
        self.options = 0  # what REAPER does when the script is run again while it runs (set_action_options)
        self.deferred: list[Any] = []
        self.at_exit: list[Any] = []
        self.window = Window(host)
        self._objects: dict[int, Any] = {}
        window = runtime.table_from({"has": self.window.has, "get": self.window.get, "set": self.window.set})
        shim = runtime.eval("load")(SHIM, "shim")
        self._handle, self._id_of, self._filler = shim(self._call, None, window, host.misuse)

    @staticmethod
    def _filter(_: object, name: str, __: bool) -> str:
        raise AttributeError(f"scripts see no Python: {name}")

    def run(self, *arguments: Any) -> None:
        """The script's main part."""
        chunk = self.runtime.eval("loadfile")(str(self.path))
        assert not isinstance(chunk, tuple), chunk
        chunk(*arguments)

    def _call(self, kind: str, name: str, count: int, *arguments: Any) -> Any:
        arguments += (None,) * (count - len(arguments))
        answer = self.host.call(self, kind, name, tuple(self._in(value) for value in arguments))
        return tuple(map(self._out, answer)) if isinstance(answer, tuple) else self._out(answer)

    def _in(self, value: Any) -> Any:
        if type(value).__name__ == "_LuaTable":
            known = self._id_of(value)
            if known is not None:
                return self._objects[known]
            fill = self._filler(value)
            return (lambda values: fill(self.runtime.table_from(values))) if fill else value
        return value

    def _out(self, value: Any) -> Any:
        if hasattr(value, "kind"):
            self._objects[id(value)] = value
            return self._handle(id(value))
        return value


class Reaper:
    """REAPER with a project in front. Set `fail_at` to a number to have that call raise, counted from 1."""

    def __init__(self, project: Project, scripts: Path, lua: str = "lua54") -> None:
        self.project, self.scripts, self.lua = project, scripts, lua
        self.calls, self.used = Calls(self), Counter[str]()
        self.running: list[Script] = []
        self.commands: dict[str, int] = {}
        self._paths: dict[int, Path] = {}
        self.ext: dict[tuple[str, str], str] = {}
        self.messages: list[str] = []
        self.console: list[str] = []
        self.answers: list[str | None] = []
        self.asked: list[tuple[str, str]] = []
        self.windows: dict[str, Window] = {}
        self.misused: list[str] = []
        self.accessors: list[Any] = []
        self.sources: list[Any] = []
        self.before: list[Track] = []
        self.native: list[int] = []  # REAPER's own commands that were run
        self.count, self.fail_at, self.failed = 0, 0, ""
        self.unseen = False  # tracks were made, and the list of tracks was not drawn anew
        self.skip_s = 0.0  # how far the clock is ahead

    def now_s(self) -> float:
        return time.monotonic() + self.skip_s

    def misuse(self, what: str) -> None:
        self.misused.append(what)
        raise Misuse(what)

    def register(self, name: str, path: Path) -> int:
        """Put a script into the list of actions."""
        number = self.commands.setdefault(name, 53_000 + len(self.commands))
        self._paths[number] = path
        return number

    def command(self, number: int) -> None:
        """Run an action by its number."""
        if number in self._paths:
            self.start(self._paths[number])
        else:
            self.native.append(number)

    def start(self, path: Path, *arguments: Any) -> Script:
        """Run a script, and go on with what it defers."""
        for one in [script for script in self.running if script.path == path]:
            if not one.options & 1:
                self.misuse(f"REAPER asks what to do with {path.name}, which runs already")
            one.deferred.clear()
            self._reap()
        script = Script(self, path, self.lua)
        self.running.append(script)
        try:
            script.run(*arguments)
        finally:
            self._reap()
        return script

    def act(self, action: str) -> Script:
        """Run one of our actions by its name."""
        return self.start(self.scripts / f"HarmonicFlow_{action}.lua")

    def pump(self, times: int = 1) -> None:
        """REAPER's timer: what scripts have deferred is called once."""
        for _ in range(times):
            for script in list(self.running):
                now, script.deferred = script.deferred, []
                for function in now:
                    function()
            self._reap()

    def _reap(self) -> None:
        for script in [script for script in self.running if not script.deferred]:
            self.running.remove(script)
            for function in script.at_exit:
                function()
            script.window.call("quit", ())

    def quit(self) -> None:
        """REAPER ends; what it remembers in memory is gone."""
        for script in self.running:
            for function in script.at_exit:
                function()
        self.running.clear()
        self.ext.clear()

    def call(self, script: Script, kind: str, name: str, arguments: tuple[Any, ...]) -> Any:
        """One call of a script."""
        self.count += 1
        self.used[name if kind == "reaper" else f"gfx.{name}"] += 1
        if self.count == self.fail_at:
            self.failed = name
            raise RuntimeError(f"planted in {name}")
        fact = (api.FACTS if kind == "reaper" else api.GFX).get(name)
        if fact is None:
            return self.misuse(f"there is no {kind}.{name}")
        self._check(name, fact, arguments)
        if kind == "gfx":
            return script.window.call(name, arguments)
        if name in ("defer", "atexit"):
            (script.deferred if name == "defer" else script.at_exit).append(arguments[0])
            return True
        if name == "set_action_options":
            script.options = int(arguments[0])
            return None
        if name == "get_action_context":
            return True, str(script.path), 0, 1, -1, -1, -1.0, ""
        if name == "new_array":
            return None
        try:
            return self._checked(name, fact, getattr(self.calls, name)(*arguments))
        except Misuse as error:
            return self.misuse(f"{name}: {error}")
        except AttributeError as error:
            return self.misuse(f"{name}: not in the stub ({error})")

    def _check(self, name: str, fact: api.Fact, arguments: tuple[Any, ...]) -> None:
        if name == "new_array":
            return
        if not fact.required <= len(arguments) <= len(fact.parameters):
            self.misuse(f"{name} takes {fact.parameters}, not {len(arguments)} arguments")
        for at, (kind, value) in enumerate(zip(fact.parameters, arguments, strict=False), 1):
            if value is None and kind.endswith("?"):
                continue
            if not _fits(kind.rstrip("?"), value):
                self.misuse(f"{name}: argument {at} is {value!r}, not a {kind}")
            if hasattr(value, "kind"):
                try:
                    self.calls.alive(value)
                except Misuse as error:
                    self.misuse(f"{name}: {error}")

    def _checked(self, name: str, fact: api.Fact, answer: Any) -> Any:
        """The stub itself answers as the facts say."""
        answers = answer if isinstance(answer, tuple) else () if answer is None and not fact.returns else (answer,)
        assert len(answers) == len(fact.returns), (name, answers)
        for kind, value in zip(fact.returns, answers, strict=True):
            assert value is None and kind.endswith("?") or _fits(kind.rstrip("?"), value), (name, kind, value)
        return answer

    def tidy(self) -> None:
        """Nothing is left open, whatever has happened."""
        assert self.misused == []
        assert not self.unseen
        assert self.project.depth == 0 and self.project.prevented == 0
        assert not [accessor for accessor in self.accessors if accessor.alive]
        assert not [source for source in self.sources if source.alive and not source.owned]


def _fits(kind: str, value: Any) -> bool:
    if kind == "any":
        return True
    if kind == "boolean":
        return isinstance(value, bool)
    if kind in NUMBERS:
        whole = kind == "number" or value == int(value) if isinstance(value, int | float) else False
        return isinstance(value, int | float) and not isinstance(value, bool) and bool(whole) and value == value
    if kind == "string":
        return isinstance(value, str)
    if kind == "project":
        return value is None or value == 0 and not isinstance(value, bool) or getattr(value, "kind", "") == "ReaProject"
    if kind in ("function", "array"):
        return callable(value)
    return getattr(value, "kind", "") == kind
