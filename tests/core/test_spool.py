"""The spool's layout and its messages: what both sides agree on, without a daemon."""

import json
import os
from pathlib import Path

import msgspec
import pytest

from harmonicflow.core import spool
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import ErrorWire, JobRow, JobState
from harmonicflow.core.spool import Report, ReportEdit, ReportFile, ReportTake, report_of


def test_the_fields_that_scripts_read(tmp_path: Path) -> None:
    """Written out by hand: a script in another language knows these names only from docs/protocol.md."""
    take = ReportTake(
        take="t-1", folder="/t-1", rate=48_000, frames=9, start_frame=5, score="/t-1/score.mid", seed=3,
        files=(ReportFile(stem="bass", path="/t-1/bass.wav", channels=2, frames=9, rate=48_000),),
        parts={"bass": "/t-1/bass.mid"}, edit=ReportEdit(stems=("bass",), start_frame=1, end_frame=8),
    )  # fmt: skip
    error = ErrorWire(code="busy", message="no", todo="wait")
    report = Report(id="r", job="j", state=JobState.DONE, words="done", takes=(take,), error=error)
    spool.write(tmp_path / "r.json", report, synced=True)
    assert json.loads((tmp_path / "r.json").read_bytes()) == {
        "kind": "report", "id": "r", "job": "j", "state": "done", "position": 0, "step": 0, "steps": 0, "stage": "",
        "words": "done", "seconds_left": None, "message": "",
        "error": {"code": "busy", "message": "no", "todo": "wait"},
        "takes": [
            {
                "take": "t-1", "folder": "/t-1", "title": "", "seed": 3, "rate": 48_000, "frames": 9, "start_frame": 5,
                "files": [{"stem": "bass", "path": "/t-1/bass.wav", "channels": 2, "frames": 9, "rate": 48_000}],
                "score": "/t-1/score.mid", "parts": {"bass": "/t-1/bass.mid"},
                "edit": {"stems": ["bass"], "start_frame": 1, "end_frame": 8}, "warnings": [],
            }
        ],
    }  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]
    beat = msgspec.to_builtins(spool.Beat(pid=1, beat=2, version="3", worker="ready"))
    assert beat == {"protocol": 1, "pid": 1, "beat": 2, "version": "3", "worker": "ready", "queued": 0}


@pytest.mark.parametrize(
    ("state", "stage", "words"),
    [
        (JobState.QUEUED, "", "waiting for its turn"),
        (JobState.QUEUED, "perform", "waiting for its turn"),  # its worker died
        (JobState.LOADING, "", "loading the model"),
        (JobState.RUNNING, "", "running"),
        (JobState.RUNNING, "perform", "playing 3 of 8"),
        (JobState.WRITING, "write", "writing the take 3 of 8"),
        (JobState.WRITING, "", "writing the take"),
    ],
)
def test_the_words_for_people(state: JobState, stage: str, words: str) -> None:
    row = JobRow(job="j", request_id="r", state=state, stage=stage, step=3, steps=8, position=1, seconds_left=2.5)
    report = report_of(row)
    assert report.words == words and (report.id, report.job, report.position) == ("r", "j", 1)
    assert not report.final and report.seconds_left == 2.5


def test_the_layout_is_one_for_this_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARMONICFLOW_HOME", str(tmp_path))
    root = spool.make(spool.folder())
    spool.make(root)
    assert root == tmp_path / "spool"
    assert spool.request_file(root, "a.b").relative_to(root).as_posix() == "inbox/a.b.json"
    assert spool.sound_file(root, "a.b", 1).relative_to(root).as_posix() == "inbox/a.b.1.f32"
    assert spool.report_file(root, "a.b").relative_to(root).as_posix() == "outbox/a.b.json"
    if os.name == "posix":
        (root / "inbox").chmod(0o777)
        spool.make(root)
        assert {path.stat().st_mode & 0o777 for path in (root, root / "inbox", root / "outbox")} == {0o700}
        (root / "inbox").rmdir()
        (root / "inbox").symlink_to(tmp_path)
        with pytest.raises(HarmonicFlowError, match="it is a link"):
            spool.make(root)


def test_a_plain_file_and_no_more_of_it_than_agreed(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(b"12345")
    assert spool.read_plain(file, 5) == b"12345"
    with pytest.raises(HarmonicFlowError, match="5 bytes, more than 4"):
        spool.read_plain(file, 4)
    with pytest.raises(FileNotFoundError):
        spool.read_plain(tmp_path / "y.json", 5)
