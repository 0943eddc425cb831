"""A TCP proxy that notes every byte: what somebody on the network between two computers sees."""

import contextlib
import socket
import threading
from types import TracebackType


class Tap:
    """Listens on a loopback port of its own and passes everything to `port`; `seen` has it all, both ways.

    Each connection is (what the client sent, what the daemon sent), in the order in which they came.
    """

    def __init__(self, port: int) -> None:
        self.target = port
        self.connections: list[tuple[bytearray, bytearray]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def seen(self) -> bytes:
        """All bytes of all connections."""
        return b"".join(bytes(way) for both in self.connections for way in both)

    def __enter__(self) -> "Tap":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                daemon = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            self._open += [client, daemon]
            there, back = bytearray(), bytearray()
            self.connections.append((there, back))
            for source, sink, note in ((client, daemon, there), (daemon, client, back)):
                threading.Thread(target=_pass_on, args=(source, sink, note), daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket, note: bytearray) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            note += data
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
