"""The daemon's OSC surface as a subscriber hears it; found again after the daemon was started anew."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

from harmonicflow.core import connection, osc
from harmonicflow.core.errors import HarmonicFlowError

RENEW_S: Final = 20.0  # the daemon forgets a subscriber after 60 s
LOOK_S: Final = 1.0  # between two looks whether the daemon is another one
WAIT_S: Final = 0.2

Hear = Callable[[str, list[object]], None]  # a message's name, after the prefix, and its values


class SurfaceLink:
    """Subscribes and calls `hear` in a thread of its own. Use it as a context manager."""

    def __init__(self, hear: Hear, lost: Callable[[bool], None] = lambda gone: None) -> None:
        """`lost` is told when the daemon goes (True) and is there again. Raises `no_daemon`, `no_surface`."""
        self._hear, self._lost = hear, lost
        found = connection.find()
        if found is None:
            raise HarmonicFlowError("no_daemon")
        if not found.osc_port:
            raise HarmonicFlowError("no_surface")
        self._port = found.osc_port
        self._gone = False
        self._renewed = self._looked = float("-inf")
        self._ending = threading.Event()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(WAIT_S)
        self._thread = threading.Thread(target=self._work, name="hearing the surface", daemon=True)

    def __enter__(self) -> "SurfaceLink":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(2)
        self.say("unsubscribe")
        self._socket.close()

    def say(self, name: str, *values: osc.Value) -> None:
        """Send one command of the surface; lost, as datagrams are, where there is no daemon."""
        with contextlib.suppress(OSError):
            self._socket.sendto(osc.build(osc.PREFIX + name, *values), ("127.0.0.1", self._port))

    def _work(self) -> None:
        while not self._ending.is_set():
            self._keep_up()
            try:
                datagram, (_, port) = self._socket.recvfrom(osc.MAX_DATAGRAM_BYTES + 1)
            except (TimeoutError, ConnectionError):  # Windows says ConnectionError of a daemon that has gone
                continue
            except OSError:
                self._ending.wait(WAIT_S)
                continue
            if port != self._port:
                continue
            with contextlib.suppress(HarmonicFlowError, ValueError, TypeError, IndexError):
                address, values = osc.read(datagram)
                if address.startswith(osc.PREFIX):
                    self._hear(address.removeprefix(osc.PREFIX), values)

    def _keep_up(self) -> None:
        """Subscribe again in time, and at once with a daemon that is another one."""
        now = time.monotonic()
        if now - self._looked > LOOK_S:
            self._looked = now
            found = connection.find()
            gone = found is None or not found.osc_port
            if found is not None and found.osc_port and found.osc_port != self._port:
                self._port, self._renewed = found.osc_port, float("-inf")
            if gone != self._gone:
                self._gone = gone
                self._renewed = float("-inf")
                self._lost(gone)
        if not self._gone and now - self._renewed > RENEW_S:
            self._renewed = now
            self.say("subscribe")
