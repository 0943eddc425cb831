"""The journal: every accepted job and every finished take, in one SQLite file that survives kill -9.

WAL with `synchronous=FULL`: a row is on the disk before the call returns. The order that loses
nothing: the request's files, then its row, then "accepted" to the client; the take's folder (written
elsewhere, synced, renamed), then its row, then "done" to the client.

Writes come from one thread (disk.py); reads have their own connection, which WAL never blocks, so
that the doors can look up a repeated request while a write waits for the disk.
"""

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, Self

import msgspec

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import Generate, TakeSummary, WorkRequest

log = logging.getLogger("harmonicflow.daemon")

FORMAT: Final = 1  # of the tables below
KEEP_JOBS: Final = 10_000  # finished jobs whose replies are kept for repeated requests
CACHE_KB: Final = 256  # of each connection: rows are looked up one at a time, and two megabytes would take days to fill

SCHEMA: Final = """
create table if not exists job(
  number integer primary key, id text not null unique, request_id text not null unique,
  fingerprint text not null, kind text not null, created real not null,
  state text not null, deaths integer not null default 0,
  error text not null default '', takes text not null default '');
create table if not exists take(
  number integer primary key, id text not null unique, job text not null, summary blob not null);
create index if not exists job_state on job(state);
"""


class JobRecord(NamedTuple):
    """A job as it is kept. `error` is JSON of an ErrorWire or "", `takes` are take ids."""

    id: str
    request_id: str
    fingerprint: str  # SHA-256 of the request: the same id with another request is refused
    kind: str
    created: float  # seconds since 1970
    state: str
    deaths: int  # workers that died over it
    error: str
    takes: tuple[str, ...]


class TakeRecord(NamedTuple):
    """A take as it is kept: its id, the job that made it, its TakeSummary as JSON."""

    id: str
    job: str
    summary: bytes


