"""The bytes of a MIDI file made safe for mido, which then reads them: chunks only where they belong, sizes bounded.

Taken as DAWs and old sequencers write them: wrapped in RIFF (.rmi), with chunks of their own between the tracks, with
another number of tracks in the header than in the file, with key signatures that there are not.
"""

from __future__ import annotations

import io
import os
import re
import struct
from collections.abc import Iterator
from typing import Final

import mido

from harmonicflow.core.errors import HarmonicFlowError

MAX_BYTES: Final = 500_000  # an hour of dense playing; mido takes a second and 100 MB for as much
MAX_TRACKS: Final = 1_000
LONGEST_TEXT: Final = 200  # characters of a name, a marker or a lyric

# mido reads lengths of any number of bytes into ever longer integers: a long run of high bytes would take for ever.
_ENDLESS_NUMBER: Final = re.compile(rb"[\x80-\xff]{512}")
_KEY_SIGNATURE: Final = re.compile(rb"\xff\x59\x02(..)", re.DOTALL)
_NO_TEXT: Final = re.compile(r"[\x00-\x1f\x7f]+")


class Refused(Exception):
    """Why a file is not read, in words."""


def read_bytes(source: str | os.PathLike[str] | bytes, name: str) -> bytes:
    """At most `MAX_BYTES` of a file or of bytes; raises `missing_file` and `Refused`."""
    if isinstance(source, bytes):
        data = source
    else:
        try:
            with open(source, "rb") as file:
                data = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            raise HarmonicFlowError("missing_file", path=name) from None
        except (OSError, ValueError) as error:
            raise Refused(getattr(error, "strerror", None) or str(error)) from None
    if len(data) > MAX_BYTES:
        raise Refused(f"it is larger than {MAX_BYTES // 1000} kB")
    return data


def parse(data: bytes) -> mido.MidiFile:
    """What mido makes of the file's tracks; raises `Refused` for whatever is wrong with them."""
    cleaned = _cleaned(data)
    if _ENDLESS_NUMBER.search(cleaned):
        raise Refused("it holds a number without end")
    try:
        return mido.MidiFile(file=io.BytesIO(cleaned), clip=True)
    except Exception as error:  # mido raises many kinds on broken files, some of them undocumented
        reason = str(error) or ("it ends too early" if isinstance(error, EOFError) else type(error).__name__)
        raise Refused(" ".join(reason.split())[:LONGEST_TEXT]) from error


def text(raw: str) -> str:
    """What a name says: mido reads Latin-1, newer programs write UTF-8."""
    try:
        raw = raw.encode("latin-1").decode("utf-8")
    except UnicodeError:
        pass
    return _NO_TEXT.sub(" ", raw)[:LONGEST_TEXT].strip()


def _chunks(data: bytes, order: str = ">") -> Iterator[tuple[bytes, bytes, bool]]:
    """Name, content and whether it is whole of each chunk of a file."""
    place = 0
    while place + 8 <= len(data):
        name, size = struct.unpack_from(f"{order}4sL", data, place)
        yield name, data[place + 8 : place + 8 + size], place + 8 + size <= len(data)
        place += 8 + size + (size % 2 if order == "<" else 0)


def _cleaned(data: bytes) -> bytes:
    """A file of a header and its tracks and nothing else."""
    if data[:4] == b"RIFF" and data[8:12] == b"RMID":
        data = next((content for name, content, _ in _chunks(data[12:], "<") if name == b"data"), b"")
    if data[:4] != b"MThd":
        raise Refused("it does not begin with MThd" if len(data) >= 4 else "it ends too early")
    chunks = _chunks(data)
    _, header, _ = next(chunks, (b"", b"", False))
    if len(header) < 6:
        raise Refused("it ends too early")
    kind, _, division = struct.unpack(">HHh", header[:6])
    tracks = []
    for name, content, whole in chunks:
        if name == b"MTrk" and not whole:
            raise Refused("it ends too early")
        if name == b"MTrk":
            tracks.append(content)
    if len(tracks) > MAX_TRACKS:
        raise Refused(f"it has more than {MAX_TRACKS} tracks")
    if kind > 2:
        raise Refused(f"its type is {kind}: there are 0, 1 and 2")
    head = struct.pack(">4sLHHh", b"MThd", 6, kind, len(tracks), division)
    bodies = (struct.pack(">4sL", b"MTrk", len(track)) + _KEY_SIGNATURE.sub(_possible_key, track) for track in tracks)
    return b"".join((head, *bodies))


def _possible_key(found: re.Match[bytes]) -> bytes:
    """A key signature of at most seven sharps or flats, major or minor: mido refuses the whole file for another one."""
    sharps, minor = struct.unpack("bB", found[1])
    return found[0] if abs(sharps) <= 7 and minor <= 1 else b"\xff\x59\x02\x00\x00"
