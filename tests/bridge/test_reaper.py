"""REAPER's real scripts against a real daemon through the real spool; REAPER itself is a strict stand-in."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from harmonicflow.core.messages import Generate
from tests.daw.daemon import Daemon, stand_in

from .reaper_project import TICKS, Take
from .reaper_studio import FIRST, LAST, TEMPO, VALUES, Studio

STEMS = ("Bass", "Drums", "Guitar", "Piano")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Its first daemon is started by the scripts themselves."""
    with stand_in(tmp_path_factory.mktemp("daemon")) as daemon:
        yield daemon


@pytest.fixture
def studio(tmp_path: Path, daemon: Daemon) -> Iterator[Studio]:
    studio = Studio(tmp_path, daemon.home)
    yield studio
    studio.reaper.quit()
    studio.reaper.tidy()


def generated(studio: Studio) -> Studio:
    studio.reaper.act("generate_stems_last_settings")
    studio.finish()
    return studio


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_stems_to_the_sample_with_a_tempo_change_inside(rate: int, tmp_path: Path, daemon: Daemon) -> None:
    studio = Studio(tmp_path, daemon.home, rate)
    project, before = studio.project, studio.project.state()
    generated(studio)
    from_frame, upto_frame = project.frame(FIRST), project.frame(LAST)
    assert studio.reaper.messages == [], studio.reaper.messages
    names = {f"HF {stem}{kind}" for stem in STEMS for kind in ("", " MIDI")} | {"HF Mix", "HF Binaural"}
    assert set(project.ours()) == names
    for name, track in project.ours().items():
        [item] = track.items
        assert item.span(rate) == (from_frame, upto_frame) and len(item.takes) == 1 and not item.values["B_LOOPSRC"]
        assert bool(track.values.get("B_MUTE")) == (name in ("HF Mix", "HF Binaural"))
        assert int(track.values["I_CUSTOMCOLOR"]) & 0x1000000
        take = item.takes[0]
        assert take.source and (take.name.split()[0] == name.split()[1].lower())
        if not name.endswith("MIDI"):
            assert take.source.frames == upto_frame - from_frame and take.source.rate == rate
            assert Path(take.source.path).parent == tmp_path / "media" / "HarmonicFlow"
    stems = sum(project.sound(project.named(f"HF {stem}"), from_frame, upto_frame - from_frame) for stem in STEMS)
    assert np.abs(stems).max() > 0.01
    assert [title for title, *_ in project.undo] == ["HarmonicFlow: generate stems"]
    after = project.state()
    project.back()
    assert project.state() == before  # the new tracks too
    project.again()
    assert project.state() == after
    assert studio.reaper.native == [40047] and "done: generate stems: 10 regions" in studio.log()
    studio.reaper.quit()
    studio.reaper.tidy()


