"""The server: opens the doors, waits for whatever comes first, and never for anything else.

One thread owns every door and all state. The engine is another process (supervise.py), the disk
another thread (disk.py). Control comes first in every turn, so that a cancel stands behind nothing.
This process imports no array library: it starts fast and stays small.
"""

import contextlib
import logging
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
import zmq

from harmonicflow import __version__
from harmonicflow.core import connection, paths, settings, spool, wire
from harmonicflow.core.messages import ControlRequest, DaemonEvent, JobEvent, WorkRequest

from . import limits, logs, sizes
from .control import Control
from .disk import Disk, Mailbox
from .dispatch import Dispatch
from .door_osc import OscDoor
from .door_spool import SpoolDoor
from .doors import LOOPBACK, Door, Events, Socket, allow_connections, harden, open_work_door
from .intake import MAX_PENDING_BYTES, Intake
from .job_folders import JobFolders
from .jobs import Jobs
from .journal import Journal, TakeRecord
from .measures import CountingDoor, Measures
from .metrics import Meter
from .models import Models
from .network import Network
from .notify import Notifier
from .prune import Prune
from .supervise import Supervisor
from .surface_commands import Commands
from .takes import Takes
from .timers import Timers

log = logging.getLogger("harmonicflow.daemon")

TURN_MS: Final = 1_000  # at most between two looks at deadlines
RETRY_MS: Final = 20  # while replies wait for a slow client


