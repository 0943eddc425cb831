"""What `bench` measures: real-time factor, time to the first block, the codec, peak memory, start-up times.

Memory is the proportional set size (PSS) where /proc gives it: pages shared by processes are counted
once, so that daemon and worker may be added. Elsewhere it is the daemon's own figure (resident set).
"""

import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import Any, Final, NamedTuple

from harmonicflow.core.constants import DEFAULT_STEMS
from harmonicflow.core.messages import Generate, StatusReply

from .client import Client
from .follow import follow
from .measure_codec import codec_figures
from .output import result, result_json, say, table
from .request import Span, new_seed, request_id, selection_of
from .results import read_details
from .spawn import module_command, start_daemon, stop_daemon

SAMPLE_EVERY_S: Final = 0.1
HELP_RUNS: Final = 5
STEP_COUNTS: Final = (1, 4, 8)  # a run each, whatever the model's own number: preview, default, before distillation
WORKER_WAIT_S: Final = 60.0


def bench(seconds: int, runs: int, steps: int, bundle: str | None) -> dict[str, Any]:
    """Run the measurement; returns a flat table of figures with their units in the names."""
    codec = codec_figures(seconds, runs, bundle)
    help_s = median(_help_seconds() for _ in range(HELP_RUNS))
    with tempfile.TemporaryDirectory(prefix="harmonicflow-bench-") as home, _home(home):
        started = time.perf_counter()
        client = start_daemon(bundle)
        daemon_start_s = time.perf_counter() - started
        try:
            status = _wait_for_worker(client)
            worker_start_s = time.perf_counter() - started
            with _peaks(client, status) as peaks:
                first = _one(client, seconds, steps)
                rest = [_one(client, seconds, steps) for _ in range(runs)]
                by_steps = {count: _one(client, seconds, count) for count in STEP_COUNTS}
            status = client.status()
        finally:
            stop_daemon(client, now=True)
            client.close()
    taken_s = median(run.taken_s for run in rest)
    return {
        "realtime_factor": taken_s / seconds,
        **{f"realtime_factor_{count}_steps": run.taken_s / seconds for count, run in by_steps.items()},
        "seconds_of_music": seconds,
        "seconds_taken": taken_s,
        "first_block_s": median(run.first_block_s for run in rest),
        "first_run_s": first.taken_s,
        "daemon_start_s": daemon_start_s,
        "worker_ready_s": worker_start_s,
        "help_s": help_s,
        "daemon_peak_mb": peaks["daemon"] / 1e6,
        "worker_peak_mb": peaks["worker"] / 1e6,
        "memory_kind": "pss" if _pss(os.getpid()) is not None else "rss",
        "stems": list(DEFAULT_STEMS),
        "steps": first.steps,
        "runs": runs,
        "bundle": status.bundle,
        "version": status.version,
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "processor": _processor(),
        **codec,
    }


def show_bench(figures: dict[str, Any], as_json: bool) -> None:
    """Write the figures to stdout."""
    if as_json:
        result_json({name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()})
        return
    rows = [
        (name.replace("_", " "), f"{value:.3f}" if isinstance(value, float) else str(value))
        for name, value in ((n, ", ".join(v) if isinstance(v, list) else v) for n, v in figures.items())
    ]
    result(table(("figure", "value"), rows))


class Run(NamedTuple):
    """One take: seconds until it is written, seconds until its first block is here, steps of the player."""

    taken_s: float
    first_block_s: float
    steps: int


def _one(client: Client, seconds: int, steps: int) -> Run:
    selection = selection_of(Span(seconds=Fraction(seconds), tempo=Fraction(120)), 44_100)
    request = Generate(
        id=request_id(), selection=selection.to_wire(), stems=DEFAULT_STEMS, chords="Am7 | D7 | Gmaj7 | Cmaj7",
        genre="pop", seed=new_seed(), steps=steps, title="bench",
    )  # fmt: skip
    blocks: list[float] = []
    started = time.perf_counter()
    (take,) = follow(client, request, on_block=lambda *_: blocks.append(time.perf_counter()))
    ended = time.perf_counter()
    made = read_details(Path(take.folder))
    return Run(ended - started, (blocks[0] if blocks else ended) - started, int(made.get("steps", steps)))


def _help_seconds() -> float:
    started = time.perf_counter()
    words, cwd = module_command("bridge")
    subprocess.run([*words, "--help"], cwd=cwd, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def _wait_for_worker(client: Client) -> StatusReply:
    """The status once the worker has loaded its bundle, or as it is after `WORKER_WAIT_S`."""
    deadline = time.monotonic() + WORKER_WAIT_S
    while (status := client.status()).worker == "starting" and time.monotonic() < deadline:
        time.sleep(0.02)
    return status


@contextmanager
def _home(folder: str) -> Iterator[None]:
    """Everything of HarmonicFlow in another folder, for this process and the daemon it starts."""
    before = os.environ.get("HARMONICFLOW_HOME")
    os.environ["HARMONICFLOW_HOME"] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ["HARMONICFLOW_HOME"]
        else:
            os.environ["HARMONICFLOW_HOME"] = before


@contextmanager
def _peaks(client: Client, status: StatusReply) -> Iterator[dict[str, int]]:
    """Bytes at most used by daemon and worker while the block runs."""
    pids = {"daemon": status.pid, "worker": status.worker_pid}
    peaks = {"daemon": status.daemon_rss_bytes, "worker": status.worker_peak_bytes}
    if _pss(status.pid) is None:
        say("note: this system does not give PSS; memory is the resident set as the daemon reports it")
        yield peaks
        after = client.status()
        peaks |= {"daemon": after.daemon_rss_bytes, "worker": after.worker_peak_bytes}
        return
    peaks |= dict.fromkeys(peaks, 0)
    stop = Event()

    def sample() -> None:
        while not stop.wait(SAMPLE_EVERY_S):
            for name, pid in pids.items():
                peaks[name] = max(peaks[name], _pss(pid) or 0)

    sampler = Thread(target=sample, daemon=True)
    sampler.start()
    try:
        yield peaks
    finally:
        stop.set()
        sampler.join()


def _pss(pid: int) -> int | None:
    """The proportional set size of a process in bytes; None where it cannot be read."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), None)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
