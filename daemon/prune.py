"""Stars, and the removal of takes that are old or too many: on request, and by the settings once an hour.

Never a starred take, never one that an unfinished job is made from; what other takes share with a removed one
stays theirs. The disk thread chooses, the server's thread leaves out what is in use and says so to the intake,
then the disk thread removes, about a second's worth at a time.
"""

import functools
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import (
    ErrorWire,
    Extend,
    Failed,
    Message,
    PruneReply,
    PruneTakes,
    Regenerate,
    StarTake,
    TakeReply,
    TakeSummary,
)
from harmonicflow.core.settings import Settings

from .disk import Disk
from .jobs import Jobs, Listener
from .journal import Journal, TakeRecord
from .takes import FileId, Takes
from .timers import Timers

log = logging.getLogger("harmonicflow.daemon")

TURN_S: Final = 1.0  # of removing at a time: jobs wait for the disk thread too
LISTED: Final = 1_000  # takes in one reply
DAY_S: Final = 86_400.0
FIRST_S: Final = 60.0  # after the start
EVERY_S: Final = 3_600.0
FRESH_S: Final = 600.0  # younger ones may still be on their way into a DAW: the settings leave them alone


class Held(NamedTuple):
    """One take as prune sees it."""

    summary: TakeSummary
    created: float  # seconds since 1970; infinite where nobody has written it down
    files: tuple[tuple[FileId, int], ...]  # with their bytes


class Choice(NamedTuple):
    """What is to be removed, the oldest first, and what that leaves."""

    held: tuple[Held, ...]
    freed_bytes: int
    kept_bytes: int
    starred: int  # that stay only for their star


def choose(held: Sequence[Held], keep: Callable[[Held], bool], before: float | None, most: int | None) -> Choice:
    """Of takes with the oldest first: those made before a time, then the oldest while all have more than `most` bytes.

    A file that several takes share counts once, and is freed with the last of them.
    """
    links = Counter(name for take in held for name in {name for name, _ in take.files})
    total = sum(size for _, size in {name: size for take in held for name, size in take.files}.items())
    chosen, starred, kept_bytes = [], 0, total
    for take in held:
        if not (before is not None and take.created < before) and not (most is not None and kept_bytes > most):
            continue
        if keep(take):
            starred += take.summary.starred
            continue
        chosen.append(take)
        for name, size in dict(take.files).items():
            links[name] -= 1
            kept_bytes -= size if links[name] == 0 else 0
    return Choice(tuple(chosen), total - kept_bytes, kept_bytes, starred)


class Rule(NamedTuple):
    """What is to go: takes made before a time, and the oldest while all have more bytes than `most`."""

    before: float | None  # seconds since 1970
    most: int | None
    youngest: float = float("inf")  # what was made after this stays


