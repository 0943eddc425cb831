"""The daemon's real doors in a process of their own: `python -m tests.reliability.door_alone`.

With --curve they are those for other computers. Prints a connection as JSON. A request is answered with `steps` blocks
of 12 s, eight channels, a pause after each; a block's `start_frame` is the monotonic clock, in ns, as it was sent. Ends
with its input.
"""

import os
import socket
import sys
import time
from typing import Any

import msgspec
import numpy as np
import zmq

from daemon.doors import Door, Events, open_work_door
from harmonicflow.core import wire
from harmonicflow.core.connection import Connection, start_mark
from harmonicflow.core.messages import Accepted, Block, ControlRequest, Done, WorkRequest

STEMS = ("bass", "drums", "guitar", "piano")
FRAMES = 12 * 44_100
PAUSE_S, CURVE_PAUSE_S = 0.02, 0.4


class Everybody:
    """Guests that have any key at all: what encryption costs, without asking who is allowed."""

    def __init__(self) -> None:
        self.public, self.secret = zmq.curve_keypair()

    def encrypt(self, socket: "zmq.Socket[bytes]") -> None:
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_SECRETKEY, self.secret)

    def may_stay(self, user: str) -> bool:
        return True


def free_address() -> str:
    """A loopback endpoint that nobody has at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"tcp://127.0.0.1:{server.getsockname()[1]}"


def main() -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    key = wire.new_key()
    curve: dict[str, str] = {}
    places: list[dict[str, Any]] = [{}, {}, {}]
    if "--curve" in sys.argv:
        everybody, (public, secret) = Everybody(), zmq.curve_keypair()
        curve = {"server": everybody.public.decode(), "public": public.decode(), "secret": secret.decode()}
        places = [{"address": free_address(), "guests": everybody} for _ in range(3)]
    work = open_work_door(context, key, WorkRequest, **places[0])
    control, events = Door(context, key, ControlRequest, **places[1]), Events(context, key, **places[2])
    connection = Connection(
        pid=os.getpid(), started=start_mark(os.getpid()), version="0", work=work.endpoint, control=control.endpoint,
        events=events.endpoint, key=key.hex(), **curve,
    )  # fmt: skip
    sys.stdout.buffer.write(msgspec.json.encode(connection) + b"\n")
    sys.stdout.flush()
    sounds = [np.full((len(STEMS), 2, FRAMES), number, np.float32) for number in range(3)]
    poller = zmq.Poller()
    poller.register(work.socket, zmq.POLLIN)
    poller.register(sys.stdin.fileno(), zmq.POLLIN)
    while sys.stdin.fileno() not in (ready := dict(poller.poll())):
        if work.socket not in ready:
            continue
        for client, request, _ in work.receive():
            client.send(Accepted(id=request.id, job="job"))
            for index in range(request.steps):
                sound = memoryview(sounds[index % len(sounds)])
                block = Block(
                    id=request.id, job="job", index=index, start_frame=time.monotonic_ns(), frames=FRAMES, channels=2,
                    stems=STEMS,
                )  # fmt: skip
                client.send(block, [sound.cast("B")])
                time.sleep(CURVE_PAUSE_S if curve else PAUSE_S)
            client.send(Done(id=request.id, job="job", takes=()))
    for door in (work, control, events):
        door.close()
    context.term()


if __name__ == "__main__":
    main()
