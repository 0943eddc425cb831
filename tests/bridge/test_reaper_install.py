"""`harmonicflow bridge install reaper`: what goes in, what stays, and that all of it comes out again."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import harmonicflow
from bridge.daw.reaper import install, kb, places, startup
from harmonicflow.core.errors import HarmonicFlowError

ROOT = Path(__file__).parents[2]
THEIRS = (  # as REAPER writes it
    b'ACT 1 0 "113088d11ae641c193a2b7ede3041ad5" "Custom: two" _RSaaa 40001\n'
    b'SCR 4 0 RSaaa0123456789012345678901234567890123456 "Custom: mine.lua" mine.lua\n'
    b'SCR 260 0 RSbbb0123456789012345678901234567890123456 "Script: my own.lua" "My Scripts/my own.lua"\n'
    b'SCR 4 32060 RS7d3c_ccc "Custom: HarmonicFlow_like.lua" Other/HarmonicFlow_like.lua\n'
    b"KEY 1 71 _RSaaa0123456789012345678901234567890123456 0\t\t # Main : G : mine\n"
)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """REAPER's folder of a user who has used it before."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HARMONICFLOW_HOME", str(tmp_path / "flow"))
    config = tmp_path / "user/.config/REAPER"
    (config / "Scripts").mkdir(parents=True)
    return config


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last", [b"", None])
def test_what_a_user_has_stays_to_the_byte(end: bytes, last: bytes | None, config: Path) -> None:
    """With the line ends that stand there, and where the last line has none."""
    theirs = THEIRS.replace(b"\n", end)
    theirs = theirs if last is None else theirs.removesuffix(end)
    mine = b'-- my own\nreaper.ShowConsoleMsg("!SHOW:hello")' + (b"" if last == b"" else b"\n")
    (config / "reaper-kb.ini").write_bytes(theirs)
    (config / "Scripts/__startup.lua").write_bytes(mine)
    before = files(config)
    state = install.install()
    assert state.state == "installed" and state.left == [] and state.startup and state.config == config
    written = (config / "reaper-kb.ini").read_bytes()
    assert written.startswith(theirs) and len(written[len(theirs) :].split()) > 9
    assert written.count(b"\n") == written.count(end) and (config / install.BACKUP).read_bytes() == theirs
    assert (config / "Scripts/__startup.lua").read_bytes().startswith(mine)
    times = {path: path.stat().st_mtime_ns for path in config.rglob("*")}
    assert install.install() == state and {path: path.stat().st_mtime_ns for path in config.rglob("*")} == times
    assert install.uninstall().state == "not installed"
    assert files(config) == before


def test_a_first_install_puts_everything_in_its_place(config: Path) -> None:
    state = install.install()
    ours = config / "Scripts/HarmonicFlow"
    assert sorted(path.name for path in ours.glob("*.lua")) == sorted(f"HarmonicFlow_{n}.lua" for n in install.ACTIONS)
    libraries = {path.name for place in ("lua", "reaper/lib") for path in (ROOT / "bridge/daw" / place).glob("*.lua")}
    assert {path.name for path in (ours / "lib").iterdir()} == libraries | {"settings.json", "startup.lua"}
    settings = json.loads((ours / "lib/settings.json").read_text())
    assert settings["spool"] == str(config.parents[2] / "flow/spool")
    lines = (config / "reaper-kb.ini").read_text().splitlines()
    assert len(lines) == len(install.ACTIONS) and all(line.startswith("SCR 4 0 RS") for line in lines)
    ids = [line.split()[3] for line in lines]
    assert len(set(ids)) == len(ids) and all(len(name) == 42 for name in ids) and set(ids) == set(state.actions)
    assert settings["watch"].removeprefix("_") == ids[list(install.ACTIONS).index("watch")]
    assert all((config / "Scripts" / line.split()[-1]).is_file() for line in lines)
    install.uninstall()
    assert files(config) == {}


def test_what_reaper_has_rewritten_is_still_found(config: Path) -> None:
    """In another order, with quotes, backslashes, another description, and a key set to one of ours."""
    state = install.install()
    lines = (config / "reaper-kb.ini").read_bytes().splitlines()[::-1]
    lines[0] = lines[0].replace(b"HarmonicFlow/HarmonicFlow_watch.lua", b'"HarmonicFlow\\HarmonicFlow_watch.lua"')
    key = b"KEY 5 71 _" + lines[1].split()[3] + b" 0"
    (config / "reaper-kb.ini").write_bytes(b"\r\n".join([*lines, key]) + b"\r\n")
    assert install.install().actions == state.actions
    install.uninstall()
    assert (config / "reaper-kb.ini").read_bytes() == key + b"\r\n"  # the user's key waits for another install
    assert install.install().actions == state.actions


