"""S2: so many broken messages and connections at a daemon's real doors. `attack` takes any number and seed.

An input is a letter and what follows: `w` and `c` are a header and buffers that are signed as they should be and sent
to the work or control door; `W` and `C` are frames as they are; `E` is said to the events door; a digit is the number
of a port to which the rest goes as raw bytes.
"""

import hmac
import itertools
import os
import random
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final
from uuid import uuid4

import msgspec
import zmq

from harmonicflow.core.connection import Connection
from harmonicflow.core.messages import (
    Accepted,
    Cancel,
    ClipSpec,
    ControlReply,
    Extend,
    GetTake,
    Hello,
    ListModels,
    ListTakes,
    Message,
    Regenerate,
    ShowTake,
    Snapshot,
    Status,
    StatusReply,
    WorkReply,
)
from harmonicflow.core.wire import pack, unpack
from tests.attacks.fuzz import Fared, corpus, join, mutated, run, split
from tests.daemon.conftest import make_request

BATCH: Final = 32
SENDER: Final = os.urandom(16)  # one, as of any program: a door remembers 65,536 of them, which are 20 MB
_counter = itertools.count()
HELD: Final = 100  # raw connections that stay open, half-way through their handshake

GREETING = b"\xff\0\0\0\0\0\0\0\1\x7f\x03\x00NULL" + b"\0" * 48  # ZMTP 3.0, mechanism NULL
CURVE = GREETING.replace(b"NULL\0", b"CURVE")
READY = b"\x04\x1c\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"
HELLO = b"\x04\xc8\x05HELLO\x01\x00" + b"\0" * 72 + bytes(range(32)) + struct.pack(">Q", 1) + b"\x55" * 80
RAW = (
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",  # a browser
    b"\xff" + b"\0" * 8 + b"\x7f\x03",  # a greeting cut short
    b"\xff\0\0\0\0\0\0\0\1\x7f" + bytes(range(54)),  # a greeting with a mechanism nobody knows
    GREETING + b"\x02" + struct.pack(">Q", 2**63 - 1),  # a frame of 9 exabytes
    GREETING + READY + b"\x01\x00" * 2_000,  # frames without an end
    GREETING + READY + b"\x00\x01\x00\x00\x01\x00",
    GREETING + READY + b"\x04\x05\x04PING\x00",  # a heartbeat that is cut short
    GREETING + READY + b"\x04\x0b\x09SUBSCRIBE\x00",
    CURVE + HELLO,
    CURVE + READY,
    b"",  # nothing at all: a half-open handshake
)
WORDS = (
    b"null", b"true", b"-1", b"1e999", b"9" * 30, b'""', b"[[[[", b"{}", b"\\ud800", b"\\u0000", b'"id":"a",',
    b"\xff\xfe", b"NaN", b'"../../etc/passwd"', b'"kind":"cancel"', b"[" * 500, b"0/0", b"1/0", b"99999999999999/1",
)  # fmt: skip


def good() -> list[tuple[bytes, list[bytes]]]:
    """Letter, header and buffers of messages that are understood; none ends the daemon."""
    request = make_request("fuzz", count=99, clip=ClipSpec(rate=8_000, channels=1, frames=8))  # 99 are too many
    work: Sequence[Message] = (
        request,
        make_request("fuzz", count=99, chords="Am7 | D7/F#", key="A minor", emotion=(0.5, -0.5), prompt="a word"),
        Regenerate(id="fuzz", take="last", stems=("bass",), from_bar=1, to_bar=2),
        Extend(id="fuzz", take="last", bars=4, beats=None),
    )
    control: Sequence[Message] = (
        Status(id="fuzz"), Hello(id="fuzz", client="fuzz"), Cancel(id="fuzz", job="none"), ListTakes(id="fuzz"),
        ShowTake(id="fuzz", take="none"), GetTake(id="fuzz", take="none", stems=("bass",)), ListModels(id="fuzz"),
        Snapshot(id="fuzz"),
    )  # fmt: skip
    found = [(b"w", [msgspec.json.encode(each)]) for each in work]
    found[0][1].append(b"\0" * 32)
    return found + [(b"c", [msgspec.json.encode(each)]) for each in control]


