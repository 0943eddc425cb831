"""Stars and prune: what goes, what stays, and that nobody loses what he still needs."""

import hashlib
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sizes import days, nbytes
from daemon.disk import Disk, Mailbox
from daemon.jobs import Jobs
from daemon.journal import Journal, TakeRecord
from daemon.prune import AgeClock, Held, Prune, choose, made
from daemon.takes import STAGING, STAR, Takes
from daemon.timers import Timers
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import (
    Cancel,
    Failed,
    ListTakes,
    PruneReply,
    PruneTakes,
    Regenerate,
    StarTake,
    TakeReply,
    TakeSummary,
)
from harmonicflow.core.settings import Settings


def held(name: str, created: float, files: dict[int, int], starred: bool = False) -> Held:
    summary = TakeSummary(take=name, folder="", starred=starred)
    return Held(summary, created, tuple(((0, number), size) for number, size in files.items()))


def starred(take: Held) -> bool:
    return take.summary.starred


def size_of(takes: list[Held]) -> int:
    return sum({name: size for take in takes for name, size in take.files}.values())


takes_of_chance = st.lists(
    st.tuples(st.booleans(), st.sets(st.integers(0, 9), max_size=4)), max_size=9
).map(
    lambda rows: [held(f"t{n}", n, {f: 7 * f + 1 for f in files}, star) for n, (star, files) in enumerate(rows)]
)  # fmt: skip


@given(takes_of_chance, st.none() | st.integers(0, 9), st.none() | st.integers(0, 200))
def test_the_rule(takes: list[Held], before: int | None, most: int | None) -> None:
    """Compared with the rule in plain words, which counts every file anew at each step."""
    choice = choose(takes, starred, before, most)
    stay = list(takes)
    for take in takes:
        old = before is not None and take.created < before
        large = most is not None and size_of(stay) > most
        if (old or large) and not take.summary.starred:
            stay.remove(take)
    assert [take for take in takes if take not in choice.held] == stay
    assert choice.kept_bytes == size_of(stay) and choice.freed_bytes == size_of(takes) - size_of(stay)
    if most is not None:
        assert choice.kept_bytes <= most or all(map(starred, stay)), "no more than needed, and no less"


def test_a_shared_file_is_freed_with_the_last_that_has_it() -> None:
    parent, child = held("a", 1, {1: 100, 2: 10}), held("b", 2, {1: 100, 3: 5})
    assert choose([parent, child], starred, 2, None).freed_bytes == 10
    assert choose([parent, child], starred, 3, None).freed_bytes == 115


def test_a_clock_set_ahead_makes_nothing_older(proven: Any) -> None:
    """R15: only what has really passed counts; a clock that is set back makes takes younger."""
    at = {"wall": 1_000.0, "passed": 50.0}
    clock = AgeClock(lambda: at["wall"], lambda: at["passed"])
    for wall, passed, now in ((1_010, 60, 1_010), (90_000_000, 61, 1_011), (500, 62, 500), (1_013, 63, 1_013)):
        at.update(wall=wall, passed=passed)
        assert clock.now() == now
    proven("R15", cases=4, measured="a clock that is set ahead while the daemon runs makes no take older")


def test_when_a_take_was_made() -> None:
    assert made(TakeSummary(take="t", folder="", created="1970-01-02T00:00:00+00:00")) == 86_400
    assert made(TakeSummary(take="t", folder="", created="1970-01-02")) == 86_400
    assert made(TakeSummary(take="t", folder="", created="long ago")) == float("inf")


# --- with a daemon -----------------------------------------------------------------------------


def whole(take: Any) -> bool:
    return all(
        hashlib.sha256((Path(take.folder) / row.file).read_bytes()).hexdigest() == row.sha256 for row in take.files
    )


def prune(desk: Any, **rule: Any) -> PruneReply:
    reply = desk.ask(PruneTakes(id="p", **rule))
    assert isinstance(reply, PruneReply), reply
    return reply


def names(desk: Any) -> list[str]:
    return [take.take for take in desk.ask(ListTakes(id="l")).takes]


