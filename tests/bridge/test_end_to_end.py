"""The whole way through the real command line, daemon, worker and engine, with the stand-in bundle."""

import json
import re
import shutil
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import soundfile

from harmonicflow.engine.tensors import read_tensors

STEMS = ("bass", "drums", "guitar", "piano")
FILES = {*(f"{stem}.{end}" for stem in STEMS for end in ("wav", "mid")), "mix.wav", "binaural.wav", "score.mid"}
FILES |= {"take.json"}


def digests(folder):
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in Path(folder).glob("*.[wm][ai][vd]")}


def take_id(folder):
    return json.loads((folder / "take.json").read_text())["summary"]["take"]


def write_clip(path, rate, channels, seconds=6.0):
    time = np.arange(round(seconds * rate)) / rate
    tone = 0.3 * np.sin(2 * np.pi * 220 * time) * np.exp(-(time % 0.5) * 4)
    soundfile.write(path, np.stack([tone] * channels, axis=1), rate)
    return str(path)


# Format, rate, channels, start, end, tempo, meter: every one of each at least once, not their product.
CLIPS = [
    ("wav", 44_100, 2, "2.005", "4.5", "96", "4/4"),
    ("wav", 48_000, 1, "0", "3.333", "33.3", "3/4"),
    ("wav", 96_000, 2, "1.0001", "3", "271.8", "7/8"),
    ("flac", 44_100, 1, "0.5", "4.123", "97.3", "12/8"),
    ("flac", 96_000, 2, "0.25", "2.75", "140", "6/8"),
    ("mp3", 44_100, 2, "1.234", "3.777", "120", "4/4"),
    ("mp3", 48_000, 1, "0", "2.5", "96", "6/8"),
]


@pytest.mark.parametrize(("kind", "rate", "channels", "start", "end", "tempo", "meter"), CLIPS)
def test_every_file_is_exactly_as_long_as_the_selection(
    cli, tmp_path, kind, rate, channels, start, end, tempo, meter
):  # fmt: skip
    clip = write_clip(tmp_path / f"clip.{kind}", rate, channels)
    out = tmp_path / "out"
    ran = cli(
        "generate", clip, "--start", start, "--end", end, "--tempo", tempo, "--meter", meter,
        "--stems", "bass,drums", "--prompt", "tight and dry", "--genre", "funk", "--chords", "Am7 | D7/F# | Gmaj7",
        "--seed", "7", "--out", str(out), "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    frames = round(float(end) * rate) - round(float(start) * rate)
    [take] = ran.objects
    assert {path.name for path in out.iterdir()} == FILES - {"guitar.wav", "piano.wav", "guitar.mid", "piano.mid"}
    assert (take["frames"], take["rate"], take["seed"], take["folder"]) == (frames, rate, 7, str(out))
    assert {row["stem"] for row in take["files"]} == {"bass", "drums", "mix", "binaural"}
    for row in take["files"]:
        about = soundfile.info(row["path"])
        assert (about.frames, about.samplerate, about.subtype) == (frames, rate, "FLOAT"), row["file"]
        assert row["sha256"] == sha256(Path(row["path"]).read_bytes()).hexdigest()
    assert take_id(out) == take["take"]


def test_stems_like_a_file_from_the_command_line(cli, tmp_path):
    like = write_clip(tmp_path / "like.flac", 48_000, 2, seconds=2.0)
    first = cli("generate", "--bars", "1", "--preview", "--like", f"bass={like}", "--json", "--seed", "3")
    assert first.code == 0, first.err
    again = cli("regenerate", "last", "--stem", "drums", "--like", like, "--out", str(tmp_path / "out"), "--json")
    assert again.code == 0, again.err
    details = json.loads((tmp_path / "out" / "take.json").read_text())
    assert [(row["stem"], row["name"]) for row in details["request"]["like"]] == [("", "like.flac")]
    with open(Path(details_folder(cli)) / "latents.safetensors", "rb") as file:
        timbre = read_tensors(file.read())["timbre"]
    assert timbre[:, -1].tolist() == [1, 1, 0, 0]


def details_folder(cli):
    """The folder of the newest take."""
    return cli("takes", "--json").objects[0]["folder"]


def test_no_clip_is_needed(cli, tmp_path):
    words = "generate --bars 8 --tempo 97.3 --rate 48000 --seed 3 --json".split()
    ran = cli(*words, "--chords", "Am | F | C | G", "--out", str(tmp_path))
    assert ran.code == 0, ran.err
    frames = round(8 * 4 * 60 / 97.3 * 48_000)
    assert {row["frames"] for row in ran.objects[0]["files"]} == {frames} and ran.objects[0]["bars"] == 8
    sound, rate = soundfile.read(tmp_path / "mix.wav")
    assert rate == 48_000 and np.isfinite(sound).all() and np.abs(sound).max() > 0.01


def test_progress_goes_to_stderr_and_results_to_stdout(cli):
    ran = cli("generate", "--bars", "16", "--steps", "32", "--seed", "1")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0].split() == ["stem", "seconds", "peak", "dBFS", "LUFS", "file"]
    assert Path(lines[-1]).is_dir() and FILES <= {path.name for path in Path(lines[-1]).iterdir()}
    assert re.search(r"^playing \d+ of \d+, \d+ s left$", ran.err, re.MULTILINE) and "\r" not in ran.err