class Journal:
    """Jobs and takes in `path`. Every method raises `disk` where the file cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._in_words():
            self._writer = self._connect()
            self._reader = self._connect()

    @classmethod
    def open(cls, path: Path) -> Self:
        """The journal at `path`. A damaged file is put aside (takes are found again on the disk)."""
        try:
            journal = cls(path)
            if not journal.sound():
                raise sqlite3.DatabaseError("integrity check failed")
            return journal
        except (HarmonicFlowError, sqlite3.DatabaseError) as error:
            cause = error if isinstance(error, sqlite3.DatabaseError) else error.__cause__
            if not isinstance(cause, sqlite3.DatabaseError) or isinstance(cause, sqlite3.OperationalError):
                raise
        aside = path.with_name(f"{path.stem}.damaged{path.suffix}")
        log.warning("the journal %s is damaged; it is kept as %s", path, aside.name)
        path.replace(aside)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return cls(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Fold the log back into the file and close it."""
        self._reader.close()
        self._writer.close()

    # Writes: from the disk thread.

    def accept(self, row: JobRecord) -> None:
        """Keep a new job. From here on it survives anything but the loss of the disk."""
        with self._transaction() as db:
            db.execute(
                "insert into job(id, request_id, fingerprint, kind, created, state, deaths) values(?,?,?,?,?,?,?)",
                row[:7],
            )

    def died(self, job: str, deaths: int) -> None:
        """Keep how many workers have died over the job."""
        with self._transaction() as db:
            db.execute("update job set deaths=? where id=?", (deaths, job))

    def finish(self, job: str, state: str, error: str = "", takes: Sequence[TakeRecord] = ()) -> None:
        """Keep the job's end together with its takes, in one transaction."""
        with self._transaction() as db:
            db.executemany("insert or ignore into take(id, job, summary) values(?,?,?)", takes)
            names = " ".join(take.id for take in takes)
            db.execute("update job set state=?, error=?, takes=? where id=?", (state, error, names, job))

    def adopt(self, takes: Sequence[TakeRecord]) -> None:
        """Keep takes that were found on the disk."""
        with self._transaction() as db:
            db.executemany("insert or ignore into take(id, job, summary) values(?,?,?)", takes)

    def forget(self, takes: set[str]) -> None:
        """Leave out takes whose folders were removed."""
        with self._transaction() as db:
            db.executemany("delete from take where id=?", [(take,) for take in takes])

    def all_takes(self) -> list[TakeRecord]:
        """Every take, the oldest first: in the order in which they were made, whatever the clock said."""
        with self._in_words():
            rows = self._writer.execute("select id, job, summary from take order by number")
            return [TakeRecord(*row) for row in rows]

    def requeue(self) -> None:
        """After a restart: what was under way waits again; old replies are forgotten."""
        with self._transaction() as db:
            db.execute("update job set state='queued' where state in ('loading', 'running', 'writing')")
            newest = db.execute("select coalesce(max(number), 0) from job").fetchone()[0]
            db.execute("delete from job where number <= ? and state != 'queued'", (newest - KEEP_JOBS,))

    # Reads: from the server's thread.

    def by_request(self, request_id: str) -> JobRecord | None:
        """The job of a client's request id."""
        return self._one("request_id", request_id)

    def by_id(self, job: str) -> JobRecord | None:
        """The job of this id."""
        return self._one("id", job)

    def unfinished(self) -> list[JobRecord]:
        """The jobs that still have to run, oldest first."""
        with self._in_words():
            return [_job(row) for row in self._reader.execute(f"{_JOB} where state='queued' order by number")]

    def take(self, take: str) -> TakeRecord | None:
        """The take of this id; "last" is the newest, and the beginning of an id is enough where it is unique."""
        with self._in_words():
            if take == "last":
                rows = self._reader.execute("select id, job, summary from take order by number desc limit 1").fetchall()
            else:
                rows = self._reader.execute("select id, job, summary from take where id=?", (take,)).fetchall()
            if not rows and take:
                query = "select id, job, summary from take where substr(id, 1, ?) = ? limit 2"
                rows = self._reader.execute(query, (len(take), take)).fetchall()
        return TakeRecord(*rows[0]) if len(rows) == 1 else None

    def parent(self, request: WorkRequest) -> TakeSummary | None:
        """The take that a request edits or extends, if there is one."""
        found = None if isinstance(request, Generate) else self.take(request.take)
        return msgspec.json.decode(found.summary, type=TakeSummary) if found else None

    def takes(self, limit: int, offset: int = 0) -> list[TakeRecord]:
        """The newest takes, newest first."""
        query = "select id, job, summary from take order by number desc limit ? offset ?"
        with self._in_words():
            return [TakeRecord(*row) for row in self._reader.execute(query, (limit, offset))]

    def count_takes(self) -> int:
        """How many takes there are."""
        with self._in_words():
            return int(self._reader.execute("select count(*) from take").fetchone()[0])

    def newer(self, take: str) -> int:
        """How many takes are newer than this one."""
        query = "select count(*) from take where number > (select number from take where id=?)"
        with self._in_words():
            return int(self._reader.execute(query, (take,)).fetchone()[0])

    def take_ids(self) -> set[str]:
        """The ids of all takes that are kept."""
        with self._in_words():
            return {row[0] for row in self._reader.execute("select id from take")}

    def sound(self) -> bool:
        """Whether SQLite finds no damage."""
        return bool(self._reader.execute("pragma quick_check").fetchone()[0] == "ok")

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=5.0)
        try:
            db.execute("pragma journal_mode=wal")
            db.execute("pragma synchronous=full")
            db.execute(f"pragma cache_size=-{CACHE_KB}")
            version = db.execute("pragma user_version").fetchone()[0]
            if version > FORMAT:
                raise HarmonicFlowError("disk", path=self.path, reason="a newer HarmonicFlow wrote it")
            if version < FORMAT:
                db.executescript(SCHEMA)
                db.execute(f"pragma user_version={FORMAT}")
        except BaseException:
            db.close()  # an open file cannot be put aside everywhere
            raise
        return db

    def _one(self, column: str, value: str) -> JobRecord | None:
        with self._in_words():
            row = self._reader.execute(f"{_JOB} where {column}=?", (value,)).fetchone()
        return _job(row) if row else None

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise HarmonicFlowError("disk", path=self.path, reason=error) from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._in_words():
            self._writer.execute("begin immediate")
            try:
                yield self._writer
                self._writer.execute("commit")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("rollback")
                raise


_JOB: Final = "select id, request_id, fingerprint, kind, created, state, deaths, error, takes from job"


def _job(row: tuple[str, str, str, str, float, str, int, str, str]) -> JobRecord:
    return JobRecord(*row[:8], takes=tuple(row[8].split()))
