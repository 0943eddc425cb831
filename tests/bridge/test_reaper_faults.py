"""Whatever call of REAPER fails, the project is as it was or has all of the result, and nothing is left open."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import ErrorWire
from harmonicflow.core.spool import ReportEdit, ReportFile, ReportTake

from .reaper_studio import FIRST, LAST, VALUES, Studio

RATE = 8000  # short files
NAME = "20261122-101500-a1b2c3-1"


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """No daemon: a test answers in its place."""
    monkeypatch.setenv("HARMONICFLOW_HOME", str(tmp_path / "home"))
    studio = Studio(tmp_path, tmp_path / "home", RATE)
    studio.alone()
    (studio.spool / "beat.json").write_text('{"beat": 1}')
    studio.hurry_s = 0.3
    yield studio
    studio.reaper.quit()
    studio.reaper.tidy()


def take(studio: Studio, name: str = NAME, stems: tuple[str, ...] = ("bass", "mix"), **changes: Any) -> ReportTake:
    """A finished take of the range: sounds, and one note a beat for the bass."""
    import mido

    folder = studio.project.folder.parent / "takes" / name
    folder.mkdir(parents=True, exist_ok=True)
    start, frames = studio.project.frame(FIRST), studio.project.frame(LAST) - studio.project.frame(FIRST)
    files = []
    for index, stem in enumerate(stems):
        sound = np.full((frames, 2), 0.01 * (index + 1), np.float32)
        sf.write(folder / f"{stem}.wav", sound, studio.project.rate, subtype="FLOAT")
        files.append(
            ReportFile(stem=stem, path=str(folder / f"{stem}.wav"), channels=2, frames=frames, rate=studio.project.rate)
        )
    track = mido.MidiTrack()
    for pitch in (40, 43):
        track += [mido.Message("note_on", note=pitch, velocity=80), mido.Message("note_off", note=pitch, time=960)]
    mido.MidiFile(ticks_per_beat=960, tracks=[track]).save(folder / "bass.mid")
    fields = {
        "take": name, "folder": str(folder), "rate": studio.project.rate, "frames": frames, "start_frame": start,
        "files": tuple(files), "score": "", "parts": {"bass": str(folder / "bass.mid")},
    }  # fmt: skip
    return ReportTake(**(fields | changes))


def sent(studio: Studio) -> None:
    studio.reaper.act("generate_stems_last_settings")
    assert studio.waiting(), studio.reaper.messages


def brought(studio: Studio) -> list[str]:
    return sorted(path.name for path in (studio.project.folder / "HarmonicFlow").glob("*"))


def place(studio: Studio, found: ReportTake) -> str:
    """Place a take in a script of its own, without the watch; what went wrong, or how many pieces there are."""
    script = studio.project.folder.parent / "place.lua"
    files = "".join(f'{{stem = "{file.stem}", path = "{file.path}", channels = 2}},' for file in found.files)
    changed = "nil"
    if edit := found.edit:
        changed = f'{{ stems = {{"bass"}}, start_frame = {edit.start_frame}, end_frame = {edit.end_frame} }}'
    script.write_text(f"""
        local take = {{ take = "{found.take}", rate = {found.rate}, frames = {found.frames}, files = {{{files}}},
            parts = {{ bass = "{found.parts["bass"]}" }}, edit = {changed} }}
        local ok, answer = pcall(function()
            local host = assert(loadfile("{studio.scripts}/lib/main.lua"))("{studio.scripts}").host
            return host.place({{ take }}, {found.start_frame}, {{ mix = true, midi = true }}, "HarmonicFlow: generate")
        end)
        result = tostring(answer)""")
    return str(studio.reaper.start(script).runtime.eval("result"))


@pytest.mark.parametrize("inside", [False, True], ids=["new", "inside of an older one"])
def test_whatever_call_fails_while_a_result_is_placed(inside: bool, studio: Studio) -> None:
    """The failure is planted in every call in turn, until a run needs fewer calls than that."""
    project, found = studio.project, take(studio)
    if inside:
        assert place(studio, found) == "3"
        frames = project.frame(6) - project.frame(FIRST), project.frame(8) - project.frame(FIRST)
        edit = ReportEdit(stems=("bass",), start_frame=frames[0], end_frame=frames[1])
        found = take(studio, "20261122-121500-a1b2c3-1", edit=edit)
    before, files, steps = project.state(), brought(studio), len(project.undo)
    assert place(studio, found) == "3"
    whole, all_files, names, fail_at = project.state(), brought(studio), set(), 0
    while True:
        fail_at += 1
        if len(project.undo) > steps:
            project.back()
        for name in set(brought(studio)) - set(files):
            (project.folder / "HarmonicFlow" / name).unlink()
        reaper = studio.again()
        reaper.fail_at = fail_at
        said = place(studio, found)
        reaper.tidy()
        if not reaper.failed:
            break
        names.add(reaper.failed)
        if said == "3":
            assert project.state() == whole and len(project.undo) == steps + 1, reaper.failed
        else:
            assert "planted" in said and project.state() == before, (reaper.failed, said)
            assert len(project.undo) == steps and brought(studio) == files, reaper.failed
    assert fail_at > 90 and {"Undo_BeginBlock2", "Undo_EndBlock2", "PreventUIRefresh", "UpdateArrange"} <= names
    assert {"SplitMediaItem"} <= names if inside else {"InsertTrackAtIndex", "MIDI_InsertNote"} <= names
    assert project.state() == whole and brought(studio) == all_files


def test_whatever_call_fails_while_a_request_is_sent(studio: Studio) -> None:
    """A job is handed in and remembered, or a sentence is told; an accessor is given back in any case."""
    before, fail_at = studio.project.state(), 0
    while True:
        fail_at += 1
        for path in [*(studio.spool / "inbox").glob("*"), *(studio.spool / "hosts").glob("reaper-*")]:
            path.unlink()
        reaper = studio.again()
        reaper.fail_at = fail_at
        escaped = ""
        try:
            reaper.act("generate_stems_last_settings")
        except Exception as error:  # REAPER shows what a script lets out
            escaped = str(error)
        reaper.quit()
        assert studio.project.state() == before
        reaper.tidy()
        if not reaper.failed:
            break
        requests = list((studio.spool / "inbox").glob("[!.]*.json"))
        assert len(requests) == len(studio.waiting()), reaper.failed  # never a job that nobody knows of
        assert requests or reaper.messages or escaped, reaper.failed
    assert fail_at > 60 and studio.waiting()


@pytest.mark.parametrize("wrong", ["missing", "short", "rate", "midi", "text"])
def test_a_result_that_is_not_right_touches_nothing(wrong: str, studio: Studio) -> None:
    before, found = studio.project.state(), take(studio)
    files = {file.stem: Path(file.path) for file in found.files}
    if wrong == "missing":
        files["mix"].unlink()
    elif wrong == "short":
        sf.write(files["mix"], np.zeros((100, 2), np.float32), RATE, subtype="FLOAT")
    elif wrong == "midi":
        Path(found.parts["bass"]).write_bytes(b"MThd\0\0\0\6\0\1\0\1\3\xc0MTrk\0\0\0\4\0\x90")
    elif wrong == "text":
        Path(found.parts["bass"]).write_bytes(b"no music")
    else:
        found = take(studio, rate=44_100)
    sent(studio)
    studio.answer(found)
    studio.finish(5)
    [message] = studio.reaper.messages
    expected = {
        "missing": "there is no file", "short": "has 100 frames instead of", "midi": "cannot be read",
        "text": "no MIDI file", "rate": "the take is at 44100 Hz, the session at 8000 Hz",
    }  # fmt: skip
    assert expected[wrong] in message and message.startswith("Generate stems failed: "), message
    assert studio.project.state() == before and studio.project.undo == [] and brought(studio) == []


def test_an_error_report_is_told_in_its_own_words(studio: Studio) -> None:
    error = HarmonicFlowError("bad_chord", chord="H13", where="bar 1")
    sent(studio)
    studio.answer(state="failed", error=ErrorWire(**error.to_wire()))
    studio.finish(5)
    assert studio.reaper.messages == [f"Generate stems failed: {error.message}. {error.todo}."]


def test_a_job_that_the_daemon_does_not_know_is_given_up(studio: Studio) -> None:
    sent(studio)
    [file] = (studio.spool / "inbox").glob("[!.]*.json")
    studio.reaper.pump(3)
    file.unlink()

    def living() -> bool:
        studio.reaper.skip_s += 1.0
        (studio.spool / "beat.json").write_text(f'{{"beat": {studio.reaper.skip_s}}}')
        return not studio.waiting()

    studio.until(living, 5)
    assert "does not know the job" in studio.reaper.messages[0] and studio.reaper.skip_s > 10


def test_without_a_selection_or_a_take_there_is_a_sentence(studio: Studio) -> None:
    studio.project.select(0, 0)
    for action, said in (
        ("generate_stems", "Select a range first"), ("regenerate_piano", "Select the bars first in which the piano"),
        ("another_take", "Nothing was generated"), ("cancel", "No job of this session"),
    ):  # fmt: skip
        studio.reaper.messages.clear()
        studio.reaper.act(action)
        assert said in studio.reaper.messages[0]
    studio.project.select(4, 8)
    studio.reaper.act("regenerate_bass")
    assert "generate stems first" in studio.reaper.messages[-1]
    studio.remember(VALUES | dict.fromkeys(("bass", "drums", "guitar", "piano"), False))
    studio.reaper.act("generate_stems_last_settings")
    assert studio.reaper.messages[-1] == "Choose at least one instrument."
    assert not studio.waiting() and not list((studio.spool / "inbox").glob("*"))


def test_an_installation_that_is_not_complete_says_so(studio: Studio) -> None:
    (studio.scripts / "lib" / "takes.lua").unlink()
    studio.reaper.act("another_take")
    assert "harmonicflow bridge install reaper" in studio.reaper.messages[0]


def test_regenerate_names_the_take_that_is_heard(studio: Studio) -> None:
    sent(studio)
    studio.answer(take(studio, stems=("bass", "drums")))
    studio.finish(5)
    newer = "20261122-111500-a1b2c3-1"
    studio.reaper.act("another_take")
    studio.answer(take(studio, newer, stems=("bass", "drums")))
    studio.finish(5)
    item = studio.project.named("HF Bass").items[0]
    assert [each.name for each in item.takes] == [f"bass {NAME}", f"bass {newer}"]
    item.active = 0  # the musician went back to the first; the drums still play the newer one
    start = studio.project.frame(FIRST)
    studio.project.select(6, 12)
    studio.project.named("HF Drums").items[0].values["B_MUTE"] = 1.0
    studio.reaper.act("regenerate_bass")
    assert studio.request().take == NAME  # type: ignore[union-attr]
    studio.answer(state="cancelled")
    studio.finish(5)
    studio.project.named("HF Drums").items[0].values["B_MUTE"] = 0.0
    studio.reaper.act("regenerate_bass")
    request = studio.request()
    assert request.take == newer and request.stems == ("bass",)  # type: ignore[union-attr]
    frames = studio.project.frame(6) - start, studio.project.frame(12) - start
    assert request.frames == frames  # type: ignore[union-attr]
    edit = ReportEdit(stems=("bass",), start_frame=frames[0], end_frame=frames[1])
    studio.answer(take(studio, "20261122-121500-a1b2c3-1", stems=("bass", "drums"), edit=edit))
    studio.finish(5)
    spans = [(start, start + frames[0], 2, False), (start + frames[0], start + frames[1], 3, False)]
    assert studio.items("HF Bass") == spans
    assert len(studio.project.named("HF Drums").items[0].takes) == 2  # not changed, not brought again
