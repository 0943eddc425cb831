"""Signs of life for a service manager: systemd's protocol (sd_notify), a datagram with lines NAME=VALUE.

Where nobody has set NOTIFY_SOCKET nothing is sent. The signs come from the server's own loop, so that a daemon that
hangs gives none, and systemd starts it again.
"""

import os
import socket
from collections.abc import MutableMapping
from typing import Final

from .timers import Timers

WATCHDOG: Final = "watchdog"  # the name of its timer
SHARE: Final = 3  # signs of life in the time that the manager waits for one


class Notifier:
    """Talks to the manager that the environment names, and hides it from the processes that are started here."""

    def __init__(self, environment: MutableMapping[str, str] | None = None) -> None:
        environment = os.environ if environment is None else environment
        self._address = environment.pop("NOTIFY_SOCKET", "")
        patience, pid = environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", "")
        meant = pid in ("", str(os.getpid()))
        self.interval_s = int(patience) / 1e6 / SHARE if patience.isdigit() and int(patience) and meant else 0.0

    def ready(self, timers: Timers) -> None:
        """Say that the doors are open, and give signs of life from now on."""
        self._send(f"READY=1\nMAINPID={os.getpid()}\nSTATUS=ready for requests")
        self._live(timers)

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._send("STOPPING=1\nSTATUS=ending")

    def _live(self, timers: Timers) -> None:
        if self._address and self.interval_s:
            self._send("WATCHDOG=1")
            timers.set(WATCHDOG, self.interval_s, lambda: self._live(timers))

    def _send(self, text: str) -> None:
        if not self._address.startswith(("/", "@")) or not hasattr(socket, "AF_UNIX"):
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
                manager.setblocking(False)  # a manager that does not read is not waited for
                manager.sendto(text.encode(), address)
        except OSError:
            return
