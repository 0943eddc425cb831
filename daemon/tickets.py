"""The spool's tickets: each request's report, from when the request is read until its last report is written.

A ticket hears what the other doors' clients hear and puts it into its report. Reports are written by the disk thread,
one of a ticket at a time and ten a second at most; what changed meanwhile is in the next one. The request is removed
after its first report, never before.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from harmonicflow.core import spool
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import (
    Accepted,
    Cancelled,
    CancelReply,
    Done,
    Failed,
    JobEvent,
    JobState,
    Message,
    TakeSummary,
)
from harmonicflow.core.progress import stage_words
from harmonicflow.core.spool import Report

from .disk import Disk
from .inbox import Inbox
from .jobs import Job, Jobs
from .outbox import Outbox, failed_report

RETRY_S: Final = 0.5  # after a write that failed, doubled each time up to
RETRY_MOST_S: Final = 30.0


@dataclass(eq=False)
class Ticket:
    """One request: hears what becomes of it, and holds the report that is to be written."""

    tickets: "Tickets" = field(repr=False)
    report: Report
    takes: tuple[TakeSummary, ...] = ()
    in_inbox: bool = True  # its files are removed once its report is written
    first: bool = True  # no report was written yet
    dirty: bool = False  # the report is news
    writing: bool = False
    due: float = 0.0  # when the next report may be written
    failures: int = 0  # writes that failed in a row

    @property
    def waits(self) -> bool:
        """Whether a report is to be written as soon as it is due."""
        return self.dirty and not self.writing

    def send(self, message: Message, buffers: Sequence[memoryview] = ()) -> None:
        """Take in a reply; sound is not for files."""
        self.tickets.heard(self, message)


class Tickets:
    """The requests under way. `refused(reason)` counts, `failed(error)` says that a report could not be written."""

    def __init__(
        self, jobs: Jobs, disk: Disk, inbox: Inbox, outbox: Outbox, refused: Callable[[str], object],
        failed: Callable[[HarmonicFlowError], object],
    ) -> None:  # fmt: skip
        self._jobs = jobs
        self._disk = disk
        self._inbox = inbox
        self._outbox = outbox
        self._refused = refused
        self._failed = failed
        self._tickets: dict[str, Ticket] = {}
        self.held: set[str] = set()  # requests that are read, until their files are gone
        self.stuck: set[str] = set()  # requests that cannot be removed: read once, not again and again

    def __len__(self) -> int:
        return len(self._tickets)

    def of(self, name: str) -> Ticket:
        """The ticket of a request whose files lie in the inbox."""
        ticket = self._tickets.get(name)
        if ticket is None:
            ticket = self._tickets[name] = Ticket(self, Report(id=name, state=JobState.QUEUED))
        ticket.in_inbox = True
        return ticket

    def again(self, report: Report) -> Ticket:
        """The ticket of a request that was under way when the last daemon ended."""
        ticket = self._tickets[report.id] = Ticket(self, report, in_inbox=False, first=False)
        return ticket

    def progress(self, job: Job, _: JobEvent) -> None:
        """Note how far a job is for the requests of this door."""
        for listener in job.listeners:
            if isinstance(listener, Ticket):
                self._tell(listener, spool.report_of(self._jobs.row(job)))

    def heard(self, ticket: Ticket, message: Message) -> None:
        """Note what became of a request."""
        name, job = ticket.report.id, ticket.report.job
        if isinstance(message, Accepted):
            found = self._jobs.find(message.job)
            self._tell(ticket, spool.report_of(self._jobs.row(found)) if found else _at(name, message.job))
        elif isinstance(message, Done):
            ticket.takes = message.takes
            self._tell(ticket, _at(name, message.job, JobState.DONE))
        elif isinstance(message, Cancelled):
            self._tell(ticket, _at(name, message.job, JobState.CANCELLED))
        elif isinstance(message, CancelReply):
            self._tell(ticket, _at(name, message.job, JobState.DONE))
        elif isinstance(message, Failed):
            if not message.job:
                self._refused(message.error.message)
            # What came under the name of a living job and is refused says nothing of that job.
            told = ticket.report if job and not message.job else failed_report(name, message.error, message.job)
            self._tell(ticket, told)

    def write(self, now: float) -> None:
        """Have every report written that is news and due."""
        for ticket in list(self._tickets.values()):
            if ticket.waits and now >= ticket.due:
                self._write(ticket)

    def due(self) -> Iterator[float]:
        """When reports are to be written, on the clock of `time.monotonic`."""
        return (ticket.due for ticket in self._tickets.values() if ticket.waits)

    def _tell(self, ticket: Ticket, report: Report) -> None:
        ticket.report, ticket.dirty = report, True

    def _write(self, ticket: Ticket) -> None:
        """Write the report as it is now, then remove the request if it lies there still."""
        report, remove, first = ticket.report, ticket.in_inbox, ticket.first
        takes = ticket.takes if report.final else ()
        ticket.dirty, ticket.writing = False, True

        def write() -> bool:
            self._outbox.write(report, takes, synced=remove or report.final, first=first)
            return not remove or self._inbox.remove(report.id)

        def written(removed: bool) -> None:
            ticket.writing = ticket.first = False
            ticket.failures, ticket.due = 0, time.monotonic() + spool.REPORT_S
            if remove:
                ticket.in_inbox = False
                self.held.discard(report.id)
            if not removed:
                self.stuck.add(report.id)
            if report.final and not ticket.dirty and not ticket.in_inbox:
                self._tickets.pop(report.id, None)

        def failed(error: HarmonicFlowError) -> None:
            ticket.dirty, ticket.writing = True, False
            ticket.due = time.monotonic() + min(RETRY_S * 2**ticket.failures, RETRY_MOST_S)
            ticket.failures += 1
            self._failed(error)

        self._disk.run(write, written, failed)


def _at(name: str, job: str, state: JobState = JobState.QUEUED) -> Report:
    return Report(id=name, job=job, state=state, words=stage_words(state.value))
