"""S1: datagrams that stop python-osc, and mutated ones, at the daemon's real OSC door."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from harmonicflow.core import osc
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import ClipSpec, ListTakes
from tests.attacks.fuzz import corpus
from tests.attacks.fuzz_osc import ATTACKS, attack
from tests.daemon.conftest import bundle, house, make_request, open_house  # noqa: F401  (fixtures)
from tests.daemon.knob import Knob

SEED = 20_261_122
NIGHT = [pytest.mark.night, pytest.mark.timeout(3_600)]


@pytest.fixture
def knob(open_house: Any) -> Iterator[Knob]:  # noqa: F811
    knob = Knob(open_house.desks[0].connection.osc_port)
    yield knob
    knob.socket.close()
    assert open_house.process.poll() is None and "Traceback" not in open_house.log()


@pytest.mark.parametrize("name", ATTACKS)
def test_no_datagram_stops_the_parser(name: str) -> None:
    began = time.monotonic()
    with pytest.raises(HarmonicFlowError) as caught:
        osc.parse(ATTACKS[name])
    assert caught.value.code == "bad_request" and time.monotonic() - began < 0.1


def test_all_of_them_at_the_door(knob: Knob) -> None:
    assert knob.ping() < 0.1
    for datagram in ATTACKS.values():
        knob.send(datagram)
        if datagram:
            assert knob.until("/harmonicflow/error")[0] == "bad_request"
        assert knob.ping() < 0.1


def test_what_once_did_harm(knob: Knob) -> None:
    for datagram in corpus("osc").values():
        knob.send(datagram)
        assert knob.ping() < 0.1


def test_what_it_understands_without_a_clip(knob: Knob) -> None:
    knob.message("/harmonicflow/status")
    assert knob.until("/harmonicflow/state")[1] == 0
    knob.message("/harmonicflow/cancel")
    assert knob.until("/harmonicflow/error")[0] == "no_job"
    knob.message("/harmonicflow/generate", 7)
    code, sentence = knob.until("/harmonicflow/error")
    assert code == "bad_request" and "no clip" in sentence
    knob.message("/harmonicflow/regenerate", "bass", 1, 2)
    assert knob.until("/harmonicflow/error")[0] == "unknown_take"
    knob.message("/harmonicflow/extend", 4)
    assert knob.until("/harmonicflow/error")[0] == "unknown_take"


@pytest.mark.parametrize("count", [50_000, pytest.param(1_000_000, marks=NIGHT)])
def test_mutated_datagrams_at_the_door(knob: Knob, open_house: Any, count: int, proven: Any) -> None:  # noqa: F811
    """S1. What harms the door is saved in the corpus."""
    desk = open_house.desk()
    before = desk.status().daemon_rss_bytes
    fared = attack(knob.socket.getpeername()[1], count, SEED, lambda: open_house.log().count("a mistake in the daemon"))
    proven("S1", cases=fared.inputs, measured=str(fared))
    assert not fared.harmful and fared.slowest_s < 0.1, fared
    assert fared.answered["error"] > 0.9 * count
    # A few are jobs: what their takes need, once. One of five minutes, which a million bring, leaves 17 MB behind.
    assert desk.status().daemon_rss_bytes - before < (12e6 if count < 100_000 else 32e6)


def test_generate_from_the_last_clip(house: Any) -> None:  # noqa: F811
    """Also after a restart: the last clip and selection are kept. Regenerate and cancel by knob as well."""
    house.start()
    desk = house.desk()
    clip = (np.arange(88_200, dtype=np.float32) % 100 / 200 - 0.25).reshape(2, -1)
    first = desk.done(make_request("first", clip=ClipSpec(rate=44_100, channels=2, frames=44_100)), [clip])
    house.kill()
    knob = Knob(house.start().osc_port)
    knob.message("/harmonicflow/generate", 7, 1)
    job, position = knob.until("/harmonicflow/accepted")
    assert position == 0
    assert knob.until("/harmonicflow/progress")[0] == job
    assert knob.until("/harmonicflow/done") == [job, f"{job}-1"]
    desk = house.desk()
    second = desk.ask(ListTakes(id="l")).takes[0]
    assert second.take == f"{job}-1"
    assert [row.sha256 for row in second.files] == [row.sha256 for row in first.takes[0].files], "same clip, same seed"
    knob.message("/harmonicflow/regenerate", "bass", 1, 1, 5)
    knob.until("/harmonicflow/done")
    (changed, *_) = desk.ask(ListTakes(id="m")).takes
    assert changed.parent == second.take
    knob.message("/harmonicflow/extend", 1, 5, 1, 2)
    done = [knob.until("/harmonicflow/done")[1] for _ in range(2)]
    options = desk.ask(ListTakes(id="n", limit=2)).takes
    assert {take.take for take in options} == set(done) and {take.parent for take in options} == {changed.take}
    knob.message("/harmonicflow/generate", 8, 64, 16)
    knob.until("/harmonicflow/accepted")
    knob.message("/harmonicflow/cancel")
    assert knob.until("/harmonicflow/error")[0] == "cancelled"
    knob.socket.close()
