"""Songs as people have them: stems in any format, Slakh2100's own layout, folders of sound files; and the cache."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from harmonicflow.audio.resample import resample
from harmonicflow.core.constants import SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from training import cache, layouts, pcm
from training.data import OTHER, Track, tracks

RNG = np.random.default_rng(7)
LENGTH = 8820  # samples of a short sound: 0.2 s
SPLITS = layouts.SPLITS


def tone(hz: float = 440.0, level: float = 0.3, rate: int = SAMPLE_RATE, seconds: float = 0.2) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    return level * np.sin(2 * np.pi * hz * t)


def put(path: Path, sound: np.ndarray, rate: int = SAMPLE_RATE, subtype: str | None = "PCM_16") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound, rate, subtype=subtype)
    return path


def integers(count: int = LENGTH, level: int = 20000) -> np.ndarray:
    return RNG.integers(-level, level, count).astype(np.int16)


def only(root: Path, split: str = "train") -> Track:
    (track,) = tracks(root, split)
    return track


def copies(root: Path) -> list[Path]:
    return sorted(root.with_name(root.name + cache.SUFFIX).rglob("*.wav"))


# Windows of a file.


@pytest.mark.parametrize("extra", [b"", b"LIST\x05\0\0\0hello\0", b"junk\x04\0\0\0data"])  # odd sizes are padded
def test_samples_are_found_behind_any_chunks_and_end_with_theirs(tmp_path: Path, extra: bytes) -> None:
    sound = integers()
    whole = put(tmp_path / "a.wav", sound).read_bytes()
    at = whole.index(b"data")
    (tmp_path / "b.wav").write_bytes(whole[:at] + extra + whole[at:] + b"LIST\x04\0\0\0tail")
    here = pcm.find(tmp_path / "b.wav")
    assert here is not None and here.samples == LENGTH
    assert np.array_equal(here.read(0, LENGTH + 10)[:LENGTH] * 32768, sound)
    assert not here.read(LENGTH, 10).any()


def test_a_window_is_zero_outside_the_file(tmp_path: Path) -> None:
    sound = integers(100)
    here = pcm.find(put(tmp_path / "a.wav", sound))
    assert here is not None
    assert np.array_equal(here.read(-20, 140) * 32768, np.pad(sound, 20))
    assert not here.read(-50, 50).any() and not here.read(100, 5).any() and len(here.read(5, 0)) == 0


@pytest.mark.parametrize(
    ("rate", "channels", "subtype"),
    [(48000, 1, "PCM_16"), (44100, 2, "PCM_16"), (44100, 1, "PCM_24"), (44100, 1, "FLOAT")],
)
def test_other_wav_files_are_not_read_in_place(tmp_path: Path, rate: int, channels: int, subtype: str) -> None:
    assert pcm.find(put(tmp_path / "a.wav", np.zeros((100, channels)), rate, subtype)) is None


def test_extensible_wav_is_read_in_place_and_damaged_wav_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, integers(), SAMPLE_RATE, subtype="PCM_16", format="WAVEX")
    assert pcm.find(path) is not None
    whole = path.read_bytes()
    for damaged in (b"", whole[:30], whole[:-2], whole.replace(b"WAVE", b"WAVY"), b"fLaC" + whole):
        path.write_bytes(damaged)
        assert pcm.find(path) is None
    assert pcm.find(tmp_path / "nowhere.wav") is None


@pytest.mark.parametrize("level", [0.9, 1.0, 3.7, 40.0, 0.01, 1e-6])
def test_any_level_is_kept_with_a_gain(tmp_path: Path, level: float) -> None:
    sound = (level * np.sin(np.arange(1000) * 0.1)).astype(np.float32)
    here = pcm.write(tmp_path / "a.wav", sound)
    assert here == pcm.find(tmp_path / "a.wav")
    assert np.abs(here.read(0, 1000) - sound).max() <= max(level * 2, pcm.LEAST_GAIN) / 32768 / 2 * 1.001
    about = soundfile.info(tmp_path / "a.wav")  # an independent reader takes it for an ordinary file
    assert (about.samplerate, about.channels, about.frames, about.subtype) == (SAMPLE_RATE, 1, 1000, "PCM_16")


def test_sixteen_bits_come_back_bit_for_bit(tmp_path: Path) -> None:
    for sound in (integers(level=32767), integers(level=3), np.array([-32768, 32767], np.int16), np.zeros(9, np.int16)):
        exact = sound.astype(np.float32) / 32768
        assert np.array_equal(pcm.write(tmp_path / "a.wav", exact).read(0, len(sound)), exact)


# Folders of stems.


def test_stems_of_every_kind_are_read(tmp_path: Path) -> None:
    """16-bit WAV in place; FLAC, 24-bit stereo, other rates and MP3 through the cache; a part missing, one short."""
    root = tmp_path / "mine"
    song = root / "train" / "Some Song"
    exact = integers()
    put(song / "bass.wav", exact)
    put(song / "Drums.FLAC", exact[::-1])
    left, right = tone(300), tone(500)
    put(song / "guitar.wav", np.stack([left, right], 1), subtype="PCM_24")
    put(song / "other.mp3", tone(440, rate=48000, seconds=0.5), 48000, None)
    put(song / "mix.wav", exact)  # nobody's part
    track = only(root)
    assert set(track.parts) == {"bass", "drums", "guitar", OTHER} and track.labels is None
    assert track.folder == song and track.parts["bass"] == song / "bass.wav"
    assert np.array_equal(track.read("bass", 0, LENGTH) * 32768, exact)
    assert np.array_equal(track.read("drums", 0, LENGTH) * 32768, exact[::-1])
    assert np.allclose(track.read("guitar", 0, LENGTH), (left + right) / 2, atol=2e-5)
    assert track.samples == pytest.approx(0.5 * SAMPLE_RATE, abs=2400)  # the longest part, the others end in silence
    assert not track.read("bass", LENGTH, 1000).any() and not track.read("piano", 0, 1000).any()
    middle = np.abs(np.fft.rfft(track.read(OTHER, 4000, 8820) * np.hanning(8820)))
    assert middle.argmax() * SAMPLE_RATE / 8820 == pytest.approx(440, abs=5)
    assert len(copies(root)) == 3 and not list(song.rglob("*.part"))


@pytest.mark.parametrize("rate", [22050, 48000, 96000])
def test_other_rates_are_resampled(tmp_path: Path, rate: int) -> None:
    sound = tone(1000, rate=rate, seconds=0.3).astype(np.float32)
    put(tmp_path / "c" / "test" / "Track00001" / "piano.wav", sound, rate, "FLOAT")
    track = only(tmp_path / "c", "test")
    assert track.samples == 13230
    assert np.allclose(track.read("piano", 0, 13230), resample(sound, rate, SAMPLE_RATE), atol=2e-5)
    assert np.allclose(track.read("piano", 2000, 9000), tone(1000, seconds=0.3)[2000:11000], atol=1e-3)


def test_long_files_are_converted_in_pieces_without_a_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = RNG.uniform(-0.3, 0.3, (48000, 2))
    paths = [put(tmp_path / name, sound, 48000, None) for name in ("a.flac", "b.mp3", "c.ogg")]
    wholes = [cache.mono(path) for path in paths]
    monkeypatch.setattr(cache, "PIECE_VALUES", 9999)
    for path, whole in zip(paths, wholes, strict=True):
        assert np.array_equal(cache.mono(path), whole) and whole.std() > 0.05
    assert len(wholes[0]) == SAMPLE_RATE


def test_labels_are_read_where_they_are(tmp_path: Path) -> None:
    put(tmp_path / "train" / "Track1" / "bass.wav", integers())
    (tmp_path / "train" / "Track1" / "labels.json").write_text(json.dumps({"key": "A minor"}))
    assert only(tmp_path).labels == {"key": "A minor"}


def test_hidden_and_stray_files_are_no_songs(tmp_path: Path) -> None:
    put(tmp_path / "train" / "Track1" / "bass.wav", integers())
    put(tmp_path / "train" / ".Track2.making" / "bass.wav", integers())
    put(tmp_path / "train" / "Track3" / "._bass.wav", integers())
    put(tmp_path / "train" / "preview.wav", integers())
    (tmp_path / "train" / "Track4").mkdir()
    assert [track.folder.name for track in tracks(tmp_path, "train")] == ["Track1"]
    for split in ("validation", "test"):
        with pytest.raises(HarmonicFlowError, match="no songs") as error:
            tracks(tmp_path, split)
        assert error.value.code == "no_corpus"


# Slakh2100's own layout.

METADATA = """UUID: {uuid}
audio_dir: stems
midi_dir: MIDI
normalization_factor: -13.0
overall_gain: 0.18
stems:
  S00:
    audio_rendered: true
    inst_class: Guitar
    integrated_loudness: -12.82
    is_drum: false
    midi_program_name: Distortion Guitar
    midi_saved: true
    plugin_name: elektrik_guitar.nkm
    program_num: 30
  S01: {{audio_rendered: true, inst_class: Guitar, is_drum: false, program_num: 27}}
  S02: {{audio_rendered: true, inst_class: Drums, is_drum: true, program_num: 128}}
  S03: {{audio_rendered: true, inst_class: Strings (continued), is_drum: false, program_num: 52}}
  S04: {{audio_rendered: true, inst_class: Synth Pad, is_drum: false, program_num: 90}}
  S05: {{audio_rendered: false, inst_class: Piano, is_drum: false, program_num: 0}}
  S06: {{audio_rendered: true, inst_class: Bass, is_drum: false, program_num: 33}}
