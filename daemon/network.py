"""The doors for other computers: open only where `settings.listen` names an address and somebody is allowed.

Everything is encrypted (CURVE, ZeroMQ RFC 25 and 26) with a key pair for each computer; ZeroMQ asks here about each
connection whose handshake is whole (ZAP, RFC 27). Who was allowed and is not any more loses every door within a
second, also with a connection that stands. A context of its own keeps strangers' handshakes from the thread that
serves this computer's programs.
"""

import logging
import time
from collections.abc import Iterator
from typing import Final

import zmq
from zmq.utils import z85
from zmq.utils.monitor import recv_monitor_message

from harmonicflow.core import allowed
from harmonicflow.core.allowed import ClientKey, DaemonKeys
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import (
    Cancel,
    ControlRequest,
    ErrorWire,
    Event,
    Failed,
    GetTake,
    Hello,
    ListModels,
    ListTakes,
    ShowTake,
    Snapshot,
    Status,
    WorkRequest,
)

from .doors import COMPLAINT_S, Door, Events, Received, Socket, open_work_door

log = logging.getLogger("harmonicflow.daemon")

LOOK_S: Final = 0.5  # between two looks at who is allowed
RETRY_S: Final = 5.0  # after an address that could not be had
MAX_FAILURES: Final = 10_000  # handshakes counted in one turn
ZAP: Final = "inproc://zeromq.zap.01"
REFUSED: Final = (
    zmq.Event.HANDSHAKE_FAILED_NO_DETAIL | zmq.Event.HANDSHAKE_FAILED_PROTOCOL | zmq.Event.HANDSHAKE_FAILED_AUTH
)
# What other computers may ask; all else, and what is added to the protocol, is for this computer's programs.
MAY_ASK: Final = (Hello, Status, Cancel, ListTakes, ShowTake, GetTake, ListModels, Snapshot)


