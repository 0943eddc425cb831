"""Sound files that mean harm, made here: impossible headers, bombs, and a mutator.

`python -m tests.attacks.sounds --files 1000 --seed 1` reads so many mutated files in this process and prints what
became of them as JSON; a file that took too long or ended in anything but a sentence is kept in `--keep`.
"""

import argparse
import io
import json
import random
import resource
import struct
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import soundfile

from harmonicflow.audio import files
from harmonicflow.core.errors import HarmonicFlowError

KINDS = ("WAV", "FLAC", "MP3", "OGG", "AIFF", "CAF", "RF64")
SECONDS = 1.0  # the most that one file may take
BYTES = 200e6  # and the memory


def wav(rate: int = 48_000, channels: int = 2, bits: int = 16, tag: int = 1, claims: int | None = None) -> bytes:
    """A RIFF file with 4,800 bytes of samples, which `claims` may make out to be more."""
    width = channels * bits // 8
    body = bytes(4_800)
    layout = struct.pack("<HHIIHH", tag, channels, rate, rate * width & 0xFFFFFFFF, width & 0xFFFF, bits)
    size = len(body) if claims is None else claims
    whole = struct.pack("<I", 36 + size & 0xFFFFFFFF)
    return b"RIFF" + whole + b"WAVEfmt \x10\0\0\0" + layout + b"data" + struct.pack("<I", size) + body


def aiff(rate: bytes, channels: int = 2) -> bytes:
    """An AIFF file whose rate is these ten bytes of an 80-bit float."""
    common = struct.pack(">hLh", channels, 1_200, 16) + rate
    body = bytes(4_800)
    chunks = b"COMM" + struct.pack(">L", len(common)) + common
    chunks += b"SSND" + struct.pack(">LLL", len(body) + 8, 0, 0) + body
    return b"FORM" + struct.pack(">L", 4 + len(chunks)) + b"AIFF" + chunks


def flac(rate: int, channels: int = 2, frames: int = 4_800) -> bytes:
    """A FLAC file whose STREAMINFO says this (20 bits of rate, 3 of channels less one, 36 of frames)."""
    memory = io.BytesIO()
    soundfile.write(memory, np.zeros((4_800, 2), np.int16), 48_000, format="FLAC")
    whole = bytearray(memory.getvalue())
    packed = rate << 44 | (channels - 1) << 41 | 15 << 36 | frames
    whole[18:26] = struct.pack(">Q", packed)
    return bytes(whole)


def ogg(rate: int, channels: int = 2) -> bytes:
    """A Vorbis file whose first page says this; the page's checksum is put right."""
    memory = io.BytesIO()
    soundfile.write(memory, np.zeros((4_800, 2)), 48_000, format="OGG")
    whole = bytearray(memory.getvalue())
    at = whole.index(b"\x01vorbis")
    whole[at + 11 : at + 16] = struct.pack("<BI", channels, rate)
    end = 27 + whole[26] + sum(whole[27 : 27 + whole[26]])
    whole[22:26] = bytes(4)
    whole[22:26] = struct.pack("<I", _ogg_sum(bytes(whole[:end])))
    return bytes(whole)


def _ogg_sum(page: bytes) -> int:
    """CRC-32 without reflection, polynomial 0x04C11DB7 (RFC 3533)."""
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return value


def bomb(path: Path, seconds: int, rate: int, channels: int) -> Path:
    """A FLAC file of digital silence: a thousandth of its size."""
    silence = np.zeros((rate, channels), np.int16)
    with soundfile.SoundFile(path, "w", rate, channels, format="FLAC") as file:
        for _ in range(seconds):
            file.write(silence)
    return path


def good(kind: str) -> bytes:
    """A quarter of a second of noise."""
    memory = io.BytesIO()
    soundfile.write(memory, np.random.default_rng(3).standard_normal((11_025, 2)) * 0.1, 44_100, format=kind)
    return memory.getvalue()


def mutated(whole: bytes, other: bytes, dice: random.Random) -> bytes:
    """A file with one to eight of the things that disks, programs and enemies do to files, half of them in its head."""
    data = bytearray(whole)
    for _ in range(dice.choice((1, 1, 1, 2, 4, 8))):
        place = dice.randrange(min(len(data), dice.choice((100, 1 << 30)))) if data else 0
        match dice.randrange(8):
            case 0 | 1 if data:
                data[place] = dice.randrange(256)
            case 2 if data:
                data[place] ^= 1 << dice.randrange(8)
            case 3:
                del data[place : place + dice.randrange(1, 64)]
            case 4:
                data[place:place] = dice.randbytes(dice.randrange(1, 64))
            case 5:
                del data[place:]
            case 6:  # the head of one and the tail of another
                data[place:] = other[dice.randrange(len(other)) :]
            case 7:  # a size or a count that is not so
                data[place : place + 4] = struct.pack("<I", dice.choice((0, 2**32 - 1, 2**31 - 1, 2**31)))
    return bytes(data)


def outcome(path: Path) -> str:
    """Read a file as the product does: "read", or the code of the sentence that refuses it."""
    try:
        sound, rate = files.read(path)
    except HarmonicFlowError as error:
        assert path.name in str(error) and "\n" not in str(error), error
        return error.code
    assert np.isfinite(sound).all() and 0 < sound.size <= files.MAX_VALUES and rate
    return "read"


def main() -> None:
    """Read mutated files, and print the outcomes, the slowest one and the memory it took."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--files", type=int, default=1_000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--keep", type=Path, help="where to keep what went wrong")
    chosen = options.parse_args()
    dice = random.Random(chosen.seed)
    wholes = {kind: good(kind) for kind in KINDS}
    outcomes: Counter[str] = Counter()
    slowest, began = 0.0, time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:  # everything is loaded before memory is measured
            (Path(folder) / f"x.{kind.lower()}").write_bytes(wholes[kind])
            assert outcome(Path(folder) / f"x.{kind.lower()}") == "read"
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in range(chosen.files):
            kind = KINDS[number % len(KINDS)]
            path = Path(folder) / f"x.{kind.lower()}"
            path.write_bytes(mutated(wholes[kind], wholes[dice.choice(KINDS)], dice))
            start = time.process_time()
            try:
                what = outcome(path)
            except Exception as error:  # the very thing that is looked for
                what = f"wrong: {type(error).__name__}: {error}"[:200]
            slowest = max(slowest, took := time.process_time() - start)
            outcomes[what] += 1
            if chosen.keep and (what.startswith("wrong") or took > SECONDS):
                chosen.keep.mkdir(exist_ok=True)
                (chosen.keep / f"{chosen.seed}-{number}.{kind.lower()}").write_bytes(path.read_bytes())
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    seconds = round(time.monotonic() - began, 1)
    result = {"outcomes": dict(outcomes.most_common()), "slowest_s": round(slowest, 3), "grown_bytes": grown}
    sys.stdout.write(json.dumps({**result, "seconds": seconds}) + "\n")


if __name__ == "__main__":
    main()
