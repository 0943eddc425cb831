"""R5 to R9: what the daemon and its bridges notice of each other, and what a flood or a slow reader costs."""

import itertools
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
import zmq

from bridge import client as client_module
from bridge.client import Client
from harmonicflow.core import connection as connections
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import (
    FINAL_STATES,
    Accepted,
    Cancel,
    Cancelled,
    ClipSpec,
    Done,
    Event,
    Failed,
    JobEvent,
    Snapshot,
    WorkReply,
)
from harmonicflow.core.wire import pack, unpack


class Follower(threading.Thread):
    """A bridge that performs one request in a thread of its own, and notes when it heard what."""

    def __init__(self, request: Any, buffers: Any = (), on_lost: bool = True) -> None:
        super().__init__(daemon=True)
        self.request, self.buffers, self.waits = request, buffers, on_lost
        self.lost: list[tuple[float, HarmonicFlowError]] = []
        self.events: list[tuple[float, JobEvent]] = []
        self.blocks: list[tuple[int, int]] = []
        self.done: Done | None = None
        self.error: HarmonicFlowError | None = None
        self.start()

    def run(self) -> None:
        def note(error: HarmonicFlowError) -> None:
            self.lost.append((time.monotonic(), error))

        try:
            with Client.connect() as client:
                self.done = client.perform(
                    self.request, self.buffers, lambda event: self.events.append((time.monotonic(), event)),
                    lambda block, _: self.blocks.append((block.take_index, block.index)),
                    on_lost=note if self.waits else None,
                )  # fmt: skip
        except HarmonicFlowError as error:
            self.error = error

    def until(self, look: Callable[[], Any], seconds: float = 20.0) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := look():
                return found
            assert self.is_alive() or look(), (self.error, self.done)
            time.sleep(0.01)
        raise TimeoutError(f"not within {seconds} s")

    def runs(self) -> None:
        self.until(lambda: any(event.stage == "perform" for _, event in self.events))


@pytest.fixture
def frozen(house: Any) -> Iterator[Callable[[int], None]]:
    """Signals for the daemon; it is woken at the end."""
    house.start()
    house.desk().until_ready()
    yield lambda number: os.kill(house.process.pid, number)
    if house.process.poll() is None:
        os.kill(house.process.pid, signal.SIGCONT)


def test_a_frozen_daemon_is_noticed_and_so_is_its_return(
    house: Any, frozen: Callable[[int], None], request_of: Any, proven: Any
) -> None:
    """R7: the bridge says so within 4 s; 2 s after it goes on the bridge does too, and nothing was lost."""
    worst_said = worst_back = 0.0
    follower = Follower(request_of("long", bars=200, steps=64))
    follower.runs()
    for number in range(2):
        stopped = time.monotonic()
        frozen(signal.SIGSTOP)
        follower.until(lambda number=number: len(follower.lost) > number)
        said, error = follower.lost[-1]
        assert error.code == "daemon_lost" and "has not answered for 3 seconds" in error.message
        worst_said = max(worst_said, said - stopped)
        time.sleep(1.0)
        woken = time.monotonic()
        frozen(signal.SIGCONT)
        heard = follower.until(lambda woken=woken: [at for at, _ in follower.events if at > woken])
        worst_back = max(worst_back, heard[0] - woken)
    assert worst_said < 4.0 and worst_back < 2.0
    desk = house.desk()
    desk.ask(Cancel(id="c", job="long"))
    follower.join(10)
    assert follower.error and follower.error.code == "cancelled" and len(follower.lost) == 2
    proven("R7", cases=2, measured=f"said after {worst_said:.1f} s, back after {worst_back:.1f} s")


def test_who_does_not_want_to_wait_is_told_and_may_ask_again(
    house: Any, frozen: Callable[[int], None], request_of: Any, proven: Any
) -> None:
    request = request_of("once", bars=24, steps=16)
    follower = Follower(request, on_lost=False)
    follower.runs()
    frozen(signal.SIGSTOP)
    follower.join(4.0)
    assert follower.error and follower.error.code == "daemon_lost"
    frozen(signal.SIGCONT)
    with Client.connect() as client:
        done = client.perform(request)
    assert done.id == "once" and house.takes() == {done.takes[0].take}
    proven("R7")


