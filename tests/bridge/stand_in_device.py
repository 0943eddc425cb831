"""A device for what is played that needs no sound system."""

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bridge.audition import device as devices
from bridge.audition import in_step, playback, sounding


def noise(frames: int, channels: int = 2) -> np.ndarray:
    sound = np.random.default_rng(7).uniform(-0.5, 0.5, (frames, channels)).astype(np.float32)
    sound[0] = 0.5
    return sound


class Device:
    """A stand-in for the module sounddevice whose only device plays in its own thread, as quick as it likes."""

    PortAudioError, CallbackStop = RuntimeError, StopIteration

    def __init__(self, channels: int = 2, rates: tuple[int, ...] = (44_100,), block: int = 441) -> None:
        self.row = {"name": "stand-in", "max_output_channels": channels, "default_samplerate": float(rates[0])}
        self.rates, self.block, self.heard, self.closed = rates, block, [], False
        self.running = threading.Event()

    def query_devices(self, device: object = None, kind: object = None) -> Any:
        if device not in (None, 0, "stand"):
            raise ValueError(f"No output device matching {device!r}")
        return self.row if kind else [self.row]

    def check_output_settings(self, device: object, channels: int, dtype: str, samplerate: int) -> None:
        if samplerate not in self.rates or channels > self.row["max_output_channels"]:
            raise self.PortAudioError("Invalid sample rate")

    def OutputStream(self, callback: Any, finished_callback: Any, channels: int, **_: Any) -> Any:
        def play() -> None:
            while self.running.is_set():
                out = np.full((self.block, channels), 9, np.float32)
                try:
                    callback(out, self.block, None, None)
                except self.CallbackStop:
                    self.running.clear()
                self.heard.append(out)
                time.sleep(self.block / 44_100 / 4)
            finished_callback()

        thread = threading.Thread(target=play, daemon=True)

        def start() -> None:
            self.running.set()
            thread.start()

        def close(ignore_errors: bool = True) -> None:
            self.running.clear()
            self.closed = True

        self.stream = SimpleNamespace(start=start, stop=lambda ignore_errors=True: None, close=close, active=True)
        return self.stream


def use(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sounding, devices):
        monkeypatch.setattr(module, "library", lambda: device)


def playback_of(*paths: Path, rate: int = 44_100, every: int = 0, loop: bool = False) -> playback.Playback:
    where = sounding.output(None, None, rate)
    voices = in_step.InStep([in_step.File(path) for path in paths], where.rate, where.channels)
    return playback.Playback(voices, where, loop, every)
