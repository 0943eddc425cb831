"""S5: names and paths in messages. Python itself tells what the daemon and its worker open: nothing outside.

The processes run with an audit hook (PEP 578) that writes down every path they open, list, make, rename or remove.
"""

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from daemon.inbox import NAME
from harmonicflow.core import messages
from harmonicflow.core.messages import (
    Cancel,
    ClipSpec,
    Extend,
    Failed,
    GetTake,
    Message,
    Regenerate,
    ShowTake,
    Status,
    StatusReply,
)
from tests.attacks.fuzz_zmq import seal
from tests.daemon.conftest import House, bundle, make_request  # noqa: F401  (fixtures)
from tests.daemon.scripting import Script

HOOK = """
import os, sys
_log = os.open({log!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
_wanted = {{"open", "os.listdir", "os.scandir", "os.mkdir", "os.rmdir", "os.remove", "os.rename", "os.link",
            "os.symlink", "os.chmod", "os.truncate", "os.utime", "shutil.rmtree", "shutil.copyfile",
            "subprocess.Popen"}}
def _note(event, arguments):
    if event in _wanted:
        for each in arguments[:2]:
            if isinstance(each, (str, bytes)) or hasattr(each, "__fspath__"):
                os.write(_log, (event + " " + repr(os.fsdecode(each)) + "\\n").encode())
sys.addaudithook(_note)
"""


class Watched:
    """A daemon whose files are watched, and a folder outside with a secret that nobody is to touch."""

    def __init__(self, house: House, outside: Path, log: Path) -> None:
        self.house, self.outside, self.log = house, outside, log
        self.secret = outside / "plum"

    def names(self) -> list[str]:
        """Ways out, absolute and relative, and names that are trouble somewhere."""
        up = "../" * 12 + str(self.secret).lstrip("/")
        return [
            str(self.secret), up, up.replace("/", "\\"), f"last/{up}", f"..{up}", "../plum", "..", ".", "/", "~",
            f"file://{self.secret}", f"{self.secret}\0", f"\0{self.secret}", f"last\0{self.secret}", "x" * 300,
            "CON", "nul.json", "com1", "LPT9.txt", "aux", "name.", "name ", " name", "a:b", "C:\\plum", "\\\\host\\x",
            "$HOME", "%TEMP%", "`id`", "; touch x", "$(id)", "|id", "*", "?", "é", "\u202e", "name\n", "\ud7ff",
            "link", "link/plum", "orchard-link/plum",
        ]  # fmt: skip

    def touched(self) -> list[str]:
        """What was done to anything outside, or to a name that came from a message."""
        lines = self.log.read_text().splitlines()
        assert len(lines) > 100, "the hook listens"
        return [line for line in lines if "orchard" in line or "plum" in line]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Iterator[Watched]:  # noqa: F811
    folder = tmp_path_factory.mktemp("watched")
    hook, log, outside = folder / "hook", folder / "opened.txt", folder / "orchard"
    hook.mkdir()
    outside.mkdir()
    (hook / "sitecustomize.py").write_text(HOOK.format(log=str(log)))
    (outside / "plum").write_text("secret")
    house = House(folder / "home", bundle)
    house.environment["PYTHONPATH"] = str(hook)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARMONICFLOW_HOME", str(house.home))
        house.start()
        desk = house.desk()
        desk.until_ready()
        desk.done(make_request("first"))
        (house.home / "takes" / "link").symlink_to(outside)
        (house.home / "takes" / "orchard-link").symlink_to(outside)
        (house.home / "jobs" / "link").symlink_to(outside)
        yield Watched(house, outside, log)
        house.close()


def fields(message: Message) -> list[str]:
    """The names of what holds text in a message."""
    return [each.name for each in msgspec.structs.fields(message) if each.name != "kind"]


def asked(name: str, number: int) -> list[tuple[str, Message, str]]:
    """Door, a good message, and the field whose text is to be replaced."""
    clip = ClipSpec(rate=8_000, channels=1, frames=8, name="clip.wav")
    work = (
        make_request(f"r{number}", clip=clip, model="tiny", title="t", genre="rock", mood="happy", prompt="p", key="C"),
        Regenerate(id=f"g{number}", take="last", stems=("bass",), from_bar=1, to_bar=1, model="tiny", title="t"),
        Extend(id=f"e{number}", take="last", bars=1, model="tiny", title="t"),
    )
    control = (ShowTake(id="a", take="last"), GetTake(id="a", take="last"), Cancel(id="a", job="none"))
    rows = [("work", each, field) for each in work for field in fields(each)]
    rows += [("control", each, field) for each in control for field in fields(each)]
    return [row for row in rows if isinstance(getattr(row[1], row[2]), str | tuple | ClipSpec)]