@pytest.fixture
def three(desk: Any, request_of: Any) -> list[TakeSummary]:
    """An opening, what was made from it (it shares files), and another."""
    first = desk.done(request_of("a")).takes[0]
    child = desk.done(Regenerate(id="b", take=first.take, stems=("bass",), from_bar=1, to_bar=1, steps=1)).takes[0]
    return [first, child, desk.done(request_of("c", seed=9)).takes[0]]


def test_a_parent_goes_and_its_child_stays_whole(house: Any, desk: Any, three: list[TakeSummary]) -> None:
    parent, child, other = three
    shared = [
        row.file for row in child.files
        if (Path(child.folder) / row.file).stat().st_ino == (Path(parent.folder) / row.file).stat().st_ino
    ]  # fmt: skip
    assert "drums.wav" in shared
    before = sum(path.stat().st_size for path in Path(parent.folder).rglob("*") if path.is_file())
    kept = sum(path.stat().st_size for path in Path(parent.folder).rglob("*") if path.name in shared)
    total = prune(desk, older_than_days=1e6).kept_bytes
    dry = prune(desk, larger_than=total - 1, dry_run=True)
    assert [take.take for take in dry.takes] == [parent.take] and names(desk)[-1] == parent.take
    reply = prune(desk, larger_than=total - 1)
    assert [take.take for take in reply.takes] == [parent.take] and (reply.left, reply.starred) == (0, 0)
    assert reply.freed_bytes == dry.freed_bytes <= before - kept
    assert reply.kept_bytes == total - reply.freed_bytes
    assert house.takes() == {child.take, other.take} == set(names(desk)) and whole(child)
    again = Regenerate(id="d", take=child.take, stems=("piano",), from_bar=1, to_bar=1, steps=1)
    assert whole(desk.done(again).takes[0]), "what has lost its parent can be worked on"
    desk.send(Regenerate(id="e", take=parent.take, stems=("bass",), from_bar=1, to_bar=1))
    assert desk.replies()[-1].error.code == "unknown_take"
    assert not list((house.home / "takes" / STAGING).glob("*.gone.*"))


def test_a_starred_take_stays_also_after_a_lost_journal(house: Any, desk: Any, three: list[TakeSummary]) -> None:
    reply = desk.ask(StarTake(id="s", take="last"))
    assert isinstance(reply, TakeReply) and reply.take.take == three[2].take and reply.take.starred
    assert desk.ask(StarTake(id="s", take=three[0].take)).take.starred
    assert not desk.ask(StarTake(id="s", take=three[0].take, starred=False)).take.starred
    assert isinstance(desk.ask(StarTake(id="s", take="nobody")), Failed)
    house.kill()
    for file in house.home.glob("journal.sqlite*"):
        file.unlink()
    house.start()
    desk = house.desk()
    assert {take.take for take in desk.ask(ListTakes(id="l")).takes if take.starred} == {three[2].take}
    reply = prune(desk, older_than_days=0)
    assert len(reply.takes) == 2 and reply.starred == 1
    assert house.takes() == {three[2].take} and whole(three[2])
    assert (Path(three[2].folder) / STAR).exists()
    assert not desk.ask(StarTake(id="s", take=three[2].take, starred=False)).take.starred
    assert len(prune(desk, larger_than=0).takes) == 1 and not house.takes()


def test_what_a_job_is_made_from_stays(house: Any, desk: Any, request_of: Any, three: list[TakeSummary]) -> None:
    desk.accepted(request_of("long", bars=48, steps=48))
    waiting = Regenerate(id="w", take=three[1].take, stems=("bass",), from_bar=1, to_bar=1, steps=1)
    desk.send(waiting)
    while desk.reply().id != "w":
        pass
    reply = prune(desk, older_than_days=0)
    assert {take.take for take in reply.takes} == {three[0].take, three[2].take}
    desk.ask(Cancel(id="x", job="long"))
    while not (answer := desk.reply()).__class__.__name__ == "Done":
        assert not isinstance(answer, Failed), answer
    assert whole(answer.takes[0])


# --- without one -------------------------------------------------------------------------------


