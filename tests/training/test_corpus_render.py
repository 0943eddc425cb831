"""Rendering, with a SoundFont of one looped tone that the test writes itself; skipped without libfluidsynth."""

from __future__ import annotations

import csv
import json
import struct
from pathlib import Path

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
from training.corpus.report import report

TONE_HZ = 441.0  # 100 samples a period, the sample's own pitch is A4
PRESETS = ((0, 0), (0, 25), (0, 33), (0, 48), (128, 0))  # bank, program

needs_fluidsynth = pytest.mark.skipif(fluid.library_name() is None, reason="libfluidsynth is not installed")


# ------------------------------------------------------------------------------------------------- a tiny SoundFont


def chunk(name: bytes, data: bytes) -> bytes:
    """A RIFF chunk: four letters, size, data, padded to an even length."""
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def sound_font() -> bytes:
    """SoundFont 2.01 with one instrument (an endless sine) behind each of `PRESETS`."""
    period = np.round(20_000 * np.sin(2 * np.pi * np.arange(100) / 100)).astype("<i2")
    tone = np.tile(period, 4)
    sample = tone.tobytes() + bytes(2 * 46)  # 46 samples of silence must follow every sample
    name = struct.pack("20s", b"tone")
    preset_rows = b"".join(
        struct.pack("<20sHHHIII", b"preset", program, bank, row, 0, 0, 0) for row, (bank, program) in enumerate(PRESETS)
    ) + struct.pack("<20sHHHIII", b"EOP", 0, 0, len(PRESETS), 0, 0, 0)
    # Each preset has one bag with one generator: 41 = "use instrument 0".
    preset_bags = b"".join(struct.pack("<HH", row, 0) for row in range(len(PRESETS) + 1))
    preset_gens = struct.pack("<HH", 41, 0) * len(PRESETS) + bytes(4)
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


# ------------------------------------------------------------------------------------------------------ the synthesizer


@needs_fluidsynth
def test_a_note_sounds_where_the_label_says_at_its_pitch(font: Path) -> None:
    notes = on_grid(song.as_part([(0.2503, 0.6, 69, 100), (0.8, 1.0, 81, 100)]))
    sound = render(font, 0.5, [(0, notes)], SAMPLE_RATE * 2)
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
    whole = render(font, 0.5, [(25, notes)], SAMPLE_RATE)
    early = render(font, 0.5, [(25, notes)], SAMPLE_RATE, attack_s=4 * BLOCK / SAMPLE_RATE)
    assert np.array_equal(early[: -4 * BLOCK], whole[4 * BLOCK :])
    assert not render(font, 0.5, [(25, song.empty_part())], SAMPLE_RATE).any()
    assert np.array_equal(render(font, 0.5, [(25, notes)], SAMPLE_RATE), whole)


@needs_fluidsynth
def test_a_shorter_release_dies_sooner(font: Path) -> None:
    notes = song.as_part([(0.0, 0.2, 69, 127)])
    plain, long = (render(font, 0.5, [(25, notes)], SAMPLE_RATE, release=release) for release in (1.0, 512.0))
    after = slice(round(0.25 * SAMPLE_RATE), round(0.4 * SAMPLE_RATE))
    assert np.abs(long[after]).max() > 10 * np.abs(plain[after]).max()


@needs_fluidsynth
def test_what_is_no_sound_font_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.sf2").write_text("no SoundFont")
    for name, code in (("text.sf2", "bad_sound_font"), ("none.sf2", "missing_file")):
        with pytest.raises(HarmonicFlowError) as caught:
            render(tmp_path / name, 0.5, [(0, song.empty_part())], 1_000)
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


def run_build(pack: Path, out: Path, font: Path, hours: str) -> str:
    arguments = ["build", "--midi", pack, "--out", out, "--sound-font", font, "--hours", hours, "--parts", "A"]
    result = CliRunner().invoke(command, [*map(str, arguments), "--jobs", "1", "--seed", "5"])
    assert result.exit_code == 0, result.output
    return result.stderr


@needs_fluidsynth
def test_a_corpus_is_built_resumed_and_counted(pack: Path, font: Path, tmp_path: Path) -> None:
    out = tmp_path / "corpus"
    assert run_build(pack, out, font, "0.035").count(" made") == 10
    tracks = sorted(out.glob("*/Track*"))
    assert {track.parent.name for track in tracks} == {"train", "validation", "test"}
    for track in tracks:
        check_track(track)
    # A finished track is kept, a missing one comes back with the same bytes.
    victim = tracks[0]
    before = {path.name: path.read_bytes() for path in victim.iterdir()}
    kept = (tracks[1] / "bass.wav").stat().st_mtime_ns
    (victim / "labels.json").unlink()
    assert run_build(pack, out, font, "0.035").count(" made") == 1
    assert {path.name: path.read_bytes() for path in victim.iterdir()} == before
    assert (tracks[1] / "bass.wav").stat().st_mtime_ns == kept
    counted = report(out)
    assert sum(split.tracks for split in counted.values()) == len(tracks)
    assert counted["train"].genres == {"rock": counted["train"].tracks}
    said = CliRunner().invoke(command, ["report", str(out)]).output
    assert f"train: {counted['train'].tracks} tracks" in said


def check_track(track: Path) -> None:
    """Stems of one length; labels that agree with the sound; no more than the four stems and other."""
    labels = json.loads((track / "labels.json").read_text(encoding="utf-8"))
    stems = {path.stem: soundfile.read(path, dtype="float32")[0] for path in track.glob("*.wav")}
    assert set(stems) == {"bass", "drums", "guitar", "other"}
    frames = {len(stem) for stem in stems.values()}
    assert frames == {round(labels["seconds"] * SAMPLE_RATE)} and not frames.pop() % HOP
    assert max(np.abs(stem).max() for stem in (*stems.values(), sum(stems.values()))) <= 0.901
    assert labels["tempo_bpm"] == 120 and labels["meter"] == "4/4" and labels["downbeats"][:2] == [0, 4]
    assert labels["programs"] == {"bass": 33, "drums": 0, "guitar": 25} and labels["made"] == []
    for name, notes in labels["notes"].items():
        assert name in DEFAULT_STEMS and len(notes) == 24
        sounding = np.abs(stems[name]) > 1e-3
        assert sounding[round(notes[0][0] * SAMPLE_RATE) :][:600].any()
    # Without notes there is silence: after the last bar and the sound's end.
    assert not np.abs(stems["bass"][-HOP // 2 :]).max() > 1e-3
