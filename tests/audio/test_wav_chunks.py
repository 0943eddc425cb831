"""What WAV files say of themselves, read by others: libsndfile, wavinfo, ffprobe, sox. And files of 24 bits."""

import io
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
import wavinfo

from harmonicflow.audio.wav import Stamp, stream_into, wav_bytes, wav_stream

RATE = 48_000
STAMP = Stamp(
    2**33 + 5, 93.7, (7, 8), "Mörder: Bass" + "x" * 300, "20260102-x-1", "2026-01-02T03:04:05+00:00", "HarmonicFlow 9"
)
GET_LOOP_INFO, GET_BROADCAST_INFO = 0x10E0, 0x10F0  # sndfile.h
FORWARD = 801  # SF_LOOP_FORWARD


def tone(frames: int = RATE, channels: int = 2) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 0.999, (channels, frames)).astype(np.float32)


def command(file: Path, number: int, size: int) -> bytes | None:
    """What libsndfile's `sf_command` answers, None where the file says nothing."""
    with soundfile.SoundFile(file) as sound:
        buffer = soundfile._ffi.new(f"char[{size}]")
        said = soundfile._snd.sf_command(sound._file, number, buffer, size)
        return bytes(soundfile._ffi.buffer(buffer, size)) if said else None


@pytest.mark.parametrize("bits", [24, 32])
def test_bext_is_read_by_wavinfo(tmp_path: Path, bits: int) -> None:
    with wav_stream(tmp_path / "x.wav", 2, RATE, RATE, STAMP, bits) as out:
        out.write(tone())
    said = wavinfo.WavInfoReader(str(tmp_path / "x.wav"))
    bext = said.bext
    assert bext.description == ("M?rder: Bass" + "x" * 300)[:256]
    assert (bext.originator, bext.originator_ref) == ("HarmonicFlow", "20260102-x-1")
    assert (bext.originator_date, bext.originator_time) == ("2026-01-02", "03:04:05")
    assert (bext.time_reference, bext.version, bext.umid) == (2**33 + 5, 1, bytes(64))
    assert bext.coding_history == f"A=PCM,F=48000,W={bits},M=stereo,T=HarmonicFlow 9\r\n"
    assert (said.fmt.audio_format, said.fmt.bits_per_sample) == ((1, 24) if bits == 24 else (3, 32))


@pytest.mark.parametrize("bits", [24, 32])
def test_bext_and_acid_are_read_by_libsndfile(tmp_path: Path, bits: int) -> None:
    seconds = 12 * 60 / 93.7
    frames = round(seconds * RATE)
    with wav_stream(tmp_path / "x.wav", 1, frames, RATE, STAMP, bits) as out:
        out.write(tone(frames, 1))
    broadcast = command(tmp_path / "x.wav", GET_BROADCAST_INFO, 602 + 4 + 256)
    assert broadcast is not None
    assert broadcast[256:268] == b"HarmonicFlow" and broadcast[320:338] == b"2026-01-0203:04:05"
    assert struct.unpack("<II", broadcast[340:348]) == (5, 2)  # the time reference; C puts it at a multiple of four
    loop = command(tmp_path / "x.wav", GET_LOOP_INFO, 44)
    assert loop is not None
    numerator, denominator, mode, beats, bpm, root = struct.unpack("<hhiifi", loop[:20])
    assert (numerator, denominator, mode, beats, root) == (7, 8, FORWARD, 12, -1)  # -1: not to be transposed
    assert bpm == pytest.approx(93.7)


def test_without_a_tempo_there_is_no_acid(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(wav_bytes(tone(), RATE, STAMP._replace(tempo_bpm=None)))
    assert command(tmp_path / "x.wav", GET_LOOP_INFO, 44) is None
    assert command(tmp_path / "x.wav", GET_BROADCAST_INFO, 862) is not None


def test_a_stamp_without_a_date_is_the_same_bytes_and_as_short_as_can_be(tmp_path: Path) -> None:
    data = wav_bytes(tone(100), RATE, Stamp(7))
    assert data == wav_bytes(tone(100), RATE, Stamp(7)) and b"acid" not in data
    (tmp_path / "x.wav").write_bytes(data)
    bext = wavinfo.WavInfoReader(str(tmp_path / "x.wav")).bext
    assert (bext.time_reference, bext.originator_date, bext.coding_history) == (7, "", "")


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="needs ffmpeg")
def test_bext_is_read_by_ffprobe(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(wav_bytes(tone(), RATE, STAMP))
    tags = "date,creation_time,time_reference,originator_reference"
    probe = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", f"format_tags={tags}", "-of", "default=nw=1:nk=1", "x.wav"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert sorted(probe.stdout.split()) == sorted(["2026-01-02", "03:04:05", str(2**33 + 5), "20260102-x-1"])


@pytest.mark.skipif(shutil.which("sox") is None, reason="needs sox")
@pytest.mark.parametrize(("bits", "coding"), [(24, "24-bit Signed Integer PCM"), (32, "32-bit Floating Point PCM")])
def test_the_sound_is_read_by_sox(tmp_path: Path, bits: int, coding: str) -> None:
    with wav_stream(tmp_path / "x.wav", 1, 1001, RATE, STAMP, bits) as out:
        out.write(tone(1001, 1))
    about = subprocess.run(["sox", "--i", "x.wav"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert coding in about.stdout and "1001 samples" in about.stdout and not about.stderr


@pytest.mark.parametrize("channels", [1, 2])
def test_24_bits_are_within_half_a_step(tmp_path: Path, channels: int) -> None:
    """Also with an odd number of bytes, which RIFF fills up; the file's sizes say what is in it."""
    x = tone(1001, channels)
    with wav_stream(tmp_path / "x.wav", channels, 1001, RATE, Stamp(), 24) as out:
        out.write(x[:, :400])
        out.write(x[:, 400:])
    back, rate = soundfile.read(tmp_path / "x.wav", dtype="float64", always_2d=True)
    assert rate == RATE and np.abs(back.T - x).max() <= 0.5 / 2**23 and out.clipped == 0
    data = (tmp_path / "x.wav").read_bytes()
    assert len(data) % 2 == 0 and struct.unpack("<I", data[4:8])[0] == len(data) - 8


def test_24_bits_clip_and_say_so() -> None:
    file = io.BytesIO()
    with stream_into(file, 1, 4, RATE, None, 24) as out:
        out.write([[1.0, -1.0, 2.0, -3.0]])
    assert out.clipped == 3  # -1 is just there
    file.seek(0)
    back, _ = soundfile.read(file, dtype="int32")
    assert (back >> 8).tolist() == [2**23 - 1, -(2**23), 2**23 - 1, -(2**23)]


def test_what_is_missing_is_refused() -> None:
    with pytest.raises(ValueError, match="never given"), stream_into(io.BytesIO(), 1, 4, RATE, None, 24) as out:
        out.write([[0.0]])
