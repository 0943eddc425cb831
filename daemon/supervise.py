"""The worker's keeper: starts the engine's process, gives it orders, and ends it when it must end.

The engine lives in a child process, so that a crash in a native library costs one attempt at one job
and never the daemon. Orders go down its standard input, one JSON line each: the pipe is private, and
its end tells the worker that the daemon is gone, even after kill -9. Reports come back as signed
messages on a loopback socket (link.py) with a key made for this one process, so that a late message
of a worker that was given up counts for nothing.
"""

import contextlib
import logging
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Final

from .disk import Mailbox
from .link import Order, Start, order_line

log = logging.getLogger("harmonicflow.daemon")

LOAD_LIMIT_S: Final = 25.0  # a bundle that takes longer is broken or hostile
SILENCE_LIMIT_S: Final = 15.0  # at work without a word, and once more the length of the sound
CANCEL_LIMIT_S: Final = 0.4  # between "stop" and the kill
# The networks have their own threads. NumPy's products here are small, and on a machine with other work
# OpenBLAS's waiting threads made a job of 0.6 s take 16.
ONE_THREAD: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# glibc keeps freed arrays of up to 32 MB unless the threshold is fixed: fixed, 90 to 140 MB less between jobs.
GIVE_BACK: Final = {"MALLOC_MMAP_THRESHOLD_": str(1 << 20)}
PAUSE_S: Final = 2.0  # a loop that was away longer was stopped itself: nobody's deadline counts through that


class Worker:
    """One engine process. States: loading, ready, busy, dead."""

    def __init__(self, command: list[str], start: Start, stderr: IO[bytes], env: Mapping[str, str]) -> None:
        self.key = start.key
        self.state = "loading"
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stderr, env=dict(env), bufsize=0
        )
        self.pid = self.process.pid
        self.order(start)

    def order(self, order: Order) -> None:
        """Write one order. A worker that is gone already does not matter here: its end is reported apart."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.write(order_line(order))

    def close(self) -> None:
        """Close the pipe."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()


class Supervisor:
    """Keeps one worker and watches its deadlines.

    `ended(reason)` is called on the server's thread when a worker has ended without `close`.
    """

    def __init__(
        self, mailbox: Mailbox, report_port: int, log_file: Path, ended: Callable[[str], object]
    ) -> None:
        self._mailbox = mailbox
        self._report_port = report_port
        self._log_file = log_file
        self._ended = ended
        self._reason = ""
        self._deadline: float | None = None
        self._overdue = ""
        self._silence_s = SILENCE_LIMIT_S
        self._stopping = False
        self._looked = time.monotonic()
        self.worker: Worker | None = None
        self.bundle: Path | None = None  # what the present worker was started with
        self.quiet_deaths = 0  # workers that ended since one was last given a job

    @property
    def state(self) -> str:
        """none, loading, ready or busy."""
        return self.worker.state if self.worker else "none"

    @property
    def key(self) -> bytes:
        """The key of the present worker's reports."""
        return self.worker.key if self.worker else b""

    @property
    def pid(self) -> int:
        """The present worker's process, 0 without one."""
        return self.worker.pid if self.worker else 0

    def start(self, bundle: Path) -> bool:
        """Start a worker, unless there is one. Raises OSError where no process can be made."""
        if self.worker:
            return False
        start = Start(port=self._report_port, key=secrets.token_bytes(32), bundle=str(bundle))
        package = __package__ or "daemon"
        command = [sys.executable, "-P", "-m", f"{package}.worker"]
        with open_log(self._log_file) as stderr:
            self.worker = worker = Worker(command, start, stderr, environment(package))
        self.bundle = bundle
        self._expect(LOAD_LIMIT_S, f"it took longer than {LOAD_LIMIT_S:.0f} s to load the bundle")
        threading.Thread(target=self._wait, args=(worker,), name=f"worker {worker.pid}", daemon=True).start()
        log.info("worker %d started", worker.pid)
        return True

    def loaded(self) -> None:
        """The worker is ready for a job."""
        if self.worker:
            self.worker.state = "ready"
            self._deadline, self._stopping = None, False

    def busy(self, order: Order, sound_s: float) -> None:
        """Give the worker its job, which is about so many seconds of sound."""
        if self.worker:
            self.worker.state = "busy"
            self._silence_s = SILENCE_LIMIT_S + sound_s
            self.quiet_deaths = 0
            self.worker.order(order)
            self.alive()

    def alive(self) -> None:
        """The worker has given a sign of life."""
        if self.state == "busy" and not self._stopping:
            self._expect(self._silence_s, f"it said nothing for {self._silence_s:.0f} s")

    def stop(self, order: Order) -> None:
        """Ask the worker to leave its job; it is killed where it does not answer in time."""
        if self.worker:
            self.worker.order(order)
            self._expect(CANCEL_LIMIT_S, "it did not leave a cancelled job")
            self._stopping = True

    def wait_s(self) -> float | None:
        """Seconds until the next deadline, None when there is none."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def look(self) -> None:
        """Kill the worker when its deadline has passed. Call it often, after the waiting reports were read."""
        now = time.monotonic()
        away, self._looked = now - self._looked, now
        if self._deadline is None or self.worker is None:
            return
        if away > PAUSE_S:
            self._deadline += away
        elif now >= self._deadline:
            self._reason, self._deadline = self._overdue, None
            log.warning("worker %d is killed: %s", self.worker.pid, self._reason)
            self.worker.process.kill()

    def close(self) -> None:
        """Kill the worker; nothing is reported. What it was writing lies in staging."""
        worker, self.worker, self.bundle, self._deadline = self.worker, None, None, None
        if worker:
            worker.process.kill()
            worker.process.wait(5.0)
            worker.close()

    def _expect(self, seconds: float, otherwise: str) -> None:
        self._deadline = time.monotonic() + seconds
        self._overdue = otherwise

    def _wait(self, worker: Worker) -> None:
        code = worker.process.wait()
        self._mailbox.post(lambda: self._gone(worker, code))

    def _gone(self, worker: Worker, code: int) -> None:
        if worker is not self.worker:
            return  # closed on purpose
        reason, self._reason = self._reason or exit_reason(code), ""
        self.worker, self.bundle, self._deadline, self._stopping = None, None, None, False
        self.quiet_deaths += 1
        worker.close()
        log.warning("worker %d has ended: %s", worker.pid, reason)
        self._ended(reason)


def exit_reason(code: int) -> str:
    """An exit status in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"


def environment(package: str) -> dict[str, str]:
    """The worker's environment: this one, with this very package first on its path (installed or a bare clone)."""
    here = Path(__file__).resolve()
    root = here.parents[package.count(".") + 1]
    found = root.joinpath(*package.split(".")) == here.parent  # not so in an editable install, which needs no path
    path = [str(root)] * found + list(filter(None, [os.environ.get("PYTHONPATH")]))
    return {**ONE_THREAD, **GIVE_BACK, **os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1"}


def open_log(path: Path, keep_bytes: int = 1 << 20) -> IO[bytes]:
    """The worker's log, for appending; one old file is kept once it has grown past `keep_bytes`."""
    with contextlib.suppress(OSError):
        if path.stat().st_size > keep_bytes:
            path.replace(path.with_suffix(".log.1"))
    return open(path, "ab")
