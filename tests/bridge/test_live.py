"""The control surface in a stand-in of Live (live_set.py says which facts it has), with the real daemon and spool."""

import importlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import soundfile

from tests.bridge.live_set import CInstance, Live, Song, cover, module_of
from tests.reliability import codes

NEVER = frozenset({"socket", "_socket", "msgspec", "numpy", "zmq", "multiprocessing"})


class Desk:
    """One Live with a Set, the surface in it, and a clock."""

    def __init__(self, library: Path, live: Live, song: Song, monkeypatch: pytest.MonkeyPatch, view: str) -> None:
        self.live, self.song = live, song
        monkeypatch.setitem(sys.modules, "Live", module_of(live, view))
        monkeypatch.syspath_prepend(str(library / "Remote Scripts"))
        for name in [name for name in sys.modules if name.partition(".")[0] == "HarmonicFlow"]:
            monkeypatch.delitem(sys.modules, name)
        self.package = importlib.import_module("HarmonicFlow")
        self.c_instance = CInstance(live, song=song)
        self.surface = self.package.create_instance(self.c_instance)
        self.ticks: list[float] = []

    def part(self, name: str) -> Any:
        return importlib.import_module(f"HarmonicFlow.{name}")

    def tick(self) -> None:
        began = time.thread_time()
        self.surface.update_display()
        self.ticks.append(time.thread_time() - began)
        assert self.live.depth == 0, "an undo step was left open"
        self.live.breathe()

    def until(self, what: Callable[[], Any], seconds: float = 30) -> Any:
        deadline = time.monotonic() + seconds
        while not (found := what()):
            assert time.monotonic() < deadline, self.live.messages[-5:]
            self.tick()
            time.sleep(0.01)
        return found

    def said(self, start: str, after: int = 0) -> Any:
        return next((text for text in self.live.messages[after:] if text.startswith(f"HarmonicFlow: {start}")), None)

    def ask(self, command: str, stem: str = "", **values: Any) -> None:
        kind = self.part("commands").Command
        self.surface._commands.append(kind(command, stem, values, ""))

    def settled(self) -> None:
        """Until nothing is left to be done."""
        self.until(lambda: not self.surface._works and not self.surface.jobs.waiting)

    def clips(self, name: str) -> list[Any]:
        return list(self.song.named_(name).values_["clips"])

    def generate(self, **values: Any) -> None:
        before = len(self.live.messages)
        self.ask("generate", **values)
        self.until(lambda: self.said("done", before))
        self.settled()