def test_a_restart_is_noticed(house: Any, request_of: Any, clip: np.ndarray, proven: Any) -> None:
    """R8: killed in the middle of a job; the next daemon has other ports and another key, and goes on with the job."""
    house.start()
    house.desk().until_ready()
    spec = ClipSpec(rate=44_100, channels=2, frames=clip.shape[1])
    follower = Follower(request_of("long", bars=24, steps=16, clip=spec), [clip])
    follower.runs()
    before = connections.find()
    killed = time.monotonic()
    house.kill()
    follower.until(lambda: follower.lost)
    said = follower.lost[0][0] - killed
    assert "has ended" in follower.lost[0][1].message
    started = time.monotonic()
    after = house.start()
    assert before and after.key != before.key and after.control != before.control
    ready = time.monotonic()
    running = follower.until(lambda: [(at, event) for at, event in follower.events if at > started])
    shown = running[0][0] - ready
    assert running[0][1].request_id == "long", "what runs is shown"
    follower.join(60)
    assert follower.done and follower.done.id == "long" and len(follower.lost) == 1
    assert len(follower.blocks) == len(set(follower.blocks)), "no piece twice"
    assert house.takes() == {follower.done.takes[0].take}
    assert said < 4.0 and shown < 2.0
    proven("R8", measured=f"said after {said:.1f} s, followed {shown:.1f} s after the new one was ready")


def test_a_daemon_that_does_not_come_back_is_an_error(
    house: Any, request_of: Any, monkeypatch: pytest.MonkeyPatch, proven: Any
) -> None:
    monkeypatch.setattr(client_module, "RETURN_S", 2.0)
    house.start()
    house.desk().until_ready()
    follower = Follower(request_of("long", bars=64, steps=64))
    follower.runs()
    killed = time.monotonic()
    house.kill()
    follower.join(6)
    assert follower.error and follower.error.code == "daemon_lost" and follower.error.exit_code == 3
    assert "is kept" in follower.error.message and 2.0 <= time.monotonic() - killed < 5.0
    proven("R8")


def test_a_thousand_requests_at_once(open_house: Any, request_of: Any, proven: Any) -> None:
    """R6: from ten bridges; each request gets one typed answer, nobody is cut off, the memory stays."""
    desk = open_house.desk()
    desk.until_ready()
    bridges = [desk.dealer(desk.connection.work) for _ in range(10)]
    desk.accepted(request_of("first", bars=400, steps=64))
    before = desk.status().daemon_rss_bytes
    for number in range(1_000):
        desk.send(request_of(f"flood-{number}", bars=1), socket=bridges[number % 10])
    answers: dict[str, list[Any]] = {}
    slowest = 0.0
    deadline = time.monotonic() + 30
    while len(answers) < 1_000 and time.monotonic() < deadline:
        for bridge in bridges:
            while bridge.poll(0):
                answer = desk.receive(bridge, WorkReply)[0]
                answers.setdefault(answer.id, []).append(answer)
        began = time.monotonic()
        peak = desk.status()
        slowest = max(slowest, time.monotonic() - began)
    time.sleep(0.2)
    assert not any(bridge.poll(0) for bridge in bridges), "one answer each"
    kinds = Counter(answer[0].error.code if isinstance(answer[0], Failed) else type(answer[0]).__name__
                    for answer in answers.values())  # fmt: skip
    assert all(len(answer) == 1 for answer in answers.values()) and len(answers) == 1_000
    assert kinds == {"Accepted": 32, "busy": 968}, kinds
    grown = peak.daemon_rss_bytes - before
    assert grown < 5e6 and slowest < 0.1
    for number, bridge in enumerate(bridges):  # 0 disconnects: the same connections go on
        bridge.send_multipart(pack(desk.key, request_of(f"flood-{number}")))
        again = desk.receive(bridge, WorkReply)[0]
        assert isinstance(again, Failed | Accepted) and again.id == f"flood-{number}"
    for name, answer in answers.items():
        if isinstance(answer[0], Accepted):
            desk.ask(Cancel(id=f"c-{name}", job=name))
    desk.ask(Cancel(id="end", job="first"))
    desk.until(lambda status: status.queued == 0 and status.worker == "ready")
    proven("R6", cases=1_000, measured=f"{kinds['Accepted']} accepted, {kinds['busy']} busy, "
           f"memory {grown / 1e6:+.1f} MB, status within {1000 * slowest:.0f} ms")  # fmt: skip


