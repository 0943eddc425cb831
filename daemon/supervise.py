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
from typing import IO, Final, NamedTuple

from harmonicflow.core.constants import ONE_THREAD
from harmonicflow.core.errors import HarmonicFlowError

from . import memory
from .backoff import MOST_S, Backoff
from .disk import Mailbox
from .link import Order, Start, order_line
from .timers import Timers

log = logging.getLogger("harmonicflow.daemon")

LOAD_LIMIT_S: Final = 25.0  # a bundle that takes longer is broken or hostile
SILENCE_LIMIT_S: Final = 15.0  # at work without a word, and once more the length of the sound
CANCEL_LIMIT_S: Final = 0.4  # between "stop" and the kill
# glibc keeps freed arrays of up to 32 MB unless the threshold is fixed: fixed, 90 to 140 MB less between jobs.
GIVE_BACK: Final = {"MALLOC_MMAP_THRESHOLD_": str(1 << 20)}
MEMORY_LOOK_S: Final = 0.25  # between two looks at the memory of a worker that loads or works


class Worker:
    """One engine process. States: loading, ready, busy, dead."""

    def __init__(self, command: list[str], start: Start, stderr: IO[bytes], env: Mapping[str, str]) -> None:
        self.key = start.key
        self.state = "loading"
        self.keeper: Supervisor | None = None  # whom its end is reported to
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


class End(NamedTuple):
    """How a worker ended. `error`: what to say to whom it worked for, where that is not simply that it died."""

    reason: str
    error: HarmonicFlowError | None = None


