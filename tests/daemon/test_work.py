"""Jobs from the request to the take, with the real worker and the stand-in bundle."""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from harmonicflow.core.messages import (
    Accepted,
    Block,
    Cancel,
    Cancelled,
    CancelReply,
    ClipSpec,
    Done,
    Failed,
    GetTake,
    JobEvent,
    LikeSpec,
    ListTakes,
    Regenerate,
    ShowTake,
    Snapshot,
    WorkReply,
)


def check_files(take: Any) -> None:
    """Every file is there and has the hash that the reply says."""
    for row in take.files:
        assert hashlib.sha256((Path(take.folder) / row.file).read_bytes()).hexdigest() == row.sha256


@pytest.fixture
def desk(open_house: Any) -> Iterator[Any]:
    """A client of the daemon that all these tests share; each leaves it idle."""
    desk = open_house.desk()
    desk.until_ready()
    yield desk
    open_house.desk().until(lambda status: status.worker == "ready" and not status.queued)
    desk.close()


def test_a_clip_becomes_a_take(desk: Any, open_house: Any, request_of: Any, clip: np.ndarray) -> None:
    """Accepted, blocks while it runs, done; events numbered; the files and the blocks are the same sound."""
    before = open_house.takes()
    time.sleep(0.3)  # the subscription is on its way
    spec = ClipSpec(rate=44_100, channels=2, frames=clip.shape[1], name="two tones")
    request = request_of(bars=4, clip=spec, chords=None)
    desk.send(request, [clip])
    accepted = desk.reply()
    assert isinstance(accepted, Accepted) and accepted.id == request.id and accepted.position == 0
    blocks, sound = [], []
    while isinstance(answer := desk.receive(desk.work, WorkReply), tuple) and isinstance(answer[0], Block):
        blocks.append(answer[0])
        sound.append([np.frombuffer(buffer, "<f4") for buffer in answer[1]])
    done = answer[0]
    assert isinstance(done, Done) and done.job == accepted.job, done
    (take,) = done.takes
    assert take.take == f"{accepted.job}-1" and open_house.takes() - before == {take.take}
    check_files(take)
    assert take.frames == 4 * 44_100 and {row.stem for row in take.files} >= {"bass", "drums", "guitar", "piano", "mix"}

    assert len(blocks) >= 2 and [block.index for block in blocks] == list(range(len(blocks)))
    assert sum(block.frames for block in blocks) == take.frames
    sent = desk.ask(GetTake(id="g", take="last", stems=("mix",)))
    assert sent.files[0].stem == "mix"
    mix = np.concatenate([each[1].reshape(2, -1) for each in sound], axis=1)
    file = next(row for row in take.files if row.stem == "mix").file
    data = np.frombuffer((Path(take.folder) / file).read_bytes()[-mix.nbytes :], "<f4").reshape(-1, 2).T
    np.testing.assert_array_equal(mix, data)

    events = [desk.event()]
    while not (isinstance(events[-1], JobEvent) and events[-1].state == "done"):
        events.append(desk.event())
    sequence = [event.seq for event in events]
    assert sequence == list(range(sequence[0], sequence[0] + len(sequence)))
    states = list(dict.fromkeys(event.state for event in events if isinstance(event, JobEvent)))
    assert states == ["queued", "loading", "running", "writing", "done"]
    stages = {event.stage for event in events if isinstance(event, JobEvent)}
    assert {"perform", "write"} <= stages
    assert events[-1].takes == (take.take,) and not list((open_house.home / "jobs").glob("2*"))


