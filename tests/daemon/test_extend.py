"""Co-composing through the daemon: options of an opening, one chosen and extended, as often as one likes."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import numpy as np
import pytest

from harmonicflow.core.messages import Block, Cancel, Cancelled, Done, Extend, Failed, ListTakes, ShowTake, WorkReply


def extension(take: str, bars: int | None = 1, **fields: Any) -> Extend:
    return Extend(id=uuid4().hex, take=take, bars=bars, **({"steps": 1, "seed": 3} | fields))


def sound(take: Any, stem: str) -> np.ndarray:
    """The samples of one file of a take, [frames, channels]."""
    row = next(row for row in take.files if row.stem == stem)
    data = (Path(take.folder) / row.file).read_bytes()
    assert hashlib.sha256(data).hexdigest() == row.sha256
    return np.frombuffer(data[-4 * row.frames * row.channels :], "<f4").reshape(row.frames, row.channels)


def check_prefix(parent: Any, child: Any) -> None:
    assert child.parent == parent.take and child.made == "extend" and child.frames > parent.frames
    for row in parent.files:
        old, new = sound(parent, row.stem), sound(child, row.stem)
        assert new[: len(old)].tobytes() == old.tobytes(), row.stem


@pytest.fixture
def desk(open_house: Any) -> Iterator[Any]:
    """A client of the daemon that all these tests share; each leaves it idle."""
    desk = open_house.desk()
    desk.until_ready()
    yield desk
    open_house.desk().until(lambda status: status.worker == "ready" and not status.queued)
    desk.close()


def test_options_of_an_opening_and_of_what_follows_it(desk: Any, request_of: Any) -> None:
    """Every option is a take with its parent and its number; the sound that was sent is the sound that was written."""
    openings = desk.done(request_of(bars=2, count=2, delivery="mixed")).takes
    assert [(take.parent, take.made, take.option) for take in openings] == [("", "generate", 1), ("", "generate", 2)]
    request = extension(openings[1].take, bars=2, count=3)
    desk.send(request)
    blocks: dict[int, list[np.ndarray]] = {}
    while not isinstance((answer := desk.receive(desk.work, WorkReply))[0], Done):
        assert not isinstance(answer[0], Failed), answer
        if isinstance(answer[0], Block):
            assert answer[0].start_frame >= openings[1].frames
            blocks.setdefault(answer[0].take_index, []).append(np.frombuffer(answer[1][1], "<f4").reshape(2, -1))
    takes = answer[0].takes
    assert [take.option for take in takes] == [1, 2, 3] and [take.seed for take in takes] == [3, 4, 5]
    assert {take.bars for take in takes} == {4} and len({row.sha256 for take in takes for row in take.files}) == 18
    for number, take in enumerate(takes):
        check_prefix(openings[1], take)
        new = sound(take, "mix")[openings[1].frames :]
        np.testing.assert_array_equal(np.concatenate(blocks[number], axis=1).T, new)


def test_the_tree_can_be_walked_from_what_the_daemon_says(desk: Any, request_of: Any) -> None:
    (root,) = desk.done(request_of(bars=1)).takes
    (a, b) = desk.done(extension(root.take, count=2)).takes
    (c,) = desk.done(extension("last")).takes
    assert c.parent == b.take, "the last take"
    (d,) = desk.done(extension(a.take[:-1] + "1", beats=None, seconds=0.5, bars=None)).takes  # any node, at any time
    assert d.frames == a.frames + 22_050
    listed = {take.take: take for take in desk.ask(ListTakes(id="l", limit=5)).takes}
    path, at = [], c.take
    while at:
        path.append(at)
        at = listed[at].parent
    assert path == [c.take, b.take, root.take]
    details = desk.ask(ShowTake(id="s", take=d.take)).details
    assert details["request"]["kind"] == "extend" and details["request"]["take"] == a.take


@pytest.mark.parametrize(
    ("code", "fields"),
    [
        ("unknown_take", {"take": "no-such-take"}),
        ("bad_selection", {"bars": None}),
        ("bad_selection", {"bars": 2, "beats": "3"}),
        ("bad_selection", {"bars": None, "beats": "-3"}),
        ("too_short", {"bars": None, "beats": "1/1000"}),
        ("too_long", {"bars": 3600}),
        ("too_long", {"bars": None, "beats": "999999999999"}),
        ("unknown_stem", {"stems": ("kazoo",)}),
        ("bad_chord", {"chords": "H#9"}),
    ],
)
def test_what_cannot_be_is_refused_in_words(desk: Any, request_of: Any, code: str, fields: dict[str, Any]) -> None:
    fields = {"take": desk.done(request_of("one-bar")).takes[0].take, "bars": 1, **fields}
    desk.send(Extend(id=uuid4().hex, **fields))
    answer = desk.replies()[-1]
    assert isinstance(answer, Failed) and answer.error.code == code and answer.error.todo, answer


@pytest.mark.parametrize("wrong", [{"bars": 0}, {"bars": -1}, {"beats": "4.5x"}, {"seconds": 0}, {"count": 17}])
def test_numbers_out_of_range_are_no_message(desk: Any, wrong: dict[str, Any]) -> None:
    plain = msgspec.to_builtins(extension("last", bars=None)) | wrong
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(plain, Extend)
    unchecked = msgspec.structs.replace(extension("last", bars=None), **wrong)
    desk.send(unchecked)
    assert desk.reply().error.code == "bad_request"


def test_cancelled_options_leave_nothing(desk: Any, open_house: Any, request_of: Any) -> None:
    (root,) = desk.done(request_of(bars=1)).takes
    before = open_house.takes()
    job = desk.accepted(extension(root.take, bars=32, count=16, steps=32)).job
    desk.until(lambda status: status.jobs[0].step > 0)
    desk.ask(Cancel(id="c", job=job))
    while not isinstance(desk.reply(), Cancelled):
        pass
    assert open_house.takes() == before
    check_prefix(root, desk.done(extension(root.take)).takes[0])


def test_a_restart_in_the_middle_of_a_tree(house: Any, request_of: Any) -> None:
    """kill -9 while options are made: they are made again, whole; then every node can still be extended."""
    house.start()
    desk = house.desk()
    (root,) = desk.done(request_of(bars=1)).takes
    request = extension(root.take, bars=4, count=3, steps=16)
    job = desk.accepted(request).job
    desk.until(lambda status: status.jobs[0].state == "running")
    house.kill()
    assert house.takes() == {root.take}
    house.start()
    desk = house.desk()
    done = desk.done(request)
    assert done.job == job and [take.option for take in done.takes] == [1, 2, 3]
    for take in done.takes:
        check_prefix(root, take)
    (again,) = desk.done(extension(root.take, bars=1, seed=9)).takes
    (deeper,) = desk.done(extension(done.takes[1].take, bars=1)).takes
    check_prefix(root, again)
    check_prefix(done.takes[1], deeper)
