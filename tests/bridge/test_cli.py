"""The root of the command line: help, lazy loading, and the border where errors become exit codes."""

import os
import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

import bridge.cli as root

ROOT = Path(__file__).parents[2]
OURS = ["demo", "generate", "regenerate", "extend", "takes", "cancel", "daemon", "models", "doctor", "bench"]


def test_help_is_there_in_0_3_seconds(cli):
    def seconds() -> float:
        before = os.times()  # processor time: on a busy machine the clock on the wall says little
        ran = cli("--help")
        assert ran.code == 0 and all(f"  {name} " in ran.out for name in OURS)
        after = os.times()
        used = after.children_user + after.children_system - before.children_user - before.children_system
        assert used > 0
        return used

    assert min(seconds() for _ in range(5)) < 0.3


@pytest.mark.parametrize(
    "words", [["--help"], ["generate", "--help"], ["takes"], ["cancel"], ["generate", "--bars", "0"]]
)
def test_no_array_library_where_no_sound_is_read(words, tmp_path):
    # The home cannot be made, so that `takes` goes all the way to the start of a daemon, and no further.
    home = tmp_path / "file" / "home"
    home.parent.write_text("")
    program = (
        "import sys, bridge.cli\n"
        f"bridge.cli.run({words!r})\n"
        "heavy = {'numpy', 'soundfile', 'onnxruntime', 'torch', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "twice = [name for name in sys.modules if name.startswith('harmonicflow.bridge')]\n"
        "assert not twice, f'a clone runs its own commands: {twice}'\n"
    )
    environment = {"HARMONICFLOW_HOME": str(home), "PATH": ""}
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    if words == ["takes"]:
        assert f"{home} cannot be" in ran.stderr


@pytest.mark.parametrize("name", OURS)
def test_every_command_explains_itself_to_a_musician(name, capsys):
    assert root.run([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert "harmonicflow" in text and "--json" in text or name == "daemon"


def test_every_option_has_a_help_text():
    context = click.Context(root.root)
    for name in OURS:
        command = root.root.get_command(context, name)
        assert command is not None and command.help
        commands = command.commands.values() if isinstance(command, click.Group) else [command]
        for each in commands:
            silent = [p.name for p in each.params if isinstance(p, click.Option) and not p.help]
            assert not silent, (name, silent)


def test_the_table_and_the_packages_entry_points_name_the_same_commands():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    points = project["entry-points"][root.ENTRY_POINTS]
    for name, target in points.items():
        assert root.COMMANDS[name].target.removeprefix("harmonicflow.") == target.removeprefix("harmonicflow."), name
    assert set(OURS) <= set(points)
    for name in OURS:
        module, _, attribute = root.COMMANDS[name].target.partition(":")
        assert find_spec(module) and isinstance(getattr(import_module(module), attribute), click.Command)


def test_a_fault_of_ours_is_a_sentence_and_a_file(monkeypatch, capsys):
    def fail(*_args, **_options):
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(root.root, "main", fail)
    assert root.run(["takes"]) == 1
    said = capsys.readouterr().err
    assert "ZeroDivisionError: planted" in said and "Traceback" not in said
    log = Path(said.rsplit("file ", 1)[1].strip().rstrip("."))
    assert "Traceback" in log.read_text()
    log.unlink()


def test_ctrl_c_is_130(monkeypatch, capsys):
    def interrupt(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(root.root, "main", interrupt)
    assert root.run(["takes"]) == 130
    assert "cancelled" in capsys.readouterr().err


def test_a_reader_that_stops_reading_is_no_error(cli):
    process = cli.popen("generate", "--help")
    process.stdout.close()  # as in "harmonicflow generate --help | true"
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(20) in (0, 1) and said == ""
