"""S3 and S4: other computers. Who is not allowed gets nothing; who listens on the wire sees nothing.

The doors stand on a loopback address here; for the code it is an address like any other.
"""

import contextlib
import json
import os
import socket
import stat
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import soundfile
import zmq
from click.testing import CliRunner

from bridge.client import Client
from bridge.commands.daemon import command
from bridge.fetching import _plain
from bridge.follow import follow
from bridge.results import copy_take
from harmonicflow.core import allowed, connection
from harmonicflow.core.connection import Connection
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import ClipSpec, Ok, Shutdown, Status, StatusReply, TakeSummary, UseModel
from harmonicflow.core.wire import pack
from tests.attacks.wire_tap import Tap
from tests.daemon.conftest import House, bundle, house, make_request, wait_for  # noqa: F401  (fixtures)

PLANTED = "a very secret title 8d1f"


def free_ports() -> int:
    """The first of three ports in a row that nobody has."""
    for first in range(21_000 + os.getpid() % 7_000, 31_000, 3):
        held: list[socket.socket] = []
        try:
            held += [socket.create_server(("127.0.0.1", first + number)) for number in range(3)]
        except OSError:
            continue
        finally:
            for each in held:
                each.close()
        return first
    raise OSError("no three free ports")


class Networked:
    """A daemon that listens for other computers, and the files of those that are allowed."""

    def __init__(self, house: House, folder: Path) -> None:  # noqa: F811
        self.house = house
        self.folder = folder
        self.port = free_ports()

    def allow(self, name: str) -> Connection:
        self.run("allow", name, "--port", str(self.port), "--out", str(self.folder / f"{name}.json"))
        return connection.read_given(self.folder / f"{name}.json")

    def run(self, *words: str) -> str:
        ran = CliRunner().invoke(command, words, catch_exceptions=True)
        if ran.exception and not isinstance(ran.exception, SystemExit):
            raise ran.exception
        assert ran.exit_code == 0, ran.output
        return ran.output

    def network(self) -> str:
        return self.house.desks[0].status().network

    def refused(self) -> int:
        """How many the daemon says it has refused, as far as its log goes."""
        lines = [line for line in self.house.log().splitlines() if "refused a connection from the network" in line]
        return int(lines[-1].split("(")[1].split()[0]) if lines else 0


@pytest.fixture
def networked(house: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Networked]:  # noqa: F811
    """A running daemon with `listen` set, and the laptop allowed."""
    monkeypatch.setenv("HARMONICFLOW_LISTEN", "127.0.0.1")
    house.environment["HARMONICFLOW_LISTEN"] = "127.0.0.1"
    networked = Networked(house, tmp_path)
    networked.allow("laptop")
    house.start()
    house.desk()
    wait_for(lambda: networked.network().startswith("listens"))
    yield networked
    assert "Traceback" not in house.log()


def hears(given: Connection, seconds: float = 1.0) -> bool:
    """Whether a daemon answers a connection at its control door."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as door:
        door.linger = 0
        if given.server:
            door.curve_serverkey = given.server.encode()
            door.curve_publickey, door.curve_secretkey = given.public.encode(), given.secret.encode()
        door.connect(given.control)
        door.send_multipart(pack(given.key_bytes, Status(id="a")))
        return bool(door.poll(int(seconds * 1000)))


def stranger(given: Connection) -> Connection:
    public, secret = zmq.curve_keypair()
    return msgspec.structs.replace(given, public=public.decode(), secret=secret.decode())


def test_an_allowed_computer_works_as_at_home(networked: Networked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work, control and events, through the file alone."""
    monkeypatch.setenv("HARMONICFLOW_CONNECTION", str(networked.folder / "laptop.json"))
    clip = np.random.default_rng(0).standard_normal((2, 44_100)).astype(np.float32) * 0.1
    events, blocks = [], []
    with Client.connect() as client:
        assert client.connection.pid == 0 and client.status().queued == 0
        request = make_request("far", clip=ClipSpec(rate=44_100, channels=2, frames=44_100))
        done = client.perform(request, [clip], events.append, lambda block, sound: blocks.append(block))
        assert client.perform(request, [clip]) == done, "the same request again"
    assert done.takes[0].frames == 44_100 and blocks
    assert {event.state for event in events} >= {"running", "writing"}
    assert networked.house.takes() == {done.takes[0].take}


