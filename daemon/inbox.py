"""The spool's inbox: what scripts put there is listed, read once, and removed. Nobody vouches for what it holds.

Only plain files with a request's name are read, none is waited for, and every size is known before a byte is: a link,
a pipe or a wrong length is refused in words. No path of a request leads anywhere else.
"""

import contextlib
import errno
import heapq
import os
import re
import stat
import time
from collections.abc import Set
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from harmonicflow.core import messages, paths, spool
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import Cancel
from harmonicflow.core.spool import SpoolRequest
from harmonicflow.core.wire import MAX_BUFFERS, MAX_SOUND_BYTES

from .job_folders import sound_specs

NAME: Final = re.compile(messages.NAME)
MOST_LISTED: Final = 1_000  # requests of one look; the others are seen at the next
MOST_SOUNDS: Final = 17  # a clip and 16 references
OLD_S: Final = 86_400.0  # what no request belongs to is removed after a day

_requests: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(SpoolRequest)


class Listing(NamedTuple):
    """The requests that wait, oldest first, those that lie there and are held, and how many names were refused."""

    names: list[str]
    held: set[str]
    refused: int


class Received(NamedTuple):
    """A request and its sounds."""

    request: SpoolRequest
    sounds: list[memoryview]


class Inbox:
    """The inbox of the spool at `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / spool.INBOX

    def mark(self) -> int:
        """A number that changes when a file comes or goes; raises OSError where the folder is gone or is none."""
        found = os.lstat(self.folder)
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, "it is no folder", str(self.folder))
        return found.st_mtime_ns

    def names(self, held: Set[str]) -> Listing:
        """The requests that wait and are not `held`. What cannot be a request's name is removed; raises OSError."""
        found, seen, refused = [], set(), 0
        with os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") or not entry.name.endswith(spool.JSON):
                    continue
                name = entry.name.removesuffix(spool.JSON)
                with contextlib.suppress(FileNotFoundError):
                    if not NAME.fullmatch(name):
                        refused += 1
                        _remove(Path(entry.path))
                    elif name in held:
                        seen.add(name)
                    else:
                        found.append((entry.stat(follow_symlinks=False).st_mtime_ns, name))
        return Listing([name for _, name in heapq.nsmallest(MOST_LISTED, found)], seen, refused)

    def read(self, name: str) -> Received | None:
        """A request and its sounds, None where it is gone; raises `bad_request`, `unreadable`."""
        file = spool.request_file(self.root, name)
        try:
            request: SpoolRequest = _requests.decode(spool.read_plain(file, spool.MAX_REQUEST_BYTES))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise HarmonicFlowError("unreadable", path=file.name, reason=error.strerror or error) from error
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise HarmonicFlowError("bad_request", reason=str(error)[:300]) from None
        if request.id != name:
            raise HarmonicFlowError("bad_request", reason=f"{file.name} holds the request {request.id}")
        sizes = [] if isinstance(request, Cancel) else [spec.nbytes for spec in sound_specs(request)]
        if sum(sizes) > MAX_SOUND_BYTES or len(sizes) > MAX_BUFFERS:
            raise HarmonicFlowError("bad_request", reason=f"its sounds are larger than {MAX_SOUND_BYTES >> 20} MiB")
        return Received(request, [self._sound(name, number, size) for number, size in enumerate(sizes)])

    def remove(self, name: str) -> bool:
        """Remove a request and its sounds, in the order that leaves no request without them; whether it is gone."""
        gone = _remove(spool.request_file(self.root, name))
        for number in range(MOST_SOUNDS):
            _remove(spool.sound_file(self.root, name, number))
        return gone

    def sweep(self) -> None:
        """Remove what a day ago was half-written, or lies here without a request. Raises `disk`."""
        before = time.time() - OLD_S
        with paths.disk_errors(self.folder), os.scandir(self.folder) as entries:
            for entry in entries:
                request = entry.name.rsplit(".", 2)[0] + spool.JSON if entry.name.endswith(spool.SOUND) else ""
                waits = not entry.name.startswith(".") and (entry.name.endswith(spool.JSON) or self._has(request))
                with contextlib.suppress(FileNotFoundError):
                    if not waits and entry.stat(follow_symlinks=False).st_mtime < before:
                        _remove(Path(entry.path))

    def _has(self, file: str) -> bool:
        return bool(file) and os.path.lexists(self.folder / file)

    def _sound(self, name: str, number: int, size: int) -> memoryview:
        file = spool.sound_file(self.root, name, number)
        try:
            data = spool.read_plain(file, size)
        except FileNotFoundError:
            raise HarmonicFlowError("bad_request", reason=f"{file.name} is missing") from None
        except OSError as error:
            raise HarmonicFlowError("unreadable", path=file.name, reason=error.strerror or error) from error
        if len(data) != size:
            reason = f"{file.name} has {len(data)} bytes, and the request says {size}"
            raise HarmonicFlowError("bad_request", reason=reason)
        return memoryview(data)


def _remove(path: Path) -> bool:
    """Remove a file, a link or an empty folder; whether it is gone."""
    try:
        if stat.S_ISDIR(os.lstat(path).st_mode):
            os.rmdir(path)
        else:
            os.unlink(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
