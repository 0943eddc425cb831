"""The connection file: how a bridge finds the daemon of this user, and the key they share.

JSON, readable by its owner only, in an owner-only folder. The daemon writes it once its doors are
open and removes it at the end; after a crash it stays, so a reader checks that the process lives.

For a daemon on another computer `HARMONICFLOW_CONNECTION` names a file that `harmonicflow daemon allow` wrote there:
the same fields, no process, and the keys that encrypt everything (CURVE).
"""

import os
import re
import sys
from pathlib import Path
from typing import Final

import msgspec

from . import paths
from .errors import HarmonicFlowError
from .messages import PROTOCOL

FILE_NAME: Final = "daemon.json"
LOCK_NAME: Final = "daemon.lock"
VARIABLE: Final = "HARMONICFLOW_CONNECTION"
MAX_FILE_BYTES: Final = 65_536
Z85: Final = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")  # 32 bytes (ZeroMQ RFC 32)


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """Where a daemon listens. Doors are ZeroMQ endpoints like "tcp://127.0.0.1:49152"."""

    pid: int  # 0: on another computer
    started: int  # the process's start mark, see `start_mark`
    version: str
    protocol: int = PROTOCOL
    work: str
    control: str
    events: str
    osc_port: int = 0  # UDP on loopback; 0 = closed
    key: str  # hexadecimal
    name: str = ""  # what the daemon on another computer calls this one
    server: str = ""  # its public CURVE key in Z85; "": this computer's daemon, without CURVE
    public: str = ""  # our CURVE keys in Z85
    secret: str = ""

    @property
    def remote(self) -> bool:
        """Whether the daemon runs on another computer, as far as we know."""
        return bool(self.server)

    @property
    def alive(self) -> bool:
        """Whether the daemon's process runs; another computer's only its silence tells."""
        return self.remote or is_alive(self.pid, self.started)

    @property
    def key_bytes(self) -> bytes:
        """The signing key."""
        return bytes.fromhex(self.key)


def connection_file() -> Path:
    """Where the connection file of this user lies."""
    return paths.run_folder() / FILE_NAME


def daemon_lock() -> paths.LockFile:
    """The lock that the one daemon of this user holds."""
    return paths.LockFile(paths.run_folder() / LOCK_NAME)


def write(connection: Connection) -> Path:
    """Publish the connection; replaces a dead daemon's file."""
    paths.owner_only(paths.home())
    file = paths.owner_only(paths.run_folder()) / FILE_NAME
    paths.write_atomic(file, msgspec.json.encode(connection), mode=0o600)
    return file


def find() -> Connection | None:
    """The connection of the running daemon, or None: no file, a broken one, or its process is gone.

    Raises `denied` when others could have written or read the file, `bad_connection` for a file that
    `HARMONICFLOW_CONNECTION` names and that cannot be used.
    """
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return read_given(Path(chosen).expanduser())
    try:
        connection = _read(connection_file())
    except (OSError, ValueError):  # msgspec's errors are ValueErrors
        return None
    return connection if connection.alive else None


def read_given(file: Path) -> Connection:
    """The connection of a file that `harmonicflow daemon allow` wrote; raises `bad_connection`, `denied`."""
    try:
        connection = _read(file)
        if not connection.remote:
            raise ValueError("it is not one that `harmonicflow daemon allow` wrote")
        if not all(Z85.fullmatch(key) for key in (connection.server, connection.public, connection.secret)):
            raise ValueError("its keys are broken")
    except OSError as error:
        raise HarmonicFlowError("bad_connection", path=file, reason=error.strerror or error) from error
    except ValueError as error:
        raise HarmonicFlowError("bad_connection", path=file, reason=str(error)[:200]) from error
    return connection


def check_private(descriptor: int, file: Path) -> None:
    """Raises `denied` for an open file that others could have written or read."""
    status = os.fstat(descriptor)
    if sys.platform != "win32" and (status.st_uid != os.geteuid() or status.st_mode & 0o077):
        raise HarmonicFlowError("denied", reason=f"{file} can be read by others or belongs to them")


def _read(file: Path) -> Connection:
    with file.open("rb") as stream:
        check_private(stream.fileno(), file)
        connection = msgspec.json.decode(stream.read(MAX_FILE_BYTES), type=Connection)
        bytes.fromhex(connection.key)
        return connection


def read() -> Connection:
    """The connection of the running daemon; raises `no_daemon`, `protocol_version`, `denied`."""
    connection = find()
    if connection is None:
        raise HarmonicFlowError("no_daemon")
    if connection.protocol != PROTOCOL:
        raise HarmonicFlowError("protocol_version", theirs=connection.protocol, ours=PROTOCOL)
    return connection


def remove(pid: int) -> None:
    """Remove the file if it is this process's or a dead one's."""
    file = connection_file()
    try:
        owner = msgspec.json.decode(file.read_bytes(), type=Connection)
    except FileNotFoundError:
        return
    except (OSError, ValueError):
        owner = None
    if owner is None or owner.pid == pid or not is_alive(owner.pid, owner.started):
        with paths.disk_errors(file):
            file.unlink(missing_ok=True)


def start_mark(pid: int) -> int:
    """A number that tells this process from a later one with the same id; 0 where the system shows none."""
    row = _proc_stat(pid)
    return int(row[19]) if row else 0


def is_alive(pid: int, started: int = 0) -> bool:
    """Whether the process runs and is the one that was started then."""
    if pid <= 0 or not _exists(pid):
        return False
    row = _proc_stat(pid)
    if row and row[0] in ("Z", "X"):  # ended, but its parent has not looked yet
        return False
    return not (started and row) or int(row[19]) == started


def _proc_stat(pid: int) -> list[str]:
    """The fields of Linux's /proc/PID/stat from the state on (proc(5): state is field 3, starttime 22)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text[text.rindex(")") + 2 :].split()


def _exists(pid: int) -> bool:
    if sys.platform == "win32":  # os.kill(pid, 0) would send Ctrl-C there
        import ctypes

        kernel = ctypes.windll.kernel32
        process = kernel.OpenProcess(0x0010_0000, False, pid)  # SYNCHRONIZE
        if not process:
            return False
        running = bool(kernel.WaitForSingleObject(process, 0) == 0x102)  # WAIT_TIMEOUT
        kernel.CloseHandle(process)
        return running
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):  # another user's process is not our daemon
        return False
    return True
