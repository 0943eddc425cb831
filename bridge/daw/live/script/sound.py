"""WAV and AIFF files, read and cut with the standard library alone: integers and floats, one or two channels.

Legend: frames count from the file's start; a block is a list of arrays of float32, one for each channel.
"""

import math
import os
import struct
import sys
from array import array
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from .words import Trouble

MAX_CHUNKS = 4096  # of a file; real ones have some ten
PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE  # Microsoft's format tags
AIFF_C = {  # Apple's names of codings: bytes are in big-endian order, whether they are floats
    b"NONE": (True, False),
    b"twos": (True, False),
    b"sowt": (False, False),
    b"in24": (True, False),
    b"in32": (True, False),
    b"fl32": (True, True),
    b"FL32": (True, True),
    b"fl64": (True, True),
    b"FL64": (True, True),
}


class Layout(NamedTuple):
    """Where the samples of a file are, and what they are."""

    path: str
    rate: int  # Hz
    channels: int
    width: int  # bytes of one sample
    floats: bool
    big: bool  # the order of the bytes
    start: int  # of the first sample, in bytes
    frames: int

    @property
    def frame_bytes(self) -> int:
        """Of one frame."""
        return self.width * self.channels


def look(path: str) -> Layout:
    """What a file holds; raises Trouble with a sentence."""
    name = os.path.basename(path)
    try:
        size = os.path.getsize(path)
        with open(path, "rb") as file:
            head = file.read(12)
            if head[:4] == b"RIFF" and head[8:] == b"WAVE":
                found = _wav(file, path, size)
            elif head[:4] == b"FORM" and head[8:] in (b"AIFF", b"AIFC"):
                found = _aiff(file, path, size)
            else:
                raise Trouble(f"{name} is no WAV or AIFF file, and others cannot be read inside Live")
    except OSError as error:
        raise Trouble(f"{name} cannot be read: {error.strerror}") from None
    except (struct.error, KeyError, IndexError, ValueError, OverflowError):
        raise Trouble(f"{name} is damaged") from None
    usable = (4, 8) if found.floats else (1, 2, 3, 4)
    if found.width not in usable or not 8000 <= found.rate <= 384000 or found.frames < 1:
        raise Trouble(f"{name} is of a kind that cannot be read inside Live")
    if not 1 <= found.channels <= 2:
        raise Trouble(f"{name} has {found.channels} channels, and only one or two can be read")
    return found


