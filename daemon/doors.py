"""The doors: ZeroMQ sockets whose defaults are closed, and the signed messages that go through them.

On loopback a door takes what is signed with the key of the connection file. A door for other computers has `Guests`
besides: everything through it is encrypted (CURVE), and each message belongs to a computer that is allowed now.

What is not signed with this daemon's key, was sent before, or is malformed is answered with a
sentence and counted; it never gets further. Nothing here waits: a client that reads slowly misses
blocks (the take on the disk is whole) and gets its small replies later.
"""

import contextlib
import logging
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

import msgspec
import zmq

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import Block, ErrorWire, Event, Failed, JobEvent, Message
from harmonicflow.core.wire import MAX_MESSAGE_BYTES, ReplayGuard, pack, unpack

log = logging.getLogger("harmonicflow.daemon")

Socket: TypeAlias = "zmq.Socket[bytes]"
LOOPBACK: Final = "tcp://127.0.0.1"

DOMAIN: Final = b"harmonicflow"
DESCRIPTORS: Final = 65_536
HANDSHAKE_MS: Final = 3_000  # a connection that says nothing is closed
HEARTBEAT_MS: Final = 2_000
HEARTBEAT_TIMEOUT_MS: Final = 10_000  # a stopped client may come back
MAX_CONTROL_BYTES: Final = 65_536
EVENTS_BUFFER_BYTES: Final = 1 << 18  # that the system holds for a slow subscriber: the rest it misses, and sees so
TURN: Final = 16  # messages of one door before the others get their turn
MAX_UNSENT: Final = 2_048  # small replies that wait for slow clients
MAX_BLOCK_BYTES: Final = 64 << 20  # of blocks on their way to one client
COMPLAINT_S: Final = 1.0  # refused messages are logged once in that time


def harden(socket: Socket, max_bytes: int, send_limit: int, receive_limit: int) -> Socket:
    """Close what ZeroMQ leaves open: sizes, queues, silent and dead connections, waiting at the end, old protocols.

    libzmq 4.3.5 keeps 5 to 13 kB of every connection of a peer that speaks ZMTP 1 or 2, for good: any program on this
    computer could fill the daemon's memory. A socket with a domain for authentication refuses such peers in the
    handshake, also where nobody is there to authenticate.
    """
    options = {
        zmq.LINGER: 0, zmq.MAXMSGSIZE: max_bytes, zmq.SNDHWM: send_limit, zmq.RCVHWM: receive_limit,
        zmq.HANDSHAKE_IVL: HANDSHAKE_MS, zmq.HEARTBEAT_IVL: HEARTBEAT_MS, zmq.HEARTBEAT_TIMEOUT: HEARTBEAT_TIMEOUT_MS,
        zmq.BACKLOG: 128,
    }  # fmt: skip
    for option, value in options.items():
        socket.setsockopt(option, value)
    socket.setsockopt(zmq.ZAP_DOMAIN, DOMAIN)
    if socket.type == zmq.ROUTER:
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)  # a reply to nobody is an error that is seen
    return socket


def allow_connections() -> None:
    """Take as many descriptors as the system lets this process have, up to `DESCRIPTORS`.

    Any program on this computer may connect, and holds a descriptor of ours until its handshake has failed; the usual
    256 (macOS) or 1024 (Linux) would soon leave none to write a take with. Windows has no such limit.
    """
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class Guests(Protocol):
    """Who may come from other computers."""

    def encrypt(self, socket: Socket) -> None:
        """Let a socket take nobody else's connections; before it is bound."""

    def may_stay(self, user: str) -> bool:
        """Whether a computer that was let in is still allowed."""


class _Named(msgspec.Struct):
    id: str = ""


@dataclass(frozen=True)
class Client:
    """One connection at a door; it can be sent to while it is there."""

    door: "Door" = field(repr=False)
    identity: bytes
    user: str = field(default="", compare=False)  # the computer, at a door for others

    def send(self, message: Message, buffers: Sequence[memoryview] = ()) -> None:
        """Send, or drop where the client is gone or is not allowed any more."""
        if self.door.guests is None or self.door.guests.may_stay(self.user):
            self.door.send(self.identity, message, buffers)


class Received(NamedTuple):
    """A message that passed every check."""

    client: Client
    message: Any
    buffers: list[memoryview]


class _Sent(NamedTuple):
    identity: bytes
    tracker: zmq.MessageTracker
    size: int


