"""The journal keeps what it said it keeps, whatever happens in between."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.journal import JobRecord, Journal, TakeRecord
from harmonicflow.core.errors import HarmonicFlowError


def record(number: int, state: str = "queued") -> JobRecord:
    return JobRecord(f"job-{number}", f"request-{number}", "f" * 64, "generate", 1.5, state, 0, "", ())


@pytest.fixture
def journal(tmp_path: Path):
    journal = Journal.open(tmp_path / "journal.sqlite")
    yield journal
    journal.close()


def test_there_and_back(journal: Journal) -> None:
    journal.accept(record(1))
    assert journal.by_request("request-1") == record(1) == journal.by_id("job-1")
    journal.died("job-1", 2)
    takes = [TakeRecord("job-1-1", "job-1", b"{}"), TakeRecord("job-1-2", "job-1", b"{}")]
    journal.finish("job-1", "done", "", takes)
    assert journal.by_id("job-1") == record(1)._replace(state="done", deaths=2, takes=("job-1-1", "job-1-2"))
    assert [take.id for take in journal.takes(10)] == ["job-1-2", "job-1-1"]
    assert [take.id for take in journal.takes(1, 1)] == ["job-1-1"]


def test_a_take_is_found_by_the_beginning_of_its_name_and_as_the_last(journal: Journal) -> None:
    journal.adopt([TakeRecord(name, "j", b"{}") for name in ("abc-1", "abc-12", "b%d-1")])
    for asked, found in {"abc-1": "abc-1", "b": "b%d-1", "last": "b%d-1", "abc": None, "%": None, "": None}.items():
        take = journal.take(asked)
        assert (take.id if take else None) == found, asked


def test_after_a_restart_what_was_under_way_waits_again(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal.sqlite")
    for number, state in enumerate(("queued", "running", "writing", "loading", "done", "failed", "cancelled")):
        journal.accept(record(number, state))
    journal.close()
    journal = Journal.open(tmp_path / "journal.sqlite")
    journal.requeue()
    assert [job.id for job in journal.unfinished()] == ["job-0", "job-1", "job-2", "job-3"]
    assert journal.by_id("job-4") == record(4, "done")
    journal.close()


def test_the_same_request_id_cannot_be_kept_twice(journal: Journal) -> None:
    journal.accept(record(1))
    with pytest.raises(HarmonicFlowError) as caught:
        journal.accept(record(1)._replace(id="job-2"))
    assert caught.value.code == "disk"
    journal.accept(record(3))  # the failed transaction is rolled back
    assert journal.by_id("job-2") is None and journal.by_id("job-3")


@pytest.mark.parametrize("damage", ["not a database", "a broken page"])
def test_a_damaged_file_is_put_aside(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "journal.sqlite"
    if damage == "not a database":
        path.write_bytes(b"this is not SQLite" * 100)
    else:
        with Journal.open(path) as journal:
            for number in range(200):
                journal.accept(record(number))
        data = bytearray(path.read_bytes())
        data[8192:12288] = b"\x55" * 4096
        path.write_bytes(data)
    with Journal.open(path) as journal:
        journal.accept(record(1))
        assert [job.id for job in journal.unfinished()] == ["job-1"]
    assert (tmp_path / "journal.damaged.sqlite").exists()


def test_a_newer_file_is_refused_not_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    db = sqlite3.connect(path)
    db.execute("pragma user_version=99")
    db.close()
    with pytest.raises(HarmonicFlowError, match="newer"):
        Journal.open(path)
    assert path.exists()


def test_full_synchronous_write_ahead(journal: Journal) -> None:
    assert journal._writer.execute("pragma journal_mode").fetchone()[0] == "wal"
    assert journal._writer.execute("pragma synchronous").fetchone()[0] == 2  # FULL


WRITER = """
import sys
from pathlib import Path
from daemon.journal import Journal, JobRecord
journal = Journal.open(Path(sys.argv[1]))
print(flush=True)
for number in range(10**6):
    journal.accept(JobRecord(f"{number}", f"{number}", "", "generate", 0.0, "queued", 0, "", ()))
    print(number, flush=True)  # the reply that the client saw
"""


def test_kill_9_loses_no_row_that_was_acknowledged(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    for kill in range(3):
        path = tmp_path / f"{kill}.sqlite"
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], cwd=root, stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout
        seen = [writer.stdout.readline() for _ in range(3 + 11 * kill)]
        os.kill(writer.pid, signal.SIGKILL)
        rest, _ = writer.communicate()
        acknowledged = [line.strip() for line in [*seen, *rest.splitlines(keepends=True)] if line.endswith("\n")][1:]
        with Journal.open(path) as journal:
            kept = {job.id for job in journal.unfinished()}
        assert set(acknowledged) <= kept and len(kept) <= len(acknowledged) + 1
