"""A watch folder: a hundred files at once, half of them broken; kills, changes, removals, and what is never a clip."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.watching import asking, beside, clips
from bridge.watching.asking import named_tempo
from harmonicflow.audio import files
from harmonicflow.core.errors import HarmonicFlowError
from tests.bridge import broken_clips
from tests.bridge.broken_clips import RATE, sine
from tests.reliability import codes

GOOD = 50


def drop(folder: Path, name: str, hz: float = 220.0, seconds: float = 0.5) -> Path:
    """A clip that appears at once and whole, as what is moved does."""
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder.parent / f"{name}.aside"
    soundfile.write(aside, sine(seconds, hz), RATE, format=Path(name).suffix[1:].upper())
    old = time.time() - 60
    os.utime(aside, (old, old))
    return aside.rename(folder / name)


def pid_of(cli):
    return json.loads((cli.home / "run" / "daemon.json").read_text())["pid"]


def takes_of(cli):
    return sorted(path.name for path in (cli.home / "takes").iterdir() if not path.name.startswith("."))


class Watcher:
    """`harmonicflow watch` in a process of its own, line by line."""

    def __init__(self, cli, folder, *words):
        self.process = cli.popen("watch", str(folder), "--json", "--stems", "bass", "--steps", "1", *words)

    def rows(self, count):
        """The next outcomes of so many clips."""
        found = []
        while len(found) < count:
            line = self.process.stdout.readline()
            assert line, self.process.stderr.read()
            codes.said(line)
            found += [row] if "clip" in (row := json.loads(line)) else []
        return found

    def end(self, how=signal.SIGINT):
        """End it; the exit code, what it said last, and the rest of its rows."""
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=20)
        assert "Traceback" not in err, err
        return self.process.returncode, err.splitlines()[-1] if err else "", [json.loads(x) for x in out.splitlines()]


def once(cli, folder, *words):
    return cli("watch", str(folder), "--once", "--json", "--stems", "bass", "--steps", "1", *words)


def outcomes(rows):
    return {Path(row["clip"]).name: row["error"]["code"] if "error" in row else row["state"] for row in rows}


def test_a_hundred_files_at_once_half_of_them_broken_and_the_daemon_killed(fresh_cli, tmp_path):
    """Fifty takes, fifty sentences, nothing lost and nothing twice."""
    aside, folder = tmp_path / "aside", tmp_path / "clips"
    folder.mkdir()
    aside.mkdir()
    broken_clips.make(aside)
    kinds = (".wav", ".flac", ".ogg", ".aiff", ".mp3")
    good = [drop(aside, f"riff {number}{kinds[number % 5]}", 110 + 9 * number).name for number in range(GOOD)]
    watcher = Watcher(fresh_cli, folder)
    for path in sorted(aside.iterdir(), key=lambda path: hash(path.name)):
        path.rename(folder / path.name)
    rows = []
    while sum(row["state"] == "done" for row in rows) < 15:
        rows += watcher.rows(1)
    os.kill(killed := pid_of(fresh_cli), signal.SIGKILL)
    rows += watcher.rows(100 - len(rows))
    code, last, rest = watcher.end()
    assert code == 130 and last.startswith("50 clips have takes now, 50 a text why not, 0 wait")
    assert rest == [{"state": "ended", "takes": 50, "failed": 50, "waiting": 0, "known": 0}]
    assert pid_of(fresh_cli) != killed
    assert max(Counter(row["clip"] for row in rows).values()) == 1
    assert outcomes(rows) == dict.fromkeys(good, "done") | broken_clips.CODES
    made = sorted(take for row in rows for take in row.get("takes", ()))
    assert len(set(made)) == 50 and takes_of(fresh_cli) == made  # nothing was made that lies nowhere
    for name in good:
        place = folder / f"{Path(name).stem} - HarmonicFlow"
        clip, take = files.info(folder / name), json.loads((place / "take.json").read_text())
        assert files.info(place / "bass.wav")[:3] == (clip.rate, 2, clip.frames)
        assert {"mix.wav", "binaural.wav", "score.mid"} < {path.name for path in place.iterdir()}
        assert take["request"]["clip"]["name"] == name and take["summary"]["take"] in made
    for row in rows:
        if row["state"] == "failed":
            text = Path(row["text"]).read_text()
            assert text.startswith(row["error"]["message"].replace(f"{folder}/", "")) and len(text) < 400
            assert Path(row["text"]).name.startswith(f"{Path(row['clip']).stem} - HarmonicFlow")
    assert len(list(folder.iterdir())) == 200
    again = once(fresh_cli, folder)
    nothing_new = {"state": "ended", "takes": 0, "failed": 0, "waiting": 0, "known": 100}
    assert again.code == 0 and again.objects == [nothing_new]
    assert len(list(folder.iterdir())) == 200 and takes_of(fresh_cli) == made


def test_the_watch_is_killed_and_goes_on_where_it_was(fresh_cli, tmp_path):
    folder = tmp_path / "clips"
    for number in range(6):
        drop(folder, f"riff {number}.wav", 110 + 20 * number, 3.0)
    watcher = Watcher(fresh_cli, folder)
    first = watcher.rows(2)
    first += watcher.end(signal.SIGKILL)[2]
    assert len(first) < 6
    shutil.copytree(folder / "riff 0 - HarmonicFlow", folder / ".riff 9 - HarmonicFlow.0123abcd.tmp")
    found = once(fresh_cli, folder)
    placed = {Path(row["clip"]).name for row in first} | set(outcomes(found.objects[:-1]))
    assert found.code == 0 and placed == {f"riff {number}.wav" for number in range(6)}
    assert len(takes_of(fresh_cli)) == 6
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        name for number in range(6) for name in (f"riff {number}.wav", f"riff {number} - HarmonicFlow")
    )


def test_ctrl_c_says_what_waits_and_nobody_watches_twice(fresh_cli, tmp_path):
    folder = tmp_path / "clips"
    folder.mkdir()
    watcher = Watcher(fresh_cli, folder, "--steps", "64")
    assert "what is dropped into it" in watcher.process.stderr.readline()
    second = fresh_cli("watch", str(folder), "--once", "--json")
    assert second.code == 1 and "is being watched already" in second.err
    assert second.objects[-1]["error"]["code"] == "watched"
    for number in range(5):
        drop(folder, f"riff {number}.wav", 110 + 20 * number, 20.0)
    watcher.rows(1)
    began = time.monotonic()
    code, last, rest = watcher.end()
    assert code == 130 and time.monotonic() - began < 15 and "to go on, watch" in last and "same options" in last
    assert rest[-1]["state"] == "ended" and 1 <= rest[-1]["waiting"] <= 4


def test_a_full_queue_is_waited_for(fresh_cli, tmp_path):
    """One job may wait, and others have taken that place."""
    fresh_cli.home.mkdir()
    (fresh_cli.home / "settings.toml").write_text("queue_limit = 1\n")
    assert fresh_cli("daemon", "start").code == 0
    others = []
    for number in range(2):  # one runs, one waits
        others.append(fresh_cli.popen("generate", "--seconds", "20", "--tempo", "120", "--steps", "64", "--json"))
        queued = -1
        while queued < number:
            assert others[0].poll() is None
            (now,) = fresh_cli("daemon", "status", "--json").objects
            queued = now["queued"] if now["worker"] == "busy" else -1
    folder = tmp_path / "clips"
    for number in range(3):
        drop(folder, f"riff {number}.wav", 200 + number)
    found = once(fresh_cli, folder)
    assert found.code == 0 and set(outcomes(found.objects[:-1]).values()) == {"done"} and len(found.objects) == 4
    for process in others:
        process.communicate(timeout=30)
        assert process.returncode == 0


def test_a_fault_of_ours_keeps_no_other_clip(run_here, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(asking.Studio, "takes", lambda *_: 1 // 0)
    folder = tmp_path / "clips"
    for name in ("one.wav", "two.wav"):
        drop(folder, name)
    shutil.copytree(folder, other := tmp_path / "other")
    for _ in range(2):  # what is said for people, the same once more
        ran = run_here("watch", str(other), "--once")
    assert ran.code == 0 and ran.err.splitlines()[-1] == (
        "0 clips have takes now, 0 a text why not, 0 wait, 2 had been done before"
    )
    ran = run_here("watch", str(folder), "--once", "--json")
    assert ran.code == 1 and outcomes(ran.objects[:-1]) == {"one.wav": "unexpected", "two.wav": "unexpected"}
    assert "ZeroDivisionError" in (folder / "one - HarmonicFlow.txt").read_text()


def test_changed_renamed_removed_and_broken_clips(cli, tmp_path):
    folder = tmp_path / "clips"
    clip = drop(folder, "riff 100bpm.wav")
    (folder / "bad.wav").write_text("words")
    found = once(cli, folder)
    assert found.code == 1 and outcomes(found.objects[:-1]) == {clip.name: "done", "bad.wav": "not_audio"}
    take = json.loads((folder / "riff 100bpm - HarmonicFlow" / "take.json").read_text())
    assert take["selection"]["tempo"][1] == ["1", str(RATE * 60 // 100)]  # as its name says
    (folder / "riff 100bpm - HarmonicFlow" / "bass.wav").write_bytes(b"somebody has edited this")
    drop(folder, clip.name, 330)
    drop(folder, "bad.wav", 330)
    drop(folder, "riff 100bpm.flac", 250)  # the same stem
    found = once(cli, folder)
    assert set(outcomes(found.objects[:-1]).values()) == {"done"} and len(found.objects) == 4
    results = [f"riff 100bpm - HarmonicFlow{number}" for number in ("", " 2", " 3")]
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {"bad - HarmonicFlow", *results}
    assert not (folder / "bad - HarmonicFlow.txt").exists()  # it holds no longer
    assert (folder / "riff 100bpm - HarmonicFlow" / "bass.wav").read_bytes() == b"somebody has edited this"
    clip.rename(folder / "other.wav")
    again = once(cli, folder, "--genre", "jazz")  # other wishes make nothing anew but what is new
    assert outcomes(again.objects[:-1]) == {"other.wav": "done"}


def test_scores_many_takes_and_folders_in_it(cli, tmp_path):
    folder = tmp_path / "clips"
    drop(folder, "a.wav")
    once(cli, folder)
    inner = folder / "songs" / "deep"
    inner.mkdir(parents=True)
    shutil.copy(folder / "a - HarmonicFlow" / "score.mid", inner / "sketch.mid")
    assert len(once(cli, folder).objects) == 1
    found = once(cli, folder, "--recursive", "--count", "2")
    assert outcomes(found.objects[:-1]) == {"sketch.mid": "done"}
    place = inner / "sketch - HarmonicFlow"
    assert sorted(path.name for path in place.iterdir()) == ["01", "02"] and (place / "02" / "bass.wav").exists()
    assert len(once(cli, folder, "--recursive").objects) == 1  # neither results nor folders of takes


def test_a_removed_take_is_made_again_and_a_removed_clip_is_no_error(fresh_cli, tmp_path):
    folder = tmp_path / "clips"
    clip = drop(folder, "riff.wav")
    once(fresh_cli, folder)
    (first,) = takes_of(fresh_cli)
    shutil.rmtree(folder / "riff - HarmonicFlow")
    assert outcomes(once(fresh_cli, folder).objects[:-1]) == {"riff.wav": "done"}
    assert takes_of(fresh_cli) == [first]  # the same one
    shutil.rmtree(folder / "riff - HarmonicFlow")
    assert fresh_cli("takes", "--prune", "--older-than", "0d").code in (0, 2)
    shutil.rmtree(fresh_cli.home / "takes" / first, ignore_errors=True)
    fresh_cli("daemon", "stop")
    assert outcomes(once(fresh_cli, folder).objects[:-1]) == {"riff.wav": "done"}
    watcher = Watcher(fresh_cli, folder, "--steps", "64")
    for number in range(2):
        drop(folder, f"long {number}.wav", 300 + number, 30.0)
    time.sleep(0.7)
    for path in folder.glob("long *.wav"):
        path.unlink()
    drop(folder, "short.wav", 500)
    states = outcomes(watcher.rows(3))
    code, last, _ = watcher.end()
    assert code == 130 and ", 0 wait" in last and "0 a text" in last
    assert states.pop("short.wav") == "done" and set(states.values()) <= {"removed", "done"} and clip.exists()
    assert "removed" in states.values()
    assert len(list(folder.glob("long*"))) == list(states.values()).count("done")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that root may not write in either")
def test_a_folder_that_nobody_may_write_in(run_here):
    ran = run_here("watch", "/proc/self", "--once")
    assert ran.code == 1 and "cannot be written" in ran.err and len(ran.err.splitlines()) == 1


def test_a_full_disk_is_said_once_and_everything_waits(fresh_cli, tmp_path):
    """Where nothing can be put, the takes stay with the daemon, and are there when there is room."""
    folder = tmp_path / "clips"
    for number in range(3):
        drop(folder, f"riff {number}.wav", 200 + number)
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))"
    words = [limited, "import sys", "from bridge.cli import main", "main(sys.argv[1:])"]
    assert fresh_cli("daemon", "start").code == 0
    ran = subprocess.run(
        [sys.executable, "-c", "; ".join(words), "watch", str(folder), "--once", "--stems", "bass", "--steps", "1"],
        env=fresh_cli.env, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 1 and "Traceback" not in ran.stderr
    assert "cannot be written: File too large" in ran.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["riff 0.wav", "riff 1.wav", "riff 2.wav"]
    assert len(takes_of(fresh_cli)) == 3
    assert set(outcomes(once(fresh_cli, folder).objects[:-1]).values()) == {"done"} and len(takes_of(fresh_cli)) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere",), "there is no such folder"),
        (("file.wav",), "it is no folder"),
        (("take",), "it holds takes"),
        (("home/inbox",), "it holds takes"),
        ((".", "--key", "H dur"), "key 'H dur'"),
        ((".", "--like", "bass=missing.wav"), "there is no file"),
        ((".", "--bars", "2", "--seconds", "3"), "only one of"),
    ],
)
def test_what_cannot_be_watched_is_said_at_once(run_here, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.wav").write_bytes(b"")
    for name in ("take", "home/inbox"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "take" / "take.json").write_text("{}")
    ran = run_here("watch", *words)
    assert ran.code == 2 and said in ran.err and not ran.out
    assert ran.err.count("\n") <= 2


# ------------------------------------------------------------------------------------------------- what is a clip, when


def names(looks):
    return [clip.path.name for clip in looks.new()]


def test_what_is_moved_in_is_taken_at_once_and_what_is_written_when_it_is_whole(tmp_path):
    now = time.time()
    looks = clips.Looks(tmp_path / "clips", False, clock=lambda: now)
    drop(tmp_path / "clips", "moved.wav")
    growing = tmp_path / "clips" / "growing.wav"
    growing.write_bytes(b"RIFF")
    if sys.platform == "linux":
        assert names(looks) == ["moved.wav"]
    for _ in range(3):
        now += 0.7
        with growing.open("ab") as file:
            file.write(b"more")
        os.utime(growing, (now, now))
        assert "growing.wav" not in names(looks) and looks.unsettled == 1
    with growing.open("ab"):
        now += 5
        if sys.platform == "linux":
            assert names(looks) == []  # somebody has it open
    assert names(looks) == ["growing.wav"] and names(looks) == [] and not looks.unsettled
    now += 5
    growing.write_bytes(b"another")
    os.utime(growing, (now - 3, now - 3))
    assert names(looks) == ["growing.wav"]
    growing.unlink()
    assert names(looks) == []


def test_names_that_are_no_clips(tmp_path):
    for name in (
        ".hidden.wav", "~riff.wav", "riff.wav.part", "riff.wav.crdownload", "riff.tmp", "notes.txt", "song.rpp",
        "riff - HarmonicFlow.txt", "bass - HarmonicFlow.wav", "bass - HarmonicFlow 2.wav", "riff.asd", "._riff.wav",
    ):  # fmt: skip
        (tmp_path / name).write_bytes(b"x")
    for folder in ("riff - HarmonicFlow", "riff - HarmonicFlow 12", "somebody's take", ".git"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "bass.wav").write_bytes(b"x")
    (tmp_path / "somebody's take" / "take.json").write_bytes(b"{}")
    (tmp_path / "RIFF.WAV").write_bytes(b"x")
    found = [path.name for path in clips.listed(tmp_path, True, clips.endings())]
    assert found == ["RIFF.WAV"]


def test_names_as_long_and_as_strange_as_file_systems_take_them(cli, tmp_path):
    folder = tmp_path / "clips"
    drop(folder, "x" * 240 + ".wav")
    drop(folder, 'ein Lied, zwei & "drei" 日本.wav', 300)
    with contextlib.suppress(OSError):
        os.rename(drop(folder, "latin.wav", 400), os.fsencode(folder) + b"/caf\xe9.wav")
    found = once(cli, folder)
    assert "Traceback" not in found.err
    ends = Counter(row["error"]["code"] if "error" in row else row["state"] for row in found.objects[:-1])
    assert ends["done"] == 2 and ends.total() == ends["done"] + ends["not_a_clip"] == len(found.objects) - 1
    assert len(once(cli, folder).objects) == 1


@pytest.mark.parametrize(
    ("name", "bpm"),
    [
        ("riff 96bpm.wav", 96), ("Loop_120_BPM_Am.wav", 120), ("97.5 bpm groove.flac", 97.5), ("riff.wav", None),
        ("bpm.wav", None), ("5bpm.wav", None), ("1200bpm.wav", None), ("999 bpm.wav", None), ("10bpm.wav", None),
    ],
)  # fmt: skip
def test_the_tempo_in_a_name(name, bpm):
    assert named_tempo(name) == bpm


def test_a_text_of_somebody_else_is_left_alone(tmp_path):
    theirs = tmp_path / "riff - HarmonicFlow.txt"
    theirs.write_text("lyrics")
    error = HarmonicFlowError("missing_file", path=tmp_path / "riff.wav")
    written = beside.explain(tmp_path / "riff.wav", "0" * 32, error)
    assert theirs.read_text() == "lyrics" and written.name == "riff - HarmonicFlow 2.txt"
    assert beside.known(tmp_path / "riff.wav", "0" * 32) and not beside.known(tmp_path / "riff.wav", "1" * 32)
    assert beside.explain(tmp_path / "riff.wav", "1" * 32, error) == written
    assert written.read_text().startswith("there is no file riff.wav. Check")


def test_the_stems_beside_a_clip_are_not_the_takes_own(cli, tmp_path):
    """Who edits one leaves the other as it is."""
    drop(tmp_path / "clips", "riff.wav", 777)
    (row, _) = once(cli, tmp_path / "clips").objects
    beside_it = Path(row["folder"]) / "bass.wav"
    sound, rate = files.read(beside_it)
    assert np.abs(sound).max() > 0
    with beside_it.open("r+b") as file:
        file.seek(100)
        file.write(bytes(400))
    assert cli("takes", row["takes"][0]).code == 0
    own, _ = files.read(cli.home / "takes" / row["takes"][0] / "bass.wav")
    assert np.array_equal(own, sound) and rate == RATE
