"""`harmonicflow bridge install ardour`: files, settings, what is bound beside a user's own, and taking it out."""

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

import harmonicflow
from bridge.daw import wake
from bridge.daw.ardour import install, lua_state, places
from bridge.daw.ardour.ui_scripts import SLOTS, Script, UiScripts, read_script
from harmonicflow.core.errors import HarmonicFlowError

LUA = shutil.which("ardour7-lua")
ROOT = Path(__file__).parents[2]
SIGNALS = f"{1 << 47:049b}"
ACTIONS = sorted(path.name for path in (ROOT / "bridge/daw/ardour/actions").glob("*.lua"))

# What Ardour 7.3 wrote for a user's script: bytecode is any bytes, as Lua's %q gives them.
BYTECODE = rb'"\27Lua\"\\S\0\0\13' + b'\\\n\xff\x80"'
THEIRS = (
    b'scripts = {} scripts[3] = {} scripts[3]["n"] = "Mine" scripts[3]["s"] = "ardour {}" scripts[3]["f"] = ' + BYTECODE
    + b' scripts[3]["a"] = {} scripts[3]["a"]["x-script-origin"] = "/usr/share/ardour7/scripts/mine.lua" '
    + b'scripts[3]["c"] = true  '
)  # fmt: skip
THEIR_HOOK = b's = {} s["n"] = "Theirs" s["s"] = "ardour {}" s["f"] = ' + BYTECODE + b' s["a"] = {} '


def their_file() -> bytes:
    code, hook = base64.b64encode(THEIRS).decode(), base64.b64encode(THEIR_HOOK).decode()
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<UIScripts>\n'
        f'  <ActionScript lua="Lua 5.3">{code}</ActionScript>\n  <ActionHooks>\n'
        f'    <LuaCallback lua="Lua 5.3" id="4242" name="Theirs" signals="{1:049b}">{hook}</LuaCallback>\n'
        "  </ActionHooks>\n</UIScripts>\n"
    ).encode()


