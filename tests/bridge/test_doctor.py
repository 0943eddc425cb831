"""The doctor: right about a healthy installation and about each planted fault, and its repairs repair."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import click
import pytest

from bridge import checks, checks_daemon, checks_home, checks_hosts, checks_install
from bridge.daw.hosts import BY_NAME
from harmonicflow.core import connection as connections
from harmonicflow.core import paths

ROOT = Path(__file__).parents[2]
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")


def report(ran):
    return {row["name"]: row for row in ran.objects}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder that an earlier daemon has left."""
    monkeypatch.setenv("HARMONICFLOW_HOME", str(tmp_path / "home"))
    for folder in (paths.home(), paths.run_folder(), paths.takes_folder(), paths.bundles_folder()):
        paths.owner_only(folder)
    return paths.home()


@pytest.fixture
def repair(tmp_path, bundle):
    """Run a repair as a person does, in a shell that knows the command `harmonicflow`."""
    command = tmp_path / "bin" / "harmonicflow"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\ncd "{ROOT}" && exec "{sys.executable}" -m bridge "$@"\n')
    command.chmod(0o755)

    def run(check):
        assert check.repair, check
        environment = os.environ | {
            "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}",
            "HARMONICFLOW_BUNDLE": str(bundle), "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        words = ["/bin/sh", "-c", check.repair]
        subprocess.run(words, env=environment, check=True, capture_output=True, timeout=60)

    yield run
    if (found := connections.find()) is not None:
        os.kill(found.pid, signal.SIGTERM)
        while connections.is_alive(found.pid, found.started):
            time.sleep(0.02)


def test_a_healthy_installation(fresh_cli):
    fresh_cli.home.mkdir(mode=0o700)
    ran = fresh_cli("doctor", "--json")
    rows = report(ran)
    assert list(rows) == list(checks.CHECKS)
    # What surrounds us is as it is on this computer.
    wrong = {name: row for name, row in rows.items() if row["state"] != "ok"}
    assert set(wrong) <= {"others", "sound", "disk", "memory", *BY_NAME} and ran.code == 0, wrong
    assert "not running" in rows["daemon"]["found"]
    assert all(row["repair"] or row["advice"] for row in wrong.values())


def test_people_see_the_repair_below_the_problem(fresh_cli, tmp_path):
    fresh_cli.home.mkdir()
    (fresh_cli.home / "settings.toml").write_text("queue_limit = 0")
    ran = fresh_cli("doctor")
    lines = ran.out.splitlines()
    [at] = [number for number, line in enumerate(lines) if line.startswith("failed   settings")]
    assert ran.code == 1 and "repair: mkdir" in lines[at + 1] and "advice: It is a whole number" in lines[at + 2]


def test_every_command_that_a_repair_names_is_one():
    from bridge.cli import root

    sources = "\n".join(file.read_text() for file in (ROOT / "bridge").glob("check*.py"))
    named = set(re.findall(r"harmonicflow ([a-z]+[a-z -]*[a-z])", sources))
    assert {"daemon install", "daemon stop", "bridge install"} <= named
    for words in map(str.split, named):
        context, command = click.Context(root), root
        while isinstance(command, click.Group):
            name, command, words = command.resolve_command(context, words)
        if words != ["--prune", "--older-than"] or checks_home.prune_command():  # a few cannot be without a value
            options = {option for row in command.params for option in row.opts}
            assert {word for word in words if word.startswith("--")} <= options, (name, words)


@pytest.mark.parametrize("fault", ["damaged", "gone", "model.json", "outside"])
def test_a_damaged_bundle(fault, bundle, home):
    folder = shutil.copytree(bundle, paths.bundles_folder() / "mine")
    model = json.loads((folder / "model.json").read_text())
    decoder = folder / model["files"]["decoder"]["file"]
    assert checks_install.bundle(str(folder)).state == checks_install.own_bundles().state == "ok"
    if fault == "damaged":
        data = bytearray(decoder.read_bytes())
        data[len(data) // 2] ^= 1
        decoder.write_bytes(data)
    elif fault == "gone":
        decoder.unlink()
    elif fault == "model.json":
        (folder / "model.json").write_text("{")
    else:
        model["files"]["decoder"]["file"] = "../decoder.onnx"
        (folder / "model.json").write_text(json.dumps(model))
    found = checks_install.bundle(str(folder))
    assert found.state == "failed" and found.advice and str(folder) in found.found
    assert checks_install.own_bundles().state == "warning"


def test_a_damaged_bundle_of_ones_own_is_put_aside(home, repair):
    (paths.bundles_folder() / "my own").mkdir()
    found = checks_install.own_bundles()
    assert found.state == "warning" and "my own" in found.found
    repair(found)
    assert checks_install.own_bundles().state == "ok" and (home / "bundles.damaged" / "my own").is_dir()


def test_a_bundle_chosen_by_its_name(home, bundle, monkeypatch):
    shutil.copytree(bundle, paths.bundles_folder() / "mine")
    monkeypatch.setenv("HARMONICFLOW_BUNDLE", "mine")
    found = checks_install.bundle(None)
    assert found.state == "ok" and str(paths.bundles_folder() / "mine") in found.found


def test_a_chosen_bundle_that_is_not_there_is_left_for_the_shipped_one(home, monkeypatch, tmp_path):
    monkeypatch.setenv("HARMONICFLOW_BUNDLE", str(tmp_path / "nothing"))
    found = checks_install.bundle(None)
    assert found.state == "failed" and found.repair.startswith("harmonicflow daemon start --bundle")
    assert str(checks_install.shipped_bundle()) in found.repair


def test_a_runtime_that_does_not_start():
    assert checks_install.start_fault() == ""
    assert "DLL load failed" in checks_install.start_fault("raise ImportError('DLL load failed')")
    died = "import os, signal; os.kill(os.getpid(), signal.SIGILL)"
    assert f"signal {signal.SIGILL:d}" in checks_install.start_fault(died)


def test_packages_that_are_missing_or_old(monkeypatch):
    wanted = (("numpy", (999, 0)), ("no-such-package-as-this", (1, 0)), ("click", (8, 0)))
    monkeypatch.setattr(checks_install, "PACKAGES", wanted)
    found = checks_install.packages()
    assert found.state == "failed" and "'numpy>=999.0'" in found.repair and "no-such-package" in found.repair
    assert "click" not in found.repair


def test_the_doctor_asks_for_what_the_package_asks_for(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    wanted = dict(line.split(">=") for line in project["dependencies"])
    assert {name: checks_install.numbers(least) for name, least in wanted.items()} == {
        name: least if least[1] else least[:1] for name, least in checks_install.PACKAGES
    }
    [runtime] = project["optional-dependencies"]["cpu"]
    assert runtime == f"onnxruntime>={'.'.join(map(str, checks_install.MIN_RUNTIME))}"


def test_a_wrong_setting_is_put_aside(home, repair, monkeypatch):
    monkeypatch.delenv("HARMONICFLOW_OSC_PORT")
    (home / "settings.toml").write_text("queue_limit = 5\n")
    assert checks_home.settings() == ("settings", "ok", "queue_limit = 5", "", "")
    (home / "settings.toml").write_text("queue_limt = 5\n")
    found = checks_home.settings()
    assert found.state == "failed" and "queue_limit" in found.advice
    repair(found)
    assert checks_home.settings().found == "the defaults"
    assert (home / "settings.damaged" / "settings.toml").read_text() == "queue_limt = 5\n"


@posix_only
def test_a_home_that_others_can_read(home, repair):
    os.chmod(home, 0o755)
    found = checks_home.folder()
    assert found.state == "warning"
    repair(found)
    assert checks_home.folder().state == "ok"


@pytest.mark.parametrize("name", ["Dropbox", "OneDrive - Studio"])
def test_a_home_that_another_program_keeps_in_step(name, tmp_path, monkeypatch):
    monkeypatch.setenv("HARMONICFLOW_HOME", str(tmp_path / name / "harmonicflow"))
    found = checks_home.folder()
    assert found.state == "warning" and "HARMONICFLOW_HOME" in found.advice


def test_a_home_on_a_network_drive(tmp_path):
    mounts = tmp_path / "mounts"
    place = str(tmp_path / "my studio").replace(" ", "\\040")
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\n//server/share {place} cifs rw 0 0\n")
    assert checks_home.file_system(tmp_path / "my studio" / "takes", mounts) == "cifs"
    assert checks_home.file_system(tmp_path / "other", mounts) == "ext4"
    assert checks_home.file_system(tmp_path, tmp_path / "nothing") == ""
    assert {"cifs", "nfs4", "9p"} < checks_home.FAR


@posix_only
def test_a_connection_file_that_others_can_read(home, repair):
    file = connections.write(_connection(os.getpid()))
    assert checks_home.permissions().state == "ok"
    file.chmod(0o644)
    found = checks_home.permissions()
    assert found.state == "failed" and str(file) in found.found
    assert checks_daemon.connection().state == checks_daemon.daemon().state == "failed"
    file.write_text("{}")  # of a daemon that is gone: this process must not be taken for one
    repair(checks_home.permissions())
    assert [check().state for check in (checks_home.permissions, checks_daemon.connection)] == ["ok", "ok"]
    assert checks_daemon.daemon().state == "ok"


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give files away")
def test_files_of_another_user(home, repair, monkeypatch):
    (home / "journal.sqlite").touch()
    os.chown(home / "journal.sqlite", 12345, 12345)
    found = checks_home.permissions()
    assert found.state == "failed" and "journal.sqlite" in found.found
    repair(found._replace(repair=found.repair.removeprefix("sudo ")))
    assert checks_home.permissions().state == "ok"


def test_a_disk_that_is_nearly_full(home, monkeypatch):
    states = []
    for free in (5e6, 3e8, 7e8, 5e10):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: shutil._ntuple_diskusage(1e12, 0, free))
        states.append(checks_home.disk().state)
    assert states == ["failed", "failed", "warning", "ok"]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1e12, 0, 3e8))
    monkeypatch.setenv("HARMONICFLOW_LOW_DISK_MB", "200")
    assert checks_home.disk().state == "warning"


