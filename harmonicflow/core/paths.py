"""Where things lie, and how they are written so that a crash at any moment leaves the old or the new.

The only module that touches permissions, locks and syncing. `HARMONICFLOW_HOME` moves everything.
Functions that write take `system`, the `os` module or a test's stand-in that fails at its n-th call.
"""

import contextlib
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, TracebackType
from typing import BinaryIO, Final, Self

import platformdirs

from .errors import HarmonicFlowError

HOME_VARIABLE: Final = "HARMONICFLOW_HOME"
BUNDLE_VARIABLE: Final = "HARMONICFLOW_BUNDLE"


def home() -> Path:
    """The folder of everything HarmonicFlow keeps for this user."""
    chosen = os.environ.get(HOME_VARIABLE)
    return Path(chosen).absolute() if chosen else platformdirs.user_data_path("harmonicflow", appauthor=False)


def takes_folder() -> Path:
    """One folder a take."""
    return home() / "takes"


def jobs_folder() -> Path:
    """What unfinished jobs keep: clips, takes being written."""
    return home() / "jobs"


def bundles_folder() -> Path:
    """The user's own bundles."""
    return home() / "bundles"


def run_folder() -> Path:
    """The connection file and the lock of the running daemon."""
    return home() / "run"


def log_folder() -> Path:
    """The daemon's log files."""
    return home() / "log"


