"""The spool's inbox against files that want something else: links, pipes, bombs, wild names, floods.

Whatever lies there, the daemon answers within 100 ms at its other doors, reads nothing outside, removes what it refused
and does the good request behind it.
"""

import json
import os
import random
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from daemon.inbox import Inbox
from harmonicflow.core import spool
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import Cancel, ClipSpec
from tests.daemon.conftest import bundle, make_request, open_house  # noqa: F401  (fixtures)
from tests.daemon.scripting import Script

linux = pytest.mark.skipif(sys.platform == "win32", reason="needs pipes and links")

SPEC = ClipSpec(rate=8_000, channels=1, frames=8_000)
CLIP = np.zeros((1, 8_000), np.float32)


@pytest.fixture
def script(open_house: Any) -> Iterator[Script]:  # noqa: F811
    script = Script(open_house.home)
    yield script
    desk = open_house.desk()
    began = time.monotonic()
    assert desk.status().worker in ("ready", "busy")
    assert time.monotonic() - began < 0.1
    assert open_house.process.poll() is None and "a mistake in the daemon" not in open_house.log()


def good(**changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(make_request("x", clip=SPEC))
    return fields | changes


def refused(script: Script, name: str = "x") -> str:
    """The sentence with which a request was refused; nothing of it is left."""
    report = script.end(name, 10)
    assert (report["state"], report["job"], report["takes"]) == ("failed", "", [])
    assert report["error"]["code"] in ("bad_request", "unreadable", "bad_selection"), report
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline and any(file.startswith(f"{name}.") for file in script.waiting()):
        time.sleep(0.01)
    assert not [file for file in script.waiting() if file.startswith(f"{name}.")]
    (script.outbox / f"{name}.json").unlink()
    sentence: str = report["error"]["message"]
    return sentence


TEXTS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "truncated"),
    "noise": (bytes(range(256)), "malformed"),
    "half a character": (b'{"kind": "\xff\xfe"}', ""),
    "deep": (b"[" * 200_000, ""),
    "deep inside": (b'{"kind": "cancel", "id": "x", "more": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}", ""),
    "no kind": (b'{"id": "x"}', "kind"),
    "of another door": (b'{"kind": "shutdown", "id": "x"}', "shutdown"),
    "a number for an id": (b'{"kind": "cancel", "id": 5}', "id"),
    "another id": (b'{"kind": "cancel", "id": "y"}', "holds the request y"),
    "a path for an id": (b'{"kind": "cancel", "id": "../x"}', "id"),
    "a path for a job": (b'{"kind": "cancel", "id": "x", "job": "/etc/passwd"}', "job"),
    "a path for a take": (b'{"kind": "regenerate", "id": "x", "take": "../..", "stems": ["a"], "frames": [0, 9]}', ""),
    "too large": (b'{"kind": "cancel", "id": "x", "note": "' + b"a" * (1 << 20) + b'"}', "more than 1048576"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_request_that_is_none(script: Script, name: str) -> None:
    text, said = TEXTS[name]
    script.put("x.json", text)
    assert said in refused(script)


CLIPS: dict[str, tuple[Any, str]] = {
    "missing": (None, "x.0.f32 is missing"),
    "short": (31_996, "31996 bytes, and the request says 32000"),
    "long": (32_004, "more than 32000"),
    "sparse": (1 << 40, "more than 32000"),
}


@pytest.mark.parametrize("name", CLIPS)
def test_a_sound_of_another_size(script: Script, name: str) -> None:
    size, said = CLIPS[name]
    if size is not None:
        with open(script.inbox / "x.0.f32", "wb") as file:
            try:
                file.truncate(size)
            except OSError:
                pytest.skip("this file system has no holes")
    script.put("x.json", json.dumps(good()).encode())
    assert said in refused(script)


def test_sounds_that_would_fill_the_memory(script: Script) -> None:
    """The sizes are added up before a byte is read."""
    clip = {"rate": 384_000, "channels": 8, "frames": 1_382_400_000}
    script.put("x.json", json.dumps(good(clip=clip)).encode())
    assert "larger than" in refused(script)


def pipe(path: Path, _: Path) -> None:
    os.mkfifo(path)


def link(path: Path, secret: Path) -> None:
    path.symlink_to(secret)


def dangling(path: Path, secret: Path) -> None:
    path.symlink_to(secret.with_name("nowhere"))


def loop(path: Path, _: Path) -> None:
    path.symlink_to(path.name)


def folder(path: Path, _: Path) -> None:
    path.mkdir()


def door(path: Path, _: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path.name)
    os.chdir(here)


def device(path: Path, _: Path) -> None:
    path.symlink_to("/dev/zero")


@linux
@pytest.mark.parametrize("make", [pipe, link, dangling, loop, folder, door, device])
@pytest.mark.parametrize("file", ["x.json", "x.0.f32"])
def test_what_is_no_plain_file(
    script: Script, tmp_path: Path, make: Callable[[Path, Path], None], file: str, proven: Any
) -> None:
    """It is neither waited for nor followed; what a link points at stays, and is not told."""
    secret = tmp_path / "secret"
    secret.write_bytes(json.dumps(good(title="secret")).encode() if file == "x.json" else CLIP.tobytes())
    before = secret.read_bytes()
    if file == "x.json":
        script.put("x.0.f32", CLIP.tobytes())
    make(script.inbox / file, secret)
    if file != "x.json":
        script.put("x.json", json.dumps(good()).encode())
    assert refused(script) == f"the request is not understood: {file} is not a plain file"
    assert secret.read_bytes() == before
    proven("S5")


@linux
def test_a_folder_that_cannot_be_removed_is_refused_once(script: Script, open_house: Any) -> None:  # noqa: F811
    (script.inbox / "x.json").mkdir()
    (script.inbox / "x.json" / "inside").write_text("")
    assert "not a plain file" in script.end("x")["error"]["message"]
    (script.outbox / "x.json").unlink()
    assert script.end(script.send(make_request("behind")))["state"] == "done"
    assert script.report("x") is None
    (script.inbox / "x.json" / "inside").unlink()
    (script.inbox / "x.json").rmdir()
    time.sleep(2.5)  # the names are listed every two seconds at least
    script.put("x.json", b"{")
    assert refused(script), "the name can be used again"


@linux
def test_a_report_is_not_written_through_a_link(script: Script, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (script.outbox / "x.json").symlink_to(victim)
    (script.outbox / ".x.json.tmp").symlink_to(victim)
    script.send(make_request("x"))
    deadline = time.monotonic() + 5
    while (script.outbox / "x.json").is_symlink() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert script.end("x")["state"] == "done"
    assert victim.read_text() == "mine" and not (script.outbox / "x.json").is_symlink()
    (script.outbox / "x.json").unlink()


def test_names_that_cannot_be_ids(script: Script, open_house: Any, proven: Any) -> None:  # noqa: F811
    """They go, unread, and nothing is written for them; what is not a request's at all stays for a day."""
    before = {path for path in open_house.home.parent.rglob("*") if "spool" not in path.parts}
    reports = set(script.outbox.iterdir())
    names = ["-x", "x y", "ä", "x" * 65, "x\ny", "x;rm -rf", "..x", "x\\y", "%00", "'", "$HOME"]
    if sys.platform == "win32":
        names = ["-x", "x y", "ä", "x" * 65, "%00", "'", "$HOME"]
    for name in names:
        (script.inbox / f"{name}.json").write_text(json.dumps(good(id=name)))
    (script.inbox / "readme.txt").write_text("stays")
    assert script.end(script.send(make_request("good")))["state"] == "done"
    deadline = time.monotonic() + 5
    while script.waiting() != ["..x.json", "readme.txt"] and time.monotonic() < deadline:
        time.sleep(0.02)
    assert script.waiting() == ["..x.json", "readme.txt"], "names with a dot are half-written files"
    assert {path.name for path in set(script.outbox.iterdir()) - reports} == {"good.json"}
    after = {path for path in open_house.home.parent.rglob("*") if "spool" not in path.parts}
    assert not [path for path in after - before if "x" == path.stem]
    for name in script.waiting():
        (script.inbox / name).unlink()
    proven("S5")


def test_a_flood_stands_before_nobody(script: Script, open_house: Any) -> None:  # noqa: F811
    """2,500 bad requests at once: the other doors answer as ever, and a good request is done meanwhile."""
    for number in range(2_500):
        (script.inbox / f"flood-{number}.json").write_bytes(b"{")
    good_one = script.send(make_request("in-the-flood"))
    desk = open_house.desk()
    slowest, rss = 0.0, desk.status().daemon_rss_bytes
    deadline = time.monotonic() + 60
    while any(file.startswith("flood") for file in script.waiting()) and time.monotonic() < deadline:
        began = time.monotonic()
        status = desk.status()
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(0.01)
    assert slowest < 0.1, f"{1000 * slowest:.0f} ms"
    assert status.daemon_rss_bytes < rss + (30 << 20)
    assert script.end(good_one)["state"] == "done"
    assert len([path for path in script.outbox.iterdir() if path.name.startswith("flood-")]) == 2_500
    lines = [line for line in open_house.log().splitlines() if "refused a request" in line]
    assert 0 < len(lines) < 100, "logged once a second"


def test_mutated_requests(script: Script, open_house: Any) -> None:  # noqa: F811
    """Each gets an answer; what is still a request is done, or fails in words."""
    chance = random.Random(1)
    text = json.dumps(good(id="fuzz-000", stems=["bass"], like=[], score=None)).encode()
    names = [f"fuzz-{number:03}" for number in range(150)]
    for name in names:
        data = bytearray(text.replace(b"fuzz-000", name.encode()))
        for _ in range(chance.choice((1, 1, 2, 8))):
            place = chance.randrange(len(data))
            data[place : place + chance.choice((0, 1, 1, 5))] = chance.choice(
                (b"", b"9", b"-", b"null", b'"', b"[", b"}", b"1e999", bytes([chance.randrange(256)]))
            )
        script.put(f"{name}.0.f32", CLIP.tobytes())
        script.put(f"{name}.json", bytes(data))
    cancelled: set[str] = set()
    waiting = set(names)
    deadline = time.monotonic() + 60
    while waiting and time.monotonic() < deadline:
        for name in sorted(waiting):
            report = script.report(name)
            if report and report["state"] in ("done", "failed", "cancelled"):
                assert report["state"] != "failed" or report["error"]["message"], report
                waiting.discard(name)
            elif report and name not in cancelled:  # it is still a good request: no need to do it
                cancelled.add(name)
                script.send(Cancel(id=f"cancel-{name}", job=name))
        time.sleep(0.02)
    assert not waiting and cancelled


def test_sweeping(tmp_path: Path) -> None:
    """What nobody can want any more goes after a day; what may still be written or belongs to a request stays."""
    spool.make(tmp_path)
    inbox = Inbox(tmp_path)
    old = time.time() - 90_000
    files = {
        ".half.json.tmp": False, ".fresh.json.tmp": True, "orphan.0.f32": False, "asked.0.f32": True,
        "asked.json": True, "new.0.f32": True, "readme.txt": False, "a.0.1.f32": True, "a.0.json": True,
        "a.1.f32": False,
    }  # fmt: skip
    for name in files:
        (inbox.folder / name).write_text("")
        if name not in (".fresh.json.tmp", "new.0.f32"):
            os.utime(inbox.folder / name, (old, old))
    (inbox.folder / "empty").mkdir()
    os.utime(inbox.folder / "empty", (old, old))
    inbox.sweep()
    assert {path.name for path in inbox.folder.iterdir()} == {name for name, stays in files.items() if stays}


@linux
def test_what_is_exchanged_under_the_readers_hands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain file that becomes a link or a pipe between the two looks is refused, and a pipe is not waited for."""
    path, secret = tmp_path / "x.json", tmp_path / "secret"
    secret.write_text("secret")
    looked = os.lstat

    def exchange(make: Callable[[Path, Path], None]) -> Callable[..., os.stat_result]:
        def look(file: Any, **named: Any) -> os.stat_result:
            found = looked(file, **named)
            if Path(file) == path and stat.S_ISREG(found.st_mode):
                path.unlink()
                make(path, secret)
            return found

        return look

    for make in (link, pipe, folder):
        path.write_text("plain")
        with monkeypatch.context() as patch:
            patch.setattr(os, "lstat", exchange(make))
            with pytest.raises((HarmonicFlowError, OSError)):
                spool.read_plain(path, 100)
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
