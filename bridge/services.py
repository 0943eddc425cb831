"""The daemon as a service that starts with the user's login: a systemd user unit, a launchd agent, a Windows task.

Every plan is plain data, made from the words that start the daemon, so that each system's can be looked at on any.
A daemon that is ended on purpose stays ended; one that crashes, or hangs where the system can tell, starts again.
"""

import os
import plistlib
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple
from xml.etree import ElementTree

from harmonicflow.core import connection as connections
from harmonicflow.core import paths, settings
from harmonicflow.core.errors import HarmonicFlowError

from .check import command
from .spawn import module_command

UNIT: Final = "harmonicflow.service"
LABEL: Final = "org.harmonicflow.daemon"
TASK: Final = "HarmonicFlow"
TASK_NAMESPACE: Final = "http://schemas.microsoft.com/windows/2004/02/mit/task"
WATCHDOG_S: Final = 30  # without a sign of life the daemon counts as hanging; it gives three in that time
PATIENCE_S: Final = 30.0  # for the commands of the system


class Start(NamedTuple):
    """What the service runs: words, the folder to run them in (None: any), and the home that it keeps things in."""

    words: Sequence[str]
    folder: Path | None
    home: Path


class Service(NamedTuple):
    """One system's service: the file that describes it, and the commands that switch it on, start it and end it."""

    title: str
    file: Path
    data: bytes
    on: tuple[tuple[str, ...], ...]  # from the next login on
    now: tuple[tuple[str, ...], ...]
    off: tuple[tuple[str, ...], ...]


def daemon_start(bundle: str | None = None) -> Start:
    """The daemon of this installation, with the home of now."""
    words, folder = module_command("daemon")
    words += ["--home", str(paths.home())]
    if bundle is not None:
        chosen = Path(bundle).expanduser()
        words += ["--bundle", str(chosen.absolute()) if chosen.exists() else bundle]
    return Start(words, folder, paths.home())


def plan(start: Start, platform: str = sys.platform) -> Service:
    """The service as it is to be on a system; raises `no_service` for one that we do not know."""
    plans = {"linux": systemd, "darwin": launchd, "win32": task}
    if platform not in plans:
        raise HarmonicFlowError("no_service", system=platform)
    return plans[platform](start)


def install(bundle: str | None = None) -> tuple[Service, list[str]]:
    """Write the service and switch it on; returns it, and what is left to do, a sentence each. Raises `disk`."""
    if sys.platform == "linux" and shutil.which("systemctl") is None:
        raise HarmonicFlowError("no_service", system="a Linux without systemd")
    service = plan(daemon_start(bundle))
    running = connections.find()
    if running is None and service.file.exists():
        _run(service.off)  # what it knows of an older installation
    for folder in (paths.home(), paths.log_folder()):  # launchd makes none
        paths.owner_only(folder)
    with paths.disk_errors(service.file):
        service.file.parent.mkdir(parents=True, exist_ok=True)
    paths.write_atomic(service.file, service.data, mode=0o644)
    left = []
    if failed := _run([*service.on, *(() if running else service.now)]):
        left.append(f"{service.title} could not be told now; run: {failed}")
    elif running:
        left.append(f"The daemon that runs now (process {running.pid}) goes on; the service starts with the next login")
    left += [
        f"{row.origin} is set in this terminal only: write {row.setting.name} = {row.value} into {settings.FILE_NAME}"
        for row in settings.find() if row.origin == row.setting.variable
    ]  # fmt: skip
    return service, left


def uninstall() -> tuple[Service, bool]:
    """Switch the service off and remove it; returns it, and whether there was one. Raises `disk`."""
    service = plan(daemon_start())
    there = service.file.exists()
    if there:
        _run(service.off)
        with paths.disk_errors(service.file):
            service.file.unlink(missing_ok=True)
    return service, there


def _run(commands: Sequence[Sequence[str]]) -> str:
    """Run commands one after the other; returns the ones from the first that failed, "" where none did."""
    for number, words in enumerate(commands):
        try:
            ran = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S)
        except (OSError, subprocess.TimeoutExpired):
            code = -1
        else:
            code = ran.returncode
        if code:
            return " && ".join(command(*rest) for rest in commands[number:])
    return ""


