"""The client: one daemon's three doors, the same way for the command line and for every DAW bridge.

Requests go to the work door and may take minutes; questions go to the control door and are answered at
once, also while work runs; events tell how jobs move on. A daemon that has died is noticed by its process
id, one that hangs by its silence: either is said within `SILENCE_S` plus one look.

A `Client` belongs to one thread. After `daemon_lost` the same request may be performed again with the same
id: an accepted request survives, and its stored reply comes back. `perform` does so itself where it is told to wait.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from uuid import uuid4

import zmq

from harmonicflow.core import connection as connections
from harmonicflow.core.connection import Connection
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import (
    Accepted,
    Block,
    Cancel,
    Cancelled,
    CancelReply,
    ControlReply,
    ControlRequest,
    Done,
    Event,
    Failed,
    Hello,
    JobEvent,
    Message,
    Snapshot,
    SnapshotReply,
    Status,
    StatusReply,
    Welcome,
    WorkReply,
    WorkRequest,
)
from harmonicflow.core.wire import MAX_MESSAGE_BYTES, ReplayGuard, pack, unpack

HEARTBEAT_S: Final = 0.8  # between two questions to a daemon that works for us
SILENCE_S: Final = 3.0  # without any answer the daemon counts as lost
LOOK_S: Final = 0.2  # how often its process is looked at
SPOOL_BYTES_PER_S: Final = 20e6  # the slowest disk a clip is waited for
RETURN_S: Final = 10.0  # how long a lost daemon, or another in its place, is waited for
CANCEL_S: Final = 2.0  # how long a cancelled job is waited for

Reply = TypeVar("Reply", bound=Message)


class _Lost(HarmonicFlowError):
    """What we have seen of the daemon ourselves; it may say `daemon_lost` too, when it is ending."""


class _Ears:
    """Who hears what becomes of one request. A job that is done anew sends the same pieces: each is heard once."""

    def __init__(
        self,
        name: str,
        on_event: Callable[[JobEvent], None] | None,
        on_block: Callable[[Block, Sequence[memoryview]], None] | None,
        on_look: Callable[[], None] | None,
    ) -> None:
        self.job = ""
        self.lost = False
        self._name = name
        self._on_event = on_event
        self._on_block = on_block
        self._heard: set[tuple[int, int]] = set()
        self.look: Callable[[], None] = on_look or (lambda: None)

    def event(self, event: Event) -> None:
        """An event of any job."""
        if self._on_event and isinstance(event, JobEvent) and event.request_id == self._name:
            self._on_event(event)

    def snapshot(self, reply: SnapshotReply) -> None:
        """Where the job is now, for who subscribed late."""
        for row in reply.jobs:
            self.event(
                JobEvent(
                    seq=reply.seq, job=row.job, request_id=row.request_id, state=row.state, position=row.position,
                    step=row.step, steps=row.steps, stage=row.stage, message=row.message,
                    seconds_left=row.seconds_left, error=row.error, takes=row.takes,
                )
            )  # fmt: skip

    def answer(self, answer: WorkReply, sound: Sequence[memoryview]) -> Done | None:
        """A reply at the work door: its end, None before; raises what it failed with."""
        if answer.id not in (self._name, ""):
            return None
        if isinstance(answer, Done):
            return answer
        if isinstance(answer, Failed):
            raise HarmonicFlowError.from_wire(_strings(answer))
        if isinstance(answer, Cancelled):
            raise HarmonicFlowError("cancelled")
        if isinstance(answer, Accepted):
            self.job = answer.job
        elif self._on_block and (answer.take_index, answer.index) not in self._heard:
            self._heard.add((answer.take_index, answer.index))
            self._on_block(answer, sound)
        return None


class Client:
    """A connection to the running daemon; use it as a context manager, or `close` it.

    Every method raises `HarmonicFlowError`: what the daemon answered, or `daemon_lost`.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._context = zmq.Context()
        self._refusals: zmq.Socket[bytes] | None = None  # where a daemon elsewhere says that we are not allowed
        self._control = self._socket(zmq.DEALER, connection.control)
        self._guards: dict[zmq.Socket[bytes], ReplayGuard] = {self._control: ReplayGuard()}
        self._heard_s = time.monotonic()

    @classmethod
    def connect(cls) -> Self:
        """The daemon that the connection file names; raises `no_daemon`, `protocol_version`, `daemon_lost`."""
        client = cls(connections.read())
        try:
            client.ask(Hello(id=uuid4().hex, client="harmonicflow"), Welcome)
        except BaseException:
            client.close()
            raise
        return client

    def close(self) -> None:
        """Close every door; what is still unsent is dropped."""
        self._context.destroy(linger=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ask(self, question: ControlRequest, reply: type[Reply]) -> Reply:
        """Ask at the control door and wait for the answer, which must be a `reply`."""
        return self.ask_with_sound(question, reply)[0]

    def ask_with_sound(
        self, question: ControlRequest, reply: type[Reply], patience_s: float = SILENCE_S
    ) -> tuple[Reply, list[memoryview]]:
        """The same, and the buffers that came with the answer, which may take their time."""
        self._heard_s = time.monotonic()
        self._send(self._control, question)
        while True:
            for socket in self._wait([self._control]):
                answer, sound = self._receive(socket, ControlReply)
                if isinstance(answer, Failed) and answer.id in (question.id, ""):  # "": it could not be read
                    raise HarmonicFlowError.from_wire(_strings(answer))
                if answer.id != question.id:
                    continue  # a heartbeat's answer that came late
                if isinstance(answer, reply):
                    return answer, sound
                wrong = f"{type(answer).__name__} came instead of {reply.__name__}"
                raise HarmonicFlowError("bad_request", reason=wrong)
            self._check_alive(patience_s)

    def status(self) -> StatusReply:
        """How the daemon is."""
        return self.ask(Status(id=uuid4().hex), StatusReply)

    def perform(
        self,
        request: WorkRequest,
        buffers: Sequence[Any] = (),
        on_event: Callable[[JobEvent], None] | None = None,
        on_block: Callable[[Block, Sequence[memoryview]], None] | None = None,
        on_look: Callable[[], None] | None = None,
        on_lost: Callable[[HarmonicFlowError], None] | None = None,
    ) -> Done:
        """Send a request and wait for its end, however long the work takes.

        `buffers` are C-contiguous float32 arrays; `on_event` hears how the job moves on, `on_block` gets each
        piece of finished sound once, with its buffers, `on_look` is called a few times a second. Raises `cancelled`
        when somebody cancelled the job. With `on_lost` a daemon that is lost is waited for: it is called with
        the error, which is raised only when neither that daemon nor another is there within `RETURN_S`.
        """
        ears = _Ears(request.id, on_event, on_block, on_look)
        while True:
            work = self._socket(zmq.DEALER, self.connection.work)
            events = self._socket(zmq.SUB, self.connection.events)
            events.subscribe(b"")
            self._guards |= {work: ReplayGuard(), events: ReplayGuard()}
            try:
                self._send(work, request, buffers)
                if ears.lost:  # subscribed late: what has become of it meanwhile
                    self._send(self._control, Snapshot(id=uuid4().hex))
                return self._follow(work, events, ears, _spool_s(buffers))
            except HarmonicFlowError as error:
                if not isinstance(error, _Lost) or on_lost is None:
                    raise
                ears.lost = True
                on_lost(error)
                self._come_back(error, ears.look)
            finally:
                for socket in (work, events):
                    del self._guards[socket]
                    socket.close(linger=0)

    def _follow(
        self, work: "zmq.Socket[bytes]", events: "zmq.Socket[bytes]", ears: "_Ears", spool_s: float
    ) -> Done:
        self._heard_s = asked_s = time.monotonic()
        pid = 0
        while True:
            for socket in self._wait([work, events, self._control]):
                if socket is self._control:
                    answer = self._receive(socket, ControlReply)[0]
                    if isinstance(answer, SnapshotReply):
                        ears.snapshot(answer)
                    elif isinstance(answer, StatusReply):  # a heartbeat
                        if pid not in (0, answer.pid):  # elsewhere another has taken its place behind the same ports
                            raise self._lost("was started anew")
                        pid = answer.pid
                elif socket is events:
                    ears.event(self._receive(socket, Event)[0])
                elif done := ears.answer(*self._receive(socket, WorkReply)):
                    return done
            ears.look()
            if time.monotonic() - asked_s > HEARTBEAT_S:
                asked_s = time.monotonic()
                self._send(self._control, Status(id=uuid4().hex))
            self._check_alive(SILENCE_S if ears.job else SILENCE_S + spool_s, ears.job)

    def _come_back(self, error: HarmonicFlowError, look: Callable[[], None]) -> None:
        """Wait until the daemon answers again, or another one that the connection file names; else raises `error`."""
        deadline, asked_s = time.monotonic() + RETURN_S, 0.0
        while time.monotonic() < deadline:
            look()
            other = None
            with contextlib.suppress(HarmonicFlowError):
                other = connections.find()
            if other and other != self.connection and other.protocol == self.connection.protocol:
                self._move(other)
                return
            if self.connection.alive and time.monotonic() - asked_s > HEARTBEAT_S:
                asked_s = time.monotonic()
                self._send(self._control, Status(id=uuid4().hex))
            if self._wait([self._control]):
                self._receive(self._control, ControlReply)
                return
        raise error

    def _move(self, connection: Connection) -> None:
        """Speak with another daemon from now on."""
        del self._guards[self._control]
        self._control.close(linger=0)
        self.connection = connection
        self._control = self._socket(zmq.DEALER, connection.control)
        self._guards[self._control] = ReplayGuard()

    def cancel_quietly(self, name: str) -> None:
        """Cancel a job by its own or its request's name and wait a little for it; never raises an error of ours."""
        deadline = time.monotonic() + CANCEL_S
        while time.monotonic() < deadline:
            with contextlib.suppress(HarmonicFlowError):
                self.ask(Cancel(id=uuid4().hex, job=name), CancelReply)
                return
            # Either the daemon is gone, or the request has not reached it yet.
            if not self.connection.alive:
                return
            time.sleep(0.05)

    def _socket(self, kind: int, endpoint: str) -> "zmq.Socket[bytes]":
        socket: zmq.Socket[bytes] = self._context.socket(kind)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
        if self.connection.remote:
            self._encrypt(socket, endpoint)
        if kind == zmq.DEALER:
            socket.setsockopt(zmq.SNDTIMEO, int(SILENCE_S * 1000))
        socket.connect(endpoint)
        return socket

    def _encrypt(self, socket: "zmq.Socket[bytes]", endpoint: str) -> None:
        """Speak with nobody but the daemon whose key we have, and hear when it will not let us in."""
        socket.setsockopt(zmq.CURVE_SERVERKEY, self.connection.server.encode())
        socket.setsockopt(zmq.CURVE_PUBLICKEY, self.connection.public.encode())
        socket.setsockopt(zmq.CURVE_SECRETKEY, self.connection.secret.encode())
        socket.setsockopt(zmq.IPV6, int("[" in endpoint))
        if self._refusals is None:
            self._refusals = socket.get_monitor_socket(zmq.Event.HANDSHAKE_FAILED_AUTH)

    def _send(self, socket: "zmq.Socket[bytes]", message: Message, buffers: Sequence[Any] = ()) -> None:
        try:
            socket.send_multipart(pack(self.connection.key_bytes, message, buffers), copy=False)
        except zmq.Again:
            raise self._lost("takes no messages any more") from None

    def _receive(self, socket: "zmq.Socket[bytes]", expected: Any) -> tuple[Any, list[memoryview]]:
        frames = socket.recv_multipart(copy=False)
        if socket.type == zmq.SUB:
            frames = frames[1:]  # the topic
        received = unpack(self.connection.key_bytes, frames, expected, self._guards[socket])
        self._heard_s = time.monotonic()
        return received

    def _wait(self, sockets: "list[zmq.Socket[bytes]]") -> "list[zmq.Socket[bytes]]":
        """The sockets with a message, after at most `LOOK_S`, in the order given."""
        poller = zmq.Poller()
        for socket in sockets:
            poller.register(socket, zmq.POLLIN)
        ready = dict(poller.poll(int(LOOK_S * 1000)))
        return [socket for socket in sockets if socket in ready]

    def _check_alive(self, patience_s: float, job: str = "") -> None:
        """Raises `daemon_lost` for a dead process or one silent for too long, `denied` where we may not come."""
        if self._refusals and self._refusals.poll(0):
            raise HarmonicFlowError("denied", reason=f"{self.connection.name} is not allowed there (any more)")
        kept = f"; job {job} is kept and goes on when a daemon runs again" if job else ""
        if not self.connection.alive:
            raise self._lost(f"has ended{kept}")
        if time.monotonic() - self._heard_s > patience_s:
            raise self._lost(f"has not answered for {patience_s:.0f} seconds{kept}")

    def _lost(self, what: str) -> "_Lost":
        who = f"at {self.connection.control}" if self.connection.remote else f"(process {self.connection.pid})"
        return _Lost("daemon_lost", what=f"{who} {what}")


def _spool_s(buffers: Sequence[Any]) -> float:
    """Seconds the daemon may need to put the buffers on disk before it says Accepted."""
    return sum(memoryview(buffer).nbytes for buffer in buffers) / SPOOL_BYTES_PER_S


def _strings(answer: Failed) -> dict[str, str]:
    return {"code": answer.error.code, "message": answer.error.message, "todo": answer.error.todo}
