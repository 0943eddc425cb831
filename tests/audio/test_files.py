"""Sound files: there and back, ranges, and what must be refused in words, quickly and in little memory."""

import io
import os
import resource
import shutil
import struct
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

from harmonicflow.audio import files
from harmonicflow.audio.wav import wav_stream
from harmonicflow.core.errors import HarmonicFlowError

RATE = 44100


def tone(frames=4410, channels=2):
    return (0.3 * np.sin(np.arange(frames) * 0.05) * np.ones((channels, 1))).astype(np.float32)


def refused(path, code, work=files.read):
    with pytest.raises(HarmonicFlowError) as caught:
        work(path)
    assert caught.value.code == code, str(caught.value)
    assert os.path.basename(path) in str(caught.value)


@pytest.mark.parametrize("rate", [8000, 44100, 96000, 384000])
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_float_wav_comes_back_bit_for_bit(tmp_path, rate, channels):
    x = np.random.default_rng(0).standard_normal((channels, 1001)).astype(np.float32)
    files.write_wav(tmp_path / "x.wav", x, rate)
    y, got = files.read(tmp_path / "x.wav")
    assert got == rate and np.array_equal(x, y)
    assert files.info(tmp_path / "x.wav") == (rate, channels, 1001, "WAV")


@pytest.mark.parametrize(
    ("name", "subtype", "error"), [("x.flac", "PCM_24", 2e-7), ("x.aiff", "PCM_16", 4e-5), ("x.mp3", None, 0.02)]
)
def test_formats(tmp_path, name, subtype, error):
    path = tmp_path / name
    x = tone(RATE)
    soundfile.write(path, x.T, RATE, subtype=subtype)
    y, rate = files.read(path)
    assert rate == RATE and y.shape == x.shape and y.dtype == np.float32 and y.flags.c_contiguous
    assert np.abs(x - y)[:, 2000:-2000].max() < error


@pytest.mark.parametrize("name", ["x.wav", "x.flac", "x.mp3"])
def test_a_stream_is_the_whole_in_pieces(tmp_path, name):
    soundfile.write(tmp_path / name, np.random.default_rng(1).standard_normal((3 * RATE, 2)) * 0.1, RATE)
    whole, _ = files.read(tmp_path / name)
    pieces = list(files.stream(tmp_path / name, piece_frames=10_007))
    assert {piece.shape for piece in pieces[:-1]} == {(2, 10_007)}
    assert np.array_equal(np.concatenate(pieces, axis=1), whole)
    part = np.concatenate(list(files.stream(tmp_path / name, 7, 50_000, 999)), axis=1)
    assert part.shape == (2, 50_000) and np.abs(part - whole[:, 7:50_007]).max() < 1e-6


def test_a_stream_may_be_longer_than_one_reading(tmp_path, monkeypatch):
    files.write_wav(tmp_path / "x.wav", tone(1000), 8000)
    monkeypatch.setattr(files, "MAX_VALUES", 1000)
    refused(tmp_path / "x.wav", "too_long")
    assert sum(piece.shape[1] for piece in files.stream(tmp_path / "x.wav")) == 1000
    refused(tmp_path / "x.wav", "bad_selection", lambda path: list(files.stream(path, 0, 1001)))
    monkeypatch.setattr(files, "LONGEST_S", 0.1)
    refused(tmp_path / "x.wav", "too_long", lambda path: list(files.stream(path)))


def test_a_file_written_in_pieces_has_the_bytes_of_the_whole(tmp_path):
    x = tone(5000)
    with wav_stream(tmp_path / "y.wav", 2, 5000, RATE) as out:
        for piece in np.split(x, [1, 2, 4000], axis=1):
            out.write(piece)
        out.write(x)  # too much: left out
    assert (tmp_path / "y.wav").read_bytes() == files.wav_bytes(x, RATE)


def test_a_file_that_was_not_finished_is_not_there(tmp_path):
    (tmp_path / "y.wav").write_bytes(b"the old one")
    for sound, code in ((np.full((2, 10), np.nan), "bad_samples"), (tone(10), None)):
        with pytest.raises((HarmonicFlowError, ValueError)) as caught, wav_stream(tmp_path / "y.wav", 2, 20, RATE) as y:
            y.write(sound)
        assert getattr(caught.value, "code", None) == code
    with pytest.raises(HarmonicFlowError) as caught, wav_stream(tmp_path / "y.wav", 8, 2**31, RATE):
        pass
    assert caught.value.code == "too_long"
    assert os.listdir(tmp_path) == ["y.wav"] and (tmp_path / "y.wav").read_bytes() == b"the old one"


