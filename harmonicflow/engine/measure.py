"""How fast the codec is on this computer: `python -m harmonicflow.engine.measure` writes one JSON object.

A module of its own to run, because those who ask (`harmonicflow bench`) do not load the engine.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import onnxruntime as ort

from harmonicflow.core.constants import DEFAULT_STEMS, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError

from . import codec
from .bundle import Bundle, chosen_path
from .runtime import Runtime

ROWS: Final = len(DEFAULT_STEMS)
LEVEL: Final = 0.1  # of the noise that is encoded; the work does not depend on what is heard


def codec_speed(runtime: Runtime, seconds: float, runs: int) -> dict[str, Any]:
    """Seconds of sound a second, of four stems at once, best of `runs` after one to warm up: encode and decode."""
    sound_BT = LEVEL * np.random.default_rng(0).standard_normal((ROWS, round(seconds * SAMPLE_RATE)), np.float32)
    latents_BLC = codec.encode(runtime, sound_BT)
    codec.decode(runtime, latents_BLC)
    return {
        "encode_x_realtime": seconds / _best(lambda: codec.encode(runtime, sound_BT), runs),
        "decode_x_realtime": seconds / _best(lambda: codec.decode(runtime, latents_BLC), runs),
        "rows": ROWS,
        "threads": runtime.threads,
        "providers": runtime.providers("decoder"),
    }


def measure(bundle: str | None, seconds: float, runs: int, threads: int | None = None) -> dict[str, Any]:
    """The codec's speed by device: always "cpu", and "cuda" where the runtime has it and it starts."""
    found = Bundle.load(chosen_path(bundle))
    devices = {"cpu": codec_speed(Runtime(found, threads), seconds, runs)}
    if "CUDAExecutionProvider" in ort.get_available_providers():
        runtime = Runtime(found, threads, "cuda")
        if runtime.providers("decoder")[0] == "CUDAExecutionProvider":
            devices["cuda"] = codec_speed(runtime, seconds, runs)
    return {"devices": devices, "available_providers": ort.get_available_providers(), "onnxruntime": ort.__version__}


def _best(work: Callable[[], object], runs: int) -> float:
    """The shortest of several runs: whatever else the computer does can only add."""
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> int:
    """Write the figures to stdout; errors as an object with `error`. Returns the exit code."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--bundle")
    options.add_argument("--seconds", type=float, default=12.0)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--threads", type=int)
    try:
        print(json.dumps(measure(**vars(options.parse_args()))))
    except HarmonicFlowError as error:
        print(json.dumps({"error": error.to_wire()}))
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
