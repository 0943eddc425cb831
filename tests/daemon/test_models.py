"""The engine's coming and going: it gives its memory back when nobody wants it, and wakes for a job."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from daemon.models import row
from harmonicflow.core.messages import DaemonEvent, Done


def test_an_engine_that_nobody_wants_sleeps_and_wakes_for_a_job(house: Any, request_of: Any) -> None:
    house.environment["HARMONICFLOW_KEEP_ALIVE_MINUTES"] = "0.02"  # 1.2 s
    house.start()
    desk = house.desk()
    desk.until_ready()
    began = time.monotonic()
    asleep = desk.until(lambda status: status.worker == "asleep")
    assert time.monotonic() - began > 0.9
    assert (asleep.worker_pid, asleep.worker_rss_bytes, asleep.bundle) == (0, 0, "")
    assert isinstance(desk.done(request_of(bars=2)), Done), "a job wakes it"
    for _ in range(6):  # work is no idleness, and an idle time begins anew after each job
        desk.done(request_of())
        time.sleep(0.4)
        assert desk.status().worker == "ready"
    desk.until(lambda status: status.worker == "asleep")
    while not (isinstance(event := desk.event(), DaemonEvent) and event.what == "asleep"):
        pass
    assert isinstance(desk.done(request_of()), Done)
    assert house.stop() == 0 and "Traceback" not in house.log()


def test_without_the_setting_it_stays_awake(house: Any) -> None:
    house.start()
    desk = house.desk()
    pid = desk.until_ready().worker_pid
    time.sleep(2.0)
    assert desk.status().worker_pid == pid


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders here")
@pytest.mark.timeout(10)
def test_a_pipe_in_the_place_of_a_card_stops_nobody(tmp_path: Path, bundle: Path) -> None:
    for name in ("pipe", "link"):
        (tmp_path / name).mkdir()
    os.mkfifo(tmp_path / "pipe" / "model.json")
    for file in bundle.iterdir():  # as download caches lay their files out
        (tmp_path / "link" / file.name).symlink_to(file)
    assert row(tmp_path / "pipe") is None
    linked = row(tmp_path / "link")
    assert linked and linked.name == getattr(row(bundle), "name", None)