def state_of(data: bytes) -> bytes:
    node = ElementTree.fromstring(data).find("ActionScript")
    assert node is not None and node.text
    return base64.b64decode(node.text)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with Ardour 7.3 that has never run; its program is a file with the names a real one has."""
    program = tmp_path / "root/usr/lib/ardour7/ardour-7.3.0~ds0"
    program.parent.mkdir(parents=True)
    program.write_bytes(b"\x7fELF" + bytes(100) + b"_ZN5Thing3setESt6bitsetILm16EE\0_ZNSt6bitsetILm49EE4testEv\0")
    found = places.programs(tmp_path / "root")
    monkeypatch.setattr(places, "programs", lambda: found)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HARMONICFLOW_HOME", str(tmp_path / "flow"))
    return tmp_path / "user"


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_first_install_puts_everything_in_its_place(home: Path) -> None:
    state = install.install()
    config = home / ".config/ardour7"
    assert state.config == config and state.title == "Ardour 7.3.0"
    assert state.state == "installed" and state.hook and state.left == []
    assert list(state.actions)[:2] == [1, 2] and len(state.actions) == len(ACTIONS) - 1
    assert "Generate stems from selection" in state.actions[1] and "Cancel" in state.actions[len(state.actions)]
    assert sorted(path.name for path in (config / "scripts").iterdir()) == ACTIONS
    libraries = {path.name for place in ("lua", "ardour/lib") for path in (ROOT / "bridge/daw" / place).glob("*.lua")}
    assert {path.name for path in (config / "harmonicflow").iterdir()} == libraries | {"settings.json"}
    assert (config / "harmonicflow/json.lua").read_bytes() == (ROOT / "bridge/daw/lua/json.lua").read_bytes()
    settings = json.loads((config / "harmonicflow/settings.json").read_text())
    assert settings["spool"] == str(home.parent / "flow/spool") and settings["version"] == harmonicflow.__version__
    assert settings["stems"] == ["bass", "drums", "guitar", "piano"]
    assert "funk" in settings["genres"] and "calm" in settings["moods"]
    for folder in ("flow", "flow/spool", "flow/spool/inbox", "flow/spool/outbox", "flow/spool/hosts"):
        assert (home.parent / folder).stat().st_mode & 0o777 == 0o700


def test_a_second_install_changes_nothing(home: Path) -> None:
    config = home / ".config/ardour7"
    config.mkdir(parents=True)
    (config / "ui_scripts").write_bytes(their_file())
    first = install.install()
    before = files(home)
    times = {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()}
    assert install.install() == first
    assert files(home) == before
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()} == times
    assert (config / install.BACKUP).read_bytes() == their_file()


def test_what_a_user_has_bound_stays_to_the_byte(home: Path) -> None:
    config = home / ".config/ardour7"
    config.mkdir(parents=True)
    (config / "ui_scripts").write_bytes(their_file())
    state = install.install()
    assert 3 not in state.actions and sorted(state.actions) == [n for n in range(1, len(ACTIONS) + 1) if n != 3]
    data = (config / "ui_scripts").read_bytes()
    assert b'scripts[3]["f"] = ' + BYTECODE in state_of(data)
    hooks = {node.get("id"): node for node in ElementTree.fromstring(data).iter("LuaCallback")}
    assert hooks["4242"].get("signals") == f"{1:049b}"
    assert base64.b64decode(hooks["4242"].text or "") == THEIR_HOOK
    install.uninstall()
    left = (config / "ui_scripts").read_bytes()
    assert lua_state.parse(state_of(left)) == lua_state.parse(THEIRS)
    assert [node.get("id") for node in ElementTree.fromstring(left).iter("LuaCallback")] == ["4242"]
    assert not list((config / "scripts").iterdir()) and not (config / "harmonicflow").exists()


def test_another_release_replaces_the_scripts_and_what_is_bound(home: Path) -> None:
    config = install.install().config
    settings = config / "harmonicflow/settings.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"version": "0.0.1"}))
    (config / "scripts/harmonicflow_gone.lua").write_text("-- of an older release")
    (config / "scripts/mine.lua").write_text("-- the user's own")
    bound = UiScripts((config / "ui_scripts").read_bytes())
    names = (ACTIONS[0], "harmonicflow_gone.lua")
    bound.bind([Script(config / "scripts" / name, "Old", False, b"-- old") for name in names], SIGNALS)
    (config / "ui_scripts").write_bytes(bound.to_bytes())
    assert install.look()[0].state == "other version"
    state = install.install()
    assert state.state == "installed" and len(state.actions) == len(ACTIONS) - 1
    assert b"-- old" not in state_of((config / "ui_scripts").read_bytes())
    assert sorted(path.name for path in (config / "scripts").iterdir()) == [*ACTIONS, "mine.lua"]


def test_scripts_bound_by_hand_keep_their_slots_and_names(home: Path) -> None:
    path = home / ".config/ardour7/scripts" / ACTIONS[0]
    by_hand = THEIRS.replace(b"/usr/share/ardour7/scripts/mine.lua", str(path).encode())
    bound = base64.b64encode(by_hand).decode()
    path.parent.mkdir(parents=True)
    (home / ".config/ardour7/ui_scripts").write_text(
        f'<UIScripts><ActionScript lua="Lua 5.3">{bound}</ActionScript><ActionHooks/></UIScripts>'
    )
    state = install.install()
    assert state.actions[3] == "Mine" and len(state.actions) == len(ACTIONS) - 1
    assert BYTECODE not in state_of((home / ".config/ardour7/ui_scripts").read_bytes())


def test_a_file_that_ardour_would_not_write_is_left_alone(home: Path) -> None:
    config = home / ".config/ardour7"
    config.mkdir(parents=True)
    odd = base64.b64encode(b"scripts = {} os.exit()").decode()
    strange = f'<UIScripts><ActionScript lua="Lua 9">{odd}</ActionScript></UIScripts>'.encode()
    for data in (strange, b"<UIScripts>", b"<Other/>"):
        (config / "ui_scripts").write_bytes(data)
        state = install.install()
        assert (config / "ui_scripts").read_bytes() == data and state.state == "not bound"
        assert "Script Manager" in state.left[0] and "HarmonicFlow: watch" in state.left[-1]


def test_an_unknown_ardour_gets_its_actions_and_a_sentence_for_the_hook(home: Path) -> None:
    [program] = places.programs()
    program.path.write_bytes(b"_ZNSt6bitsetILm77EE4testEv")
    state = install.install()
    assert len(state.actions) == len(ACTIONS) - 1 and not state.hook and state.state == "not bound"
    assert len(state.left) == 1 and "New Hook" in state.left[0]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_nothing_is_bound_while_ardour_runs(home: Path, tmp_path: Path) -> None:
    stand_in = shutil.copy("/bin/sleep", tmp_path / "ardour-7.3.0")
    running = subprocess.Popen([stand_in, "60"], env={"HOME": str(home)})
    other = subprocess.Popen([stand_in, "60"], env={"HOME": str(tmp_path / "elsewhere")})
    try:
        state = install.install()
        assert not (home / ".config/ardour7/ui_scripts").exists() and state.state == "not bound"
        assert state.left[0].startswith("End Ardour and run this again")
        with pytest.raises(HarmonicFlowError, match="Ardour is running"):
            install.uninstall()
        running.kill()
        running.wait()
        assert install.install().state == "installed"  # the other one has another configuration
    finally:
        for process in (running, other):
            process.kill()
            process.wait()


def test_the_newest_release_is_chosen_and_a_folder_can_be_named(home: Path, tmp_path: Path) -> None:
    for name in ("ardour6", "ardour8", "ardourish"):
        (home / ".config" / name).mkdir(parents=True)
    assert [place.config.name for place in places.places()] == ["ardour8", "ardour7"]
    assert install.install().config.name == "ardour8"
    assert install.install(tmp_path / "portable/ardour7").hook
    assert [state.state for state in install.look()] == ["not bound", "not installed"]


def test_without_ardour_there_is_a_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "programs", list)
    with pytest.raises(HarmonicFlowError, match="there is no Ardour on this computer"):
        install.install()
    assert install.look() == []


def test_all_slots_taken_is_said() -> None:
    bound = UiScripts()
    one = [Script(PurePosixPath(f"/x/harmonicflow_{n}.lua"), f"N{n}", False, b"-- x") for n in range(SLOTS + 2)]
    assert [script.name for script in bound.bind(one, SIGNALS)] == [f"N{SLOTS}", f"N{SLOTS + 1}"]


@given(st.dictionaries(st.binary(max_size=20), st.binary(max_size=60), max_size=4))
def test_any_bytes_survive_lua_state(table: dict[bytes, bytes]) -> None:
    quoted: lua_state.Table = {lua_state.quote(key): lua_state.quote(value) for key, value in table.items()}
    parsed = lua_state.parse(lua_state.serialise(b"s", quoted))
    assert parsed == {b"s": quoted}
    assert {lua_state.unquote(key): lua_state.unquote(value) for key, value in quoted.items()} == table


@pytest.mark.parametrize("bad", [b"print(1)", b'x["y"] = 1', b"x = {} x.y = 1", b'x = "open', b"x = {1}", b"x = f()"])
def test_code_is_not_a_state(bad: bytes) -> None:
    with pytest.raises(ValueError, match="byte"):
        lua_state.parse(bad)


def test_a_script_without_a_header_is_refused() -> None:
    with pytest.raises(ValueError, match="header"):
        read_script(PurePosixPath("x.lua"), b"return 1")


# What Ardour's own manager does: it writes factories as bytecode, and restores whatever `load` takes.
WRITE = """
local function theirs (params) return function () return "played " .. params.what end end
local file = io.open ("STATE", "wb")
file:write ('scripts = {} scripts[3] = {} scripts[3]["n"] = "Mine" scripts[3]["s"] = "" scripts[3]["f"] = ',
  string.format ("%q", string.dump (theirs, true)), ' scripts[3]["a"] = {} scripts[3]["a"]["what"] = "on" ')