def test_the_notes_lie_on_the_projects_own_ticks(studio: Studio) -> None:
    """Where the daemon's MIDI file has them, in quarter notes from the selection's start, across the tempo change."""
    import mido

    generated(studio)
    [folder] = {
        Path(take.source.path).name.removeprefix("bass ").removesuffix(".wav")
        for take in studio.project.named("HF Bass").items[0].takes if take.source
    }  # fmt: skip
    file = mido.MidiFile(next((studio.spool.parent / "takes").rglob(f"{folder}/**/bass.mid")))
    tick, starts = 0, []
    for message in mido.merge_tracks(file.tracks):
        tick += message.time
        if message.type == "note_on" and message.velocity:
            starts.append((tick * TICKS // file.ticks_per_beat, message.note, message.velocity))
    [take] = studio.project.named("HF Bass MIDI").items[0].takes
    assert sorted(starts) == sorted((start, pitch, velocity) for start, _, _, pitch, velocity in take.notes)
    assert any(start > 4 * TICKS for start, *_ in starts)  # and beyond the change
    assert all(end <= (LAST - FIRST) * TICKS for _, end, *_ in take.notes)


def test_options_are_takes_of_one_item(studio: Studio) -> None:
    studio.remember(VALUES | {"count": 3, "mix": False, "binaural": False, "bass": True, "piano": False})
    generated(studio)
    assert set(studio.project.ours()) == {f"HF {s}{k}" for s in STEMS[:3] for k in ("", " MIDI")}
    span = studio.project.frame(FIRST), studio.project.frame(LAST)
    assert studio.items("HF Bass") == [(*span, 3, False)]
    [item] = studio.project.named("HF Bass").items
    assert item.active == 0 and [take.name[-1] for take in item.takes] == ["1", "2", "3"]
    assert len({take.source.path for take in item.takes if take.source}) == 3
    assert studio.items("HF Bass MIDI") == [(*span, 1, False), (*span, 1, True), (*span, 1, True)]


def test_regenerate_splits_and_is_a_take_in_the_middle(studio: Studio) -> None:
    project = studio.project
    project.select(4, 16, studio.vox)
    generated(studio)
    project.split_overlap_s = 0.01  # as some musicians have it
    start, first, last, stop = (project.frame(beat) for beat in (4, 8, 12, 16))
    bass = project.sound(project.named("HF Bass"), start, stop - start)
    others = [row for row in project.state() if not row[0].startswith("HF Bass")]
    project.select(9, 11)  # inside of bar 2: that bar is made again
    studio.reaper.act("regenerate_bass")
    studio.finish()
    assert studio.reaper.messages == []
    assert studio.items("HF Bass") == [(start, first, 1, False), (first, last, 2, False), (last, stop, 1, False)]
    # Outside of the bar not a sample has changed, and nothing is faded at the cuts.
    now = project.sound(project.named("HF Bass"), start, stop - start)
    inside = slice(first - start, last - start)
    assert not np.array_equal(now[inside], bass[inside])
    left, middle, right = sorted(project.named("HF Bass").items, key=lambda item: item.values["D_POSITION"])
    assert middle.take and middle.take.source
    assert np.array_equal(now[inside], middle.take.source.samples()[inside])
    now[inside] = bass[inside]
    assert np.array_equal(now, bass)
    ours = [item for track in project.ours().values() for item in track.items]
    fades = [item.values[f"D_FADE{side}LEN{kind}"] for item in ours for side in ("IN", "OUT") for kind in ("", "_AUTO")]
    assert len(ours) > 12 and fades == [0, -1] * 2 * len(ours)
    assert studio.items("HF Bass MIDI") == [
        (start, first, 1, False), (first, last, 1, False), (first, last, 1, True), (last, stop, 1, False),
    ]  # fmt: skip
    for item in project.named("HF Bass MIDI").items:
        if item.span(project.rate) == (first, last) and not item.values.get("B_MUTE"):
            assert item.take and item.take.notes
            assert all(0 <= note[0] < note[1] <= 4 * TICKS for note in item.take.notes)  # four beats, no others
    extras = ("HF Mix", "HF Binaural")  # come with it, since their tracks are there
    assert [row for row in project.state() if row[0] not in ("HF Bass", "HF Bass MIDI", *extras)] == [
        row for row in others if row[0] not in extras
    ]
    assert studio.items("HF Mix")[1] == (first, last, 2, False)
    assert [title for title, *_ in project.undo][-1] == "HarmonicFlow: regenerate bass"
    project.back()
    assert np.array_equal(project.sound(project.named("HF Bass"), start, stop - start), bass)


def test_another_take_is_another_take_of_the_same_item(studio: Studio) -> None:
    generated(studio)
    before = studio.project.named("HF Drums").items[0].takes[0].name
    studio.project.select(0, 0)  # whatever is selected now
    studio.reaper.act("another_take")
    studio.finish()
    [item] = studio.project.named("HF Drums").items
    assert len(item.takes) == 2 and item.active == 1 and item.takes[0].name == before
    assert item.takes[1].name != before


def test_a_range_that_only_overlaps_mutes_what_it_covers(studio: Studio) -> None:
    studio.remember(VALUES | {"mix": False, "binaural": False})
    generated(studio)
    project = studio.project
    mine = project.named("HF Bass")
    other = project.add_sound(mine, Path(project.folder.parent / "vox.wav"), project.frame(8))  # not ours: stays
    project.select(8, 16, project.named("Vox"))
    generated(studio)
    edges = [project.frame(beat) for beat in (4, 8, 12, 16)]
    rows = [row for row in studio.items("HF Bass") if row[:2] != other.span(project.rate)]
    assert rows == [(edges[0], edges[1], 1, False), (edges[1], edges[2], 1, True), (edges[1], edges[3], 1, False)]
    assert not other.values.get("B_MUTE")


def test_cancel_leaves_the_project_as_it_was(studio: Studio) -> None:
    before = studio.project.state()
    studio.remember(VALUES | {"count": 8})
    studio.reaper.act("generate_stems_last_settings")
    studio.until(lambda: "Cancel" in [text for w in studio.reaper.windows.values() for text, *_ in w.shown])
    window = studio.reaper.windows["HarmonicFlow"]
    window.click("Cancel")
    studio.until(lambda: list((studio.spool / "inbox").glob("cancel*")) or not studio.waiting())
    window.release()
    studio.finish()
    assert "cancelled: generate stems" in studio.log() and studio.reaper.messages == []
    assert studio.project.state() == before and studio.project.undo == []
    studio.reaper.act("cancel")
    assert studio.reaper.messages == ["No job of this session waits or runs."]


def test_a_restart_of_reaper_finds_its_result(studio: Studio) -> None:
    studio.reaper.act("generate_stems_last_settings")
    studio.reaper.quit()
    assert studio.waiting() and not studio.project.ours()
    reaper = studio.again()
    reaper.start(studio.scripts / "lib" / "startup.lua", str(studio.scripts))
    studio.finish()
    assert len(studio.project.ours()) == 10 and reaper.messages == []


def test_an_empty_lane_of_takes_is_cut_with_its_item(studio: Studio) -> None:
    project = studio.project
    project.select(4, 16, studio.vox)
    generated(studio)
    project.split_overlap_s = 0.01
    [item] = project.named("HF Bass").items
    item.takes.append(Take(item, empty=True))
    project.select(9, 11)
    studio.reaper.act("regenerate_bass")
    studio.finish()
    assert studio.reaper.messages == [] and len(studio.items("HF Bass")) == 3


def test_a_lost_daemon_is_started_again_and_its_job_goes_on(studio: Studio, daemon: Daemon) -> None:
    import os
    import signal

    from harmonicflow.core import connection

    generated(studio)
    studio.reaper.act("another_take")
    found = connection.find()
    assert found
    os.kill(found.pid, signal.SIGKILL)
    studio.finish()
    assert "the daemon does not answer; starting it again" in studio.log()
    assert "the daemon answers again" in studio.log() and studio.reaper.messages == []
    assert len(studio.project.named("HF Bass").items[0].takes) == 2


def test_an_error_of_the_daemon_is_a_sentence(studio: Studio) -> None:
    studio.remember(VALUES | {"chords": "H13"})
    before = studio.project.state()
    generated(studio)
    [message] = studio.reaper.messages
    assert message.startswith("Generate stems failed: ") and "H13" in message and message.endswith(".")
    assert studio.project.state() == before


def test_a_project_that_was_never_saved_gets_its_result_when_it_is(tmp_path: Path, daemon: Daemon) -> None:
    studio = Studio(tmp_path, daemon.home, file="")
    studio.reaper.act("generate_stems_last_settings")
    studio.project.file = str(tmp_path / "first.rpp")
    studio.finish()
    assert len(studio.project.ours()) == 10
    studio.reaper.quit()
    studio.reaper.tidy()


def test_a_section_of_a_file_is_heard_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that tells no number of channels is a part of one that does."""
    monkeypatch.setenv("HARMONICFLOW_HOME", str(tmp_path / "home"))
    studio = Studio(tmp_path, tmp_path / "home")
    (studio.spool / "beat.json").write_text('{"beat": 1}')
    take = studio.vox.items[0].take
    assert take and take.source
    take.source.inside = take.source.from_file(take.source.path)
    studio.reaper.act("generate_stems_last_settings")
    request = studio.request()
    assert isinstance(request, Generate) and request.clip and request.clip.channels == 2
    studio.reaper.quit()
    studio.reaper.tidy()


def test_the_clip_is_what_the_daemon_gets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a daemon: the request lies in the inbox, with the sound beside it."""
    monkeypatch.setenv("HARMONICFLOW_HOME", str(tmp_path / "home"))
    studio = Studio(tmp_path, tmp_path / "home", 44_100)
    (studio.spool / "beat.json").write_text('{"beat": 1}')  # somebody seems to live: nobody is started
    studio.reaper.act("generate_stems_last_settings")
    request, project = studio.request(), studio.project
    assert isinstance(request, Generate) and request.clip and request.clip.name == "Vox"
    start, stop = project.frame(FIRST), project.frame(LAST)
    assert (request.selection.rate, request.selection.start_frame, request.selection.end_frame) == (44_100, start, stop)
    assert (request.clip.frames, request.clip.channels, request.clip.start_frame) == (stop - start, 2, start)
    sound = np.fromfile(studio.spool / "inbox" / f"{request.id}.0.f32", "<f4").reshape(2, -1)
    assert np.array_equal(sound.T, project.sound(studio.vox, start, stop - start))
    assert (request.chords, request.genre, request.seed, request.title[:6]) == ("Am | F", "rock", 3, "song: ")
    assert abs(TEMPO.time(FIRST) * 44_100 - start) <= 0.5
    assert sf.info(str(tmp_path / "vox.wav")).frames == 3 * 44_100
    studio.reaper.quit()
    studio.reaper.tidy()