def test_little_memory(tmp_path):
    source = tmp_path / "meminfo"
    source.write_text("MemTotal:  16000000 kB\nMemAvailable:     300000 kB\n")
    found = checks_home.memory(source)
    assert found.state == "warning" and "307 MB" in found.found and found.advice
    source.write_text("MemAvailable:  3000000 kB\n")
    assert checks_home.memory(source).state == checks_home.memory(tmp_path / "nothing").state == "ok"


def test_a_clock_that_was_set_back(home):
    assert checks_home.clock().state == "ok"
    ahead = time.time() + 40 * 86_400
    os.utime(paths.takes_folder(), (ahead, ahead))
    found = checks_home.clock()
    assert found.state == "warning" and found.repair and time.strftime("%Y-%m-%d", time.localtime(ahead)) in found.found


def _journal(home, *takes):
    from daemon.journal import Journal, TakeRecord

    with Journal(home / "journal.sqlite") as journal:
        journal.adopt([TakeRecord(take, take, b"{}") for take in takes])


def test_a_damaged_journal(home, repair):
    assert checks_home.journal().found == "none yet"
    _journal(home)
    assert checks_home.journal() == ("journal", "ok", "0 jobs, 0 takes", "", "")
    data = bytearray((home / "journal.sqlite").read_bytes())
    data[4096:4196] = os.urandom(100)
    (home / "journal.sqlite").write_bytes(data)
    found = checks_home.journal()
    assert found.state == "failed" and "is damaged" in found.found
    repair(found)
    assert checks_home.journal().state == "ok" and checks_daemon.daemon().state == "ok"