def test_names_and_takes_that_are_not_there(tmp_path: Path) -> None:
    takes = Takes(tmp_path)
    for name, code in (("../x", "unknown_take"), ("gone-1", "unknown_take")):
        with pytest.raises(HarmonicFlowError) as caught:
            takes.star(name, True)
        assert caught.value.code == code
    (tmp_path / "a-1").mkdir()
    takes.leaving = frozenset({"a-1"})
    with pytest.raises(HarmonicFlowError):
        takes.star("a-1", True)
    assert not takes.there("a-1")
    takes.leaving = frozenset()
    takes.star("a-1", True)
    takes.star("a-1", True)
    takes.remove("a-1")
    assert not takes.starred and not list(tmp_path.glob("[!.]*")) and not list((tmp_path / STAGING).iterdir())


def test_the_settings_remove_once_an_hour_and_leave_the_young_alone(tmp_path: Path) -> None:
    """By age, then by size; a take of the last minutes may be on its way into a DAW."""
    now = [1_000.0]
    told: list[str] = []
    today = datetime.now(UTC)
    ages_days = {"a-1": 90, "b-1": 80, "c-1": 20, "d-1": 19, "e-1": 0}
    takes = Takes(tmp_path / "takes")
    with Journal.open(tmp_path / "journal.sqlite") as journal:
        for name, age in ages_days.items():
            (tmp_path / "takes" / name).mkdir(parents=True)
            (tmp_path / "takes" / name / "mix.wav").write_bytes(bytes(1_000_000))
            summary = TakeSummary(take=name, folder="", created=(today - timedelta(days=age)).isoformat())
            journal.adopt([TakeRecord(name, "j", msgspec.json.encode(summary))])
        takes.star("a-1", True)
        mailbox = Mailbox()
        disk, timers = Disk(mailbox), Timers(lambda: now[0])
        settings = Settings(keep_takes_days=30, keep_takes_gb=0.0025)
        Prune(Jobs(lambda event: None), journal, disk, takes, timers, settings, lambda what, text: told.append(text))

        def pass_s(seconds: float) -> set[str]:
            for _ in range(int(seconds)):
                now[0] += 1
                timers.look()
            for _ in range(3):  # a plan, the removal, the news
                time.sleep(0.02)
                for call in mailbox.collect():
                    call()
            return {path.name for path in (tmp_path / "takes").glob("[!.]*")}

        assert len(pass_s(50)) == 5
        assert pass_s(20) == {"a-1", "e-1"}, "b is old; c and d are too many; a is starred; e is new"
        assert told == ["3 takes, 3 MB"] and {row.id for row in journal.all_takes()} == {"a-1", "e-1"}
        takes.star("a-1", False)
        assert pass_s(3_000) == {"a-1", "e-1"}
        assert pass_s(700) == {"e-1"}
        disk.close()
        mailbox.close()


def test_nothing_is_removed_that_nobody_asked_for(tmp_path: Path) -> None:
    timers = Timers()
    with Journal.open(tmp_path / "journal.sqlite") as journal:
        mailbox = Mailbox()
        disk = Disk(mailbox)
        Prune(Jobs(lambda event: None), journal, disk, Takes(tmp_path), timers, Settings(), lambda what, text: None)
        assert timers.wait_s() is None
        disk.close()
        mailbox.close()


@pytest.mark.parametrize("text, found", [("30d", 30), ("12h", 0.5), ("8w", 56), ("1.5 d", 1.5), ("7", 7)])
def test_ages(text: str, found: float) -> None:
    assert days(text) == found


@pytest.mark.parametrize("text, found", [("10G", 10**10), ("500M", 5 * 10**8), ("1.5 GB", 15 * 10**8), ("0k", 0)])
def test_sizes(text: str, found: int) -> None:
    assert nbytes(text) == found


@pytest.mark.parametrize("text", ["", "d", "-3d", "3 months", "1e9d", "1/0d", "9999999w", "10", "GB", "9" * 30 + "T"])
def test_what_is_neither(text: str) -> None:
    for read in (days, nbytes):
        if (read, text) != (days, "10"):
            with pytest.raises(ValueError, match="write"):
                read(text)
