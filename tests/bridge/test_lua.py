"""What every Lua host shares, under plain Lua 5.3 (Ardour) and 5.4 (REAPER): JSON, and the spool's files."""

import importlib
import json
import string
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonicflow.core.messages import Cancel

LUA = Path(__file__).parents[2] / "bridge" / "daw" / "lua"
# What Ardour takes away from its scripts: ours must do without it.
SANDBOX = "dofile = nil require = nil package = nil debug = nil coroutine = nil rawget = nil rawset = nil os.exit = nil"


class Lua:
    """One Lua interpreter with the modules of bridge/daw/lua."""

    def __init__(self, version: str) -> None:
        self.runtime = importlib.import_module(f"lupa.{version}").LuaRuntime(unpack_returned_tuples=True)
        self.runtime.execute(SANDBOX)
        self.json = self.load("json")
        # A table of Lua is no table of Python: texts cross the border.
        self.again = self.runtime.eval("function(json, text) return json.encode(json.decode(text)) end")

    def load(self, name: str, *arguments: Any) -> Any:
        chunk, *why = _pair(self.runtime.eval("loadfile")(str(LUA / f"{name}.lua")))
        assert chunk, why
        return chunk(*arguments)


def _pair(answer: Any) -> tuple[Any, ...]:
    return answer if isinstance(answer, tuple) else (answer,)


@pytest.fixture(scope="module", params=["lua53", "lua54"])
def lua(request: pytest.FixtureRequest) -> Lua:
    return Lua(request.param)


# Lua has one kind of empty table and no null inside of tables.
_leaves = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
_values = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(string.printable), inner, min_size=1, max_size=4)
    ),
    max_leaves=20,
)


@given(_values)
@pytest.mark.parametrize("version", ["lua53", "lua54"])
def test_json_there_and_back(version: str, value: Any) -> None:
    """Python's text through Lua and back is the same value, integers stay exact and floats keep every bit."""
    found = json.loads(_interpreter(version).again(_interpreter(version).json, json.dumps(value)))
    assert found == value
    if isinstance(value, int):
        assert isinstance(found, int)


_interpreters: dict[str, Lua] = {}


def _interpreter(version: str) -> Lua:
    """One for all examples: hypothesis takes no fixture of another scope."""
    return _interpreters.setdefault(version, Lua(version))


def test_json_keeps_empty_lists_apart_from_tables(lua: Lua) -> None:
    assert lua.again(lua.json, '{"a": [], "b": {}, "c": [[]], "d": null}') == '{"a":[],"b":{},"c":[[]]}'


def test_json_reads_pairs_of_surrogates(lua: Lua) -> None:
    assert json.loads(lua.again(lua.json, r'"\ud834\udd1e \u00e9 \/"')) == "\U0001d11e é /"


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1,", '{"a"}', '{"a":}', '"abc', '"\\x"', '"\\u12"', "nil", "[1 2]", "1 2", "{1:2}", "[" * 200, "tru"],
)
def test_broken_json_is_an_error_with_its_place(lua: Lua, text: str) -> None:
    decode = lua.runtime.eval("function(json, text) return pcall(json.decode, text) end")
    ok, why = decode(lua.json, text)
    assert ok is False
    assert why.startswith("JSON: ") and " at character " in why


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("inbox", "outbox", "hosts"):
        (tmp_path / name).mkdir()
    return tmp_path


def test_a_sound_arrives_as_planar_float32(lua: Lua, root: Path) -> None:
    """Two channels of a length that no block divides, given in blocks by functions, as the hosts give them."""
    frames = 65_536 * 2 + 12_345
    sound = np.random.default_rng(1).standard_normal((2, frames)).astype("<f4")
    spool = lua.load("spool", lua.json, str(root))
    asked: list[tuple[int, int]] = []

    def channel(index: int) -> Any:
        def read(first: int, count: int) -> Any:
            asked.append((first, count))
            return lua.runtime.table_from(sound[index, first : first + count].tolist())

        return read

    spool.put_sound("take-1", 0, frames, lua.runtime.table_from([channel(0), channel(1)]))
    found = np.fromfile(root / "inbox" / "take-1.0.f32", "<f4").reshape(2, frames)
    assert np.array_equal(found, sound)
    assert max(count for _, count in asked) <= 65_536


def test_cancel_is_a_message_of_the_protocol(lua: Lua, root: Path) -> None:
    spool = lua.load("spool", lua.json, str(root))
    name = "ardour-20261122-101500-abcdef-1-0042"
    spool.cancel(name)
    (file,) = (root / "inbox").glob("*.json")
    cancel = msgspec.json.decode(file.read_bytes(), type=Cancel)
    assert (cancel.id, cancel.job) == (file.stem, name)
    assert not list((root / "inbox").glob(".*"))  # no temporary file is left


def test_ids_are_names_of_the_protocol_and_never_the_same(lua: Lua, root: Path) -> None:
    spool = lua.load("spool", lua.json, str(root))
    names = {spool.new_id("ardour") for _ in range(1000)}
    assert len(names) == 1000
    for name in names:
        msgspec.convert({"id": name}, Cancel)


def test_a_folder_that_is_gone_is_a_sentence(lua: Lua, root: Path) -> None:
    (root / "inbox").rmdir()
    send = lua.runtime.eval('function(spool) return pcall(spool.send, {id = "a", kind = "cancel"}) end')
    ok, why = send(lua.load("spool", lua.json, str(root)))
    assert ok is False and why.startswith(f"cannot write {root}")


def test_reports_and_beats_that_are_not_there_or_damaged_are_nil(lua: Lua, root: Path) -> None:
    spool = lua.load("spool", lua.json, str(root))
    assert spool.beat() is None and spool.report("a") is None
    (root / "outbox" / "a.json").write_text('{"state": "run')
    assert spool.report("a") is None
    (root / "outbox" / "a.json").write_text('{"state": "done", "takes": [{"rate": 48000}]}')
    assert spool.report("a").takes[1].rate == 48000
    spool.forget("a")
    assert not list((root / "outbox").iterdir())
