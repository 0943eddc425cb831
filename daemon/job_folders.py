"""The folders of unfinished jobs: the request and its clip, on the disk before the client hears "accepted".

    jobs/JOB/request.json   the message
    jobs/JOB/clip.f32       float32 planar [channels, frames], if there is a clip
    jobs/JOB/like-0.f32     the same of each sound that a stem is to be like
    jobs/.last/             the same files of the last generate, for the OSC door

A folder without a row in the journal is what a crash left; it is removed at the next start.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import msgspec

from harmonicflow.core import paths
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import ClipSpec, Generate, LikeSpec, WorkRequest, encode

if TYPE_CHECKING:
    import numpy as np

REQUEST: Final = "request.json"
CLIP: Final = "clip.f32"
LAST: Final = ".last"

_requests: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(WorkRequest)


class JobFolders:
    """The job folders below `root`. Methods raise `disk`."""

    def __init__(self, root: Path, system: ModuleType = os) -> None:
        self.root = root
        self._system = system

    def folder(self, job: str) -> Path:
        """The folder of a job."""
        return self.root / job

    def keep(self, job: str, request: WorkRequest, sounds: "Sequence[memoryview | Path]" = ()) -> None:
        """Write a job's folder so that it survives a power cut.

        `sounds`: one for each of `sound_files`, as its samples or as a file.
        """
        paths.owner_only(self.root)
        folder = paths.owner_only(self.folder(job))
        with paths.disk_errors(folder):
            paths.write_file(folder / REQUEST, encode(request), system=self._system)
            for name, sound in zip(sound_files(request), sounds, strict=True):
                if isinstance(sound, Path):
                    paths.link_or_copy(sound, folder / name, system=self._system)
                else:
                    paths.write_file(folder / name, sound, system=self._system)
            paths.sync_folder(folder, self._system)
            paths.sync_folder(self.root, self._system)

    def remember(self, job: str) -> None:
        """Keep a job's request and its sounds as the last ones. Not synced: losing them loses no work."""
        last, fresh = self.root / LAST, self.root / f"{LAST}.new"
        for folder in (fresh, last):
            paths.remove_folder(folder)
        paths.owner_only(fresh)
        for name in (REQUEST, *sound_files(self.request(job))):
            paths.link_or_copy(self.folder(job) / name, fresh / name)
        with paths.disk_errors(last):
            fresh.rename(last)

    def last(self) -> Generate | None:
        """The last generate request, None when there was none."""
        try:
            return msgspec.json.decode((self.root / LAST / REQUEST).read_bytes(), type=Generate)
        except (OSError, msgspec.MsgspecError):
            return None

    def last_sounds(self, request: WorkRequest) -> list[Path]:
        """The files of its clip and of what stems are to be like."""
        return [self.root / LAST / name for name in sound_files(request)]

    def request(self, job: str) -> WorkRequest:
        """The request of a job; raises `disk` where it cannot be read."""
        return read_request(self.folder(job))

    def remove(self, job: str) -> None:
        """Remove a job's folder."""
        paths.remove_folder(self.folder(job))

    def clean(self, keep: set[str]) -> None:
        """Remove the folders of all other jobs."""
        paths.owner_only(self.root)
        for folder in self.root.iterdir():
            if folder.name not in keep and folder.name != LAST:
                paths.remove_folder(folder) if folder.is_dir() else folder.unlink()


def sound_specs(request: WorkRequest) -> tuple[ClipSpec | LikeSpec, ...]:
    """What a request says of its buffers, in their order: the clip, then what stems are to be like."""
    clip = (request.clip,) if isinstance(request, Generate) and request.clip else ()
    return (*clip, *request.like)


def sound_files(request: WorkRequest) -> tuple[str, ...]:
    """The names of their files in a job's folder."""
    clip = (CLIP,) if isinstance(request, Generate) and request.clip else ()
    return (*clip, *(f"like-{number}.f32" for number in range(len(request.like))))


def read_request(folder: Path) -> WorkRequest:
    """The request in a job's folder; raises `disk`."""
    try:
        request: WorkRequest = _requests.decode((folder / REQUEST).read_bytes())
        return request
    except OSError as error:
        raise HarmonicFlowError("disk", path=folder / REQUEST, reason=error.strerror or str(error)) from error
    except msgspec.MsgspecError as error:
        raise HarmonicFlowError("disk", path=folder / REQUEST, reason=f"it is damaged: {error}") from error


def read_clip(folder: Path, request: WorkRequest) -> "np.ndarray | None":
    """The clip of a job, float32 [channels, frames], None without one; raises `disk`, `bad_samples`, `wild_samples`."""
    spec = request.clip if isinstance(request, Generate) else None
    return None if spec is None else _read_sound(folder / CLIP, spec, spec.name or "the clip")


def read_like(folder: Path, request: WorkRequest) -> "dict[str, tuple[np.ndarray, int]]":
    """By stem ("" for all) what it is to be like: float32 [channels, frames], and Hz. Raises as `read_clip`."""
    files = sound_files(request)[-len(request.like) :] if request.like else ()
    return {
        spec.stem: (_read_sound(folder / name, spec, spec.name or "the reference"), spec.rate)
        for name, spec in zip(files, request.like, strict=True)
    }


def _read_sound(path: Path, spec: ClipSpec | LikeSpec, name: str) -> "np.ndarray":
    import numpy as np  # only the worker comes here

    from harmonicflow.audio.files import check_samples

    with paths.disk_errors(path):
        samples = np.fromfile(path, "<f4")
    if samples.size != spec.channels * spec.frames:
        raise HarmonicFlowError("disk", path=path, reason="it is cut short")
    sound: np.ndarray = samples.reshape(spec.channels, spec.frames)
    check_samples(sound, name)
    return sound
