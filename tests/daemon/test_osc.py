"""The OSC surface of a real daemon: every address of the table with real datagrams, and what subscribers hear."""

import socket
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from daemon.surface import OWN, SHOWN
from harmonicflow.core import osc
from harmonicflow.core.instruments import INSTRUMENTS
from harmonicflow.core.messages import ListTakes, ShowTake
from tests.daemon.conftest import wait_for
from tests.daemon.knob import Knob

CASES: dict[str, Callable[["Stage"], None]] = {}
FREE = 47_113  # a port where nobody is expected


class Stage:
    """A controller that moves things, another one that only listens, and a client of the daemon."""

    def __init__(self, house: Any) -> None:
        self.port = house.desks[0].connection.osc_port
        self.desk = house.desks[0]
        self.knob, self.ear = Knob(self.port), Knob(self.port)
        self.listen()

    def listen(self) -> None:
        for each in (self.knob, self.ear):
            each.message("/harmonicflow/subscribe")
            each.heard(0.05)

    def say(self, name: str, *values: Any) -> None:
        self.knob.message(osc.PREFIX + name, *values)

    def told(self, name: str) -> list[Any]:
        """What the other controller is told under this name."""
        return self.ear.until(osc.PREFIX + name, 5)

    def sees(self, name: str, *values: Any) -> None:
        """The other controller is told these values under this name, after others maybe."""
        found: list[Any] = []
        try:
            while (found := self.told(name)) != pytest.approx(list(values)):
                pass
        except TimeoutError:
            raise AssertionError(f"{name} was told last as {found}, and not as {values}") from None

    def made(self) -> Any:
        """The take of the job that comes to its end now, as the daemon's list has it."""
        take = self.told("done")[1]
        (found,) = (row for row in self.desk.ask(ListTakes(id="l", limit=3)).takes if row.take == take)
        return found

    def surely(self, name: str) -> list[Any]:
        """What a controller is told that comes now."""
        other = Knob(self.port)
        other.message("/harmonicflow/subscribe")
        found = other.until(osc.PREFIX + name, 5)
        other.message("/harmonicflow/unsubscribe")
        other.socket.close()
        return found

    def request(self, take: str) -> dict[str, Any]:
        found: dict[str, Any] = self.desk.ask(ShowTake(id="s", take=take)).details["request"]
        return found

    def chosen(self) -> list[Any]:
        """The chosen take, its index, and how many there are."""
        return self.surely("chosen")

    def close(self) -> None:
        for each in (self.knob, self.ear):
            each.message("/harmonicflow/unsubscribe")
            each.socket.close()


@pytest.fixture(scope="module")
def stage(open_house: Any) -> Iterator[Stage]:
    stage = Stage(open_house)
    stage.say("tempo", 240.0)
    stage.say("new", 1)  # a take to begin with
    stage.made()
    yield stage
    stage.close()
    assert open_house.process.poll() is None and "Traceback" not in open_house.log()


@pytest.fixture(autouse=True)
def quiet(stage: Stage) -> None:
    stage.listen()


def case(*names: str) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
    def keep(check: Callable[[Stage], None]) -> Callable[[Stage], None]:
        CASES.update({osc.PREFIX + name: check for name in names})
        return check

    return keep


@case("new", "bars", "genre", "key")
def new(stage: Stage) -> None:
    stage.say("bars", 2.0)
    stage.sees("bars", 2)
    stage.say("genre", "funk")
    stage.sees("genre", "funk")
    stage.say("key", "D minor")
    stage.sees("key", "D minor")
    stage.say("new")
    take = stage.made()
    assert (take.bars, take.genre, take.seconds) == (2, "funk", pytest.approx(2.0)), "4/4 at 240"
    stage.say("new", 1, "rock", "A major", 77, 1, 1)
    take = stage.made()
    asked = stage.request(take.take)
    assert (take.bars, take.genre, take.seed, asked["key"], asked["steps"]) == (1, "rock", 77, "A major", 1)
    stage.say("reset")
    stage.sees("genre", "")
    stage.say("tempo", 20.0)
    stage.say("new", 26)  # 312 s
    assert stage.told("error")[0] == "too_long"
    stage.say("tempo", 240.0)