class Server:
    """Everything of one daemon. `open` first, then `serve`, then `close`."""

    def __init__(self, bundle: str | None = None) -> None:
        self.settings = settings.load()
        allow_connections()
        self._key = wire.new_key()
        self._context: zmq.Context[Socket] = zmq.Context(io_threads=1)
        self._mailbox = Mailbox()
        self._disk = Disk(self._mailbox)
        self._journal, self._takes, self._folders = open_store()
        self._jobs = Jobs(
            self._publish, self.settings.queue_limit,
            lambda request: sizes.made_s(request, self._journal.parent(request)),
        )  # fmt: skip
        self._models = Models(bundle)
        self._timers = Timers()
        self._notifier = Notifier()
        self._reports = harden(self._context.socket(zmq.PULL), wire.MAX_MESSAGE_BYTES, 16, 16)
        self._supervisor = Supervisor(
            self._mailbox, self._timers, self._reports.bind_to_random_port(LOOPBACK),
            paths.log_folder() / logs.WORKER_FILE, lambda end: self._dispatch.worker_ended(end),
            limits.worker_bytes(self.settings),
        )  # fmt: skip
        self._dispatch = Dispatch(
            self._jobs, self._journal, self._disk, self._folders, self._takes, self._models, self._supervisor,
            self._timers, self.settings, self._tell,
        )  # fmt: skip
        self._intake = Intake(
            self._jobs, self._journal, self._disk, self._folders, self._takes,
            self._dispatch.advance, self._dispatch.cancel, self.settings.low_disk_mb,
        )  # fmt: skip
        self._worker_log = logs.WorkerLog(self._timers, self._disk, self.settings)
        self._prune = Prune(
            self._jobs, self._journal, self._disk, self._takes, self._timers, self.settings, self._tell
        )
        self._network = Network(self.settings.listen)
        self._answers = Control(
            self._jobs, self._journal, self._disk, self._takes, self._models, self._supervisor, self._dispatch,
            self._prune, self._network, self.end, lambda: self._meter.text(), lambda: self._osc.words,
        )  # fmt: skip
        self._events = Events(self._context, self._key)
        self._work = open_work_door(self._context, self._key, WorkRequest)
        self._control = Door(self._context, self._key, ControlRequest)
        self._osc = OscDoor(
            self.settings,
            lambda say, port: Commands(
                say, port, self._jobs, self._intake, self._dispatch, self._answers, self._journal, self._takes,
                self._disk, self._timers,
            ),
        )  # fmt: skip
        self._spool = SpoolDoor(
            spool.folder(), self._jobs, self._intake, self._answers, self._takes, self._disk
        )
        doors: dict[str, CountingDoor] = {
            "work": self._work, "control": self._control, "osc": self._osc, "spool": self._spool,
            "network": self._network,
        }  # fmt: skip
        self._meter = Meter(
            Measures(
                lambda: self._answers.status(""), doors, self.settings.queue_limit, self._journal.count_takes,
                lambda: self._intake.pending_bytes,
            )
        )  # fmt: skip
        self._running = True
        self._now = True  # how it ends

    def open(self) -> None:
        """Queue what was not finished and write the connection file: from here on bridges find us."""
        self._intake.restore()
        self._spool.open()
        pid = os.getpid()
        connection.write(
            connection.Connection(
                pid=pid, started=connection.start_mark(pid), version=__version__, work=self._work.endpoint,
                control=self._control.endpoint, events=self._events.endpoint, osc_port=self._osc.port,
                key=self._key.hex(),
            )
        )  # fmt: skip
        log.info("ready: process %d, %d jobs to do", pid, self._jobs.waiting)

    def serve(self) -> None:
        """Run until `end`."""
        self._preload()
        self._dispatch.advance()
        self._worker_log.keep_small()
        poller = zmq.Poller()
        control, events, calls, osc = (part.socket for part in (self._control, self._events, self._mailbox, self._osc))
        for socket in (control, self._reports, events, calls, osc):
            poller.register(socket, zmq.POLLIN)
        self._notifier.ready(self._timers)
        while self._running or (self._dispatch.closing and self._jobs.running and not self._now):
            full = self._intake.pending_bytes > MAX_PENDING_BYTES
            poller.register(self._work.socket, 0 if full else zmq.POLLIN)
            self._network.register(poller, full)
            ready = dict(poller.poll(self._patience_ms()))
            self._turn(ready)

    def end(self, now: bool = True) -> None:
        """End the daemon; with `now` without waiting for the running job, which stays accepted."""
        log.info("ending%s", "" if now else " after the running job")
        self._tell("stopping", "")
        self._notifier.stopping()
        self._running, self._now = False, now
        self._dispatch.closing = self._intake.closing = True

    def close(self) -> None:
        """Close everything in the order that loses nothing."""
        self._dispatch.swap.close()
        self._supervisor.close()
        connection.remove(os.getpid())
        with contextlib.suppress(OSError):
            self._spool.close()
        self._disk.close()
        for call in self._mailbox.collect():
            call()
        for door in (self._control, self._work, self._events, self._osc):
            door.close()
        self._network.close()
        self._reports.close(0)
        self._mailbox.close()
        self._journal.close()
        self._context.term()
        log.info("ended")

    def _turn(self, ready: dict[Any, int]) -> None:
        """One look at everything that has come. An error in one message is logged and costs that message only."""
        self._guarded(self._network.look)
        for questions in (self._control.receive(), self._network.questions()):
            for received in questions:
                self._guarded(self._answers.request, received.client, received.message)
        self._hear()
        for call in self._mailbox.collect():
            self._guarded(call)
        if self._osc.socket.fileno() in ready:
            self._guarded(self._osc.receive)
        for work in (self._work, self._network.work):
            if work and work.socket in ready:
                for received in work.receive():
                    self._guarded(self._intake.request, *received)
        self._guarded(self._spool.turn)
        self._events.drain()
        self._guarded(self._timers.look)
        for door in (self._control, self._work, self._network):
            door.send_waiting()

    def _hear(self) -> None:
        """The workers' reports."""
        while True:
            try:
                frames = self._reports.recv_multipart(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                return
            self._guarded(self._dispatch.hear, [frame.buffer for frame in frames])

    def _guarded(self, call: Callable[..., object], *arguments: object) -> None:
        try:
            call(*arguments)
        except Exception:  # the daemon outlives its own mistakes, and says them
            log.exception("a mistake in the daemon")

    def _patience_ms(self) -> int:
        waits_s = [wait_s for wait_s in (self._timers.wait_s(), self._spool.wait_s()) if wait_s is not None]
        patience = min(TURN_MS, int(min(waits_s) * 1000) + 1)
        waiting = any(door.waiting for door in (self._work, self._control, self._network))
        return min(patience, RETRY_MS) if waiting else patience

    def _preload(self) -> None:
        try:
            self._dispatch.preload()
        except OSError as error:
            log.error("no worker could be started: %s", error)

    def _publish(self, event: JobEvent) -> None:
        self._events.publish(event)
        self._network.publish(event)
        self._meter.job(event)
        self._osc.commands.progress(event)
        if job := self._jobs.find(event.job):
            self._spool.progress(job, event)

    def _tell(self, what: str, message: str) -> None:
        event = DaemonEvent(seq=self._jobs.number(), what=what, message=message)
        self._meter.daemon(event)
        self._events.publish(event)
        self._network.publish(event)

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT end the daemon, through the mailbox: a handler may interrupt anything.

        Around `open` as well: from then on somebody may want it to end.
        """
        wanted = (signal.SIGTERM, signal.SIGINT)
        before = {number: signal.signal(number, lambda *_: self._mailbox.post(self.end)) for number in wanted}
        bell = signal.set_wakeup_fd(self._mailbox.bell.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(bell)
            for number, handler in before.items():
                signal.signal(number, handler)


def open_store() -> tuple[Journal, Takes, JobFolders]:
    """The journal, the takes and the job folders, in order after a crash. Raises `disk`."""
    paths.owner_only(paths.home())
    takes, folders = Takes(paths.takes_folder()), JobFolders(paths.jobs_folder())
    journal = Journal.open(paths.journal_file())
    known = journal.take_ids()
    found = takes.recover(known)
    journal.forget(takes.missing(known))
    journal.adopt([TakeRecord(take.take, job_of(take.take), msgspec.json.encode(take)) for take in found])
    journal.requeue()
    folders.clean({job.id for job in journal.unfinished()})
    return journal, takes, folders


def job_of(take: str) -> str:
    """The job that made a take: its name without the number."""
    return take.rpartition("-")[0] or take