target_peak: -1.0
"""


def slakh(folder: Path, uuid: str = "1a81ae", level: int = 3000) -> dict[str, np.ndarray]:
    """A track as it is published: S05 was not rendered, though its file is there, and S06's file is missing."""
    stems = {f"S{n:02d}": integers(LENGTH - 100 * n, level) for n in range(5)}
    for name, sound in stems.items():
        put(folder / "stems" / f"{name}.flac", sound)
    put(folder / "stems" / "S05.flac", integers())
    put(folder / "mix.flac", integers())
    (folder / "metadata.yaml").write_text(METADATA.format(uuid=uuid))
    return stems


def padded(*sounds: np.ndarray) -> np.ndarray:
    return np.sum([np.pad(sound.astype(int), (0, LENGTH - len(sound))) for sound in sounds], axis=0)


def test_slakh_stems_are_summed_by_class(tmp_path: Path) -> None:
    stems = slakh(tmp_path / "slakh" / "train" / "Track00001")
    slakh(tmp_path / "slakh" / "omitted" / "Track00002")
    track = only(tmp_path / "slakh")
    assert set(track.parts) == {"guitar", "drums", OTHER} and track.samples == LENGTH
    for part, names in (("guitar", ("S00", "S01")), ("drums", ("S02",)), (OTHER, ("S03", "S04"))):
        assert np.array_equal(track.read(part, 0, LENGTH) * 32768, padded(*(stems[n] for n in names))), part
    (strings,) = tracks(tmp_path / "slakh", "train", ("synth pad", "bass"))  # another bundle's stems
    assert set(strings.parts) == {"synth pad", OTHER}
    assert np.array_equal(strings.read("synth pad", 0, LENGTH) * 32768, padded(stems["S04"]))


