"""Files to latents and back: exact lengths at any rate, pieces that are the whole, flat memory, and the measure.

The stand-in codec keeps steady sines of its own frequencies, so what comes back can be compared with what went in.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from harmonicflow.analysis.fidelity import si_sdr_db
from harmonicflow.audio.resample import resample
from harmonicflow.core.constants import HOP
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.engine import codec
from harmonicflow.engine.latents import LatentsReader
from harmonicflow.engine.runtime import Runtime
from harmonicflow.engine.transcode import EncodeOptions, compare, decode_file, encode_file

MEGABYTE = 1 << 20


def sines(rate: int, frames: int, channels: int = 1) -> np.ndarray:
    """Sines that the stand-in codec keeps: whole periods in a latent frame; float32 [C, T]."""
    t = np.arange(frames) / rate
    hz = 44100 / HOP * np.array([8, 11, 16])
    return np.stack([0.1 / (c + 1) * np.sin(2 * np.pi * hz[:, None] * t).sum(0) for c in range(channels)]).astype("f4")


def wav(path: Path, sound: np.ndarray, rate: int) -> Path:
    soundfile.write(path, sound.T, rate, subtype="FLOAT")
    return path


def read(path: Path) -> np.ndarray:
    with LatentsReader(path) as file:
        return file.read(0, file.length)


@pytest.mark.parametrize(
    ("rate", "frames", "channels"),
    [(44100, 200_000, 1), (48000, 123_457, 2), (8000, 24_001, 1), (96000, 200_003, 3), (11025, 997, 8), (384000, 9, 1)],
)
def test_the_original_comes_back_as_long_as_it_was(
    runtime: Runtime, tmp_path: Path, rate: int, frames: int, channels: int
) -> None:
    sound = sines(rate, frames, channels)
    source = wav(tmp_path / "x.wav", sound, rate)
    assert encode_file(runtime, source, tmp_path / "x.safetensors") == [tmp_path / "x.safetensors"]
    seconds = decode_file(runtime, tmp_path / "x.safetensors", tmp_path / "y.wav")
    y, got = soundfile.read(tmp_path / "y.wav", always_2d=True)
    assert y.shape == (frames, channels) and got == rate and seconds == frames / rate
    edge = 3 * HOP * rate // 44100
    if frames > 4 * edge:
        assert np.abs(y.T - sound)[:, edge:-edge].max() < 2e-3, "aligned, not only as long"


def test_a_stream_of_a_file_is_the_whole(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codec, "CHUNK", 8)
    sound = np.random.default_rng(1).standard_normal((2, 150_000)).astype("f4") * 0.1
    encode_file(runtime, wav(tmp_path / "x.wav", sound, 32000), tmp_path / "x")
    whole = codec.encode(runtime, resample(sound, 32000, 44100))
    assert np.array_equal(read(tmp_path / "x"), whole)
    encode_file(runtime, tmp_path / "x.wav", tmp_path / "m", EncodeOptions(mono=True))
    mono = codec.encode(runtime, resample(sound.mean(0, keepdims=True), 32000, 44100))
    assert np.abs(read(tmp_path / "m") - mono).max() < 1e-5


@pytest.mark.parametrize(("drop", "count"), [(False, 6), (True, 5)])
@pytest.mark.parametrize("rate", [44100, 22050, 44099])
def test_pieces_are_the_whole_cut(runtime: Runtime, tmp_path: Path, rate: int, drop: bool, count: int) -> None:
    frames = round(5.4 * 10 * HOP * rate / 44100)
    source = wav(tmp_path / "x.wav", sines(rate, frames), rate)
    options = EncodeOptions.of(False, 10.2 * HOP / 44100, drop)
    assert options.frames == 10
    (tmp_path / "pieces").mkdir()
    made = encode_file(runtime, source, tmp_path / "pieces", options)
    encode_file(runtime, source, tmp_path / "whole")
    assert [path.name for path in made] == [f"{number:04d}.safetensors" for number in range(count)]
    joined = np.concatenate([read(path) for path in made], axis=1)
    whole = read(tmp_path / "whole")
    assert joined.shape[1] == 10 * count
    common = min(50, whole.shape[1])
    assert np.array_equal(joined[:, :common], whole[:, :common])
    done = 0
    for path in made:
        with LatentsReader(path) as file:
            assert file.origin.start_frame == done
            done += file.origin.frames
        decode_file(runtime, path, tmp_path / "y.wav")
        assert soundfile.info(tmp_path / "y.wav").frames == file.origin.frames
    assert done == frames or drop


def test_another_rate_keeps_the_time(runtime: Runtime, tmp_path: Path) -> None:
    source = wav(tmp_path / "x.wav", sines(44100, 100_000), 44100)
    encode_file(runtime, source, tmp_path / "x")
    decode_file(runtime, tmp_path / "x", tmp_path / "y.wav", rate=48000)
    y, rate = soundfile.read(tmp_path / "y.wav")
    assert rate == 48000 and len(y) == round(100_000 * 48000 / 44100)
    assert np.abs(y - sines(48000, len(y))[0])[7000:-7000].max() < 2e-3


def test_latents_of_another_space_are_refused(runtime: Runtime, tmp_path: Path) -> None:
    encode_file(runtime, wav(tmp_path / "x.wav", sines(44100, 9000), 44100), tmp_path / "x")
    data = (tmp_path / "x").read_bytes()
    space = runtime.bundle.card.latent_space.encode()
    (tmp_path / "x").write_bytes(data.replace(space, b"0123456789abcdef"))
    with pytest.raises(HarmonicFlowError, match="0123456789abcdef.*--bundle") as caught:
        decode_file(runtime, tmp_path / "x", tmp_path / "y.wav")
    assert caught.value.code == "latent_mismatch" and not (tmp_path / "y.wav").exists()


def test_a_file_that_ends_early_leaves_nothing(runtime: Runtime, tmp_path: Path) -> None:
    wav(tmp_path / "x.wav", sines(44100, 300_000), 44100)
    data = (tmp_path / "x.wav").read_bytes()
    flac = tmp_path / "x.flac"
    soundfile.write(flac, sines(44100, 300_000).T, 44100)
    flac.write_bytes(flac.read_bytes()[: flac.stat().st_size // 2])
    with pytest.raises(HarmonicFlowError) as caught:
        encode_file(runtime, flac, tmp_path / "y")
    assert caught.value.code == "broken_audio" and not (tmp_path / "y").exists()
    (tmp_path / "x.wav").write_bytes(data[:-400_004] + b"\xff" * 400_004)  # NaN
    with pytest.raises(HarmonicFlowError) as caught:
        encode_file(runtime, tmp_path / "x.wav", tmp_path / "y")
    assert caught.value.code == "bad_samples" and not (tmp_path / "y").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"x.wav", "x.flac"}


def test_the_measure_finds_a_planted_error(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    sound = random.standard_normal((2, 200_000)).astype("f4") * 0.1  # three pieces of comparison
    error = random.standard_normal(sound.shape).astype("f4") * 0.1
    error -= sound * (error * sound).sum(1, keepdims=True) / (sound**2).sum(1, keepdims=True)
    copy = 0.5 * (sound + error * np.array([[0.1], [0.01]], "f4"))  # 20 and 40 dB, at half the level
    x, y = wav(tmp_path / "x.wav", sound, 8000), wav(tmp_path / "y.wav", copy, 8000)
    found = compare(x, y)
    assert found.si_sdr_db == pytest.approx(30, abs=0.2)
    assert found.si_sdr_db == pytest.approx(np.mean([si_sdr_db(copy[c], sound[c]) for c in (0, 1)]), abs=1e-3)
    assert found.log_mel_db == pytest.approx(6.02, abs=0.2)
    same = compare(x, x)
    assert same.si_sdr_db > 100 and same.log_mel_db == 0
    part = wav(tmp_path / "p.wav", copy[:, 5000:9000], 8000)
    assert compare(x, part, 5000).si_sdr_db == pytest.approx(30, abs=1) and compare(x, part).si_sdr_db < 0
    silence = wav(tmp_path / "s.wav", 0 * sound[:, :50_000], 8000)
    assert compare(silence, silence) == (None, 0.0)


MEMORY = """
import sys
from pathlib import Path
from harmonicflow.engine.bundle import Bundle
from harmonicflow.engine.runtime import Runtime
from harmonicflow.engine.transcode import decode_file, encode_file

