"""The OSC door: a UDP port on loopback for knobs and scripts. Numbers and names out of a table, never a path.

It is not signed, so it can only do what the tables in core/osc.py say: generate again from the last
clip, regenerate a stem of the last take, extend it, cancel, status, ping. What is not exactly that is answered
with an error, counted, and goes no further.
"""

import contextlib
import logging
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from harmonicflow.core import osc
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import (
    Accepted,
    Cancelled,
    Done,
    ErrorWire,
    Extend,
    Failed,
    JobEvent,
    Message,
    Regenerate,
)

from .control import Control
from .dispatch import Dispatch
from .intake import Intake
from .jobs import Job, Jobs

log = logging.getLogger("harmonicflow.daemon")

TURN: Final = 64  # datagrams before the other doors get their turn
MAX_TEXT: Final = 300  # characters of a sentence in a reply


@dataclass(frozen=True)
class OscClient:
    """Where a datagram came from; hears what becomes of its job in OSC's words."""

    door: "OscDoor" = field(compare=False, repr=False)
    address: tuple[str, int]

    def send(self, message: Message, buffers: Sequence[memoryview] = ()) -> None:
        """Send what can be said in OSC; sound is not."""
        if isinstance(message, Accepted):
            self.door.say(self.address, "accepted", message.job, message.position)
        elif isinstance(message, Done):
            for take in message.takes:
                self.door.say(self.address, "done", message.job, take.take)
        elif isinstance(message, Failed):
            self.door.say_error(self.address, message.error)
        elif isinstance(message, Cancelled):
            self.door.say_error(self.address, ErrorWire(**HarmonicFlowError("cancelled").to_wire()))
        elif isinstance(message, JobEvent):
            self.door.say(self.address, "progress", message.job, message.state.value, message.step, message.steps)


class OscDoor:
    """One UDP socket on a random loopback port."""

    def __init__(self, jobs: Jobs, intake: Intake, dispatch: Dispatch, control: Control) -> None:
        self._jobs = jobs
        self._intake = intake
        self._dispatch = dispatch
        self._control = control
        self.refused = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]

    def receive(self) -> None:
        """Answer the datagrams that wait, at most a turn of them."""
        for _ in range(TURN):
            try:
                datagram, address = self.socket.recvfrom(osc.MAX_DATAGRAM_BYTES + 1)
            except BlockingIOError:
                return
            except ConnectionError:
                continue  # Windows says here that an earlier reply found nobody
            except OSError as error:
                if getattr(error, "winerror", None) == 10040:
                    continue  # Windows: the datagram was too long
                raise
            self._one(datagram, address)

    def progress(self, job: Job, event: JobEvent) -> None:
        """Tell a job's OSC clients how far it is."""
        for listener in job.listeners:
            if isinstance(listener, OscClient):
                listener.send(event)

    def say(self, address: tuple[str, int], name: str, *values: osc.Value) -> None:
        """Send one reply; one that cannot be sent is lost, as datagrams are."""
        with contextlib.suppress(OSError):
            self.socket.sendto(osc.build(f"/harmonicflow/{name}", *values), address)

    def say_error(self, address: tuple[str, int], error: ErrorWire) -> None:
        """Send an error."""
        self.say(address, "error", error.code, f"{error.message}. {error.todo}"[:MAX_TEXT])

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def _one(self, datagram: bytes, address: tuple[str, int]) -> None:
        try:
            name, arguments = osc.parse(datagram)
        except HarmonicFlowError as error:
            self.refused += 1
            self.say_error(address, ErrorWire(**error.to_wire()))
            return
        try:
            self._do(name.rpartition("/")[2], arguments, address)
        except HarmonicFlowError as error:
            self.say_error(address, ErrorWire(**error.to_wire()))

    def _do(self, name: str, arguments: dict[str, osc.Value], address: tuple[str, int]) -> None:
        client = OscClient(self, address)
        if name == "ping":
            self.say(address, "pong", arguments["number"])
        elif name == "status":
            status = self._control.status("osc")
            self.say(address, "state", status.worker, status.queued)
        elif name == "cancel":
            job = self._jobs.find("")
            if job is None:
                raise HarmonicFlowError("no_job")
            self._dispatch.cancel(job)
        elif name == "generate":
            genre = arguments.pop("genre")
            self._intake.again(client, **arguments, **({"genre": genre} if genre else {}))
        elif name == "regenerate":
            stems = (str(arguments.pop("stem")),)
            request = Regenerate(id=f"osc-{secrets.token_hex(8)}", take="last", stems=stems, **arguments)  # type: ignore[arg-type]
            self._intake.request(client, request, ())
        elif name == "extend":
            more = Extend(id=f"osc-{secrets.token_hex(8)}", take="last", **arguments)  # type: ignore[arg-type]
            self._intake.request(client, more, ())
