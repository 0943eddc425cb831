"""The WAV writer: 32-bit float, own header, so that the same sound is the same bytes on every machine.

libsndfile adds a PEAK chunk that holds the time of day, which would make every file differ.

Shapes: C channel, T sample.
"""

import struct
from os import PathLike
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.paths import write_atomic

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
    channels, frames = sound.shape
    finite = np.isfinite(sound).all(axis=0)
    if not finite.all():
        raise HarmonicFlowError("bad_samples", path="the sound to be written", frame=int(np.argmin(finite)))
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
    riff = b"RIFF" + struct.pack("<I", size) + b"WAVE"
    return b"".join((riff, head, b"data", struct.pack("<I", frames * width), sound.T.tobytes()))


def write_wav(path: str | PathLike[str], audio: ArrayLike, rate: int, stamp: Stamp | None = None) -> None:
    """Write `wav_bytes` so that the file is complete or not there. Raises what `wav_bytes` raises, and `disk`."""
    write_atomic(Path(path), wav_bytes(audio, rate, stamp), mode=0o666)  # less the umask, as any file of the user


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
