"""Sound to a device through PortAudio: a thread reads ahead, the device's own takes from a queue and never waits.

Legend: C channels, T frames.
"""

import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harmonicflow.core.errors import HarmonicFlowError

if TYPE_CHECKING:
    import numpy as np

PIECE: Final = 4096  # frames
AHEAD: Final = 32  # pieces in the queue: 3 s at 44.1 kHz
LOOK_S: Final = 0.05  # how soon Ctrl-C is seen
LIST: Final = "List the devices with: harmonicflow play --list-devices"


def library() -> Any:
    """The module sounddevice; raises `missing_package` without it and `no_sound` without PortAudio."""
    try:
        import sounddevice
    except ModuleNotFoundError as error:
        install = 'python -m pip install "harmonicflow[play]"'
        raise HarmonicFlowError("missing_package", package="sounddevice", install=install) from error
    except OSError as error:
        hint = "Install it, on Debian and Ubuntu with: sudo apt install libportaudio2"
        raise HarmonicFlowError("no_sound", reason="the library PortAudio is not installed", hint=hint) from error
    return sounddevice


def devices() -> list[dict[str, Any]]:
    """The output devices: number, name, channels, rate in Hz, whether it is the default one. Raises `no_sound`."""
    sounds = library()
    found = sounds.query_devices()
    try:
        chosen = sounds.query_devices(kind="output")["name"]
    except (ValueError, sounds.PortAudioError):
        chosen = None
    rows = [
        {
            "device": number, "name": row["name"], "channels": row["max_output_channels"],
            "rate": round(row["default_samplerate"]), "default": row["name"] == chosen,
        }
        for number, row in enumerate(found) if row["max_output_channels"] > 0
    ]  # fmt: skip
    if not rows:
        raise HarmonicFlowError("no_sound", reason="there is no output device", hint="Connect one, or start JACK")
    return rows


class Playing:
    """One sound file on its way to a device. `gaps` counts the blocks for which nothing was ready in time."""

    def __init__(
        self, path: Path, device: str | None = None, volume_db: float = 0.0, rate: int | None = None, loop: bool = False
    ) -> None:
        from harmonicflow.audio import files

        self.path, self.loop, self.gaps = path, loop, 0
        self.gain = 10 ** (volume_db / 20)
        self.info = files.info(path)
        self._sounds = library()
        self.device, self.channels = self._device(device)
        self.rate = self._rate(rate)
        self._queue: queue.Queue[np.ndarray | None] = queue.Queue(AHEAD)
        self._rest: np.ndarray | None = None  # of the piece that is being played
        self._ending = threading.Event()  # nobody needs more pieces
        self._read = threading.Event()  # enough is ready to begin
        self._wrong: Exception | None = None

    def _device(self, name: str | None) -> tuple[int | str | None, int]:
        """The device by number or a part of its name, and the channels it gets: one, or two."""
        chosen: int | str | None = int(name) if name is not None and name.isdigit() else name
        try:
            row = self._sounds.query_devices(chosen, "output")
        except (ValueError, self._sounds.PortAudioError):
            if chosen is None:
                devices()  # says so where there is none at all
            what = f"there is no output device {name!r}" if name else "no output device is the default one"
            raise HarmonicFlowError("no_sound", reason=what, hint=LIST) from None
        return chosen, min(2, row["max_output_channels"])

    def _rate(self, asked: int | None) -> int:
        """What is asked for, else the file's rate where the device takes it, else the device's own."""
        own = round(self._sounds.query_devices(self.device, "output")["default_samplerate"])
        for rate in (asked,) if asked else (self.info.rate, own):
            try:
                self._sounds.check_output_settings(self.device, self.channels, "float32", samplerate=rate)
                return rate
            except (ValueError, self._sounds.PortAudioError):
                continue
        reason = f"device {self.device} does not take {asked or self.info.rate} Hz"
        raise HarmonicFlowError("no_sound", reason=reason, hint="Leave --rate out, or choose another --device")

    def run(self) -> None:
        """Play to the end. Raises what reading raises, `no_sound`; KeyboardInterrupt stops the sound at once."""
        done = threading.Event()
        reader = threading.Thread(target=self._fill, name="reading ahead", daemon=True)
        reader.start()
        stream = None
        try:
            while not self._read.wait(LOOK_S):
                pass
            stream = self._sounds.OutputStream(
                samplerate=self.rate, channels=self.channels, device=self.device, dtype="float32",
                callback=self._give, finished_callback=done.set,
            )  # fmt: skip
            stream.start()
            while not done.wait(LOOK_S):
                pass
            stream.stop()
        except self._sounds.PortAudioError as error:
            reason = str(error).partition("[")[0].strip().rstrip(".")
            raise HarmonicFlowError("no_sound", reason=f"the device says: {reason}", hint=LIST) from None
        finally:
            self._ending.set()
            if stream is not None:
                stream.abort(ignore_errors=True)
                stream.close(ignore_errors=True)
        if self._wrong is not None:
            raise self._wrong

    def _give(self, out: "np.ndarray", frames: int, time: object, status: object) -> None:
        """The device's thread: fill `out` [frames, C] with what is ready."""
        done = 0
        while done < frames:
            if self._rest is None:
                try:
                    self._rest = self._queue.get_nowait()
                except queue.Empty:
                    self.gaps += 1
                    break
                if self._rest is None:
                    out[done:] = 0
                    raise self._sounds.CallbackStop
            count = min(frames - done, len(self._rest))
            out[done : done + count] = self._rest[:count]
            self._rest = self._rest[count:] if count < len(self._rest) else None
            done += count
        out[done:] = 0

    def _fill(self) -> None:
        """The reading thread: pieces into the queue, then None."""
        try:
            for piece in self._pieces():
                self._put(piece)
        except Exception as error:  # told where the sound is waited for
            self._wrong = error
        self._put(None)
        self._read.set()

    def _put(self, piece: "np.ndarray | None") -> None:
        while not self._ending.is_set():
            try:
                self._queue.put(piece, timeout=LOOK_S)
                return
            except queue.Full:
                self._read.set()

    def _pieces(self) -> "Iterator[np.ndarray]":
        """float32 [T, C] at the device's rate, loud as asked, never beyond full scale."""
        import numpy as np

        from harmonicflow.audio import files
        from harmonicflow.audio.resample import StreamResampler

        resampler = StreamResampler(self.info.rate, self.rate, self.channels)
        while True:
            for piece in files.stream(self.path, piece_frames=PIECE):
                sound = resampler.process(self._mixed(piece))
                if sound.shape[1]:
                    yield np.ascontiguousarray(np.clip(sound.T * np.float32(self.gain), -1, 1))
            if not self.loop:
                break
        rest = resampler.finish()
        if rest.shape[1]:
            yield np.ascontiguousarray(np.clip(rest.T * np.float32(self.gain), -1, 1))

    def _mixed(self, sound: "np.ndarray") -> "np.ndarray":
        """As many channels as the device gets."""
        import numpy as np

        if len(sound) == self.channels:
            return sound
        if len(sound) == 1 or self.channels == 1:
            return np.repeat(sound.mean(axis=0, keepdims=True, dtype=np.float32), self.channels, axis=0)
        sides = [sound[side::2].mean(axis=0, dtype=np.float32) for side in (0, 1)]
        return np.stack(sides)
