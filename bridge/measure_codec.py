"""The codec's speed for `bench`, measured in a process of its own: the engine is not loaded here."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

from harmonicflow.core.errors import HarmonicFlowError

from .spawn import module_command

MODULE: Final = "harmonicflow.engine.measure"  # of this name in a bare clone too


def codec_figures(seconds: int, runs: int, bundle: str | None) -> dict[str, Any]:
    """Encode and decode of four stems in multiples of real time, on every device the runtime can use.

    Raises what the engine raises, and `engine_failed` where it does not answer.
    """
    words, cwd = module_command("bridge")
    words = [*words[:-1], MODULE, "--seconds", str(seconds), "--runs", str(runs)]
    if bundle is not None:
        folder = Path(bundle).expanduser()
        words += ["--bundle", str(folder.absolute()) if folder.exists() else bundle]
    found = _answer(subprocess.run(words, cwd=cwd, capture_output=True, text=True))
    figures: dict[str, Any] = {}
    for device, row in found["devices"].items():
        ending = "" if device == "cpu" else f"_{device}"
        figures |= {f"{work}_x_realtime{ending}": row[f"{work}_x_realtime"] for work in ("encode", "decode")}
        figures[f"codec_providers{ending}"] = row["providers"]
    figures |= {f"codec_{name}": found["devices"]["cpu"][name] for name in ("rows", "threads")}
    return figures | {"available_providers": found["available_providers"], "onnxruntime": found["onnxruntime"]}


def _answer(ran: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(ran.stdout)
    except ValueError:
        last = (ran.stderr.strip().splitlines() or [f"it ended with exit code {ran.returncode}"])[-1]
        raise HarmonicFlowError("engine_failed", reason=f"the codec was not measured: {last[:200]}") from None
    if "error" in found:
        raise HarmonicFlowError.from_wire(found["error"])
    return found
