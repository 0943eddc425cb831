"""S8: sound files that mean harm or were broken on the way: read or refused in one sentence, soon, in little memory."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from harmonicflow.audio import files
from harmonicflow.core.constants import MAX_RATE, MIN_RATE
from harmonicflow.core.errors import HarmonicFlowError
from tests.attacks import sounds
from tests.reliability.plugin import Proven

ROOT = Path(__file__).parents[2]
REFUSED = {"not_audio", "bad_rate", "too_many_channels", "empty_audio", "too_long", "broken_audio"}
RATES = (1, 2, 100, 7_999, 384_001, 655_350, 1_000_000, 4_000_000_000)


def extended(exponent: int, mantissa: int) -> bytes:
    """An 80-bit float: sign and exponent, then the mantissa with its leading one."""
    return exponent.to_bytes(2, "big") + mantissa.to_bytes(8, "big")


HEADERS = {
    **{f"rate-{rate}.wav": sounds.wav(rate=rate) for rate in (0, *RATES, 2**32 - 1)},
    **{f"channels-{channels}.wav": sounds.wav(channels=channels) for channels in (0, 9, 12, 255, 1024, 65_535)},
    **{f"bits-{bits}.wav": sounds.wav(bits=bits) for bits in (0, 128, 65_535)},
    **{f"format-{tag}.wav": sounds.wav(tag=tag) for tag in (0, 9, 85, 65_534)},
    **{f"rate-{rate}.flac": sounds.flac(rate) for rate in (0, 1, 7_999, 655_350, 2**20 - 1)},
    "frames.flac": sounds.flac(48_000, frames=2**36 - 1),
    **{f"rate-{rate}.ogg": sounds.ogg(rate) for rate in (0, 1, 7_999, 4_000_000_000)},
    **{f"channels-{channels}.ogg": sounds.ogg(48_000, channels) for channels in (0, 12, 255)},
    "rate-0.aiff": sounds.aiff(bytes(10)),
    "rate-1.aiff": sounds.aiff(extended(16_383, 1 << 63)),
    "rate-endless.aiff": sounds.aiff(extended(32_767, 1 << 63)),
    "rate-nan.aiff": sounds.aiff(extended(32_767, 3 << 62)),
    "rate-negative.aiff": sounds.aiff(extended(0x8000 + 16_383 + 15, 0xAC44 << 48)),
    "channels-12.aiff": sounds.aiff(extended(16_383 + 15, 0xAC44 << 48), channels=12),
    "channels-negative.aiff": sounds.aiff(extended(16_383 + 15, 0xAC44 << 48), channels=-1),
    "no-rate.caf": b"caff\0\1\0\0desc" + (32).to_bytes(8, "big") + bytes(8) + b"lpcm" + bytes(20),
    "bom.wav": b"\xef\xbb\xbfRIFF" + bytes(100),
}


def test_impossible_headers_are_refused_in_words(tmp_path: Path, proven: Proven) -> None:
    slowest = 0.0
    for name, content in HEADERS.items():
        (tmp_path / name).write_bytes(content)
        began = time.process_time()
        outcome = sounds.outcome(tmp_path / name)
        slowest = max(slowest, time.process_time() - began)
        assert outcome in REFUSED, (name, outcome)
    assert slowest < sounds.SECONDS
    proven("S8", cases=len(HEADERS), measured=f"headers: slowest {slowest:.2f} s")


@pytest.mark.parametrize("rate", [MIN_RATE, 11_025, 44_100, 192_000, MAX_RATE])
@pytest.mark.parametrize("make", [sounds.wav, sounds.flac])
def test_rates_at_the_edge_are_read(tmp_path: Path, rate: int, make: Any) -> None:
    (tmp_path / "x.wav").write_bytes(make(rate))
    assert files.read(tmp_path / "x.wav")[1] == rate


def test_sizes_that_are_lies(tmp_path: Path) -> None:
    """What a file claims costs nothing: only what it holds is read."""
    path = tmp_path / "x.wav"
    for claims in (0, 1, 4_799, 2**31, 2**32 - 1):
        path.write_bytes(sounds.wav(claims=claims))
        try:
            assert files.read(path)[0].shape[1] <= 1_200
        except HarmonicFlowError as error:
            assert error.code in REFUSED


def mutate(count: int, seed: int) -> dict[str, Any]:
    """In a process of its own: a decoder that crashes ends that one, and memory is measured for nothing else."""
    command = [sys.executable, "-m", "tests.attacks.sounds", "--files", str(count), "--seed", str(seed)]
    child = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )  # mpg123 has much to say on stderr
    found: dict[str, Any] = json.loads(child.stdout)
    assert found["slowest_s"] < sounds.SECONDS and found["grown_bytes"] < sounds.BYTES, found
    assert set(found["outcomes"]) <= REFUSED | {"read", "bad_samples", "wild_samples"}, found
    assert min(found["outcomes"]["read"], count - found["outcomes"]["read"]) > count // 10, "it is no mutator"
    return found


def told(found: dict[str, Any]) -> str:
    return f"sounds: slowest {found['slowest_s']:.2f} s, memory +{found['grown_bytes'] / 1e6:.0f} MB"


def test_mutated_files(proven: Proven) -> None:
    found = mutate(700, seed=0)
    proven("S8", cases=700, measured=told(found))


@pytest.mark.night
def test_many_mutated_files(proven: Proven) -> None:
    found = mutate(30_000, seed=1)
    proven("S8", cases=30_000, measured=told(found))
