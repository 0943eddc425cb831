"""The spool door with the real daemon: a script's way from the request to the take, with files alone."""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import numpy as np
import pytest
import soundfile

from daemon.door_spool import Pulse
from harmonicflow.core.messages import Cancel, ClipSpec, LikeSpec, Regenerate
from harmonicflow.core.tempo import Selection

from .conftest import wait_for
from .scripting import Script

LONG = {"bars": 48, "steps": 48}  # some seconds at the stand-in bundle


@pytest.fixture
def script(open_house: Any) -> Iterator[Script]:
    script = Script(open_house.home)
    yield script
    wait_for(lambda: not script.waiting(), 5)  # nothing is left of what was asked


def test_a_clip_goes_in_and_a_take_comes_out(script: Script, request_of: Any, clip: np.ndarray) -> None:
    """Placed as the session has it: exact frames, absolute paths, every file there and readable."""
    spec = Selection.from_bars(2, 240, "4/4", 48_000).to_wire()
    there = msgspec.structs.replace(
        spec, start_frame=1_000_003, end_frame=1_000_003 + spec.end_frame,
        tempo=tuple((beat, str(int(frame) + 1_000_003)) for beat, frame in spec.tempo),
    )  # fmt: skip
    like = LikeSpec(stem="drums", rate=44_100, channels=1, frames=clip.shape[1])
    request = request_of(
        selection=there, clip=ClipSpec(rate=44_100, channels=2, frames=clip.shape[1], start_frame=1_000_003),
        like=(like,), delivery="mixed", title="Verse", seed=11,
    )  # fmt: skip
    name = script.send(request, [clip, clip[:1]])
    queued = script.until(name, lambda report: report["job"])
    report = script.end(name)
    assert report["state"] == "done" and report["error"] is None and report["words"] == "done", report
    assert report["job"] == queued["job"]
    (take,) = report["takes"]
    assert (take["title"], take["seed"], take["edit"]) == ("Verse", 11, None)
    assert (take["start_frame"], take["frames"], take["rate"]) == (1_000_003, 96_000, 48_000)
    assert [row["stem"] for row in take["files"]] == ["bass", "drums", "guitar", "piano", "mix", "binaural"]
    for row in take["files"]:
        about = soundfile.info(row["path"])
        assert Path(row["path"]).is_absolute() and Path(row["path"]).parent == Path(take["folder"])
        assert (about.frames, about.samplerate, about.channels) == (row["frames"], row["rate"], row["channels"])
        assert (row["frames"], row["rate"]) == (96_000, 48_000)
    assert Path(take["score"]).name == "score.mid" and Path(take["score"]).is_file()
    assert take["parts"] and set(take["parts"]) <= {"bass", "drums", "guitar", "piano"}
    for stem, path in take["parts"].items():
        assert Path(path) == Path(take["folder"]) / f"{stem}.mid" and Path(path).is_file()


def test_the_sound_is_that_of_the_other_door(
    script: Script, open_house: Any, request_of: Any, clip: np.ndarray
) -> None:
    request = request_of(clip=ClipSpec(rate=44_100, channels=2, frames=clip.shape[1]), chords=None)
    done = open_house.desk().done(request, [clip])
    report = script.end(script.send(request, [clip], id=uuid4().hex))
    for row, other in zip(done.takes[0].files, report["takes"][0]["files"], strict=True):
        assert Path(other["path"]).read_bytes() == (Path(done.takes[0].folder) / row.file).read_bytes()


def test_a_stem_again_where_the_selection_is(script: Script, request_of: Any) -> None:
    """Bars of a second: frames inside the second bar give that bar, and the report says so in frames of the take."""
    parent = script.end(script.send(request_of(bars=3)))["takes"][0]
    change = Regenerate(id="again", take=parent["take"], stems=("bass",), frames=(50_000, 70_000), seed=3, steps=1)
    take = script.end(script.send(change))["takes"][0]
    assert take["edit"] == {"stems": ["bass"], "start_frame": 44_100, "end_frame": 88_200}
    old, new = ({row["stem"]: soundfile.read(row["path"], dtype="float32")[0] for row in each["files"]}
                for each in (parent, take))  # fmt: skip
    changed = np.flatnonzero(old["bass"] != new["bass"])
    assert changed.size and 44_100 <= changed[0] <= changed[-1] < 88_200
    assert all(np.array_equal(old[stem], new[stem]) for stem in ("drums", "guitar", "piano"))
    wrong = script.end(script.send(change, id="outside", frames=[3 * 44_100, 4 * 44_100]))
    assert wrong["error"]["code"] == "bad_selection" and wrong["job"] == "" and wrong["takes"] == []


def test_progress_is_told_and_not_too_often(script: Script, request_of: Any) -> None:
    name = script.send(request_of(**LONG))
    seen: list[tuple[float, dict[str, Any]]] = []
    while not seen or seen[-1][1]["state"] not in ("done", "failed"):
        report = script.report(name)
        if report and (not seen or report != seen[-1][1]):
            seen.append((time.monotonic(), report))
        time.sleep(0.002)
    states = [report["state"] for _, report in seen]
    assert states[-1] == "done" and "running" in states and states == sorted(
        states, key=["queued", "loading", "running", "writing", "done"].index
    )
    words = {report["words"] for _, report in seen}
    assert any(word.startswith("playing ") and " of " in word for word in words), words
    assert any(report["seconds_left"] is not None for _, report in seen)
    times = [when for when, _ in seen]
    assert len(times) > 4
    for first, last in zip(times, times[11:], strict=False):
        assert last - first > 0.95, "eleven reports in a second"