def test_control_is_never_behind_work(open_house: Any, request_of: Any, proven: Any) -> None:
    """R5: with a queue, a subscriber, and 16 MB of clip on its way to the disk."""
    desk = open_house.desk()
    desk.until_ready()
    clip = np.zeros((8, 523_000), np.float32)
    spec = ClipSpec(rate=44_100, channels=8, frames=523_000)
    waits, cancels = [], []
    for turn in range(4):
        desk.send(request_of(f"long-{turn}", bars=200, steps=64, clip=spec, chords=None), [clip])
        for _ in range(60):
            began = time.monotonic()
            desk.status()
            waits.append(time.monotonic() - began)
            time.sleep(0.005)
        began = time.monotonic()
        desk.ask(Cancel(id=f"c-{turn}", job=f"long-{turn}"))
        assert isinstance(desk.replies(Cancelled)[-1], Cancelled)
        cancels.append(time.monotonic() - began)
        assert not desk.work.poll(200), "nothing comes after it"
        desk.until_ready()
    p99 = sorted(waits)[int(0.99 * len(waits))]
    assert p99 < 0.05 and max(cancels) < 0.5
    proven("R5", cases=len(waits) + len(cancels),
           measured=f"status p99 {1000 * p99:.0f} ms, cancel within {1000 * max(cancels):.0f} ms")  # fmt: skip


def test_a_subscriber_that_does_not_read(open_house: Any, request_of: Any, proven: Any) -> None:
    """R9: 6,000 events, as many as a minute of hundred a second; the daemon keeps a thousand of them at most.

    Whoever reads on finds a gap in the numbers, asks for one snapshot, and knows everything again.
    """
    desk = open_house.desk()
    desk.until_ready()
    lazy = desk.context.socket(zmq.SUB)
    lazy.linger, lazy.rcvhwm = 0, 1
    lazy.setsockopt(zmq.RCVBUF, 4_096)
    lazy.subscribe(b"")
    lazy.connect(desk.connection.events)
    desk.others.append(lazy)
    desk.accepted(request_of("runs", bars=400, steps=64))
    names = [f"wait-{number}" for number in range(30)]
    for name in names:
        desk.accepted(request_of(name))
    before = desk.status()
    while desk.status().seq < before.seq + 6_000:  # whoever leaves the queue's head moves all the others up
        desk.ask(Cancel(id=uuid4().hex, job=names.pop(0)))
        names.append(uuid4().hex)
        desk.send(request_of(names[-1]))
        while not isinstance(desk.reply(), Accepted):
            pass
    grown = desk.status().daemon_rss_bytes - before.daemon_rss_bytes
    late = _events(lazy, desk)
    assert len(late) < 5_000
    desk.ask(Cancel(id=uuid4().hex, job=names.pop()))
    late |= _events(lazy, desk)
    assert any(after != number + 1 for number, after in itertools.pairwise(late)), "it sees that it has missed some"
    snapshot = desk.ask(Snapshot(id="s"))
    places = {row.job: row.position for row in snapshot.jobs}
    for row in snapshot.jobs[5:9]:
        desk.ask(Cancel(id=uuid4().hex, job=row.job))
    for number, event in _events(lazy, desk).items():
        if number > snapshot.seq and isinstance(event, JobEvent):
            places[event.job] = event.position
            if event.state in FINAL_STATES:
                del places[event.job]
    assert places == {row.job: row.position for row in desk.ask(Snapshot(id="t")).jobs}, "right after one snapshot"
    for name in [*names[::-1], "runs"]:
        desk.ask(Cancel(id=uuid4().hex, job=name))
    desk.until(lambda status: status.queued == 0 and status.worker == "ready")
    assert grown < 5e6
    proven("R9", cases=6_000, measured=f"memory {grown / 1e6:+.1f} MB while nobody read")


def _events(lazy: Any, desk: Any) -> dict[int, Any]:
    """What a subscriber reads until nothing comes any more, by number."""
    found = {}
    while lazy.poll(300):
        event = unpack(desk.key, lazy.recv_multipart()[1:], Event)[0]
        found[event.seq] = event
    return found
