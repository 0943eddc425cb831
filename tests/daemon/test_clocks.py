"""R15: clocks that are set, a daemon that is stopped for ten minutes: no deadline passes that did not pass."""

import ast
import signal
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from harmonicflow.core.messages import Done, JobEvent

ROOT = Path(__file__).parents[2]
DAY_S = 86_400

# Who may ask for the time of day, and what for: nothing that waits, or runs out.
WALL_CLOCK = {
    "daemon/intake.py": "when a job came, for people; a job's name",
    "daemon/prune.py": "the age of takes, which a clock that is set ahead does not change",
    "daemon/inbox.py": "the age of files in the spool beside their own dates",
    "daemon/outbox.py": "the age of reports in the spool beside their own dates",
    "harmonicflow/core/allowed.py": "when a key was made, for people",
}
ASKING = {"time.time", "time.time_ns", "time.strftime", "time.localtime", "time.gmtime", "time.ctime"}

# Python reads this at its start: both clocks with offsets from a file, the second one for the daemon alone, because
# to a process that was stopped for ten minutes its own clock has moved on at once.
CLOCKS = """
import sys, time
def shifted(real, number):
    def now():
        with open({file!r}) as file:
            return real() + float(file.read().split()[number])
    return now
time.time = shifted(time.time, 0)
if "daemon" in sys.orig_argv:
    time.monotonic = shifted(time.monotonic, 1)
"""


def asked(file: Path) -> set[str]:
    """How a file asks for the time of day."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            names |= {name} & ASKING
            names |= {name} if name.endswith((".now", ".utcnow", ".today")) and "date" in name else set()
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            names |= {f"time.{alias.name}" for alias in node.names} & ASKING
    return names


def test_the_time_of_day_is_for_people(proven: Any) -> None:
    files = [*(ROOT / "daemon").glob("*.py"), *(ROOT / "harmonicflow" / "core").glob("*.py"), ROOT / "bridge/client.py"]
    found = {file.relative_to(ROOT).as_posix() for file in files if asked(file)}
    assert found <= set(WALL_CLOCK), f"say what {found - set(WALL_CLOCK)} need the time of day for, or use monotonic"
    proven("R15", cases=len(files), measured=f"{len(files)} files: {len(found)} ask for the time of day, to show it")


@pytest.mark.parametrize("line", ["time.time()", "from time import time_ns", "datetime.datetime.now()"])
def test_asking_is_seen(tmp_path: Path, line: str) -> None:
    (tmp_path / "x.py").write_text(line)
    assert asked(tmp_path / "x.py")


@pytest.fixture
def clocks(house: Any, tmp_path: Path) -> Any:
    """Set the clocks of the house: `clocks(wall_s, own_s)`."""
    file = tmp_path / "offsets.txt"

    def set_to(wall_s: float, own_s: float = 0.0) -> None:
        fresh = file.with_suffix(".new")
        fresh.write_text(f"{wall_s} {own_s}")
        fresh.replace(file)

    set_to(0)
    folder = tmp_path / "python"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(CLOCKS.format(file=str(file)))
    house.environment["PYTHONPATH"] = str(folder)
    return set_to


def test_a_clock_that_is_set_while_jobs_run(house: Any, clocks: Any, request_of: Any, proven: Any) -> None:
    """A day on, two days back, a year on: jobs are done, the worker lives, requests are known again."""
    house.environment |= {"HARMONICFLOW_JOB_SECONDS_LEAST": "20", "HARMONICFLOW_KEEP_TAKES_DAYS": "1"}
    house.start()
    desk = house.desk()
    worker = desk.until_ready().worker_pid
    made = []
    steps = (DAY_S, -2 * DAY_S, 365 * DAY_S, 0)
    for number, offset_s in enumerate(steps):
        desk.accepted(request_of(f"r{number}", bars=4, steps=4))
        desk.until(lambda status: status.worker == "busy" or not status.jobs or status.jobs[0].takes)
        clocks(offset_s)
        done = desk.replies()[-1]
        assert isinstance(done, Done), done
        made.append(datetime.fromisoformat(done.takes[0].created).timestamp() - time.time())
        status = desk.status()
        assert status.worker_pid == worker and 0 <= status.uptime_s < 600
    assert house.takes() == {f"{job.job}-1" for job in desk.status().jobs}
    house.kill()
    clocks(-30 * DAY_S)
    house.start()
    desk = house.desk()
    again = desk.done(request_of("r2", bars=4, steps=4))
    assert again.takes[0].take in house.takes() and len(house.takes()) == len(steps), "known, though of the future"
    assert "killed" not in house.log()
    proven("R15", cases=len(steps) + 1, measured="the clock a day on, two back, a year on and a month back: no effect")


@pytest.mark.skipif(sys.platform != "linux", reason="stops a process as Linux does")
def test_ten_minutes_away(house: Any, clocks: Any, request_of: Any, proven: Any) -> None:
    """Stopped during a job whose limit is 20 s, and once more while idle: nobody is blamed, nothing is done twice."""
    house.environment |= {"HARMONICFLOW_JOB_SECONDS_LEAST": "20", "HARMONICFLOW_JOB_SECONDS_PER_SECOND": "0.1"}
    house.start()
    desk = house.desk()
    worker = desk.until_ready().worker_pid
    for number, away_s in enumerate((600, 1200)):
        desk.accepted(request_of(f"r{number}", bars=24, steps=24))
        desk.until(lambda status: status.worker == "busy")
        house.process.send_signal(signal.SIGSTOP)
        clocks(away_s, away_s)
        house.process.send_signal(signal.SIGCONT)
        done = desk.replies()[-1]
        assert isinstance(done, Done), done
        assert desk.status().worker_pid == worker
    house.process.send_signal(signal.SIGSTOP)
    clocks(3600, 3600)
    house.process.send_signal(signal.SIGCONT)
    time.sleep(0.3)
    assert desk.status().worker_pid == worker and desk.status().worker == "ready"
    assert "killed" not in house.log() and len(house.takes()) == 2
    seen = []
    while desk.events.poll(50):
        event = desk.event()
        if isinstance(event, JobEvent) and event.request_id == "r1" and event.state not in seen:
            seen.append(event.state)
    assert seen == ["queued", "loading", "running", "writing", "done"], "each state once"
    proven("R15", cases=3, measured="ten and twenty minutes away during jobs, forty while idle: nothing ran out")
