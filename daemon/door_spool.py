"""The spool door: requests, progress and results as files, for scripts that have nothing else.

The server's thread looks whether anything has come; whatever waits for a disk goes to the disk thread, one request at a
time, so that a full inbox stands before nobody. The order that loses nothing: job folder, journal, report, and only
then the request is removed; a request that a crash left behind is a repeat, and gets the stored reply.
"""

import functools
import logging
import os
import time
from collections import deque
from pathlib import Path
from typing import Final

from harmonicflow import __version__
from harmonicflow.core import spool
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import Cancel, ErrorWire, Failed, JobEvent
from harmonicflow.core.spool import Beat, Report

from .control import Control
from .disk import Disk
from .inbox import Inbox, Listing, Received
from .intake import MAX_PENDING_BYTES, Intake
from .jobs import Job, Jobs
from .outbox import Outbox
from .takes import Takes
from .tickets import Tickets

log = logging.getLogger("harmonicflow.daemon")

BUSY_LOOK_S: Final = 0.05  # between two looks at the inbox while a job of this door lives
IDLE_LOOK_S: Final = 0.1
LIST_S: Final = 2.0  # the names are listed at least so often: some file systems' times are coarse
SWEEP_S: Final = 3_600.0
MAX_TICKETS: Final = 256  # requests under way; more wait in the inbox
COMPLAINT_S: Final = 1.0  # what is wrong is logged once in that time


class Pulse:
    """When the daemon shows that it lives: often while somebody waits for it and for a while after, else seldom."""

    def __init__(self, now: float) -> None:
        self.at = now  # the next time, in seconds of `now`'s clock
        self._watched_until = now + spool.WATCHED_S

    def due(self, now: float, watched: bool) -> bool:
        """Whether it is time. `watched`: a request is under way."""
        if watched:
            self._watched_until = now + spool.WATCHED_S
        period_s = spool.BEAT_S if now < self._watched_until else spool.IDLE_BEAT_S
        self.at = min(self.at, now + period_s)
        if now < self.at:
            return False
        self.at = now + period_s
        return True