def test_another_release_replaces_the_scripts(config: Path) -> None:
    install.install()
    ours, keys = config / "Scripts/HarmonicFlow", config / "reaper-kb.ini"
    settings = ours / "lib/settings.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"version": "0.0.1"}))
    (ours / "HarmonicFlow_gone.lua").write_text("-- of an older release")
    with keys.open("ab") as file:
        file.write(kb.Script(kb.PurePosixPath("HarmonicFlow/HarmonicFlow_gone.lua"), "Custom: gone").line() + b"\n")
    assert install.look()[0].state == "other version"
    assert install.install().state == "installed"
    assert not (ours / "HarmonicFlow_gone.lua").exists() and b"gone" not in keys.read_bytes()


def test_a_line_that_the_user_has_removed_is_not_put_in_again(config: Path) -> None:
    install.install()
    (config / "Scripts/__startup.lua").unlink()
    state = install.install()
    assert not state.startup and not (config / "Scripts/__startup.lua").exists() and state.state == "installed"


def test_lines_that_the_user_has_added_stay(config: Path) -> None:
    file = config / "Scripts/__startup.lua"
    install.install()
    file.write_text("-- mine\n" + file.read_text().rstrip("\n"))
    install.uninstall()
    assert file.read_text() == "-- mine\n"
    assert startup.LINE.count("\n") == 0


@pytest.mark.skipif(not Path("/proc/self/exe").exists(), reason="looks into /proc")
def test_nothing_is_registered_while_reaper_runs(config: Path, tmp_path: Path) -> None:
    (config / "reaper-kb.ini").write_bytes(THEIRS)
    stand_in = shutil.copy("/bin/sleep", tmp_path / "reaper")
    running = subprocess.Popen([stand_in, "60"], env={"HOME": str(tmp_path / "user")})
    other = subprocess.Popen([stand_in, "60"], env={"HOME": str(tmp_path / "elsewhere")})
    try:
        state = install.install()
        assert state.state == "not bound" and (config / "reaper-kb.ini").read_bytes() == THEIRS
        assert "Load ReaScript" in state.left[0] and "HarmonicFlow_watch.lua" in state.left[0]
        with pytest.raises(HarmonicFlowError, match="REAPER is running"):
            install.uninstall()
        running.kill()
        running.wait()
        assert install.install().state == "installed"  # the other one has another configuration
    finally:
        for process in (running, other):
            process.kill()
            process.wait()


def test_without_reaper_there_is_a_sentence(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(config)
    monkeypatch.setattr(places, "_PROGRAMS", {})
    with pytest.raises(HarmonicFlowError, match="there is no REAPER on this computer"):
        install.install()
    assert install.look() == []
    monkeypatch.setattr(places, "_PROGRAMS", {"linux": (sys.executable,)})
    assert [state.state for state in install.look()] == ["not installed"]


@pytest.mark.parametrize(
    ("platform", "folder"),
    [
        ("linux", ".config/REAPER"),
        ("darwin", "Library/Application Support/REAPER"),
        ("win32", "AppData/Roaming/REAPER"),
    ],
)
def test_where_reaper_keeps_its_things(
    platform: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    for name in ("XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.delenv(name, raising=False)
    assert places.resource_folder() == tmp_path / folder


def test_the_command_line(run_here, tmp_path: Path) -> None:
    folder = str(tmp_path / "portable")
    ran = run_here("bridge", "install", "reaper", "--config-dir", folder)
    assert ran.code == 0 and "Generate stems from selection" in ran.out and folder in ran.out
    assert "checked against REAPER's published API and not run in REAPER" in ran.out
    [row] = run_here("bridge", "status", "reaper", "--json", "--config-dir", folder).objects
    assert (row["host"], row["state"], row["version"]) == ("reaper", "installed", harmonicflow.__version__)
    assert len(row["actions"]) == 9 and row["startup"]
    assert "not installed" in run_here("bridge", "uninstall", "reaper", "--config-dir", folder).out
    assert run_here("bridge", "status", "--config-dir", folder).code == 2  # of which DAW?