@case("generate", "press/generate")
def generate(stage: Stage) -> None:
    """Without a clip; with one: tests/attacks/test_osc_door.py."""
    for name in ("generate", "press/generate"):
        stage.say(name)
        assert stage.told("error")[0] == "bad_request" and "no clip" in stage.knob.until("/harmonicflow/error")[1]
        time.sleep(0.11)  # errors of others are not told more often


@case("regenerate", *(f"press/regenerate/{stem}" for stem in INSTRUMENTS))
def regenerate(stage: Stage) -> None:
    for stem in INSTRUMENTS:
        before = stage.chosen()[0]
        stage.say(f"press/regenerate/{stem}", 1.0)
        stage.say(f"press/regenerate/{stem}", 0.0)
        take = stage.made()
        asked = stage.request(take.take)
        assert take.parent == before and asked["stems"] == [stem]
        assert (asked["from_bar"], asked["to_bar"]) == (1, take.bars)
    stage.say("regenerate", "bass", 1, 1, 5)
    take = stage.made()
    assert take.seed == 5 and stage.request(take.take)["stems"] == ["bass"]
    stage.say("regenerate", 1.0, 9.0, 9.0)  # of a stem by number, in a bar that is not there
    assert stage.told("error")[0] == "bad_bars"


@case("extend", "press/extend", "press/new")
def extend(stage: Stage) -> None:
    before = stage.chosen()[0]
    stage.say("extend", 1, 5)
    take = stage.made()
    assert take.parent == before and take.seed == 5
    stage.say("bars", 1)
    stage.say("press/extend")
    longer = stage.made()
    assert longer.parent == take.take and longer.bars == take.bars + 1
    seeds = set()
    for _ in range(2):
        stage.say("press/new", 1.0)
        stage.say("press/new", 0.0)  # the finger leaves the button
        take = stage.made()
        seeds.add(take.seed)
        assert take.bars == 1 and not take.parent
    assert len(seeds) == 2, "a new seed each time"
    assert stage.desk.status().queued == 0


@case("cancel")
def cancel(stage: Stage) -> None:
    stage.say("cancel")
    assert stage.told("error")[0] == stage.knob.until("/harmonicflow/error")[0] == "no_job"
    stage.say("new", 64, "", "", 1, 64, 16)
    stage.told("accepted")
    stage.say("cancel", 0.0)
    stage.say("cancel", 1.0)
    assert stage.knob.until("/harmonicflow/error", 10)[0] == "cancelled"
    assert stage.told("error")[0] == "cancelled"


@case("valence", "arousal", "emotion", "density", "temperature", "reset")
def macros(stage: Stage) -> None:
    stage.say("valence", -1)
    stage.sees("macros", -1, 0, 0.5, 0.5)
    for name, value in (("arousal", 1.0), ("density", 0.25), ("temperature", 0.75)):
        stage.say(name, value)
        stage.sees(name, value)
    stage.say("emotion", 0.5, -0.5)
    stage.sees("valence", 0.5)
    stage.say("new", 1)
    asked = stage.request(stage.made().take)
    assert asked["emotion"] == [0.5, -0.5]
    assert (asked["steering"]["density"], asked["steering"]["temperature"]) == ({"": 0.25}, 0.75)
    stage.say("reset")
    stage.sees("macros", 0, 0, 0.5, 0.5)
    stage.say("new", 1)
    plain = stage.request(stage.made().take)
    assert plain.get("emotion") is None and plain.get("steering") is None
    stage.say("density", 0.9)
    stage.told("macros")
    stage.say("regenerate", "bass")
    asked = stage.request(stage.made().take)
    assert asked["steering"]["density"] == {"": pytest.approx(0.9)} and asked.get("emotion") is None
    stage.say("reset")


@case("play", "stop", "continue", "transport", "locate", "tempo")
def transport(stage: Stage) -> None:
    stage.say("tempo", 400.0)
    stage.sees("tempo", 400)
    stage.say("locate", 32.5)
    stage.sees("transport", 0, 32.5, 400)
    stage.say("play", 1.0)
    began = time.monotonic()
    stage.sees("stop", 0)
    playing, beat, _ = stage.told("transport")
    assert playing == 1 and beat < 1
    time.sleep(0.3)
    stage.say("play", 0.0)  # a release: it plays on, and the button is lit again
    stage.sees("play", 1)
    stage.say("stop")
    playing, beat, _ = stage.told("transport")
    assert playing == 0 and beat == pytest.approx((time.monotonic() - began) * 400 / 60, abs=0.2)
    stage.say("continue")
    assert stage.told("transport")[:2] == [1, pytest.approx(beat, abs=0.2)]
    stage.say("transport", 0)
    stopped, there, _ = stage.told("transport")
    stage.say("tempo", 240)
    assert stopped == 0 and stage.told("transport") == [0, pytest.approx(there), 240]


