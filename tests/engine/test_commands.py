"""`harmonicflow encode` and `decode`, run as a person would: folders, broken files, going on, JSON, a round trip."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.cli import run
from harmonicflow.engine.latents import LatentsReader
from tests.ran import Ran

RATE = 44100


Run = Callable[..., Ran]


@pytest.fixture
def hf(tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("HARMONICFLOW_BUNDLE", str(tiny))

    def here(*words: object) -> Ran:
        return Ran(run([str(word) for word in words]), *capsys.readouterr())

    return here


def sine(seconds: float, channels: int = 1, rate: int = RATE) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    return (0.2 * np.sin(2 * np.pi * 172.265625 * t))[:, None] * np.ones(channels)


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    """Three good files in two folders, one broken, one that is no sound, one hidden."""
    folder = tmp_path / "songs"
    (folder / "live" / "1999").mkdir(parents=True)
    soundfile.write(folder / "one.wav", sine(1.5, 2), RATE)
    soundfile.write(folder / "live" / "two.FLAC", sine(0.7, 1, 22050), 22050)
    soundfile.write(folder / "live" / "1999" / "three.ogg", sine(1.1), RATE)
    (folder / "live" / "broken.wav").write_bytes(b"RIFF nonsense that is no wave")
    (folder / "notes.txt").write_text("not a sound")
    (folder / ".hidden.wav").write_bytes(b"")
    return folder


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


LATENTS = {"one.safetensors", "live/two.safetensors", "live/1999/three.safetensors"}


def test_a_folder_there_and_back(hf: Run, songs: Path, tmp_path: Path) -> None:
    there, back = tmp_path / "latents", tmp_path / "copies"
    ran = hf("encode", songs, "--out", there)
    assert ran.code == 1 and "broken.wav is not a sound file" in ran.err and "1 failed" in ran.err
    assert names(there) == LATENTS and set(ran.out.split()) == {str(there / name) for name in LATENTS}
    assert "encoding [" in ran.err and "x real time" in ran.err and ", 1 of 4" in ran.err
    ran = hf("decode", there, "--out", back)
    assert ran.code == 0 and names(back) == {"one.wav", "live/two.wav", "live/1999/three.wav"}
    for name, source in (("one.wav", "one.wav"), ("live/two.wav", "live/two.FLAC")):
        copy, original = soundfile.info(back / name), soundfile.info(songs / source)
        assert (copy.frames, copy.samplerate, copy.channels) == (
            original.frames, original.samplerate, original.channels,
        )  # fmt: skip
        assert copy.subtype == "FLOAT"


def test_what_is_there_is_skipped_unless_forced_or_of_another_space(hf: Run, songs: Path, tmp_path: Path) -> None:
    out = tmp_path / "latents"
    (songs / "live" / "broken.wav").unlink()
    assert hf("encode", songs, "--out", out).code == 0
    one = out / "one.safetensors"
    stamps = {name: (out / name).stat().st_mtime_ns for name in LATENTS}
    (out / "live" / "two.safetensors").unlink()
    with LatentsReader(one) as file:
        space = file.origin.latent_space.encode()
    one.write_bytes(one.read_bytes().replace(space, b"0" * len(space)))
    ran = hf("encode", songs, "--out", out, "--json")
    done = [Path(row["source"]).stem for row in ran.objects if "skipped" not in row]
    assert ran.code == 0 and sorted(done) == ["one", "two"] and "1 there already" in ran.err
    assert (out / "live/1999/three.safetensors").stat().st_mtime_ns == stamps["live/1999/three.safetensors"]
    assert hf("encode", songs, "--out", out, "--force", "--json").out.count('"skipped"') == 0
    back = tmp_path / "copies"
    assert hf("decode", one, "--out", back).code == 0
    assert "1 there already" in hf("decode", one, "--out", back).err
    assert "1 decoded" in hf("decode", one, "--out", back, "--force").err


def test_the_round_trip_is_written_and_measured(hf: Run, songs: Path, tmp_path: Path) -> None:
    ran = hf("encode", songs / "one.wav", "--out", tmp_path / "out", "--round-trip", "--json")
    ((row,),) = ([row["files"] for row in ran.objects],)
    (file,) = row
    assert ran.code == 0 and file["rows"] == 2 and file["si_sdr_db"] > 15 and 0 < file["log_mel_db"] < 10
    assert soundfile.info(file["decoded"]).frames == soundfile.info(songs / "one.wav").frames
    shown = hf("encode", songs / "one.wav", "--out", tmp_path / "out", "--round-trip", "--force").out
    assert f"SI-SDR {file['si_sdr_db']:.1f} dB, log-mel distance {file['log_mel_db']:.1f} dB" in shown
    (tmp_path / "out" / "one.decoded.wav").unlink()  # then it is made again
    assert "1 encoded" in hf("encode", songs / "one.wav", "--out", tmp_path / "out", "--round-trip").err
    again = hf("encode", tmp_path / "out", "--out", tmp_path / "again")  # a copy is no song of its own
    assert again.code == 2 and "no file of sound" in again.err


@pytest.mark.parametrize(("last", "count"), [("pad", 4), ("drop", 3)])
def test_pieces_of_one_length(hf: Run, songs: Path, tmp_path: Path, last: str, count: int) -> None:
    words = ("encode", songs / "one.wav", "--out", tmp_path / "out", "--seconds", 0.46, "--mono", "--last", last)
    ran = hf(*words, "--round-trip", "--json")
    files = ran.objects[0]["files"]
    assert ran.code == 0 and [file["frames"] for file in files] == [10] * count
    assert all(file["rows"] == 1 and file["si_sdr_db"] > 10 for file in files)
    assert names(tmp_path / "out") == {
        f"one.pieces/{number:04d}{ending}" for number in range(count) for ending in (".safetensors", ".decoded.wav")
    }
    assert {str(tmp_path / "out" / name) for name in names(tmp_path / "out")} == {
        file[key] for file in files for key in ("latents", "decoded")
    }
    assert "1 there already" in hf(*words).err and "1 encoded" in hf(*words, "--force").err
    too_short = hf("encode", songs / "one.wav", "--out", tmp_path / "no", "--seconds", 60, "--last", "drop")
    assert too_short.code == 0 and "too short for a piece" in too_short.out
    assert sorted(path.name for path in (tmp_path / "no").iterdir()) == ["one.pieces"]


def test_two_of_one_name_keep_their_endings(hf: Run, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", sine(0.2), RATE)
    soundfile.write(tmp_path / "a.flac", sine(0.3), RATE)
    assert hf("encode", tmp_path, "--out", tmp_path / "out").code == 0
    assert names(tmp_path / "out") == {"a.wav.safetensors", "a.flac.safetensors"}


def test_two_folders_may_not_write_one_file(hf: Run, songs: Path, tmp_path: Path) -> None:
    ran = hf("encode", songs, songs / "live", songs / "live" / "1999", "--out", tmp_path / "out", "--json")
    assert ran.code == 1, "the same files by other names, in other places"
    (tmp_path / "more").mkdir()
    os.link(songs / "one.wav", tmp_path / "more" / "one.wav")
    ran = hf("encode", songs, tmp_path / "more", "--out", tmp_path / "again")
    assert ran.code == 2 and "would become one file" in ran.err and not (tmp_path / "again").exists()


def test_errors_are_sentences(hf: Run, songs: Path, tmp_path: Path) -> None:
    def told(*words: object) -> tuple[int, str]:
        ran = hf(*words, "--json")
        return ran.code, ran.objects[-1]["error"]["code"]

    out = ("--out", tmp_path / "out")
    assert told("encode", tmp_path / "none.wav", *out) == (2, "missing_file")
    assert told("encode", songs / "live" / "broken.wav", *out) == (1, "not_audio")
    assert told("decode", songs, *out) == (2, "no_input")
    assert told("decode", songs / "one.wav", *out) == (1, "bad_latents")
    assert told("encode", songs, *out, "--bundle", tmp_path / "none") == (5, "no_bundle")
    assert told("encode", songs / "one.wav", "--out", songs / "notes.txt") == (1, "disk")
    assert told("encode", songs / "one.wav") == (2, "usage")
    hf("encode", songs / "one.wav", *out)
    latents = tmp_path / "out" / "one.safetensors"
    with LatentsReader(latents) as file:
        space = file.origin.latent_space.encode()
    latents.write_bytes(latents.read_bytes().replace(space, b"f" * len(space)))
    assert told("decode", latents, "--out", tmp_path / "back") == (1, "latent_mismatch")
    assert not names(tmp_path / "back")


def test_help_loads_no_engine(repository: Path) -> None:
    script = "import sys\nfrom bridge.cli import run\nrun(['encode', '--help'])\nrun(['decode', '--help'])\n"
    script += "print({'numpy', 'onnxruntime', 'zmq'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", script], cwd=repository, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "set()" and "--round-trip" in ran.stdout


def test_ending_it_in_the_middle_leaves_whole_files_only(tiny: Path, tmp_path: Path, repository: Path) -> None:
    songs = tmp_path / "songs"
    songs.mkdir()
    soundfile.write(tmp_path / "x.wav", sine(10.0), RATE)
    # Far more than can be done before the signal comes, however late this process is given its turn.
    for number in range(600):
        os.link(tmp_path / "x.wav", songs / f"{number:02d}.wav")
    command = [sys.executable, "-m", "bridge", "encode", str(songs), "--out", str(tmp_path / "out"), "--threads", "1"]
    environment = os.environ | {"HARMONICFLOW_BUNDLE": str(tiny)}
    process = subprocess.Popen(command, cwd=repository, env=environment, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not (tmp_path / "out" / "03.safetensors").exists():
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "cancelled" in err
    made = sorted((tmp_path / "out").iterdir())
    assert 4 <= len(made) < 600 and all(path.suffix == ".safetensors" for path in made)
    for path in made:
        with LatentsReader(path) as file:
            assert file.read(0, file.length).shape == (1, 216, 32)
