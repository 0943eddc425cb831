"""`harmonicflow prepare`: the archives of single instruments become songs, by links, and stay as they are."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from harmonicflow.core.constants import DEFAULT_STEMS, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError
from training.commands.prepare import command
from training.data import tracks
from training.prepare import Prepared, prepare

RATE = 22050
SONGS = {"train": ("Track00001", "Track00002"), "validation": ("Track01501",), "test": ("Track01876",)}


def sound(stem: str, song: str) -> np.ndarray:
    """A tone of a pitch of its own for each stem and song, 0.2 s."""
    hz = 200 + 100 * DEFAULT_STEMS.index(stem) + int(song[-2:])
    return 0.3 * np.sin(2 * np.pi * hz * np.arange(RATE // 5) / RATE)


@pytest.fixture
def archives(tmp_path: Path) -> Path:
    """The three ways a song lies in an archive; Track00002 has no piano, and there is a fourth folder."""
    data = tmp_path / "data"
    ways = {"bass": "{song}.wav", "drums": "{song}/mix.wav", "guitar": "{song}/guitar.wav", "piano": "{song}.wav"}
    for stem, way in ways.items():
        for split, songs in SONGS.items():
            for song in songs:
                path = data / f"{stem}_22050" / split / way.format(song=song)
                path.parent.mkdir(parents=True, exist_ok=True)
                if (stem, song) != ("piano", "Track00002"):
                    soundfile.write(path, sound(stem, song), RATE)
    (data / "bass_22050" / "omitted").mkdir()
    (data / "bass_22050" / "omitted" / "Track00009.wav").write_bytes(b"")
    (data / "bass_22050" / "train" / "._Track00001.wav").write_bytes(b"")
    (data / "bass_22050" / "train" / "readme.txt").write_text("hello")
    (data / "drums_22050" / "train" / "Track00003").mkdir()
    return data


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
            for path in sorted(folder.rglob("*_22050/**/*")) if path.is_file()}


def run(archives: Path, **options: bool) -> Prepared:
    return prepare(archives, archives / "slakh2100", options.get("dry_run", False), lambda line: None)


def test_songs_are_links_to_the_archives_files(archives: Path) -> None:
    before = listing(archives)
    done = run(archives)
    assert (done.linked, done.copied, done.there, done.kept) == (15, 0, 0, [])
    out = archives / "slakh2100"
    made = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert made == {f"{split}/{song}/{stem}.wav" for split, songs in SONGS.items() for song in songs
                    for stem in DEFAULT_STEMS} - {"train/Track00002/piano.wav"}
    assert os.path.samefile(out / "test/Track01876/drums.wav", archives / "drums_22050/test/Track01876/mix.wav")
    assert listing(archives) == before
    assert (done.full("train"), done.full("test"), done.lacking("train")) == (1, 1, {"piano": 1})


def test_the_songs_are_training_data(archives: Path) -> None:
    run(archives)
    for split, songs in SONGS.items():
        for track, song in zip(tracks(archives / "slakh2100", split), songs, strict=True):
            for stem in track.parts:
                heard = np.abs(np.fft.rfft(track.read(stem, 0, SAMPLE_RATE // 5)))
                truth = np.abs(np.fft.rfft(sound(stem, song)))
                assert heard.argmax() == truth.argmax(), (song, stem)  # both 0.2 s: bins of 5 Hz


def test_a_second_run_goes_on_where_the_first_stopped(archives: Path) -> None:
    run(archives)
    (archives / "slakh2100/train/Track00001/bass.wav").unlink()
    done = run(archives)
    assert (done.linked, done.there, done.full("train")) == (1, 14, 1)
    assert run(archives).there == 15


def test_a_dry_run_writes_nothing_and_tells_the_same(archives: Path) -> None:
    dry = run(archives, dry_run=True)
    assert not (archives / "slakh2100").exists()
    assert dry == run(archives)


def test_a_name_of_another_file_is_left_alone(archives: Path) -> None:
    mine = archives / "slakh2100/train/Track00001/bass.wav"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"my own")
    said: list[str] = []
    done = prepare(archives, archives / "slakh2100", False, said.append)
    assert done.kept == [mine] and mine.read_bytes() == b"my own" and str(mine) in said[-1]


def test_copies_where_there_are_no_links(archives: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    before = listing(archives)
    done = run(archives)
    assert (done.linked, done.copied) == (0, 15) and listing(archives) == before
    source, target = archives / "bass_22050/train/Track00001.wav", archives / "slakh2100/train/Track00001/bass.wav"
    assert source.read_bytes() == target.read_bytes() and not os.path.samefile(source, target)
    assert run(archives).there == 15 and not list(archives.rglob("*.part"))


def test_a_copy_that_fails_leaves_no_half_file(archives: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(errno.EPERM, "no")))
    monkeypatch.setattr("training.prepare.shutil.copy2", full)
    with pytest.raises(HarmonicFlowError, match="No space left") as error:
        run(archives)
    assert error.value.code == "disk"
    assert not [path for path in (archives / "slakh2100").rglob("*") if path.is_file()]


def test_symbolic_links_lead_to_the_files_themselves(archives: Path) -> None:
    link = archives / "bass_22050/train/Track00001.wav"
    link.rename(archives / "real.wav")
    link.symlink_to(archives / "real.wav")
    run(archives)
    made = archives / "slakh2100/train/Track00001/bass.wav"
    assert not made.is_symlink() and os.path.samefile(made, archives / "real.wav")


def test_what_is_no_folder_of_archives_is_refused(archives: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(HarmonicFlowError, match="no folders bass_22050, drums_22050"):
        prepare(tmp_path / "empty", tmp_path / "out", False, lambda line: None)
    with pytest.raises(HarmonicFlowError, match="inside an archive"):
        prepare(archives, archives / "bass_22050" / "train", False, lambda line: None)


def invoke(*words: object) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words], catch_exceptions=False)


def test_the_command_reports(archives: Path) -> None:
    dry = invoke("--data_dir", archives, "--dry_run")
    assert dry.exit_code == 0 and "15 files would be linked or copied" in dry.stdout
    done = invoke("--data-dir", archives)
    assert "train: 2 songs, 1 with bass, drums, guitar, piano, 1 without piano" in done.stdout
    assert "15 linked, 0 copied, 0 there already" in done.stdout
    assert done.stdout.splitlines()[-1] == str(archives / "slakh2100")
    about = json.loads(invoke("--data-dir", archives, "--out", archives / "slakh2100", "--json").stdout)
    assert about["files"]["there"] == 15
    assert about["splits"]["train"] == {"songs": 2, "full": 1, "lacking": {"piano": 1}}
    assert invoke("--data-dir", archives / "nowhere").exit_code == 2