@case("choose", "next", "previous", "star", "starred", "takes")
def takes(stage: Stage) -> None:
    known = [row.take for row in stage.desk.ask(ListTakes(id="t")).takes]
    stage.say("choose", 1.0)
    assert stage.told("chosen") == [known[1], 1, len(known)]
    stage.say("previous", 1.0)
    assert stage.told("chosen") == [known[2], 2, len(known)]
    stage.say("previous", 0.0)
    stage.say("next")
    assert stage.told("chosen") == [known[1], 1, len(known)]
    stage.say("star")
    assert stage.told("star") == [0], "when it was chosen"
    stage.sees("star", 1)
    stage.say("takes", 2)
    rows = [stage.knob.until("/harmonicflow/take") for _ in range(2)]
    assert [(row[0], row[1], row[5]) for row in rows] == [(0, known[0], 0), (1, known[1], 1)]
    stage.say("starred", 0)
    stage.sees("star", 0)
    assert not any(row.starred for row in stage.desk.ask(ListTakes(id="t")).takes)
    stage.say("regenerate", "drums", 1, 1)
    assert stage.made().parent == known[1]
    assert stage.chosen()[1] == 0, "what the surface has made is chosen"
    stage.say("choose", 1_000)
    assert stage.told("error")[0] == "unknown_take"


@case("head", "head/yaw", "head/pitch", "head/roll")
def head(stage: Stage) -> None:
    stage.say("head", 30, -15.5, 5)
    stage.sees("head", 30, -15.5, 5)
    for place, name in enumerate(("head/yaw", "head/pitch", "head/roll")):
        stage.say(name, 7.25)
        stage.sees(name, 7.25)
        assert stage.surely("head")[place] == 7.25


@case("subscribe", "unsubscribe", "status", "ping")
def feedback(stage: Stage) -> None:
    third = Knob(stage.port)
    third.message("/harmonicflow/subscribe")
    found = dict(third.heard())
    assert {osc.PREFIX + name for name in (*SHOWN, "chosen", "choose", "star", "state", "busy")} == set(found)
    third.message("/harmonicflow/unsubscribe")
    stage.say("tempo", 99)
    assert stage.told("tempo") == [99] and third.heard() == []
    third.message("/harmonicflow/status", 1.0)
    assert third.until("/harmonicflow/state") == ["ready", 0]
    third.message("/harmonicflow/ping", 5)
    assert third.until("/harmonicflow/pong") == [5]
    third.socket.close()


def test_every_address_has_a_case() -> None:
    assert set(CASES) == set(osc.ADDRESSES)


@pytest.mark.parametrize("check", dict.fromkeys(CASES.values()), ids=lambda check: check.__name__)
def test_what_it_does(stage: Stage, check: Callable[[Stage], None]) -> None:
    check(stage)


@pytest.mark.parametrize("address", osc.ADDRESSES)
def test_what_is_not_in_the_table_changes_nothing(stage: Stage, address: str) -> None:
    """Wrong types, beyond the ranges, no numbers, too many: each an error, and nothing for subscribers to hear."""
    row = osc.ADDRESSES[address]
    good = [argument.choices[-1] if argument.choices else argument.high for argument in row.arguments]
    wrong: list[list[Any]] = [[*good, 0]]
    for place, argument in enumerate(row.arguments):
        values = [float("nan"), float("inf"), float("-inf"), 1e30, "../../etc/passwd"]
        values += [len(argument.choices), True] if argument.choices else [argument.low - 1]
        wrong += [[*good[:place], value, *good[place + 1 :]] for value in values]
    if row.arguments and row.arguments[0].default is None:
        wrong.append([])
    for values in wrong:
        stage.knob.message(address, *values)
        assert stage.knob.until("/harmonicflow/error", 2)[0] == "bad_request", values
    stage.ear.ping()
    assert stage.ear.heard(0.02) == []