class Supervisor:
    """Keeps one worker and watches its deadlines and its memory.

    `ended(end)` is called on the server's thread when a worker has ended without `close`. `name` is for the log and
    for the timers, where there are two keepers; `memory_limit` in bytes.
    """

    def __init__(
        self, mailbox: Mailbox, timers: Timers, report_port: int, log_file: Path, ended: Callable[[End], object],
        memory_limit: int = 0, name: str = "worker",
    ) -> None:  # fmt: skip
        self._mailbox = mailbox
        self._timers = timers
        self._report_port = report_port
        self._log_file = log_file
        self._ended = ended
        self._memory_limit = memory_limit
        self._name = name
        self._end = End("")
        self._silence_s = SILENCE_LIMIT_S
        self._stopping = False
        self._ready_at = 0.0
        self.worker: Worker | None = None
        self.bundle: Path | None = None  # what the present worker was started with
        self.backoff = Backoff()
        self._asleep = False

    @property
    def state(self) -> str:
        """none, asleep, loading, ready or busy."""
        return self.worker.state if self.worker else "asleep" if self._asleep else "none"

    @property
    def key(self) -> bytes:
        """The key of the present worker's reports."""
        return self.worker.key if self.worker else b""

    @property
    def pid(self) -> int:
        """The present worker's process, 0 without one."""
        return self.worker.pid if self.worker else 0

    def start(self, bundle: Path, prove: bool = False) -> bool:
        """Start a worker, unless there is one. Raises OSError where no process can be made.

        With `prove` it plays a bar before it says that it is ready.
        """
        if self.worker:
            return False
        start = Start(port=self._report_port, key=secrets.token_bytes(32), bundle=str(bundle), prove=prove)
        package = __package__ or "daemon"
        command = [sys.executable, "-P", "-m", f"{package}.worker"]
        with open_log(self._log_file) as stderr:
            self.worker = worker = Worker(command, start, stderr, environment(package))
        worker.keeper = self
        self.bundle, self._end, self._stopping, self._asleep = bundle, End(""), False, False
        self._expect(LOAD_LIMIT_S, f"it took longer than {LOAD_LIMIT_S:.0f} s to load the bundle")
        self._watch()
        threading.Thread(target=self._wait, args=(worker,), name=f"worker {worker.pid}", daemon=True).start()
        log.info("%s %d started", self._name, worker.pid)
        return True

    def loaded(self) -> None:
        """The worker is ready for a job."""
        if self.worker:
            if self.worker.state == "busy":
                self.backoff.worked()
            self.worker.state = "ready"
            self._ready_at = time.monotonic()
            self._timers.drop(*self._timer_names)
            self._stopping = False

    def busy(self, order: Order, sound_s: float) -> None:
        """Give the worker its job, which is about so many seconds of sound."""
        if self.worker:
            self.worker.state = "busy"
            self._silence_s = SILENCE_LIMIT_S + sound_s
            self.worker.order(order)
            self.alive()
            self._watch()

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

    def close(self, wait: bool = True) -> None:
        """Kill the worker; nothing is reported. What it was writing lies in staging."""
        worker, self.worker, self.bundle = self.worker, None, None
        self._timers.drop(*self._timer_names)
        if worker:
            worker.process.kill()
            if wait:
                worker.process.wait(5.0)
            worker.close()

    def twin(self, ended: Callable[[End], object], name: str) -> "Supervisor":
        """A second keeper, of another worker."""
        return Supervisor(
            self._mailbox, self._timers, self._report_port, self._log_file, ended, self._memory_limit, name
        )

    def adopt(self, other: "Supervisor") -> None:
        """Take over the ready worker of another keeper; the present one is ended."""
        self.close(wait=False)
        worker, bundle = other.worker, other.bundle
        other.worker = other.bundle = None
        if worker:
            self.worker, self.bundle = worker, bundle
            worker.keeper, self._end, self._stopping, self._asleep = self, End(""), False, False
            self._ready_at = time.monotonic()
            self.backoff.worked()

    def sleep(self) -> None:
        """End the worker and give its memory back; the next `start` wakes it."""
        self.close(wait=False)
        self._asleep = True

    @property
    def _timer_names(self) -> tuple[str, str]:
        return (f"{self._name}'s sign of life", f"{self._name}'s memory")

    def _expect(self, seconds: float, otherwise: str) -> None:
        self._timers.set(self._timer_names[0], seconds, lambda: self._kill(End(otherwise)))

    def _watch(self) -> None:
        """Look at the worker's memory a few times a second while it loads or works."""
        if self.worker and self._memory_limit:
            used = memory.resident_bytes(self.worker.pid)
            if used > self._memory_limit:
                self._kill(End("it needed too much memory", self._too_large(used)))
            else:
                self._timers.set(self._timer_names[1], MEMORY_LOOK_S, self._watch)

    def _too_large(self, used: int) -> HarmonicFlowError:
        limit_mb = round(self._memory_limit / 1e6)
        if self.state == "loading":
            reason = f"loading it needs more than {limit_mb} MB of memory"
            return HarmonicFlowError("bad_bundle", path=self.bundle, reason=reason)
        return HarmonicFlowError("job_memory", used=round(used / 1e6), limit=limit_mb)

    def _kill(self, end: End) -> None:
        self._timers.drop(*self._timer_names)
        if self.worker:
            self._end = end
            log.warning("%s %d is killed: %s", self._name, self.worker.pid, end.reason)
            self.worker.process.kill()

    def _wait(self, worker: Worker) -> None:
        code = worker.process.wait()
        self._mailbox.post(lambda: (worker.keeper or self)._gone(worker, code))

    def _gone(self, worker: Worker, code: int) -> None:
        if worker is not self.worker:
            return  # closed on purpose
        end = self._end if self._end.reason else End(exit_reason(code))
        if worker.state == "ready" and time.monotonic() - self._ready_at > MOST_S:
            self.backoff.worked()  # it was well for long
        if not self._stopping and not (end.error and worker.state == "busy"):  # else its job was to blame
            self.backoff.died()
        self.worker, self.bundle = None, None
        self._timers.drop(*self._timer_names)
        worker.close()
        log.warning("%s %d has ended: %s", self._name, worker.pid, end.reason)
        self._ended(end)


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
