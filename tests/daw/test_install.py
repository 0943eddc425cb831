"""What `harmonicflow bridge install ardour` has bound lives in a real Ardour, through its rewriting of the file too."""

import base64
from pathlib import Path, PurePath
from xml.etree import ElementTree

import pytest

from bridge.daw.ardour import install, lua_state
from bridge.daw.ardour.ui_scripts import Script, UiScripts
from harmonicflow.core import spool
from tests.daw.ardour import PATIENCE_S, Ardour, config_folder, configure, missing_programs
from tests.daw.headless import Plan, TempoRow, create_session
from tests.daw.session_xml import open_osc

pytestmark = [
    pytest.mark.daw,
    pytest.mark.timeout(240),
    pytest.mark.skipif(bool(missing_programs()), reason=f"needs {', '.join(missing_programs())}"),
]

# The user's own: an action in slot 2 that leaves a file, and a hook that fails. Ardour drops a hook that fails, and
# writes ui_scripts anew at once.
MINE = """ardour {{ ["type"] = "EditorAction", name = "Mine" }}
function factory () return function () io.open ("{folder}/mine", "w"):close () end end
"""
FAILS = """ardour {{ ["type"] = "EditorHook", name = "Fails" }}
function factory () return function ()
  if ARDOUR.LuaAPI.file_test ("{folder}/fail", ARDOUR.LuaAPI.FileTest.Exists) then error ("planted") end
end end
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user who has used Ardour 7 before, and has bound two scripts."""
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("HARMONICFLOW_HOME", str(tmp_path / "flow"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    home = tmp_path / "user"
    configure(home, 48_000)
    [signals] = [install.timer_signals(place.program) for place in install.places() if place.config.name == "ardour7"]
    assert signals
    bound = UiScripts()
    mine = [
        Script(PurePath("/x/mine.lua"), "Mine", False, MINE.format(folder=tmp_path).encode()),
        Script(PurePath("/x/fails.lua"), "Fails", True, FAILS.format(folder=tmp_path).encode()),
    ]
    bound.bind([mine[0]._replace(path=PurePath("/x/other.lua")), *mine], signals)
    (config_folder(home) / "ui_scripts").write_bytes(bound.to_bytes())
    return home


def factories(file: Path) -> dict[bytes, bytes]:
    """By name the factory of every action, as it stands in the file."""
    node = ElementTree.fromstring(file.read_bytes()).find("ActionScript")
    assert node is not None and node.text
    table = lua_state.parse(base64.b64decode(node.text))[b"scripts"]
    assert isinstance(table, dict)
    rows = [row for row in table.values() if isinstance(row, dict)]
    return {lua_state.unquote(row[b'"n"']): lua_state.unquote(row[b'"f"']) for row in rows}


def test_what_is_bound_works_and_stays(home: Path, tmp_path: Path) -> None:
    state = install.install()
    assert state.state == "installed" and state.left == [] and min(state.actions) == 3
    file = config_folder(home) / "ui_scripts"
    written = file.read_bytes()
    session = create_session(home, tmp_path / "song", Plan(48_000, (TempoRow(0, 120),)))
    open_osc(session)
    logs = spool.folder() / spool.HOSTS

    with Ardour(home, session, spool.folder()) as ardour:  # that it starts means: our hook answers
        ardour.action("LuaAction/script-2")
        ardour.wait((tmp_path / "mine").exists, PATIENCE_S, "the user's own action")
        assert install.install().left == []  # nothing is left to do, so a running Ardour does not matter

        (tmp_path / "fail").touch()
        ardour.wait(lambda: file.read_bytes() != written, PATIENCE_S, "ui_scripts written anew by Ardour")
        ardour.settle()
    assert all(code.startswith(b"\x1bLua") for code in factories(file).values())  # now it is as Ardour writes it
    assert install.look()[0] == state
    assert UiScripts(file.read_bytes()).actions() == {1: "Mine", 2: "Mine"} | state.actions

    rewritten = file.read_bytes()
    assert install.install() == state and file.read_bytes() == rewritten
    with Ardour(home, session, spool.folder()) as ardour:  # our hook answers from bytecode too
        [cancel] = [slot for slot, name in state.actions.items() if name.endswith("Cancel")]
        ardour.action(f"LuaAction/script-{cancel}")  # there is nothing to cancel, which it notes in the log and says
        ardour.wait(
            lambda: any("no job" in log.read_text() for log in logs.glob("*.log")), PATIENCE_S, "our own action"
        )

    install.uninstall()
    assert UiScripts(file.read_bytes()).actions() == {1: "Mine", 2: "Mine"}
    assert not list((config_folder(home) / "scripts").iterdir())
