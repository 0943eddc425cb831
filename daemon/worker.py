"""The worker's process: loads the engine, does one job at a time, and can be ended at any moment.

The main thread works and reports; a second thread reads orders, so that "stop" reaches a running
graph. When the pipe of orders ends the daemon is gone, however it died, and the worker ends with it:
what it was writing lies in a staging folder that nobody shows.
"""

import logging
import os
import queue
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import zmq

from harmonicflow.core import paths, wire
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import Block, ErrorWire, Extend, Generate, Message, TakeSummary

from .disk import in_words
from .job_folders import read_clip, read_like, read_request
from .link import MAX_ORDER, Broken, Loaded, Progress, Refused, Run, Start, Stop, Stopped, Written, read_order
from .models import mark

if TYPE_CHECKING:
    from harmonicflow.engine.api import HarmonicFlow

log = logging.getLogger("harmonicflow.worker")

SEND_LIMIT_MS: Final = 10_000  # the server always reads; one that does not is gone
PROGRESS_S: Final = 0.05  # between two reports of one stage; people read no faster
PIECE_BYTES: Final = 16 << 20  # of sound in one message: 9 s of four stems and their mix at 44.1 kHz
EXIT_REFUSED: Final = 5
CPU: Final = "cpu"
CUDA: Final = "cuda"
DEVICES: Final = (CPU, CUDA, "auto")  # auto: the graphics card where there is one
DEVICE_VARIABLE: Final = "HARMONICFLOW_DEVICE"
NO_MEMORY: Final = (
    "bad_alloc", "bad allocation", "allocate memory", "out of memory", "failed to map segment", "ALLOC_FAILED",
    "cudaErrorMemoryAllocation",
)  # fmt: skip


class Reporter:
    """Sends signed reports to the server. For one thread."""

    def __init__(self, start: Start) -> None:
        self._key = start.key
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context(io_threads=1)
        self._socket = self._context.socket(zmq.PUSH)
        self._socket.linger = 2_000
        self._socket.sndhwm = 16
        self._socket.sndtimeo = SEND_LIMIT_MS
        self._socket.connect(f"tcp://127.0.0.1:{start.port}")

    def send(self, report: Message, sound: Sequence[Any] = ()) -> None:
        """Send one report with its sound."""
        self._socket.send_multipart(wire.pack(self._key, report, sound), copy=False)

    def close(self) -> None:
        """Send what waits, then close."""
        self._socket.close()
        self._context.term()


class Orders:
    """The orders of the server, read by a thread of their own. A stop reaches the engine at once."""

    def __init__(self) -> None:
        self._runs: queue.SimpleQueue[Run] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._current = ""
        self._stopped = ""
        self.stop_engine: Callable[[], object] = lambda: None

    def listen(self) -> None:
        """Read until the pipe ends, then end the process."""
        while line := sys.stdin.buffer.readline(MAX_ORDER):
            order = read_order(line)
            if isinstance(order, Run):
                self._runs.put(order)
            elif isinstance(order, Stop):
                with self._lock:
                    self._stopped = order.job
                    if self._current == order.job:
                        self.stop_engine()
        os._exit(0)  # the main thread may be deep inside a graph

    def next(self) -> Run:
        """Wait for the next job; from then on a stop goes to the engine."""
        run = self._runs.get()
        with self._lock:
            self._current = run.job
        return run

    def done(self) -> None:
        """The engine has nothing to be stopped at."""
        with self._lock:
            self._current = ""

    def check(self) -> None:
        """Raise `cancelled` where the present job was stopped, also before the engine had begun with it."""
        if self._stopped and self._stopped == self._current:
            raise HarmonicFlowError("cancelled")