@pytest.mark.parametrize("name", ["x.wav", "x.flac", "x.mp3"])
def test_a_range_is_that_part_of_the_whole(tmp_path, name):
    soundfile.write(tmp_path / name, np.random.default_rng(1).standard_normal((3 * RATE, 2)) * 0.1, RATE)
    whole, _ = files.read(tmp_path / name)
    part, _ = files.read(tmp_path / name, 70_001, 50_000)
    assert np.abs(part - whole[:, 70_001:120_001]).max() < 1e-6


def test_the_file_is_these_bytes(tmp_path):
    files.write_wav(tmp_path / "x.wav", np.array([0.5, -1.0], np.float32), 8000)
    assert (tmp_path / "x.wav").read_bytes() == bytes.fromhex(
        "52494646 3a000000 57415645"  # RIFF, 58 bytes follow, WAVE
        "666d7420 12000000 0300 0100 401f0000 007d0000 0400 2000 0000"  # fmt: float, mono, 8000 Hz, 32 bits
        "66616374 04000000 02000000"  # fact: 2 frames
        "64617461 08000000 0000003f 000080bf"  # data: 0.5, -1
    )


def test_a_stamp_is_in_the_file(tmp_path):
    """The time reference at its place in bext (EBU Tech 3285), tempo and meter in acid; the sound is untouched."""
    x = tone(2 * RATE)
    files.write_wav(tmp_path / "x.wav", x, RATE, files.Stamp(2**33 + 5, 120.0, (7, 8)))
    assert np.array_equal(files.read(tmp_path / "x.wav")[0], x)
    data = (tmp_path / "x.wav").read_bytes()
    bext, acid = data.index(b"bext"), data.index(b"acid") + 8
    assert struct.unpack("<I", data[bext + 4 : bext + 8]) == (602,)
    assert data[bext + 8 + 256 :].startswith(b"HarmonicFlow\0")
    assert struct.unpack("<QH", data[bext + 8 + 338 : bext + 8 + 348]) == (2**33 + 5, 1)
    assert struct.unpack("<IHHfIHHf", data[acid : acid + 24])[4:] == (4, 8, 7, 120.0)


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="needs ffmpeg")
def test_a_stamp_is_read_by_others(tmp_path):
    files.write_wav(tmp_path / "x.wav", tone(), RATE, files.Stamp(2**33 + 5))
    probe = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "format_tags=time_reference,encoded_by", "-of", "csv=p=0", "x.wav"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert probe.stdout.strip().split(",") == ["HarmonicFlow", str(2**33 + 5)]


def wav_header(data_size=8, channels=2, rate=48000, bits=16, tag=1):
    width = channels * bits // 8
    fmt = struct.pack("<HHIIHH", tag, channels, rate, (rate * width) & 0xFFFFFFFF, width & 0xFFFF, bits)
    sizes = struct.pack("<I", (36 + data_size) & 0xFFFFFFFF), struct.pack("<I", data_size & 0xFFFFFFFF)
    return b"RIFF" + sizes[0] + b"WAVEfmt \x10\0\0\0" + fmt + b"data" + sizes[1]


BAD = {
    "text.wav": (b"these are words, not samples\n" * 100, "not_audio"),
    "empty.wav": (b"", "empty_audio"),
    "no_samples.wav": (wav_header(0), "empty_audio"),
    "claims_4GB.wav": (wav_header(0xFFFFFFF0), "empty_audio"),
    "header_only.wav": (wav_header()[:30], "not_audio"),
    "no_rate.wav": (wav_header(rate=0) + bytes(8), "not_audio"),
    "slow.wav": (wav_header(rate=7999) + bytes(8), "bad_rate"),
    "fast.wav": (wav_header(rate=4_000_000_000) + bytes(8), None),
    "no_channels.wav": (wav_header(channels=0) + bytes(8), "not_audio"),
    "channels.wav": (wav_header(channels=9) + bytes(18 * 10), "too_many_channels"),
    "many_channels.wav": (wav_header(channels=65535) + bytes(8), None),
    "no_bits.wav": (wav_header(bits=0) + bytes(8), None),
    "renamed.raw": (b"RIFF but not a wave file at all", "not_audio"),
    "id3.mp3": (b"ID3" + bytes(1000), None),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_in_words(tmp_path, name):
    content, code = BAD[name]
    (tmp_path / name).write_bytes(content)
    started = time.perf_counter()
    with pytest.raises(HarmonicFlowError) as caught:
        files.read(tmp_path / name)
    codes = (code,) if code else ("not_audio", "bad_rate", "empty_audio")
    assert name in str(caught.value) and caught.value.code in codes
    assert time.perf_counter() - started < 1


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "locked.wav").write_bytes(wav_header())
    refused(str(tmp_path / "none.wav"), "missing_file")
    refused(str(tmp_path / "none.wav" / "deeper.wav"), "missing_file")
    refused("a\0b.wav", "missing_file")
    refused(str(tmp_path / ("n" * 300 + ".wav")), "unreadable")
    refused(str(tmp_path), "not_audio")
    refused(str(tmp_path / "pipe.wav"), "not_audio")
    refused("/dev/zero", "not_audio")
    if os.geteuid():
        (tmp_path / "locked.wav").chmod(0)
        refused(str(tmp_path / "locked.wav"), "unreadable")


