"""Does the daemon run, can it be reached, and is it the only one."""

import os
import socket
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

import harmonicflow
from harmonicflow.core import connection as connections
from harmonicflow.core.connection import Connection
from harmonicflow.core.errors import HarmonicFlowError

from .check import Check, command, end_process, start_again
from .client import Client
from .services import daemon_start, plan

PROCESSES: Final = Path("/proc")
MODULES: Final = (b"harmonicflow.daemon", b"daemon")  # as a wheel calls it, and a bare clone
START_S: Final = 3.0  # a daemon that holds the lock for so long without being found does not start any more
WELL: Final = ("ready", "busy", "starting", "asleep")
SERVE_AGAIN: Final = "harmonicflow daemon install"
ALLOW: Final = "Allow Python to use the address 127.0.0.1 in the firewall, in both directions"


def ports() -> Check:
    """A program may listen on this computer's own address and be reached there, by TCP and UDP."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            with socket.create_connection(server.getsockname(), timeout=2):
                pass
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one, socket.socket(type=socket.SOCK_DGRAM) as other:
            one.bind(("127.0.0.1", 0))
            one.settimeout(2)
            other.sendto(b"HarmonicFlow", one.getsockname())
            one.recv(64)
    except OSError as error:
        return Check.failed("ports", f"nothing can listen on 127.0.0.1: {error.strerror or error}", advice=ALLOW)
    return Check.ok("ports", "programs can listen on 127.0.0.1")


def connection() -> Check:
    """The file by which programs find the daemon names one that lives."""
    file = connections.connection_file()
    try:
        found = _find()
    except HarmonicFlowError as error:
        return Check.failed("connection", error.message, f"{_close_file()} && {start_again()}")
    if found is not None:
        return Check.ok("connection", f"{file.name} names process {found.pid}")
    if file.exists():
        left = _read(file)
        whose = f"process {left.pid}, which has ended" if left else "nobody: it is damaged"
        return Check.warning("connection", f"{file} names {whose}", start_again())
    owner = connections.daemon_lock().owner()
    if owner and connections.is_alive(owner) and _is_locked():
        found_words = f"process {owner} holds the daemon's lock but cannot be found by programs"
        return Check.warning("connection", found_words, f"{end_process(owner)} && {start_again()}")
    return Check.ok("connection", "there is none, as no daemon runs")


def _find() -> Connection | None:
    """The running daemon; one that just starts is waited for. Raises `denied`."""
    deadline = time.monotonic() + START_S
    while (found := connections.find()) is None and time.monotonic() < deadline:
        if not connections.is_alive(connections.daemon_lock().owner()):
            return None
        time.sleep(0.05)
    return found


def _close_file() -> str:
    return command("chmod", "600", connections.connection_file())


def _read(file: Path) -> Connection | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Connection)
    except (OSError, ValueError):
        return None


def _is_locked() -> bool:
    lock = connections.daemon_lock()
    if not lock.path.exists():
        return False
    free = lock.acquire()
    if free:
        lock.release()
    return not free


def daemon() -> Check:
    """The daemon answers, its engine is well, and it is of this release."""
    try:
        found = connections.find()
    except HarmonicFlowError as error:
        return Check.failed("daemon", error.message, _close_file())
    if found is None:
        return Check.ok("daemon", "not running; it is started when it is needed")
    by_force = f"{end_process(found.pid)} && harmonicflow daemon start"
    try:
        with Client.connect() as client:
            status = client.status()
    except HarmonicFlowError as error:
        return Check.failed("daemon", error.message, by_force, "What it has accepted is kept")
    what = f"process {status.pid}, worker {status.worker}, bundle {status.bundle or 'not loaded yet'}"
    what += f", OSC at {status.osc}" if status.osc else ""
    if status.worker not in WELL:
        return Check.warning("daemon", what, start_again(), "Its log says why the engine does not run")
    if status.version != harmonicflow.__version__:
        found_words = f"{what}: release {status.version}, while {harmonicflow.__version__} is installed"
        return Check.warning("daemon", found_words, start_again())
    return Check.ok("daemon", what)


def service() -> Check:
    """What starts the daemon at login, where there is such a thing, starts this one."""
    try:
        wanted = plan(daemon_start())
    except HarmonicFlowError:
        return Check.ok("service", "this system has no service manager that is known here")
    try:
        found = wanted.file.read_bytes()
    except FileNotFoundError:
        return Check.ok("service", "not started at login; it is started when it is needed")
    title = wanted.title
    if not starts_as(found, wanted.data):
        advice = "It is of another release, or starts another installation"
        return Check.warning("service", f"{title} starts it otherwise than it should", SERVE_AGAIN, advice)
    return Check.ok("service", f"{title} starts it at login")


def starts_as(found: bytes, wanted: bytes) -> bool:
    """Whether a service's file is as it should be, apart from a bundle that somebody chose for it."""
    lines = [_lines(data) for data in (found, wanted)]
    return lines[0] == lines[1] or ("--bundle" in "".join(lines[0]) and all(
        any(line.startswith(start) for line in lines[0]) for start in lines[1]
    ))  # fmt: skip


def _lines(data: bytes) -> list[str]:
    text = data.decode("utf-16" if data.startswith(b"\xff\xfe") else "utf-8", errors="replace")
    return [line.partition("</Arguments>")[0] for line in text.splitlines()]


def others(processes: Path = PROCESSES) -> Check:
    """No second daemon of this user keeps its memory, with another home or left from a broken start."""
    if not processes.is_dir() or sys.platform == "win32":
        return Check.ok("others", "this system does not show other processes")
    strangers = [pid for pid in _daemons(processes) if pid != connections.daemon_lock().owner()]
    if strangers:
        words = ", ".join(map(str, strangers))
        advice = "Unless you run it on purpose, with another home folder"
        return Check.warning(
            "others", f"daemons run beside this one: process {words}", command("kill", *words.split(", ")), advice
        )
    return Check.ok("others", "no other daemon of yours")


def _daemons(processes: Path) -> list[int]:
    """The processes of this user that run `python -m daemon`, in either layout, and are not workers."""
    found = []
    for folder in processes.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if folder.stat().st_uid != os.geteuid():
                continue
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        at = words.index(b"-m") if b"-m" in words[:4] else len(words)
        if b"python" in words[0].lower() and words[at + 1 : at + 2] and words[at + 1] in MODULES:
            found.append(int(folder.name))
    return sorted(found)
