"""The WAV writer: 32-bit float, own header, so that the same sound is the same bytes on every machine.

libsndfile adds a PEAK chunk that holds the time of day, which would make every file differ.

Shapes: C channel, T sample.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.paths import atomic_file, write_atomic

IEEE_FLOAT: Final = 3  # the format tag
MAX_BYTES: Final = 0xFFFF_FFFF  # sizes are 32 bits
BEXT_VERSION: Final = 1


class Stamp(NamedTuple):
    """What a file tells a DAW about its place: the project frame of its first frame, tempo and meter."""

    start_frame: int = 0
    tempo_bpm: float | None = None  # left out of the file when None: some hosts stretch by it
    meter: tuple[int, int] = (4, 4)


def wav_bytes(audio: ArrayLike, rate: int, stamp: Stamp | None = None) -> bytes:
    """A float32 WAV file of `audio` [C, T] or [T]: fmt, fact, perhaps bext and acid, data.

    Raises `bad_samples` for NaN or infinity, `too_long` above 4 GB.
    """
    sound = np.atleast_2d(np.asarray(audio, "<f4"))
    _refuse_bad(sound, 0)
    return wav_head(len(sound), sound.shape[1], rate, stamp) + sound.T.tobytes()


def wav_head(channels: int, frames: int, rate: int, stamp: Stamp | None = None) -> bytes:
    """All of such a file that stands before the samples. Raises `too_long` above 4 GB."""
    width = 4 * channels
    chunks = [
        _chunk(b"fmt ", struct.pack("<HHIIHHH", IEEE_FLOAT, channels, rate, rate * width, width, 32, 0)),
        _chunk(b"fact", struct.pack("<I", frames)),
    ]
    if stamp is not None:
        chunks.append(_chunk(b"bext", _bext(stamp)))
        if stamp.tempo_bpm is not None:
            chunks.append(_chunk(b"acid", _acid(stamp, frames / rate)))
    head = b"".join(chunks)
    size = 4 + len(head) + 8 + frames * width
    if size > MAX_BYTES:
        seconds, maximum = frames / rate, MAX_BYTES // width / rate
        raise HarmonicFlowError("too_long", what="the sound", seconds=f"{seconds:.0f}", maximum=f"{maximum:.0f}")
    return b"".join((b"RIFF", struct.pack("<I", size), b"WAVE", head, b"data", struct.pack("<I", frames * width)))


def write_wav(path: str | PathLike[str], audio: ArrayLike, rate: int, stamp: Stamp | None = None) -> None:
    """Write `wav_bytes` so that the file is complete or not there. Raises what `wav_bytes` raises, and `disk`."""
    write_atomic(Path(path), wav_bytes(audio, rate, stamp), mode=0o666)  # less the umask, as any file of the user


@contextmanager
def wav_stream(path: str | PathLike[str], channels: int, frames: int, rate: int) -> Iterator["WavStream"]:
    """Write a file piece by piece. It gets its name at the end of the `with`, and none when that ends in an error.

    Raises what `write_wav` raises.
    """
    head = wav_head(channels, frames, rate)
    with atomic_file(Path(path), mode=0o666) as file:
        file.write(head)
        sound = WavStream(file, channels, frames)
        yield sound
        if sound.missing:
            raise ValueError(f"{sound.missing} of {frames} frames were never given")


class WavStream:
    """The samples of a file that is being written; what is given beyond its length is left out."""

    def __init__(self, file: BinaryIO, channels: int, frames: int) -> None:
        self._file, self._channels, self._frames = file, channels, frames
        self.missing = frames

    def write(self, audio: ArrayLike) -> None:
        """The next piece [C, T]."""
        piece = np.asarray(audio, "<f4")[:, : self.missing]
        if len(piece) != self._channels:
            raise ValueError(f"{len(piece)} channels into a file of {self._channels}")
        _refuse_bad(piece, self._frames - self.missing)
        self._file.write(piece.T.tobytes())
        self.missing -= piece.shape[1]


def _refuse_bad(sound: NDArray[np.float32], first: int) -> None:
    finite = np.isfinite(sound).all(axis=0)
    if not finite.all():
        raise HarmonicFlowError("bad_samples", path="the sound to be written", frame=first + int(np.argmin(finite)))


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body


def _bext(stamp: Stamp) -> bytes:
    """Broadcast wave extension (EBU Tech 3285): only the originator and the time reference are filled."""
    low, high = stamp.start_frame & 0xFFFF_FFFF, stamp.start_frame >> 32
    return struct.pack("<256s32s32s10s8sIIH254x", b"", b"HarmonicFlow", b"", b"", b"", low, high, BEXT_VERSION)


def _acid(stamp: Stamp, seconds: float) -> bytes:
    """The loop chunk of ACID, which most hosts read the tempo from: flags 4 = may be stretched."""
    numerator, denominator = stamp.meter
    bpm = stamp.tempo_bpm or 0.0
    beats = round(seconds * bpm / 60)
    return struct.pack("<IHHfIHHf", 4, 60, 0x8000, 0.0, beats, denominator, numerator, bpm)
