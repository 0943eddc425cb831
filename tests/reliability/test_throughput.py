"""T1: four clients at one daemon: nothing fails, and nobody waits much longer than the others."""

import time
from collections import Counter
from dataclasses import dataclass, field
from statistics import mean, quantiles
from typing import Any
from uuid import uuid4

import pytest
import zmq

from harmonicflow.core.messages import Accepted, Block, Done, Failed, JobEvent, JobState
from tests.reliability.plugin import Proven

CLIENTS = 4
JOBS = 200
UNFAIR = 2.0  # times the mean of all


@dataclass
class Times:
    """When a job was sent, ran and was done, in seconds of the monotonic clock."""

    client: int
    sent: float
    ran: float = 0.0
    done: float = 0.0


@dataclass
class Load:
    """Clients at one daemon, each with so many requests under way, until all jobs are done."""

    desks: list[Any]
    request_of: Any
    under_way: tuple[int, ...]  # of each client
    jobs: int
    times: dict[str, Times] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)

    def run(self) -> None:
        poller = zmq.Poller()
        for desk in self.desks:
            poller.register(desk.work, zmq.POLLIN)
        poller.register(self.desks[0].events, zmq.POLLIN)
        for client, count in enumerate(self.under_way):
            for _ in range(count):
                self._send(client)
        while sum(1 for each in self.times.values() if each.done) + self.failures.total() < self.jobs:
            ready = dict(poller.poll(20_000))
            assert ready, "nothing came for 20 s"
            if self.desks[0].events in ready:
                self._hear(self.desks[0].event())
            for client, desk in enumerate(self.desks):
                if desk.work in ready:
                    self._answer(client, desk.reply())

    def _send(self, client: int) -> None:
        if len(self.times) < self.jobs:
            name = uuid4().hex
            self.times[name] = Times(client, time.monotonic())
            self.desks[client].send(self.request_of(name, stems=("bass",), seed=len(self.times)))

    def _hear(self, event: Any) -> None:
        if isinstance(event, JobEvent) and event.state == JobState.RUNNING and event.request_id in self.times:
            times = self.times[event.request_id]
            times.ran = times.ran or time.monotonic()

    def _answer(self, client: int, answer: Any) -> None:
        if isinstance(answer, Failed):
            self.failures[answer.error.code] += 1
        elif isinstance(answer, Done):
            self.times[answer.id].done = time.monotonic()
        else:
            assert isinstance(answer, Accepted | Block), answer
            return
        self._send(client)

    def waiting(self, client: int | None = None) -> list[float]:
        return [each.ran - each.sent for each in self.times.values() if client in (None, each.client)]

    def running(self) -> list[float]:
        return [each.done - each.ran for each in self.times.values()]


def p50_p99(times: list[float]) -> str:
    parts = quantiles(times, n=100)
    return f"p50 {parts[49]:.2f} s p99 {parts[98]:.2f} s"


@pytest.mark.parametrize(
    ("under_way", "jobs"), [((2, 2, 2, 2), JOBS), ((20, 1, 1, 1), JOBS // 5)], ids=["alike", "one is greedy"]
)
def test_four_clients_share_the_daemon(
    open_house: Any, request_of: Any, proven: Proven, under_way: tuple[int, ...], jobs: int
) -> None:
    load = Load([open_house.desk() for _ in range(CLIENTS)], request_of, under_way, jobs)
    load.desks[0].status()  # its subscription has arrived before the first event
    began = time.monotonic()
    load.run()
    seconds = time.monotonic() - began
    by_client = [mean(load.waiting(client)) for client in range(CLIENTS)]
    share = max(by_client) / mean(load.waiting())
    measured = (
        f"{jobs / seconds:.0f} jobs a second; waiting {p50_p99(load.waiting())}; running {p50_p99(load.running())}; "
        f"the longest mean waiting of a client is {share:.2f} of the mean"
    )
    proven("T1", cases=jobs, measured=measured)
    assert not load.failures and all(each.sent < each.ran < each.done for each in load.times.values())
    assert share <= UNFAIR, by_client