def test_a_take_from_elsewhere_is_brought_here(networked: Networked, monkeypatch: pytest.MonkeyPatch) -> None:
    """`generate` on the laptop: its own home, and the same files as where the daemon is, sample for sample."""
    monkeypatch.setenv("HARMONICFLOW_CONNECTION", str(networked.folder / "laptop.json"))
    monkeypatch.setenv("HARMONICFLOW_HOME", str(networked.folder / "home of the laptop"))
    with Client.connect() as client:
        [take] = follow(client, make_request("far", delivery="mixed"))
    there = networked.house.home / "takes" / take.take
    here = Path(take.folder)
    assert here.parent.parent == networked.folder / "home of the laptop"
    assert {path.name for path in here.iterdir()} == {
        *(row.file for row in take.files), *take.parts.values(), "score.mid", "take.json"
    }  # fmt: skip
    for row in take.files:
        ours, theirs = (soundfile.read(folder / row.file, dtype="float32") for folder in (here, there))
        assert ours[1] == theirs[1] and np.array_equal(ours[0], theirs[0])
    assert (here / "score.mid").read_bytes() == (there / "score.mid").read_bytes()
    assert json.loads((here / "take.json").read_text()) == json.loads((there / "take.json").read_text())
    copied = copy_take(take, networked.folder)
    assert (Path(copied.folder) / "mix.wav").exists()


@pytest.mark.parametrize("name", ["../x.wav", "/etc/x", "a/b", "", ".x", "a:b", "a\\b", "x\0"])
def test_a_daemon_elsewhere_names_no_place_here(name: str) -> None:
    take = TakeSummary(take="t", folder="/")
    with pytest.raises(HarmonicFlowError) as found:
        _plain(take, name)
    assert found.value.code == "bad_take"