def with_name(message: Message, field: str, name: str) -> bytes:
    """The message as JSON with a name in the place of a field's text, past every check on this side."""
    table = msgspec.to_builtins(message)
    old = table[field]
    table[field] = [name] if isinstance(old, list) else {**old, "name": name} if isinstance(old, dict) else name
    return msgspec.json.encode(table)


def test_no_name_in_a_message_leads_outside(watched: Watched, proven: Any) -> None:
    """Every text of every message that has one: refused, not found, or taken for the words that it is."""
    desk, cases = watched.house.desk(), 0
    dice = random.Random(5)
    names = watched.names()
    for number, name in enumerate(names):
        for door, message, field in asked(name, number):
            if field in ("tempo", "selection", "chords") or (field == "title" and dice.random() < 0.8):
                continue
            header = with_name(message, field, name)
            buffers = [b"\0" * 32] if getattr(message, "clip", None) else []
            socket = desk.work if door == "work" else desk.control
            socket.send_multipart([seal(desk.key, [header, *buffers]), header, *buffers])
            cases += 1
        for job in desk.status().jobs:
            if job.state in ("queued", "loading", "running", "writing"):
                desk.ask(Cancel(id=f"c{cases}", job=job.job))
        assert isinstance(desk.ask(Status(id="s")), StatusReply)
    desk.until(lambda status: not status.queued and status.worker == "ready")
    assert watched.touched() == []
    assert [path.name for path in watched.outside.iterdir()] == ["plum"] and watched.secret.read_text() == "secret"
    beside = {path.name for path in watched.house.home.parent.iterdir()}
    assert beside == {"home", "hook", "opened.txt", "orchard", "output.txt"}
    assert "a mistake in the daemon" not in watched.house.log()
    proven("S5", cases=cases, measured="texts of messages; 0 files outside opened, by Python's own audit")


def test_links_in_the_folder_of_takes_are_no_takes(watched: Watched, proven: Any) -> None:
    desk = watched.house.desk()
    for take in ("link", "orchard-link", ".staging"):
        for question in (ShowTake(id="a", take=take), GetTake(id="b", take=take)):
            if take.startswith("."):
                header = with_name(question, "take", take)
                desk.control.send_multipart([seal(desk.key, [header]), header])
                answer = desk.receive(desk.control, messages.ControlReply)[0]
            else:
                answer = desk.ask(question)
            assert isinstance(answer, Failed) and answer.error.code in ("unknown_take", "bad_request"), answer
    assert watched.touched() == []
    proven("S5", cases=6)


@pytest.mark.skipif(sys.platform == "win32", reason="such files cannot be made there")
def test_names_of_devices_are_no_requests_of_the_spool(watched: Watched, proven: Any) -> None:
    """On Windows CON.json is the keyboard, in every folder."""
    script = Script(watched.house.home)
    for name in ("CON", "nul", "com1.x", "LPT9"):
        script.put(f"{name}.json", msgspec.json.encode(Cancel(id="x")))
    assert script.end(script.send(make_request("behind")))["state"] == "done"
    deadline_names = [file for file in script.waiting() if not file.startswith(".")]
    assert deadline_names == [] and not [path for path in script.outbox.iterdir() if path.stem in ("CON", "nul")]
    proven("S5", cases=4)


@pytest.mark.parametrize(
    ("name", "good"),
    [("CON", 0), ("con.txt", 0), ("nul", 0), ("Lpt1.x", 0), ("a.", 0), ("-a", 0), ("", 0), ("x" * 65, 0), ("a\n", 0),
     ("console", 1), ("com", 1), ("com12", 1), ("nul_", 1), ("a.b", 1), ("a", 1), ("x" * 64, 1)],
)  # fmt: skip
def test_what_may_be_an_id(name: str, good: bool) -> None:
    assert bool(NAME.fullmatch(name)) is bool(good)
    try:
        msgspec.json.decode(msgspec.json.encode({"kind": "status", "id": name}), type=Status)
        assert good
    except msgspec.ValidationError:
        assert not good


def test_the_hook_would_see_it(tmp_path: Path) -> None:
    """The watch itself: a process under it that opens a file outside is noted."""
    import subprocess

    (tmp_path / "sitecustomize.py").write_text(HOOK.format(log=str(tmp_path / "log")))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    subprocess.run([sys.executable, "-c", "import os; os.listdir('/outside-no')"], env=environment, capture_output=True)
    assert "outside-no" in (tmp_path / "log").read_text()


