"""The spool door: requests, progress and results as files, for scripts that have nothing else.

The server's thread looks at the folder and keeps the tickets; whatever waits for a disk goes to the disk thread, one
request at a time, so that a full inbox stands before nobody. Each request has a ticket from when it is read until its
last report is written. The order that loses nothing: job folder, journal, report, and only then the request is
removed; a request that a crash left behind is a repeat, and gets the stored reply.
"""

import functools
import logging
import os
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from harmonicflow import __version__
from harmonicflow.core import spool
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import (
    Accepted,
    Cancel,
    Cancelled,
    CancelReply,
    Done,
    ErrorWire,
    Failed,
    JobEvent,
    JobState,
    Message,
    TakeSummary,
)
from harmonicflow.core.progress import stage_words
from harmonicflow.core.spool import Beat, Report

from .control import Control
from .disk import Disk
from .inbox import Inbox, Listing, Received
from .intake import MAX_PENDING_BYTES, Intake
from .jobs import Job, Jobs
from .outbox import Outbox, failed_report
from .takes import Takes

log = logging.getLogger("harmonicflow.daemon")

BUSY_LOOK_S: Final = 0.05  # between two looks at the inbox while a job of this door lives
IDLE_LOOK_S: Final = 0.1
LIST_S: Final = 2.0  # the names are listed at least so often: some file systems' times are coarse
SWEEP_S: Final = 3_600.0
RETRY_S: Final = 0.5  # after a write that failed, doubled each time up to
RETRY_MOST_S: Final = 30.0
MAX_TICKETS: Final = 256  # requests under way; more wait in the inbox
COMPLAINT_S: Final = 1.0  # what is wrong is logged once in that time


