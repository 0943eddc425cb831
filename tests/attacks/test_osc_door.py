"""S1: datagrams that stop python-osc, and mutated ones, at the daemon's real OSC door."""

import importlib.util
import random
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from harmonicflow.core.messages import ClipSpec, ListTakes

_spec = importlib.util.spec_from_file_location("daemon_fixtures", Path(__file__).parents[1] / "daemon" / "conftest.py")
assert _spec and _spec.loader
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)
bundle, house, open_house = _fixtures.bundle, _fixtures.house, _fixtures.open_house


def padded(text: bytes) -> bytes:
    return text + b"\0" * (4 - len(text) % 4)


def nested(depth: int) -> bytes:
    inner = padded(b"/a") + padded(b",")
    for _ in range(depth):
        inner = b"#bundle\0" + struct.pack(">Qi", 1, len(inner)) + inner
    return inner


ATTACKS = {
    "bundle element of size -4": b"#bundle\0" + struct.pack(">Qi", 1, -4),
    "bundles in bundles": nested(1200),
    "a time tag in years": b"#bundle\0" + struct.pack(">IIi", 2**32 - 1, 0, 8) + b"/a\0\0,\0\0\0",
    "24 asterisks": padded(b"/" + b"*" * 24 + b"z") + padded(b","),
    "pattern of alternatives": padded(b"/{a,aa}" + b"*" * 40 + b"z") + padded(b","),
    "address that is not UTF-8": b"/\xff\xfe\0" + padded(b","),
    "argument that is not UTF-8": padded(b"/harmonicflow/generate") + padded(b",s") + b"\xff\xff\xff\0",
    "odd type tags": padded(b"/harmonicflow/ping") + padded(b",QQ"),
    "blob of size -8": padded(b"/harmonicflow/ping") + padded(b",b") + struct.pack(">i", -8),
    "blob of 2 GB": padded(b"/harmonicflow/ping") + padded(b",b") + struct.pack(">i", 2**31 - 1),
    "60000 arrays": padded(b"/harmonicflow/ping") + padded(b"," + b"[" * 60_000),
    "60000 trues": padded(b"/harmonicflow/ping") + padded(b"," + b"T" * 60_000),
    "number cut short": padded(b"/harmonicflow/ping") + padded(b",i") + b"\0\0",
    "no tags": padded(b"/harmonicflow/ping"),
    "nothing": b"",
    "one slash": b"/",
    "a path": padded(b"/harmonicflow/generate") + padded(b",s") + padded(b"../../etc/passwd"),
    "not a number": padded(b"/harmonicflow/generate") + padded(b",f") + struct.pack(">f", float("nan")),
    "infinity": padded(b"/harmonicflow/generate") + padded(b",d") + struct.pack(">d", float("inf")),
    "seed below 0": padded(b"/harmonicflow/generate") + padded(b",i") + struct.pack(">i", -1),
    "65 steps": padded(b"/harmonicflow/generate") + padded(b",ii") + struct.pack(">ii", 1, 65),
}


