"""Mutated bytes from a seed, the corpus of those that once did harm, and how a door fared.

A corpus file holds one input: a datagram as it is, or the frames of a message, each after its length (32 bits,
big-endian). An input that harms a door is saved there by the run that found it, and from then on is a fast test.
"""

import random
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
LATE_S = 0.1  # an answer that comes later is late
TRIES = 5  # a machine that has other things to do may be late, but not with the same input each time
PAUSE_S = 0.2  # between two of them

NUMBERS = (0, 1, -1, 2**31 - 1, -(2**31), 4, -4, 0x7FFFFFFC, 255, 65_536)


def mutated(data: bytes, other: bytes, dice: random.Random, words: Sequence[bytes] = ()) -> bytes:
    """Some bytes with one to a dozen of the things that enemies and bad lines do to them."""
    new = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 2, 4, 12))):
        place = dice.randrange(len(new) + 1)
        span = dice.randrange(1, 24)
        match dice.randrange(9):
            case 0 if place < len(new):
                new[place] = dice.randrange(256)
            case 1 if place < len(new):
                new[place] ^= 1 << dice.randrange(8)
            case 2:
                del new[place : place + span]
            case 3:
                new[place:place] = dice.randbytes(span)
            case 4:
                new[place:place] = new[dice.randrange(len(new) + 1) :][:span]
            case 5:
                new[place:] = other[dice.randrange(len(other) + 1) :]
            case 6:
                new[place : place + 4] = struct.pack(">i", dice.choice(NUMBERS))
            case 7 if words:
                new[place : place + dice.choice((0, 0, span))] = dice.choice(words)
            case 8:
                del new[place:]
    return bytes(new)


@dataclass
class Fared:
    """How a door fared under so many inputs."""

    inputs: int = 0
    asked: int = 0  # times that the daemon was asked whether it is well
    slowest_s: float = 0.0
    late: int = 0  # answers that were late, but not with the same inputs again
    answered: dict[str, int] = field(default_factory=dict)  # what it said, by kind
    harmful: list[bytes] = field(default_factory=list)  # saved in the corpus

    def __str__(self) -> str:
        said = ", ".join(f"{count:,} {kind}" for kind, count in sorted(self.answered.items()))
        late = f", {self.late} late once and not again" if self.late else ""
        return f"slowest answer {1000 * self.slowest_s:.1f} ms of {self.asked:,}{late}; {said}"


def run(
    batches: Iterator[list[bytes]], send: Callable[[list[bytes]], float], mistakes: Callable[[], int], kind: str,
    fared: Fared,
) -> Fared:  # fmt: skip
    """Send batch after batch. `send` gives the seconds until the daemon said that it is well.

    `mistakes` counts what the daemon's log says went wrong; a batch after which it has grown, or that is late each
    time it is tried, is sent again one by one, and what does it is saved.
    """
    before = mistakes()
    for batch in batches:
        seconds = send(batch)
        fared.inputs += len(batch)
        fared.asked += 1
        if seconds > LATE_S:
            seconds = min(seconds, _again(batch, send))
            fared.late += seconds <= LATE_S
        fared.slowest_s = max(fared.slowest_s, seconds)
        if mistakes() > before or seconds > LATE_S:
            fared.harmful += [each for each in batch if _harms(each, send, mistakes)] or batch
            before = mistakes()
    for each in fared.harmful:
        (CORPUS / kind).mkdir(parents=True, exist_ok=True)
        (CORPUS / kind / f"{sha256(each).hexdigest()[:16]}.bin").write_bytes(each)
    return fared


def corpus(kind: str) -> dict[str, bytes]:
    """The inputs that are kept, by name."""
    return {file.stem: file.read_bytes() for file in sorted((CORPUS / kind).glob("*.bin"))}


def join(frames: Sequence[bytes]) -> bytes:
    """The frames of a message as one input."""
    return b"".join(struct.pack(">I", len(frame)) + frame for frame in frames)


def split(data: bytes) -> list[bytes]:
    """The frames of an input; raises ValueError for what `join` did not make."""
    frames = []
    while data:
        size = int.from_bytes(data[:4], "big")
        if len(data) < 4 + size:
            raise ValueError("a frame is cut short")
        frames.append(data[4 : 4 + size])
        data = data[4 + size :]
    return frames


def _harms(one: bytes, send: Callable[[list[bytes]], float], mistakes: Callable[[], int]) -> bool:
    before = mistakes()
    return (send([one]) > LATE_S and _again([one], send) > LATE_S) or mistakes() > before


def _again(batch: list[bytes], send: Callable[[list[bytes]], float]) -> float:
    """The least of the seconds that it takes when it is tried again, until it is in time."""
    least = float("inf")
    for _ in range(TRIES - 1):
        time.sleep(PAUSE_S)
        least = min(least, send(batch))
        if least <= LATE_S:
            break
    return least
