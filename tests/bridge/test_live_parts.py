"""Parts of the control surface for Live, each against an independent reader; and every call of Live's failing once."""

import json
import re
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import soundfile

from bridge.daw.live import places
from bridge.daw.live.script import asked, commands, notes_file, place, requests, sound, sources, words
from bridge.daw.live.script.jobs import Jobs
from bridge.daw.live.script.spool import Spool
from bridge.daw.live.script.surface import Surface
from bridge.daw.live.script.watch import Watch
from bridge.daw.live.script.words import Trouble
from harmonicflow.core.messages import Generate
from harmonicflow.core.tempo import Selection
from harmonicflow.score.midi_write import write_midi
from harmonicflow.score.score import Score
from tests.bridge.live_set import CInstance, Live, Song, WarpMarker, module_of
from tests.ran import Ran

SETTINGS = {"stems": ["bass", "drums", "guitar", "piano"], "genres": ["funk"], "moods": ["calm"], "version": "0"}
ROOT = Path(__file__).parents[2]


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    for name in ("inbox", "outbox", "hosts"):
        (tmp_path / "spool" / name).mkdir(parents=True)
    return Spool(str(tmp_path / "spool"))


@pytest.mark.parametrize(
    ("ending", "kind"),
    [("wav", "PCM_U8"), ("wav", "PCM_16"), ("wav", "PCM_24"), ("wav", "PCM_32"), ("wav", "FLOAT"), ("wav", "DOUBLE"),
     ("aiff", "PCM_S8"), ("aiff", "PCM_16"), ("aiff", "PCM_24"), ("aiff", "PCM_32"), ("aiff", "FLOAT"),
     ("aiff", "DOUBLE")],
)  # fmt: skip
@pytest.mark.parametrize("channels", [1, 2])
def test_sounds_are_read_as_libsndfile_reads_them(tmp_path: Path, ending: str, kind: str, channels: int) -> None:
    path = tmp_path / f"a.{ending}"
    samples = np.random.default_rng(1).uniform(-0.99, 0.99, (3001, channels))
    soundfile.write(path, samples, 88200, subtype=kind)
    layout = sound.look(str(path))
    assert (layout.rate, layout.channels, layout.frames) == (88200, channels, soundfile.info(path).frames)
    with path.open("rb") as file:
        found = np.array(sound.block(file, layout, 17, 5000))
    assert np.array_equal(found, soundfile.read(path, dtype="float32", always_2d=True)[0].T[:, 17:])


