"""From a waiting job to its end: gives jobs to the worker, hears its reports, puts takes into place.

Runs on the server's thread and never waits: whatever touches the disk goes to the disk thread and
comes back as a call. One job runs at a time. The order at a job's end is take, row, event, reply.
"""

import functools
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from harmonicflow.core import wire
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import (
    Block,
    Cancelled,
    Done,
    ErrorWire,
    Failed,
    JobState,
    Message,
    TakeSummary,
)
from harmonicflow.core.settings import Settings

from . import limits, sizes
from .backoff import FIRST_S
from .disk import Disk
from .job_folders import JobFolders
from .jobs import MAX_DEATHS, Job, Jobs
from .journal import Journal
from .link import Broken, Loaded, Progress, Refused, Report, Run, Stop, Stopped, Written
from .models import Models
from .store import complete
from .supervise import End, Supervisor
from .swap import Swap
from .takes import Takes
from .timers import Timers

log = logging.getLogger("harmonicflow.daemon")

RESTART: Final = "restart"  # names of timers
JOB_TIME: Final = "job's time"
IDLE: Final = "idle"


class Dispatch:
    """The way of jobs through the worker. `tell(what, message)` publishes news of the worker itself."""

    def __init__(
        self, jobs: Jobs, journal: Journal, disk: Disk, folders: JobFolders, takes: Takes, models: Models,
        supervisor: Supervisor, timers: Timers, settings: Settings, tell: Callable[[str, str], object],
    ) -> None:  # fmt: skip
        self._jobs = jobs
        self._journal = journal
        self._disk = disk
        self._folders = folders
        self._takes = takes
        self._models = models
        self._supervisor = supervisor
        self._timers = timers
        self._settings = settings
        self._tell = tell
        self.loaded: Loaded | None = None  # what the worker serves
        self.swap = Swap(supervisor, models, lambda: self.loaded, self.advance, tell)
        self.closing = False

    def preload(self) -> None:
        """Start a worker with the bundle being served, so that the first job need not wait for it."""
        if self._supervisor.worker is None and not self.closing and not self._rests():
            try:
                self._start(self._models.folder())
            except HarmonicFlowError as error:
                log.error("%s", error)

    def advance(self) -> None:
        """Give the next waiting job to the worker, if it is free."""
        self._change_over()
        if self.closing or self._rests() or (job := self._jobs.next()) is None:
            self._mind_idleness()
            return
        self._timers.drop(IDLE)
        try:
            bundle = self._models.folder(job.request.model)
            if self._supervisor.bundle != bundle:
                self._supervisor.close(wait=False)
                self.loaded = None
            self._jobs.move(job, JobState.LOADING)
            if self._supervisor.state == "ready":
                self._run(job)
            else:
                self._start(bundle)  # nothing, where one is on its way
        except HarmonicFlowError as error:
            self._fail(job, error)

    def cancel(self, job: Job) -> None:
        """End a job. Where it runs, the worker is asked first and killed 400 ms later."""
        if job.ending or job.stopping:
            return
        job.stopping = True
        if job.state in (JobState.RUNNING, JobState.WRITING):
            self._supervisor.stop(Stop(job=job.id))
        elif job.kept:
            self._end(job, JobState.CANCELLED)

    def hear(self, frames: Sequence[memoryview]) -> None:
        """Take in one report. One that is signed with another key comes from a worker that was given up."""
        reason = "there is no worker"
        for keeper in (self._supervisor, self.swap.keeper):
            if keeper.key:
                try:
                    report, buffers = wire.unpack(keeper.key, frames, Report)
                except HarmonicFlowError as error:
                    reason = error.message
                    continue
                if keeper is self._supervisor:
                    self._report(report, buffers)
                else:
                    self.swap.report(report)
                return
        log.info("a report was not heard: %s", reason)

    def _report(self, report: Report, buffers: Sequence[memoryview]) -> None:
        self._supervisor.alive()
        if isinstance(report, Loaded):
            self._loaded(report)
        elif isinstance(report, Refused):
            self._refused(report.error)
        elif (job := self._jobs.running) is not None and job.id == report.job and not job.ending:
            self._heard(job, report, buffers)

    def worker_ended(self, end: End) -> None:
        """The worker has died, or was killed for good reason."""
        self.loaded = None
        self._timers.drop(JOB_TIME)
        self._tell("worker died", end.reason)
        job = self._jobs.running
        if job is not None and not job.ending:
            if job.stopping:
                self._left(job)
            elif end.error:
                self._fail(job, end.error)
            else:
                self._died_over(job, end.reason)
        self.preload()

    def _change_over(self) -> None:
        """A bundle that is proven takes its place, between two jobs."""
        if self._jobs.running or self.closing or not (found := self.swap.take()):
            return
        row, self.loaded = found
        self._supervisor.adopt(self.swap.keeper)
        self._models.use(Path(row.folder))
        self._timers.drop(RESTART, IDLE)
        self._disk.run(lambda: self._models.remember(row.name), _nothing, _log)
        log.info("bundle %s is served from now on", row.name)
        self._tell("model", row.name)

    def _mind_idleness(self) -> None:
        """An engine that nobody has wanted for long gives its memory back."""
        idle = self._supervisor.state == "ready" and self._jobs.running is None
        if idle and self._settings.keep_alive_minutes and IDLE not in self._timers:
            self._timers.set(IDLE, 60 * self._settings.keep_alive_minutes, self._sleep)

    def _sleep(self) -> None:
        if self._supervisor.state == "ready" and self._jobs.running is None:
            log.info("the engine sleeps until the next job")
            self._supervisor.sleep()
            self.loaded = None
            self._tell("asleep", "")

    def _rests(self) -> bool:
        """Whether a worker that has died too often is not started yet; then a timer is set for it."""
        if self._supervisor.worker or not (left_s := self._supervisor.backoff.left_s(self._jobs.waiting > 0)):
            return False
        self._timers.set(RESTART, left_s, self._restart)
        return True

    def _restart(self) -> None:
        self.advance()
        self.preload()

    def _died_over(self, job: Job, reason: str) -> None:
        job.deaths += 1
        if job.deaths >= MAX_DEATHS:
            self._fail(job, HarmonicFlowError("worker_died", reason=reason))
            return
        deaths = job.deaths
        self._disk.run(lambda: self._journal.died(job.id, deaths), _nothing, _log)
        job.message = f"starting again: {reason}"
        self._jobs.move(job, JobState.QUEUED)
        self.advance()

    def _start(self, bundle: Path) -> None:
        try:
            started = self._supervisor.start(bundle)
        except OSError as error:
            self._supervisor.backoff.died()
            self._timers.set(RESTART, max(FIRST_S, self._supervisor.backoff.left_s(wanted=False)), self._restart)
            reason = f"it could not be started: {error.strerror or error}"
            raise HarmonicFlowError("worker_died", reason=reason) from error
        if started:
            self._timers.drop(RESTART)
            self._tell("worker started", str(bundle))

    def _loaded(self, report: Loaded) -> None:
        self._supervisor.loaded()
        self.loaded = report
        log.info("worker ready: %s in %.2f s", report.bundle, report.seconds)
        self._tell("ready", report.bundle)
        if (job := self._jobs.running) and job.state is JobState.LOADING and not job.ending:
            self._run(job)
        self._mind_idleness()

    def _refused(self, error: ErrorWire) -> None:
        log.error("the bundle cannot be used: %s", error.message)
        wanted_by_a_job = self._supervisor.bundle != self._models.folder()
        self._supervisor.close(wait=False)
        self.loaded = None
        self._tell("worker died", error.message)
        if (job := self._jobs.running) and job.state is JobState.LOADING:
            self._end(job, JobState.FAILED, error)
        if wanted_by_a_job:
            self.preload()

    def _run(self, job: Job) -> None:
        def ready(staging: Path) -> None:
            if job.ending or job.state is not JobState.LOADING or self._supervisor.state != "ready":
                return  # cancelled, or the worker died, in the meantime
            job.staging = staging
            folder, takes = str(self._folders.folder(job.id)), str(self._takes.root)
            order = Run(job=job.id, folder=folder, staging=str(staging), takes=takes)
            at_once_s = sizes.at_once_s(job.request, self._journal.parent(job.request))
            self._supervisor.busy(order, at_once_s)
            if limit_s := limits.job_seconds(self._settings, at_once_s * job.request.count):
                self._timers.set(JOB_TIME, limit_s, lambda: self._too_long(job, limit_s))
            self._jobs.move(job, JobState.RUNNING)

        def failed(error: HarmonicFlowError) -> None:
            if job.state is JobState.LOADING:
                self._fail(job, error)

        self._disk.run(lambda: self._takes.staging(job.id), ready, failed)

    def _too_long(self, job: Job, limit_s: float) -> None:
        """The job has used up its time: it is stopped as if cancelled, and fails."""
        if job.state in (JobState.RUNNING, JobState.WRITING) and not job.ending and not job.stopping:
            job.stopping, job.verdict = True, HarmonicFlowError("job_time", seconds=round(limit_s))
            self._supervisor.stop(Stop(job=job.id))

    def _left(self, job: Job) -> None:
        """The worker has left the job, as it was told to."""
        if job.verdict:
            self._fail(job, job.verdict)
        else:
            self._end(job, JobState.CANCELLED)

    def _heard(self, job: Job, report: Report, buffers: Sequence[memoryview]) -> None:
        if isinstance(report, Progress):
            self._progress(job, report)
        elif isinstance(report, Block):
            if not job.stopping:
                self._reply(job, report, buffers)
            return
        elif isinstance(report, Stopped | Broken | Written):
            self._supervisor.loaded()
            self._timers.drop(JOB_TIME)
        if isinstance(report, Stopped) or (job.stopping and isinstance(report, Broken | Written)):
            self._left(job)
        elif isinstance(report, Broken):
            if report.error.code == "no_memory":
                self._renew()
            self._end(job, JobState.FAILED, report.error)
        elif isinstance(report, Written):
            self._publish(job, report.takes)

    def _renew(self) -> None:
        """Another worker, with all memory given back."""
        self._supervisor.close(wait=False)
        self.loaded = None
        self.preload()

    def _progress(self, job: Job, report: Progress) -> None:
        if job.stopping:
            return
        job.stage, job.step, job.steps, job.seconds_left = report.stage, report.step, report.steps, report.seconds_left
        job.message = ""
        self._jobs.move(job, JobState.WRITING if report.stage == "write" else job.state)

    def _publish(self, job: Job, takes: tuple[TakeSummary, ...]) -> None:
        """Takes into place, then their rows: on the disk thread. Then event and reply."""
        if job.state is JobState.RUNNING:
            self._jobs.move(job, JobState.WRITING)
        job.ending = True
        staging = job.staging

        def place() -> tuple[TakeSummary, ...]:
            return complete(self._journal, self._takes, job.id, staging, takes)

        def done(placed: tuple[TakeSummary, ...]) -> None:
            job.takes = tuple(take.take for take in placed)
            log.info("job %s done: %s", job.id, " ".join(job.takes))
            self._leave(job, JobState.DONE, Done(id=job.request.id, job=job.id, takes=placed))

        def failed(error: HarmonicFlowError) -> None:
            job.ending = False
            self._fail(job, error)

        self._disk.run(place, done, failed)

    def _fail(self, job: Job, error: HarmonicFlowError) -> None:
        self._end(job, JobState.FAILED, ErrorWire(**error.to_wire()))

    def _end(self, job: Job, state: JobState, error: ErrorWire | None = None) -> None:
        """Failed or cancelled: row, event, reply. What cannot be kept is told all the same."""
        if job.ending:
            return
        job.ending = True
        job.error = error
        reply: Message = Cancelled(id=job.request.id, job=job.id)
        if error is not None:
            reply = Failed(id=job.request.id, job=job.id, error=error)
        log.info("job %s %s%s", job.id, state, f": {error.message}" if error else "")
        text = msgspec.json.encode(error).decode() if error else ""

        def leave(unkept: HarmonicFlowError | None) -> None:
            if unkept:
                _log(unkept)
            self._leave(job, state, reply)

        self._disk.run(lambda: self._journal.finish(job.id, state, text), lambda _: leave(None), leave)

    def _leave(self, job: Job, state: JobState, reply: Message) -> None:
        self._jobs.move(job, state)
        self._reply(job, reply)
        self._disk.run(functools.partial(self._clean, job), _nothing, _log)
        self.advance()

    def _clean(self, job: Job) -> None:
        self._folders.remove(job.id)
        self._takes.discard(job.id)

    def _reply(self, job: Job, message: Message, buffers: Sequence[memoryview] = ()) -> None:
        for listener in job.listeners:
            listener.send(message, buffers)


def _nothing(_: object) -> None:
    return None


def _log(error: HarmonicFlowError) -> None:
    log.error("%s", error)