class AgeClock:
    """The time by which takes grow old: no further on than the start's, plus what has passed since.

    A clock that is set a year ahead while the daemon runs makes no take older, and none is removed for it.
    """

    def __init__(self, wall: Callable[[], float] = time.time, passed: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._passed = wall, passed
        self._offset = wall() - passed()

    def now(self) -> float:
        """Seconds since 1970."""
        return min(self._wall(), self._offset + self._passed())


class Prune:
    """Answers StarTake and PruneTakes, and keeps to the settings. `tell(what, message)` publishes news."""

    def __init__(
        self, jobs: Jobs, journal: Journal, disk: Disk, takes: Takes, timers: Timers, settings: Settings,
        tell: Callable[[str, str], object],
    ) -> None:  # fmt: skip
        self._jobs = jobs
        self._journal = journal
        self._disk = disk
        self._takes = takes
        self._timers = timers
        self._settings = settings
        self._tell = tell
        self._clock = AgeClock()
        self._files: dict[str, tuple[tuple[FileId, int], ...]] = {}  # of every take; they never change
        self.answers: dict[type[Message], Callable[[Listener, Any], None]] = {
            StarTake: self._star, PruneTakes: self._prune,
        }  # fmt: skip
        if settings.keep_takes_days or settings.keep_takes_gb:
            timers.set("prune", FIRST_S, self._tend)

    def _star(self, listener: Listener, request: StarTake) -> None:
        found = self._journal.take(request.take)
        if found is None:
            raise HarmonicFlowError("unknown_take", take=request.take)

        def starred(_: None) -> None:
            listener.send(TakeReply(id=request.id, take=self.summary(found)))

        def failed(error: HarmonicFlowError) -> None:
            listener.send(Failed(id=request.id, error=ErrorWire(**error.to_wire())))

        self._disk.run(lambda: self._takes.star(found.id, request.starred), starred, failed)

    def _prune(self, listener: Listener, request: PruneTakes) -> None:
        def failed(error: HarmonicFlowError) -> None:
            listener.send(Failed(id=request.id, error=ErrorWire(**error.to_wire())))

        def removed(choice: Choice, done: Sequence[Held], freed: int) -> None:
            listener.send(
                PruneReply(
                    id=request.id, takes=tuple(held.summary for held in done[:LISTED]), freed_bytes=freed,
                    kept_bytes=choice.kept_bytes + choice.freed_bytes - freed,
                    left=len(choice.held) - len(done[:LISTED]), starred=choice.starred,
                )
            )  # fmt: skip

        def listed(choice: Choice) -> None:
            removed(choice, choice.held[:LISTED], choice.freed_bytes)

        days = request.older_than_days
        rule = Rule(None if days is None else self._clock.now() - days * DAY_S, request.larger_than)
        self._choose(rule, listed if request.dry_run else functools.partial(self._remove, removed, failed), failed)

    def _tend(self) -> None:
        """What the settings ask for, an hour after the last time."""

        def removed(choice: Choice, done: Sequence[Held], freed: int) -> None:
            if done:
                told = f"{len(done)} takes, {freed / 1e6:.0f} MB"
                log.info("removed as the settings say: %s: %s", told, " ".join(held.summary.take for held in done))
                self._tell("takes removed", told)
            if len(done) < len(choice.held):
                self._timers.set("prune", TURN_S, self._tend)

        def failed(error: HarmonicFlowError) -> None:
            log.error("takes could not be removed: %s", error)

        self._timers.set("prune", EVERY_S, self._tend)
        days, gigabytes, now = self._settings.keep_takes_days, self._settings.keep_takes_gb, self._clock.now()
        rule = Rule(now - days * DAY_S if days else None, int(gigabytes * 1e9) if gigabytes else None, now - FRESH_S)
        self._choose(rule, functools.partial(self._remove, removed, failed), failed)

    def _choose(self, rule: Rule, then: Callable[[Choice], object], failed: Callable[..., object]) -> None:
        """Look at all takes on the disk thread, then go on here with those that no job has come to need."""
        used = self._used()

        def keep(held: Held) -> bool:
            return held.summary.starred or held.summary.take in used or held.created > rule.youngest

        def plan() -> Choice:
            return choose(self._held(self._journal.all_takes()), keep, rule.before, rule.most)

        def chosen(choice: Choice) -> None:
            late = self._used()
            then(choice._replace(held=tuple(held for held in choice.held if held.summary.take not in late)))

        self._disk.run(plan, chosen, failed)

    def _remove(self, then: Callable[..., object], failed: Callable[..., object], choice: Choice) -> None:
        """Tell the intake, remove what a turn allows, and go on with what was removed."""
        names = frozenset(held.summary.take for held in choice.held)
        self._takes.leaving |= names

        def gone(removed: tuple[Sequence[Held], int]) -> None:
            self._takes.leaving -= names
            then(choice, *removed)

        def stay(error: HarmonicFlowError) -> None:
            self._takes.leaving -= names
            failed(error)

        self._disk.run(lambda: self._take_away(choice.held), gone, stay)

    def _used(self) -> frozenset[str]:
        """The takes that unfinished jobs are made from."""
        requests = (job.request for job in self._jobs)
        return frozenset(request.take for request in requests if isinstance(request, Regenerate | Extend))

    def _held(self, rows: Iterable[TakeRecord]) -> list[Held]:
        """Every take with its files. On the disk thread."""
        found = []
        for row in rows:
            if row.id not in self._files:
                self._files[row.id] = self._takes.files(row.id)
            summary = self.summary(row)
            found.append(Held(summary, made(summary), self._files[row.id]))
        return found

    def _take_away(self, going: Sequence[Held]) -> tuple[Sequence[Held], int]:
        """Remove for about a second; what was removed, and the bytes that are free now. On the disk thread."""
        deadline, done = time.monotonic() + TURN_S, list[Held]()
        try:
            for held in going:
                self._takes.remove(held.summary.take)
                self._files.pop(held.summary.take, None)
                done.append(held)
                if time.monotonic() > deadline:
                    break
        finally:
            self._journal.forget({held.summary.take for held in done})
        shared = {name for files in self._files.values() for name, _ in files}
        freed = {name: size for held in done for name, size in held.files if name not in shared}
        return done, sum(freed.values())

    def summary(self, row: TakeRecord) -> TakeSummary:
        """A take as lists show it now."""
        summary = msgspec.json.decode(row.summary, type=TakeSummary)
        folder = str(self._takes.folder(row.id))
        return msgspec.structs.replace(summary, folder=folder, starred=row.id in self._takes.starred)


def made(summary: TakeSummary) -> float:
    """When a take was made, in seconds since 1970; never, where that is not written down."""
    try:
        when = datetime.fromisoformat(summary.created)
    except ValueError:
        return float("inf")
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