def inputs(seed: int, key: bytes, ports: int) -> Iterator[bytes]:
    """Broken ones without an end, the same for the same seed and key (but for the seals, which are new each time)."""
    dice = random.Random(seed)
    whole = good()
    kept = list(corpus("zmq").values())
    while True:
        kind = dice.random()
        letter, frames = dice.choice(whole)
        if kind < 0.45:  # signed, with a broken header
            other = dice.choice(whole)[1][0]
            yield letter + join([mutated(frames[0], other, dice, WORDS), *frames[1:]])
        elif kind < 0.55:  # signed, with other buffers
            buffers = [dice.randbytes(dice.randrange(60)) for _ in range(dice.randrange(80))]
            yield letter + join([frames[0], *buffers])
        elif kind < 0.80:  # broken anywhere
            sealed = [seal(key, frames), *frames]
            place = dice.randrange(len(sealed))
            sealed[place] = mutated(sealed[place], sealed[-1], dice, WORDS)
            yield letter.upper() + join(sealed)
        elif kind < 0.85:  # no such frames
            yield letter.upper() + join([dice.randbytes(dice.randrange(9))] * dice.randrange(1, 90))
        elif kind < 0.88:
            yield b"E" + dice.randbytes(dice.randrange(40))
        elif kind < 0.89 and kept:
            yield dice.choice(kept)
        else:
            raw = dice.choice(RAW)
            if dice.random() < 0.8:
                raw = mutated(raw, dice.choice(RAW), dice, (GREETING, CURVE, READY, HELLO))
            yield b"%d" % dice.randrange(ports) + raw


def seal(key: bytes, frames: Sequence[bytes]) -> bytes:
    """A seal for a header and buffers, also where `wire.pack` would make none."""
    prefix = struct.pack(">2sH16sQ", b"HF", 1, SENDER, next(_counter))
    lengths = struct.pack(f">II{len(frames) - 1}Q", len(frames[0]), len(frames) - 1, *map(len, frames[1:]))
    return prefix + hmac.digest(key, prefix + lengths + frames[0], "sha256")


class Attacker:
    """Connections to every door; `ports` are those that get raw bytes."""

    def __init__(self, connection: Connection, ports: Sequence[int], fared: Fared) -> None:
        self.key = connection.key_bytes
        self.ports = ports
        self.fared = fared
        self.context = zmq.Context()
        self.doors = {b"w": self._dealer(connection.work), b"c": self._dealer(connection.control)}
        self.listener = self.context.socket(zmq.XSUB)
        self.listener.linger = 0
        self.listener.connect(connection.events)
        self.honest = self._dealer(connection.control)
        self.held: deque[socket.socket] = deque()
        self.ask()

    def _dealer(self, endpoint: str) -> Any:
        door = self.context.socket(zmq.DEALER)
        door.linger = 0
        door.connect(endpoint)
        return door

    def send(self, batch: Sequence[bytes]) -> float:
        """Send the inputs; seconds until the daemon says that it is well."""
        for each in batch:
            self._send(each[:1], each[1:])
        for letter, door in self.doors.items():
            while door.poll(0):
                self._note(letter, door.recv_multipart())
        return self.ask()

    def ask(self) -> float:
        """Seconds until the daemon answers an honest question; 5 where it does not."""
        name = uuid4().hex
        began = time.monotonic()
        self.honest.send_multipart(pack(self.key, Status(id=name)))
        while self.honest.poll(5_000):
            answer = unpack(self.key, self.honest.recv_multipart(), ControlReply)[0]
            if answer.id == name:
                assert isinstance(answer, StatusReply), answer
                return time.monotonic() - began
        return 5.0

    def close(self) -> None:
        """Close every connection."""
        for each in self.held:
            each.close()
        self.context.destroy(linger=0)

    def _send(self, letter: bytes, data: bytes) -> None:
        if letter in b"wc":
            frames = split(data)
            self.doors[letter].send_multipart([seal(self.key, frames), *frames])
        elif letter in b"WC":
            self.doors[letter.lower()].send_multipart(split(data))
        elif letter == b"E":
            self.listener.send(data)
        else:
            self._raw(self.ports[int(letter) % len(self.ports)], data)

    def _raw(self, port: int, data: bytes) -> None:
        raw = socket.create_connection(("127.0.0.1", port), 5)
        try:
            raw.sendall(data)
        except OSError:
            pass  # it has closed the door already
        self.held.append(raw)
        if len(self.held) > HELD:
            self.held.popleft().close()
        self.fared.answered["raw connections"] = self.fared.answered.get("raw connections", 0) + 1

    def _note(self, letter: bytes, frames: list[bytes]) -> None:
        answer = unpack(self.key, frames, WorkReply if letter == b"w" else ControlReply)[0]
        kind = answer.error.code if hasattr(answer, "error") else type(answer).__name__.lower()
        self.fared.answered[kind] = self.fared.answered.get(kind, 0) + 1
        if isinstance(answer, Accepted):  # it was still a good request: no need to do it
            self.honest.send_multipart(pack(self.key, Cancel(id=uuid4().hex, job=answer.job)))


def attack(connection: Connection, ports: Sequence[int], count: int, seed: int, mistakes: Callable[[], int]) -> Fared:
    """Send `count` inputs, with an honest question after every `BATCH`."""
    fared = Fared()
    attacker = Attacker(connection, ports, fared)
    try:
        found = inputs(seed, connection.key_bytes, len(ports))
        sizes = [BATCH] * (count // BATCH) + [count % BATCH] * bool(count % BATCH)
        return run(([next(found) for _ in range(size)] for size in sizes), attacker.send, mistakes, "zmq", fared)
    finally:
        attacker.close()