file:close ()
"""
READ = """
load (io.open ("STATE", "rb"):read ("a")) ()
for slot = 1, 32 do
  local s = scripts[slot]
  if s then
    local instance = load (string.dump (load (s.f), true), nil, nil, _ENV) (s.a)
    local answer = slot == 3 and instance () or s.a["x-script-origin"]
    print (table.concat ({ slot, type (instance), s.n, answer }, "|"))
  end
end
print (factory == nil and icon == nil and signals == nil and "nothing left behind")
"""


def run_lua(folder: Path, state: Path, script: str) -> list[str]:
    assert LUA
    file = folder / "script.lua"
    file.write_text(script.replace("STATE", str(state)))
    environment = {**os.environ, "HOME": str(folder)}
    ran = subprocess.run([LUA, str(file)], env=environment, capture_output=True, text=True, timeout=60, check=True)
    return ran.stdout.splitlines()


@pytest.mark.skipif(LUA is None, reason="needs Ardour's own Lua")
def test_ardours_own_lua_makes_functions_of_what_is_bound(home: Path, tmp_path: Path) -> None:
    state, config = tmp_path / "state", home / ".config/ardour7"
    run_lua(tmp_path, state, WRITE)
    config.mkdir(parents=True)
    bound = base64.b64encode(state.read_bytes()).decode()
    (config / "ui_scripts").write_text(f"<UIScripts><ActionScript>{bound}</ActionScript></UIScripts>")
    install.install()
    state.write_bytes(state_of((config / "ui_scripts").read_bytes()))
    lines = run_lua(tmp_path, state, READ)
    rows = {int(slot): rest for slot, *rest in (line.split("|") for line in lines if line.count("|") == 3)}
    assert rows.pop(3) == ["function", "Mine", "played on"]
    assert len(rows) == len(ACTIONS) - 1 and {row[0] for row in rows.values()} == {"function"}
    assert sorted(Path(row[2]) for row in rows.values()) == [
        config / "scripts" / name for name in ACTIONS if "watch" not in name
    ]
    assert lines[-1] == "nothing left behind"


def test_a_hosts_libraries_are_not_loaded_into_the_daemon() -> None:
    environment = {"LD_LIBRARY_PATH": os.pathsep.join(["/usr/lib/ardour7", "/usr/local/cuda/lib64"]), "PATH": "/ardour"}
    wake.forget_host(environment)
    assert environment == {"LD_LIBRARY_PATH": "/usr/local/cuda/lib64", "PATH": "/ardour"}


def test_the_settings_command_starts_a_daemon_from_any_folder(cli, tmp_path: Path) -> None:
    home = tmp_path / "user"
    cli.env |= {"HOME": str(home)}
    cli("bridge", "install", "ardour", "--config-dir", str(tmp_path / "ardour7"))
    settings = json.loads((tmp_path / "ardour7/harmonicflow/settings.json").read_text())
    bare = {name: cli.env[name] for name in ("HARMONICFLOW_BUNDLE", "OMP_NUM_THREADS")} | {"HOME": str(home)}
    for _ in range(2):  # one that runs already is as good
        ran = subprocess.run(settings["start"], cwd="/", env=bare, capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, ran.stderr
    assert cli("daemon", "status", "--json").objects[0]["pid"]


def test_the_command_line_says_where_and_what_is_left(cli, tmp_path: Path) -> None:
    cli.env |= {"HOME": str(tmp_path)}
    folder = str(tmp_path / "ardour7")
    ran = cli("bridge", "install", "ardour", "--config-dir", folder)
    assert ran.code == 0 and "Action 1 " in ran.out and folder in ran.out and "Keyboard Shortcuts" in ran.out
    [row] = cli("bridge", "status", "ardour", "--json", "--config-dir", folder).objects
    assert row["host"] == "ardour" and row["version"] == harmonicflow.__version__ and "1" in row["actions"]
    assert "not installed" in cli("bridge", "uninstall", "ardour", "--config-dir", folder).out
    refused = cli("bridge", "install", "logic")
    assert refused.code == 2 and "ardour" in refused.err