def test_without_somebody_allowed_nothing_listens(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Nor without an address; either is said in words. This computer's programs work as ever."""
    monkeypatch.delenv("HARMONICFLOW_LISTEN", raising=False)
    with pytest.raises(HarmonicFlowError) as found:
        Networked(house, house.home.parent).allow("laptop")
    assert found.value.code == "network_closed" and "settings.toml" in found.value.todo
    house.environment["HARMONICFLOW_LISTEN"] = "127.0.0.1"
    house.start()
    status = house.desk().status()
    assert status.network == "it is to listen at 127.0.0.1, but no computer is allowed"
    sockets = _listening(house.process.pid)
    assert sockets and all(port > 32_000 for _, port in sockets), sockets


def test_at_home_every_door_is_on_loopback(house: Any) -> None:  # noqa: F811
    """Asked of the system, not of the daemon."""
    house.start()
    found = _listening(house.process.pid)
    assert len(found) >= 4 and {host for host, _ in found} == {"127.0.0.1"}
    assert house.desk().status().network == ""


def test_outsiders_get_nothing(networked: Networked, proven: Any) -> None:
    """No key, another key, another daemon's key, the signing key alone: refused and counted, and no answer."""
    laptop = connection.read_given(networked.folder / "laptop.json")
    assert hears(laptop, 5.0)
    plain = msgspec.structs.replace(laptop, server="", public="", secret="")
    other = msgspec.structs.replace(laptop, server=zmq.curve_keypair()[0].decode())
    for outsider in (plain, stranger(laptop), other):
        before = networked.refused()
        assert not hears(outsider)
        wait_for(lambda before=before: networked.refused() > before, 5)
    assert hears(laptop, 5.0), "and it is still open for who is allowed"
    signed_otherwise = msgspec.structs.replace(laptop, key="00" * 32)
    assert hears(signed_otherwise, 5.0), "a sentence: its connection is allowed, its message is not"
    proven("S3", cases=4, measured=f"{networked.refused()} connections refused and counted")


def closed(port: int) -> bool:
    """Whether nobody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


def test_who_is_taken_back_is_out_at_once(networked: Networked) -> None:
    """Also with connections that stand: no answer, no event; and a client says why."""
    phone = networked.allow("phone")
    wait_for(lambda: hears(phone), 5)
    with Client(phone) as client, Client(connection.read_given(networked.folder / "laptop.json")) as laptop:
        assert isinstance(client.ask(Status(id="a"), StatusReply), StatusReply)
        events, others = (each._socket(zmq.SUB, each.connection.events) for each in (client, laptop))
        for each in (events, others):
            each.subscribe(b"")
        laptop.ask(Status(id="b"), StatusReply)
        time.sleep(0.3)
        assert "phone" in networked.run("allow")
        networked.run("allow", "phone", "--remove")
        assert "phone" not in networked.run("allow")
        deadline = time.monotonic() + 2.0
        while time.monotonic() < deadline:
            for each in (events, others):  # ZeroMQ subscribes anew when a socket is looked at
                if each.poll(50):
                    each.recv_multipart()
        networked.house.desks[0].done(make_request("heard"))
        assert not events.poll(500), "a subscriber that was taken back"
        assert others.poll(5_000), "the others hear on"
        client._send(client._control, Status(id="c"))
        assert not client._control.poll(500)
    with Client(phone) as client, pytest.raises(HarmonicFlowError) as found:
        client.ask(Status(id="d"), StatusReply)
    assert found.value.code == "denied" and "phone is not allowed" in found.value.message
    networked.run("allow", "laptop", "--remove")
    wait_for(lambda: networked.network().endswith("no computer is allowed"), 5)
    wait_for(lambda: closed(networked.port), 5)  # ZeroMQ closes a door in a thread of its own
    with pytest.raises(HarmonicFlowError) as found:
        networked.run("allow", "laptop", "--remove")
    assert found.value.code == "unknown_client"


def test_only_the_owner_ends_the_daemon(networked: Networked) -> None:
    with Client(connection.read_given(networked.folder / "laptop.json")) as client:
        for question in (Shutdown(id="end"), UseModel(id="use", model="tiny")):
            with pytest.raises(HarmonicFlowError) as found:
                client.ask(question, Ok)
            assert found.value.code == "denied"
        assert client.status().pid == networked.house.process.pid  # type: ignore[union-attr]


@pytest.mark.parametrize("encrypted", [True, False])
def test_an_eavesdropper_sees_no_payload(networked: Networked, encrypted: bool, proven: Any) -> None:
    """All bytes of all three doors: no word of the request, no sample of the clip or of the sound that came back.

    At the doors of this computer alone, which are not encrypted, the same looking finds all of it.
    """
    laptop = connection.read_given(networked.folder / "laptop.json")
    given = laptop if encrypted else networked.house.desks[0].connection
    doors = (given.work, given.control, given.events)
    with contextlib.ExitStack() as stack:
        taps = [stack.enter_context(Tap(int(door.rpartition(":")[2]))) for door in doors]
        ends = [f"tcp://127.0.0.1:{tap.port}" for tap in taps]
        clip = np.random.default_rng(8).standard_normal((1, 44_100)).astype(np.float32) * 0.1
        sound: list[bytes] = [clip.tobytes()]
        with Client(msgspec.structs.replace(given, work=ends[0], control=ends[1], events=ends[2])) as client:
            client.status()
            request = make_request("tapped", title=PLANTED, clip=ClipSpec(rate=44_100, channels=1, frames=44_100))
            done = client.perform(
                request, [clip], lambda _: None, lambda _, buffers: sound.extend(bytes(each) for each in buffers)
            )
            time.sleep(0.3)
        seen = [tap.seen for tap in taps]
    assert len(seen[0]) > sum(map(len, sound)) and all(len(each) > 500 for each in seen), "all of it went by the tap"
    words = (PLANTED, "tapped", '"kind"', "jobevent", "statusreply", done.takes[0].take, done.job)
    found = [word for word in words if any(word.encode() in each for each in seen)]
    pieces = [piece for each in sound for at in range(0, len(each) - 8, 4 * 997) if any(piece := each[at : at + 8])]
    heard = sum(any(piece in each for each in seen) for piece in pieces)
    assert len(pieces) > 100
    assert (len(found), heard) == ((0, 0) if encrypted else (len(words), len(pieces))), found
    if encrypted:
        total = sum(map(len, seen))
        proven("S4", cases=len(words) + len(pieces), measured=f"0 of them in {total:,} bytes on the wire")


def test_who_asks_without_a_key_is_told_nothing(networked: Networked, proven: Any) -> None:
    laptop = connection.read_given(networked.folder / "laptop.json")
    with Tap(networked.port + 1) as control, Tap(networked.port + 2) as events:
        plain = msgspec.structs.replace(laptop, server="", control=f"tcp://127.0.0.1:{control.port}")
        assert not hears(plain)
        with zmq.Context() as context, context.socket(zmq.SUB) as listener:
            listener.linger = 0
            listener.subscribe(b"")
            listener.connect(f"tcp://127.0.0.1:{events.port}")
            networked.house.desks[0].done(make_request("unheard"))
            assert not listener.poll(500)
        for tap in (control, events):
            assert b"kind" not in tap.seen and all(len(back) <= 64 for _, back in tap.connections), "a greeting"
    proven("S4", cases=2)


def test_what_was_recorded_cannot_be_played_back(networked: Networked, proven: Any) -> None:
    """A whole connection, byte for byte: the daemon's half of each handshake is new."""
    laptop = connection.read_given(networked.folder / "laptop.json")
    with Tap(networked.port + 1) as tap:
        assert hears(msgspec.structs.replace(laptop, control=f"tcp://127.0.0.1:{tap.port}"), 5.0)
        [(said, answered)] = tap.connections
    before = networked.refused()
    with socket.create_connection(("127.0.0.1", networked.port + 1)) as raw:
        raw.settimeout(5)
        raw.sendall(bytes(said))
        heard = b""
        try:
            while data := raw.recv(65_536):
                heard += data
        except (ConnectionResetError, TimeoutError):
            pass
    assert len(heard) < len(answered) - 64, "greeting and WELCOME at most, no reply"
    wait_for(lambda: networked.refused() > before, 5)
    assert hears(laptop, 5.0)
    proven("S3")


def test_a_flood_of_strangers_stands_before_nobody(networked: Networked, proven: Any) -> None:
    """300 handshakes that fail or never end: this computer's programs are answered within 100 ms."""
    laptop = connection.read_given(networked.folder / "laptop.json")
    curve = b"\xff" + struct.pack(">Q", 1) + b"\x7f\x03\x01CURVE" + b"\0" * 48
    desk, slowest = networked.house.desks[0], 0.0
    rss = desk.status().daemon_rss_bytes
    held = []
    for turn in range(300):
        raw = socket.create_connection(("127.0.0.1", networked.port + turn % 3))
        hello = b"\x04\xc8\x05HELLO\x01\x00" + bytes(72) + os.urandom(32) + struct.pack(">Q", 1) + os.urandom(80)
        raw.sendall((curve + hello, curve, b"GET / HTTP/1.1\r\n\r\n", os.urandom(200))[turn % 4])
        held.append(raw)
        if turn % 10 == 0:
            began = time.monotonic()
            desk.status()
            slowest = max(slowest, time.monotonic() - began)
    assert slowest < 0.1 and desk.status().daemon_rss_bytes - rss < 10e6
    for raw in held:
        raw.close()
    assert hears(laptop, 5.0)
    proven("S3", cases=300, measured=f"status within {1000 * slowest:.0f} ms meanwhile")


def test_files_of_keys_are_the_owners_alone(networked: Networked, proven: Any) -> None:
    laptop = networked.folder / "laptop.json"
    home = networked.house.home
    for folder in (home, home / "run", home / "network", home / "network" / "clients"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in (laptop, home / "run" / "daemon.json", home / "network" / "daemon.json",
                 home / "network" / "clients" / "laptop.json"):  # fmt: skip
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    given = json.loads(laptop.read_text())
    everything = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert given["secret"].encode() not in everything, "the secret half is nowhere but in the file"
    laptop.chmod(0o644)
    with pytest.raises(HarmonicFlowError) as found:
        connection.read_given(laptop)
    assert found.value.code == "denied"
    proven("S3", cases=8)


@pytest.mark.parametrize("broken", ["{}", "", "[" * 9_999, '{"pid": 0}', None])
def test_a_broken_connection_file_is_said(broken: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never is another daemon taken, or started, in the place of the one that is named."""
    file = tmp_path / "laptop.json"
    if broken is not None:
        file.write_text(broken)
        file.chmod(0o600)
    monkeypatch.setenv("HARMONICFLOW_CONNECTION", str(file))
    with pytest.raises(HarmonicFlowError) as found:
        Client.connect()
    assert found.value.code == "bad_connection" and "daemon allow" in found.value.todo


@pytest.mark.parametrize("name", ["", "../x", "a/b", "x" * 65, "é", "-x", "a b", ".", "CON.json", "a\0b"])
def test_names_that_cannot_be_files(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARMONICFLOW_HOME", str(tmp_path / "home"))
    with pytest.raises(HarmonicFlowError) as found:
        allowed.allow(name, "0" * 40)
    assert found.value.code == "bad_option" and not (tmp_path / "home").exists()


def test_a_name_is_given_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARMONICFLOW_HOME", str(tmp_path / "home"))
    allowed.allow("laptop", "0" * 40)
    with pytest.raises(HarmonicFlowError) as found:
        allowed.allow("Laptop", "1" * 40)
    assert "--remove" in found.value.message and list(allowed.clients()) == ["0" * 40]


def _listening(pid: int | None) -> set[tuple[str, int]]:
    """The TCP sockets on which a process listens, as Linux tells it."""
    inodes = set()
    try:
        for each in Path(f"/proc/{pid}/fd").iterdir():
            target = os.readlink(each)
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
        rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
        rows += [line.split() for line in Path(f"/proc/{pid}/net/tcp6").read_text().splitlines()[1:]]
    except OSError:
        pytest.skip("needs Linux's /proc")
    found = set()
    for row in rows:
        if row[3] == "0A" and row[9] in inodes:
            host, port = row[1].split(":")
            found.add((socket.inet_ntoa(bytes.fromhex(host)[::-1]) if len(host) == 8 else host, int(port, 16)))
    return found


