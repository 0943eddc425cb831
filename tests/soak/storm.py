"""A storm: a daemon that is killed again and again while clients send, repeat and cancel; then the reckoning.

Every request is sent 1 to 5 times and more under one id, before and after kills, and in the end once more. Some are
cancelled, some workers are killed too. After each kill every take that anybody can see must be whole; in the end
every request has one end, the same one however often it was asked for, and the journal and the folders agree.
"""

import hashlib
import json
import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from harmonicflow.core.messages import Accepted, Block, Cancel, Cancelled, ClipSpec, Done, Extend, Failed, Regenerate

UNFINISHED: Final = 20  # requests without an end at a time: the queue holds them
STARTING_S: Final = 20  # for the first sound of a new daemon, however busy the machine
PATIENCE_S: Final = 10.0  # for each request's end, once the kills are over
CLIP: Final = np.sin(np.arange(2 * 22_050, dtype=np.float32) / 30).reshape(2, -1)
FINAL: Final = {"done", "failed", "cancelled"}


@dataclass
class Sent:
    """One request: how often it is still to be sent, the job it got, and how it ended."""

    request: Any
    buffers: list[Any]
    sends: int
    job: str = ""
    end: Any = None


@dataclass
class Reckoning:
    """What a storm did, and what it should not have done."""

    seed: int
    kills: int = 0
    workers: int = 0  # that were killed too
    requests: int = 0
    sends: int = 0
    cancels: int = 0
    done: int = 0
    failed: int = 0  # two workers were killed over it: that is said, and is no loss
    cancelled: int = 0
    takes: int = 0
    ended_in_storm: int = 0  # requests whose end was heard between two kills
    files: int = 0  # whose hash was compared
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def line(self) -> str:
        """All of it as one line of JSON."""
        return json.dumps(asdict(self))