def test_a_sum_above_full_scale_neither_wraps_nor_clips(tmp_path: Path) -> None:
    folder = tmp_path / "slakh" / "train" / "Track00001"
    slakh(folder)
    for name in ("S00", "S01"):
        put(folder / "stems" / f"{name}.flac", tone(200, 0.99))
    loud = only(tmp_path / "slakh").read("guitar", 0, LENGTH)
    assert loud.max() > 1.97 and np.allclose(loud, 2 * tone(200, 0.99), atol=1e-4)


def test_a_root_without_splits_keeps_a_midi_file_in_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(16):
        folder = tmp_path / "redux" / f"Track{number:05d}"
        put(folder / "stems" / "S00.flac", integers(500))
        (folder / "metadata.yaml").write_text(f"UUID: midi{number // 2}\nstems: {{S00: {{inst_class: Piano}}}}\n")
    slakh(tmp_path / "redux" / "omitted" / "Track00099")
    split = {track.folder.name: name for name in SPLITS for track in tracks(tmp_path / "redux", name)}
    assert len(split) == 16 and set(split.values()) == set(SPLITS)
    assert all(split[f"Track{n:05d}"] == split[f"Track{n + 1:05d}"] for n in range(0, 16, 2))
    assert sum("80, 10 and 10 %" in message for message in caplog.messages) == 1


