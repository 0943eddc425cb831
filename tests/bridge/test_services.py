"""Services: each system's file is read by a reader of its own, and what it starts is the daemon."""

import os
import plistlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bridge import checks_daemon, services
from bridge.client import Client
from bridge.services import TASK_NAMESPACE, Start, daemon_start, plan
from harmonicflow.core import connection as connections
from harmonicflow.core.errors import HarmonicFlowError

ODD = 'Anna\'s 100% $HOME "studio" \\ é'


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A user's folders, none of them real, and a systemctl that only writes down what it is asked."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HARMONICFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HARMONICFLOW_OSC_PORT")
    asked = tmp_path / "asked"
    program = tmp_path / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$*" >> "{asked}"\ntest ! -e "{tmp_path}/fails"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def unit_words(data):
    """ExecStart as systemd.service(5) says it is read: quotes, then specifiers and variables."""
    [line] = [line for line in data.decode().splitlines() if line.startswith("ExecStart=")]
    return [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(line.partition("=")[2])]


def task_rows(data):
    root = ElementTree.fromstring(data.decode("utf-16"))
    return {re.sub(r"\{.*?\}", "", element.tag): element.text for element in root.iter()}


def words_of(platform, data):
    if platform == "linux":
        return unit_words(data)
    if platform == "darwin":
        return plistlib.loads(data)["ProgramArguments"]
    rows = task_rows(data)
    return [rows["Command"], *shlex.split(rows["Arguments"])]


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_words_come_back_as_they_are(place, platform):
    words = ["/usr/bin/python3", "-m", "daemon", "--home", f"/home/{ODD}", "--bundle", ""]
    service = plan(Start(words, Path("/srv/100%"), place), platform)
    assert words_of(platform, service.data) == words


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd's own reader")
def test_systemd_finds_no_fault_in_the_unit(place):
    def verify(service):
        file = place / service.file.name
        file.write_bytes(service.data)
        words = ["systemd-analyze", "--user", "--man=no", "verify", str(file)]
        environment = os.environ | {"XDG_RUNTIME_DIR": str(place)}
        ran = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=30)
        return [line for line in ran.stderr.splitlines() if "harmonicflow" in line]

    assert verify(plan(daemon_start(), "linux")) == []
    program = place / "100% my own" / "python"
    program.parent.mkdir()
    start = Start([str(program), "-m", "daemon", "--home", f"/home/{ODD}"], program.parent, place)
    assert any("not executable" in line for line in verify(plan(start, "linux")))
    shutil.copy("/bin/true", program)
    unit = plan(start, "linux")
    assert verify(unit) == []  # it found this very file
    assert verify(unit._replace(data=unit.data.replace(b"Restart=on-failure", b"Restart=maybe")))
    for odd in ("/home/Anna's/python", "/home/$HOME/python"):
        words = [odd, *start.words[1:]]
        service = plan(start._replace(words=words), "linux")
        assert verify(service) == [] and unit_words(service.data) == ["/usr/bin/env", *words]


def test_the_agent_of_macos(place):
    service = plan(daemon_start(), "darwin")
    agent = plistlib.loads(service.data)
    assert agent["Label"] == service.file.stem == "org.harmonicflow.daemon"
    assert agent["RunAtLoad"] is True and agent["KeepAlive"] == {"SuccessfulExit": False}
    assert Path(agent["StandardErrorPath"]).parent == place / "home" / "log"
    assert service.file.parent == place / "Library" / "LaunchAgents"


# What may stand in a task of version 1.2: the children of each element, or the form of its text.
BOOLEAN = "true|false"
TASK = {
    "Task": {"RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"},
    "RegistrationInfo": {"Description", "Author", "Date", "URI"},
    "Triggers": {"LogonTrigger"},
    "LogonTrigger": {"Enabled", "UserId", "Delay"},
    "Principals": {"Principal"},
    "Principal": {"UserId", "LogonType", "RunLevel"},
    "Settings": {
        "MultipleInstancesPolicy", "DisallowStartIfOnBatteries", "StopIfGoingOnBatteries", "ExecutionTimeLimit",
        "Priority", "RestartOnFailure", "Enabled", "Hidden",
    },
    "RestartOnFailure": {"Interval", "Count"},
    "Actions": {"Exec"},
    "Exec": {"Command", "Arguments", "WorkingDirectory"},
    "Description": ".+", "UserId": r".+\\.*", "Enabled": BOOLEAN, "Hidden": BOOLEAN,
    "DisallowStartIfOnBatteries": BOOLEAN, "StopIfGoingOnBatteries": BOOLEAN,
    "LogonType": "S4U|Password|InteractiveToken|Group", "RunLevel": "LeastPrivilege|HighestAvailable",
    "MultipleInstancesPolicy": "Parallel|Queue|IgnoreNew|StopExisting", "ExecutionTimeLimit": r"P(T?\d+[DHMS])+",
    "Interval": r"PT([1-9]|[1-5]\d)M", "Count": r"[1-9]\d?", "Priority": r"\d|10", "Command": ".+", "Arguments": ".*",
    "WorkingDirectory": ".+",
}  # fmt: skip
IN_ORDER = {"LogonTrigger": ["Enabled", "UserId"], "RestartOnFailure": ["Interval", "Count"]}