class Network:
    """The doors for other computers, at `listen` ("" = never)."""

    def __init__(self, listen: str) -> None:
        self.listen = listen
        self.words = ""  # why it is closed, or where it listens
        self.refused = 0  # connections that did not get in, and messages of who was taken back
        self._context: zmq.Context[Socket] = zmq.Context(io_threads=1)
        self._zap = self._context.socket(zmq.ROUTER) if listen else None
        if self._zap:
            self._zap.bind(ZAP)
        self._keys: DaemonKeys | None = None
        self._clients: dict[str, ClientKey] = {}
        self._mark: object = None
        self._next_look = self._complained = 0.0
        self._told = 0  # refusals that the log has
        self.work: Door | None = None  # requests come in here
        self._control: Door | None = None
        self._events: Events | None = None
        self._monitors: dict[Socket, Socket] = {}  # of each door's socket
        self._registered: set[Socket] = set()
        self._reopen_events = False

    @property
    def is_open(self) -> bool:
        """Whether other computers may come."""
        return self._control is not None

    @property
    def waiting(self) -> bool:
        """Whether replies wait for slow clients."""
        return any(door.waiting for door in self._doors)

    def look(self) -> None:
        """Follow what was allowed or taken back; open and close the doors. Call it every turn."""
        self._let_in()
        self._count()
        now = time.monotonic()
        if not self.listen or now < self._next_look:
            return
        self._next_look = now + LOOK_S
        mark = allowed.mark()
        if mark != self._mark:
            self._mark = mark
            self._read()
        if self._keys and self._clients:
            self._open(now)
        else:
            self._close_doors()

    def register(self, poller: zmq.Poller, full: bool) -> None:
        """Have a poller wait for what comes here; for no work while the daemon is `full`."""
        wanted: dict[Socket, int] = dict.fromkeys(self._sockets(), zmq.POLLIN)
        if self.work and full:
            wanted[self.work.socket] = 0
        for socket in self._registered - set(wanted):
            poller.register(socket, 0)  # is how a socket is taken out, whether it is in or not
        for socket, events in wanted.items():
            poller.register(socket, events)
        self._registered = set(wanted)

    def questions(self) -> Iterator[Received]:
        """Control requests that wait; what only this computer's programs may ask is refused."""
        for received in self._control.receive() if self._control else ():
            if not isinstance(received.message, MAY_ASK):
                error = HarmonicFlowError("denied", reason="only programs on the daemon's own computer may ask that")
                received.client.send(Failed(id=received.message.id, error=ErrorWire(**error.to_wire())))
            else:
                yield received

    def publish(self, event: Event) -> None:
        """Send an event to every computer that listens."""
        if self._events:
            self._events.publish(event)

    def send_waiting(self) -> None:
        """Try again to send what waits for slow clients, and forget subscriptions."""
        for door in self._doors:
            door.send_waiting()
        if self._events:
            self._events.drain()

    def close(self) -> None:
        """Close everything."""
        self._close_doors()
        if self._zap:
            self._zap.close(0)
        self._context.term()

    def encrypt(self, socket: Socket) -> None:
        """Let a socket take only connections that the ZAP handler lets in."""
        assert self._keys
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_SECRETKEY, self._keys.pair.secret.encode())
        socket.setsockopt(zmq.CURVE_PUBLICKEY, self._keys.pair.public.encode())
        socket.setsockopt(zmq.IPV6, int(":" in self.listen))
        address = f"inproc://monitor-{id(socket)}-{time.monotonic_ns()}"
        socket.monitor(address, REFUSED)
        monitor = self._context.socket(zmq.PAIR)
        monitor.setsockopt(zmq.RCVHWM, 0)  # a full one would stop the thread that serves every connection
        monitor.connect(address)
        self._monitors[socket] = monitor

    def may_stay(self, user: str) -> bool:
        """Whether a public key is of a computer that is allowed now."""
        return user in self._clients

    @property
    def _doors(self) -> list[Door]:
        return [door for door in (self._control, self.work) if door]

    def _sockets(self) -> list[Socket]:
        parts = [part.socket for part in (self._control, self.work, self._events) if part]
        return [*parts, self._zap] if self._zap else parts

    def _read(self) -> None:
        before = set(self._clients)
        try:
            keys, self._clients = allowed.daemon_keys(), allowed.clients()
        except HarmonicFlowError as error:
            keys, self._clients = None, {}
            log.error("nobody is allowed from other computers: %s", error)
        if keys != self._keys:
            self._close_doors()  # other keys or ports
            self._keys = keys
        # A subscriber that was taken back would go on hearing: all come again, and it is not let in.
        self._reopen_events |= bool(before - set(self._clients))
        names = ", ".join(sorted(client.name for client in self._clients.values()))
        self._say(f"it is to listen at {self.listen}, but no computer is allowed" if not names else self.words)

    def _open(self, now: float) -> None:
        assert self._keys
        if self._reopen_events and self._events:
            self._shut(self._events)
            self._events = None
        self._reopen_events = False
        key, port = bytes.fromhex(self._keys.key), self._keys.port
        host = f"[{self.listen}]" if ":" in self.listen else self.listen
        work, control, events = (f"tcp://{host}:{port + number}" for number in range(3))
        try:
            if not self.work:
                self.work = open_work_door(self._context, key, WorkRequest, address=work, guests=self)
            if not self._control:
                self._control = Door(self._context, key, ControlRequest, address=control, guests=self)
            if not self._events:
                self._events = Events(self._context, key, address=events, guests=self)
        except zmq.ZMQError as error:
            self._forget_monitors()
            self._next_look = now + (LOOK_S if self._control else RETRY_S)
            self._say(f"{self.listen}, ports {port} to {port + 2}, cannot be had: {error.strerror}")
            if not self._control or not self.work:
                self._close_doors()
            return
        self._say(f"listens at {self.listen}, ports {port} to {port + 2}")

    def _close_doors(self) -> None:
        for part in (self.work, self._control, self._events):
            if part:
                self._shut(part)
        self.work = self._control = self._events = None

    def _shut(self, part: Door | Events) -> None:
        monitor = self._monitors.pop(part.socket)
        self.refused += part.refused if isinstance(part, Door) else 0
        part.socket.disable_monitor()
        monitor.close(0)
        part.close()

    def _forget_monitors(self) -> None:
        """Close the monitors of sockets that could not be bound."""
        for socket in [socket for socket in self._monitors if socket.closed]:
            self._monitors.pop(socket).close(0)

    def _let_in(self) -> None:
        """Answer ZeroMQ's questions whether a connection may stay."""
        while self._zap:
            try:
                route, _, version, request, _, address, _, mechanism, *keys = self._zap.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return
            public = z85.encode(keys[0]).decode() if mechanism == b"CURVE" and len(keys[0]) == 32 else ""
            client = self._clients.get(public)
            if client:
                log.info("%s has connected from %s", client.name, address.decode("ascii", "replace"))
                answer = [b"200", b"", public.encode(), b""]
            else:
                answer = [b"400", b"not allowed", b"", b""]
            self._zap.send_multipart([route, b"", version, request, *answer])

    def _count(self) -> None:
        for monitor in self._monitors.values():
            for _ in range(MAX_FAILURES):
                try:
                    recv_monitor_message(monitor, zmq.DONTWAIT)
                except zmq.Again:
                    break
                self.refused += 1
        now = time.monotonic()
        if self.refused > self._told and now - self._complained > COMPLAINT_S:
            self._complained, self._told = now, self.refused
            log.warning("refused a connection from the network (%d so far)", self.refused)

    def _say(self, words: str) -> None:
        if words != self.words:
            self.words = words
            log.info("network: %s", words)