def test_a_journal_that_is_no_database(home):
    (home / "journal.sqlite").write_text("not a database, " * 1000)
    assert checks_home.journal().state == "failed"


def test_a_take_that_somebody_removed(home, repair):
    _journal(home, "20260101-000000-abcdef-1")
    found = checks_home.journal()
    assert found.state == "warning" and "20260101-000000-abcdef-1" in found.found
    repair(found)
    assert checks_home.journal().state == "ok"


def test_a_journal_is_read_while_a_daemon_writes_it(home):
    _journal(home)
    with sqlite3.connect(home / "journal.sqlite") as writer:
        writer.execute("begin immediate")
        assert checks_home.journal().state == "ok"
        writer.execute("rollback")
    writer.close()


def test_a_take_without_its_card(home, repair):
    (paths.takes_folder() / "20260101-000000-abcdef-1").mkdir()
    found = checks_home.takes()
    assert found.state == "warning" and "no take.json" in found.found
    repair(found)
    assert checks_home.takes().state == "ok" and len(list((home / "takes.damaged").iterdir())) == 1


def _connection(pid):
    door = "tcp://127.0.0.1:1"
    return connections.Connection(pid=pid, started=0, version="0", work=door, control=door, events=door, key="00" * 32)


@pytest.mark.parametrize("left", ["dead", "broken"])
def test_a_connection_file_that_a_dead_daemon_left(home, repair, left):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    file = connections.write(_connection(ended.pid))
    if left == "broken":
        file.write_text('{"pid": ')
    found = checks_daemon.connection()
    assert found.state == "warning" and (str(ended.pid) in found.found) == (left == "dead")
    repair(found)
    assert checks_daemon.connection().state == checks_daemon.daemon().state == "ok"


