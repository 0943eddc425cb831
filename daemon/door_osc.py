"""The OSC door: a UDP port for knobs, pads and scripts. Numbers and names out of a table, never a path.

It is not signed, so it can only do what the tables in core/osc.py say (see surface_commands.py). What is not exactly
that is answered with an error, counted, and goes no further. It is on loopback, unless the setting `osc_from` names
controllers on the network: then whatever comes from elsewhere is dropped without an answer, and counted.
"""

import contextlib
import logging
import socket
from collections.abc import Callable, Sequence
from typing import Final

from harmonicflow.core import osc
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import ErrorWire
from harmonicflow.core.settings import Settings

from .surface_commands import Commands
from .surface_subscribers import Address, Say

log = logging.getLogger("harmonicflow.daemon")

TURN: Final = 64  # datagrams before the other doors get their turn
WAITING_BYTES: Final = 1 << 20  # asked of the system for datagrams that wait: a hand on ten faders is a burst
LOOPBACK: Final = "127.0.0.1"
EVERYWHERE: Final = "0.0.0.0"
ANSWERS: Final = tuple(f"{address}\0".encode() for address in osc.REPLIES if address not in osc.ADDRESSES)


class OscDoor:
    """One UDP socket: what comes in whole is done by `commands`, which is made once the port is known."""

    def __init__(self, settings: Settings, commands: Callable[[Say, int], Commands]) -> None:
        self.refused = 0  # messages that were answered with an error
        self.dropped = 0  # datagrams from addresses that may not ask
        self._from = frozenset(settings.controllers)
        self.socket, self.words = _bound(settings.osc_port, sorted(self._from))
        self.port: int = self.socket.getsockname()[1]
        self.commands = commands(self.say, self.port)

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
            if address[0].startswith("127.") or address[0] in self._from:
                self._one(datagram, address)
            else:
                self.dropped += 1

    def say(self, address: Address, name: str, *values: osc.Value) -> None:
        """Send one message; one that cannot be sent is lost, as datagrams are."""
        with contextlib.suppress(OSError):
            self.socket.sendto(osc.build(osc.PREFIX + name, *values), address)

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def _one(self, datagram: bytes, address: Address) -> None:
        try:
            name, arguments = osc.parse(datagram)
        except HarmonicFlowError as error:
            self.refused += 1
            if not datagram.startswith(ANSWERS):  # of another daemon, or an echo: an error for it would go on for ever
                self.commands.say_error(address, ErrorWire(**error.to_wire()))
            return
        self.commands.do(name.removeprefix(osc.PREFIX), arguments, address)


def _bound(port: int, controllers: Sequence[str]) -> tuple[socket.socket, str]:
    """A socket at this port or, where it is taken, at any; and in words where it listens. Raises OSError."""
    door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows lets another program share a port otherwise
        door.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WAITING_BYTES)
    door.setblocking(False)
    host, taken = (EVERYWHERE if controllers else LOOPBACK), ""
    try:
        door.bind((host, port))
    except OSError as error:
        door.bind((host, 0))
        taken = f" (port {port} cannot be had: {error.strerror or error})"
        log.warning("the OSC port %d cannot be had (%s): it is %d instead", port, error, door.getsockname()[1])
    who = f", for this computer and {', '.join(controllers)}" if controllers else ""
    return door, f"UDP port {door.getsockname()[1]}{taken}{who}"
