"""A take's folder: complete, readable by others, the same bytes every time, and checked when it is read."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import mido
import msgspec
import numpy as np
import pytest
import safetensors.numpy
import soundfile

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import TakeSummary
from harmonicflow.engine.api import HarmonicFlow
from harmonicflow.engine.result import Result
from harmonicflow.engine.take import read_take, write_take

CREATED = "2026-01-02T03:04:05+00:00"


@pytest.fixture(scope="module")
def result(flow: HarmonicFlow) -> Result:
    clip = (0.1 * np.random.default_rng(0).standard_normal((1, 48000 * 4))).astype(np.float32)
    (made,) = flow.generate(
        clip=clip, clip_rate=48000, bars=2, stems=["bass", "piano"], prompt="happy pop", title="A & B",
        emotion=(0.5, -0.25),
    )  # fmt: skip
    return made


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_folder_holds_what_it_should(result: Result, tmp_path: Path) -> None:
    summary = write_take(result, tmp_path / "one", created=CREATED)
    sounds = ["bass", "piano", "mix", "binaural"]
    wanted = {f"{s}.wav" for s in sounds} | {f"peaks/{s}.dat" for s in sounds}
    wanted |= {"bass.mid", "piano.mid", "score.mid", "latents.safetensors", "take.json"}
    assert contents(tmp_path / "one").keys() == wanted
    assert [row.stem for row in summary.files] == sounds and summary.take == "one"
    for row in summary.files:
        about = soundfile.info(tmp_path / "one" / row.file)
        assert (about.frames, about.channels, about.samplerate) == (row.frames, row.channels, row.rate)
        assert about.subtype == "FLOAT" and row.frames == result.selection.frames and row.rate == 48000
        assert row.peak_dbfs is not None and row.lufs is not None and row.lufs < row.peak_dbfs < 0
    sound, _ = soundfile.read(tmp_path / "one" / "bass.wav", dtype="float32")
    assert np.array_equal(sound.T, result.stems["bass"])
    arrays = safetensors.numpy.load_file(tmp_path / "one" / "latents.safetensors")
    assert np.array_equal(arrays["latents"], result.latents) and np.array_equal(arrays["dry"], result.dry)
    midi = mido.MidiFile(file=io.BytesIO((tmp_path / "one" / "score.mid").read_bytes()))
    assert midi.length <= result.selection.seconds + 1
    details = json.loads((tmp_path / "one" / "take.json").read_text())
    assert details["request"]["prompt"] == "happy pop" and details["strips"]["bass"]["eq"]
    assert msgspec.convert(details["summary"], TakeSummary).seed == result.seed


def test_the_same_result_is_the_same_bytes(flow: HarmonicFlow, result: Result, tmp_path: Path) -> None:
    write_take(result, tmp_path / "a", take="t", created=CREATED)
    write_take(result, tmp_path / "b", take="t", created=CREATED)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_there_and_back(result: Result, tmp_path: Path) -> None:
    write_take(result, tmp_path / "one", created=CREATED)
    back = read_take(tmp_path / "one")
    assert back.score == result.score and back.selection == result.selection and back.strips == result.strips
    assert back.plan.emotion == (0.5, -0.25)
    assert (back.plan.genre, back.plan.key) == (result.plan.genre, result.plan.key)
    for name in ("dry", "mix", "binaural", "latents"):
        assert getattr(back, name).tobytes() == getattr(result, name).tobytes()
    assert np.array_equal(back.canvas.known, result.canvas.known)
    assert back.plan.curves is not None and np.array_equal(back.plan.curves, result.plan.curves)
    write_take(back, tmp_path / "two", take="one", created=CREATED)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_no_take(tmp_path: Path) -> None:
    with pytest.raises(HarmonicFlowError) as caught:
        read_take(tmp_path / "nothing")
    assert caught.value.code == "unknown_take"


@pytest.mark.parametrize(
    "damage",
    [
        lambda f: (f / "take.json").write_text("{"),
        lambda f: (f / "take.json").write_text('{"format": 1}'),
        lambda f: (f / "take.json").write_text((f / "take.json").read_text().replace('"format": 1', '"format": 2')),
        lambda f: (f / "take.json").write_text((f / "take.json").read_text().replace('"4/4"', '"4/5"')),
        lambda f: (f / "bass.wav").unlink(),
        lambda f: (f / "bass.wav").write_bytes((f / "bass.wav").read_bytes()[:-4]),
        lambda f: (f / "score.mid").write_bytes(b""),
        lambda f: (f / "latents.safetensors").write_bytes(b"\0" * 64),
        lambda f: (f / "mix.wav").write_bytes((f / "mix.wav").read_bytes()[:-1] + b"\1"),
    ],
)
def test_damaged_takes_are_refused(result: Result, tmp_path: Path, damage: Callable[[Path], object]) -> None:
    write_take(result, tmp_path / "one")
    damage(tmp_path / "one")
    with pytest.raises(HarmonicFlowError) as caught:
        read_take(tmp_path / "one")
    assert caught.value.code in ("bad_take", "bad_meter") and caught.value.exit_code in (1, 2)


def test_a_folder_that_cannot_be_written(result: Result, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(HarmonicFlowError) as caught:
        write_take(result, tmp_path / "file" / "take")
    assert caught.value.code == "disk"
