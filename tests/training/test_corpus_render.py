"""Rendering, with a SoundFont of one looped tone that the test writes itself; skipped without libfluidsynth."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from harmonicflow.core.constants import DEFAULT_STEMS, HOP, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from training.commands.corpus import command
from training.corpus import fluid, song
from training.corpus.fluid import BLOCK, on_grid, render
from training.corpus.sounds import DRUM_BANK, Voice

TONE_HZ = 441.0  # 100 samples a period, the sample's own pitch is A4
PRESETS = ((0, 0), (0, 25), (0, 33), (0, 48), (128, 0))  # bank, program
PIANO, GUITAR = Voice(0, 0), Voice(0, 25)

needs_fluidsynth = pytest.mark.skipif(fluid.library_name() is None, reason="libfluidsynth is not installed")


# ------------------------------------------------------------------------------------------------- a tiny SoundFont


def chunk(name: bytes, data: bytes) -> bytes:
    """A RIFF chunk: four letters, size, data, padded to an even length."""
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def sound_font(presets: Sequence[tuple[int, int]] = PRESETS) -> bytes:
    """SoundFont 2.01 with one instrument (an endless sine) behind each of `presets`."""
    period = np.round(20_000 * np.sin(2 * np.pi * np.arange(100) / 100)).astype("<i2")
    tone = np.tile(period, 4)
    sample = tone.tobytes() + bytes(2 * 46)  # 46 samples of silence must follow every sample
    name = struct.pack("20s", b"tone")
    preset_rows = b"".join(
        struct.pack("<20sHHHIII", b"preset", program, bank, row, 0, 0, 0) for row, (bank, program) in enumerate(presets)
    ) + struct.pack("<20sHHHIII", b"EOP", 0, 0, len(presets), 0, 0, 0)
    # Each preset has one bag with one generator: 41 = "use instrument 0".
    preset_bags = b"".join(struct.pack("<HH", row, 0) for row in range(len(presets) + 1))
    preset_gens = struct.pack("<HH", 41, 0) * len(presets) + bytes(4)
    # The instrument: 54 = loop while sounding, 53 = sample 0 (always last).
    instrument = struct.pack("<20sH", b"tone", 0) + struct.pack("<20sH", b"EOI", 1)
    instrument_gens = struct.pack("<HHHH", 54, 1, 53, 0) + bytes(4)
    header = name + struct.pack("<IIIIIBbHH", 0, len(tone), 100, 300, SAMPLE_RATE, 69, 0, 0, 1)
    end = struct.pack("20s", b"EOS") + bytes(26)
    pdta = b"".join(
        chunk(key, data)
        for key, data in (
            (b"phdr", preset_rows), (b"pbag", preset_bags), (b"pmod", bytes(10)), (b"pgen", preset_gens),
            (b"inst", instrument), (b"ibag", struct.pack("<HHHH", 0, 0, 2, 0)), (b"imod", bytes(10)),
            (b"igen", instrument_gens), (b"shdr", header + end),
        )
    )  # fmt: skip
    info = chunk(b"ifil", struct.pack("<HH", 2, 1)) + chunk(b"isng", b"EMU8000\0") + chunk(b"INAM", b"tone\0\0")
    lists = [chunk(b"LIST", b"INFO" + info), chunk(b"LIST", b"sdta" + chunk(b"smpl", sample))]
    return chunk(b"RIFF", b"sfbk" + b"".join(lists) + chunk(b"LIST", b"pdta" + pdta))


@pytest.fixture(scope="module")
def font(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("font") / "tone.sf2"
    path.write_bytes(sound_font())
    return path


@pytest.fixture(scope="module")
def second_font(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Like `font`, with two pianos more."""
    path = tmp_path_factory.mktemp("font") / "other.sf2"
    path.write_bytes(sound_font((*PRESETS, (0, 4), (8, 4))))
    return path


# ------------------------------------------------------------------------------------------------------ the synthesizer


@needs_fluidsynth
def test_a_note_sounds_where_the_label_says_at_its_pitch(font: Path) -> None:
    notes = on_grid(song.as_part([(0.2503, 0.6, 69, 100), (0.8, 1.0, 81, 100)]))
    sound = render(font, 0.5, [(PIANO, notes)], SAMPLE_RATE * 2)
    assert len(sound) == SAMPLE_RATE * 2
    loud = np.abs(sound) > 0.01 * np.abs(sound).max()
    for onset, offset, _, _ in notes:
        start, end = round(onset * SAMPLE_RATE), round(offset * SAMPLE_RATE)
        assert not loud[start - 2000 : start].any()
        # There within two blocks (3 ms): one is FluidSynth's own, a zero crossing of the tone adds to it.
        assert loud[start : start + 2 * BLOCK].any()
        assert loud[end - 200 : end].any() and not loud[end + 2000 : end + 4000].any()
    first = np.abs(np.fft.rfft(sound[12_000:25_000] * np.hanning(13_000)))
    assert abs(np.argmax(first) * SAMPLE_RATE / 13_000 - TONE_HZ) < 4
    second = np.abs(np.fft.rfft(sound[36_000:43_000] * np.hanning(7_000)))
    assert abs(np.argmax(second) * SAMPLE_RATE / 7_000 - 2 * TONE_HZ) < 7


