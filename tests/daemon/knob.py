"""An OSC controller for tests: plain datagrams from a port of its own."""

import socket
import time
from typing import Any

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder


class Knob:
    """An OSC controller."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.connect(("127.0.0.1", port))
        self.number = 0

    def send(self, datagram: bytes) -> None:
        self.socket.send(datagram)

    def message(self, address: str, *values: Any) -> None:
        builder = OscMessageBuilder(address)
        for value in values:
            builder.add_arg(value)
        self.send(builder.build().dgram)

    def reply(self, seconds: float = 5.0) -> tuple[str, list[Any]]:
        self.socket.settimeout(seconds)
        message = OscMessage(self.socket.recv(65_536))
        return message.address, message.params

    def until(self, address: str, seconds: float = 30.0) -> list[Any]:
        while (reply := self.reply(seconds))[0] != address:
            pass
        return reply[1]

    def ping(self) -> float:
        """Seconds until the door answers."""
        self.number += 1
        began = time.monotonic()
        self.message("/harmonicflow/ping", self.number)
        while self.until("/harmonicflow/pong", 5.0) != [self.number]:
            pass
        return time.monotonic() - began

    def heard(self, seconds: float = 0.2) -> list[tuple[str, list[Any]]]:
        """All that comes until nothing has come for so long."""
        found = []
        try:
            while True:
                found.append(self.reply(seconds))
        except TimeoutError:
            return found