def test_the_task_of_windows_is_one_of_the_scheduler(place):
    service = plan(daemon_start(), "win32")
    assert service.data.startswith(b"\xff\xfe") and 'encoding="UTF-16"' in service.data.decode("utf-16")
    root = ElementTree.fromstring(service.data.decode("utf-16"))
    names = set()
    for element in root.iter():
        name = element.tag.removeprefix(f"{{{TASK_NAMESPACE}}}")
        children = [child.tag.removeprefix(f"{{{TASK_NAMESPACE}}}") for child in element]
        names.add(name)
        if isinstance(TASK[name], set):
            assert set(children) <= TASK[name] and len(set(children)) == len(children)
            assert children == IN_ORDER.get(name, children)
        else:
            assert not children and re.fullmatch(TASK[name], element.text), name
    assert {"LogonTrigger", "Exec", "Command", "RestartOnFailure"} <= names
    assert root.find(f".//{{{TASK_NAMESPACE}}}Actions").get("Context") == "user"
    assert root.find(f".//{{{TASK_NAMESPACE}}}Principal").get("id") == "user"
    rows = task_rows(service.data)
    assert rows["ExecutionTimeLimit"] == "PT0S"  # not ended after three days, as tasks are otherwise


def test_arguments_of_windows_are_read_back_by_its_rules(place):
    words = ["C:\\Program Files\\Python\\python.exe", "-m", "daemon", "--home", 'C:\\Users\\Anna "A" B\\']
    rows = task_rows(plan(Start(words, None, place), "win32").data)
    # The rules of CommandLineToArgvW: backslashes count only before a quote.
    assert rows["Arguments"] == '-m daemon --home "C:\\Users\\Anna \\"A\\" B\\\\"'
    assert rows["Command"] == words[0] and "WorkingDirectory" not in rows


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_what_the_service_starts_is_the_daemon_of_this_home(place, platform, bundle, monkeypatch):
    service = plan(daemon_start(str(bundle)), platform)
    # A service knows nothing of the terminal's environment.
    environment = {name: os.environ[name] for name in ("PATH",)} | {"HOME": str(place / "elsewhere")}
    folder = daemon_start().folder
    process = subprocess.Popen(words_of(platform, service.data), env=environment, cwd=folder)
    try:
        deadline = time.monotonic() + 20
        while (found := connections.find()) is None:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        assert found.pid == process.pid
        with Client.connect() as client:
            assert client.status().home == str(place / "home")
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_a_service_of_another_installation_is_told_from_one_with_a_bundle(place, platform):
    wanted = plan(daemon_start(), platform).data
    assert checks_daemon.starts_as(wanted, wanted)
    assert checks_daemon.starts_as(plan(daemon_start("mine"), platform).data, wanted)
    start = daemon_start("mine")
    moved = start._replace(words=["/old/venv/python", *start.words[1:]])
    elsewhere = start._replace(words=[word.replace("home", "attic") for word in start.words])
    for other in (moved, elsewhere):
        assert not checks_daemon.starts_as(plan(other, platform).data, wanted)


@pytest.mark.skipif(sys.platform != "linux", reason="systemd")
def test_install_twice_uninstall_twice(place, run_here, monkeypatch):
    monkeypatch.setenv("HARMONICFLOW_HOME", str(place / "home"))
    file = place / "config" / "systemd" / "user" / "harmonicflow.service"
    assert checks_daemon.service().found.startswith("not started at login")
    assert run_here("daemon", "install", "--json").objects == [{"service": "systemd", "file": str(file), "left": []}]
    first = file.read_bytes()
    assert unit_words(first) == list(daemon_start().words)
    asked = (place / "asked").read_text().splitlines()
    assert asked == [f"--user {words}" for words in ("daemon-reload", "enable harmonicflow.service",
                                                     "start harmonicflow.service")]  # fmt: skip
    assert checks_daemon.service() == ("service", "ok", "systemd starts it at login", "", "")
    assert run_here("daemon", "install").code == 0 and file.read_bytes() == first

    file.write_bytes(first.replace(b"ExecStart=", b'ExecStart="/old/venv/bin/python" '))
    found = checks_daemon.service()
    assert found.state == "warning" and found.repair == "harmonicflow daemon install"
    assert run_here(*found.repair.split()[1:]).code == 0 and checks_daemon.service().state == "ok"

    assert run_here("daemon", "uninstall", "--json").objects[0]["removed"] is True
    assert not file.exists() and "disable --now" in (place / "asked").read_text().splitlines()[-1]
    assert run_here("daemon", "uninstall", "--json").objects[0]["removed"] is False


@pytest.mark.skipif(sys.platform != "linux", reason="systemd")
def test_what_could_not_be_done_is_said_with_its_command(place, monkeypatch):
    (place / "fails").touch()
    monkeypatch.setenv("HARMONICFLOW_QUEUE_LIMIT", "5")
    service, left = services.install()
    assert service.file.exists() and len(left) == 2
    assert "systemctl --user daemon-reload && systemctl --user enable harmonicflow.service" in left[0]
    assert "write queue_limit = 5 into settings.toml" in left[1]


@pytest.mark.skipif(sys.platform != "linux", reason="systemd")
def test_a_daemon_that_runs_is_not_disturbed(place):
    door = "tcp://127.0.0.1:1"
    connections.write(
        connections.Connection(
            pid=os.getpid(), started=connections.start_mark(os.getpid()), version="0", work=door, control=door,
            events=door, key="00" * 32,
        )
    )  # fmt: skip
    _, left = services.install()
    assert str(os.getpid()) in left[0] and "next login" in left[0]
    assert [line.split()[1] for line in (place / "asked").read_text().splitlines()] == ["daemon-reload", "enable"]


def test_a_system_without_a_manager(place, monkeypatch):
    with pytest.raises(HarmonicFlowError, match="freebsd14"):
        plan(daemon_start(), "freebsd14")
    monkeypatch.setenv("PATH", str(place))
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(HarmonicFlowError, match="without systemd"):
        services.install()
