"""The waiting time that a client is told, against the one it has."""

import time
from statistics import median
from typing import Any

from harmonicflow.core.messages import Accepted, Cancel, Done, Failed, JobEvent


def test_what_is_said_of_waiting_is_about_what_it_takes(house: Any, request_of: Any) -> None:
    """Jobs of four lengths are done once; then eight wait, and each begins about when it was told."""
    house.start()
    desk = house.desk()
    desk.until_ready()
    assert desk.accepted(request_of("first")).wait_s == 0, "nothing is before it"
    assert isinstance(desk.replies()[-1], Done)
    for bars in (2, 8, 16, 4):
        desk.done(request_of(bars=bars, steps=4))
    told: dict[str, tuple[float, float]] = {}
    for number, bars in enumerate((16, 4, 8, 2, 16, 8, 4, 2)):
        accepted = desk.accepted(request_of(f"w{number}", bars=bars, steps=4)) if number == 0 else None
        if accepted is None:
            desk.send(request_of(f"w{number}", bars=bars, steps=4))
            while not isinstance(accepted := desk.reply(), Accepted):
                pass
        assert accepted.wait_s is not None
        told[accepted.id] = (time.monotonic(), accepted.wait_s)
    waits = [wait_s for _, wait_s in told.values()]
    assert waits == sorted(waits) and waits[-1] > 0
    rows = {row.request_id: row for row in desk.status().jobs if row.position}
    assert all(row.wait_s is not None for row in rows.values())
    began: dict[str, float] = {}
    while len(began) < len(told):
        event = desk.event()
        if isinstance(event, JobEvent) and event.request_id in told and event.state == "running":
            began.setdefault(event.request_id, time.monotonic())
    pairs = [(wait_s, began[name] - at) for name, (at, wait_s) in told.items()][2:]
    assert 0.4 < median(said / took for said, took in pairs) < 2.5, pairs


def test_who_is_refused_is_told_when_to_come_again(house: Any, request_of: Any) -> None:
    house.environment["HARMONICFLOW_QUEUE_LIMIT"] = "2"
    house.start()
    desk = house.desk()
    desk.done(request_of(bars=4, steps=4))
    desk.send(request_of("a", bars=64, steps=4))
    desk.until(lambda status: status.worker == "busy")
    for name in ("b", "c"):
        desk.send(request_of(name, bars=64, steps=4))
    desk.until(lambda status: status.queued == 2)
    desk.send(request_of("d"))
    while not isinstance(answer := desk.reply(), Failed):
        pass
    assert answer.error.code == "busy" and answer.wait_s and answer.wait_s > 0
    assert "of work" in answer.error.message and "Try again in about" in answer.error.todo
    for name in ("c", "b", "a"):
        desk.ask(Cancel(id=f"x{name}", job=name))


def test_a_second_client_is_not_kept_behind_all_the_jobs_of_the_first(house: Any, request_of: Any) -> None:
    house.start()
    many, one = house.desk(), house.desk()
    many.until_ready()
    for number in range(8):
        many.send(request_of(f"many{number}", bars=8, steps=8))
    many.until(lambda status: status.queued >= 6)
    accepted = one.accepted(request_of("one"))
    assert accepted.position <= 3
    assert isinstance(one.replies()[-1], Done)
    left = one.status()
    assert left.queued >= 3 and left.jobs[0].request_id.startswith("many")
    order = []
    while len(order) < 8:
        answer = many.reply()
        if isinstance(answer, Done):
            order.append(answer.id)
    assert order == [f"many{number}" for number in range(8)], "its own order"