class Storm:
    """`house` and `make_request` are those of tests/daemon/conftest.py."""

    def __init__(
        self, house: Any, make_request: Callable[..., Any], seed: int, *, cancels: bool = True, workers: bool = True,
        count: bool = True,
    ) -> None:  # fmt: skip
        self.house = house
        self.result = Reckoning(seed)
        self._make = make_request
        self._random = random.Random(seed)
        self._cancels, self._workers, self._count = cancels, workers, count
        self._sent: dict[str, Sent] = {}
        self._end_by = 0  # requests that a daemon's life may begin
        self._awaited: set[str] = set()  # requests sent to the present daemon whose end it has not said
        self._whole: set[str] = set()  # takes that were looked at after a kill

    def blow(
        self, kills: int, requests: int, longest_s: float = 0.5, say: Callable[[str], object] = lambda line: None
    ) -> Reckoning:
        """So many kills while so many requests come in; a daemon lives up to `longest_s` after its first sound."""
        began = time.monotonic()
        for kill in range(kills):
            self.house.start()
            desk = self.house.desk()
            share = -(-(requests - len(self._sent)) * 2 // (kills - kill))
            self._end_by = len(self._sent) + share
            self._awaited.clear()
            busy = self._send(desk, self._random.randint(0, share))
            self._disturb(desk, kill)
            self._live(desk, longest_s, self._random.randint(1, share + 1) if busy else 0)
            self.house.kill()
            self.house.desks.remove(desk)
            desk.close()
            self.result.kills += 1
            self._look_at_new_takes()
            if kill % 50 == 49:
                ends = sum(sent.end is not None for sent in self._sent.values())
                wrong = len(self.result.wrong)
                say(f"{kill + 1} kills, {time.monotonic() - began:.0f} s: {len(self._sent)} requests, {ends} ended, "
                    f"{len(self._whole)} takes whole, {wrong} wrong")  # fmt: skip
        self.result.ended_in_storm = sum(sent.end is not None for sent in self._sent.values())
        self._calm(requests)
        self._reckon()
        self.result.seconds = round(time.monotonic() - began, 1)
        return self.result

    # While it blows.

    def _send(self, desk: Any, most_new: int) -> bool:
        """Send so many new requests, while the queue holds them, and some again; whether one is still to be done."""
        unfinished = sum(sent.end is None for sent in self._sent.values())
        for _ in range(min(most_new, UNFINISHED - unfinished)):
            self._new()
        repeats = [name for name, sent in self._sent.items() if sent.sends > 0 or sent.end is None]
        chosen = [self._sent[name] for name in self._random.sample(repeats, min(len(repeats), 6))]
        for sent in chosen:
            self._put(desk, sent)
        return any(sent.end is None for sent in chosen)

    def _new(self) -> None:
        name = f"r{len(self._sent)}"
        takes = [take for sent in self._sent.values() if isinstance(sent.end, Done) for take in sent.end.takes]
        kind, buffers = self._random.random(), []
        if kind < 0.1 and takes:
            parent = self._random.choice(takes[-20:]).take
            request: Any = Regenerate(id=name, take=parent, stems=("bass",), from_bar=1, to_bar=1, steps=1)
        elif kind < 0.15 and takes:
            short = [take for take in takes if take.bars < 3][-20:]
            request = Extend(id=name, take=self._random.choice(short).take, bars=1, steps=1)
        elif kind < 0.4:
            spec = ClipSpec(rate=44_100, channels=2, frames=CLIP.shape[1])
            request, buffers = self._make(name, seed=len(self._sent), clip=spec), [CLIP]
        else:
            count = 2 if self._count and kind > 0.9 else 1
            request = self._make(name, seed=len(self._sent), bars=self._random.choice((1, 1, 2)), count=count)
        self._sent[name] = Sent(request, buffers, self._random.randint(1, 5))

    def _put(self, desk: Any, sent: Sent) -> None:
        sent.sends -= 1
        self.result.sends += 1
        self._awaited.add(sent.request.id)
        desk.send(sent.request, sent.buffers)

    def _disturb(self, desk: Any, kill: int) -> None:
        if self._cancels and kill % 7 == 3:
            waiting = [sent for sent in self._sent.values() if sent.job and sent.end is None]
            if waiting:
                desk.ask(Cancel(id=f"c{kill}", job=self._random.choice(waiting).request.id))
                self.result.cancels += 1
        if self._workers and kill % 5 == 4 and (worker := desk.status().worker_pid):
            os.kill(worker, signal.SIGKILL)
            self.result.workers += 1

    def _live(self, desk: Any, longest_s: float, ends: int) -> None:
        """Some daemons die while they start, the others soon after a first sound, or after so many ends of jobs."""
        if not ends or self._random.random() < 0.3:
            return self._hear(desk, self._random.random() * longest_s / 2)
        while ends and self._awaited and desk.work.poll(1000 * STARTING_S):
            answer = desk.reply()
            self._note(answer)
            if isinstance(answer, Block) and ends == 1:
                break
            if isinstance(answer, Done | Cancelled | Failed):
                ends -= 1
                self._send(desk, min(2, self._end_by - len(self._sent)))
        return self._hear(desk, self._random.random() * longest_s)

    def _hear(self, desk: Any, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and desk.work.poll(int(left * 1000) + 1):
            self._note(desk.reply())

    def _note(self, answer: Any) -> None:
        sent = self._sent[answer.id]
        if isinstance(answer, Failed) and not answer.job:
            return self._blame(answer.id, f"refused: {answer.error.message}")
        if sent.job and sent.job != answer.job:
            return self._blame(answer.id, f"jobs {sent.job} and {answer.job}")
        if isinstance(answer, Accepted | Done | Cancelled | Failed):
            sent.job = answer.job
        if isinstance(answer, Done | Cancelled | Failed):
            self._awaited.discard(answer.id)
            if sent.end is not None and sent.end != answer:
                self._blame(answer.id, f"another reply: {sent.end} and {answer}")
            sent.end = answer
            if isinstance(answer, Failed) and not (self._workers and answer.error.code == "worker_died"):
                self._blame(answer.id, f"failed: {answer.error.message}")

    def _blame(self, name: str, what: str) -> None:
        self.result.wrong.append(f"{name}: {what}")

    def _look_at_new_takes(self) -> None:
        """Nobody may ever see half a take."""
        for name in self._visible() - self._whole:
            folder = self.house.home / "takes" / name
            try:
                hashes = json.loads((folder / "take.json").read_bytes())["sha256"]
                for file, expected in hashes.items():
                    self._compare(folder / file, expected)
            except (OSError, ValueError, KeyError) as error:
                self._blame(name, f"half a take is visible: {error}")
            self._whole.add(name)

    def _visible(self) -> set[str]:
        takes = self.house.home / "takes"
        return self.house.takes() if takes.exists() else set()

    def _compare(self, path: Path, expected: str) -> None:
        self.result.files += 1
        if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            self._blame(path.name, f"{path} is not what was written")

    # Once it is over.

    def _calm(self, requests: int) -> None:
        """Send what is still to be sent, then everything once more; hear every end."""
        while len(self._sent) < requests:
            self._new()
        self.house.start()
        desk = self.house.desk()
        for again in (False, True):
            names = [name for name, sent in self._sent.items() if again or sent.end is None or sent.sends > 0]
            for start in range(0, len(names), UNFINISHED):
                self._all_end(desk, names[start : start + UNFINISHED], again)

    def _all_end(self, desk: Any, names: list[str], again: bool) -> None:
        awaited = dict.fromkeys(names, 0)
        for name in names:
            for _ in range(1 if again else max(1, self._sent[name].sends)):
                self._put(desk, self._sent[name])
                awaited[name] += 1
        # However often a request was sent on one connection, a job under way ends once there.
        deadline = time.monotonic() + PATIENCE_S * len(names)
        heard: set[str] = set()
        while heard < set(names):
            if not desk.work.poll(max(0, int(1000 * (deadline - time.monotonic())))):
                for name in set(names) - heard:
                    self._blame(name, f"lost: no end within {PATIENCE_S * len(names):.0f} s")
                return
            answer = desk.reply()
            self._note(answer)
            if isinstance(answer, Done | Failed | Cancelled):
                heard.add(answer.id)

    def _reckon(self) -> None:
        result, ends = self.result, [sent.end for sent in self._sent.values()]
        result.requests = len(self._sent)
        result.done = sum(isinstance(end, Done) for end in ends)
        result.failed = sum(isinstance(end, Failed) for end in ends)
        result.cancelled = sum(isinstance(end, Cancelled) for end in ends)
        acknowledged = [take for end in ends if isinstance(end, Done) for take in end.takes]
        result.takes = len(acknowledged)
        for take in acknowledged:
            for row in take.files:
                self._compare(Path(take.folder) / row.file, row.sha256)
        # Of several takes some may have been in place before the end of their job came otherwise.
        others = {f"{sent.job}-{number}" for sent in self._sent.values() for number in (1, 2)
                  if sent.request.count > 1 and not isinstance(sent.end, Done)}  # fmt: skip
        known = {take.take for take in acknowledged}
        if len(known) != len(acknowledged):
            self._blame("takes", "one take was the end of two requests")
        for name in known ^ self._visible():
            if name not in others:
                self._blame(name, "acknowledged and not visible, or visible and never acknowledged")
        self._ask_the_journal()
        self._look_for_leftovers()

    def _ask_the_journal(self) -> None:
        with closing(sqlite3.connect(self.house.home / "journal.sqlite")) as db:
            states = {row[0]: (row[1], row[2]) for row in db.execute("select request_id, id, state from job")}
            if (found := db.execute("pragma integrity_check").fetchone()[0]) != "ok":
                self._blame("journal", found)
        for name, sent in self._sent.items():
            job, state = states.pop(name, ("", "unknown"))
            if job != sent.job or state not in FINAL:
                self._blame(name, f"the journal has job {job!r} as {state}, the client {sent.job!r}")
        for name in states:
            self._blame(name, "the journal has a job that nobody asked for")

    def _look_for_leftovers(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        home = self.house.home
        while left := [*(home / "takes").glob(".staging/*"), *(home / "jobs").glob("[!.]*"), *home.rglob("*.tmp")]:
            if time.monotonic() > deadline:
                return self._blame("leftovers", ", ".join(str(path.relative_to(home)) for path in left))
            time.sleep(0.1)
        for log in (home / "log").glob("daemon.log*"):
            if "Traceback" in (text := log.read_text()):
                self._blame(log.name, text[text.index("Traceback") :][:2000])
        return None
