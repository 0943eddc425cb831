"""A disk that fails at its n-th call: the system calls of Python's `os`, and those that SQLite makes below it.

    with Disk(n, "full"):
        journal.accept(row)     # whatever comes as the n-th call fails

SQLite is reached through the table of functions of its "unix" file system, which is made to be replaced
(https://www.sqlite.org/vfs.html); a write that fails has written its first half, as a disk does.
"""

import ctypes
import errno
import os
import sqlite3
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

OS_CALLS: Final = (
    "open", "write", "fsync", "rename", "replace", "link", "close", "mkdir", "rmdir", "unlink", "chmod", "scandir",
    "listdir", "ftruncate",
)  # fmt: skip
# What happens: the error number, whether only once, and whether the rest of the program still runs.
FAULTS: Final = {
    "power cut": (0, False),
    "full for a moment": (errno.ENOSPC, True),
    "full": (errno.ENOSPC, False),
    "input/output error": (errno.EIO, True),
    "read-only": (errno.EROFS, False),
}
OPEN_TO_WRITE: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class PowerCut(BaseException):
    """Nothing runs any more; what was written is what there is."""


class Disk:
    """While it is entered, call `n` fails as `fault` says, and for some faults every later one that writes."""

    def __init__(self, n: int, fault: str) -> None:
        self.n = n
        self.fault = fault
        self.calls: list[str] = []  # that were made
        self._errno, self._once = FAULTS[fault]
        self._real: dict[str, Callable[..., Any]] = {}

    @property
    def failed(self) -> bool:
        """Whether a call has failed."""
        return len(self.calls) >= self.n

    def __enter__(self) -> Self:
        for name in OS_CALLS:
            self._real[name] = getattr(os, name)
            setattr(os, name, self._failing(name))
        if SQLITE:
            SQLITE.gate = self._fails
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for name, real in self._real.items():
            setattr(os, name, real)
        if SQLITE:
            SQLITE.gate = None

    def _fails(self, name: str) -> bool:
        self.calls.append(name)
        return len(self.calls) == self.n or (len(self.calls) > self.n and not self._once)

    def _failing(self, name: str) -> Callable[..., Any]:
        real = self._real[name]

        def call(*arguments: Any, **named: Any) -> Any:
            reads = name in ("scandir", "listdir") or (name == "open" and not arguments[1] & OPEN_TO_WRITE)
            frees = name in ("close", "unlink", "rmdir", "rename", "replace") or reads
            fails = self._fails(name)
            if name == "close":
                real(*arguments, **named)  # the descriptor is gone either way
            if fails and not self._errno:
                raise PowerCut
            if fails and not (self._errno == errno.ENOSPC and frees) and not (self._errno == errno.EROFS and reads):
                if name == "write" and self._errno == errno.ENOSPC and len(arguments[1]) > 1:
                    real(arguments[0], arguments[1][: len(arguments[1]) // 2])
                raise OSError(self._errno, os.strerror(self._errno), *map(str, arguments[:1]))
            return None if name == "close" else real(*arguments, **named)

        return call


# --- SQLite ------------------------------------------------------------------------------------

_OPEN = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
_DELETE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
_WRITE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int64)
_TRUNCATE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int64)
_SYNC = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
FULL, CANNOT_OPEN = 13, 14  # SQLITE_FULL, SQLITE_CANTOPEN
NOT_WRITTEN, NOT_SYNCED, NOT_CUT, NOT_DELETED = (10 | detail << 8 for detail in (3, 4, 6, 10))  # SQLITE_IOERR_...


class _Vfs(ctypes.Structure):
    _fields_ = [
        ("version", ctypes.c_int), ("file_size", ctypes.c_int), ("longest_path", ctypes.c_int),
        ("next", ctypes.c_void_p), ("name", ctypes.c_char_p), ("data", ctypes.c_void_p),
        ("open", ctypes.c_void_p), ("delete", ctypes.c_void_p),
    ]  # fmt: skip


class _Methods(ctypes.Structure):
    _fields_ = [
        ("version", ctypes.c_int), ("close", ctypes.c_void_p), ("read", ctypes.c_void_p), ("write", ctypes.c_void_p),
        ("truncate", ctypes.c_void_p), ("sync", ctypes.c_void_p), ("rest", ctypes.c_void_p * 13),
    ]  # fmt: skip


class _Sqlite:
    """The file system of the library that Python's sqlite3 uses; `gate(name)` says whether a call fails."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.gate: Callable[[str], bool] | None = None
        self.syncs = True  # else what is to be synced is left to the system, which a test can do without
        library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
        vfs = library.sqlite3_vfs_find(None).contents
        self._kept: list[Any] = []  # C holds no references
        self._methods: dict[int, _Methods] = {}
        self._open, self._delete = _OPEN(vfs.open), _DELETE(vfs.delete)
        vfs.open = self._pointer(_OPEN(self._opened))
        vfs.delete = self._pointer(_DELETE(self._deleted))

    def _pointer(self, function: Any) -> int | None:
        self._kept.append(function)
        return ctypes.cast(function, ctypes.c_void_p).value

    def _stops(self, name: str) -> bool:
        return self.gate is not None and self.gate(f"sqlite {name}")

    def _opened(self, vfs: int, path: int, file: int, flags: int, out: int) -> int:
        if self._stops("open"):
            ctypes.c_void_p.from_address(file).value = None  # no methods: there is nothing to close
            return CANNOT_OPEN
        code: int = self._open(vfs, path, file, flags, out)
        methods = ctypes.c_void_p.from_address(file)
        if code == 0 and methods.value:
            if methods.value not in self._methods:
                self._methods[methods.value] = self._failing(_Methods.from_address(methods.value))
            methods.value = ctypes.addressof(self._methods[methods.value])
        return code

    def _deleted(self, vfs: int, path: int, sync: int) -> int:
        return NOT_DELETED if self._stops("delete") else self._delete(vfs, path, sync)

    def _failing(self, real: _Methods) -> _Methods:
        methods = _Methods.from_buffer_copy(real)
        write, truncate, sync = _WRITE(real.write), _TRUNCATE(real.truncate), _SYNC(real.sync)

        def written(file: int, data: int, size: int, offset: int) -> int:
            if self._stops("write"):
                write(file, data, size // 2, offset)
                return FULL
            return int(write(file, data, size, offset))

        def cut(file: int, size: int) -> int:
            return NOT_CUT if self._stops("truncate") else int(truncate(file, size))

        def synced(file: int, flags: int) -> int:
            if self._stops("sync"):
                return NOT_SYNCED
            return int(sync(file, flags)) if self.syncs else 0

        methods.write = self._pointer(_WRITE(written))
        methods.truncate = self._pointer(_TRUNCATE(cut))
        methods.sync = self._pointer(_SYNC(synced))
        return methods


def _find() -> _Sqlite | None:
    """None where Python has an SQLite of its own inside, which nobody can reach."""
    import _sqlite3

    try:
        with open("/proc/self/maps") as maps:
            loaded = {line.split()[-1] for line in maps if "libsqlite3" in line}
        library = ctypes.CDLL(loaded.pop())
        library.sqlite3_libversion.restype = ctypes.c_char_p
        same = library.sqlite3_libversion().decode() == sqlite3.sqlite_version
    except (OSError, KeyError, AttributeError):
        return None
    return _Sqlite(library) if same and _sqlite3 else None


SQLITE: Final = _find()