def test_the_sound_of_a_take_over_the_control_door(desk: Any, request_of: Any) -> None:
    from harmonicflow.core.messages import ControlReply

    take = desk.done(request_of(delivery="mixed", stems=("bass",))).takes[0]
    assert desk.ask(ListTakes(id="l", limit=1)).takes == (take,)
    shown = desk.ask(ShowTake(id="s", take=take.take))
    assert shown.take == take and shown.details["summary"]["seed"] == 7
    desk.send(GetTake(id="g", take=take.take), socket=desk.control)
    answer, buffers = desk.receive(desk.control, ControlReply)
    assert [row.stem for row in answer.files] == ["bass", "mix", "binaural"]
    for row, buffer in zip(answer.files, buffers, strict=True):
        planar = np.frombuffer(buffer, "<f4").reshape(row.channels, row.frames)
        size = 4 * row.channels * row.frames
        wav = np.frombuffer((Path(take.folder) / row.file).read_bytes()[-size:], "<f4").reshape(-1, row.channels).T
        np.testing.assert_array_equal(planar, wav)
    wrong = desk.ask(GetTake(id="w", take=take.take, stems=("harp",)))
    assert isinstance(wrong, Failed) and wrong.error.code == "unknown_stem" and "binaural" in wrong.error.todo


def test_a_stem_is_made_again(desk: Any, request_of: Any) -> None:
    parent = desk.done(request_of(bars=3)).takes[0]
    change = Regenerate(id=uuid4().hex, take="last", stems=("bass",), from_bar=2, to_bar=2, seed=9, steps=1)
    child = desk.done(change).takes[0]
    assert child.parent == parent.take and child.take != parent.take
    check_files(parent)
    check_files(child)
    old, new = ({row.stem: row.sha256 for row in take.files} for take in (parent, child))
    assert old["bass"] != new["bass"] and old["drums"] == new["drums"] and old["piano"] == new["piano"]
    wrong = Regenerate(id=uuid4().hex, take=parent.take, stems=("bass",), from_bar=9, to_bar=9)
    desk.send(wrong)
    assert desk.replies()[-1].error.code == "bad_bars"


def test_a_stem_is_made_again_where_frames_are(desk: Any, request_of: Any) -> None:
    parent = desk.done(request_of(bars=3)).takes[0]
    base = {"take": parent.take, "stems": ("bass",), "seed": 9, "steps": 1}
    named = desk.done(Regenerate(id=uuid4().hex, from_bar=2, to_bar=3, **base)).takes[0]
    touching = Regenerate(id=uuid4().hex, frames=(44_100 + 5, 2 * 44_100 + 5), **base)  # bars of one second
    touched = desk.done(touching)
    assert [row.sha256 for row in touched.takes[0].files] == [row.sha256 for row in named.files]
    kept = desk.ask(ShowTake(id="s", take=touched.takes[0].take)).details["request"]
    assert (kept["from_bar"], kept["to_bar"], kept["frames"]) == (2, 3, None)
    assert desk.done(touching) == touched, "the same request again, as it was sent"
    desk.send(Regenerate(id=uuid4().hex, frames=(3 * 44_100, 4 * 44_100), **base))
    assert desk.reply().error.code == "bad_selection"


def test_a_stem_is_like_a_sound_that_came_along(desk: Any, request_of: Any, clip: np.ndarray) -> None:
    sound = ClipSpec(rate=44_100, channels=2, frames=clip.shape[1])
    like = LikeSpec(stem="drums", rate=48_000, channels=1, frames=clip.shape[1], name="brushes")
    plain = desk.done(request_of(clip=sound), [clip]).takes[0]
    parent = desk.done(request_of(clip=sound, like=(like,)), [clip, clip[:1].copy()]).takes[0]
    old, new = ({row.stem: row.sha256 for row in take.files} for take in (plain, parent))
    assert old["drums"] != new["drums"] and old["bass"] == new["bass"]
    silent = LikeSpec(stem="bass", rate=44_100, channels=1, frames=44_100, name="rest.wav")
    change = Regenerate(id=uuid4().hex, take=parent.take, stems=("bass",), from_bar=1, to_bar=1, like=(silent,))
    desk.send(change, [np.zeros((1, 44_100), np.float32)])
    error = desk.replies()[-1].error
    assert error.code == "silent_reference" and "rest.wav" in error.message and "bass" in error.message


