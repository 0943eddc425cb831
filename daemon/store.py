"""The end of a job that is done: its takes into place, then their rows, or neither."""

import contextlib
from pathlib import Path

import msgspec

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import JobState, TakeSummary

from .journal import Journal, TakeRecord
from .takes import Takes


def complete(
    journal: Journal, takes: Takes, job: str, staging: Path, summaries: tuple[TakeSummary, ...]
) -> tuple[TakeSummary, ...]:
    """Publish what lies in `staging` and keep the job as done. Raises `disk`, and then no take of the job is seen.

    A crash in between is another matter: the takes are whole, and the next start takes them in.
    """
    try:
        placed = takes.publish(staging, summaries)
        rows = [TakeRecord(take.take, job, msgspec.json.encode(take)) for take in placed]
        journal.finish(job, JobState.DONE, takes=rows)
    except HarmonicFlowError:
        with contextlib.suppress(HarmonicFlowError):  # the first error is the one to tell
            for take in summaries:
                if takes.there(take.take):
                    takes.remove(take.take)
            journal.forget({take.take for take in summaries})  # rows that an earlier crash has left
        raise
    return placed
