"""The spool's outbox: one report a request, whole or not there; what a take is for a script that places it.

A report that says "queued" is on the disk before the request is removed, and so is one that says the end: after a
crash a script finds either its request or what became of it.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from harmonicflow.core import paths, spool
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import ErrorWire, JobState, TakeSummary
from harmonicflow.core.progress import stage_words
from harmonicflow.core.spool import Report, ReportEdit, ReportFile, ReportTake
from harmonicflow.core.tempo import Selection

from .takes import Takes

OLD_S: Final = 30 * 86_400.0  # a report that nobody wanted
HALF_S: Final = 86_400.0  # half a report, of a daemon that was killed
MAX_REPORT_BYTES: Final = 4 << 20
SCORE: Final = "score.mid"


class Outbox:
    """The outbox of the spool at `root`; takes are looked up in `takes`. For the disk thread, once it runs."""

    def __init__(self, root: Path, takes: Takes) -> None:
        self.root = root
        self.folder = root / spool.OUTBOX
        self._takes = takes

    def write(self, report: Report, takes: tuple[TakeSummary, ...], *, synced: bool, first: bool) -> None:
        """Write a report, with what is to be said of its takes; raises `disk`.

        The `first` report of a request that gave nothing leaves one with takes alone: a script that mixes up its ids
        must not lose them.
        """
        whole = self._with_takes(report, takes)
        file = spool.report_file(self.root, report.id)
        if first and not whole.takes and (old := _read(file)) and old.takes:
            return
        spool.write(file, whole, synced=synced)

    def reports(self) -> Iterator[Report]:
        """The reports that lie there; raises `disk`."""
        with paths.disk_errors(self.folder):
            for file in sorted(self.folder.iterdir()):
                if not file.name.startswith(".") and file.suffix == spool.JSON:
                    report = _read(file)
                    if report and file.name == report.id + spool.JSON:
                        yield report

    def sweep(self) -> None:
        """Remove reports that nobody wanted for a month; raises `disk`."""
        now = time.time()
        with paths.disk_errors(self.folder), os.scandir(self.folder) as entries:
            for entry in entries:
                old = now - (HALF_S if entry.name.startswith(".") else OLD_S)
                with contextlib.suppress(FileNotFoundError, IsADirectoryError, PermissionError):
                    if entry.stat(follow_symlinks=False).st_mtime < old:
                        os.unlink(entry.path)

    def _with_takes(self, report: Report, takes: tuple[TakeSummary, ...]) -> Report:
        try:
            return msgspec.structs.replace(report, takes=tuple(report_take(self._takes, take) for take in takes))
        except HarmonicFlowError as error:  # somebody has removed or changed them
            return failed_report(report.id, error, report.job)


def failed_report(name: str, error: HarmonicFlowError | ErrorWire, job: str = "") -> Report:
    """The report that says why there is nothing."""
    wire = error if isinstance(error, ErrorWire) else ErrorWire(**error.to_wire())
    state = JobState.FAILED
    return Report(id=name, job=job, state=state, words=stage_words(state.value), error=wire)


def report_take(takes: Takes, summary: TakeSummary) -> ReportTake:
    """What a script is told of a take; raises `unknown_take`, `bad_take`."""
    folder = takes.folder(summary.take)
    selection, request = takes.made_for(summary.take)
    edit = _edit(summary, request, selection) if request.get("kind") == "regenerate" else None
    return ReportTake(
        take=summary.take, folder=str(folder), title=summary.title, seed=summary.seed, rate=summary.rate,
        frames=summary.frames, start_frame=selection.start_frame, score=str(folder / SCORE), edit=edit,
        parts={stem: str(folder / file) for stem, file in summary.parts.items()}, warnings=summary.warnings,
        files=tuple(
            ReportFile(
                stem=row.stem, path=str(folder / row.file), channels=row.channels, frames=row.frames, rate=row.rate
            ) for row in summary.files
        ),
    )  # fmt: skip


def _edit(summary: TakeSummary, request: dict[str, Any], selection: Selection) -> ReportEdit:
    try:
        first, last = selection.bar_range(int(request["from_bar"]), int(request["to_bar"]))
        stems = tuple(map(str, request["stems"]))
    except (HarmonicFlowError, KeyError, TypeError, ValueError) as error:
        raise HarmonicFlowError("bad_take", take=summary.take, reason=f"its request: {error}") from error
    return ReportEdit(stems=stems, start_frame=first.start_frame, end_frame=last.end_frame)


def _read(file: Path) -> Report | None:
    try:
        return msgspec.json.decode(spool.read_plain(file, MAX_REPORT_BYTES), type=Report)
    except (OSError, HarmonicFlowError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