@needs_fluidsynth
def test_an_early_attack_moves_the_sound_and_the_same_notes_are_the_same_bytes(font: Path) -> None:
    notes = song.as_part([(0.0, 5.0, 69, 127)])
    whole = render(font, 0.5, [(GUITAR, notes)], SAMPLE_RATE)
    early = render(font, 0.5, [(GUITAR, notes)], SAMPLE_RATE, attack_s=4 * BLOCK / SAMPLE_RATE)
    assert np.array_equal(early[: -4 * BLOCK], whole[4 * BLOCK :])
    assert not render(font, 0.5, [(GUITAR, song.empty_part())], SAMPLE_RATE).any()
    assert np.array_equal(render(font, 0.5, [(GUITAR, notes)], SAMPLE_RATE), whole)


@needs_fluidsynth
def test_a_shorter_release_dies_sooner(font: Path) -> None:
    notes = song.as_part([(0.0, 0.2, 69, 127)])
    plain, long = (render(font, 0.5, [(GUITAR, notes)], SAMPLE_RATE, release=release) for release in (1.0, 512.0))
    after = slice(round(0.25 * SAMPLE_RATE), round(0.4 * SAMPLE_RATE))
    assert np.abs(long[after]).max() > 10 * np.abs(plain[after]).max()


@needs_fluidsynth
def test_every_voice_sounds_on_its_own_channel_and_kits_on_the_drums(
    font: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    choose = fluid._Synth.program

    def watched(synth: fluid._Synth, channel: int, voice: Voice) -> None:
        asked.append((channel, voice))
        choose(synth, channel, voice)

    monkeypatch.setattr(fluid._Synth, "program", watched)
    notes = song.as_part([(0.0, 0.5, 69, 100)])
    kit = Voice(DRUM_BANK, 40)
    together = render(font, 0.5, [(PIANO, notes), (GUITAR, notes), (kit, notes)], SAMPLE_RATE)
    assert asked == [(0, PIANO), (1, GUITAR), (9, kit)]
    # The font has no kit 40, bank 8 or program 5: the first one of the bank, or the channel's own, sounds instead.
    for voice in (kit, Voice(0, 5), Voice(8, 25)):
        alone = render(font, 0.5, [(voice, notes)], SAMPLE_RATE)
        assert np.abs(alone).max() > 0.3 * np.abs(together).max() / 3


@needs_fluidsynth
def test_what_is_no_sound_font_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.sf2").write_text("no SoundFont")
    for name, code in (("text.sf2", "bad_sound_font"), ("none.sf2", "missing_file")):
        with pytest.raises(HarmonicFlowError) as caught:
            render(tmp_path / name, 0.5, [(PIANO, song.empty_part())], 1_000)
        assert caught.value.code == code


# ------------------------------------------------------------------------------------------------------- a whole corpus

COLUMNS = (
    "path", "corpus", "kind", "title", "genre", "tempo_bpm", "time_signature", "key", "duration_s", "parts",
    "offgrid_share", "song_group", "split",
)  # fmt: skip


def write_band(path: Path, bars: int) -> None:
    """A band piece: bass, drums, guitar and strings in C at 120 bpm."""
    midi = mido.MidiFile(type=1, ticks_per_beat=96)
    for channel, program, pitch in ((0, 33, 36), (1, 25, 60), (2, 48, 67), (9, 0, 36)):
        track = mido.MidiTrack([mido.Message("program_change", channel=channel, program=program)])
        for beat in range(bars * 4):
            note = pitch + (0 if channel == 9 or beat % 8 < 4 else 5)
            track.append(mido.Message("note_on", channel=channel, note=note, velocity=70 + beat % 4 * 10))
            track.append(mido.Message("note_off", channel=channel, note=note, time=96))
        midi.tracks.append(track)
    path.parent.mkdir(parents=True, exist_ok=True)
    midi.save(str(path))


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack")
    rows = []
    for number, split in enumerate(("train", "train", "validation", "test", "heldout")):
        write_band(folder / f"band/{number}.mid", bars=6)
        rows.append(
            (f"band/{number}.mid", "band", "multitrack", f"Song {number}", "punk", "120", "4/4", "", "12.0",
             "bass;drums;guitar;other", "0.0", f"band{number}", split)
        )  # fmt: skip
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    return folder


def arguments(pack: Path, out: Path, *fonts: Path, hours: str = "0.035", jobs: int = 1) -> list[str]:
    """A build of part A, 10 tracks in 0.035 hours."""
    words = ["build", "--midi", pack, "--out", out, "--hours", hours, "--parts", "A", "--jobs", jobs, "--seed", 5]
    for font in fonts:
        words += ["--sound-font", font]
    return [str(word) for word in words]


def run_build(words: list[str]) -> str:
    result = CliRunner().invoke(command, words)
    assert result.exit_code == 0, result.output
    return result.stderr


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def built(pack: Path, font: Path, second_font: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus of ten tracks, made in one go by one process."""
    out = tmp_path_factory.mktemp("built") / "corpus"
    assert run_build(arguments(pack, out, font, second_font)).count(" made") == 10
    return out


@needs_fluidsynth
def test_tracks_hold_what_their_labels_say(built: Path) -> None:
    tracks = sorted(built.glob("*/Track*"))
    assert {track.parent.name for track in tracks} == {"train", "validation", "test"}
    written = [check_track(track) for track in tracks]
    # Half of the songs have other sounds, drawn from both SoundFonts.
    varied = [labels for labels in written if labels["varied"]]
    assert 0 < len(varied) < len(written)
    assert {labels["sound_font"] for labels in varied} == {"tone.sf2", "other.sf2"}
    for labels in written:
        default = labels["programs"] == {"bass": 33, "drums": 0, "guitar": 25}
        assert labels["varied"] or (default and labels["sound_font"] == "tone.sf2")
        assert set(labels["banks"]) == set(labels["programs"]) and labels["banks"]["drums"] == DRUM_BANK


@needs_fluidsynth
def test_two_processes_make_the_same_bytes_as_one(
    built: Path, pack: Path, font: Path, second_font: Path, tmp_path: Path
) -> None:
    run_build(arguments(pack, tmp_path / "corpus", font, second_font, jobs=2))
    assert contents(tmp_path / "corpus") == contents(built)


@needs_fluidsynth
def test_a_killed_build_goes_on_where_it_was(
    built: Path, pack: Path, font: Path, second_font: Path, tmp_path: Path, repository: Path
) -> None:
    out = tmp_path / "corpus"
    words = [sys.executable, "-m", "bridge", "corpus", *arguments(pack, out, font, second_font, jobs=2)]
    with subprocess.Popen(words, cwd=repository, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None and " made" in process.stderr.readline()
        process.kill()
        # Reading ends when the last process that holds the pipe has ended: the workers go with their parent.
        process.stderr.read()
    assert process.returncode == -signal.SIGKILL
    finished = {path.parent for path in out.glob("*/Track*/labels.json")}
    assert 0 < len(finished) < 10
    kept = {folder: (folder / "labels.json").stat().st_mtime_ns for folder in finished}
    # The worst moment: a track half written.
    names = (path.relative_to(built) for path in built.glob("*/Track*"))
    waiting = min(name for name in names if out / name not in finished)
    half = out / waiting.with_name(f".{waiting.name}.making")
    half.mkdir(parents=True, exist_ok=True)
    (half / "piano.wav").write_bytes(b"RIFF")
    assert run_build(arguments(pack, out, font, second_font)).count(" made") == 10 - len(finished)
    assert {folder: (folder / "labels.json").stat().st_mtime_ns for folder in finished} == kept
    assert contents(out) == contents(built)


@needs_fluidsynth
def test_a_missing_track_comes_back_with_the_same_bytes(
    built: Path, pack: Path, font: Path, second_font: Path, tmp_path: Path
) -> None:
    out = tmp_path / "corpus"
    shutil.copytree(built, out)
    (min(out.glob("train/Track*")) / "labels.json").unlink()
    assert run_build(arguments(pack, out, font, second_font)).count(" made") == 1
    assert contents(out) == contents(built)


@pytest.mark.parametrize(("text", "code"), [(None, "missing_file"), ("no SoundFont", "bad_sound_font")])
def test_a_second_sound_font_that_is_none_is_refused_before_any_work(
    pack: Path, font: Path, tmp_path: Path, text: str | None, code: str
) -> None:
    second = tmp_path / "second.sf2"
    if text:
        second.write_text(text)
    result = CliRunner().invoke(command, arguments(pack, tmp_path / "corpus", font, second))
    assert isinstance(result.exception, HarmonicFlowError) and result.exception.code == code
    assert str(second) in str(result.exception) and not (tmp_path / "corpus").exists()


def check_track(track: Path) -> dict[str, Any]:
    """Stems of one length; labels that agree with the sound; no more than the four stems and other. The labels."""
    labels = json.loads((track / "labels.json").read_text(encoding="utf-8"))
    stems = {path.stem: soundfile.read(path, dtype="float32")[0] for path in track.glob("*.wav")}
    assert set(stems) == {"bass", "drums", "guitar", "other"}
    frames = {len(stem) for stem in stems.values()}
    assert frames == {round(labels["seconds"] * SAMPLE_RATE)} and not frames.pop() % HOP
    assert max(np.abs(stem).max() for stem in (*stems.values(), sum(stems.values()))) <= 0.901
    assert labels["tempo_bpm"] == 120 and labels["meter"] == "4/4" and labels["downbeats"][:2] == [0, 4]
    assert set(labels["programs"]) == {"bass", "drums", "guitar"} and labels["made"] == []
    for name, notes in labels["notes"].items():
        assert name in DEFAULT_STEMS and len(notes) == 24
        sounding = np.abs(stems[name]) > 1e-3
        assert sounding[round(notes[0][0] * SAMPLE_RATE) :][:600].any()
    # Without notes there is silence: after the last bar and the sound's end.
    assert not np.abs(stems["bass"][-HOP // 2 :]).max() > 1e-3
    return labels
