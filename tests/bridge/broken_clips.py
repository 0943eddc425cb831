"""Entries of a folder that have the names of clips and are none: fifty, no two alike, and what is said of each."""

import io
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from tests.attacks import sounds

RATE = 22_050


def sine(seconds: float = 0.55, hz: float = 220.0) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * hz * np.arange(round(RATE * seconds)) / RATE)


def encoded(sound: np.ndarray, kind: str = "WAV", subtype: str | None = None, rate: int = RATE) -> bytes:
    memory = io.BytesIO()
    soundfile.write(memory, sound, rate, subtype, format=kind)
    return memory.getvalue()


def planted(value: float, at: int = 5_000) -> bytes:
    sound = sine()
    sound[at] = value
    return encoded(sound, subtype="FLOAT")


def midi(body: bytes, division: int = 480) -> bytes:
    return struct.pack(">4sLHHH4sL", b"MThd", 6, 1, 1, division, b"MTrk", len(body)) + body


END = b"\x00\xff\x2f\x00"
WAV, FLAC, AIFF = encoded(sine()), encoded(sine(2.0), "FLAC"), encoded(sine(), "AIFF")
CONTENTS: dict[str, tuple[bytes, str]] = {
    **{f"empty.{ending}": (b"", "empty_audio") for ending in ("wav", "flac", "mp3", "ogg", "aiff")},
    **{f"words.{ending}": (b"these are words\n" * 60, "not_audio") for ending in ("wav", "flac", "mp3", "aif", "caf")},
    "page.wav": (b"<!doctype html><title>404</title>", "not_audio"),
    "picture.wav": (b"\x89PNG\r\n\x1a\n" + bytes(500), "not_audio"),
    "zip.flac": (b"PK\x03\x04" + bytes(500), "not_audio"),
    "zeros.wav": (bytes(5_000), "not_audio"),
    "four.wav": (WAV[:4], "not_audio"),
    "half-a-header.wav": (WAV[:20], "not_audio"),
    "header-alone.wav": (WAV[:44], "empty_audio"),
    "half-a-header.flac": (FLAC[:30], "not_audio"),
    "half-a-header.aiff": (AIFF[:30], "not_audio"),
    "cut.flac": (FLAC[: len(FLAC) // 2], "broken_audio"),
    "scratched.flac": (FLAC[:9_000] + bytes(2_000) + FLAC[11_000:], "broken_audio"),
    "no-channels.wav": (sounds.wav(channels=0), "not_audio"),
    "9-channels.wav": (sounds.wav(channels=9), "too_many_channels"),
    "12-channels.wav": (sounds.wav(channels=12), "too_many_channels"),
    "200-channels.wav": (sounds.wav(channels=200), "too_many_channels"),
    "1-hz.wav": (sounds.wav(rate=1), "bad_rate"),
    "1-hz.ogg": (sounds.ogg(1), "bad_rate"),
    "4-ghz.wav": (sounds.wav(rate=4_000_000_000), "not_audio"),
    "655350-hz.flac": (sounds.flac(655_350), "bad_rate"),
    "36-bit-header.flac": (sounds.flac(48_000, frames=2**36 - 1), "too_long"),
    "2-hours.flac": (sounds.flac(48_000, frames=2 * 3_600 * 48_000), "too_long"),
    "an-hour-in-the-header.flac": (sounds.flac(8_000, frames=3_000 * 8_000), "too_long"),
    "nan.wav": (planted(float("nan")), "bad_samples"),
    "infinity.wav": (planted(float("inf")), "bad_samples"),
    "wild.wav": (planted(1e9), "wild_samples"),
    "a-moment.wav": (encoded(sine(0.01)), "too_short"),
    "one-frame.wav": (encoded(np.zeros(1)), "too_short"),
    "empty.mid": (b"", "bad_midi"),
    "words.mid": (b"these are words\n" * 60, "bad_midi"),
    "no-time.mid": (midi(b"\x00\x90\x3c\x40\x40\x80\x3c\x00" + END, 0), "bad_midi"),
    "no-notes.mid": (midi(END), "empty_midi"),
}


def closed(path: Path) -> None:
    path.write_bytes(b"secret")
    path.chmod(0)


def bound(path: Path) -> None:
    here = os.open(".", os.O_RDONLY)
    try:
        os.chdir(path.parent)  # names of sockets are short
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path.name)
    finally:
        os.chdir(here)
        os.close(here)


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.write(WAV)
        file.truncate(3_000_000_000)


MADE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a-folder.wav": (Path.mkdir, "not_a_clip"),
    "a-folder.mid": (Path.mkdir, "not_a_clip"),
    "a-link.wav": (lambda path: path.symlink_to("/etc/hostname"), "not_a_clip"),
    "a-broken-link.wav": (lambda path: path.symlink_to("nowhere.wav"), "not_a_clip"),
    "a-ring.wav": (lambda path: path.symlink_to(path.name), "not_a_clip"),
    "a-pipe.wav": (os.mkfifo, "not_a_clip"),
    "a-socket.wav": (bound, "not_a_clip"),
    "closed.wav": (closed, "not_audio" if os.geteuid() == 0 else "unreadable"),
    "huge.wav": (sparse, "too_large"),
}
CODES = {name: code for name, (_, code) in (CONTENTS | MADE).items()}
assert len(CODES) == 50


def make(folder: Path) -> None:
    """All of them, in a folder."""
    for name, (content, _) in CONTENTS.items():
        (folder / name).write_bytes(content)
    for name, (made, _) in MADE.items():
        made(folder / name)
