"""The disk thread and the mailbox: slow writes never stand in front of the doors.

The server's thread owns all state and never waits for a disk. It hands a task to `Disk`, which runs
tasks one after the other and posts each result to the `Mailbox`; the server's loop picks it up there.
Tasks run in the order in which they were handed in, so "files, then row, then reply" holds.
"""

import contextlib
import logging
import queue
import socket
import threading
from collections.abc import Callable
from typing import Final, TypeVar

from harmonicflow.core.errors import HarmonicFlowError

log = logging.getLogger("harmonicflow.daemon")

Answer = TypeVar("Answer")
Call = Callable[[], object]
CLOSING_S: Final = 10.0  # how long a shutdown waits for what was handed in


class Mailbox:
    """Calls from other threads, run by the server's thread. `socket` is readable while any wait."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Call] = queue.SimpleQueue()
        self.socket, self.bell = socket.socketpair()  # a pair of sockets, because Windows polls no pipes
        self.socket.setblocking(False)
        self.bell.setblocking(False)

    def post(self, call: Call) -> None:
        """Have `call` run by the server's thread. Safe from any thread."""
        self._calls.put(call)
        with contextlib.suppress(OSError):  # full: a wake-up waits already; closed: the server is gone
            self.bell.send(b"\0")

    def collect(self) -> list[Call]:
        """The calls that wait; empties the mailbox."""
        with contextlib.suppress(BlockingIOError):
            while self.socket.recv(4096):
                pass
        calls: list[Call] = []
        with contextlib.suppress(queue.Empty):
            while True:
                calls.append(self._calls.get_nowait())
        return calls

    def close(self) -> None:
        """Close both ends; a late post is dropped."""
        self.bell.close()
        self.socket.close()


class Disk:
    """One thread that does everything that waits for a disk, in order."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._tasks: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="disk", daemon=True)
        self._thread.start()

    def run(
        self,
        task: Callable[[], Answer],
        then: Callable[[Answer], object],
        failed: Callable[[HarmonicFlowError], object],
    ) -> None:
        """Run `task` on the disk thread; then `then(answer)` or `failed(error)` on the server's thread."""

        def work() -> None:
            try:
                answer = task()
            except Exception as error:  # whatever it was, the tasks behind it must go on
                wrong = in_words(error)
                self._mailbox.post(lambda: failed(wrong))
            else:
                self._mailbox.post(lambda: then(answer))

        self._tasks.put(work)

    def close(self) -> None:
        """Finish what was handed in and end the thread."""
        self._tasks.put(None)
        self._thread.join(CLOSING_S)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()


def in_words(error: Exception) -> HarmonicFlowError:
    """Any exception as one for a person: its own sentence, `disk` for the operating system's, else `engine_failed`."""
    if isinstance(error, HarmonicFlowError):
        return error
    if isinstance(error, OSError):
        return HarmonicFlowError("disk", path=error.filename or "a file", reason=error.strerror or str(error))
    log.error("unexpected: %s", error, exc_info=error)
    return HarmonicFlowError("engine_failed", reason=f"{type(error).__name__}: {error}")