@dataclass(eq=False)
class Ticket:
    """One request: hears what becomes of it, and holds the report that is to be written."""

    door: "SpoolDoor" = field(repr=False)
    report: Report
    takes: tuple[TakeSummary, ...] = ()
    in_inbox: bool = True  # its files are removed once its report is written
    first: bool = True  # no report was written yet
    dirty: bool = False  # the report is news
    writing: bool = False
    due: float = 0.0  # when the next report may be written
    failures: int = 0  # writes that failed in a row

    def send(self, message: Message, buffers: Sequence[memoryview] = ()) -> None:
        """Take in a reply; sound is not for files."""
        self.door.heard(self, message)


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
        self._tickets: dict[str, Ticket] = {}
        self._held: set[str] = set()  # requests that are read, until their files are gone
        self._stuck: set[str] = set()  # requests that cannot be removed: read once, not again and again
        self._names: deque[str] = deque()  # requests that wait to be read
        self._deferred: set[str] = set()  # cancels that came before what they cancel
        self._made = False  # the folders are there and ours
        self._reading = False  # the disk thread lists or reads
        self._mark = 0
        self._unsettled = False  # the inbox changed at the last look: a later file may have the same time
        self._look_at = self._list_at = self._sweep_at = self._beat_at = 0.0
        self._beats = 0
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
        for ticket in list(self._tickets.values()):
            if ticket.dirty and not ticket.writing and now >= ticket.due:
                self._write(ticket)

    def wait_s(self) -> float:
        """Seconds until something is due."""
        due = [self._beat_at, *(ticket.due for ticket in self._tickets.values() if ticket.dirty and not ticket.writing)]
        if not (self._reading or self._intake.closing):
            due.append(self._look_at)
        return max(0.0, min(due) - time.monotonic())

    def progress(self, job: Job, event: JobEvent) -> None:
        """Note how far a job is for the requests of this door."""
        for listener in job.listeners:
            if isinstance(listener, Ticket):
                self._tell(listener, spool.report_of(self._jobs.row(job)))

    def heard(self, ticket: Ticket, message: Message) -> None:
        """Note what became of a request."""
        name, job = ticket.report.id, ticket.report.job
        if isinstance(message, Accepted):
            found = self._jobs.find(message.job)
            queued = Report(id=name, job=message.job, state=JobState.QUEUED, words=stage_words(JobState.QUEUED.value))
            self._tell(ticket, spool.report_of(self._jobs.row(found)) if found else queued)
        elif isinstance(message, Done):
            ticket.takes = message.takes
            self._tell(ticket, _ended(name, message.job, JobState.DONE))
        elif isinstance(message, Cancelled):
            self._tell(ticket, _ended(name, message.job, JobState.CANCELLED))
        elif isinstance(message, CancelReply):
            self._tell(ticket, _ended(name, message.job, JobState.DONE))
        elif isinstance(message, Failed):
            refused = not message.job
            if refused:
                self._refuse(message.error.message)
            keep = refused and job  # a request that came under the name of another one says nothing of that one
            self._tell(ticket, ticket.report if keep else failed_report(name, message.error, message.job or job))

    def close(self) -> None:
        """Take the sign of life away: whoever looks knows at once that nobody is there."""
        (self.root / spool.BEAT).unlink(missing_ok=True)

    # --- the sign of life

    def _beat(self, now: float) -> None:
        if now < self._beat_at:
            return
        self._beat_at = now + spool.BEAT_S
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
            held = frozenset(self._held | self._stuck)
            self._disk.run(lambda: self._inbox.names(held), self._listed, self._unread)

    def _listed(self, found: Listing) -> None:
        self._reading = False
        self._names.extend(found.names)
        self._stuck &= found.held
        self._deferred &= set(found.names)
        if found.names:
            self._look_at = 0.0
        if found.refused:
            self._refuse("a file's name cannot be an id", found.refused)

    def _unread(self, error: HarmonicFlowError) -> None:
        self._reading = False
        self._mend(error)

    def _read(self, name: str) -> None:
        self._held.add(name)
        self._reading = True
        self._disk.run(
            lambda: self._inbox.read(name), functools.partial(self._take_in, name), functools.partial(self._bad, name)
        )

    def _take_in(self, name: str, found: Received | None) -> None:
        self._reading, self._look_at = False, 0.0
        if found is None or self._intake.closing:  # taken back; or it waits for the next daemon
            self._held.discard(name)
            return
        request, sounds = found
        if isinstance(request, Cancel) and request.job in self._names and name not in self._deferred:
            self._deferred.add(name)
            self._held.discard(name)
            self._names.append(name)
            return
        ticket = self._ticket(name)
        if not isinstance(request, Cancel):
            self._intake.request(ticket, request, sounds)
        elif ticket.report.job:
            self._bad(name, HarmonicFlowError("bad_request", reason=f"id {name} was used for another request"))
        else:
            self._control.request(ticket, request)

    def _bad(self, name: str, error: HarmonicFlowError) -> None:
        self._reading, self._look_at = False, 0.0
        if not self._intake.closing:
            self.heard(self._ticket(name), Failed(id=name, error=ErrorWire(**error.to_wire())))

    def _ticket(self, name: str) -> Ticket:
        """The ticket of a request whose files lie in the inbox."""
        ticket = self._tickets.get(name)
        if ticket is None:
            ticket = self._tickets[name] = Ticket(self, Report(id=name, state=JobState.QUEUED))
        ticket.in_inbox = True
        return ticket

    def _attach(self, report: Report) -> None:
        """Go on with a request that was under way when the last daemon ended."""
        ticket = self._tickets[report.id] = Ticket(self, report, in_inbox=False, first=False)
        if not self._intake.attach(ticket, report.id):
            self._tell(ticket, failed_report(report.id, HarmonicFlowError("unknown_job", job=report.job), report.job))

    # --- reports

    def _tell(self, ticket: Ticket, report: Report) -> None:
        ticket.report, ticket.dirty = report, True

    def _write(self, ticket: Ticket) -> None:
        """Write the report as it is now, then remove the request if it lies there still."""
        report, takes, remove, first = ticket.report, ticket.takes, ticket.in_inbox, ticket.first
        ticket.dirty, ticket.writing = False, True
        if not report.final:
            takes = ()

        def write() -> bool:
            self._outbox.write(report, takes, synced=remove or report.final, first=first)
            return not remove or self._inbox.remove(report.id)

        def written(removed: bool) -> None:
            ticket.writing = ticket.first = False
            ticket.failures, ticket.due = 0, time.monotonic() + spool.REPORT_S
            if remove:
                ticket.in_inbox = False
                self._held.discard(report.id)
            if not removed:
                self._stuck.add(report.id)
            if report.final and not ticket.dirty and not ticket.in_inbox:
                self._tickets.pop(report.id, None)

        def failed(error: HarmonicFlowError) -> None:
            ticket.dirty, ticket.writing = True, False
            ticket.due = time.monotonic() + min(RETRY_S * 2**ticket.failures, RETRY_MOST_S)
            ticket.failures += 1
            self._mend(error)

        self._disk.run(write, written, failed)

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


def _ended(name: str, job: str, state: JobState) -> Report:
    return Report(id=name, job=job, state=state, words=stage_words(state.value))


def _nothing(_: object) -> None:
    return None