class Work:
    """One job at the engine: its progress and its sound go out as they come."""

    def __init__(
        self, engine: "HarmonicFlow", run: Run, report: Callable[..., None], check: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._run = run
        self._report = report
        self._check = check
        self._stage = ""
        self._told = 0.0

    def do(self) -> tuple[TakeSummary, ...]:
        """Read the request, run the engine, write the takes below staging. Raises what any of them raises."""
        from harmonicflow.engine.take import write_take

        folder = Path(self._run.folder)
        request = read_request(folder)
        like, on_block = read_like(folder, request), self._block(request.id)
        if isinstance(request, Generate):
            clip = read_clip(folder, request)
            results = self._engine.generate(request, clip, like=like, progress=self._progress, on_block=on_block)
        elif isinstance(request, Extend):
            parent = Path(self._run.takes) / request.take
            results = self._engine.extend(parent, request, like=like, progress=self._progress, on_block=on_block)
        else:
            parent = Path(self._run.takes) / request.take
            results = self._engine.regenerate(parent, request, like=like, progress=self._progress, on_block=on_block)
        written = []
        for number, result in enumerate(results, 1):
            self._say("write", number, len(results), None)
            name = f"{self._run.job}-{number}"
            written.append(write_take(result, Path(self._run.staging) / name, take=name))
            self._sync(Path(self._run.staging) / name)
        return tuple(written)

    def _sync(self, folder: Path) -> None:
        """Sync here what the server's disk thread would otherwise have to wait for."""
        for path in folder.rglob("*"):
            self._check()
            if path.is_file():
                paths.sync_file(path)

    def _progress(self, at: Any) -> None:
        self._check()
        now = time.monotonic()
        if at.stage != self._stage or at.step == at.steps or now - self._told >= PROGRESS_S:
            self._stage, self._told = at.stage, now
            self._say(at.stage, at.step, at.steps, at.seconds_left)

    def _say(self, stage: str, step: int, steps: int, seconds_left: float | None) -> None:
        self._check()
        self._report(Progress(job=self._run.job, stage=stage, step=step, steps=steps, seconds_left=seconds_left))

    def _block(self, request_id: str) -> Callable[[Any], None]:
        """What sends finished sound on, in pieces: an edit of a whole song comes from the engine at once."""
        import numpy as np

        sent: Counter[int] = Counter()  # pieces of each take

        def send(block: Any) -> None:
            stems, channels, frames = block.stems.shape
            most = max(1, PIECE_BYTES // (4 * (stems * channels + 2)))
            for start in range(0, frames, most):
                self._check()
                part = slice(start, min(start + most, frames))
                message = Block(
                    id=request_id, job=self._run.job, index=sent[block.take_index],
                    start_frame=block.start_frame + start, frames=part.stop - start, channels=channels,
                    stems=block.names, take_index=block.take_index,
                )  # fmt: skip
                pieces = (block.stems[..., part], block.mix[..., part])
                self._report(message, [np.array(piece, "<f4", order="C") for piece in pieces])
                sent[block.take_index] += 1

        return send


def serve(
    engine: "HarmonicFlow", orders: Orders, report: Callable[..., None], on_cpu: Callable[[], "HarmonicFlow"]
) -> None:
    """Do jobs for ever. `on_cpu()` loads an engine that needs no graphics card, for when that has no memory left."""
    while True:
        run = orders.next()
        outcome = attempt(engine, run, orders, report)
        if engine.runtime.device != CPU and isinstance(outcome, Broken) and outcome.error.code == "no_memory":
            log.warning("the graphics card has no memory left, so the processor takes over: %s", outcome.error.message)
            try:
                engine = on_cpu()
                orders.stop_engine = engine.cancel
                outcome = attempt(engine, run, orders, report)
            except Exception as error:
                outcome = Broken(job=run.job, error=_wire(memory_in_words(error)))
        orders.done()
        report(outcome)


def attempt(engine: "HarmonicFlow", run: Run, orders: Orders, report: Callable[..., None]) -> Message:
    """One job: Written, Stopped or Broken."""
    try:
        return Written(job=run.job, takes=Work(engine, run, report, orders.check).do())
    except Exception as error:  # whatever it is, the daemon hears it in words
        wrong = memory_in_words(error)
        return Stopped(job=run.job) if wrong.code == "cancelled" else Broken(job=run.job, error=_wire(wrong))


def memory_in_words(error: Exception) -> HarmonicFlowError:
    """Any exception as one for a person, with `no_memory` for all the ways in which libraries say that."""
    if isinstance(error, MemoryError):
        return HarmonicFlowError("no_memory", reason="the engine got no more")
    wrong = in_words(error)
    if wrong.code == "engine_failed" and any(words in wrong.message for words in NO_MEMORY):
        return HarmonicFlowError("no_memory", reason=wrong.fields["reason"])
    return wrong


def load(bundle: str, device: str = CPU) -> "HarmonicFlow":
    """The engine with every network loaded, on a device of `DEVICES`.

    Raises `no_bundle`, `bad_bundle`, `latent_mismatch`, `missing_package`, `device`.
    """
    try:
        from harmonicflow.engine.api import HarmonicFlow
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith(("harmonicflow", "numpy")):
            raise
        install = "pip install 'harmonicflow[cpu]'"
        raise HarmonicFlowError("missing_package", package=error.name, install=install) from error

    if device not in DEVICES:
        raise HarmonicFlowError("device", device=repr(device), reason=f"choose from {', '.join(DEVICES)}")
    engine = HarmonicFlow(bundle)
    engine.runtime.device = CPU if device == CPU else CUDA
    try:
        engine.preload()
        if device == CPU or engine.runtime.providers("decoder")[0].startswith("CUDA"):
            return engine
        reason = "there is no graphics card that this onnxruntime can use"
    except HarmonicFlowError as error:
        if device == CPU or (error.code != "bad_bundle" and error.code != "engine_failed"):
            raise
        reason = error.message
    if device == CUDA:
        raise HarmonicFlowError("device", device=CUDA, reason=reason)
    log.warning("the processor is used: %s", reason)
    return load(bundle)


def prove(engine: "HarmonicFlow") -> None:
    """Play a bar. Raises `bad_bundle` where that cannot be done or gives no sound."""
    import numpy as np

    try:
        (result,) = engine.generate(bars=1, tempo=240, chords="Am", seed=1, steps=1)
    except HarmonicFlowError as error:
        reason = f"it cannot play a bar: {error.message}"
        raise HarmonicFlowError("bad_bundle", path=engine.bundle.path, reason=reason) from error
    if not np.isfinite(result.dry).all() or not result.dry.any():
        raise HarmonicFlowError("bad_bundle", path=engine.bundle.path, reason="what it plays is no sound")


def main() -> None:
    """Read the first order, load the bundle, then serve until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is for the daemon, which ends us
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s %(levelname)s worker {os.getpid()}: %(message)s")
    start = read_order(sys.stdin.buffer.readline(MAX_ORDER))
    if not isinstance(start, Start):
        sys.exit(EXIT_REFUSED)
    reporter, orders = Reporter(start), Orders()
    threading.Thread(target=orders.listen, name="orders", daemon=True).start()
    began = time.monotonic()
    try:
        engine = load(start.bundle, os.environ.get(DEVICE_VARIABLE) or CPU)
        if start.prove:
            prove(engine)
    except Exception as error:  # a broken bundle can fail in any way
        reporter.send(Refused(error=_wire(memory_in_words(error))))
        reporter.close()
        sys.exit(EXIT_REFUSED)
    orders.stop_engine = engine.cancel
    seconds, folder = time.monotonic() - began, engine.bundle.path
    card, device = engine.bundle.card, engine.runtime.device
    reporter.send(
        Loaded(bundle=card.name, folder=str(folder), seconds=seconds, mark=mark(folder), device=device)
    )
    serve(engine, orders, reporter.send, lambda: load(start.bundle))


def _wire(error: HarmonicFlowError) -> ErrorWire:
    return ErrorWire(**error.to_wire())


if __name__ == "__main__":
    main()
