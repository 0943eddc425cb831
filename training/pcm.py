"""Windows of 16-bit mono WAV files at 44.1 kHz, read where they lie: a window costs its own bytes only.

A file is opened for each window instead of being mapped for good: that measures no slower (4,700 windows of 65,536
samples per processor second against 3,400), and a map holds its file open: 2,100 songs of five parts are ten times
what a process may usually hold.

A file of our own (`write`) may carry a gain in a chunk of its own, a power of two, so that a sum above full scale is
kept whole and 16-bit sound of any level comes back bit for bit.

Shapes: T sample.
"""

import contextlib
import os
import secrets
import struct
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harmonicflow.core.constants import SAMPLE_RATE

Audio = NDArray[np.float32]

FULL_SCALE: Final = 32768.0
GAIN_CHUNK: Final = b"hfgn"
FORMAT: Final = struct.Struct("<HHIIHH")  # tag, channels, rate, bytes a second, bytes a frame, bits
PCM, EXTENSIBLE = 1, 0xFFFE
PCM_SUBFORMAT: Final = struct.pack("<H", PCM) + bytes.fromhex("000000001000800000aa00389b71")
LEAST_GAIN: Final = 2.0**-8  # a power of two; 24 bits below full scale there is nothing left to keep
PIECE: Final = 1 << 20  # samples converted at once


class Pcm(NamedTuple):
    """Where the samples of a file lie: bytes before them, how many, and what they are multiplied by."""

    path: Path
    offset: int
    samples: int
    gain: float = 1.0

    def read(self, start: int, length: int) -> Audio:
        """Samples [length] from `start` on, zero outside the file; raises OSError when the file has gone."""
        out = np.zeros(length, np.float32)
        first, last = max(0, start), min(self.samples, start + length)
        if first < last:
            with self.path.open("rb", buffering=0) as file:
                file.seek(self.offset + 2 * first)
                piece = np.frombuffer(file.read(2 * (last - first)), "<i2")
            np.multiply(piece, self.gain / FULL_SCALE, out=out[first - start : first - start + len(piece)], dtype="f4")
        return out


def find(path: Path) -> Pcm | None:
    """The samples of a whole 16-bit mono WAV file at 44.1 kHz; None for anything else, damaged files among it."""
    with contextlib.suppress(OSError, struct.error), path.open("rb") as file:
        return _walk(path, file)
    return None


def _walk(path: Path, file: BinaryIO) -> Pcm | None:
    opening = file.read(12)
    if opening[:4] != b"RIFF" or opening[8:] != b"WAVE":
        return None
    gain, fits = 1.0, False
    while True:
        name, size = struct.unpack("<4sI", file.read(8))  # struct.error at the end of the file
        start = file.tell()
        if name == b"data":
            whole = start + size <= os.fstat(file.fileno()).st_size
            return Pcm(path, start, size // 2, gain) if fits and whole else None
        if name == b"fmt ":
            fits = _fits(file.read(size))
        elif name == GAIN_CHUNK:
            (gain,) = struct.unpack("<d", file.read(8))
        file.seek(start + size + size % 2)  # chunks begin at even places


def _fits(body: bytes) -> bool:
    tag, channels, rate, _, _, bits = FORMAT.unpack_from(body)
    pcm = tag == PCM or (tag == EXTENSIBLE and body[24:40] == PCM_SUBFORMAT)
    return pcm and (channels, rate, bits) == (1, SAMPLE_RATE, 16)


def gain_for(sound: Audio) -> float:
    """The least power of two by which `sound` [T], divided, fits into 16 bits."""
    low, high = float(sound.min()), float(sound.max())
    gain = LEAST_GAIN
    while low < -gain or high > gain * (1 - 1 / FULL_SCALE):
        gain *= 2
    return gain


def write(path: Path, sound: Audio) -> Pcm:
    """Write `sound` [T], at least one finite sample at 44.1 kHz, whole or not at all; raises OSError."""
    gain = gain_for(sound)
    length = 2 * len(sound)
    head = (
        b"fmt " + struct.pack("<I", FORMAT.size) + FORMAT.pack(PCM, 1, SAMPLE_RATE, 2 * SAMPLE_RATE, 2, 16)
        + GAIN_CHUNK + struct.pack("<Id", 8, gain)
        + b"data" + struct.pack("<I", length)
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")  # two processes may write the same file
    try:
        with temporary.open("wb") as file:
            file.write(b"RIFF" + struct.pack("<I", 4 + len(head) + length) + b"WAVE" + head)
            for start in range(0, len(sound), PIECE):
                scaled = np.rint(sound[start : start + PIECE] * np.float32(FULL_SCALE / gain))
                file.write(scaled.astype("<i2").tobytes())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return Pcm(path, 12 + len(head), len(sound), gain)
