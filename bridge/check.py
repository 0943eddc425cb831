"""One line of the doctor's report, and the words that its repairs are written in."""

import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from harmonicflow.core import connection as connections
from harmonicflow.core.errors import HarmonicFlowError


class Check(NamedTuple):
    """What was looked at, how it is, and what makes it right again."""

    name: str
    state: str  # ok, warning or failed
    found: str
    repair: str = ""  # a command for this system's shell
    advice: str = ""  # what a person does where no command can, or after it

    @classmethod
    def ok(cls, name: str, found: str) -> "Check":
        """Nothing to do."""
        return cls(name, "ok", found)

    @classmethod
    def warning(cls, name: str, found: str, repair: str = "", advice: str = "") -> "Check":
        """It works, but not for long or not well."""
        return cls(name, "warning", found, repair, advice)

    @classmethod
    def failed(cls, name: str, found: str, repair: str = "", advice: str = "") -> "Check":
        """It cannot work so."""
        return cls(name, "failed", found, repair, advice)


def command(*words: str | Path) -> str:
    """A command line that the shell of this system reads as these words."""
    texts = [str(word) for word in words]
    return subprocess.list2cmdline(texts) if sys.platform == "win32" else shlex.join(texts)


def pip(*words: str) -> str:
    """`pip install` into the Python that runs here."""
    return command(sys.executable, "-m", "pip", "install", *words)


def end_process(pid: int) -> str:
    """The command that ends a process, whatever it does."""
    return f"taskkill /F /PID {pid}" if sys.platform == "win32" else f"kill -9 {pid}"


def put_aside(path: Path, folder: Path) -> str:
    """The command that moves a file or a folder into another folder, which need not be there."""
    if sys.platform == "win32":
        return f"{command('mkdir', folder)} & {command('move', path, folder)}"
    return f"{command('mkdir', '-p', folder)} && {command('mv', path, folder)}"


def start_again(*options: str | Path) -> str:
    """The command that starts the daemon, after ending the one that runs."""
    start = command("harmonicflow", "daemon", "start", *options)
    try:
        running = connections.find() is not None
    except HarmonicFlowError:  # the file is not to be trusted, the lock is
        running = connections.is_alive(connections.daemon_lock().owner())
    return f"harmonicflow daemon stop && {start}" if running else start


def megabytes(size: float) -> str:
    """A size for people."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
