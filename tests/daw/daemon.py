"""The daemon as a musician's computer runs it, in a home of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from harmonicflow.core import connection as connections
from tests.tiny_bundle import make_tiny_bundle

ROOT = Path(__file__).parents[2]
Found = TypeVar("Found")


def wait_for(look: Callable[[], Found | None], seconds: float, what: str, every_s: float = 0.02) -> Found:
    """The first true answer of `look`; raises TimeoutError with `what` it waited for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := look():
            return answer
        time.sleep(every_s)
    raise TimeoutError(f"not within {seconds:g} s: {what}")


class Daemon:
    """A home folder, and the daemons that live in it one after the other. HARMONICFLOW_HOME must name it."""

    def __init__(self, home: Path, bundle: Path | None = None) -> None:
        self.home = home
        self.spool = home / "spool"
        self.process: subprocess.Popen[bytes] | None = None
        self.environment = {**os.environ, "HARMONICFLOW_HOME": str(home)}
        if bundle is not None:
            self.environment["HARMONICFLOW_BUNDLE"] = str(bundle)

    def start(self, patience_s: float = 60) -> None:
        """Start a daemon and wait until it can work."""
        with open(self.home.parent / "daemon-output.txt", "ab") as output:
            process = self.process = subprocess.Popen(
                [sys.executable, "-m", "daemon"], cwd=ROOT, env=self.environment,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip

        def ready() -> bool:
            assert process.poll() is None, (self.home.parent / "daemon-output.txt").read_text()[-2000:]
            found = connections.find()
            return bool(found and found.pid == process.pid and self.beat().get("worker") == "ready")

        wait_for(ready, patience_s, "a daemon that is ready")

    def beat(self) -> dict[str, object]:
        """What the daemon last said of itself in the spool; empty before its first beat."""
        try:
            beat: dict[str, object] = msgspec.json.decode((self.spool / "beat.json").read_bytes())
        except FileNotFoundError:
            return {}
        return beat

    def kill(self) -> None:
        """kill -9."""
        assert self.process
        self.process.kill()
        self.process.wait(10)

    def start_unless_running(self, patience_s: float = 60) -> None:
        """Wait for a daemon that can work; start one where nobody else has (Ardour's scripts do)."""
        try:
            wait_for(lambda: connections.find(), 2, "somebody else's daemon")
        except TimeoutError:
            self.start(patience_s)

    def close(self) -> None:
        """End what runs in this home, in order, whoever has started it."""
        if found := connections.find():
            os.kill(found.pid, signal.SIGTERM)
            wait_for(lambda: connections.find() is None, 15, "the end of the daemon")
        if self.process and self.process.poll() is None:
            self.process.wait(10)


@contextmanager
def stand_in(folder: Path) -> Iterator[Daemon]:
    """A home in `folder` with the stand-in bundle, named by the environment; its daemon is not started, but ended."""
    daemon = Daemon(folder / "home", make_tiny_bundle(folder / "tiny"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARMONICFLOW_HOME", str(daemon.home))
        patch.setenv("HARMONICFLOW_BUNDLE", str(folder / "tiny"))
        patch.setenv("OMP_NUM_THREADS", "1")
        yield daemon
        daemon.close()
