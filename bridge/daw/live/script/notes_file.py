"""The notes of a take's MIDI file, in beats: as much of the Standard MIDI File (MMA, 1996) as the daemon writes."""

import struct
from typing import NamedTuple

from .words import Trouble

MAX_BYTES = 16 << 20
DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}


class Note(NamedTuple):
    """One note, in beats from the file's start."""

    pitch: int
    start: float
    duration: float
    velocity: int


def read(path: str) -> list[Note]:
    """All notes, by their start; raises Trouble with a sentence."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
        kind, length, _, tracks, division = struct.unpack(">4sIHHH", data[:14])
        if kind != b"MThd" or not 0 < division < 0x8000 or len(data) > MAX_BYTES:
            raise ValueError
        found, place = [], 8 + length
        for _ in range(tracks):
            kind, length = struct.unpack(">4sI", data[place : place + 8])
            if kind == b"MTrk":
                found += _track(data[place + 8 : place + 8 + length], division)
            place += 8 + length
    except OSError as error:
        raise Trouble(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, IndexError, KeyError, struct.error):
        raise Trouble(f"{path} is no MIDI file that can be read") from None
    return sorted(found, key=lambda note: (note.start, note.pitch))


def _track(data: bytes, division: int) -> list[Note]:
    """The notes of one track."""
    found: list[Note] = []
    sounding: dict[tuple[int, int], list[tuple[int, int]]] = {}  # (channel, pitch): (tick, velocity), oldest first
    place = tick = status = 0
    while place < len(data):
        delta, place = _number(data, place)
        tick += delta
        if data[place] & 0x80:
            status, place = data[place], place + 1
        if status in (0xFF, 0xF0, 0xF7):
            place += status == 0xFF  # the kind of a meta event
            length, place = _number(data, place)
            place += length
            continue
        kind, channel = status & 0xF0, status & 0x0F
        values = data[place : place + DATA_BYTES[kind]]
        place += DATA_BYTES[kind]
        key = (channel, values[0])
        if kind == 0x90 and values[1]:
            sounding.setdefault(key, []).append((tick, values[1]))
        elif kind in (0x80, 0x90) and sounding.get(key):
            start, velocity = sounding[key].pop(0)
            found.append(Note(values[0], start / division, max(tick - start, 1) / division, velocity))
    return found


def _number(data: bytes, place: int) -> tuple[int, int]:
    """A number of one to four bytes, and the place behind it."""
    value = 0
    for _ in range(4):
        byte = data[place]
        place += 1
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            return value, place
    raise ValueError
