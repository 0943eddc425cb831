"""R14: a daemon under jobs, cancels, repeats, nonsense and crashing clients; the slope of memory and descriptors.

    python -m tests.soak.soak --minutes 30 --report soak.jsonl      (make soak)

Half an hour at a job every 1.25 s holds the jobs of eight hours at one every 20 s. Started again with the same report
it goes on for the minutes that are missing. Prints one line; exit code 1 where something grows or fails.
"""

import argparse
import atexit
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import numpy as np

from harmonicflow.core.messages import (
    Cancel,
    Cancelled,
    ClipSpec,
    Done,
    Extend,
    Failed,
    ListTakes,
    Message,
    Regenerate,
    Snapshot,
)
from tests.daemon import conftest as fixtures
from tests.reliability import proofs
from tests.tiny_bundle import make_tiny_bundle

from . import samples
from .samples import Sample

ROOT: Final = Path(__file__).parents[2]
LOOK_S: Final = 5.0  # between two samples
RENEW: Final = 50  # jobs until the client connects anew
MOST_WAITING: Final = 12
EXPLAINED: Final = {"done", "cancelled", "unknown_take"}  # "last" before there is one, or of a take that was pruned
CRASH: Final = """
import os, sys
from harmonicflow.core import connection
from tests.daemon.conftest import Desk, make_request
desk = Desk(connection.read())
desk.accepted(make_request(sys.argv[1], bars=2))
os.kill(os.getpid(), 9)
"""


