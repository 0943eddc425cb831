"""S8 through the command line: bombs, impossible rates and channels, broken MIDI, as every option that takes a file."""

import json
import resource
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harmonicflow.core import connection
from tests.attacks import sounds
from tests.ran import Ran
from tests.reliability.plugin import Proven

SECONDS = 1.5  # the most that one command may take: 1 s, and a little for a machine that has other work
MIDI_SECONDS = 2.5  # the largest MIDI file that is read at all takes 1.5 s
BYTES = 200e6
RunHere = Callable[..., Ran]


def midi(division: int = 480, body: bytes = b"", claims: int | None = None) -> bytes:
    size = len(body) if claims is None else claims
    return struct.pack(">4sLHHH4sL", b"MThd", 6, 1, 1, division, b"MTrk", size) + body


NOTES = b"\x00\x90\x3c\x40\x01\x3c\x00"
END = b"\x00\xff\x2f\x00"
MIDI = {
    "empty.mid": b"",
    "words.mid": b"these are words\n" * 50,
    "no-time.mid": midi(division=0, body=NOTES + END),
    "no-end.mid": midi(body=NOTES, claims=2**32 - 1),
    "notes.mid": midi(body=NOTES * 60_000 + END),
    "large.mid": midi(body=bytes(2_000_000)),
    "for-ever.mid": midi(body=b"\xff\xff\xff\x7f\x90\x3c\x40" * 2_000 + END),
}
FILES = {
    "rate-1.wav": (sounds.wav(rate=1), "bad_rate"),
    "rate-4-gigahertz.wav": (sounds.wav(rate=4_000_000_000), "not_audio"),
    "no-channels.wav": (sounds.wav(channels=0), "not_audio"),
    "twelve-channels.wav": (sounds.wav(channels=12), "too_many_channels"),
    "68-billion-frames.flac": (sounds.flac(48_000, frames=2**36 - 1), "too_long"),
    "rate-655350.flac": (sounds.flac(655_350), "bad_rate"),
    "rate-1.ogg": (sounds.ogg(1), "bad_rate"),
}
USES = ("generate {} --tempo 96", "generate --bars 1 --like bass={}", "generate --bars 1 --chords-from {}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    for name, (content, _) in FILES.items():
        (folder / name).write_bytes(content)
    for name, content in MIDI.items():
        (folder / name).write_bytes(content)
    sounds.bomb(folder / "bomb.flac", 2_400, 48_000, 2)  # half a megabyte; 922 MB as floats
    sounds.bomb(folder / "wide-bomb.flac", 600, 96_000, 8)  # 1.8 GB
    return folder


def refused(run_here: RunHere, words: str, seconds: float = SECONDS) -> str:
    """The code of the one sentence that a command ends with, soon and in little memory."""
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    ran = run_here(*words.split(), "--json")
    assert time.process_time() - began < seconds, words
    assert 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < BYTES, words
    assert ran.code == 2 and "Traceback" not in ran.err + ran.out, ran
    sentence = ran.err.splitlines()[-1]
    assert sentence.startswith("harmonicflow: ") and sentence.endswith(".")
    code: str = json.loads(ran.out)["error"]["code"]
    return code


@pytest.mark.parametrize("use", USES)
def test_sounds_that_mean_harm(run_here: RunHere, folder: Path, use: str, proven: Proven) -> None:
    for name, (_, code) in FILES.items():
        assert refused(run_here, use.format(folder / name)) == code, (use, name)
    assert connection.find() is None, "nobody was asked"
    proven("S8", cases=len(FILES))


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("name", ["bomb.flac", "wide-bomb.flac"])
def test_bombs(run_here: RunHere, folder: Path, name: str, use: str, proven: Proven) -> None:
    """They shrink to a thousandth, and would be a gigabyte in memory."""
    assert (folder / name).stat().st_size < 3e6
    assert refused(run_here, use.format(folder / name)) in ("too_long", "silent_reference")
    proven("S8")


def test_midi_that_means_harm(run_here: RunHere, folder: Path, proven: Proven) -> None:
    for name in MIDI:
        code = refused(run_here, f"generate --midi {folder / name}", MIDI_SECONDS)
        assert code in ("bad_midi", "empty_midi", "too_long", "bad_selection", "many_notes"), (name, code)
    proven("S8", cases=len(MIDI))
