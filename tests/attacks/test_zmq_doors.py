"""S2: broken messages and connections at every ZeroMQ door, those for other computers too."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harmonicflow.core.messages import Status, StatusReply
from tests.attacks.fuzz import corpus
from tests.attacks.fuzz_zmq import GREETING, Attacker, Fared, attack
from tests.attacks.test_network import Networked
from tests.daemon.conftest import House, bundle, make_request  # noqa: F401  (fixtures)

SEED = 20_261_122
NIGHT = [pytest.mark.night, pytest.mark.timeout(3_600)]


@pytest.fixture(scope="module")
def networked(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Iterator[Networked]:  # noqa: F811
    """A daemon with all its doors, at home and for others."""
    folder = tmp_path_factory.mktemp("networked")
    house = House(folder / "home", bundle)
    networked = Networked(house, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARMONICFLOW_HOME", str(house.home))
        patch.setenv("HARMONICFLOW_LISTEN", "127.0.0.1")
        house.environment["HARMONICFLOW_LISTEN"] = "127.0.0.1"
        networked.allow("laptop")
        house.start()
        house.desk().until(lambda status: status.network.startswith("listens") and status.worker == "ready")
        yield networked
        house.close()


def ports(networked: Networked) -> list[int]:
    home = networked.house.desks[0].connection
    doors = [int(door.rpartition(":")[2]) for door in (home.work, home.control, home.events)]
    return doors + [networked.port + number for number in range(3)]


@pytest.mark.parametrize("count", [10_000, pytest.param(100_000, marks=NIGHT)])
def test_broken_messages_and_connections(networked: Networked, count: int, proven: Any) -> None:
    """What harms a door is saved in the corpus."""
    house = networked.house
    desk = house.desks[0]
    attack(desk.connection, ports(networked), 500, 1, lambda: 0)  # what is kept for good is there now
    before = desk.status().daemon_rss_bytes
    mistakes = lambda: house.log().count("a mistake in the daemon")  # noqa: E731
    fared = attack(desk.connection, ports(networked), count, SEED, mistakes)
    desk.until(lambda status: not status.queued and status.worker == "ready")
    grown = desk.status().daemon_rss_bytes - before
    proven("S2", cases=fared.inputs, measured=f"{fared}; memory {grown / 1e6:+.1f} MB")
    assert not fared.harmful and fared.slowest_s < 0.1, fared
    assert grown < 5e6
    assert fared.answered["bad_request"] > 0.2 * count and fared.answered["denied"] > 0.1 * count
    assert fared.answered["raw connections"] > 0.09 * count
    assert "Traceback" not in house.log()


def test_what_once_did_harm(networked: Networked) -> None:
    desk = networked.house.desks[0]
    attacker = Attacker(desk.connection, ports(networked), Fared())
    try:
        for each in corpus("zmq").values():
            assert attacker.send([each]) < 0.1
    finally:
        attacker.close()
    assert "a mistake in the daemon" not in networked.house.log()


@pytest.mark.parametrize("version", [0, 1])
def test_a_peer_of_an_old_protocol_leaves_nothing_behind(networked: Networked, version: int, proven: Any) -> None:
    """libzmq 4.3.5 keeps up to 13 kB of each connection that speaks ZMTP 1 or 2 (no version, or 1), for good."""
    desk = networked.house.desks[0]
    attacker = Attacker(desk.connection, ports(networked)[:3], Fared())
    old = GREETING[:10] + bytes([version]) + bytes(range(54))
    try:
        attacker.send([b"%d" % (turn % 3) + old for turn in range(300)])
        before = desk.status().daemon_rss_bytes
        for turn in range(30):
            assert attacker.send([b"%d" % (turn % 3) + old] * 40) < 0.1
    finally:
        attacker.close()
    grown = desk.status().daemon_rss_bytes - before
    proven("S2", cases=1_200, measured=f"memory {grown / 1e6:+.1f} MB after 1,200 peers of an old protocol")
    assert grown < 2e6


def test_connections_do_not_eat_up_the_descriptors(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch, proven: Any  # noqa: F811
) -> None:
    """A daemon that is started with macOS's usual 256: 600 connections that say nothing, and a take is written."""
    resource = pytest.importorskip("resource")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < 2_048:
        pytest.skip("this system lends too few")
    monkeypatch.setenv("HARMONICFLOW_HOME", str(tmp_path / "home"))
    house = House(tmp_path / "home", bundle)
    house.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard)))
    try:
        desk = house.desk()
        desk.until_ready()
        port = int(desk.connection.control.rpartition(":")[2])
        held = [socket.create_connection(("127.0.0.1", port)) for _ in range(600)]
        desk.done(make_request("meanwhile"))
        for raw in held:
            raw.close()
    finally:
        house.close()
    proven("S2", cases=600)


def test_half_open_handshakes(networked: Networked, proven: Any) -> None:
    """600 that never go on, at six doors: all are closed within the handshake's time, and nobody waits for them."""
    desk, slowest, held = networked.house.desks[0], 0.0, []
    for turn in range(600):
        raw = socket.create_connection(("127.0.0.1", ports(networked)[turn % 6]))
        raw.sendall(GREETING[: turn % 65])
        held.append(raw)
        if turn % 20 == 0:
            began = time.monotonic()
            assert isinstance(desk.ask(Status(id="a")), StatusReply)
            slowest = max(slowest, time.monotonic() - began)
    descriptors = len(list(Path(f"/proc/{networked.house.process.pid}/fd").iterdir()))  # type: ignore[union-attr]
    closed = 0
    for raw in held:
        raw.settimeout(5)
        try:
            while raw.recv(4_096):
                pass
            closed += 1
        except ConnectionResetError:
            closed += 1
        except TimeoutError:
            pass
        raw.close()
    proven("S2", cases=len(held), measured=f"{closed} of {len(held)} half-open handshakes closed in time")
    assert closed == len(held) and slowest < 0.1 and descriptors > 500