def peak_kb():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])

runtime, folder = Runtime(Bundle.load(sys.argv[1]), threads=1), Path(sys.argv[2])
for work, source, target in ((encode_file, "{}.wav", "{}"), (decode_file, "{}", "{}.out.wav")):
    for minutes in (1, 10):
        work(runtime, folder / source.format(minutes), folder / target.format(minutes))
        print(peak_kb())
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is read from /proc")
def test_ten_minutes_take_the_memory_of_one(tiny: Path, tmp_path: Path, repository: Path) -> None:
    # The stand-in bundle: what grows with the length would be sound and latents, which are as large here.
    for minutes in (1, 10):
        with soundfile.SoundFile(tmp_path / f"{minutes}.wav", "w", 16000, 1, "PCM_16") as file:
            for _ in range(minutes):
                file.write(np.random.default_rng(5).uniform(-0.3, 0.3, 60 * 16000).astype("f4"))
    command = [sys.executable, "-c", MEMORY, str(tiny), str(tmp_path)]
    # The C library's free lists would add some megabytes of chance: large blocks go back at once.
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536"}
    ran = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    encode_1, encode_10, decode_1, decode_10 = (int(line) * 1024 for line in ran.stdout.split())
    sound = 9 * 60 * 44100 * 4  # bytes of the nine minutes more, at the codec's rate
    assert encode_10 - encode_1 < 8 * MEGABYTE < sound / 10
    assert decode_10 - decode_1 < 8 * MEGABYTE
    assert soundfile.info(tmp_path / "10.out.wav").frames == 600 * 16000