def test_the_same_seed_gives_the_same_bytes_also_after_a_restart(fresh_cli, tmp_path):
    def make(name, seed):
        ran = fresh_cli("generate", "--bars", "1", "--tempo", "111.1", "--seed", seed, "--out", str(tmp_path / name))
        assert ran.code == 0, ran.err
        return digests(tmp_path / name), ran.err

    first, said = make("a", "7")
    assert "started a daemon (process" in said and len(first) == 11
    again, said = make("b", "7")
    assert again == first and "started" not in said and "seed: 7" in said
    other, _ = make("c", "8")
    assert all(other[name] != digest for name, digest in first.items())
    assert fresh_cli("daemon", "stop").code == 0
    again, said = make("d", "7")
    assert again == first and "started a daemon" in said


def test_regenerate_keeps_everything_else(cli, tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    assert cli("generate", "--bars", "6", "--tempo", "120", "--seed", "5", "--out", str(old)).code == 0
    # The take is named by the folder it was copied to.
    words = f"regenerate {old} --stem bass --from-bar 3 --to-bar 4 --seed 6 --out {new} --json"
    ran = cli(*words.split())
    assert ran.code == 0, ran.err
    before, after = digests(old), digests(new)
    assert {name for name in before if before[name] != after[name]} == {
        "bass.wav",
        "mix.wav",
        "binaural.wav",
        "score.mid",
        "bass.mid",
    }
    a, rate = soundfile.read(old / "bass.wav")
    b, _ = soundfile.read(new / "bass.wav")
    changed = np.flatnonzero((a != b).any(axis=1))
    bar = 2 * rate
    assert len(changed) and changed[0] >= 2 * bar and changed[-1] < 4 * bar
    assert ran.objects[0]["parent"] == take_id(old)
    # No click at the seams: they are no rougher than either take is in these bars.
    rough_a, rough_b = (np.abs(np.diff(sound[2 * bar - rate : 4 * bar + rate], 2, axis=0)) for sound in (a, b))
    for seam in (rate, 3 * rate + rate // 2, 5 * rate):
        near = slice(seam - rate // 200, seam + rate // 200)
        assert rough_b[near].max() <= 1.41 * max(rough_a.max(), rough_b[rate + 4000 : 5 * rate - 4000].max())


def test_a_place_in_seconds(cli):
    """Of a take of 0.6 s a bar: 0.7 s to the end touches the second and the third bar."""
    old = cli("generate", "--bars", "3", "--tempo", "400", "--seed", "5", "--json").objects[0]
    words = ("regenerate", old["take"], "--stem", "bass", "--seed", "6", "--json")
    named, timed = (cli(*words, *place).objects[0] for place in (("--from-bar", "2"), ("--start", "0.7")))
    assert [row["sha256"] for row in named["files"]] == [row["sha256"] for row in timed["files"]]
    ran = cli(*words, "--start", "1", "--end", "9")
    assert ran.code == 2 and "the take has 1.8 seconds" in ran.err


def test_several_stems_on_every_bar(cli, tmp_path):
    old = cli("generate", "--bars", "2", "--seed", "5", "--json").objects[0]
    ran = cli("regenerate", old["take"], "--stem", "guitar", "--stem", "piano", "--seed", "6", "--title", "b", "--json")
    assert ran.code == 0, ran.err
    [new] = ran.objects
    before, after = ({row["stem"]: row["sha256"] for row in take["files"]} for take in (old, new))
    kept = {stem for stem in before if before[stem] == after[stem]}
    assert kept == {"bass", "drums"} and (new["parent"], new["title"], new["seed"]) == (old["take"], "b", 6)


def test_every_wish_at_once(cli):
    ran = cli(
        "generate", "--seconds", "2.005", "--tempo", "140", "--meter", "7/8", "--start-beat", "1.5", "--rate", "22050",
        "--delivery", "dry", "--genre", "Hip-Hop", "--mood", "sad", "--emotion", "0.5,-0.5", "--key", "A minor",
        "--chords", "Am9 | Dm7/F", "--prompt", "dusty", "--steps", "1", "--title", "late", "--model", "tiny",
        "--seed", "9223372036854775807", "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    [take] = ran.objects
    assert (take["rate"], take["title"], take["genre"]) == (22_050, "late", "hiphop")
    assert take["seed"] == 2**63 - 1 and take["frames"] == round(2.005 * 22_050)
    assert {row["stem"]: row["channels"] for row in take["files"]} == {
        "bass": 1, "drums": 1, "guitar": 1, "piano": 1, "mix": 2, "binaural": 2,
    }  # fmt: skip
    assert {soundfile.info(row["path"]).channels == row["channels"] for row in take["files"]} == {True}


def test_bars_outside_the_take_are_refused(cli):
    assert cli("generate", "--bars", "2", "--stems", "bass").code == 0
    ran = cli("regenerate", "last", "--stem", "bass", "--from-bar", "2", "--to-bar", "3")
    assert ran.code == 2 and "bars 2 to 3" in ran.err and "2 bars" in ran.err


@pytest.mark.parametrize("name", ["no-such-take", "../../etc", "a b", "/", "x" * 300])
def test_a_take_that_is_not_there(cli, name):
    ran = cli("regenerate", name, "--stem", "bass", "--json")
    assert (ran.code, ran.objects[0]["error"]["code"]) == (2, "unknown_take"), ran


def test_takes_are_listed_newest_first_and_shown(cli):
    for title in ("one", "two"):
        assert cli("generate", "--bars", "1", "--stems", "bass", "--title", title).code == 0
    takes = cli("takes", "--json", "--limit", "2").objects
    assert [take["title"] for take in takes] == ["two", "one"]
    header, first, *_ = cli("takes").out.splitlines()
    assert header.split() == ["take", "made", "seconds", "bars", "genre", "seed", "title"]
    take, seed = takes[0]["take"], takes[0]["seed"]
    assert re.fullmatch(rf"{take} +\d{{4}}-\d\d-\d\d \d\d:\d\d +2.00 +1 +\w+ +{seed} +two", first)
    assert cli("takes", "last").out.splitlines()[-1] == takes[0]["folder"]
    assert cli("takes", takes[1]["take"], "--json").objects == [takes[1]]


def test_several_takes_at_once(cli, tmp_path):
    ran = cli("generate", "--bars", "1", "--stems", "bass", "--count", "2", "--out", str(tmp_path), "--json")
    assert ran.code == 0, ran.err
    assert [take["folder"] for take in ran.objects] == [str(tmp_path / "01"), str(tmp_path / "02")]
    assert digests(tmp_path / "01") != digests(tmp_path / "02")


def test_models_and_status(cli, bundle):
    model, *others = cli("models", "--json").objects  # the one served, then the one that ships
    assert model["serving"] and Path(model["folder"]) == bundle and not any(each["serving"] for each in others)
    status = cli("daemon", "status", "--json").objects[0]
    assert status["pid"] > 0 and status["worker"] in ("ready", "starting")
    shown = cli("daemon", "status").out
    assert f"process {status['pid']}, up" in shown and "tiny" in shown and str(cli.home) in shown
    header, line, *card = cli("models", "--card").out.splitlines()
    assert header.split() == ["name", "version", "MB", "stems", "licence", "folder"]
    assert line.startswith("*  tiny") and line.endswith(str(bundle)) and "A stand-in for tests" in "".join(card)


def test_the_demo_ends_with_its_folder(cli, tmp_path):
    ran = cli("demo", "--out", str(tmp_path / "demo"))
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[-1] == str(tmp_path / "demo")
    assert [line.split()[0] for line in lines[:-1]] == ["stem", "bass", "drums", "guitar", "piano", "mix", "binaural"]
    assert soundfile.info(tmp_path / "demo" / "bass.wav").frames == 9 * 44_100


def test_an_out_folder_is_written_over_file_by_file(cli, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    for _ in range(2):
        assert cli("generate", "--bars", "1", "--stems", "bass", "--out", str(tmp_path)).code == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not list(tmp_path.glob(".*"))
    take = take_id(tmp_path)
    assert cli("takes", take, "--json").objects[0]["files"][0]["sha256"] == digests(tmp_path)["bass.wav"]


def test_a_copy_in_another_folder_is_no_link(cli, tmp_path):
    ran = cli("generate", "--bars", "1", "--stems", "bass", "--out", str(tmp_path), "--json")
    copied = tmp_path / "bass.wav"
    kept = cli("takes", ran.objects[0]["take"], "--json").objects[0]["files"][0]["path"]
    assert not copied.samefile(kept)
    shutil.rmtree(tmp_path)
    assert Path(kept).is_file()
