"""A JACK server without hardware, and a recorder into which whatever plays there goes sample for sample.

The server waits for its clients (`--sync`): on a busy machine time gets longer, but no block is lost.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np
import pytest

RATE: Final = 48_000
PERIOD: Final = 1024  # frames
CHANNELS: Final = 2
DEVICE: Final = "PortAudio"  # what PortAudio calls itself in JACK: the recorder, to the player
HERE: Final = Path(__file__).resolve()


class Jack:
    """A dummy server of its own name; `env` is what its clients need. Use it as a context manager."""

    def __init__(self, name: str = f"hf{os.getpid()}", sync: bool = True, period: int = PERIOD) -> None:
        self.env = os.environ | {"JACK_DEFAULT_SERVER": name, "JACK_NO_START_SERVER": "1"}
        words = ["jackd", "--no-realtime", "-n", name, "-t", "5000", *["-S"] * sync]
        words += ["-d", "dummy", "-r", str(RATE), "-p", str(period)]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.env)

    def __enter__(self) -> "Jack":
        for _ in range(200):
            if self.process.poll() is not None:
                break
            if subprocess.run(["jack_lsp"], env=self.env, capture_output=True).returncode == 0:
                return self
            time.sleep(0.05)
        self.__exit__()
        pytest.fail("jackd does not start")

    def __exit__(self, *_: object) -> None:
        """In order: of servers that were killed JACK remembers eight, and then starts no more."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Recorder:
    """Everything that is played to `DEVICE` while it runs. Use it as a context manager, then read `sound`."""

    def __init__(self, jack: Jack, file: Path) -> None:
        self.file, self.late = file, -1
        self.process = subprocess.Popen(
            [sys.executable, str(HERE), str(file)], env=jack.env, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )  # fmt: skip

    @property
    def frames(self) -> int:
        """How many have been recorded."""
        return self.file.stat().st_size // (4 * CHANNELS) if self.file.exists() else 0

    def __enter__(self) -> "Recorder":
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "recording\n"
        return self

    def __exit__(self, *_: object) -> None:
        try:
            out, _ = self.process.communicate("\n", timeout=20)
            self.late = int(out)
        finally:
            self.process.kill()

    def sound(self) -> np.ndarray:
        """float32 [T, C], from the first frame that is not silent."""
        whole = np.fromfile(self.file, "<f4").reshape(-1, CHANNELS)
        return whole[np.argmax(whole.any(axis=1)) :]


def require() -> None:
    """Skip the test where the server, its tools or PortAudio with JACK are not installed."""
    if not (shutil.which("jackd") and shutil.which("jack_lsp")):
        pytest.skip("JACK is not here; on Debian: sudo apt install jackd2 jack-example-tools libportaudio2")


def record(file: str) -> None:
    """The recorder's process: until a line comes in. Says how many blocks came late."""
    import sounddevice

    late = 0
    with open(file, "wb", buffering=0) as out:

        def take(sound: np.ndarray, frames: int, time: object, status: sounddevice.CallbackFlags) -> None:
            nonlocal late
            late += bool(status)
            out.write(sound.tobytes())

        (device,) = (n for n, row in enumerate(sounddevice.query_devices()) if row["name"] == "system")
        with sounddevice.InputStream(RATE, device=device, channels=CHANNELS, dtype="float32", callback=take):
            print("recording", flush=True)
            sys.stdin.readline()
    print(late, flush=True)


if __name__ == "__main__":
    record(sys.argv[1])
