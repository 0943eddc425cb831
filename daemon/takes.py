"""The store of takes: immutable folders, each of them whole or not there.

    takes/TAKE/             a finished take; its name is the job's name and a number
    takes/TAKE/starred      an empty file: the take is never pruned; here, so that it survives a lost journal
    takes/.staging/JOB.x/   what one worker is writing, or a take on its way out; nobody shows it, and the next
                            start removes it

The worker writes below staging. Then every file is synced, the folder is renamed into place, the
parent is synced, and only then comes the row in the journal. A take without a row is one whose row a
crash (or a lost journal) took: it is whole, so it is taken in again.
"""

import logging
import os
import re
import secrets
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeAlias

import msgspec

from harmonicflow.core import paths
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import FileRow, SelectionSpec, TakeSummary
from harmonicflow.core.tempo import Selection
from harmonicflow.core.wire import MAX_SOUND_BYTES

log = logging.getLogger("harmonicflow.daemon")

STAGING: Final = ".staging"
DETAILS: Final = "take.json"
STAR: Final = "starred"
MAX_DETAILS: Final = 64 << 20  # bytes of a take.json that is read
MAX_MIDI: Final = 4 << 20  # of one MIDI file
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
CHUNK_FRAMES: Final = 65_536  # deinterleaved at a time, so that other threads get their turn

FileId: TypeAlias = tuple[int, int]  # device and number: names of one file have the same