class SpoolDoor:
    """The spool at `root`. `open` before the first `turn`; everything but tasks runs on the server's thread."""

    def __init__(self, root: Path, jobs: Jobs, intake: Intake, control: Control, takes: Takes, disk: Disk) -> None:
        self.root = root
        self.refused = 0
        self._jobs = jobs
        self._intake = intake
        self._control = control
        self._disk = disk
        self._inbox = Inbox(root)
        self._outbox = Outbox(root, takes)
        self._tickets = Tickets(jobs, disk, self._inbox, self._outbox, self._refuse, self._mend)
        self._names: deque[str] = deque()  # requests that wait to be read
        self._deferred: set[str] = set()  # cancels that came before what they cancel
        self._made = False  # the folders are there and ours
        self._reading = False  # the disk thread lists or reads
        self._mark = 0
        self._unsettled = False  # the inbox changed at the last look: a later file may have the same time
        self._look_at = self._list_at = self._sweep_at = 0.0
        self._beats = 0
        self._pulse = Pulse(time.monotonic())
        self._complained = float("-inf")

    def open(self) -> None:
        """Make the folders, take up the requests that were under way, and give the first sign of life."""
        try:
            self._make()
            for report in list(self._outbox.reports()):
                if report.job:  # accepted: what is left of the request is not needed
                    self._inbox.remove(report.id)
                if not report.final:
                    self._attach(report)
        except HarmonicFlowError as error:  # the other doors stay open
            self._complain(error)
        self._beat(time.monotonic())

    def turn(self) -> None:
        """Do what is due."""
        now = time.monotonic()
        self._beat(now)
        self._look(now)
        self._tickets.write(now)

    def wait_s(self) -> float:
        """Seconds until something is due."""
        due = [self._pulse.at, *self._tickets.due()]
        if not (self._reading or self._intake.closing):
            due.append(self._look_at)
        return max(0.0, min(due) - time.monotonic())

    def progress(self, job: Job, event: JobEvent) -> None:
        """Note how far a job is for the requests of this door."""
        self._tickets.progress(job, event)

    def close(self) -> None:
        """Take the sign of life away: whoever looks knows at once that nobody is there."""
        (self.root / spool.BEAT).unlink(missing_ok=True)

    # --- the sign of life

    def _beat(self, now: float) -> None:
        if not self._pulse.due(now, watched=bool(self._tickets)):
            return
        self._beats += 1
        beat = Beat(
            pid=os.getpid(), beat=self._beats, version=__version__, worker=self._control.worker,
            queued=self._jobs.waiting,
        )  # fmt: skip
        try:
            spool.write(self.root / spool.BEAT, beat)
        except HarmonicFlowError as error:
            self._mend(error)

    # --- requests

    def _look(self, now: float) -> None:
        """Read the next request, or see whether there are any; one task at a time."""
        if self._reading or self._intake.closing or now < self._look_at:
            return
        if len(self._tickets) >= MAX_TICKETS or self._intake.pending_bytes > MAX_PENDING_BYTES:
            self._look_at = now + BUSY_LOOK_S
            return
        if self._names:
            self._read(self._names.popleft())
            return
        self._look_at = now + (BUSY_LOOK_S if self._tickets else IDLE_LOOK_S)
        try:
            if not self._made:
                self._make()
            mark = self._inbox.mark()
        except (HarmonicFlowError, OSError) as error:
            self._mend(error)
            return
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_S
            self._disk.run(self._sweep, _nothing, self._mend)
        changed = mark != self._mark
        if changed or self._unsettled or now >= self._list_at:
            self._mark, self._unsettled, self._list_at = mark, changed, now + LIST_S
            self._reading = True
            held = frozenset(self._tickets.held | self._tickets.stuck)
            self._disk.run(lambda: self._inbox.names(held), self._listed, self._unread)

    def _listed(self, found: Listing) -> None:
        self._reading = False
        self._names.extend(found.names)
        self._tickets.stuck &= found.held
        self._deferred &= set(found.names)
        if found.names:
            self._look_at = 0.0
        if found.refused:
            self._refuse("a file's name cannot be an id", found.refused)

    def _unread(self, error: HarmonicFlowError) -> None:
        self._reading = False
        self._mend(error)

    def _read(self, name: str) -> None:
        self._tickets.held.add(name)
        self._reading = True
        self._disk.run(
            lambda: self._inbox.read(name), functools.partial(self._take_in, name), functools.partial(self._bad, name)
        )

    def _take_in(self, name: str, found: Received | None) -> None:
        self._reading, self._look_at = False, 0.0
        if found is None or self._intake.closing:  # taken back; or it waits for the next daemon
            self._tickets.held.discard(name)
            return
        request, sounds = found
        if isinstance(request, Cancel) and request.job in self._names and name not in self._deferred:
            self._deferred.add(name)
            self._tickets.held.discard(name)
            self._names.append(name)
            return
        ticket = self._tickets.of(name)
        if not isinstance(request, Cancel):
            self._intake.request(ticket, request, sounds)
        elif ticket.report.job:
            self._bad(name, HarmonicFlowError("bad_request", reason=f"id {name} was used for another request"))
        else:
            self._control.request(ticket, request)

    def _bad(self, name: str, error: HarmonicFlowError) -> None:
        self._reading, self._look_at = False, 0.0
        if not self._intake.closing:
            self._tickets.of(name).send(Failed(id=name, error=ErrorWire(**error.to_wire())))

    def _attach(self, report: Report) -> None:
        """Go on with a request that was under way when the last daemon ended."""
        ticket = self._tickets.again(report)
        if not self._intake.attach(ticket, report.id):
            error = ErrorWire(**HarmonicFlowError("unknown_job", job=report.job).to_wire())
            ticket.send(Failed(id=report.id, job=report.job, error=error))

    # --- what goes wrong

    def _sweep(self) -> None:
        self._inbox.sweep()
        self._outbox.sweep()

    def _mend(self, error: Exception) -> None:
        """Say what is wrong, and make the folders again where somebody has removed them."""
        self._complain(error)
        try:
            self._make()
        except HarmonicFlowError as worse:
            self._complain(worse)

    def _make(self) -> None:
        self._made = False
        spool.make(self.root)
        self._made = True

    def _refuse(self, reason: str, number: int = 1) -> None:
        self.refused += number
        self._complain(f"refused a request ({self.refused} so far): {reason}")

    def _complain(self, what: object) -> None:
        now = time.monotonic()
        if now - self._complained > COMPLAINT_S:
            self._complained = now
            log.warning("the spool %s: %s", self.root, what)


def _nothing(_: object) -> None:
    return None