def test_several_takes_of_one_request(desk: Any, open_house: Any, request_of: Any) -> None:
    before = open_house.takes()
    done = desk.done(request_of(count=3))
    assert [take.take for take in done.takes] == [f"{done.job}-{number}" for number in (1, 2, 3)]
    assert [take.seed for take in done.takes] == [7, 8, 9]
    assert open_house.takes() - before == {take.take for take in done.takes}


def test_a_repeated_request_gets_the_stored_reply(house: Any, request_of: Any, proven: Any) -> None:
    house.start()
    desk = house.desk()
    request = request_of("the-name")
    for _ in range(5):
        desk.send(request)  # while it is accepted, while it waits and while it runs
    answers = desk.replies()
    assert {answer.job for answer in answers} == {answers[0].job} and len(house.takes()) == 1
    first = answers[-1]
    other = house.desk()
    assert other.done(request) == first, "also to another client"
    house.kill()
    house.start()
    assert house.desk().done(request) == first, "also after a restart"
    desk = house.desk()
    desk.send(request_of("the-name", seed=8))
    assert desk.reply().error.code == "bad_request", "another request under the same name"
    assert len(house.takes()) == 1
    proven("R3")


def test_one_more_than_the_queue_holds_is_told_so(desk: Any, request_of: Any) -> None:
    """R6: one typed answer each, in any case; cancelled ones make room."""
    requests = [request_of(f"r{number}", bars=16, steps=8) for number in range(45)]
    for request in requests:
        desk.send(request)
    answers: dict[str, Any] = {}
    while len(answers) < len(requests):
        answer = desk.reply()
        answers.setdefault(answer.id, answer)
    accepted = [name for name, answer in answers.items() if isinstance(answer, Accepted)]
    busy = [answer for answer in answers.values() if isinstance(answer, Failed)]
    assert {answer.error.code for answer in busy} == {"busy"} and len(accepted) + len(busy) == 45
    assert 32 <= len(accepted) <= 34
    positions = [answers[name].position for name in accepted]
    assert positions == sorted(positions)
    for name in reversed(accepted):
        assert isinstance(desk.ask(Cancel(id=f"c-{name}", job=name)), CancelReply)
    desk.until(lambda status: status.queued == 0 and status.worker == "ready")
    assert isinstance(desk.done(request_of()), Done)


def test_cancel_and_status_are_never_behind_work(desk: Any, open_house: Any, request_of: Any, proven: Any) -> None:
    """R5: status p99 below 50 ms while it runs, cancel below 500 ms, nothing after it."""
    before = open_house.takes()
    desk.accepted(request_of("long", bars=64, steps=64))
    waits = []
    for _ in range(100):
        began = time.monotonic()
        status = desk.status()
        waits.append(time.monotonic() - began)
    assert status.worker == "busy" and sorted(waits)[98] < 0.05
    began = time.monotonic()
    assert desk.ask(Cancel(id="c", job="long")).job == status.jobs[0].job
    while not isinstance(desk.reply(), Cancelled):
        pass
    assert time.monotonic() - began < 0.5
    assert not desk.work.poll(300), "nothing comes after it"
    assert desk.status().jobs[0].state == "cancelled" and open_house.takes() == before
    assert isinstance(desk.ask(Cancel(id="again", job="long")), CancelReply), "a late cancel is harmless"
    assert isinstance(desk.done(request_of()), Done)
    assert not list((open_house.home / "takes" / ".staging").iterdir())
    proven("R5", cases=101, measured=f"status p99 {1000 * sorted(waits)[98]:.1f} ms")


def test_a_waiting_job_is_cancelled_at_once(desk: Any, request_of: Any) -> None:
    desk.accepted(request_of("first", bars=32, steps=32))
    second = desk.accepted(request_of("second"))
    desk.ask(Cancel(id="c", job=second.job))
    while not isinstance(answer := desk.reply(), Cancelled):
        pass
    assert answer.id == "second"
    desk.ask(Cancel(id="d"))
    assert desk.replies(Cancelled)[-1].id == "first"