@pytest.mark.parametrize(
    "data", [b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"FORM\0\0\0\0AIFF" + b"COMM\0\0\0\x12" + bytes(18), b"OggS" * 20,
             b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0" + bytes(16) + b"data\0\0\0\0"],
)  # fmt: skip
def test_other_files_are_a_sentence(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(Trouble, match="a.wav"):
        sound.look(str(tmp_path / "a.wav"))
    with pytest.raises(Trouble, match="cannot be read"):
        sound.look(str(tmp_path / "none.wav"))


@pytest.mark.parametrize("kind", ["PCM_16", "PCM_24", "FLOAT"])
def test_a_stretch_of_a_file_is_cut_exactly(tmp_path: Path, kind: str) -> None:
    samples = np.random.default_rng(2).uniform(-1, 1, (10_000, 2))
    soundfile.write(tmp_path / "a.wav", samples, 44100, subtype=kind)
    layout = sound.look(str(tmp_path / "a.wav"))
    steps = sum(1 for _ in sound.cut(layout, str(tmp_path / "b.wav"), 1234, 5678, 4096))
    assert steps > 4 and not list(tmp_path.glob(".*"))
    whole = soundfile.read(tmp_path / "a.wav", dtype="float64")[0]
    assert np.array_equal(soundfile.read(tmp_path / "b.wav", dtype="float64")[0], whole[1234:5678])
    assert soundfile.info(tmp_path / "b.wav").subtype == kind
    for _ in sound.cut(layout, str(tmp_path / "c.wav"), 0, 10_000, 4096):
        pass
    assert (tmp_path / "c.wav").read_bytes() == (tmp_path / "a.wav").read_bytes()


def test_midi_files_as_the_score_writes_them(tmp_path: Path) -> None:
    rows = [["bass", "1/3", "1/2", 36, 90, 0.0], ["bass", "5/2", "4", 43, 1, 0.0], ["bass", "5/2", "1", 48, 127, 0.0]]
    selection = Selection.from_bars(4, 93.7, "6/8", 44100)
    score = Score.from_wire({"notes": rows, "chords": [], "sections": []})
    write_midi(score, selection, tmp_path / "a.mid")
    found = notes_file.read(str(tmp_path / "a.mid"))
    assert [(note.pitch, note.velocity) for note in found] == [(36, 90), (43, 1), (48, 127)]
    for note, row in zip(found, rows, strict=True):
        assert abs(note.start - Fraction(row[1])) < 1e-3 and abs(note.duration - Fraction(row[2])) < 1e-3


@pytest.mark.parametrize("data", [b"", b"MThd", b"MThd\0\0\0\x06\0\x01\0\x01\0\x60MTrk\0\0\0\x04\0\x90\x24", b"x" * 99])
def test_a_damaged_midi_file_is_a_sentence(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.mid").write_bytes(data)
    with pytest.raises(Trouble, match="no MIDI file"):
        notes_file.read(str(tmp_path / "a.mid"))


def arranged(tmp_path: Path, tempo: float = 120.0, rate: int = 48000, **values: Any) -> tuple[Song, Any, Any]:
    """A Set with one unwarped clip at beat 3, of six seconds of noise, and its samples."""
    samples = np.random.default_rng(3).uniform(-0.5, 0.5, (rate * 6, 1)).astype("f4")
    path = tmp_path / "take.wav"
    soundfile.write(path, samples, rate, subtype="FLOAT")
    song = Song(Live(), tempo=tempo, loop_start=4.0, loop_length=4.0)
    track = song.track_("Guitar take")
    clip = track.audio_(str(path), 3.0)
    clip.values_.update(warping=False, looping=False, loop_start=0.0, loop_end=6.0)
    clip.values_.update(values)
    clip.values_["end_time"] = 3.0 + 6.0 * tempo / 60
    song.values_["selected"].append(track)
    return song, clip, samples[:, 0]


def heard_in(song: Song) -> tuple[asked.Range, sources.Heard]:
    wanted = asked.chosen(song, module_of(song.live_).Application.get_application())
    return wanted, sources.listen(asked.tracks(song), wanted)


@pytest.mark.parametrize(("tempo", "rate"), [(120.0, 48000), (93.7, 44100), (181.3, 96000)])
def test_the_clip_is_the_files_own_samples(tmp_path: Path, spool: Spool, tempo: float, rate: int) -> None:
    """From the right frame on, to the brace's exact length, at the file's rate; silence where no clip is."""
    song, _, samples = arranged(tmp_path, tempo, rate, loop_start=0.25, gain_display_string="-6.0 dB")
    wanted, heard = heard_in(song)
    (piece,) = heard.pieces
    first = round((0.25 + 60 / Fraction(tempo)) * rate)
    frames = round(4 * 60 / Fraction(tempo) * rate)
    for _ in requests.generate(spool, "a", wanted, heard, {"genre": "funk"}, "Song"):
        pass
    found = np.fromfile(spool.sound("a"), "<f4")
    assert len(found) == frames
    wish = (samples[first : first + frames] * 10 ** (-6.0 / 20)).astype("f4")
    assert np.allclose(found[: len(wish)], wish, rtol=0, atol=1e-7) and not found[len(wish) :].any()
    request = json.loads(Path(spool.path("inbox", "a.json")).read_bytes())
    message = msgspec.convert(request, Generate)
    assert (message.selection.rate, message.selection.end_frame, message.selection.start_frame) == (rate, frames, 0)
    assert message.clip is not None and message.clip.frames == frames
    selection = Selection.from_wire(message.selection)
    assert abs(float(selection.tempo.bpm_at(0)) - tempo) < 1e-9


def test_clips_are_summed_and_a_mono_one_is_in_the_middle(tmp_path: Path, spool: Spool) -> None:
    song, _, samples = arranged(tmp_path)
    track = song.values_["all"][0]
    stereo = np.random.default_rng(4).uniform(-0.5, 0.5, (48000, 2)).astype("f4")
    soundfile.write(tmp_path / "stereo.wav", stereo, 48000, subtype="FLOAT")
    other = song.track_("Vocals")
    clip = other.audio_(str(tmp_path / "stereo.wav"), 5.0)
    clip.values_.update(warping=False, looping=False, loop_start=0.0, loop_end=1.0)
    song.values_["selected"][:] = [track, other]
    wanted, heard = heard_in(song)
    for _ in requests.write_sound(spool, "a", heard.pieces, 96000, 2):
        pass
    found = np.fromfile(spool.sound("a"), "<f4").reshape(2, -1)
    wish = np.stack([samples[24000:120000]] * 2)
    wish[:, 24000:72000] += stereo.T
    assert np.allclose(found, wish, rtol=0, atol=1e-7) and heard.names == ["Guitar take", "Vocals"]


def test_warped_clips_only_where_they_run_at_the_sets_tempo(tmp_path: Path) -> None:
    def markers(live: Live, beat_s: float) -> list[WarpMarker]:
        rows = [(0.0, 0.125), (4.0, 0.125 + 4 * beat_s), (4.03125, 0.125 + 4.03125 * beat_s)]
        return [WarpMarker(live, beat_time=beat, sample_time=second) for beat, second in rows]

    song, clip, _ = arranged(tmp_path, warping=True, loop_end=12.0)
    clip.values_["warp_markers"] = markers(song.live_, 0.5)
    _, heard = heard_in(song)
    assert heard.pieces[0].source == round((0.125 + 0.5) * 48000) and heard.troubles == []
    for values, reason in (
        ({"warp_markers": markers(song.live_, 0.49)}, "warped to another tempo"),
        ({"warp_markers": markers(song.live_, 0.5), "looping": True, "loop_end": 2.0}, "looped"),
        ({"pitch_coarse": 2}, "transposed"),
        ({"gain_display_string": "?"}, "gain cannot be read"),
    ):
        clip.values_.update({"looping": False, "loop_end": 12.0, "pitch_coarse": 0, **values})
        _, heard = heard_in(song)
        assert not heard.pieces and reason in heard.troubles[0], heard.troubles
        clip.values_.update(gain_display_string="0.0 dB", warp_markers=markers(song.live_, 0.5))


def test_notes_of_every_turn_of_a_loop(tmp_path: Path) -> None:
    song = Song(Live(), loop_start=4.0, loop_length=4.0)
    track = song.track_("Rhodes", midi=True)
    clip = track.midi_(3.0, 9.0)
    clip.values_.update(looping=True, loop_end=2.0, start_marker=1.0)
    clip.values_["notes"] += [(60, 0.0, 4.0, 80.0, False), (64, 1.5, 0.25, 0.4, False), (67, 0.5, 1.0, 9.0, True)]
    song.values_["selected"].append(track)
    _, heard = heard_in(song)
    # The clip begins at its beat 1, at beat 3; so its beat 0 is at 4, 6, 8 ... and 1.5 at 3.5, 5.5, 7.5.
    assert [row[:5] for row in heard.notes] == [
        ["piano", "0", "2", 60, 80], ["piano", "3/2", "1/4", 64, 1], ["piano", "2", "2", 60, 80],
        ["piano", "7/2", "1/4", 64, 1],
    ]  # fmt: skip
    track.name = "Strings"
    assert "says no instrument" in heard_in(song)[1].troubles[0]


def test_an_automated_tempo_is_said(tmp_path: Path) -> None:
    song = Song(Live(), automation=1, tempo=101.5, loop_start=6.0, signature_numerator=6, signature_denominator=8)
    wanted, _ = heard_in(song)
    assert "the tempo is automated" in wanted.warnings[0] and "101.5 BPM" in wanted.warnings[0]
    assert (wanted.meter, wanted.into_bar) == ("6/8", 0.0)
    song.loop_start = 4.25
    assert heard_in(song)[0].into_bar == 1.25


# Every call of Live's failing once.


def surface_of(spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, live: Live, song: Song) -> Surface:
    monkeypatch.setitem(sys.modules, "Live", module_of(live))
    surface = Surface(CInstance(live, song=song))
    surface.settings, surface.ready, surface.spool = {**SETTINGS, "spool": spool.root}, True, spool
    surface.jobs = Jobs(spool)
    from bridge.daw.live.script.daemon import Daemon

    surface.daemon = Daemon(spool, [])
    surface.watch = Watch(surface, str(tmp_path / "User Library"))
    Path(spool.path("beat.json")).write_text('{"beat": 1}')
    monkeypatch.setattr("bridge.daw.live.script.surface.BUDGET_S", 5.0)  # a tick does all of it
    monkeypatch.setattr("bridge.daw.live.script.watch.SETTLE_S", 0.0)
    return surface


def finished(tmp_path: Path, name: str, edit: dict[str, Any] | None = None) -> dict[str, Any]:
    """A take of two stems and a mix as the daemon leaves it, and its report."""
    folder = tmp_path / "takes" / name
    if not folder.exists():
        folder.mkdir(parents=True)
        for stem in ("bass", "drums", "mix"):
            soundfile.write(folder / f"{stem}.wav", np.zeros((9600, 2), "f4"), 48000, subtype="FLOAT")
        note = b"\0\x90\x24\x40\x60\x80\x24\0"
        head = b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk" + (len(note) + 4).to_bytes(4, "big")
        (folder / "bass.mid").write_bytes(head + note + b"\0\xff\x2f\0")
    row = {"channels": 2, "frames": 9600, "rate": 48000}
    files = [{**row, "stem": stem, "path": str(folder / f"{stem}.wav")} for stem in ("bass", "drums", "mix")]
    return {
        "take": name, "folder": str(folder), "rate": 48000, "frames": 9600, "start_frame": 0, "files": files,
        "parts": {"bass": str(folder / "bass.mid")}, "edit": edit, "warnings": ["a warning"],
    }  # fmt: skip


NAMES = ("20260101-101010-abcdef-1", "20260101-101010-abcdef-2")


def placed(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, live: Live, fail_at: int, scene: int = -1
) -> Song:
    """One result put in, its n-th access failing."""
    song = Song(live, loop_start=4.0, data={"harmonicflow": "0123456789ab"})
    song.track_("Vocals")
    surface = surface_of(spool, tmp_path, monkeypatch, live, song)
    surface.jobs.turn_to(song)
    wish = {"midi": True, "mix": True}
    job = {"id": "j", "what": "generate stems", "start": 4.0, "tempo": 120.0, "scene": scene, "wish": wish}
    surface.jobs.add(job, {})
    takes = [finished(tmp_path, name) for name in NAMES]
    Path(spool.path("outbox", "j.json")).write_text(json.dumps({"state": "done", "takes": takes}))
    live.accesses, live.fail_at = 0, fail_at
    for _ in range(6):
        surface.update_display()
        assert live.depth == 0
        live.breathe()
    return song


@pytest.mark.parametrize(("version", "scene"), [((12, 3, 6), -1), ((12, 0, 5), -1), ((12, 3, 6), 0)])
def test_whichever_call_fails_no_undo_step_is_left_open(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: Any, scene: int
) -> None:
    """Every n-th access of Live raises once: a sentence or a result, never an open step, never put in twice."""
    whole = Live(version)
    song = placed(spool, tmp_path, monkeypatch, whole, 0, scene)
    accesses, failed, left = whole.accesses, 0, 0
    assert any("done: generate stems: bass, drums, mix" in text for text in whole.messages), whole.messages
    assert len(whole.steps) == 1 and len([track for track in song.tracks if track.name.startswith("HF")]) == 4
    for number in range(1, accesses + 1):
        live = Live(version)
        song = placed(spool, tmp_path, monkeypatch, live, number, scene)
        assert live.accesses >= number
        told = [text for text in live.messages if "HarmonicFlow" in text]
        assert any("done" in text or "is not in" in text or "did not work" in text for text in told), (number, told)
        assert not Path(spool.path("outbox", "j.json")).exists(), number
        if any("is not in" in text for text in told):
            failed += 1
            ours = [track for track in song.tracks if track.name.startswith("HF")]
            left += sum(len(track.arrangement_clips) for track in ours)
        for lane in (lane for track in song.tracks if version >= (12, 2, 0) for lane in track.take_lanes):
            assert len(lane.arrangement_clips) <= 1, "put in twice"
    print(f"{accesses} accesses, {failed} of them took the result back, {left} clips were left behind")
    assert failed > accesses // 2 and left <= failed // 10
    assert len(whole.used) > 30


@pytest.mark.parametrize("stale", [False, True])
def test_a_clip_that_live_has_warped_gets_its_length(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stale: bool
) -> None:
    live = Live(guess=2.0, stale=stale)
    song = placed(spool, tmp_path, monkeypatch, live, 0)
    clips = song.named_("HF Bass").arrangement_clips
    assert [(clip.start_time, clip.end_time, clip.warping) for clip in clips] == [(4.0, 4.4, False)]
    assert len(live.steps) == (2 if stale else 1) and live.loose == []


def test_a_clip_that_is_removed_before_it_is_looked_at_again_is_no_mistake(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Live(guess=2.0, stale=True)
    song = placed(spool, tmp_path, monkeypatch, live, 0)
    bass = song.named_("HF Bass")
    (clip,) = bass.arrangement_clips
    bass.delete_clip(clip)
    with pytest.raises(TypeError):
        assert clip.end_time
    assert list(place.settle(song, [place.Laid(clip, 0.4, 0.2)])) == [0]


def test_what_follows_is_not_cut_by_a_clip_that_is_too_long_at_first(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Live(guess=2.0)
    song = placed(spool, tmp_path, monkeypatch, live, 0)
    bass = song.named_("HF Bass")
    (clip,) = bass.values_["clips"]
    clip.values_.update(start_time=4.4, end_time=4.8)  # the musician moves it right behind
    surface = surface_of(spool, tmp_path, monkeypatch, live, song)
    surface.jobs.turn_to(song)
    surface.jobs.add({"id": "k", "what": "again", "start": 4.0, "tempo": 120.0, "scene": -1, "wish": {}}, {})
    take = finished(tmp_path, "20260101-101011-abcdef-1")
    Path(spool.path("outbox", "k.json")).write_text(json.dumps({"state": "done", "takes": [take]}))
    for _ in range(4):
        surface.update_display()
        live.breathe()
    assert list(bass.arrangement_clips) == [clip] and (clip.start_time, clip.end_time) == (4.4, 4.8)
    assert any("in the take lane only" in text for text in live.messages)


# The doors.


def test_midi_messages(spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live()
    song = Song(live)
    surface = surface_of(spool, tmp_path, monkeypatch, live, song)
    surface.build_midi_map(1)
    assert sorted(live.forwarded) == sorted((row.kind, 15, row.number) for row in words.TRIGGERS)
    for message in ((0x9F, 1, 100), (0x9F, 1, 0), (0x90, 1, 100), (0xBF, 20, 127), (0xBF, 21, 127), (0x9F, 4, 1)):
        surface.receive_midi(message)
    assert [(each.command, each.stem) for each in surface._commands] == [
        ("again", ""), ("option", "count"), ("option", "quantize"), ("regenerate", "drums"),
    ]  # fmt: skip
    surface.update_display()
    assert surface.jobs.values() == {"count": 8, "quantize": 1.0}
    assert "HarmonicFlow: nothing was generated in this Set yet" in live.messages


def test_the_page_has_the_table_of_midi_messages() -> None:
    page = (ROOT / "docs" / "live.md").read_text()
    for row in words.TRIGGERS:
        name = f"note {row.number}" if row.kind == "note" else f"CC {row.number}"
        assert f"| {name} | {row.meaning} |" in page


def test_a_command_file_holds_nothing_else(spool: Spool) -> None:
    """Unknown words, wrong types, paths and old commands are dropped."""
    values = {
        "genre": "funk", "mood": "furious", "count": 9, "seed": 2.5, "quantize": 0.25, "midi": 1, "mix": True,
        "prompt": "x" * 3000, "stems": ["bass", "/etc/passwd"], "path": "/etc/passwd", "rate": True,
    }  # fmt: skip
    clean = commands.clean(values, SETTINGS)
    assert clean == {"genre": "funk", "quantize": 0.25, "mix": True, "prompt": "x" * 2000}
    assert commands.read({"command": "generate", "at": 0}, SETTINGS, "a") is None
    for table in ({"command": "delete"}, {"command": "regenerate", "stem": "flute"}, {"command": ["x"]}, {"at": "x"}):
        assert commands.read({"at": __import__("time").time(), **table}, SETTINGS, "a") is None
    (Path(spool.root) / "hosts" / "live-command-0123456789abcdef.json").write_text("[" * 9999)
    assert commands.collect(spool, SETTINGS) == [] and not list((Path(spool.root) / "hosts").iterdir())


def test_the_command_without_a_live(run_here: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.commands.live.TAKEN_S", 0.05)
    done = run_here("live", "generate", "--genre", "funk")
    assert done.code == 1 and "Ableton Live does not answer" in done.err and "Control Surface" in done.err


# Where Live is.


def test_the_user_library_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default one, and the one that the newest preferences name."""
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert places.libraries() == []
    default = tmp_path / "Music" / "Ableton" / "User Library"
    default.mkdir(parents=True)
    assert places.libraries() == [default]
    for release, name in (("Live 12.0.9", "old"), ("Live 12.0.10", "new & big")):
        folder = tmp_path / "Library" / "Preferences" / "Ableton" / release
        folder.mkdir(parents=True)
        (tmp_path / name / "User Library").mkdir(parents=True)
        text = f'<UserLibrary><ProjectPath Value="{tmp_path / name}" /></UserLibrary>'.replace("&", "&amp;")
        (folder / "Library.cfg").write_text(text)
    assert places.libraries() == [tmp_path / "new & big" / "User Library", tmp_path / "old" / "User Library", default]
    assert places.libraries(tmp_path) == [tmp_path]


def test_install_look_and_uninstall(run_here: Callable[..., Ran], tmp_path: Path) -> None:
    folder = tmp_path / "User Library"
    first = run_here("bridge", "install", "live", "--config-dir", str(folder))
    assert first.code == 0 and "Control Surface" in first.out, first.err
    scripts = folder / "Remote Scripts" / "HarmonicFlow"
    (scripts / "old.py").write_text("left from another release")
    texts = {path.name: path.read_bytes() for path in (ROOT / "bridge/daw/live/script").glob("*.py")}
    assert run_here("bridge", "install", "live", "--config-dir", str(folder)).code == 0
    assert {path.name: path.read_bytes() for path in scripts.glob("*.py")} == texts
    assert set(json.loads((scripts / "settings.json").read_bytes())) >= {"spool", "start", "stems", "genres", "moods"}
    assert "installed" in run_here("bridge", "status", "live", "--config-dir", str(folder)).out
    (folder / "Samples" / "HarmonicFlow").mkdir(parents=True)
    assert run_here("bridge", "uninstall", "live", "--config-dir", str(folder)).code == 0
    assert not scripts.exists() and (folder / "Samples" / "HarmonicFlow").is_dir()
    state = run_here("bridge", "status", "live", "--config-dir", str(folder)).out
    assert re.search("not installed", state)
