"""WAV and MIDI folders of the real command line, read by others; and what goes wrong, for both kinds of export."""

import shutil
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import mido
import msgspec
import numpy as np
import pytest
import soundfile
import wavinfo

from bridge.exporting.found import Take, read
from bridge.exporting.wanted import write_sound
from tests.exported_takes import CASES
from tests.ran import Ran

Export = Callable[..., Ran]
SOUNDS = {"bass.wav", "drums.wav", "mix.wav", "binaural.wav"}
NOTES = {"bass.mid", "drums.mid", "score.mid"}


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def loop_info(file: Path) -> tuple[int, ...] | None:
    """Numerator, denominator, mode, beats and tempo as libsndfile reads them."""
    with soundfile.SoundFile(file) as sound:
        buffer = soundfile._ffi.new("char[44]")
        if not soundfile._snd.sf_command(sound._file, 0x10E0, buffer, 44):
            return None
        return struct.unpack("<hhiif", bytes(soundfile._ffi.buffer(buffer, 16)))


@pytest.mark.parametrize("case", ["seven", "change"])
@pytest.mark.parametrize("bits", ["24", "32"])
def test_files_hold_the_take_and_say_where_it_was(
    export: Export, exports: Path, tmp_path: Path, case: str, bits: str
) -> None:
    assert export(f"20260102-{case}", "--folder", "--out", "x", "--bit-depth", bits).code == 0
    assert names(tmp_path / "x") == SOUNDS | NOTES | {"README.txt"}
    selection, take = CASES[case](), exports / "takes" / f"20260102-{case}-1"
    for name in SOUNDS:
        sound, rate = soundfile.read(tmp_path / "x" / name, dtype="float64", always_2d=True)
        expected, _ = soundfile.read(take / name, dtype="float64", always_2d=True)
        assert sound.shape == expected.shape == (selection.frames, 2) and rate == selection.rate
        assert np.abs(sound - expected).max() <= (0.5 / 2**23 if bits == "24" else 0)
        bext = wavinfo.WavInfoReader(str(tmp_path / "x" / name)).bext
        assert bext.time_reference == selection.start_frame > 0 and bext.originator_ref == f"20260102-{case}-1"
        assert (bext.originator_date, bext.originator_time) == ("2026-01-02", "03:04:05")
        assert bext.description.startswith(f"A {case}: ")
        assert bext.coding_history.startswith(f"A=PCM,F={rate},W={bits},M=stereo,T=HarmonicFlow ")
    for name in NOTES:
        assert (tmp_path / "x" / name).read_bytes() == (take / name).read_bytes()


def test_tempo_is_in_the_files_where_it_is_one_and_the_beats_are_whole(export: Export, tmp_path: Path) -> None:
    expected = {"plain": (4, 4, 801, 8, 93.7), "seven": (7, 8, 801, 7, 137.3), "change": None, "meters": None}
    for case, wanted in expected.items():
        assert export(f"20260102-{case}", "--folder", "--out", case).code == 0
        found = loop_info(tmp_path / case / "bass.wav")
        assert found == (None if wanted is None else pytest.approx(wanted))
    assert export("20260102-plain", "--folder", "--no-tempo", "--out", "none").code == 0
    assert loop_info(tmp_path / "none" / "bass.wav") is None


def test_a_takes_own_files_say_their_place_and_no_tempo(exports: Path) -> None:
    """Hosts are given these files by scripts that know the tempo: one that stretched them would spoil them."""
    file = exports / "takes" / "20260102-seven-1" / "bass.wav"
    assert loop_info(file) is None
    assert wavinfo.WavInfoReader(str(file)).bext.time_reference == CASES["seven"]().start_frame


def test_the_readme_says_what_to_type(export: Export, tmp_path: Path) -> None:
    for case in ("plain", "change", "meters"):
        assert export(f"20260102-{case}", "--folder", "--out", case).code == 0
    plain, change, meters = (
        (tmp_path / case / "README.txt").read_bytes().decode("utf-8") for case in ("plain", "change", "meters")
    )
    assert "Tempo    93.7 BPM\r\n" in plain and "Set the project to 93.7 BPM and 4/4" in plain
    assert "Start    bar 1, beat 1\r\n" in plain and "Length   2 bars, 8 quarter notes" in plain
    assert "Start    bar 1, beat 3\r\n" in change and "The first bar is not whole." in change.replace("\r\n", " ")
    assert "  bar 2, beat 2: 137.3 BPM\r\n  bar 2, beat 4: 120 BPM\r\n" in change
    assert "Meter    4/4, 7/8 from bar 2, 3/4 from bar 3\r\n" in meters
    assert "Tempo changes" not in plain and max(map(len, plain.splitlines())) <= 80