class Takes:
    """The take folders below `root`. Methods raise `disk`; `system` is `os` or a test's stand-in."""

    def __init__(self, root: Path, system: ModuleType = os) -> None:
        self.root = root
        self._system = system
        self.starred: frozenset[str] = frozenset()  # as of `recover` and every `star` since
        self.leaving: frozenset[str] = frozenset()  # chosen to be removed: nobody may build on them any more

    def folder(self, take: str) -> Path:
        """The folder of a take; raises `unknown_take` for what cannot be a take's name."""
        if not NAME.fullmatch(take):
            raise HarmonicFlowError("unknown_take", take=take[:100])
        return self.root / take

    def staging(self, job: str) -> Path:
        """A fresh folder for a worker to write a job's takes into; no other worker, dying or not, knows its name."""
        paths.owner_only(self.root)
        paths.owner_only(self.root / STAGING)
        return paths.owner_only(self.root / STAGING / f"{job}.{secrets.token_hex(4)}")

    def publish(self, staging: Path, summaries: tuple[TakeSummary, ...]) -> tuple[TakeSummary, ...]:
        """Put the finished takes below `staging` into place. One that is there already (from before a crash) stays."""
        placed = []
        for summary in summaries:
            final = self.folder(summary.take)
            if not final.exists():
                paths.publish_folder(staging / summary.take, final, system=self._system)
            placed.append(msgspec.structs.replace(summary, folder=str(final)))
        paths.remove_folder(staging)
        return tuple(placed)

    def there(self, take: str) -> bool:
        """Whether something new may be made from a take; raises `unknown_take` for what cannot be a take's name."""
        return take not in self.leaving and self.folder(take).is_dir()

    def star(self, take: str, starred: bool) -> None:
        """Mark a take so that it is never pruned, or take the mark away; raises `unknown_take`."""
        folder = self.folder(take)
        if not self.there(take):
            raise HarmonicFlowError("unknown_take", take=take)
        with paths.disk_errors(folder / STAR):
            if starred and not (folder / STAR).exists():
                paths.write_file(folder / STAR, b"", system=self._system)
            elif not starred:
                (folder / STAR).unlink(missing_ok=True)
            paths.sync_folder(folder, self._system)
        self.starred = self.starred | {take} if starred else self.starred - {take}

    def remove(self, take: str) -> None:
        """Take a take away: first out of sight, in one step, then its files. What others share with it stays."""
        if not (self.root / STAGING).is_dir():  # a disk that is full takes a new name, but no new folder
            paths.owner_only(self.root / STAGING)
        away = self.root / STAGING / f"{take}.gone.{secrets.token_hex(4)}"
        with paths.disk_errors(self.folder(take)):
            self._system.rename(self.folder(take), away)
            paths.sync_folder(self.root, self._system)
        self.starred -= {take}
        try:
            paths.remove_folder(away)
        except HarmonicFlowError as error:  # it is gone for everybody; the next start tries again
            log.warning("not all of %s could be removed: %s", take, error)

    def files(self, take: str) -> tuple[tuple[FileId, int], ...]:
        """Every file of a take: what tells it from others (device and number), and its bytes; () for a take gone."""
        found = []
        with paths.disk_errors(self.folder(take)):
            for path in self.folder(take).rglob("*"):
                status = path.lstat()
                if not path.is_dir():
                    found.append(((status.st_dev, status.st_ino), status.st_size))
        return tuple(found)

    def discard(self, job: str) -> None:
        """Remove what a job has in staging."""
        staging = self.root / STAGING
        for folder in staging.iterdir() if staging.is_dir() else ():  # a pattern for each job would be kept
            if folder.name.startswith(f"{job}."):
                paths.remove_folder(folder)

    def recover(self, known: set[str]) -> list[TakeSummary]:
        """After a start: empty the staging, and return the takes on the disk that are not `known`, oldest first."""
        paths.owner_only(self.root)
        paths.remove_folder(self.root / STAGING)
        found, starred = [], set()
        for folder in self.root.iterdir():
            if (folder / STAR).exists():
                starred.add(folder.name)
            if folder.name not in known and NAME.fullmatch(folder.name) and (folder / DETAILS).is_file():
                try:
                    found.append(self._summary(folder))
                except HarmonicFlowError as error:
                    log.warning("take %s is left alone: %s", folder.name, error)
        self.starred = frozenset(starred)
        return sorted(found, key=lambda summary: (summary.created, summary.take))

    def missing(self, known: set[str]) -> set[str]:
        """Those of the `known` takes whose folder somebody has removed."""
        return {take for take in known if not (self.root / take).is_dir()}

    def details(self, take: str) -> dict[str, Any]:
        """A take's take.json; raises `unknown_take`, `bad_take`."""
        folder = self.folder(take)
        try:
            with open(folder / DETAILS, "rb") as file:
                found = msgspec.json.decode(file.read(MAX_DETAILS))
        except FileNotFoundError:
            raise HarmonicFlowError("unknown_take", take=take) from None
        except (OSError, msgspec.MsgspecError) as error:
            raise HarmonicFlowError("bad_take", take=take, reason=error) from error
        if not isinstance(found, dict):
            raise HarmonicFlowError("bad_take", take=take, reason=f"{DETAILS} holds no table")
        return found

    def made_for(self, take: str) -> tuple[Selection, dict[str, Any]]:
        """The range of the session that a take was made for, and the request; raises `unknown_take`, `bad_take`."""
        details = self.details(take)
        try:
            selection = Selection.from_wire(msgspec.convert(details.get("selection"), SelectionSpec))
            return selection, msgspec.convert(details.get("request", {}), dict[str, Any])
        except msgspec.ValidationError as error:
            raise HarmonicFlowError("bad_take", take=take, reason=error) from error

    def sound(self, take: str, rows: tuple[FileRow, ...]) -> list[memoryview]:
        """The sound of some files of a take, float32 planar [channels, frames]; raises `bad_take`, `bad_request`."""
        if sum(4 * row.channels * row.frames for row in rows) > MAX_SOUND_BYTES:
            reason = f"this is more than {MAX_SOUND_BYTES >> 20} MiB; ask for fewer stems, or read {self.folder(take)}"
            raise HarmonicFlowError("bad_request", reason=reason)
        return [self._planar(take, row) for row in rows]

    def midi(self, take: str, names: Iterable[str]) -> dict[str, bytes]:
        """The MIDI files of a take, by name; raises `bad_take`."""
        found = {}
        for name in names:
            try:
                if not NAME.fullmatch(name):
                    raise ValueError("it is not a file name")
                with open(self.folder(take) / name, "rb") as file:
                    found[name] = file.read(MAX_MIDI + 1)
                if len(found[name]) > MAX_MIDI:
                    raise ValueError(f"it has more than {MAX_MIDI} bytes")
            except (OSError, ValueError) as error:
                raise HarmonicFlowError("bad_take", take=take, reason=f"{name}: {error}") from error
        return found

    def _planar(self, take: str, row: FileRow) -> memoryview:
        path = self.folder(take) / row.file
        if not NAME.fullmatch(row.file):
            raise HarmonicFlowError("bad_take", take=take, reason=f"{row.file!r} is not a file name")
        planes = [array("f") for _ in range(row.channels)]
        try:
            for samples in _interleaved(path, row.channels):
                for channel, plane in enumerate(planes):
                    plane.extend(samples[channel :: row.channels])
        except (OSError, ValueError) as error:
            raise HarmonicFlowError("bad_take", take=take, reason=f"{row.file}: {error}") from error
        if any(len(plane) != row.frames for plane in planes):
            raise HarmonicFlowError("bad_take", take=take, reason=f"{row.file} has another length")
        return memoryview(b"".join(planes))

    def _summary(self, folder: Path) -> TakeSummary:
        details = self.details(folder.name)
        try:
            summary = msgspec.convert({**details.get("summary", details), "take": folder.name}, TakeSummary)
        except msgspec.ValidationError as error:
            raise HarmonicFlowError("bad_take", take=folder.name, reason=error) from error
        return msgspec.structs.replace(summary, folder=str(folder))


def _interleaved(path: Path, channels: int) -> Iterator["array[float]"]:
    """The samples of a float32 WAV file, interleaved, a chunk at a time. Raises ValueError for any other file."""
    with open(path, "rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            raise ValueError("it is not a WAV file")
        while len(chunk := file.read(8)) == 8:
            size = int.from_bytes(chunk[4:], "little")
            if chunk[:4] == b"data":
                break
            if chunk[:4] == b"fmt " and file.read(4) != b"\3\0" + channels.to_bytes(2, "little"):
                raise ValueError("it is not float32 or has other channels")
            file.seek(size + (size & 1) - (4 if chunk[:4] == b"fmt " else 0), os.SEEK_CUR)
        else:
            raise ValueError("it has no samples")
        while size and (data := file.read(min(size, 4 * channels * CHUNK_FRAMES))):
            size -= len(data)
            samples = array("f")
            samples.frombytes(data)
            yield samples
