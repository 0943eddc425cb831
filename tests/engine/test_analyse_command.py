"""`harmonicflow analyse`, run as a person would: text, JSON, pictures; and everything that can be wrong with a file."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.cli import run
from harmonicflow.core.tempo import Selection
from harmonicflow.score.arrange import Arranger, ComposeRequest
from harmonicflow.score.chords import parse_progression
from harmonicflow.score.midi import write_midi
from tests.ran import Ran

RATE = 44100
Run = Callable[..., Ran]


@pytest.fixture
def hf(tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("HARMONICFLOW_BUNDLE", str(tiny))

    def here(*words: object) -> Ran:
        return Ran(run([str(word) for word in words]), *capsys.readouterr())

    return here


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """C and F, two bars each at 120, struck on every beat, with a click."""
    t = np.arange(RATE // 2) / RATE
    out = []
    for beat in range(32):
        root = 60 if beat % 16 < 8 else 65
        hz = [440 * 2 ** ((root + step - 69) / 12) for step in (-24, 0, 4, 7)]
        struck = sum(0.1 * np.exp(-4 * t) * np.sin(2 * np.pi * f * k * t) / k for f in hz for k in (1, 2, 3))
        out.append(struck + (0.4 if beat % 4 == 0 else 0.2) * np.exp(-200 * t) * np.sin(2 * np.pi * 3000 * t))
    path = tmp_path / "song.flac"
    soundfile.write(path, np.stack([np.concatenate(out)] * 2, axis=1) * 0.5, RATE)
    return path


@pytest.fixture
def midi(tmp_path: Path) -> Path:
    selection = Selection.from_bars(8, 110, "3/4", RATE)
    spans = parse_progression("Dm | Gm | A7 | Dm", selection.meters, 8)
    path = tmp_path / "tune.mid"
    write_midi(Arranger().compose(ComposeRequest(selection, chords=spans, genre="pop", seed=1)), selection, path)
    return path


def pixels(file: Path) -> np.ndarray:
    """What a PNG of plain pixels holds [height, width, 3]."""
    data = file.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    at, body = 8, b""
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        body += data[at + 8 : at + 8 + size] if data[at + 4 : at + 8] == b"IDAT" else b""
        at += size + 12
    rows = np.frombuffer(zlib.decompress(body), np.uint8).reshape(height, 1 + 3 * width)
    return rows[:, 1:].reshape(height, width, 3)


def test_a_song_is_described(hf: Run, song: Path, tmp_path: Path) -> None:
    picture = tmp_path / "song.png"
    ran = hf("analyse", song, "--picture", picture)
    assert ran.code == 0 and not ran.err
    lines = ran.out.splitlines()
    assert lines[0] == "song.flac, 0:16.0"
    assert any(line.startswith("tempo") and "120.0 BPM" in line for line in lines)
    assert any(line.startswith("key") and ("C major" in line or "F major" in line) for line in lines)
    assert any("without a network" in line for line in lines)
    chart = [line for line in lines if "|" in line]
    assert chart and " C " in chart[0] and " F " in "".join(chart)
    drawn = pixels(picture)
    assert drawn.shape[1] == 1400 and drawn.shape[0] > 400
    sound = drawn[124:264, 70:1380]
    assert 0.05 < (sound != 255).any(axis=2).mean() < 0.95  # a wave, and room around it
    assert (drawn[346:600, 70:300] < 200).any()  # bars that are alike


def test_json_is_complete(hf: Run, song: Path) -> None:
    ran = hf("analyse", song, "--json")
    (line,) = ran.out.splitlines()
    told = json.loads(line)
    assert told["file"] == str(song) and told["source"] == "signal" and told["meter"] == "4/4"
    assert told["tempo"]["bpm"] == pytest.approx(120, rel=0.01) and told["seconds"] == pytest.approx(16)
    assert {chord["chord"] for chord in told["chords"]} == {"C", "F"}
    assert told["chords"][0]["start_s"] == 0 and told["loudness"]["integrated_lufs"] < 0
    assert told["sections"] and told["keys"] and len(told["beats_s"]) >= 30 and told["onsets"]["count"] >= 28


def test_a_midi_file_is_described(hf: Run, midi: Path, tmp_path: Path) -> None:
    picture = tmp_path / "tune.png"
    ran = hf("analyse", midi, "--picture", picture)
    assert ran.code == 0 and "meter     3/4" in ran.out and "D minor" in ran.out and "A7" in ran.out
    assert (pixels(picture)[124:264, 70:1380] != 255).any()
    told = json.loads(hf("analyse", midi, "--json").out)
    assert told["source"] == "midi" and told["loudness"] is None and len(told["downbeats"]) == 8
    renamed = tmp_path / "tune.wav"
    renamed.write_bytes(midi.read_bytes())  # known by what it holds
    assert json.loads(hf("analyse", renamed, "--json").out)["source"] == "midi"


def written(path: Path, sound: np.ndarray, rate: int = RATE) -> None:
    soundfile.write(path, sound, rate)


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty.wav": (lambda path: path.write_bytes(b""), "holds no sound"),
    "silent.wav": (lambda path: written(path, np.zeros(RATE)), "nothing to hear"),
    "short.wav": (lambda path: written(path, 0.1 * np.ones(RATE // 5)), "too short: 0.2 seconds"),
    "wide.wav": (lambda path: written(path, 0.1 * np.ones((RATE, 12))), "12 channels"),
    "broken.flac": (lambda path: path.write_bytes(b"fLaC" + bytes(60)), "not a sound file"),
    "text.txt": (lambda path: path.write_text("la la la"), "not a sound file"),
    "broken.mid": (lambda path: path.write_bytes(b"MThd\0\0\0\6\0\1\0\1"), "not a MIDI file"),
    "bare.mid": (
        lambda path: path.write_bytes(b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\4\0\xff\x2f\0"), "holds no notes"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_sentence(hf: Run, tmp_path: Path, name: str) -> None:
    make, sentence = FAULTS[name]
    make(tmp_path / name)
    ran = hf("analyse", tmp_path / name)
    assert ran.code != 0 and not ran.out and sentence in ran.err and "Traceback" not in ran.err


def test_other_faults_are_sentences(hf: Run, song: Path, tmp_path: Path) -> None:
    assert "there is no file" in hf("analyse", tmp_path / "none.wav").err
    assert "there is no file" in hf("analyse", tmp_path / "none.mid").err
    assert "ends in .png" in hf("analyse", song, "--picture", tmp_path / "song.gif").err
    assert "no bundle" in hf("analyse", song, "--bundle", tmp_path).err
