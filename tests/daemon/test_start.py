"""Starting, finding, ending: one daemon a user, small and fast, and gone without a trace when asked."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from harmonicflow.core import connection as connections
from harmonicflow.core.messages import DaemonEvent, Hello, Ok, Shutdown, Welcome

ROOT = Path(__file__).parents[2]


def run(*words: str) -> str:
    return subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_ready_in_two_seconds_small_and_without_an_array_library(house: Any) -> None:
    began = time.monotonic()
    house.start()
    seconds = time.monotonic() - began
    status = house.desk().status()
    assert seconds < 2.0
    assert status.daemon_rss_bytes < 80e6
    maps = Path(f"/proc/{house.process.pid}/maps")
    if maps.exists():
        assert not [line for line in maps.read_text().splitlines() if "numpy" in line or "onnxruntime" in line]


def test_the_server_imports_no_array_library() -> None:
    code = "import sys, daemon.server, daemon.__main__; print({'numpy', 'onnxruntime', 'torch'} & set(sys.modules))"
    assert run("-c", code).strip() == "set()"


def test_help_names_the_options() -> None:
    help_text = run("-m", "daemon", "--help")
    assert "--bundle" in help_text and "--foreground" in help_text and "HARMONICFLOW_HOME" in help_text


def test_the_connection_file_is_for_its_owner_only(house: Any, proven: Any) -> None:
    house.start()
    file = connections.connection_file()
    assert file.is_relative_to(house.home)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    connection = json.loads(file.read_text())
    assert all(connection[door].startswith("tcp://127.0.0.1:") for door in ("work", "control", "events"))
    proven("S3")


def test_a_second_daemon_is_refused_with_the_first_ones_process_id(house: Any, proven: Any) -> None:
    house.start()
    second = house.spawn()
    assert second.wait(10) == 1
    assert f"already running (process {house.process.pid})" in house.output()
    assert isinstance(house.desk().ask(Hello(id="h")), Welcome), "the first one goes on"
    proven("R10")


def test_the_file_of_a_dead_daemon_is_replaced(house: Any, proven: Any) -> None:
    first = house.start()
    house.kill()
    assert connections.connection_file().exists() and connections.find() is None
    second = house.start()
    assert second.pid != first.pid and second.key != first.key
    assert house.desk().status().pid == second.pid
    proven("R10")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(house: Any, number: int) -> None:
    house.start()
    worker = house.desk().status().worker_pid
    began = time.monotonic()
    assert house.stop(number) == 0
    assert time.monotonic() - began < 3.0
    assert not connections.connection_file().exists()
    assert not connections.is_alive(worker)
    assert "Traceback" not in house.log() + house.output()


@pytest.mark.parametrize("now", [True, False])
def test_a_message_ends_it_cleanly(house: Any, now: bool) -> None:
    house.start()
    desk = house.desk()
    time.sleep(0.3)  # the subscription is on its way
    assert isinstance(desk.ask(Shutdown(id="s", now=now)), Ok)
    assert house.process.wait(10) == 0
    events = [desk.event(2.0)]
    while not (isinstance(events[-1], DaemonEvent) and events[-1].what == "stopping"):
        events.append(desk.event(2.0))
    assert not connections.connection_file().exists()


def test_the_worker_ends_with_a_daemon_that_was_killed(house: Any) -> None:
    house.start()
    worker = house.desk().status().worker_pid
    assert worker and connections.is_alive(worker)
    house.kill()
    deadline = time.monotonic() + 5
    while connections.is_alive(worker):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_home_that_cannot_be_used_is_said_in_one_line(house: Any) -> None:
    house.home.parent.mkdir(exist_ok=True)
    house.home.write_text("a file where the folder should be")
    process = house.spawn()
    assert process.wait(10) == 1
    lines = house.output().splitlines()
    assert len(lines) == 1 and str(house.home) in lines[0]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_descriptors_and_memory_stay_as_they_are(house: Any) -> None:
    house.start()
    desk = house.desk()
    folder = Path(f"/proc/{house.process.pid}/fd")
    desk.until(lambda status: status.worker != "starting")
    before = desk.status()
    descriptors = len(os.listdir(folder))
    for _ in range(20):
        other = house.desk()
        other.status()
        other.close()
    for _ in range(300):
        desk.status()
    time.sleep(0.3)
    assert len(os.listdir(folder)) <= descriptors + 2
    assert desk.status().daemon_rss_bytes - before.daemon_rss_bytes < 3e6