class Soak:
    """One daemon and those who use it."""

    def __init__(self, house: fixtures.House, seed: int, before: list[Sample]) -> None:
        self.house = house
        self.dice = random.Random(seed + len(before))
        self.segment = before[-1].segment + 1 if before else 0
        self.jobs_before = before[-1].jobs if before else 0
        self.seconds_before = before[-1].seconds if before else 0.0
        self.ended: Counter[str] = Counter()
        self.sent: list[Message] = []  # the last ones, to be repeated
        self.waiting: dict[str, float] = {}  # our requests without an end, since when
        self.to_cancel: dict[str, float] = {}
        self.others: list[subprocess.Popen[bytes]] = []
        self.connection = house.start()
        self.desk: fixtures.Desk = house.desk()
        self.desk.until_ready()
        self.began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Of the whole run, with what was done before."""
        return self.seconds_before + time.monotonic() - self.began

    def run(self, until_s: float, every_s: float, report: Path) -> None:
        """Do it until the whole run is so long, a job every so often."""
        next_job = next_look = time.monotonic()
        while self.seconds < until_s:
            now = time.monotonic()
            if now >= next_job and len(self.waiting) < MOST_WAITING:
                next_job = max(next_job + every_s, now - 10 * every_s)  # what a busy machine has missed
                self.act()
            if now >= next_look:
                next_look = now + LOOK_S
                samples.add(report, self.sample())
            self.hear(min(max(next_job - time.monotonic(), 0.01), 0.2))
            self.cancel()
        deadline = time.monotonic() + 60
        while self.waiting and time.monotonic() < deadline:
            self.hear(0.2)
        self.ended.update(["no answer"] * len(self.waiting))
        samples.add(report, self.sample())

    def act(self) -> None:
        """One thing that clients do, good ones mostly."""
        luck = self.dice.random()
        if luck < 0.55:
            self.send(fixtures.make_request(bars=self.dice.randint(1, 3), seed=self.dice.randrange(1000)))
        elif luck < 0.68:
            frames = self.dice.randrange(20_000, 90_000)
            clip = np.full((2, frames), 0.1, np.float32)
            spec = ClipSpec(rate=44_100, channels=2, frames=frames)
            self.send(fixtures.make_request(clip=spec), [clip])
        elif luck < 0.76:
            self.send(Regenerate(id=uuid4().hex, take="last", stems=("bass",), from_bar=1, to_bar=1, steps=1))
        elif luck < 0.80:
            self.send(Extend(id=uuid4().hex, take="last", bars=1, steps=1))
        elif luck < 0.86 and self.sent:
            self.send(self.dice.choice(self.sent))
        elif luck < 0.88:
            self.others = [each for each in self.others if each.poll() is None]
            self.others.append(
                subprocess.Popen(
                    [sys.executable, "-c", CRASH, f"crash-{uuid4().hex}"], cwd=ROOT, env=self.house.environment,
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )
            )  # fmt: skip
        elif luck < 0.92:
            self.reset()
        elif luck < 0.96:
            self.desk.work.send_multipart([self.dice.randbytes(60), self.dice.randbytes(self.dice.randrange(500))])
        else:
            self.desk.ask(self.dice.choice((Snapshot, ListTakes))(id=uuid4().hex))
        if self.ended.total() % RENEW == RENEW - 1 and not self.waiting:
            self.desk.close()
            self.house.desks.remove(self.desk)
            self.desk = self.house.desk()

    def send(self, request: Any, buffers: Any = ()) -> None:
        """Send a request; one in six is cancelled a little later."""
        self.desk.send(request, buffers)
        self.waiting[request.id] = time.monotonic()
        if not buffers:
            self.sent = [*self.sent[-20:], request]
        if self.dice.random() < 1 / 6:
            self.to_cancel[request.id] = time.monotonic() + self.dice.random() * 0.4

    def hear(self, seconds: float) -> None:
        """Everything that comes in so long."""
        while self.desk.work.poll(int(1000 * seconds)):
            answer = self.desk.reply()
            if isinstance(answer, Done | Failed | Cancelled) and self.waiting.pop(answer.id, 0.0):
                kind = {Done: "done", Cancelled: "cancelled"}.get(type(answer))
                self.ended[kind or answer.error.code] += 1  # type: ignore[union-attr]
            seconds = 0.0
        while self.desk.events.poll(0):
            self.desk.event()

    def cancel(self) -> None:
        """Cancel what is due."""
        for name in [name for name, when in self.to_cancel.items() if when <= time.monotonic()]:
            del self.to_cancel[name]
            if name in self.waiting:
                self.desk.ask(Cancel(id=uuid4().hex, job=name))

    def reset(self) -> None:
        """A client whose machine was switched off in the middle of a message."""
        port = int(self.connection.work.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(b"\xff\0\0\0\0\0\0\0\1\x7f\x03\x00NULL" + b"\0" * 48 + b"\x04\x1c\x05REA")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def close(self) -> None:
        """End the daemon, and clients that are about to crash."""
        self.house.close()
        for each in self.others:
            each.kill()
            each.wait()

    def sample(self) -> Sample:
        """How it is now."""
        status = self.desk.status()
        if "Traceback" in self.house.log():
            self.ended["traceback in the log"] = 1
        return Sample(
            seconds=round(self.seconds, 1), segment=self.segment, jobs=self.jobs_before + self.ended.total(),
            daemon_bytes=status.daemon_rss_bytes, worker_bytes=status.worker_rss_bytes,
            daemon_files=samples.descriptors(status.pid), worker_files=samples.descriptors(status.worker_pid),
            threads=samples.threads(status.pid), ended=dict(self.ended),
        )  # fmt: skip


def main(words: list[str] | None = None) -> int:
    """Run what is missing of the report, and judge all of it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=30.0)
    options.add_argument("--every", type=float, default=1.25, help="seconds between two jobs")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--report", type=Path, default=Path("soak.jsonl"), help="goes on where this file ends")
    options.add_argument("--bundle", type=Path, help="by default a stand-in of a few kilobytes")
    chosen = options.parse_args(words)
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["HARMONICFLOW_HOME"] = str(folder / "home")
    os.environ["HARMONICFLOW_KEEP_TAKES_GB"] = "0.2"
    house = fixtures.House(folder / "home", chosen.bundle or make_tiny_bundle(folder / "tiny"))
    before = samples.mend(chosen.report)
    began = time.monotonic()
    if not before or before[-1].seconds < 60 * chosen.minutes:
        soak = Soak(house, chosen.seed, before)
        try:
            soak.run(60 * chosen.minutes, chosen.every, chosen.report)
        finally:
            soak.close()
    found = samples.verdict(samples.read(chosen.report), EXPLAINED)
    command = f"python -m tests.soak.soak --minutes {chosen.minutes:g} --seed {chosen.seed}"
    if chosen.minutes >= 30:
        seconds = time.monotonic() - began
        proofs.add(proofs.proof("R14", command, found.jobs, found.passed, seconds, "soak", str(found)))
    sys.stdout.write(f"{'passed' if found.passed else 'FAILED'}: {found}\n")
    return 0 if found.passed else 1


if __name__ == "__main__":
    sys.exit(main())