def test_bad_metadata_and_its_song_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number, text in enumerate(["stems: [", "- 1", "stems: 7", "stems: {S00: 3}", "", "stems: {S00: {}}\n\xff"]):
        put(tmp_path / "train" / f"Track{number}" / "stems" / "S00.flac", integers(500))
        (tmp_path / "train" / f"Track{number}" / "metadata.yaml").write_bytes(text.encode("latin1"))
    slakh(tmp_path / "train" / "Track9")
    assert [track.folder.name for track in tracks(tmp_path, "train")] == ["Track9"]
    assert sum("is left out: its metadata.yaml" in message for message in caplog.messages) == 6


def test_without_pyyaml_a_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slakh(tmp_path / "train" / "Track00001")
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(HarmonicFlowError, match=r"pyyaml is not installed.*harmonicflow\[train\]"):
        tracks(tmp_path, "train")


# Folders of sound files.


def test_a_flat_folder_is_split_by_name(tmp_path: Path) -> None:
    root = tmp_path / "loops"
    for number in range(30):
        put(root / f"loop{number}.wav", integers(300 + number))
    put(root / "loop3.flac", integers(999))  # the same name: the same split
    found = {split: {track.folder.name for track in tracks(root, split)} for split in SPLITS}
    assert sum(map(len, found.values())) == 31 == len(set.union(*found.values()))
    assert all(found.values()) and len(found["train"]) > 18
    assert any({"loop3.wav", "loop3.flac"} <= names for names in found.values())
    track = tracks(root, "train")[0]
    assert set(track.parts) == {OTHER} and track.labels is None
    assert track.read(OTHER, 0, 300).any()


def test_a_deep_folder_is_split_by_folders_and_moves_with_them(tmp_path: Path) -> None:
    sound = integers(400)
    for artist in range(5):
        for name in ("one.wav", "two.ogg", "three.aiff", "four.mp3"):
            put(tmp_path / "a" / f"Artist {artist}" / "Album" / name, sound, subtype="PCM_16" if "v" in name else None)
    names = {split: [track.folder.name for track in tracks(tmp_path / "a", split)] for split in SPLITS}
    assert sum(map(len, names.values())) == len({name for each in names.values() for name in each}) == 20
    assert all(len(each) % 4 == 0 and each for each in names.values())
    (tmp_path / "a").rename(tmp_path / "b")
    assert {split: [track.folder.name for track in tracks(tmp_path / "b", split)] for split in SPLITS} == names


@pytest.mark.parametrize(("count", "splits"), [(1, 1), (2, 2), (3, 3), (5, 3)])
def test_few_songs_fill_the_splits_in_turn(tmp_path: Path, count: int, splits: int) -> None:
    for number in range(count):
        put(tmp_path / "few" / f"song{number}.wav", integers(300))
    for split in SPLITS[:splits]:
        assert tracks(tmp_path / "few", split)
    for split in SPLITS[splits:]:
        with pytest.raises(HarmonicFlowError, match="no songs"):
            tracks(tmp_path / "few", split)


