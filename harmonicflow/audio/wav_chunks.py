"""The chunks of a WAV file in which it tells other programs about itself: bext (EBU Tech 3285) and acid.

bext says where a file began and who made it; players and DAWs read it and change nothing by it. acid says tempo, beats
and meter of a loop, and hosts that read it may stretch by it: a file has one only where that is wanted. Its root note
is left out: a loop that has one is transposed to the project's key, and the mix and the drums beside it are not.

    bext    description 256, originator 32, its reference 32, date 10 (2026-01-31), time 8 (23:59:59), time reference
            8 (samples since midnight, here since the session's beginning), version 2, UMID 64, reserved 190, then the
            coding history: a line for each process, of A coding, F rate, W word length, M channels, T free text without
            commas (EBU R 98), ended by CR LF. Text is ASCII, filled up with zeros.
    acid    flags 4 (1 one-shot, 2 root note holds, 4 stretch, 8 from disk, 16 octave), root note 2 (MIDI), two fields
            nobody has explained 2 + 4, beats 4, meter's denominator 2 and numerator 2, tempo 4 (float): as libsndfile
            reads it
"""

import struct
from typing import Final, NamedTuple

BEXT_VERSION: Final = 1  # 2 would say the loudness as well
ORIGINATOR: Final = "HarmonicFlow"
_BEXT: Final = "<256s32s32s10s8sQH64s190x"

STRETCH: Final = 4  # of acid's flags: a loop that may be stretched, without a root note
MIDDLE_C: Final = 60


class Stamp(NamedTuple):
    """What a file tells a DAW: the project frame of its first frame, perhaps tempo and meter, and where it is from."""

    start_frame: int = 0
    tempo_bpm: float | None = None  # no acid chunk when None: some hosts stretch by it
    meter: tuple[int, int] = (4, 4)
    description: str = ""
    reference: str = ""  # of the originator: the take
    made: str = ""  # ISO 8601, "" for a file that is the same bytes whenever it is made
    software: str = ""  # for the coding history, "" for none


def bext_chunk(stamp: Stamp, channels: int, rate: int, bits: int) -> bytes:
    """The broadcast wave extension; UMID and what is not known are zero."""
    history = ""
    if stamp.software:
        mode = {1: "mono", 2: "stereo"}.get(channels, f"{channels} channels")
        history = f"A=PCM,F={rate},W={bits},M={mode},T={stamp.software}\r\n"
    day, _, time = stamp.made[:19].partition("T")
    texts = [_ascii(text) for text in (stamp.description, ORIGINATOR, stamp.reference, day, time)]
    fixed = struct.pack(_BEXT, *texts, stamp.start_frame, BEXT_VERSION, bytes(64))
    return chunk(b"bext", fixed + _ascii(history))


def acid_chunk(stamp: Stamp, seconds: float) -> bytes:
    """The loop chunk of ACID, of a file of that length; `stamp` has a tempo."""
    numerator, denominator = stamp.meter
    bpm = stamp.tempo_bpm or 0.0
    beats = round(seconds * bpm / 60)
    return chunk(b"acid", struct.pack("<IHHfIHHf", STRETCH, MIDDLE_C, 0x8000, 0.0, beats, denominator, numerator, bpm))


def chunk(name: bytes, body: bytes) -> bytes:
    """A RIFF chunk, filled up to an even length."""
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def _ascii(text: str) -> bytes:
    return text.encode("ascii", "replace")