@pytest.fixture
def library(cli: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "User Library"
    done = cli("bridge", "install", "live", "--config-dir", str(folder))
    assert done.code == 0, done.err
    return folder


@pytest.fixture
def desk_of(library: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(live: Live | None = None, view: str = "Arranger", song: Song | None = None, **values: Any) -> Desk:
        live = live or Live()
        song = song or Song(live, **values)
        made.append(Desk(library, live, song, monkeypatch, view))
        made[-1].surface.jobs.keep_values({})
        return made[-1]

    yield make
    for desk in made:
        desk.surface.disconnect()


def tone(path: Path, rate: int, seconds: float, channels: int = 1, kind: str = "FLOAT") -> np.ndarray:
    time_s = np.arange(round(rate * seconds)) / rate
    sound = 0.3 * np.stack([np.sin(2 * np.pi * (220 + 110 * each) * time_s) for each in range(channels)])
    soundfile.write(path, sound.T, rate, subtype=kind)
    return soundfile.read(path, dtype="float32", always_2d=True)[0].T


def recorded(desk: Desk, path: Path, at: float, **values: Any) -> Any:
    """An unwarped clip of the musician on a track of his own, which is selected."""
    track = desk.song.track_("Guitar take")
    clip = track.audio_(str(path), at)
    about = soundfile.info(path)
    length = about.frames / about.samplerate
    clip.values_.update(warping=False, looping=False, loop_start=0.0, loop_end=length, name="Guitar 1")
    clip.values_.update(values)
    clip.fit_()
    desk.song.values_["selected"][:] = [track]
    return clip


def spb(tempo: float) -> float:
    return 60 / tempo


@pytest.mark.parametrize(
    ("rate", "tempo", "version", "guess"),
    [(44100, 93.7, (12, 3, 6), 1.0), (48000, 137.3, (12, 0, 5), 1.0), (96000, 120.0, (12, 3, 6), 1.7)],
)
def test_stems_for_the_loop_brace(
    desk_of: Callable[..., Desk], tmp_path: Path, rate: int, tempo: float, version: Any, guess: float
) -> None:
    """Where, how long, from which file, in one undo step, at each session rate; and no tick of 20 ms."""
    live = Live(version, guess)
    desk = desk_of(live, tempo=tempo, loop_start=5.5, loop_length=4.0)
    tone(tmp_path / "take.wav", rate, 6.0, 2)
    recorded(desk, tmp_path / "take.wav", 2.0)
    desk.generate(seed=3, mix=True)
    frames = round(4 * 60 / tempo * rate)
    beats = frames / rate * tempo / 60
    assert abs(beats - 4.0) < 1e-4
    home = desk.part("surface").HERE
    for stem in ("Bass", "Drums", "Guitar", "Piano", "Mix"):
        track = desk.song.named_(f"HF {stem}")
        (clip,) = desk.clips(f"HF {stem}")
        assert clip.start_time == 5.5 and abs(clip.end_time - clip.start_time - beats) < 1e-9
        assert clip.warping is False and clip.looping is False
        about = soundfile.info(clip.file_path)
        assert (about.frames, about.samplerate) == (frames, rate)
        assert Path(clip.file_path).parents[3] == Path(home).parents[1], "beside the scripts' library"
        assert re.fullmatch(rf"{stem.lower()} \d+-\d+-[0-9a-f]+-1", clip.name) and clip.color == track.color
        assert track.mute is (stem == "Mix")
        if version >= (12, 2, 0):
            (lane,) = track.take_lanes
            assert [each.name for each in lane.arrangement_clips] == [clip.name]
        else:
            assert track.clip_slots[0].clip.name == clip.name
    for stem in ("bass", "drums"):
        (clip,) = desk.clips(f"HF {stem.capitalize()} MIDI")
        assert (clip.start_time, clip.end_time) == (5.5, pytest.approx(9.5, abs=1e-4))
        assert sorted(clip.values_["notes"]) == sorted(written(desk, clip.name, stem))
    assert len(live.steps) == 1 or guess != 1.0, "one result is one undo step"
    assert [name for name in live.loose if "view" not in name] == [], "changed outside of an undo step"
    assert desk.song.view.selected_track.name == "Guitar take"
    desk.ticks.sort()
    print(f"{len(desk.ticks)} ticks, longest {1000 * desk.ticks[-1]:.1f} ms; {len(live.used)} names of Live's used")
    assert desk.ticks[-1] < 0.02


def written(desk: Desk, name: str, stem: str) -> list[tuple[Any, ...]]:
    """The notes of a take's MIDI file by an independent reader, in beats."""
    take = name.split()[1]
    (path,) = (Path(desk.surface.spool.root).parent / "takes").rglob(f"{take}/{stem}.mid")
    file, found, now, sounding = mido.MidiFile(path), [], 0, {}
    for message in mido.merge_tracks(file.tracks):
        now += message.time
        if message.type == "note_on" and message.velocity:
            sounding.setdefault(message.note, []).append((now, message.velocity))
        elif message.type in ("note_on", "note_off") and sounding.get(message.note):
            start, velocity = sounding[message.note].pop(0)
            start_beat, length = start / file.ticks_per_beat, (now - start) / file.ticks_per_beat
            found.append((message.note, start_beat, min(length, 4.0 - start_beat), float(velocity), False))
    return [row for row in found if row[1] < 4.0]


def test_options_another_take_and_one_instrument_again(desk_of: Callable[..., Desk], tmp_path: Path) -> None:
    """Every take in a lane, the first or newest in the main lane; a stretch where something else lies around it."""
    desk = desk_of(tempo=240.0, loop_start=8.0, loop_length=8.0)
    desk.song.track_("Vocals")
    desk.generate(count=2, midi=False)
    (first,) = desk.clips("HF Bass")
    bass = desk.song.named_("HF Bass")
    names = [clip.name for lane in bass.take_lanes for clip in lane.arrangement_clips]
    assert len(names) == 2 and first.name == names[0] and names[0][:-1] == names[1][:-1]
    before = len(desk.live.messages)
    desk.ask("again")
    desk.until(lambda: desk.said("done", before))
    desk.settled()
    (newest,) = desk.clips("HF Bass")
    assert newest.name not in names and len(bass.take_lanes) == 4

    desk.song.loop_start, desk.song.loop_length = 12.0, 4.0  # the second half, of one whole take
    before = len(desk.live.messages)
    desk.ask("regenerate", "bass")
    desk.until(lambda: desk.said("done: regenerate bass", before))
    desk.settled()
    (whole,) = desk.clips("HF Bass")
    assert (whole.start_time, whole.end_time) == (8.0, 16.0) and whole.name != newest.name
    assert desk.clips("HF Drums")[0].name == newest.name.replace("bass", "drums")
    old, new = (soundfile.read(clip.file_path)[0] for clip in (newest, whole))
    assert np.array_equal(old[:48000], new[:48000]) and not np.array_equal(old[48000:], new[48000:])

    cut = whole.values_  # the musician has cut the take: what is new comes as a stretch
    cover(bass.values_["clips"], bass_mark := desk.clips("HF Bass")[0].__class__(desk.live, **{**cut, "end_time": 9.0}))
    assert len(desk.clips("HF Bass")) == 2 and bass_mark.start_time == 8.0
    before = len(desk.live.messages)
    desk.ask("regenerate", "bass")
    desk.until(lambda: desk.said("done: regenerate bass", before))
    desk.settled()
    clips = desk.clips("HF Bass")
    assert [(clip.start_time, clip.end_time) for clip in clips] == [(8.0, 9.0), (9.0, 12.0), (12.0, 16.0)]
    assert clips[1].name == whole.name and soundfile.info(clips[2].file_path).frames == 48000
    parts = soundfile.read(clips[2].file_path)[0], soundfile.read(Path(clips[2].file_path).parent / "bass.wav")[0]
    assert np.array_equal(parts[0], parts[1][48000:])
    # And a stretch knows where its take begins.
    found = desk.part("takes").sounding([clips[2]], 12.0, 16.0, 240.0)
    assert (found.origin, found.frames) == (8.0, 96000)


def test_what_is_not_ours_is_never_covered(desk_of: Callable[..., Desk], tmp_path: Path) -> None:
    desk = desk_of(tempo=120.0, loop_start=0.0, loop_length=4.0)
    tone(tmp_path / "mine.wav", 48000, 2.0)
    mine = desk.song.track_("HF Bass").audio_(str(tmp_path / "mine.wav"), 1.0)
    desk.song.track_("HF Drums", midi=True)
    desk.song.track_("HF Piano", is_frozen=True)
    desk.generate(midi=False, stems=["bass", "drums", "piano"])
    assert desk.clips("HF Bass") == [mine] and desk.clips("HF Drums") == desk.clips("HF Piano") == []
    for name in ("HF Bass 2", "HF Drums 2", "HF Piano 2"):
        assert len(desk.clips(name)) == 1


def test_the_session(desk_of: Callable[..., Desk]) -> None:
    """A clip of the Session: its length, its notes as the finished part, and the results in its scene."""
    desk = desk_of(view="Session", tempo=120.0)
    track = desk.song.track_("Bass line", midi=True)
    track.clip_slots[0].create_clip(4.0)
    track.clip_slots[0].clip.values_["notes"].extend([(36, 0.0, 1.0, 90.0, False), (38, 2.5, 9.0, 91.0, False)])
    desk.song.values_["selected"][:] = [track]
    desk.song.view.highlighted_clip_slot = track.clip_slots[0]
    desk.generate(count=2)
    for name in ("HF Drums", "HF Piano"):
        slots = desk.song.named_(name).clip_slots
        assert [slot.has_clip for slot in slots] == [True, True] and desk.clips(name) == []
        assert slots[0].clip.name.endswith("-1") and slots[1].clip.name.endswith("-2")
        assert soundfile.info(slots[0].clip.file_path).frames == 96000
    notes = desk.song.named_("HF Bass MIDI").clip_slots[0].clip.values_["notes"]
    assert [row[:3] for row in notes] == [(36, 0.0, 1.0), (38, 2.5, 1.5)], "played as it stands"


def test_a_job_is_cancelled(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(tempo=60.0, loop_length=400.0)
    desk.song.track_("Vocals")
    desk.ask("generate", count=8)
    desk.until(lambda: desk.surface.jobs.waiting and desk.surface.spool.report(desk.surface.jobs.waiting[0]["id"]))
    desk.ask("cancel")
    desk.until(lambda: desk.said("cancelled: generate stems"))
    assert not desk.surface.jobs.waiting and desk.live.steps == []
    assert not [track for track in desk.song.tracks if track.name.startswith("HF")]
    desk.ask("cancel")
    desk.until(lambda: desk.said("no job of this Set waits or runs"))


def test_a_refusal_is_a_sentence(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(tempo=500.0)  # Live goes to 999
    desk.song.track_("Vocals")
    desk.ask("generate")
    said = desk.until(lambda: desk.said("generate stems failed"))
    assert "tempo must be 20 to 400" in said and "quarter notes a minute" in said
    desk.settled()
    for words, view, values in (
        ("there is no take of HarmonicFlow in the loop brace", "Arranger", {}),
        ("choose a clip in the Session", "Session", {}),
    ):
        other = desk_of(view=view, **values)
        other.song.track_("Vocals")
        other.ask("regenerate" if view == "Arranger" else "generate", "bass")
        other.until(lambda other=other, words=words: other.said(words))  # type: ignore[misc]
    old = desk_of(Live((12, 0, 1)))
    old.ask("generate")
    old.until(lambda: old.said("Live 12.0.5 or newer is needed"))


def test_a_result_comes_after_a_restart_of_live(desk_of: Callable[..., Desk], tmp_path: Path) -> None:
    desk = desk_of(tempo=120.0, loop_length=4.0, file_path=str(tmp_path / "Song Project" / "Song.als"))
    (tmp_path / "Song Project").mkdir()
    desk.song.track_("Vocals")
    desk.ask("generate")
    desk.until(lambda: desk.surface.jobs.waiting)
    desk.surface.disconnect()  # Live ends
    again = desk_of(desk.live, song=desk.song)
    again.until(lambda: again.said("done: generate stems"))
    again.settled()
    (clip,) = again.clips("HF Bass")
    assert Path(clip.file_path).parents[1] == tmp_path / "Song Project" / "Samples" / "HarmonicFlow"
    other = desk_of(tempo=120.0)  # another Set sees nothing of it
    assert other.surface.jobs.last is None


def test_a_daemon_that_dies_is_started_again(fresh_cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed at work: it is said, the surface starts it again, and the stems come."""
    library = tmp_path / "User Library"
    assert fresh_cli("bridge", "install", "live", "--config-dir", str(library)).code == 0
    for name, value in fresh_cli.env.items():
        monkeypatch.setenv(name, value)
    live = Live()
    desk = Desk(library, live, Song(live, tempo=60.0, loop_length=12.0), monkeypatch, "Arranger")
    desk.song.track_("Vocals")
    desk.ask("generate", midi=False)  # nothing runs: it starts the daemon
    beat = desk.until(lambda: (desk.surface.jobs.waiting and desk.surface.spool.report(
        desk.surface.jobs.waiting[0]["id"])) and desk.surface.spool.beat(), 60)  # fmt: skip
    os.kill(int(re.search(rb'"pid":\s*(\d+)', beat)[1]), signal.SIGKILL)  # type: ignore[index]
    desk.surface.daemon._started = None  # it may be tried again at once
    monkeypatch.setattr(desk.part("daemon"), "SILENCE_S", 1.2)
    desk.until(lambda: desk.said("the daemon does not answer; starting it again"), 20)
    desk.until(lambda: desk.said("done: generate stems"), 60)
    assert desk.said("the daemon answers again") and len(desk.clips("HF Bass")) == 1
    desk.until(lambda: not desk.surface.daemon.state() or not desk.surface.daemon._children)


def test_the_command_is_obeyed_and_answered(desk_of: Callable[..., Desk], cli: Any) -> None:
    """`harmonicflow live` in a process of its own: its options arrive, its answer is Live's."""
    desk = desk_of(tempo=120.0, loop_length=2.0)
    desk.song.track_("Vocals")

    def run(*words: str) -> Any:
        process = cli.popen("live", *words)
        desk.until(lambda: process.poll() is not None)
        out, err = process.communicate()
        codes.said(out)
        return process.returncode, out, err

    code, out, _ = run("generate", "--genre", "funk", "--stems", "drums,bass", "--no-midi", "--seed", "5")
    assert code == 0 and "stems for 2 beats at 120 BPM, from beat 1 on" in out
    desk.until(lambda: desk.said("done: generate stems: bass, drums (2 clips)"))
    assert desk.surface.jobs.values() == {"genre": "funk", "stems": ["bass", "drums"], "midi": False, "seed": 0}
    assert run("status")[1].strip() == "nothing is on its way"
    code, out, err = run("cancel", "--json")
    assert code == 1 and "no job of this Set waits or runs" in out + err and "live_refused" in codes.raised
    code, _, err = run("generate", "--mood", "furious")
    assert code == 2 and "there is no mood" in err
    assert not [path for path in (Path(desk.surface.spool.root) / "hosts").iterdir() if "-command-" in path.name]


def test_the_folder_runs_alone(library: Path) -> None:
    """Copied as it is, without site-packages, without a thread, a socket or anything of the project's."""
    folder = library / "Remote Scripts" / "HarmonicFlow"
    names = sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
    code = (
        f"import sys; sys.path.insert(0, {str(folder.parent)!r}); import HarmonicFlow\n"
        f"import importlib; [importlib.import_module('HarmonicFlow.' + name) for name in {names!r}]\n"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert loaded & NEVER == set() and "HarmonicFlow" in loaded
    assert {name for name in loaded if name not in sys.stdlib_module_names} <= {"HarmonicFlow", "__main__"}
    texts = "".join(path.read_text() for path in folder.glob("*.py"))
    assert not re.search(r"^\s*(import|from) (threading|socket|asyncio|concurrent|_thread)", texts, re.MULTILINE)