def systemd(start: Start) -> Service:
    """A unit of the user's own systemd."""
    place = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"
    # systemd takes no program whose path has a quote in it, or reads a $ as it is; env takes any, and becomes it.
    words = ["/usr/bin/env", *start.words] if set(start.words[0]) & set("'\"\\$") else start.words
    folder = f"WorkingDirectory={_specifiers(str(start.folder))}\n" if start.folder else ""
    text = f"""\
[Unit]
Description=HarmonicFlow, which makes stems that fit your song
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=notify
ExecStart={" ".join(map(_unit_word, words))}
{folder}WatchdogSec={WATCHDOG_S}
Restart=on-failure
RestartSec=2
# A wrong option or setting does not mend itself.
RestartPreventExitStatus=2
NoNewPrivileges=yes
UMask=0077

[Install]
WantedBy=default.target
"""
    control = ("systemctl", "--user")
    return Service(
        "systemd", place / UNIT, text.encode(),
        ((*control, "daemon-reload"), (*control, "enable", UNIT)), ((*control, "start", UNIT),),
        ((*control, "disable", "--now", UNIT),),
    )  # fmt: skip


def _unit_word(word: str) -> str:
    """A word as systemd reads it back: quoted, no specifier, no variable."""
    text = _specifiers(word).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{text}"'


def _specifiers(text: str) -> str:
    return text.replace("%", "%%")


def launchd(start: Start) -> Service:
    """An agent of macOS's launchd."""
    log = start.home / "log" / "start.log"
    agent = {
        "Label": LABEL,
        "ProgramArguments": list(start.words),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 10,
        "ProcessType": "Interactive",  # others are slowed down while the musician waits
        "StandardErrorPath": str(log),
        "Umask": 0o077,
    }
    if start.folder:
        agent["WorkingDirectory"] = str(start.folder)
    file = Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"
    domain = f"gui/{os.getuid() if sys.platform != 'win32' else 0}"
    return Service(
        "launchd", file, plistlib.dumps(agent),
        (), (("launchctl", "bootstrap", domain, str(file)),), (("launchctl", "bootout", f"{domain}/{LABEL}"),),
    )  # fmt: skip


def task(start: Start) -> Service:
    """A task of Windows' scheduler, at logon, without a window."""
    program = Path(start.words[0])
    silent = program.with_name("pythonw.exe")
    rows = {
        "RegistrationInfo": {"Description": "HarmonicFlow, which makes stems that fit your song"},
        "Triggers": {"LogonTrigger": {"Enabled": "true", "UserId": _windows_user()}},
        "Principals": {
            "Principal": {"UserId": _windows_user(), "LogonType": "InteractiveToken", "RunLevel": "LeastPrivilege"}
        },
        "Settings": {
            "MultipleInstancesPolicy": "IgnoreNew",
            "DisallowStartIfOnBatteries": "false",
            "StopIfGoingOnBatteries": "false",
            "ExecutionTimeLimit": "PT0S",  # as long as the musician works
            "Priority": "5",  # the default, 7, is slower than other programs
            "RestartOnFailure": {"Interval": "PT1M", "Count": "3"},
        },
        "Actions": {
            "Exec": {
                "Command": str(silent if silent.exists() else program),
                "Arguments": subprocess.list2cmdline(start.words[1:]),
            }
            | ({"WorkingDirectory": str(start.folder)} if start.folder else {})
        },
    }
    root = ElementTree.Element("Task", {"version": "1.2", "xmlns": TASK_NAMESPACE})
    _fill(root, rows)
    root[2][0].set("id", "user")
    root[4].set("Context", "user")
    ElementTree.indent(root)
    file = start.home / "harmonicflow-task.xml"
    data = b"\xff\xfe" + ('<?xml version="1.0" encoding="UTF-16"?>\n' + ElementTree.tostring(root, "unicode")).encode(
        "utf-16-le"
    )
    return Service(
        "the Task Scheduler", file, data,
        (("schtasks", "/Create", "/F", "/TN", TASK, "/XML", str(file)),), (("schtasks", "/Run", "/TN", TASK),),
        (("schtasks", "/Delete", "/F", "/TN", TASK),),
    )  # fmt: skip


def _windows_user() -> str:
    return f"{os.environ.get('USERDOMAIN', '.')}\\{os.environ.get('USERNAME', '')}"


def _fill(parent: ElementTree.Element, rows: Mapping[str, object]) -> None:
    for name, value in rows.items():
        child = ElementTree.SubElement(parent, name)
        if isinstance(value, Mapping):
            _fill(child, value)
        else:
            child.text = str(value)