def test_parts_of_a_take(export: Export, tmp_path: Path) -> None:
    assert export("20260102-plain", "--folder", "--stems", "bass,piano", "--out", "two").code == 0
    assert names(tmp_path / "two") == {"bass.wav", "bass.mid", "piano.wav", "piano.mid", "README.txt"}
    assert export("20260102-plain", "--folder", "--stems", "bass", "--mix", "--out", "one").code == 0
    assert names(tmp_path / "one") == {"bass.wav", "bass.mid", "mix.wav", "README.txt"}
    assert export("20260102-seven", "--folder", "--midi-only", "--out", "midi").code == 0
    assert names(tmp_path / "midi") == NOTES | {"README.txt"}
    assert len(mido.MidiFile(tmp_path / "midi" / "score.mid").tracks) == 3
    assert export("20260102-seven", "--folder", "--no-mix", "--no-binaural", "--out", "dry").code == 0
    assert names(tmp_path / "dry") == {"bass.wav", "drums.wav", "README.txt"} | NOTES


def test_several_takes_are_a_folder_each(export: Export, tmp_path: Path) -> None:
    ran = export("20260102-options-2", "--options", "--folder", "--out", "both", "--json")
    assert [msgspec.json.decode(line)["takes"] for line in ran.out.splitlines()] == [
        ["20260102-options-1"], ["20260102-options-2"],
    ]  # fmt: skip
    assert names(tmp_path / "both") == {"20260102-options-1", "20260102-options-2"}


# ------------------------------------------------------------------------------------------------ what a take is called


def test_takes_are_found_by_name_beginning_last_and_folder(export: Export, exports: Path, tmp_path: Path) -> None:
    folder = str(exports / "takes" / "20260102-seven-1")
    for number, name in enumerate(("20260102-seven-1", "20260102-se", "last", folder)):
        ran = export(name, "--midi-only", "--json", "--out", str(number))
        assert ran.code == 0, ran.err
        (take,) = msgspec.json.decode(ran.out)["takes"]
        assert take == ("20260102-options-2" if name == "last" else "20260102-seven-1")
    assert export("20260102-ramp", "--midi-only").code == 0  # by default named after title and take, here
    assert (tmp_path / "A ramp 20260102-ramp-1.dawproject").is_file()


def test_a_fetched_take_is_found(export: Export, exports: Path, tmp_path: Path) -> None:
    """What was made by a daemon on another computer lies apart, and its WAV files say nothing of themselves."""
    target = exports / "fetched" / "elsewhere-1"
    shutil.copytree(exports / "takes" / "20260102-seven-1", target)
    try:
        assert export("elsewhere", "--folder", "--out", "x").code == 0
        assert (tmp_path / "x" / "bass.wav").is_file()
    finally:
        shutil.rmtree(exports / "fetched")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nothing",), "there is no take 'nothing'. List them with: harmonicflow takes"),
        (("../takes/20260102-seven-1",), "there is no take"),
        (("20260102-",), "'20260102-' begins the names of 7 takes"),
        (("20260102-seven", "--stems", "piano"), "there is no stem 'piano'. Choose from bass, drums"),
        (("20260102-seven", "--stems", "kazoo"), "there is no stem 'kazoo'"),
        (("20260102-seven", "--folder", "--dawproject"), "give only one of --dawproject and --folder"),
        (("20260102-seven", "--midi-only", "--mix"), "leave out --midi-only"),
        (("20260102-seven", "--bit-depth", "16"), "'16' is not one of '24', '32'"),
        (("20260102-seven", "--out", "/dev/null/x"), "cannot be written"),
        ((), "Missing argument 'TAKE ...'"),
    ],
)
def test_what_is_wrong_is_a_sentence(export: Export, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    ran = export(*words)
    assert ran.code in (1, 2) and said in ran.err and "Traceback" not in ran.err, ran.err
    assert not any(tmp_path.iterdir())


def test_nothing_is_overwritten_without_force(export: Export, tmp_path: Path) -> None:
    (tmp_path / "x.dawproject").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "empty").mkdir()
    for words in (("--out", "x"), ("--folder", "--out", "full")):
        ran = export("20260102-seven", "--midi-only", *words)
        assert ran.code == 2 and "is there already" in ran.err and "--force" in ran.err
    assert (tmp_path / "x.dawproject").read_text() == "mine" and names(tmp_path / "full") == {"mine.txt"}
    assert export("20260102-seven", "--midi-only", "--folder", "--out", "empty").code == 0
    assert export("20260102-seven", "--midi-only", "--out", "x", "--force").code == 0
    assert (tmp_path / "x.dawproject").read_bytes()[:2] == b"PK"
    assert export("20260102-seven", "--midi-only", "--folder", "--out", "full", "--force").code == 0
    assert names(tmp_path / "full") == NOTES | {"mine.txt", "README.txt"}  # what is there besides stays