def journal_file() -> Path:
    """The daemon's journal of jobs and takes."""
    return home() / "journal.sqlite"


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Say an OSError inside as the error `disk`."""
    try:
        yield
    except OSError as error:
        raise HarmonicFlowError("disk", path=path, reason=error.strerror or str(error)) from error


def owner_only(folder: Path) -> Path:
    """Make a folder that only this user can read; raises `disk` for somebody else's."""
    with disk_errors(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sys.platform != "win32":  # there the profile's folders are private by inheritance
            status = folder.stat()
            if status.st_uid != os.geteuid():
                raise HarmonicFlowError("disk", path=folder, reason="the folder belongs to another user")
            if status.st_mode & 0o077:
                folder.chmod(0o700)
    return folder


def free_bytes(folder: Path) -> int:
    """What can still be written on the disk of a folder, which is made if it is missing; raises `disk`."""
    owner_only(folder)
    with disk_errors(folder):
        return shutil.disk_usage(folder).free


def sync_folder(folder: Path, system: ModuleType = os) -> None:
    """Make the names in a folder survive a power cut. Windows has no such call and needs none."""
    if sys.platform == "win32":
        return
    descriptor = system.open(folder, system.O_RDONLY)
    try:
        system.fsync(descriptor)
    finally:
        system.close(descriptor)


def sync_file(path: Path, system: ModuleType = os) -> None:
    """Make a file's bytes survive a power cut."""
    descriptor = system.open(path, system.O_RDWR)
    try:
        system.fsync(descriptor)
    finally:
        system.close(descriptor)


def write_file(path: Path, data: bytes | memoryview, *, mode: int = 0o600, system: ModuleType = os) -> None:
    """Write a new file and sync its bytes; what fails leaves a part of it. Raises OSError."""
    flags = system.O_WRONLY | system.O_CREAT | system.O_EXCL | getattr(system, "O_BINARY", 0)
    descriptor = system.open(path, flags, mode)
    try:
        written, data = 0, memoryview(data).cast("B")
        while written < len(data):
            written += system.write(descriptor, data[written:])
        system.fsync(descriptor)
    finally:
        system.close(descriptor)


def write_atomic(path: Path, data: bytes, *, mode: int = 0o600, system: ModuleType = os) -> None:
    """Write a file whole or not at all: temporary name, sync, rename, sync the folder; raises `disk`."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    with disk_errors(path):
        try:
            write_file(temporary, data, mode=mode, system=system)
            system.replace(temporary, path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent, system)


@contextlib.contextmanager
def atomic_file(path: Path, *, mode: int = 0o600) -> Iterator[BinaryIO]:
    """A file to write piece by piece, whole or not at all: an error inside leaves nothing; raises `disk`."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    with disk_errors(path):
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
        with disk_errors(path):
            with open(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(descriptor)
            os.replace(temporary, path)
            sync_folder(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def publish_folder(temporary: Path, final: Path, *, system: ModuleType = os) -> None:
    """Give a finished folder its name: sync every file, rename, sync both parents; raises `disk`.

    Both must be on one file system; `final` must not exist.
    """
    with disk_errors(final):
        _sync_tree(temporary, system)
        system.rename(temporary, final)
        sync_folder(final.parent, system)
        sync_folder(temporary.parent, system)


def replace_folder(temporary: Path, final: Path, *, system: ModuleType = os) -> None:
    """Put a finished folder in the place of the one at `final`, if there is one, which is removed; raises `disk`.

    Both must be in one folder. The two names are exchanged in one step, so whoever looks, after a crash too, finds the
    old folder whole or the new one. Where the system has no such step (Windows, some network drives) there is a moment
    without: a crash just then leaves the old folder at `aside(final)`, and `put_back` gives it its name again.
    """
    if not put_back(final, system=system):
        return publish_folder(temporary, final, system=system)
    remove_folder(aside(final))  # of a replacement that was complete but for this
    with disk_errors(final):
        _sync_tree(temporary, system)
        if not _exchange(temporary, final):
            system.rename(final, aside(final))
            try:
                system.rename(temporary, final)
            except OSError:
                system.rename(aside(final), final)
                raise
        sync_folder(final.parent, system)
    remove_folder(temporary)
    remove_folder(aside(final))


def aside(final: Path) -> Path:
    """Where a folder that is being replaced may lie for a moment."""
    return final.with_name(f".{final.name}.old")


def put_back(final: Path, *, system: ModuleType = os) -> bool:
    """Whether the folder is there, once one that a crash left at `aside(final)` has its name again; raises `disk`."""
    with disk_errors(final):
        if not final.exists() and aside(final).exists():
            system.rename(aside(final), final)
            sync_folder(final.parent, system)
    return final.exists()


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step: renameat2 of Linux, renamex_np of macOS. False where that cannot be done."""
    import ctypes

    if sys.platform == "win32":
        return False
    names = (os.fsencode(one.absolute()), os.fsencode(other.absolute()))
    library = ctypes.CDLL(None)
    exchange, at_cwd = 2, -100  # RENAME_EXCHANGE and RENAME_SWAP are both 2; AT_FDCWD
    try:
        if sys.platform == "darwin":
            return bool(library.renamex_np(*names, exchange) == 0)
        return bool(library.renameat2(at_cwd, names[0], at_cwd, names[1], exchange) == 0)
    except AttributeError:  # an older C library
        return False


def _sync_tree(folder: Path, system: ModuleType) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            sync_file(path, system)
        else:
            sync_folder(path, system)
    sync_folder(folder, system)


def link_or_copy(source: Path, target: Path, *, system: ModuleType = os) -> None:
    """The same file under another name: a hard link, or a copy where the file system has none; raises `disk`."""
    with disk_errors(target):
        try:
            system.link(source, target)
        except FileExistsError:
            raise
        except OSError:
            shutil.copyfile(source, target)


def remove_folder(folder: Path) -> None:
    """Remove a folder and what is in it; one that is gone is fine; raises `disk`."""
    with disk_errors(folder), contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


class LockFile:
    """A lock that the system gives back when its process ends, however it ends.

    `acquire` says whether it was free; as a context manager it raises `daemon_running`. The file
    holds the owner's process id for people and for the error.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock if it is free."""
        owner_only(self.path.parent)
        with disk_errors(self.path):
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            if not _try_lock(descriptor):
                os.close(descriptor)
                return False
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
        self._descriptor = descriptor
        return True

    def owner(self) -> int:
        """The process id in the file, 0 when there is none."""
        try:
            return int(self.path.read_text() or 0)
        except (OSError, ValueError):
            return 0

    def release(self) -> None:
        """Give the lock back. The file stays: removing it would let two processes lock two files."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        if not self.acquire():
            raise HarmonicFlowError("daemon_running", pid=self.owner())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            # Far behind the process id, which stays readable.
            os.lseek(descriptor, 1 << 20, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