@pytest.mark.parametrize("name", sorted(OWN))
def test_a_widget_is_not_told_what_it_has_sent(stage: Stage, name: str) -> None:
    """It would jump under the finger; another widget of the same controller is told."""
    good = [
        argument.choices[-1] if argument.choices else argument.high for argument in osc.ADDRESSES[osc.PREFIX + name][2]
    ]
    stage.say(name, *good)
    stage.sees(name, *good)
    assert osc.PREFIX + name not in dict(stage.knob.heard(0.05))
    stage.say("reset")
    stage.say("head", 0, 0, 0)
    stage.say("tempo", 240)


def test_a_controller_that_listens_at_another_port(stage: Stage) -> None:
    """Max's [udpsend] and TouchOSC send from any port and listen at one: all replies go there as well."""
    sender, ear = Knob(stage.port), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ear.bind(("127.0.0.1", 0))
    ear.settimeout(5)
    sender.message("/harmonicflow/subscribe", float(ear.getsockname()[1]))
    got = b""
    while b"/harmonicflow/busy" not in got:  # the last of all
        got = ear.recv(65_536)
    for asked, answer in (("ping", b"pong"), ("takes", b"take"), ("choose", b"error"), ("head", b"error")):
        sender.message(f"/harmonicflow/{asked}", *([1, 1][: asked == "ping"] or ([9_999] if asked == "choose" else [])))
        while not got.startswith(b"/harmonicflow/" + answer):
            got = ear.recv(65_536)
    sender.message("/harmonicflow/unsubscribe", ear.getsockname()[1])
    ear.close()
    sender.socket.close()


def test_a_thousand_subscriptions_are_no_more_than_there_may_be(stage: Stage) -> None:
    """From one port, then for a thousand ports; the two that are there stay, and the rest is refused in words."""
    crowd = Knob(stage.port)
    for number in range(1_000):
        crowd.message("/harmonicflow/subscribe")
        if number % 100 == 99:
            assert crowd.ping() < 1.0
    refused = 0
    for port in range(20_000, 21_000):
        crowd.message("/harmonicflow/subscribe", port)
        if port % 50 == 0:
            refused += sum(address.endswith("/error") for address, _ in crowd.heard(0.02))
    refused += sum(address.endswith("/error") for address, _ in crowd.heard(0.05))
    assert refused >= 1_000 - osc.MOST_SUBSCRIBERS
    stage.say("tempo", 123)
    stage.sees("tempo", 123)
    for port in (0, *range(20_000, 20_000 + osc.MOST_SUBSCRIBERS)):
        crowd.message("/harmonicflow/unsubscribe", port)
    assert crowd.ping() < 1.0 and osc.MOST_SUBSCRIBERS > 3
    crowd.socket.close()


def test_it_does_not_talk_to_itself(stage: Stage) -> None:
    """Its own port is no subscriber, and what it says itself is not answered: two daemons would go on for ever."""
    stage.say("subscribe", stage.port)
    assert "its own" in stage.knob.until("/harmonicflow/error")[1] or "own" in stage.told("error")[1]
    other = Knob(stage.port)
    for name in osc.REPLIES:
        if name not in osc.ADDRESSES:
            other.message(name, "bad_request", "x")
    other.message("/harmonicflow/ping", 1)
    assert other.heard() == [("/harmonicflow/pong", [1])]
    other.socket.close()


def test_a_stream_of_changes_is_thinned_and_ends_where_it_ends(stage: Stage) -> None:
    for angle in range(1_000):
        stage.say("head/yaw", angle / 10)
        time.sleep(1e-4 if angle % 10 else 2e-3)  # a burst of them all would not fit the system's buffer
    angles = [values[0] for address, values in stage.ear.heard() if address == "/harmonicflow/head"]
    assert len(angles) < 500 and angles[-1] == pytest.approx(99.9) and angles == sorted(angles)


def test_a_round_trip_is_below_a_millisecond(stage: Stage) -> None:
    """The median of pings and of changes on their way through the daemon to another program."""
    stage.say("stop")
    pings = [stage.knob.ping() for _ in range(500)]
    changes = []
    for beat in range(100):
        began = time.perf_counter()
        stage.say("locate", beat)
        while stage.told("transport")[1] != beat:
            pass
        changes.append(time.perf_counter() - began)
        time.sleep(0.011)  # above the pace at which changes are told
    assert statistics.median(pings) < 1e-3 and statistics.median(changes) < 1e-3