def test_what_the_engine_refuses_fails_in_words(desk: Any, request_of: Any, clip: np.ndarray) -> None:
    bad = clip.copy()
    bad[0, 100] = np.nan
    spec = ClipSpec(rate=44_100, channels=2, frames=clip.shape[1], name="broken.wav")
    for request, buffers, code in (
        (request_of(chords="H#9"), [], "bad_chord"),
        (request_of(stems=("theremin",)), [], "unknown_stem"),
        (request_of(genre="polka"), [], "unknown_genre"),
        (request_of(model="no-such-bundle"), [], "unknown_model"),
        (request_of(clip=spec), [bad], "bad_samples"),
    ):
        desk.send(request, buffers)
        answer = desk.replies()[-1]
        assert isinstance(answer, Failed) and answer.error.code == code, answer
        assert answer.error.message and answer.error.todo and "Traceback" not in answer.error.message
    assert isinstance(desk.done(request_of()), Done)


def test_who_comes_late_gets_the_picture(desk: Any, open_house: Any, request_of: Any, proven: Any) -> None:
    """R9: one snapshot, then the events after it."""
    desk.accepted(request_of("one", bars=48, steps=48))
    desk.accepted(request_of("two"))
    late = open_house.desk()
    time.sleep(0.2)
    snapshot = late.ask(Snapshot(id="s"))
    assert [(row.request_id, row.position) for row in snapshot.jobs] == [("one", 0), ("two", 1)]
    late.ask(Cancel(id="c", job="one"))
    seen = []
    while not (seen and seen[-1].state == "done"):
        event = late.event()
        if event.seq > snapshot.seq and isinstance(event, JobEvent):
            seen.append(event)
    assert {(event.request_id, event.state) for event in seen} >= {("one", "cancelled"), ("two", "done")}
    proven("R9")


def test_a_requester_that_leaves_costs_nothing(desk: Any, open_house: Any, request_of: Any) -> None:
    before = open_house.takes()
    guest = open_house.desk()
    guest.accepted(request_of("guest", bars=4))
    guest.close()
    assert isinstance(desk.done(request_of()), Done)
    assert len(open_house.takes() - before) == 2 and "Traceback" not in open_house.log()


def test_long_sound_is_sent_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit of a whole song comes from the engine as one block; no message may be that large."""
    from daemon import worker
    from daemon.link import Run
    from harmonicflow.engine.result import BlockAudio

    monkeypatch.setattr(worker, "PIECE_BYTES", 4 * (3 * 2 + 2) * 1000 + 5)
    sent: list[tuple[Block, list[np.ndarray]]] = []
    run = Run(job="j", folder="", staging="", takes="")
    work = worker.Work(None, run, lambda message, sound: sent.append((message, sound)), lambda: None)  # type: ignore[arg-type]
    give = work._block("r")
    sound = np.random.default_rng(0).standard_normal((4, 2, 2 * 2500 + 700)).astype(np.float32)
    for index, (start, end) in enumerate(((0, 2500), (2500, 3200))):
        give(BlockAudio(index, start, sound[:3, :, start:end], sound[3, :, start:end], ("bass", "drums", "piano")))
    give(BlockAudio(0, 0, sound[:3, :, :10], sound[3, :, :10], ("bass", "drums", "piano"), take_index=1))
    places = [(block.take_index, block.index, block.start_frame, block.frames) for block, _ in sent]
    assert places == [(0, 0, 0, 1000), (0, 1, 1000, 1000), (0, 2, 2000, 500), (0, 3, 2500, 700), (1, 0, 0, 10)]
    assert all(sum(map(len, map(memoryview, map(np.ravel, buffers)))) * 4 <= worker.PIECE_BYTES for _, buffers in sent)
    for part, whole in ((0, sound[:3]), (1, sound[3])):
        assert np.array_equal(np.concatenate([buffers[part] for _, buffers in sent[:4]], axis=-1), whole[..., :3200])