def _chunks(file: BinaryIO, size: int, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Name, place and length of every chunk; a length beyond the file's end is cut."""
    place = 12
    for _ in range(MAX_CHUNKS):
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            return
        length = min(struct.unpack(order + "I", head[4:])[0], size - place - 8)
        yield head[:4], place + 8, length
        place += 8 + length + length % 2


def _found(file: BinaryIO, size: int, order: str, head: bytes, most: int) -> tuple[dict[bytes, tuple[int, int]], bytes]:
    """Place and length of the first chunk of each name, and the beginning of the one that says the form."""
    found: dict[bytes, tuple[int, int]] = {}
    for name, place, length in _chunks(file, size, order):
        found.setdefault(name, (place, length))
    place, length = found[head]
    file.seek(place)
    return found, file.read(min(length, most))


def _wav(file: BinaryIO, path: str, size: int) -> Layout:
    found, form = _found(file, size, "<", b"fmt ", 40)
    tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", form[:16])
    if tag == EXTENSIBLE:
        tag = struct.unpack("<H", form[24:26])[0]
    if tag not in (PCM, FLOAT) or bits % 8:
        raise Trouble(f"{os.path.basename(path)} is a packed WAV file, and that cannot be read inside Live")
    start, length = found[b"data"]
    return Layout(path, rate, channels, bits // 8, tag == FLOAT, False, start, length // max(1, bits // 8 * channels))


def _aiff(file: BinaryIO, path: str, size: int) -> Layout:
    found, form = _found(file, size, ">", b"COMM", 22)
    channels, frames, bits = struct.unpack(">hIh", form[:8])
    coding = form[18:22] or b"NONE"
    if coding not in AIFF_C:
        raise Trouble(f"{os.path.basename(path)} is a packed AIFF file, and that cannot be read inside Live")
    big, floats = AIFF_C[coding]
    start, length = found[b"SSND"]
    file.seek(start)
    start += 8 + int(struct.unpack(">I", file.read(4))[0])
    width = (bits + 7) // 8
    frames = min(frames, (found[b"SSND"][1] - 8) // max(1, width * channels))
    return Layout(path, _extended(form[8:18]), channels, width, floats, big, start, frames)


def _extended(data: bytes) -> int:
    """Apple's number of 80 bits, to the nearest whole one."""
    exponent, mantissa = struct.unpack(">HQ", data)
    return round(math.ldexp(mantissa, (exponent & 0x7FFF) - 16383 - 63))


def block(file: BinaryIO, layout: Layout, first: int, count: int, gain: float = 1.0) -> list["array[float]"]:
    """Frames `first` to `first + count` as float32; fewer at the file's end. Raises OSError."""
    count = max(0, min(count, layout.frames - first))
    file.seek(layout.start + first * layout.frame_bytes)
    data = file.read(count * layout.frame_bytes)
    samples = _floats(data[: len(data) - len(data) % layout.frame_bytes], layout, gain)
    return [samples[channel :: layout.channels] for channel in range(layout.channels)]


def _floats(data: bytes, layout: Layout, gain: float) -> "array[float]":
    """Interleaved float32 of interleaved samples of any kind."""
    scale = gain
    found: array[Any]
    if layout.floats:
        found = array("f" if layout.width == 4 else "d", data)
        _order(found, layout.big)
        if layout.width == 4 and scale == 1.0:
            return found
    elif layout.width == 1:  # WAV counts from 128, AIFF from 0
        found = array("b", data) if layout.big else array("b", (byte - 128 for byte in data))
        scale /= 1 << 7
    elif layout.width == 3:
        wide = bytearray(len(data) // 3 * 4)  # the lowest byte stays 0
        low, middle, high = (2, 1, 0) if layout.big else (0, 1, 2)
        wide[1::4], wide[2::4], wide[3::4] = data[low::3], data[middle::3], data[high::3]
        found = array("i", bytes(wide))
        _order(found, False)
        scale /= 1 << 31
    else:
        found = array("h" if layout.width == 2 else "i", data)
        _order(found, layout.big)
        scale /= 1 << (8 * layout.width - 1)
    return array("f", [value * scale for value in found])


def _order(samples: "array[Any]", big: bool) -> None:
    if big != (sys.byteorder == "big"):
        samples.byteswap()


def cut(layout: Layout, target: str, first: int, last: int, step_bytes: int) -> Iterator[None]:
    """Copy a WAV file, or its frames `first` to `last` as a WAV file of their own, `step_bytes` at a time.

    `target` is there when the last step is done, whole, and never half; raises OSError.
    """
    folder, name = os.path.split(target)
    half = os.path.join(folder, f".{name}.half")
    whole = first == 0 and last == layout.frames
    try:
        with open(layout.path, "rb") as source, open(half, "wb") as sink:
            if whole:
                left = os.path.getsize(layout.path)
            else:
                left = (last - first) * layout.frame_bytes
                sink.write(_head(layout, left))
                source.seek(layout.start + first * layout.frame_bytes)
            while left:
                data = source.read(min(step_bytes, left))
                if not data:
                    raise OSError(5, f"{os.path.basename(layout.path)} ends early")
                left -= sink.write(data)
                yield
        os.replace(half, target)
    finally:
        if os.path.exists(half):
            os.remove(half)


def _head(layout: Layout, length: int) -> bytes:
    """All of a WAV file before its samples."""
    tag = FLOAT if layout.floats else PCM
    width, size = layout.frame_bytes, layout.width * 8
    form = struct.pack("<HHIIHH", tag, layout.channels, layout.rate, layout.rate * width, width, size)
    head = struct.pack("<4sI4s4sI", b"RIFF", 36 + length, b"WAVE", b"fmt ", 16)
    return head + form + struct.pack("<4sI", b"data", length)
