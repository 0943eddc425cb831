"""The spool: a folder through which scripts that have only files work with the daemon.

    spool/beat.json          the daemon's sign of life, written anew every `BEAT_S`
    spool/inbox/ID.json      one request: a message of the work door, or Cancel
    spool/inbox/ID.N.f32     its sounds, N from 0, in the order of the protocol; they are there before ID.json is
    spool/outbox/ID.json     what became of it: a Report
    spool/hosts/             what scripts remember, for themselves: the daemon only makes the folder

Both sides write under a name that begins with "." and then rename, so nobody reads half a file. A script removes the
report it has used; everything else here is removed by the daemon. docs/protocol.md is the specification.
"""

import os
import stat
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeAlias

import msgspec

from . import paths
from .errors import HarmonicFlowError
from .messages import (
    FINAL_STATES,
    PROTOCOL,
    Cancel,
    ErrorWire,
    Extend,
    Generate,
    Id,
    JobRow,
    JobState,
    Message,
    Part,
    Regenerate,
)
from .progress import stage_words

INBOX: Final = "inbox"
OUTBOX: Final = "outbox"
HOSTS: Final = "hosts"
BEAT: Final = "beat.json"
JSON: Final = ".json"
SOUND: Final = ".f32"

BEAT_S: Final = 0.5  # while a request is under way, and for `WATCHED_S` after
WATCHED_S: Final = 10.0
IDLE_BEAT_S: Final = 10.0
LOST_S: Final = 3.0  # while a request is under way a beat that stays the same so long says that the daemon is lost
MAX_REQUEST_BYTES: Final = 1 << 20
REPORT_S: Final = 0.1  # at least between two reports of one request

SpoolRequest: TypeAlias = Generate | Regenerate | Extend | Cancel


class Beat(Part, frozen=True, kw_only=True):
    """The daemon's sign of life; one that stays the same for 3 seconds while it has a request is a dead daemon's."""

    protocol: int = PROTOCOL
    pid: int
    beat: int  # counts up
    version: str
    worker: str  # "starting", "ready", "busy", "asleep" (the next job wakes it) or "down"
    queued: int = 0  # jobs that wait


class ReportFile(Part, frozen=True, kw_only=True):
    """One WAV file of a take: stem is a stem's name, "mix" or "binaural"."""

    stem: str
    path: str  # absolute
    channels: int
    frames: int
    rate: int  # Hz


class ReportEdit(Part, frozen=True, kw_only=True):
    """What a regenerated take changed: these stems, in these frames from the take's first."""

    stems: tuple[str, ...]
    start_frame: int
    end_frame: int  # not included


class ReportTake(Part, frozen=True, kw_only=True):
    """A finished take, with all that a script needs to place it in its session."""

    take: Id
    folder: str  # absolute
    title: str = ""
    seed: int = 0
    rate: int  # Hz
    frames: int
    start_frame: int  # of the selection that the take was made for, in its session's frames
    files: tuple[ReportFile, ...]
    score: str  # the MIDI file of all instruments, absolute
    parts: dict[str, str] = {}  # by instrument its own MIDI file, absolute
    edit: ReportEdit | None = None  # None: all of it is new
    warnings: tuple[str, ...] = ()


class Report(Message, frozen=True, kw_only=True):
    """What became of a request; the file is replaced at every change, at most ten times a second."""

    id: Id  # the request's
    job: str = ""  # "" while it has none; of a Cancel: the job that is being cancelled
    state: JobState  # of a Cancel: done or failed
    position: int = 0  # in the queue; 0 = not waiting
    step: int = 0
    steps: int = 0
    stage: str = ""
    words: str = ""  # stage and step for people: "playing 3 of 8"
    seconds_left: float | None = None
    message: str = ""
    error: ErrorWire | None = None
    takes: tuple[ReportTake, ...] = ()

    @property
    def final(self) -> bool:
        """Whether nothing follows."""
        return self.state in FINAL_STATES


def report_of(row: JobRow) -> Report:
    """The report of a job that is on its way."""
    at_work = row.state in (JobState.RUNNING, JobState.WRITING) and row.stage
    words = stage_words(row.stage, row.step, row.steps) if at_work else stage_words(row.state.value)
    return Report(
        id=row.request_id, job=row.job, state=row.state, position=row.position, step=row.step, steps=row.steps,
        stage=row.stage, words=words, seconds_left=row.seconds_left, message=row.message, error=row.error,
    )  # fmt: skip


def folder() -> Path:
    """The spool of this user."""
    return paths.home() / "spool"


def make(root: Path) -> Path:
    """Make the spool's folders, for this user only. Raises `disk` for somebody else's, and for links in their place."""
    paths.owner_only(root)
    for name in (INBOX, OUTBOX, HOSTS):
        with paths.disk_errors(root / name):
            if (root / name).is_symlink():
                raise HarmonicFlowError("disk", path=root / name, reason="it is a link, not a folder")
        paths.owner_only(root / name)
    return root


def request_file(root: Path, name: str) -> Path:
    """Where the request of this id lies."""
    return root / INBOX / (name + JSON)


def sound_file(root: Path, name: str, number: int) -> Path:
    """Where a request's sound lies; numbers count from 0."""
    return root / INBOX / f"{name}.{number}{SOUND}"


def report_file(root: Path, name: str) -> Path:
    """Where the report on a request lies."""
    return root / OUTBOX / (name + JSON)


def write(path: Path, message: msgspec.Struct, *, synced: bool = False, system: ModuleType = os) -> None:
    """Write a message whole or not at all, for one writer; raises `disk`. `synced`: it survives a power cut."""
    temporary = path.with_name(f".{path.name}.tmp")
    data = msgspec.json.encode(message)
    with paths.disk_errors(path):
        try:
            temporary.unlink(missing_ok=True)  # of a writer that was killed
            flags = system.O_WRONLY | system.O_CREAT | system.O_EXCL | getattr(system, "O_BINARY", 0)
            descriptor = system.open(temporary, flags, 0o600)
            try:
                written = 0
                while written < len(data):
                    written += system.write(descriptor, data[written:])
                if synced:
                    system.fsync(descriptor)
            finally:
                system.close(descriptor)
            system.replace(temporary, path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        if synced:
            paths.sync_folder(path.parent, system)


def read_plain(path: Path, most: int) -> bytearray:
    """A plain file of at most `most` bytes, without ever waiting for it.

    A link, a pipe, a device or a larger file is not read: `bad_request`. Raises OSError for what the system says.
    """
    found = os.lstat(path)  # first: opening a device may do something
    if not stat.S_ISREG(found.st_mode):
        raise HarmonicFlowError("bad_request", reason=f"{path.name} is not a plain file")
    flags: Any = os.O_RDONLY | getattr(os, "O_BINARY", 0)
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"):
        flags |= getattr(os, name, 0)
    with open(os.open(path, flags), "rb", buffering=0) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):  # it was exchanged in the meantime
            raise HarmonicFlowError("bad_request", reason=f"{path.name} is not a plain file")
        if found.st_size > most:
            raise HarmonicFlowError("bad_request", reason=f"{path.name} has {found.st_size} bytes, more than {most}")
        data = bytearray(found.st_size)
        view, done = memoryview(data), 0
        while done < len(data) and (count := file.readinto(view[done:])):
            done += count
    if done < len(data):
        raise HarmonicFlowError("bad_request", reason=f"{path.name} was cut while it was read")
    return data
