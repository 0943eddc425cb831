"""S1: so many broken datagrams at a daemon's real OSC door. `attack` can be called with any number and seed."""

import random
import socket
import struct
import time
from collections.abc import Callable, Iterator

from harmonicflow.core import osc
from tests.attacks.fuzz import Fared, corpus, mutated, run

BATCH = 64  # as many as the door reads in one turn


def padded(text: bytes) -> bytes:
    """An OSC string: at least one zero byte, and a length that is a multiple of four."""
    return text + b"\0" * (4 - len(text) % 4)


def nested(depth: int) -> bytes:
    """Bundles in bundles."""
    inner = padded(b"/a") + padded(b",")
    for _ in range(depth):
        inner = b"#bundle\0" + struct.pack(">Qi", 1, len(inner)) + inner
    return inner


# Each stops or slows python-osc's own dispatcher, or asks for what must not be.
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
    "seed below -1": padded(b"/harmonicflow/generate") + padded(b",i") + struct.pack(">i", -2),
    "knob at no number": padded(b"/harmonicflow/valence") + padded(b",f") + struct.pack(">f", float("nan")),
    "knob beyond its end": padded(b"/harmonicflow/head") + padded(b",fff") + struct.pack(">fff", 0, 90.1, 0),
    "port of nobody": padded(b"/harmonicflow/subscribe") + padded(b",i") + struct.pack(">i", 65_536),
    "ten million bars": padded(b"/harmonicflow/new") + padded(b",i") + struct.pack(">i", 10_000_000),
    "a genre that is a path": padded(b"/harmonicflow/genre") + padded(b",s") + padded(b"../../etc/passwd"),
    "65 steps": padded(b"/harmonicflow/generate") + padded(b",ii") + struct.pack(">ii", 1, 65),
}
WORDS = (b"/harmonicflow/", b"#bundle\0", b",", b"*", b"[", b"]", b"{a,aa}", b"T", b"b", b"t", b"\0\0\0\0", b"\xff\xff")


def good() -> list[bytes]:
    """Messages that are understood, of every address."""
    found = []
    for address in osc.ADDRESSES:
        values: tuple[osc.Value, ...]
        for values in (
            (), (1,), (7, 4), (7.0, 4.0, 2, "rock"), ("bass", 1, 2, 9), (True, "x", 2**40, 1e30), (0.5, -1.0, 30.0),
        ):  # fmt: skip
            found.append(osc.build(address, *values))
    return found


def datagrams(seed: int) -> Iterator[bytes]:
    """Broken ones without an end, the same for the same seed; none larger than a datagram can be."""
    dice = random.Random(seed)
    whole = [*good(), *(data for data in ATTACKS.values() if len(data) < 9_000), *corpus("osc").values()]
    while True:
        kind = dice.random()
        if kind < 0.9:
            data = mutated(dice.choice(whole), dice.choice(whole), dice, WORDS)
            if kind < 0.6:  # past the first check, which is the length
                data = data[: len(data) // 4 * 4] if kind < 0.3 else data + b"\0" * (-len(data) % 4)
        elif kind < 0.95:
            data = dice.randbytes(dice.randrange(300))
        else:
            tags = bytes(dice.choice(b"ifsTFhdbtNI[]rmScQ\0") for _ in range(dice.randrange(40)))
            data = padded(dice.choice(list(osc.ADDRESSES)).encode()) + padded(b"," + tags) + dice.randbytes(
                4 * dice.randrange(60)
            )
        yield data[:9_000]


def attack(port: int, count: int, seed: int, mistakes: Callable[[], int]) -> Fared:
    """Send `count` datagrams, and a ping after each turn of the door."""
    fared = Fared()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as knob:
        knob.bind(("127.0.0.1", 0))
        knob.connect(("127.0.0.1", port))
        knob.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        knob.settimeout(5.0)
        number = 0

        def send(batch: list[bytes]) -> float:
            nonlocal number
            for datagram in batch:
                knob.send(datagram)
            number = number % 2**30 + 1
            pong = osc.build("/harmonicflow/pong", number)
            began = time.monotonic()
            knob.send(osc.build("/harmonicflow/ping", number))
            try:
                while (reply := knob.recv(65_536)) != pong:
                    word = reply[: reply.find(b"\0")].rpartition(b"/")[2].decode("ascii", "replace")
                    fared.answered[word] = fared.answered.get(word, 0) + 1
            except TimeoutError:
                return 5.0
            return time.monotonic() - began

        found = datagrams(seed)
        sizes = [BATCH] * (count // BATCH) + [count % BATCH] * bool(count % BATCH)
        return run(([next(found) for _ in range(size)] for size in sizes), send, mistakes, "osc", fared)