class Knob:
    """An OSC controller."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.connect(("127.0.0.1", port))
        self.number = 0

    def send(self, datagram: bytes) -> None:
        self.socket.send(datagram)

    def message(self, address: str, *values: Any) -> None:
        builder = OscMessageBuilder(address)
        for value in values:
            builder.add_arg(value)
        self.send(builder.build().dgram)

    def reply(self, seconds: float = 5.0) -> tuple[str, list[Any]]:
        self.socket.settimeout(seconds)
        message = OscMessage(self.socket.recv(65_536))
        return message.address, message.params

    def until(self, address: str, seconds: float = 30.0) -> list[Any]:
        while (reply := self.reply(seconds))[0] != address:
            pass
        return reply[1]

    def ping(self) -> float:
        """Seconds until the door answers."""
        self.number += 1
        began = time.monotonic()
        self.message("/harmonicflow/ping", self.number)
        while self.until("/harmonicflow/pong", 5.0) != [self.number]:
            pass
        return time.monotonic() - began


@pytest.fixture
def knob(open_house: Any) -> Iterator[Knob]:
    knob = Knob(open_house.desks[0].connection.osc_port)
    yield knob
    knob.socket.close()
    assert open_house.process.poll() is None and "Traceback" not in open_house.log()


@pytest.mark.parametrize("name", ATTACKS)
def test_no_datagram_stops_the_parser(name: str) -> None:
    from harmonicflow.core import osc
    from harmonicflow.core.errors import HarmonicFlowError

    began = time.monotonic()
    with pytest.raises(HarmonicFlowError) as caught:
        osc.parse(ATTACKS[name])
    assert caught.value.code == "bad_request" and time.monotonic() - began < 0.1


def test_all_of_them_at_the_door(knob: Knob) -> None:
    assert knob.ping() < 0.1
    for datagram in ATTACKS.values():
        knob.send(datagram)
        if datagram:
            assert knob.until("/harmonicflow/error")[0] == "bad_request"
        assert knob.ping() < 0.1


def test_mutated_datagrams_at_the_door(knob: Knob) -> None:
    generator = random.Random(0)
    slowest = 0.0
    for turn in range(4000):
        builder = OscMessageBuilder("/harmonicflow/" + generator.choice(["ping", "status", "cancel", "generate"]))
        for _ in range(generator.randrange(6)):
            builder.add_arg(generator.choice([generator.randrange(-(2**31), 2**31), generator.random(), "rock", True]))
        datagram = bytearray(builder.build().dgram if generator.random() < 0.8 else generator.randbytes(200))
        for _ in range(generator.randrange(1, 6)):
            datagram[generator.randrange(len(datagram))] = generator.randrange(256)
        knob.send(bytes(datagram[: generator.randrange(len(datagram) + 1)] if turn % 10 == 0 else datagram))
        if turn % 100 == 99:
            slowest = max(slowest, knob.ping())
    assert slowest < 0.1


def test_what_it_understands_without_a_clip(knob: Knob) -> None:
    knob.message("/harmonicflow/status")
    assert knob.until("/harmonicflow/state")[1] == 0
    knob.message("/harmonicflow/cancel")
    assert knob.until("/harmonicflow/error")[0] == "no_job"
    knob.message("/harmonicflow/generate", 7)
    code, sentence = knob.until("/harmonicflow/error")
    assert code == "bad_request" and "no clip" in sentence
    knob.message("/harmonicflow/regenerate", "bass", 1, 2)
    assert knob.until("/harmonicflow/error")[0] == "unknown_take"
    knob.message("/harmonicflow/extend", 4)
    assert knob.until("/harmonicflow/error")[0] == "unknown_take"


def test_generate_from_the_last_clip(house: Any) -> None:
    """Also after a restart: the last clip and selection are kept. Regenerate and cancel by knob as well."""
    house.start()
    desk = house.desk()
    clip = (np.arange(88_200, dtype=np.float32) % 100 / 200 - 0.25).reshape(2, -1)
    first = desk.done(_fixtures.make_request("first", clip=ClipSpec(rate=44_100, channels=2, frames=44_100)), [clip])
    house.kill()
    knob = Knob(house.start().osc_port)
    knob.message("/harmonicflow/generate", 7, 1)
    job, position = knob.until("/harmonicflow/accepted")
    assert position == 0
    assert knob.until("/harmonicflow/progress")[0] == job
    assert knob.until("/harmonicflow/done") == [job, f"{job}-1"]
    desk = house.desk()
    second = desk.ask(ListTakes(id="l")).takes[0]
    assert second.take == f"{job}-1"
    assert [row.sha256 for row in second.files] == [row.sha256 for row in first.takes[0].files], "same clip, same seed"
    knob.message("/harmonicflow/regenerate", "bass", 1, 1, 5)
    knob.until("/harmonicflow/done")
    (changed, *_) = desk.ask(ListTakes(id="m")).takes
    assert changed.parent == second.take
    knob.message("/harmonicflow/extend", 1, 5, 1, 2)
    done = [knob.until("/harmonicflow/done")[1] for _ in range(2)]
    options = desk.ask(ListTakes(id="n", limit=2)).takes
    assert {take.take for take in options} == set(done) and {take.parent for take in options} == {changed.take}
    knob.message("/harmonicflow/generate", 8, 64, 16)
    knob.until("/harmonicflow/accepted")
    knob.message("/harmonicflow/cancel")
    assert knob.until("/harmonicflow/error")[0] == "cancelled"
    knob.socket.close()
