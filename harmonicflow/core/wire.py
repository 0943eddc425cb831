"""A message on the wire: ZeroMQ frames [seal, header, buffer, ...], signed with a shared key.

    seal    b"HF", protocol u16, sender 16 random bytes, counter u64, HMAC-SHA256 32 bytes  (60 bytes, big-endian)
    header  the message as JSON
    buffer  float32, little-endian, planar

The HMAC covers the seal before it, the header, and the number and the lengths of the buffers. It
does not cover their samples: a digest of 17 MB costs 26 to 45 ms a side, and on loopback the
connection is trusted once its header is (DESIGN: CURVE elsewhere). A sender counts its messages; a
reader's `ReplayGuard` refuses one it has seen.
"""

import hmac
import itertools
import os
import secrets
import struct
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

import msgspec

from .errors import HarmonicFlowError
from .messages import PROTOCOL, Message, encode

# Anything with the buffer protocol: bytes, memoryview, an array, zmq.Frame (a type for it comes with Python 3.12).
Buffer: TypeAlias = Any

MAX_HEADER_BYTES: Final = 8 << 20
MAX_BUFFERS: Final = 64
# Header and buffers together; also ZeroMQ's MAXMSGSIZE, which closes a connection as soon as a frame announces
# more, before anything is signed or checked. The largest clip that is read has 160 MB (audio/files.py), the largest
# file of a take of 12 minutes, stereo at 44.1 kHz, 254 MB; longer takes are read from the disk. Finished sound
# comes in pieces of 16 MiB (daemon/worker.py).
MAX_MESSAGE_BYTES: Final = 256 << 20
MAX_SOUND_BYTES: Final = MAX_MESSAGE_BYTES - MAX_HEADER_BYTES  # of all buffers of a message, whatever its header

_PREFIX: Final = struct.Struct(">2sH16sQ")
_DIGEST_BYTES: Final = 32
SEAL_BYTES: Final = _PREFIX.size + _DIGEST_BYTES


def new_key() -> bytes:
    """A fresh signing key: 32 random bytes, made by the daemon at each start."""
    return secrets.token_bytes(32)


class ReplayGuard:
    """Remembers, for each sender, the last `WINDOW` counters; one guard for each door.

    Two threads of a sender may overtake each other, so a counter a little behind is fine once.
    """

    WINDOW: Final = 1024
    MAX_SENDERS: Final = 65_536

    def __init__(self) -> None:
        self._senders: OrderedDict[bytes, tuple[int, int]] = OrderedDict()  # sender -> (highest, bits seen below it)

    def accept(self, sender: bytes, counter: int) -> None:
        """Note a message; raises `denied` for one that was noted before or is too old to tell."""
        highest, seen = self._senders.pop(sender, (-1, 0))
        step = counter - highest
        fresh = step > 0 or (step > -self.WINDOW and not seen >> -step & 1)
        if step > 0:
            highest, seen = counter, (seen << min(step, self.WINDOW) | 1) & ((1 << self.WINDOW) - 1)
        elif fresh:
            seen |= 1 << -step
        self._senders[sender] = (highest, seen)
        if len(self._senders) > self.MAX_SENDERS:
            self._senders.popitem(last=False)
        if not fresh:
            raise HarmonicFlowError("denied", reason="it was sent before")


@lru_cache(maxsize=2)
def _sender(pid: int) -> tuple[bytes, Iterator[int]]:
    """This process's name and counter; a forked child is another sender."""
    return secrets.token_bytes(16), itertools.count()


def pack(key: bytes, message: Message, buffers: Sequence[Buffer] = ()) -> list[bytes | memoryview]:
    """The frames of a message. Buffers are C-contiguous and are not copied; raises `bad_request` when too large."""
    header = encode(message)
    views = [_flat(buffer) for buffer in buffers]
    _check_sizes(header, views)
    sender, counter = _sender(os.getpid())
    prefix = _PREFIX.pack(b"HF", PROTOCOL, sender, next(counter))
    return [prefix + _digest(key, prefix, header, views), header, *views]


def unpack(
    key: bytes, frames: Sequence[Buffer], expected: Any, guard: ReplayGuard | None = None
) -> tuple[Any, list[memoryview]]:
    """The message and its buffers. `expected` is a message type or a union of them; every door has a `guard`.

    Raises `bad_request`, `protocol_version`, `denied`.
    """
    if len(frames) < 2:
        raise HarmonicFlowError("bad_request", reason=f"it has {len(frames)} frames, not a seal and a header")
    seal, header, *buffers = (_flat(frame) for frame in frames)
    _check_sizes(header, buffers)
    if len(seal) != SEAL_BYTES or bytes(seal[:2]) != b"HF":
        raise HarmonicFlowError("denied", reason="it is not signed")
    _, protocol, sender, counter = _PREFIX.unpack_from(seal)
    if protocol != PROTOCOL:
        raise HarmonicFlowError("protocol_version", theirs=protocol, ours=PROTOCOL)
    prefix = bytes(seal[: _PREFIX.size])
    if not hmac.compare_digest(seal[_PREFIX.size :], _digest(key, prefix, header, buffers)):
        raise HarmonicFlowError("denied", reason="its signature is wrong")
    if guard is not None:
        guard.accept(sender, counter)
    try:
        return _decoder(expected).decode(header), buffers
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise HarmonicFlowError("bad_request", reason=str(error)[:300]) from None


def _flat(buffer: Buffer) -> memoryview:
    """The bytes of a buffer, without a copy."""
    view = memoryview(buffer)
    return view.cast("B") if view.nbytes else memoryview(b"")


def _check_sizes(header: bytes | memoryview, buffers: Sequence[memoryview]) -> None:
    if len(header) > MAX_HEADER_BYTES or len(buffers) > MAX_BUFFERS:
        raise HarmonicFlowError("bad_request", reason="its header is too long or it has too many buffers")
    if len(header) + sum(map(len, buffers)) > MAX_MESSAGE_BYTES:
        raise HarmonicFlowError("bad_request", reason=f"it is larger than {MAX_MESSAGE_BYTES >> 20} MiB")


def _digest(key: bytes, prefix: bytes, header: bytes | memoryview, buffers: Sequence[memoryview]) -> bytes:
    lengths = struct.pack(f">II{len(buffers)}Q", len(header), len(buffers), *map(len, buffers))
    return hmac.digest(key, b"".join((prefix, lengths, header)), "sha256")


@lru_cache(maxsize=32)
def _decoder(expected: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(expected)
