"""ONNX Runtime sessions of a bundle's networks: loaded at first use, checked, and stoppable from another thread."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort

from harmonicflow.core.errors import HarmonicFlowError

from .bundle import ALL_GRAPHS, Bundle, check_space

MAX_THREADS: Final = 8  # graphs this small gain nothing from more
SPIN_US: Final = "200"
MANY_NODES: Final = ("composer",)
# Without TF32, which would halve the digits of a matrix product.
CUDA: Final = ("CUDAExecutionProvider", {"use_tf32": "0"})
PROVIDERS: Final[dict[str, tuple[Any, ...]]] = {
    "cpu": ("CPUExecutionProvider",), "cuda": (CUDA, "CPUExecutionProvider"),
}  # fmt: skip


def physical_cores() -> int:
    """Cores this process may use, not counting the second thread of a core."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    smt = Path("/sys/devices/system/cpu/smt/active")
    doubled = smt.is_file() and smt.read_text().strip() == "1"
    return max(1, allowed // 2 if doubled else allowed)


class Runtime:
    """The networks of one bundle. One call at a time; `stop` may come from any thread.

    Same machine, versions and number of threads: the same bits, call after call. `device`: a key of `PROVIDERS`.
    """

    def __init__(self, bundle: Bundle, threads: int | None = None, device: str = "cpu") -> None:
        self.bundle = bundle
        self.device = device
        self.threads = threads or min(max(physical_cores(), 1), MAX_THREADS)
        self._sessions: dict[str, ort.InferenceSession] = {}
        self._stopped = threading.Event()
        self._options = ort.RunOptions()

    def load(self, name: str) -> None:
        """Load a network unless it is loaded. Raises `bad_bundle` (another shape, a broken file), `latent_mismatch`."""
        if name in self._sessions:
            return
        try:
            session = ort.InferenceSession(
                self.bundle.take_network(name), self._session_options(name), providers=list(PROVIDERS[self.device])
            )
        except HarmonicFlowError:
            raise
        except Exception as error:  # onnxruntime has a class of its own for every kind of broken graph
            reason = f"{name}: {_first_line(error)}"
            raise HarmonicFlowError("bad_bundle", path=self.bundle.path, reason=reason) from error
        self._check(name, session)
        self._sessions[name] = session

    def run(self, name: str, /, *, again: bool = False, **inputs: np.ndarray) -> np.ndarray:
        """The first output of a network. Raises `cancelled` after a `stop`, `engine_failed` if the graph fails.

        `again`: another run of this network follows at once, which saves it a tenth of its time: the memory is kept.
        """
        (output,) = self.outputs(name, tuple(ALL_GRAPHS[name][1])[:1], again=again, **inputs).values()
        return output

    def outputs(
        self, name: str, wanted: Sequence[str], /, *, again: bool = False, **inputs: np.ndarray
    ) -> dict[str, np.ndarray]:
        """The outputs `wanted` of a network; what only the others need is not computed. See `run`."""
        self.load(name)
        self._options = options = ort.RunOptions()
        options.only_execute_path_to_fetches = True
        if not again:  # 100 MB that others can use
            options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        self.check()  # after the options are in place: a stop from now on ends this very run
        try:
            found = self._sessions[name].run(list(wanted), inputs, options)
        except Exception as error:  # onnxruntime's classes, as above
            self.check()
            raise HarmonicFlowError("engine_failed", reason=f"{name}: {_first_line(error)}") from error
        self.check()
        return {key: np.asarray(value) for key, value in zip(wanted, found, strict=True)}

    def providers(self, name: str) -> list[str]:
        """What a network really runs on, the first one first: a provider that cannot start is left out."""
        self.load(name)
        return list(self._sessions[name].get_providers())

    def stop(self) -> None:
        """End the running graph and refuse the next ones until `resume`."""
        self._stopped.set()
        self._options.terminate = True

    def resume(self) -> None:
        """Take calls again after a `stop`."""
        self._stopped.clear()

    def check(self) -> None:
        """Raise `cancelled` if `stop` was called."""
        if self._stopped.is_set():
            raise HarmonicFlowError("cancelled")

    def _session_options(self, name: str) -> ort.SessionOptions:
        options = ort.SessionOptions()
        # Planning which of a graph's many small values share memory grows with their square: 6 s for 5,000 of them.
        options.enable_mem_reuse = name not in MANY_NODES
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 4  # errors come as exceptions; nothing is printed
        options.enable_mem_pattern = False  # lengths change from call to call
        options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")
        options.add_session_config_entry("session.force_spinning_stop", "1")  # idle threads sleep between calls
        # Between two nodes threads spin for a moment only: a DAW wants the other core for itself.
        options.add_session_config_entry("session.intra_op.spin_duration_us", SPIN_US)
        return options

    def _check(self, name: str, session: ort.InferenceSession) -> None:
        # The file's own word: model.json may have been edited to make networks of two bundles look like one.
        if said := session.get_modelmeta().custom_metadata_map.get("latent_space"):
            check_space(self.bundle.path, self.bundle.card, name, said)
        for wanted, found in zip(self.bundle.shapes(name), (session.get_inputs(), session.get_outputs()), strict=True):
            for key, shape in wanted.items():
                value = next((v for v in found if v.name == key), None)
                if value is None or value.type != "tensor(float)" or not _fits(value.shape, shape):
                    got = "missing" if value is None else f"{value.type} {value.shape}"
                    reason = f"{name}: {key} should be float {list(shape)}, is {got}"
                    raise HarmonicFlowError("bad_bundle", path=self.bundle.path, reason=reason)
            if extra := {v.name for v in found} - set(wanted):
                reason = f"{name}: {sorted(extra)[0]} is not known to this release"
                raise HarmonicFlowError("bad_bundle", path=self.bundle.path, reason=reason)


def _fits(found: list[Any], wanted: tuple[str | int, ...]) -> bool:
    """Whether a graph's shape takes any size where `wanted` has a word and the given size where it has a number."""
    return len(found) == len(wanted) and all(
        not isinstance(f, int) if isinstance(w, str) else not isinstance(f, int) or f == w
        for f, w in zip(found, wanted, strict=True)
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