def test_a_cancel_ends_the_running_job(script: Script, request_of: Any) -> None:
    name = script.send(request_of(**LONG))
    script.state(name, "running")
    began = time.monotonic()
    cancel = script.send(Cancel(id="stop-it", job=name))
    assert script.end(name, 5)["state"] == "cancelled"
    assert time.monotonic() - began < 1.0
    answer = script.end(cancel)
    assert answer["state"] == "done" and answer["job"] == script.report(name)["job"]
    again = script.end(script.send(Cancel(id="none", job="no-such-job")))
    assert again["state"] == "failed" and again["error"]["code"] == "unknown_job"
    assert script.end(script.send(Cancel(id="idle")))["error"]["code"] == "no_job"


def test_a_cancel_right_behind_its_request(script: Script, request_of: Any) -> None:
    """Both lie there when the daemon looks, and the times of the files say nothing of their order."""
    for number in range(3):
        cancel, name = f"a-{number}", f"z-{number}"
        script.send(Cancel(id=cancel, job=name))
        script.send(request_of(name, **LONG))
        assert script.end(name, 5)["state"] == "cancelled"
        assert script.end(cancel)["state"] == "done"


def test_jobs_wait_their_turn_and_say_where_they_stand(script: Script, request_of: Any) -> None:
    first = script.send(request_of(**LONG))
    script.state(first, "running")
    second, third = script.send(request_of(bars=1)), script.send(request_of(bars=1))
    assert script.until(third, lambda report: report["position"] == 2)["words"] == "waiting for its turn"
    assert script.until(second, lambda report: report["state"] == "queued")["position"] == 1
    script.send(Cancel(id=uuid4().hex))  # the running one
    assert [script.end(name)["state"] for name in (first, second, third)] == ["cancelled", "done", "done"]


def test_the_same_id_again_is_the_same_job(script: Script, request_of: Any, open_house: Any) -> None:
    request = request_of("same", bars=2)
    takes = len(open_house.takes())
    for _ in range(3):
        script.send(request)
        script.until("same", lambda report: report["job"])
    first = script.end("same")
    (script.outbox / "same.json").unlink()  # the script has used it
    script.send(request)
    assert script.end("same") == first and len(open_house.takes()) == takes + 1
    assert open_house.desk().done(request).job == first["job"], "the other door knows it, too"
    while script.waiting():
        time.sleep(0.01)
    script.send(request, seed=8)  # another request under the same name
    script.send(Cancel(id="same"))
    time.sleep(0.5)
    assert script.report("same") == first, "what was made is not lost to a mix-up"
    (script.outbox / "same.json").unlink()
    script.send(request, seed=8)
    assert "was used for another" in script.end("same")["error"]["message"]


def test_from_rename_to_queued(script: Script, request_of: Any) -> None:
    """Idle: the median of 20 requests is below 150 ms from the rename to the report."""
    waits = []
    for number in range(20):
        request = request_of(f"fast-{number}", bars=1, stems=("bass",))
        time.sleep(0.013 * number % 0.1)  # anywhere between two looks
        began = time.monotonic()
        script.send(request)
        script.until(request.id, lambda report: report["job"])
        waits.append(time.monotonic() - began)
        script.end(request.id)
    print(f"median {1000 * statistics.median(waits):.0f} ms, longest {1000 * max(waits):.0f} ms")
    assert statistics.median(waits) < 0.15


def test_the_daemon_shows_that_it_lives(script: Script, open_house: Any, request_of: Any) -> None:
    script.send(request_of("alive", bars=1, stems=("bass",)))
    script.end("alive")  # for ten seconds from here on it beats as during work
    beats = []
    deadline = time.monotonic() + 2.5
    while time.monotonic() < deadline:
        beats.append(script.beat())
        time.sleep(0.01)
    assert all(beats), "it is replaced, never missing"
    numbers = sorted({beat["beat"] for beat in beats})
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) and 4 <= len(numbers) <= 6
    status = open_house.desk().status()
    assert (beats[-1]["pid"], beats[-1]["version"], beats[-1]["protocol"]) == (status.pid, status.version, 1)
    assert beats[-1]["worker"] == "ready" and beats[-1]["queued"] == 0


@pytest.mark.parametrize("asked", [False, True])
def test_a_beat_that_nobody_watches_is_seldom(asked: bool) -> None:
    """Ten minutes, ten looks a second: every ten seconds without a request, twice a second while there is one."""
    pulse = Pulse(1_000.0)
    beats = [now for now in np.arange(1_000, 1_600, 0.1) if pulse.due(now, watched=asked and now >= 1_300)]
    gaps = np.diff(beats)
    quiet = gaps[(np.array(beats[1:]) > 1_021) & (np.array(beats[1:]) < 1_299)]
    assert np.allclose(quiet, 10, atol=0.11)
    late = gaps[np.array(beats[1:]) > 1_302]
    assert np.allclose(late, 0.5 if asked else 10, atol=0.11)
    if asked:
        assert min(beat - 1_300 for beat in beats if beat >= 1_300) < 0.6  # it does not wait for the slow one