class Door:
    """A ROUTER, on a random loopback port or at an `address` for guests.

    `expected` is the union of messages that may come in. Raises zmq.ZMQError where the address cannot be had.
    """

    def __init__(
        self, context: "zmq.Context[Socket]", key: bytes, expected: Any, *, max_bytes: int = MAX_CONTROL_BYTES,
        receive_limit: int = 64, address: str = LOOPBACK, guests: Guests | None = None,
    ) -> None:  # fmt: skip
        self.guests = guests
        self.socket = harden(context.socket(zmq.ROUTER), max_bytes, 1000, receive_limit)
        self.endpoint = _bound(self.socket, address, guests)
        self.refused = 0
        self.dropped = 0
        self.failures: Counter[str] = Counter()  # answers that say no, by code
        self._key = key
        self._expected = expected
        self._guard = ReplayGuard()
        self._unsent: dict[bytes, deque[list[Any]]] = {}  # of each slow client, in the order of their counters
        self._under_way: list[_Sent] = []
        self._complained = 0.0

    @property
    def waiting(self) -> bool:
        """Whether replies wait for slow clients."""
        return bool(self._unsent)

    def receive(self) -> Iterator[Received]:
        """The messages that wait, at most a turn of them."""
        for _ in range(TURN):
            try:
                identity, *frames = self.socket.recv_multipart(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                return
            client = Client(self, identity.bytes, _user(identity) if self.guests else "")
            if self.guests and not self.guests.may_stay(client.user):
                self.refused += 1  # let in once and taken back since: there is nothing to say any more
                continue
            try:
                message, buffers = unpack(self._key, [frame.buffer for frame in frames], self._expected, self._guard)
            except HarmonicFlowError as error:
                self._refuse(client, error, frames)
            else:
                yield Received(client, message, buffers)

    def send(self, identity: bytes, message: Message, buffers: Sequence[memoryview] = ()) -> None:
        """Send to one client. A block is dropped where it reads too slowly, anything else waits.

        Nothing overtakes what waits: the client would refuse a message whose counter is a window behind.
        """
        waits = identity in self._unsent
        if isinstance(message, Failed):
            self.failures[message.error.code] += 1
        if isinstance(message, Block):
            if waits:
                self.dropped += 1
            else:
                self._send_block(identity, pack(self._key, message, buffers), sum(map(len, buffers)))
            return
        frames = [identity, *pack(self._key, message, buffers)]
        if waits or not self._send(frames):
            self._unsent.setdefault(identity, deque()).append(frames)
            if sum(map(len, self._unsent.values())) > MAX_UNSENT:
                max(self._unsent.values(), key=len).popleft()
                self.dropped += 1

    def send_waiting(self) -> None:
        """Try again to send what waits."""
        for identity, queue in list(self._unsent.items()):
            while queue and self._send(queue[0]):
                queue.popleft()
            if not queue:
                del self._unsent[identity]

    def close(self) -> None:
        """Close the socket; what waits is dropped."""
        self.socket.close(200)

    def _send(self, frames: list[Any]) -> bool:
        try:
            self.socket.send_multipart(frames, zmq.DONTWAIT, copy=False)
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
        return True

    def _send_block(self, identity: bytes, packed: Sequence[Any], size: int) -> None:
        self._under_way = [block for block in self._under_way if not block.tracker.done]
        pending = sum(block.size for block in self._under_way if block.identity == identity)
        if pending and pending + size > MAX_BLOCK_BYTES:
            self.dropped += 1
            return
        try:
            tracker = self.socket.send_multipart([identity, *packed], zmq.DONTWAIT, copy=False, track=True)
        except zmq.ZMQError:  # gone, or it does not read
            self.dropped += 1
        else:
            if tracker is not None:
                self._under_way.append(_Sent(identity, tracker, size))

    def _refuse(self, client: Client, error: HarmonicFlowError, frames: list[zmq.Frame]) -> None:
        self.refused += 1
        now = time.monotonic()
        if now - self._complained > COMPLAINT_S:
            self._complained = now
            log.warning("refused a message (%d so far): %s", self.refused, error.message)
        name = ""
        if error.code == "bad_request" and len(frames) > 1:  # it is signed: say which request is meant
            try:
                name = msgspec.json.decode(frames[1].buffer, type=_Named).id[:64]
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                name = ""
        client.send(Failed(id=name, error=ErrorWire(**error.to_wire())))


def open_work_door(
    context: "zmq.Context[Socket]", key: bytes, expected: Any, *, address: str = LOOPBACK, guests: Guests | None = None
) -> Door:
    """The door for requests with clips: large messages, few of them at a time."""
    return Door(
        context, key, expected, max_bytes=MAX_MESSAGE_BYTES, receive_limit=8, address=address, guests=guests
    )


def _user(identity: zmq.Frame) -> str:
    """The name that the ZAP handler gave the connection of a frame (ZeroMQ RFC 27); "" for none."""
    try:
        return str(identity.get("User-Id"))
    except zmq.ZMQError:
        return ""


def _bound(socket: Socket, address: str, guests: Guests | None) -> str:
    """Bind to an endpoint for guests, else to any port of `address`; the socket is closed where that cannot be."""
    try:
        if guests:
            guests.encrypt(socket)
            socket.bind(address)
            return address
        return f"{address}:{socket.bind_to_random_port(address)}"
    except zmq.ZMQError:
        socket.close(0)
        raise


class Events:
    """The XPUB: every event to every subscriber; one that does not read misses some and asks for a snapshot."""

    def __init__(
        self, context: "zmq.Context[Socket]", key: bytes, *, address: str = LOOPBACK, guests: Guests | None = None
    ) -> None:
        self.socket = harden(context.socket(zmq.XPUB), 1024, 1000, 64)
        self.socket.setsockopt(zmq.SNDBUF, EVENTS_BUFFER_BYTES)
        self.endpoint = _bound(self.socket, address, guests)
        self._key = key

    def publish(self, event: Event) -> None:
        """Send to whoever listens, under the topic b"job" or b"daemon"."""
        topic = b"job" if isinstance(event, JobEvent) else b"daemon"
        self.socket.send_multipart([topic, *pack(self._key, event)], zmq.DONTWAIT)

    def drain(self) -> None:
        """Read subscriptions, which need no answer."""
        for _ in range(TURN):
            try:
                self.socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return

    def close(self) -> None:
        """Close the socket, giving the last event a moment."""
        self.socket.close(200)
