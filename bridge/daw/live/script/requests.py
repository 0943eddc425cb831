"""From what is chosen and asked for to a request of the protocol, a few milliseconds at a time."""

import os
import random
from array import array
from collections.abc import Iterator
from operator import add
from typing import Any

from . import sound
from .asked import Range, selection
from .sources import Heard, Piece
from .spool import Spool, remove
from .words import Trouble

STEP_FRAMES = 8192  # read at once
MAX_SOUND = 260_046_848  # bytes that one request may bring
RATE = 48000  # Hz, where no clip says another


def new_seed() -> int:
    """A seed that nobody has chosen."""
    return random.SystemRandom().randrange(1, 1 << 31)


def generate(
    spool: Spool, name: str, wanted: Range, heard: Heard, values: dict[str, Any], title: str
) -> Iterator[None]:
    """Write the clip, then hand the request in; in many small steps. Raises Trouble and OSError."""
    rate = heard.pieces[0].layout.rate if heard.pieces else int(values.get("rate") or RATE)
    spec = selection(wanted, rate)
    request: dict[str, Any] = {
        "kind": "generate",
        "id": name,
        "selection": spec,
        "stems": values.get("stems") or [],
        "prompt": values.get("prompt") or "",
        "genre": values.get("genre") or None,
        "mood": values.get("mood") or None,
        "chords": values.get("chords") or None,
        "seed": values.get("seed") or new_seed(),
        "count": values.get("count") or 1,
        "title": f"{title}: {wanted.words()}"[:200],
        "steering": {"quantize": values.get("quantize", 0.5)},
    }
    if heard.notes:
        request["score"] = {"notes": heard.notes, "name": ", ".join(heard.names)[:200]}
    if heard.pieces:
        channels = max(piece.layout.channels for piece in heard.pieces)
        frames = spec["end_frame"]
        yield from write_sound(spool, name, heard.pieces, frames, channels)
        request["clip"] = {"rate": rate, "channels": channels, "frames": frames, "name": heard.names[0][:200]}
    spool.send(request)


def regenerate(spool: Spool, name: str, take: str, stem: str, first: int, last: int) -> None:
    """Hand in a request for frames `first` to `last` of a take. Raises OSError."""
    request = {"kind": "regenerate", "id": name, "take": take, "stems": [stem], "frames": [first, last]}
    spool.send({**request, "seed": new_seed()})


def write_sound(spool: Spool, name: str, pieces: list[Piece], frames: int, channels: int) -> Iterator[None]:
    """The sum of all pieces as planar float32, some frames a step; the file is there only when it is whole."""
    if frames * channels * 4 > MAX_SOUND:
        raise Trouble("so long a clip cannot be listened to: set a shorter brace, or choose a track without clips")
    half = spool.sound(name, half=True)
    try:
        with open(half, "w+b", buffering=0) as sink:
            sink.truncate(frames * channels * 4)  # silence
            for piece in pieces:
                with open(piece.layout.path, "rb") as source:
                    for done in range(0, piece.frames, STEP_FRAMES):
                        count = min(STEP_FRAMES, piece.frames - done)
                        block = sound.block(source, piece.layout, piece.source + done, count, piece.gain)
                        for channel in range(channels):
                            place = (channel * frames + piece.first + done) * 4
                            _put(sink, place, block[min(channel, len(block) - 1)], len(pieces) > 1)
                        yield
        os.replace(half, spool.sound(name))
    finally:
        remove(half)


def _put(sink: Any, place: int, samples: "array[float]", summed: bool) -> None:
    """Write samples, added to what is there already."""
    if summed:
        sink.seek(place)
        there = array("f", sink.read(len(samples) * 4))
        samples = array("f", map(add, there, samples))
    sink.seek(place)
    sink.write(samples.tobytes())
