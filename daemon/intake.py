"""From a request to an accepted job: known already, refused, or on the disk before "accepted" is said.

The same request id again gets the stored reply, whether the job waits, runs or has ended, also after
a restart. The same id with another request is refused: the client has mixed up its names.
"""

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from harmonicflow.core import paths
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import (
    Accepted,
    Cancelled,
    Done,
    ErrorWire,
    Extend,
    Failed,
    Generate,
    JobState,
    Message,
    Regenerate,
    TakeSummary,
    WorkRequest,
    encode,
)
from harmonicflow.core.tempo import Selection

from .disk import Disk
from .job_folders import JobFolders, sound_specs
from .jobs import Job, Jobs, Listener
from .journal import JobRecord, Journal, TakeRecord
from .takes import Takes

log = logging.getLogger("harmonicflow.daemon")


MAX_PENDING_BYTES: Final = 512 << 20  # of clips on their way to the disk: then the doors for work wait


class Intake:
    """Takes requests in. `advance` and `cancel` belong to the dispatch."""

    def __init__(
        self, jobs: Jobs, journal: Journal, disk: Disk, folders: JobFolders, takes: Takes,
        advance: Callable[[], object], cancel: Callable[[Job], object], low_disk_mb: int = 0,
    ) -> None:  # fmt: skip
        self._jobs = jobs
        self._journal = journal
        self._disk = disk
        self._folders = folders
        self._takes = takes
        self._advance = advance
        self._cancel = cancel
        self._low_disk_mb = low_disk_mb
        self._last: Generate | None = None  # what `again` does again
        self.closing = False
        self.pending_bytes = 0  # of sounds on their way to the disk

    def request(self, listener: Listener, request: WorkRequest, buffers: Sequence[memoryview]) -> None:
        """Take in a request from the work door; every outcome is sent to `listener`."""
        try:
            if not self._known(listener, request):
                self._enter(listener, request, _sounds(request, buffers))
        except HarmonicFlowError as error:
            wait_s = error.fields.get("wait_s")
            listener.send(
                Failed(
                    id=request.id, error=ErrorWire(**error.to_wire()),
                    wait_s=wait_s if isinstance(wait_s, float) else None,
                )
            )  # fmt: skip

    def attach(self, listener: Listener, request_id: str) -> bool:
        """Tell a listener again what becomes of a request, after a restart; False where nobody knows the request."""
        job = self._jobs.of_request(request_id)
        row = None if job else self._journal.by_request(request_id)
        try:
            self._join(listener, request_id, job, row)
        except HarmonicFlowError as error:
            listener.send(Failed(id=request_id, job=row.id if row else "", error=ErrorWire(**error.to_wire())))
        return bool(job or row)

    def again(self, listener: Listener, change: Callable[[Generate], Generate]) -> None:
        """Generate for the last clip and selection, with another id, seed and so on. Raises `bad_request`, `busy`."""
        if self._last is None:
            reason = "no clip has been sent yet, so there is none to work on; `new` needs none"
            raise HarmonicFlowError("bad_request", reason=reason)
        request = change(self._last)
        self._enter(listener, request, self._folders.last_sounds(request), remember=False)

    def fresh(self, listener: Listener, request: Generate) -> None:
        """Generate without a clip; what was sent last stays the last one. Raises `busy`."""
        self._enter(listener, request, (), remember=False)

    def restore(self) -> None:
        """After a start: queue the unfinished jobs again, oldest first."""
        self._last = self._folders.last()
        for row in self._journal.unfinished():
            try:
                request = self._folders.request(row.id)
            except HarmonicFlowError as error:
                log.error("job %s is lost: %s", row.id, error)
                self._journal.finish(row.id, JobState.FAILED, msgspec.json.encode(error.to_wire()).decode())
                continue
            if takes := self._takes_of(row.id, request.count):
                self._journal.finish(row.id, JobState.DONE, takes=takes)
                self._folders.remove(row.id)
                continue
            job = Job(id=row.id, request=request, fingerprint=row.fingerprint, created=row.created, deaths=row.deaths)
            self._jobs.enter(job, limit=1 << 30)  # it was accepted
            self._jobs.keep(job)

    def _takes_of(self, job: str, count: int) -> list[TakeRecord]:
        """All takes of a job that ended between its last take and its row, else none."""
        names = [f"{job}-{number}" for number in range(1, count + 1)]
        found = [take for name in names if (take := self._journal.take(name)) and take.id == name]
        return found if len(found) == count else []

    def _known(self, listener: Listener, request: WorkRequest) -> bool:
        """Answer a request that was sent before."""
        job = self._jobs.of_request(request.id)
        row = None if job else self._journal.by_request(request.id)
        if job is None and row is None:
            return False
        if (job or row).fingerprint != fingerprint(request):  # type: ignore[union-attr]
            raise HarmonicFlowError("bad_request", reason=f"id {request.id} was used for another request")
        self._join(listener, request.id, job, row)
        return True

    def _join(self, listener: Listener, request_id: str, job: Job | None, row: JobRecord | None) -> None:
        if job:
            if listener not in job.listeners:
                job.listeners.append(listener)
            if job.kept:
                listener.send(self._accepted(job))
        elif row:
            stored = self._stored(request_id, row)
            listener.send(Accepted(id=request_id, job=row.id))
            listener.send(stored)

    def _stored(self, request_id: str, row: JobRecord) -> Message:
        if row.state == JobState.DONE:
            found = [take for name in row.takes if (take := self._journal.take(name)) and take.id == name]
            if len(found) < len(row.takes):
                raise HarmonicFlowError("unknown_take", take=", ".join(row.takes))  # somebody has removed them
            takes = tuple(msgspec.json.decode(take.summary, type=TakeSummary) for take in found)
            return Done(id=request_id, job=row.id, takes=takes)
        if row.state == JobState.CANCELLED:
            return Cancelled(id=request_id, job=row.id)
        if row.state != JobState.FAILED:  # it was told, but the disk did not take it
            unkept = HarmonicFlowError("disk", path=self._journal.path, reason="how the job ended could not be kept")
            return Failed(id=request_id, job=row.id, error=ErrorWire(**unkept.to_wire()))
        return Failed(id=request_id, job=row.id, error=msgspec.json.decode(row.error, type=ErrorWire))

    def _enter(
        self, listener: Listener, request: WorkRequest, sounds: Sequence[memoryview | Path], remember: bool = True
    ) -> None:
        if self.closing:
            raise HarmonicFlowError("daemon_lost", what="is ending")
        signature = fingerprint(request)
        if isinstance(request, Regenerate | Extend):
            request = self._with_parent(request)
        job = Job(id=_new_id(), request=request, fingerprint=signature, created=time.time(), listeners=[listener])
        self._jobs.enter(job)
        size = sum(len(sound) for sound in sounds if isinstance(sound, memoryview))
        self.pending_bytes += size

        def keep() -> WorkRequest:
            self._check_room(size)
            checked = self._checked(request)
            self._folders.keep(job.id, checked, sounds)
            kind = type(request).__name__.lower()
            self._journal.accept(JobRecord(job.id, request.id, signature, kind, job.created, "queued", 0, "", ()))
            return checked

        def kept(checked: WorkRequest) -> None:
            self.pending_bytes -= size
            job.request = checked
            self._jobs.keep(job)
            log.info("job %s accepted: %s", job.id, request.id)
            for each in job.listeners:
                each.send(self._accepted(job))
            if isinstance(request, Generate) and remember:
                self._last = request
                self._disk.run(lambda: self._folders.remember(job.id), lambda _: None, _log)
            if job.stopping:
                job.stopping = False
                self._cancel(job)
            self._advance()

        def failed(error: HarmonicFlowError) -> None:
            self.pending_bytes -= size
            self._jobs.withdraw(job)
            for each in job.listeners:
                each.send(Failed(id=request.id, error=ErrorWire(**error.to_wire())))
            self._disk.run(lambda: self._folders.remove(job.id), lambda _: None, _log)

        self._disk.run(keep, kept, failed)

    def _check_room(self, size: int) -> None:
        """Refuse what would leave too little space for the takes that are still to be written; raises `low_disk`."""
        least = self._low_disk_mb * 1_000_000
        for folder in {self._folders.root, self._takes.root} if least else ():
            if (free := paths.free_bytes(folder)) - size < least:
                raise HarmonicFlowError("low_disk", path=folder, free=free // 1_000_000, least=self._low_disk_mb)

    def _with_parent(self, request: Regenerate | Extend) -> Regenerate | Extend:
        """The request with the parent's full name ("last" and the beginning of a name are understood)."""
        take = self._journal.take(request.take)
        if take is None or not self._takes.there(take.id):
            raise HarmonicFlowError("unknown_take", take=request.take)
        return msgspec.structs.replace(request, take=take.id)

    def _checked(self, request: WorkRequest) -> WorkRequest:
        """The request as it is kept, with bars for frames; raises what speaks against its place or its length."""
        if isinstance(request, Generate):
            Selection.from_wire(request.selection)
        elif isinstance(request, Extend):
            whole, _ = self._takes.made_for(request.take)
            whole.extended(bars=request.bars, beats=request.beats, seconds=request.seconds)
        elif request.frames is not None:
            first, last = self._takes.made_for(request.take)[0].bars_touched(*request.frames)
            return msgspec.structs.replace(request, from_bar=first, to_bar=last, frames=None)
        return request

    def _accepted(self, job: Job) -> Accepted:
        running = 1 if self._jobs.running else 0
        position = self._jobs.position(job)
        return Accepted(
            id=job.request.id, job=job.id, position=position - 1 + running if position else 0,
            wait_s=self._jobs.wait_s(job),
        )  # fmt: skip


def fingerprint(request: WorkRequest) -> str:
    """SHA-256 of the request as it is sent."""
    return hashlib.sha256(encode(request)).hexdigest()


def _sounds(request: WorkRequest, buffers: Sequence[memoryview]) -> Sequence[memoryview]:
    """The samples of the clip and of what stems are to be like.

    Raises `bad_request` where the buffers are not what the request says, or a stem is named twice.
    """
    named = [spec.stem for spec in request.like]
    if twice := {stem for stem in named if named.count(stem) > 1}:
        raise HarmonicFlowError("bad_request", reason=f"`like` names {min(twice) or 'all stems'} twice")
    lengths = [len(buffer) for buffer in buffers]
    wanted = [spec.nbytes for spec in sound_specs(request)]
    if lengths != wanted:
        raise HarmonicFlowError("bad_request", reason=f"it has buffers of {lengths} bytes, and says {wanted}")
    return buffers


def _new_id() -> str:
    """A job's name: the time for people, and chance so that no two are the same."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"


def _log(error: HarmonicFlowError) -> None:
    log.error("%s", error)