def test_a_daemon_that_does_not_answer(fresh_cli, monkeypatch, repair):
    monkeypatch.setenv("HARMONICFLOW_HOME", str(fresh_cli.home))
    assert fresh_cli("daemon", "start").code == 0
    pid = connections.find().pid
    os.kill(pid, signal.SIGSTOP)
    found = checks_daemon.daemon()
    assert found.state == "failed" and str(pid) in found.repair
    repair(found)
    assert checks_daemon.daemon().state == "ok" and connections.find().pid != pid


def test_a_lock_that_a_process_holds_unseen(home, monkeypatch):
    monkeypatch.setattr(checks_daemon, "START_S", 0.1)
    with connections.daemon_lock():
        found = checks_daemon.connection()
    assert found.state == "warning" and f"kill -9 {os.getpid()}" in found.repair
    assert checks_daemon.connection().state == "ok"


def test_other_daemons_of_this_user(home, tmp_path):
    processes = tmp_path / "proc"
    rows = {
        "11": ["/usr/bin/python3.11", "-P", "-m", "harmonicflow.daemon"],
        "12": ["/opt/venv/bin/python", "-m", "daemon", "--foreground"],
        "13": ["/usr/bin/python3", "-m", "daemon.worker"],
        "14": ["/usr/bin/vim", "-m", "daemon"],
        "15": ["/usr/bin/python3", "tool.py", "daemon"],
    }
    for pid, words in rows.items():
        (processes / pid).mkdir(parents=True)
        (processes / pid / "cmdline").write_bytes(b"\0".join(word.encode() for word in [*words, ""]))
    (processes / "meminfo").touch()
    found = checks_daemon.others(processes)
    assert found.state == "warning" and found.repair == "kill 11 12"
    connections.daemon_lock().path.write_text("12")
    assert checks_daemon.others(processes).repair == "kill 11"
    assert checks_daemon.others(tmp_path / "nothing").state == "ok"


@pytest.mark.parametrize(
    ("look", "found"),
    [
        ("import sys; sys.exit('no package')", "sounddevice is not installed"),
        ("import sys; sys.exit('no library')", "PortAudio is not installed"),
        ("print(0); print()", "no output device"),
        ("import os; os.abort()", "cannot be asked"),
        ("import time; time.sleep(60)", "not answered"),
        ("print(3); print('x')", "3 output devices, one of them"),
    ],
)
def test_the_sound_system(look, found, monkeypatch):
    monkeypatch.setattr(checks_hosts, "SOUND_S", 1.0)
    check = checks_hosts.sound(look)
    assert found in check.found and check.state == ("ok" if look.startswith("print(3") else "warning")
    assert check.state == "ok" or check.repair or check.advice


def test_scripts_in_ardour_that_lead_nowhere(tmp_path, home):
    from bridge.daw import settings as host_settings
    from bridge.daw.wake import wake_command
    from harmonicflow.core import spool

    file = tmp_path / "settings.json"
    right = {"start": wake_command(), "spool": str(spool.folder())}
    file.write_text(json.dumps(right))
    assert host_settings.misled(file) == ""
    for wrong, said in [
        ({"start": ["/no/such/python", "-c"]}, "not there any more"),
        ({"start": [sys.executable, "-c", "pass"]}, "another installation"),
        ({"spool": "/elsewhere"}, "/elsewhere"),
        ({"start": []}, "not there"),
    ]:
        file.write_text(json.dumps(right | wrong))
        assert said in host_settings.misled(file)
    file.write_text("{")
    assert "cannot be read" in host_settings.misled(file)