def test_long_names_and_names_that_fall_together_stay_apart(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a - b" / "c.flac", integers(300))
    put(tmp_path / "in" / "a" / "b - c.flac", integers(301))
    put(tmp_path / "in" / Path(*["ä" * 60] * 4) / "d.flac", integers(302))
    found = [track for split in SPLITS for track in tracks(tmp_path / "in", split)]
    assert len({track.folder.name for track in found}) == 3 == len(copies(tmp_path / "in"))
    assert sorted(track.samples for track in found) == [300, 301, 302]
    assert all(len(os.fsencode(track.folder.name)) < 200 for track in found)


def test_own_splits_of_sound_files_are_kept(tmp_path: Path) -> None:
    put(tmp_path / "train" / "a" / "x.flac", integers(300))
    put(tmp_path / "test" / "y.wav", integers(300))
    assert only(tmp_path).folder.name == "a - x.flac" and only(tmp_path, "test").folder.name == "y.wav"


# What cannot be read.


def test_broken_files_are_left_out_one_line_each(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = tmp_path / "mine"
    put(root / "train" / "A" / "bass.wav", integers())
    (root / "train" / "A" / "drums.flac").write_bytes(b"fLaC" + bytes(100))
    flac = put(root / "train" / "B" / "piano.flac", integers(50000)).read_bytes()
    (root / "train" / "B" / "piano.flac").write_bytes(flac[: len(flac) // 2])
    put(root / "train" / "C" / "guitar.wav", np.array([0.1, np.nan]), subtype="FLOAT")
    (root / "train" / "D").mkdir()
    (root / "train" / "D" / "bass.wav").write_bytes(b"")
    assert [(track.folder.name, set(track.parts)) for track in tracks(root, "train")] == [("A", {"bass"})]
    tracks(root, "train")  # a second look says nothing new
    lines = [message for message in caplog.messages if "is left out" in message]
    assert len(lines) == 4
    assert any("A: drums is left out" in line and "drums.flac is not a sound file" in line for line in lines)
    assert any("piano.flac is damaged" in line for line in lines) and any("not numbers" in line for line in lines)
    assert not any("drums" in path.name for path in copies(root))


def test_a_corpus_of_broken_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train" / "A").mkdir(parents=True)
    (tmp_path / "train" / "A" / "bass.flac").write_bytes(b"no sound")
    with pytest.raises(HarmonicFlowError, match=r"bass\.flac is not a sound file") as error:
        tracks(tmp_path, "train")
    assert error.value.code == "bad_corpus"


def test_a_part_with_a_broken_stem_is_not_half_summed(tmp_path: Path) -> None:
    slakh(tmp_path / "train" / "Track1")
    (tmp_path / "train" / "Track1" / "stems" / "S01.flac").write_bytes(b"broken")
    assert set(only(tmp_path).parts) == {"drums", OTHER}


# The cache.


def test_a_copy_is_made_once_and_again_when_its_source_changes(tmp_path: Path) -> None:
    root = tmp_path / "mine"
    path = put(root / "train" / "A" / "bass.flac", integers())
    tracks(root, "train")
    (copy,) = copies(root)
    stamp = copy.stat().st_mtime_ns
    tracks(root, "train")
    assert copies(root) == [copy] and copy.stat().st_mtime_ns == stamp
    other = integers(LENGTH - 5)
    put(path, other)
    assert np.array_equal(only(root).read("bass", 0, LENGTH - 5) * 32768, other)
    assert len(copies(root)) == 1 and copies(root) != [copy]
    os.utime(path, ns=(1, 1))
    tracks(root, "train")
    assert len(copies(root)) == 1
    copies(root)[0].write_bytes(copies(root)[0].read_bytes()[:-7])  # as a power cut may leave it
    assert np.array_equal(only(root).read("bass", 0, LENGTH - 5) * 32768, other)


def test_the_cache_goes_where_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path / "elsewhere"))
    for corpus in ("one/mine", "two/mine"):
        put(tmp_path / corpus / "train" / "A" / "bass.flac", integers())
        assert (tmp_path / "elsewhere") in only(tmp_path / corpus).parts["bass"].parents
    assert len(list((tmp_path / "elsewhere").iterdir())) == 2  # two corpora of one name do not meet
    assert not copies(tmp_path / "one" / "mine")


def test_a_corpus_on_a_read_only_disk_is_cached_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARMONICFLOW_HOME", str(tmp_path / "home"))
    root = tmp_path / "disk" / "mine"
    put(root / "train" / "A" / "bass.flac", integers())
    (tmp_path / "disk" / ("mine" + cache.SUFFIX)).write_text("")  # a file in the way refuses root too, modes do not
    assert (tmp_path / "home" / "cache") in only(root).parts["bass"].parents


def test_a_full_disk_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "mine" / "train" / "A" / "bass.flac", integers())
    usage = cache.shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(HarmonicFlowError, match="GB are free") as error:
        tracks(tmp_path / "mine", "train")
    assert error.value.code == "disk" and not copies(tmp_path / "mine")


def test_processes_that_convert_the_same_files_agree(tmp_path: Path) -> None:
    root = tmp_path / "mine"
    for number in range(12):
        put(root / "train" / f"S{number}" / "bass.flac", integers(40000))
    script = (
        "import sys; from pathlib import Path; from training.data import tracks\n"
        "print(sum(float(abs(t.read('bass', 0, 40000)).sum()) for t in tracks(Path(sys.argv[1]), 'train')))"
    )
    command = [sys.executable, "-c", script, str(root)]
    here = Path(__file__).parents[2]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=here) for _ in range(2)]
    sums = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0] and sums[0] == sums[1] and float(sums[0]) > 0
    assert len(copies(root)) == 12 and not list(root.with_name("mine.cache").rglob("*.part"))
