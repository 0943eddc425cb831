"""A real daemon in a home of its own, with the stand-in bundle, and a client that speaks the plain protocol."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import numpy as np
import pytest
import zmq

from harmonicflow.core import connection as connections
from harmonicflow.core.connection import Connection
from harmonicflow.core.messages import (
    Accepted,
    ControlReply,
    Done,
    Event,
    Failed,
    Generate,
    Message,
    Status,
    StatusReply,
    WorkReply,
)
from harmonicflow.core.tempo import Selection
from harmonicflow.core.wire import pack, unpack
from tests.reliability import codes

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30.0


class Desk:
    """A client without comfort: sockets, frames, and what came back."""

    def __init__(self, connection: Connection, key: bytes | None = None) -> None:
        self.connection = connection
        self.key = connection.key_bytes if key is None else key
        self.context = zmq.Context()
        self.others: list[Any] = []
        self.work, self.control = self.dealer(connection.work), self.dealer(connection.control)
        self.events = self.context.socket(zmq.SUB)
        self.events.subscribe(b"")
        self.events.connect(connection.events)

    def dealer(self, endpoint: str) -> Any:
        socket = self.context.socket(zmq.DEALER)
        socket.linger = 0
        socket.connect(endpoint)
        self.others.append(socket)  # closed with the desk
        return socket

    def send(self, message: Message, buffers: Sequence[Any] = (), socket: Any = None) -> None:
        (socket or self.work).send_multipart(pack(self.key, message, buffers))

    def receive(self, socket: Any, expected: Any, seconds: float = PATIENCE_S) -> tuple[Any, list[memoryview]]:
        if not socket.poll(int(seconds * 1000)):
            raise TimeoutError(f"nothing came within {seconds} s")
        frames = socket.recv_multipart()
        found = unpack(self.connection.key_bytes, frames[1:] if socket is self.events else frames, expected)
        if isinstance(found[0], Failed):
            codes.raised.add(found[0].error.code)
        return found

    def ask(self, question: Any) -> Any:
        self.send(question, socket=self.control)
        while True:
            answer = self.receive(self.control, ControlReply, 5.0)[0]
            if answer.id == question.id:
                return answer

    def status(self) -> StatusReply:
        return self.ask(Status(id=uuid4().hex))

    def until(self, look: Callable[[StatusReply], bool]) -> StatusReply:
        """Ask for the status until it looks right."""
        status: StatusReply = wait_for(lambda: look(status := self.status()) and status)
        return status

    def until_ready(self) -> StatusReply:
        """Wait until the worker is ready."""
        return self.until(lambda status: status.worker == "ready")

    def reply(self, seconds: float = PATIENCE_S) -> Any:
        """The next message at the work door, without its sound."""
        return self.receive(self.work, WorkReply, seconds)[0]

    def replies(self, until: type = Done, seconds: float = PATIENCE_S) -> list[Any]:
        """What comes at the work door up to `until` or a failure."""
        found = [self.reply(seconds)]
        while not isinstance(found[-1], until | Failed):
            found.append(self.reply(seconds))
        return found

    def done(self, request: Message, buffers: Sequence[Any] = ()) -> Done:
        """Send a request and wait for its end, which must be good."""
        self.send(request, buffers)
        last = self.replies()[-1]
        assert isinstance(last, Done), last
        return last

    def accepted(self, request: Message, buffers: Sequence[Any] = ()) -> Accepted:
        self.send(request, buffers)
        answer = self.reply()
        assert isinstance(answer, Accepted), answer
        return answer

    def event(self, seconds: float = PATIENCE_S) -> Any:
        return self.receive(self.events, Event, seconds)[0]

    def close(self) -> None:
        self.context.destroy(linger=0)


class House:
    """A home folder and the daemons that live in it one after the other."""

    def __init__(self, home: Path, bundle: Path) -> None:
        self.home = home
        self.bundle = bundle
        self.process: subprocess.Popen[bytes] | None = None
        self.desks: list[Desk] = []
        self.environment = {
            **os.environ, "HARMONICFLOW_HOME": str(home), "HARMONICFLOW_BUNDLE": str(bundle)
        }  # fmt: skip

    def spawn(self, *options: str, **popen: Any) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "daemon", *options]
        output = open(self.home.parent / "output.txt", "ab")  # noqa: SIM115
        try:
            return subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **popen
            )
        finally:
            output.close()

    def start(self, *options: str, **popen: Any) -> Connection:
        """Start a daemon and wait until it is ready."""
        process = self.process = self.spawn(*options, **popen)

        def found() -> Connection | None:
            assert process.poll() is None, self.output()
            connection = connections.find()
            return connection if connection and connection.pid == process.pid else None

        return wait_for(found)

    def desk(self, key: bytes | None = None) -> Desk:
        connection = connections.find()
        assert connection
        desk = Desk(connection, key)
        self.desks.append(desk)
        return desk

    def kill(self) -> None:
        """kill -9."""
        assert self.process
        self.process.kill()
        self.process.wait(10)

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(10)

    def output(self) -> str:
        return (self.home.parent / "output.txt").read_text()

    def log(self) -> str:
        return (self.home / "log" / "daemon.log").read_text()

    def takes(self) -> set[str]:
        """The take folders that anybody can see."""
        return {path.name for path in (self.home / "takes").iterdir() if not path.name.startswith(".")}

    def close(self) -> None:
        for desk in self.desks:
            desk.close()
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)


def wait_for(look: Callable[[], Any], seconds: float | None = None) -> Any:
    """The first true answer of `look`."""
    seconds = PATIENCE_S if seconds is None else seconds
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := look():
            return answer
        time.sleep(0.02)
    raise TimeoutError(f"not within {seconds} s")


def make_request(name: str = "", bars: int = 1, **fields: Any) -> Generate:
    """A request without a clip: bars of 4/4 at 240 BPM, one second each."""
    selection = Selection.from_bars(bars, 240, "4/4", 44_100).to_wire()
    request = Generate(id=name or uuid4().hex, selection=selection, chords="Am | F", seed=7, steps=1, delivery="dry")
    return msgspec.structs.replace(request, **fields)


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = importlib.util.spec_from_file_location("tiny_bundle", ROOT / "tests" / "tiny_bundle.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path: Path = module.make_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny")
    return path


@pytest.fixture
def house(tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A home without a daemon."""
    home = tmp_path / "home"
    monkeypatch.setenv("HARMONICFLOW_HOME", str(home))
    house = House(home, bundle)
    yield house
    house.close()


@pytest.fixture(scope="module")
def open_house(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Iterator[House]:
    """One running daemon for all tests of a file that leave it as it was."""
    house = House(tmp_path_factory.mktemp("open") / "home", bundle)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARMONICFLOW_HOME", str(house.home))
        house.start()
        house.desk().until(lambda status: status.worker == "ready")
        yield house
        house.close()


@pytest.fixture
def desk(house: House) -> Desk:
    """A client of a running daemon."""
    house.start()
    return house.desk()


@pytest.fixture(scope="session")
def request_of() -> Callable[..., Generate]:
    return make_request


@pytest.fixture(scope="session")
def clip() -> np.ndarray:
    """One second, stereo."""
    time_s = np.arange(44_100) / 44_100
    return np.stack([np.sin(2 * np.pi * 220 * time_s), np.sin(2 * np.pi * 330 * time_s)]).astype(np.float32) * 0.3