def test_jobs_of_other_clients_are_told_and_do_not_change_the_choice(stage: Stage, request_of: Any) -> None:
    stage.say("choose", 1)
    before = stage.told("chosen")
    done = stage.desk.done(request_of(seed=3))
    assert stage.told("accepted")[0] == done.job
    stage.sees("busy", 1)
    assert stage.told("done") == [done.job, done.takes[0].take]
    assert stage.told("chosen") == [before[0], 2, before[2] + 1]
    assert stage.chosen()[0] == before[0]
    stage.say("choose", 0)


def test_where_it_listens(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the port that is set; at another one where that is taken, and status says so."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        house.environment["HARMONICFLOW_OSC_PORT"] = str(port)
        other = house.start().osc_port
        assert other != port and f"port {port} cannot be had" in house.desk().status().osc
        assert f"the OSC port {port} cannot be had" in house.log()
        house.stop()
    assert house.start().osc_port == port and house.desk().status().osc == f"UDP port {port}"
    knob = Knob(port)
    assert knob.ping() < 1.0
    knob.socket.close()
    house.stop()


def own_address() -> str:
    """An address of this computer that is not loopback; "" where there is none. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def test_who_may_knock_from_the_network(house: Any) -> None:
    """Nobody; with `osc_from` those addresses, and no others: they get no answer and are counted."""
    address = own_address()
    if not address or address.startswith("127."):
        pytest.skip("this computer has no other address")
    far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    far.bind((address, 0))
    far.settimeout(0.3)

    def answered(port: int) -> bool:
        far.sendto(osc.build("/harmonicflow/ping", 1), (address, port))
        try:
            return far.recv(65_536) == osc.build("/harmonicflow/pong", 1)
        except (TimeoutError, ConnectionError):
            return False

    house.environment["HARMONICFLOW_OSC_PORT"] = "0"
    assert not answered(house.start().osc_port), "bound to loopback"
    house.stop()
    house.environment["HARMONICFLOW_OSC_FROM"] = "192.0.2.7"
    port = house.start().osc_port
    assert not answered(port)
    near = Knob(port)
    assert near.ping() < 1.0 and house.desk().status().osc.endswith("for this computer and 192.0.2.7")
    near.socket.close()
    house.stop()
    house.environment["HARMONICFLOW_OSC_FROM"] = f"192.0.2.7, {address}"
    assert answered(house.start().osc_port)
    far.close()


def test_a_lease_ends() -> None:
    """The clock is the test's: after 60 s without a word nothing is sent; a word in time and it goes on."""
    from daemon.surface_subscribers import Subscribers
    from daemon.timers import Timers

    now, said = 0.0, []
    subscribers = Subscribers(
        lambda where, name, *values: said.append((where, name, values)), lambda name: (7,),
        Timers(lambda: now), lambda: now,
    )  # fmt: skip
    first, second = ("127.0.0.1", 5_000), ("127.0.0.1", 6_000)
    subscribers.add(first, 0)
    subscribers.add(second, FREE)
    now = 59.0
    subscribers.add(first, 1)  # a button: its own port
    now = 61.0
    subscribers.expire()
    subscribers.changed("tempo")
    assert said == [(first, "tempo", (7,))] and list(subscribers) == [first]
    now = 100.0
    subscribers.heard(first)  # it has moved a knob
    subscribers.heard(second)
    now = 159.0
    subscribers.expire()
    assert list(subscribers) == [first]
    now = 161.0
    subscribers.expire()
    assert len(subscribers) == 0


def test_takes_that_are_removed_or_starred_elsewhere_are_noticed(stage: Stage) -> None:
    from harmonicflow.core.messages import StarTake

    take = stage.chosen()[0]
    stage.ear.heard(0.05)
    stage.desk.ask(StarTake(id="star", take=take))
    assert wait_for(lambda: stage.told("star") == [1], 5)
    stage.desk.ask(StarTake(id="star", take=take, starred=False))
    assert wait_for(lambda: stage.told("star") == [0], 5)
