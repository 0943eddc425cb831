"""The WAV writer: 32-bit float or 24-bit, own header, so that the same sound is the same bytes on every machine.

libsndfile adds a PEAK chunk that holds the time of day, which would make every file differ. What a file says of itself
stands in `wav_chunks`.

Shapes: C channel, T sample.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import IO, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.paths import atomic_file, write_atomic

from .wav_chunks import Stamp, acid_chunk, bext_chunk, chunk

__all__ = ["Stamp", "WavStream", "stream_into", "wav_bytes", "wav_head", "wav_stream", "write_wav"]

PCM, IEEE_FLOAT = 1, 3  # the format tags
FLOAT_BITS: Final = 32
FULL_SCALE: Final = 1 << 23  # of 24 bits
MAX_BYTES: Final = 0xFFFF_FFFF  # sizes are 32 bits


def wav_bytes(audio: ArrayLike, rate: int, stamp: Stamp | None = None) -> bytes:
    """A float32 WAV file of `audio` [C, T] or [T]: fmt, fact, perhaps bext and acid, data.

    Raises `bad_samples` for NaN or infinity, `too_long` above 4 GB.
    """
    sound = np.atleast_2d(np.asarray(audio, "<f4"))
    _refuse_bad(sound, 0)
    return wav_head(len(sound), sound.shape[1], rate, stamp) + sound.T.tobytes()


def wav_head(channels: int, frames: int, rate: int, stamp: Stamp | None = None, bits: int = FLOAT_BITS) -> bytes:
    """All of such a file that stands before the samples. Raises `too_long` above 4 GB."""
    width = bits // 8 * channels
    if bits == FLOAT_BITS:
        about = struct.pack("<HHIIHHH", IEEE_FLOAT, channels, rate, rate * width, width, bits, 0)
        chunks = [chunk(b"fmt ", about), chunk(b"fact", struct.pack("<I", frames))]
    else:
        chunks = [chunk(b"fmt ", struct.pack("<HHIIHH", PCM, channels, rate, rate * width, width, bits))]
    if stamp is not None:
        chunks.append(bext_chunk(stamp, channels, rate, bits))
        if stamp.tempo_bpm is not None:
            chunks.append(acid_chunk(stamp, frames / rate))
    head = b"".join(chunks)
    size = 4 + len(head) + 8 + frames * width + _pad(frames * width)
    if size > MAX_BYTES:
        seconds, maximum = frames / rate, MAX_BYTES // width / rate
        raise HarmonicFlowError("too_long", what="the sound", seconds=f"{seconds:.0f}", maximum=f"{maximum:.0f}")
    return b"".join((b"RIFF", struct.pack("<I", size), b"WAVE", head, b"data", struct.pack("<I", frames * width)))


def _pad(size: int) -> int:
    return size % 2


def write_wav(path: str | PathLike[str], audio: ArrayLike, rate: int, stamp: Stamp | None = None) -> None:
    """Write `wav_bytes` so that the file is complete or not there. Raises what `wav_bytes` raises, and `disk`."""
    write_atomic(Path(path), wav_bytes(audio, rate, stamp), mode=0o666)  # less the umask, as any file of the user


@contextmanager
def wav_stream(
    path: str | PathLike[str], channels: int, frames: int, rate: int, stamp: Stamp | None = None, bits: int = FLOAT_BITS
) -> Iterator["WavStream"]:
    """Write a file piece by piece. It gets its name at the end of the `with`, and none when that ends in an error.

    Raises what `write_wav` raises.
    """
    head = wav_head(channels, frames, rate, stamp, bits)
    with atomic_file(Path(path), mode=0o666) as file, _samples(file, head, channels, frames, bits) as sound:
        yield sound


@contextmanager
def stream_into(
    file: IO[bytes], channels: int, frames: int, rate: int, stamp: Stamp | None = None, bits: int = FLOAT_BITS
) -> Iterator["WavStream"]:
    """The same into a file that is open already. Raises `too_long`, `bad_samples`."""
    with _samples(file, wav_head(channels, frames, rate, stamp, bits), channels, frames, bits) as sound:
        yield sound


@contextmanager
def _samples(file: IO[bytes], head: bytes, channels: int, frames: int, bits: int) -> Iterator["WavStream"]:
    file.write(head)
    sound = WavStream(file, channels, frames, bits)
    yield sound
    if sound.missing:
        raise ValueError(f"{sound.missing} of {frames} frames were never given")
    file.write(bytes(_pad(bits // 8 * channels * frames)))


class WavStream:
    """The samples of a file that is being written; what is given beyond its length is left out.

    `clipped` counts the samples that 24 bits had no room for; float has room for all.
    """

    def __init__(self, file: IO[bytes], channels: int, frames: int, bits: int = FLOAT_BITS) -> None:
        self._file, self._channels, self._frames, self._bits = file, channels, frames, bits
        self.missing = frames
        self.clipped = 0

    def write(self, audio: ArrayLike) -> None:
        """The next piece [C, T]."""
        piece = np.asarray(audio, "<f4")[:, : self.missing]
        if len(piece) != self._channels:
            raise ValueError(f"{len(piece)} channels into a file of {self._channels}")
        _refuse_bad(piece, self._frames - self.missing)
        self._file.write(piece.T.tobytes() if self._bits == FLOAT_BITS else self._whole(piece))
        self.missing -= piece.shape[1]

    def _whole(self, piece: NDArray[np.float32]) -> bytes:
        """24-bit samples. What is rounded away lies 144 dB below full scale, so there is no dither."""
        steps = np.rint(piece.T.astype(np.float64) * FULL_SCALE)
        self.clipped += int(np.count_nonzero((steps < -FULL_SCALE) | (steps >= FULL_SCALE)))
        whole = np.clip(steps, -FULL_SCALE, FULL_SCALE - 1).astype("<i4")
        return np.ascontiguousarray(whole).view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def _refuse_bad(sound: NDArray[np.float32], first: int) -> None:
    finite = np.isfinite(sound).all(axis=0)
    if not finite.all():
        raise HarmonicFlowError("bad_samples", path="the sound to be written", frame=first + int(np.argmin(finite)))
