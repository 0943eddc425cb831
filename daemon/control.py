"""The answers of the control door. Each is made at once from memory or one look-up; what reads a take's
files is read by the disk thread and answered when it is there.
"""

import os
import time
from collections.abc import Callable
from typing import Any, Final

from harmonicflow import __version__
from harmonicflow.core import paths
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import (
    PROTOCOL,
    Cancel,
    CancelReply,
    ErrorWire,
    Failed,
    GetTake,
    Hello,
    ListModels,
    ListTakes,
    Message,
    Metrics,
    MetricsReply,
    ModelList,
    Ok,
    ShowTake,
    Shutdown,
    Snapshot,
    SnapshotReply,
    Status,
    StatusReply,
    TakeList,
    TakeReply,
    TakeSound,
    TakeSummary,
    UseModel,
    Welcome,
)

from . import memory
from .disk import Disk
from .dispatch import Dispatch
from .jobs import Jobs, Listener
from .journal import Journal, TakeRecord
from .models import Models
from .network import Network
from .outbox import SCORE
from .prune import Prune
from .supervise import Supervisor
from .takes import Takes

WORKER_WORDS: Final = {"none": "down", "asleep": "asleep", "loading": "starting", "ready": "ready", "busy": "busy"}


class Control:
    """Answers control requests; `shutdown(now)` ends the daemon."""

    def __init__(
        self, jobs: Jobs, journal: Journal, disk: Disk, takes: Takes, models: Models, supervisor: Supervisor,
        dispatch: Dispatch, prune: Prune, network: Network, shutdown: Callable[[bool], object],
        metrics: Callable[[], str], osc: Callable[[], str],
    ) -> None:  # fmt: skip
        self._jobs = jobs
        self._journal = journal
        self._disk = disk
        self._takes = takes
        self._models = models
        self._supervisor = supervisor
        self._dispatch = dispatch
        self._prune = prune
        self._network = network
        self._shutdown = shutdown
        self._metrics = metrics
        self._osc = osc
        self._started = time.monotonic()
        self._answers: dict[type[Message], Callable[[Listener, Any], Message | None]] = {
            Hello: self._hello, Status: self._status, Cancel: self._cancel, ListTakes: self._list_takes,
            ShowTake: self._show_take, GetTake: self._get_take, ListModels: self._list_models,
            UseModel: self._use_model, Snapshot: self._snapshot, Metrics: self._numbers, Shutdown: self._end,
            **prune.answers,
        }  # fmt: skip

    def request(self, listener: Listener, request: Any) -> None:
        """Answer one request."""
        try:
            answer = self._answers[type(request)](listener, request)
        except HarmonicFlowError as error:
            answer = _failed(request.id, error)
        if answer is not None:
            listener.send(answer)

    @property
    def worker(self) -> str:
        """How the worker is: starting, ready, busy or down."""
        return WORKER_WORDS[self._supervisor.state]

    def status(self, name: str) -> StatusReply:
        """How the daemon is."""
        pid = self._supervisor.pid
        loaded = self._dispatch.loaded
        return StatusReply(
            id=name, protocol=PROTOCOL, version=__version__, pid=os.getpid(),
            uptime_s=time.monotonic() - self._started, worker=self.worker, worker_pid=pid,
            bundle=loaded.bundle if loaded else "", device=loaded.device if loaded else "",
            bundle_folder=str(self._models.folder()), home=str(paths.home()),
            queued=self._jobs.waiting, jobs=self._jobs.rows(recent=True), seq=self._jobs.seq,
            daemon_rss_bytes=memory.resident_bytes(os.getpid()),
            worker_rss_bytes=memory.resident_bytes(pid) if pid else 0,
            worker_peak_bytes=memory.peak_bytes(pid) if pid else 0, network=self._network.words,
            osc=self._osc(),
        )  # fmt: skip

    def _hello(self, _: Listener, request: Hello) -> Message:
        if request.protocol != PROTOCOL:
            raise HarmonicFlowError("protocol_version", theirs=request.protocol, ours=PROTOCOL)
        return Welcome(id=request.id, protocol=PROTOCOL, version=__version__, pid=os.getpid())

    def _status(self, _: Listener, request: Status) -> Message:
        return self.status(request.id)

    def _cancel(self, _: Listener, request: Cancel) -> Message:
        job = self._jobs.find(request.job)
        if job is None:
            ended = self._journal.by_id(request.job) or self._journal.by_request(request.job) if request.job else None
            if ended is None:
                raise HarmonicFlowError("unknown_job", job=request.job) if request.job else HarmonicFlowError("no_job")
            return CancelReply(id=request.id, job=ended.id, state=ended.state)  # type: ignore[arg-type]
        self._dispatch.cancel(job)
        return CancelReply(id=request.id, job=job.id, state=job.state)

    def _list_takes(self, _: Listener, request: ListTakes) -> Message:
        found = self._journal.takes(request.limit, request.offset)
        return TakeList(
            id=request.id, takes=tuple(map(self._summary, found)), total=self._journal.count_takes()
        )

    def _show_take(self, listener: Listener, request: ShowTake) -> None:
        summary = self._find(request.take)
        names = (SCORE, *summary.parts.values()) if request.midi else ()
        self._later(
            listener, request.id, lambda: (self._takes.details(summary.take), self._takes.midi(summary.take, names)),
            lambda read: listener.send(TakeReply(id=request.id, take=summary, details=read[0], midi=read[1])),
        )  # fmt: skip

    def _get_take(self, listener: Listener, request: GetTake) -> None:
        summary = self._find(request.take)
        rows = tuple(row for row in summary.files if not request.stems or row.stem in request.stems)
        known = [row.stem for row in summary.files]
        for stem in request.stems:
            if stem not in known:
                raise HarmonicFlowError("unknown_stem", stem=stem, known=", ".join(known))
        self._later(
            listener, request.id, lambda: self._takes.sound(summary.take, rows),
            lambda sound: listener.send(TakeSound(id=request.id, take=summary.take, files=rows), sound),
        )  # fmt: skip

    def _list_models(self, listener: Listener, request: ListModels) -> None:
        self._later(
            listener, request.id, self._models.rows,
            lambda rows: listener.send(ModelList(id=request.id, models=rows)),
        )  # fmt: skip

    def _use_model(self, _: Listener, request: UseModel) -> Message:
        return self._dispatch.swap.use(request)

    def _snapshot(self, _: Listener, request: Snapshot) -> Message:
        return SnapshotReply(id=request.id, seq=self._jobs.seq, jobs=self._jobs.rows(recent=False))

    def _numbers(self, _: Listener, request: Metrics) -> Message:
        return MetricsReply(id=request.id, text=self._metrics())

    def _end(self, _: Listener, request: Shutdown) -> Message:
        self._shutdown(request.now)
        return Ok(id=request.id)

    def _later(self, listener: Listener, name: str, task: Callable[[], Any], then: Callable[[Any], object]) -> None:
        self._disk.run(task, then, lambda error: listener.send(_failed(name, error)))

    def _find(self, name: str) -> TakeSummary:
        found = self._journal.take(name)
        if found is None:
            raise HarmonicFlowError("unknown_take", take=name)
        return self._summary(found)

    def _summary(self, row: TakeRecord) -> TakeSummary:
        return self._prune.summary(row)


def _failed(name: str, error: HarmonicFlowError) -> Failed:
    return Failed(id=name, error=ErrorWire(**error.to_wire()))