@pytest.mark.parametrize(
    ("value", "code"),
    [(np.nan, "bad_samples"), (np.inf, "bad_samples"), (-np.inf, "bad_samples"), (3e38, "wild_samples")],
)
def test_samples_that_are_no_sound(tmp_path, value, code):
    x = np.zeros((2, 200_000), np.float32)
    x[1, 123_456] = value
    soundfile.write(tmp_path / "x.wav", x.T, RATE, subtype="FLOAT")
    refused(str(tmp_path / "x.wav"), code)
    with pytest.raises(HarmonicFlowError, match="123456"):
        files.read(tmp_path / "x.wav", 100_000)
    assert files.read(tmp_path / "x.wav", 0, 123_456)[0].shape == (2, 123_456)


def test_not_a_number_is_never_written(tmp_path):
    with pytest.raises(HarmonicFlowError) as caught:
        files.write_wav(tmp_path / "x.wav", [0.0, np.nan], RATE)
    assert caught.value.code == "bad_samples" and not list(tmp_path.iterdir())


def test_one_sample_is_sound_but_ranges_must_lie_inside(tmp_path):
    path = tmp_path / "one.wav"
    files.write_wav(path, [0.25], RATE)
    assert files.read(path)[0].tolist() == [[0.25]]
    for start, frames in ((0, 2), (1, 1), (-1, 1), (0, 0), (0, -1)):
        with pytest.raises(HarmonicFlowError) as caught:
            files.read(path, start, frames)
        assert caught.value.code == "bad_selection"


@pytest.mark.parametrize(("name", "codes"), [("x.flac", {"broken_audio", "not_audio"}), ("x.wav", set())])
def test_truncated_files(tmp_path, name, codes):
    soundfile.write(tmp_path / name, np.random.default_rng(2).standard_normal((RATE, 2)) * 0.1, RATE)
    whole = (tmp_path / name).read_bytes()
    for keep in (5, 60, 5000, len(whole) // 2, len(whole) - 1):
        (tmp_path / name).write_bytes(whole[:keep])
        try:
            sound, _ = files.read(tmp_path / name)
        except HarmonicFlowError as error:
            assert name in str(error) and error.code in codes | {"not_audio", "empty_audio"}
        else:
            assert np.isfinite(sound).all() and 0 < sound.shape[1] < RATE + 1 and name == "x.wav"


BOMB = """
import resource, sys, time
import numpy, soundfile
from harmonicflow.audio import files
from harmonicflow.audio.wav import wav_stream
from harmonicflow.core.errors import HarmonicFlowError
before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
try:
    files.read(sys.argv[1])
except HarmonicFlowError as error:
    print(error.code)
part, _ = files.read(sys.argv[1], 48000 * 1000, 48000)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(part.shape, time.perf_counter() - started < 1, grown < 50_000)
"""


def test_a_bomb_is_refused_without_being_expanded(tmp_path):
    path = tmp_path / "bomb.flac"
    with soundfile.SoundFile(path, "w", 48000, 2, format="FLAC") as bomb:
        for _ in range(30):
            bomb.write(np.zeros((48000 * 60, 2), np.int16))
    assert path.stat().st_size < 1_000_000 and files.info(path).frames == 48000 * 1800
    done = subprocess.run([sys.executable, "-c", BOMB, path], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["too_long", "(2, 48000) True True"]


def test_mutated_files_end_in_words(tmp_path):
    rng = np.random.default_rng(3)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, form in (("x.wav", "WAV"), ("x.flac", "FLAC"), ("x.mp3", "MP3"), ("x.ogg", "OGG")):
        memory = io.BytesIO()
        soundfile.write(memory, rng.standard_normal((3000, 2)) * 0.1, RATE, format=form)
        good = np.frombuffer(memory.getvalue(), np.uint8)
        for turn in range(60):
            bad = good.copy()
            places = rng.integers(0, min(len(bad), 100 if turn % 2 else len(bad)), 1 + turn % 7)
            bad[places] = rng.integers(0, 256, len(places))
            (tmp_path / name).write_bytes(bad.tobytes())
            started = time.perf_counter()
            try:
                sound, _ = files.read(tmp_path / name)
                assert np.isfinite(sound).all()
            except HarmonicFlowError as error:
                assert name in str(error)
            assert time.perf_counter() - started < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000
