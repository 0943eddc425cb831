"""Start the daemon when none runs, and say so; stop it and wait until it has gone."""

import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from uuid import uuid4

from harmonicflow.core import connection as connections
from harmonicflow.core import paths
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import Ok, Shutdown

from .client import Client
from .output import say

START_S: Final = 20.0  # a daemon is ready within 2 s; a cold disk may take longer
STOP_S: Final = 10.0
LOOK_S: Final = 0.02
_DETACHED: Final = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "DETACHED_PROCESS", 0)
LOG_NAME: Final = "start.log"  # what a daemon says before its own log is open


def connect_or_start(bundle: str | None = None) -> Client:
    """The running daemon, or a new one."""
    if connections.find() is not None:
        return Client.connect()
    return start_daemon(bundle)


def start_daemon(bundle: str | None = None) -> Client:
    """Start a daemon that outlives this process, and connect to it once it is ready.

    Raises `daemon_running`, or what kept it from starting.
    """
    running = connections.find()
    if running is not None:
        if running.pid == 0:  # of another computer
            path = os.environ.get(connections.VARIABLE, "")
            raise HarmonicFlowError("bad_connection", path=path, reason="it is for a daemon on another computer")
        raise HarmonicFlowError("daemon_running", pid=running.pid)
    started = time.monotonic()
    paths.owner_only(paths.home())
    log = paths.owner_only(paths.log_folder()) / LOG_NAME
    words, cwd = module_command("daemon")
    if bundle is not None:
        folder = Path(bundle).expanduser()
        words += ["--bundle", str(folder.absolute()) if folder.exists() else bundle]
    with log.open("wb") as output:
        process = subprocess.Popen(
            words,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # A session of its own: Ctrl-C in this terminal is not meant for the daemon.
            start_new_session=True,
            creationflags=_DETACHED,
        )
    client = _wait_until_ready(process, log)
    # Another pid: somebody else's was faster. (On Windows a virtual environment's Python is a launcher's child.)
    if process.pid == client.connection.pid or sys.platform == "win32":
        say(f"started a daemon (process {client.connection.pid}, ready in {time.monotonic() - started:.1f} s)")
    return client


def _wait_until_ready(process: "subprocess.Popen[bytes]", log: Path) -> Client:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if connections.find() is not None:
            return Client.connect()  # this one, or one that somebody else started a moment before
        if process.poll() is not None and not _another_starts(process.pid):
            raise _why_not(process.returncode, log)
        time.sleep(LOOK_S)
    process.kill()
    raise HarmonicFlowError("daemon_start", reason=f"it was not ready after {START_S:.0f} seconds", log=log)


def _another_starts(pid: int) -> bool:
    """Whether a daemon other than ours has the lock: somebody started one at the same moment."""
    owner = connections.daemon_lock().owner()
    return owner != pid and connections.is_alive(owner)


def _why_not(code: int, log: Path) -> HarmonicFlowError:
    """The error of a daemon that ended before it was ready: its last line says why."""
    lines = [line.strip() for line in log.read_text("utf-8", errors="replace").splitlines() if line.strip()]
    reason = lines[-1].rstrip(".") if lines else f"it ended with exit code {code}"
    error = HarmonicFlowError("daemon_start", reason=reason[:500], log=log)
    error.exit_code = code if code in (3, 4, 5, 6) else error.exit_code
    return error


def stop_daemon(client: Client, now: bool) -> int:
    """Ask a daemon to end and wait until its process has gone; returns its process id."""
    pid, mark = client.connection.pid, client.connection.started
    client.ask(Shutdown(id=uuid4().hex, now=now), Ok)
    deadline = time.monotonic() + STOP_S if now else float("inf")
    while connections.is_alive(pid, mark):
        if time.monotonic() > deadline:
            raise HarmonicFlowError("daemon_lost", what=f"(process {pid}) did not end within {STOP_S:.0f} seconds")
        time.sleep(LOOK_S)
    return pid


def module_command(folder: str) -> tuple[list[str], Path | None]:
    """The words that run one of our packages, and the folder to run them in (None: any).

    Installed, `-m harmonicflow.daemon` with -P, so that no file in the folder one happens to be in is imported;
    in a bare clone, where the packages are called by their short names, `-m daemon` inside the clone.
    """
    if find_spec(f"harmonicflow.{folder}") is not None:
        return [sys.executable, "-P", "-m", f"harmonicflow.{folder}"], None
    return [sys.executable, "-m", folder], Path(__file__).resolve().parents[1]