def test_a_take_is_never_written_into(export: Export, exports: Path) -> None:
    folder = exports / "takes" / "20260102-seven-1"
    before = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    ran = export("20260102-seven", "--folder", "--out", str(folder), "--force")
    assert ran.code == 2 and "takes are never changed" in ran.err
    assert {file.name: file.stat().st_mtime_ns for file in folder.iterdir()} == before


def _broken(take: Path, how: str) -> None:
    wav = take / "drums.wav"
    if how == "short":
        wav.write_bytes(wav.read_bytes()[:5000])
    elif how == "gone":
        wav.unlink()
    elif how == "other":
        soundfile.write(wav, np.zeros((100, 2)), 8000)
    elif how == "nan":
        data = bytearray(wav.read_bytes())
        data[-4:] = struct.pack("<f", float("nan"))
        wav.write_bytes(bytes(data))
    elif how == "json":
        (take / "take.json").write_text("{")
    elif how == "midi":
        (take / "drums.mid").unlink()
    elif how == "score":
        text = (take / "take.json").read_text()
        (take / "take.json").write_text(text.replace('"Gmaj7"', '"H7x"'))


@pytest.mark.parametrize("how", ["short", "gone", "other", "nan", "json", "midi", "score"])
@pytest.mark.parametrize("kind", ["--dawproject", "--folder"])
def test_a_broken_take_leaves_nothing_behind(
    export: Export, exports: Path, tmp_path: Path, kind: str, how: str
) -> None:  # fmt: skip
    take = tmp_path / "take"
    shutil.copytree(exports / "takes" / "20260102-seven-1", take)
    _broken(take, how)
    ran = export(str(take), kind, "--out", "x")
    if (kind, how) == ("--dawproject", "midi"):
        assert ran.code == 0  # its notes are in take.json
        return
    assert ran.code in (1, 2) and "Traceback" not in ran.err and "went wrong" not in ran.err, ran.err
    assert names(tmp_path) == {"take"}


@pytest.mark.parametrize("name", ["../evil.mid", "/tmp/evil.mid", "..", "", "a/b.mid", "a\\b.mid", "c:evil", ".hidden"])
@pytest.mark.parametrize("kind", ["--dawproject", "--folder"])
@pytest.mark.parametrize("place", ["file", "part"])
def test_a_take_that_names_files_elsewhere_is_refused(
    export: Export, exports: Path, tmp_path: Path, kind: str, name: str, place: str
) -> None:
    """A take's folder may come from anybody."""
    take = tmp_path / "take"
    shutil.copytree(exports / "takes" / "20260102-seven-1", take)
    details = msgspec.json.decode((take / "take.json").read_bytes())
    if place == "file":
        details["summary"]["files"][0]["file"] = name
    else:
        details["summary"]["parts"]["bass"] = name
    (take / "take.json").write_bytes(msgspec.json.encode(details))
    ran = export(str(take), kind, "--out", "x")
    assert ran.code == 1 and "is not a file name" in ran.err
    assert names(tmp_path) == {"take"}


def test_a_long_take_takes_no_memory(exports: Path, tmp_path: Path) -> None:
    """Two minutes of stereo, 46 MB, go through in pieces."""
    short = read(exports / "takes" / "20260102-seven-1")
    frames = 120 * 48_000
    soundfile.write(tmp_path / "bass.wav", np.zeros((frames, 2), np.float32), 48_000, subtype="FLOAT")
    row = msgspec.structs.replace(short.summary.files[0], frames=frames)
    take = Take(tmp_path, short.summary, short.selection, short.details)
    tracemalloc.start()
    with (tmp_path / "out.wav").open("wb") as file:
        write_sound(file, take, row, 24, tempo=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8e6 and soundfile.info(tmp_path / "out.wav").frames == frames


def test_options_that_would_do_nothing_are_refused(export: Export, tmp_path: Path) -> None:
    for words, said in (
        (("--folder", "--warp"), "--warp is for a project"),
        (("--no-tempo",), "give --folder too"),
        (("--folder", "--midi-only", "--bit-depth", "24"), "leave out --midi-only"),
    ):
        ran = export("20260102-seven", *words, "--out", "x")
        assert ran.code == 2 and said in ran.err and ran.err.count("\n") == 1 and not names(tmp_path), ran.err


def test_folders_are_made_and_a_file_is_none(export: Export, tmp_path: Path) -> None:
    assert export("20260102-seven", "--midi-only", "--out", "new/").code == 0
    assert names(tmp_path / "new") == {"A seven 20260102-seven-1.dawproject"}
    assert export("20260102-seven", "--midi-only", "--out", "a/b/song").code == 0
    assert names(tmp_path / "a" / "b") == {"song.dawproject"}
    (tmp_path / "file").write_text("mine")
    ran = export("20260102-seven", "--folder", "--out", "file", "--force")
    assert ran.code == 2 and "a file has that name" in ran.err and (tmp_path / "file").read_text() == "mine"
