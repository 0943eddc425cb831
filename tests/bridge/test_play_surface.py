"""`play --surface` against a real daemon: a controller's datagrams in, and what the device is given out."""

import io
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import soundfile
import zmq

from bridge.audition import surface_link
from bridge.audition.deck import Deck
from bridge.audition.rendering import Playable
from bridge.audition.score_out import notes_of
from bridge.audition.sounding import Output
from bridge.audition.sounds import take_folder
from bridge.audition.surface import OnSurface
from bridge.clock.ports import library
from harmonicflow.core import connection, osc
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.paths import takes_folder
from harmonicflow.core.tempo import Selection
from tests.bridge.conftest import CommandLine
from tests.bridge.stand_in_device import Device, use

RATE = 44_100


def knob(name: str, *values: osc.Value) -> None:
    """A controller: sends, whoever hears."""
    found = connection.find()
    assert found is not None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sends:
        sends.sendto(osc.build(f"/harmonicflow/{name}", *values), ("127.0.0.1", found.osc_port))


def wait_for(look: Any, seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


@pytest.fixture(scope="module")
def command(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A home with two takes, and its daemon."""
    run = CommandLine(tmp_path_factory.mktemp("surface") / "home", bundle)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in run.env.items():
            patch.setenv(name, value)
        made = run("generate", "--bars", "4", "--tempo", "120", "--options", "2", "--seed", "3", "--preview", "--json")
        assert made.code == 0, made.err
        yield run
    run.close()


class Playing:
    """`harmonicflow play` in a thread, to a device that is there."""

    def __init__(self, device: Device, *words: str) -> None:
        from bridge.cli import run

        self.device, self.code = device, -1
        self._thread = threading.Thread(target=lambda: setattr(self, "code", run(["play", *words])), daemon=True)
        self._thread.start()
        wait_for(lambda: device.heard)

    def loud(self, seconds: float = 0.2) -> np.ndarray:
        """How loud each side is of what comes next."""
        first = len(self.device.heard)
        time.sleep(seconds)
        return np.sqrt(np.mean(np.concatenate(self.device.heard[first:]) ** 2, axis=0))

    def end(self) -> None:
        self.device.stream.active = False
        self._thread.join(10)
        self.device.running.clear()


def where(device: Device, sound: np.ndarray) -> int | None:
    """Which frame of a sound the last thing heard is, None where it is none."""
    heard = np.concatenate(device.heard[-4:])[-600:] if device.heard else np.zeros((1, 2))
    if not heard.any():
        return None
    pattern = heard[:64]
    for start in np.flatnonzero((sound == pattern[0]).all(axis=1)):
        if np.array_equal(sound[start : start + 64], pattern):
            return int(start)
    return None


def test_a_daemon_elsewhere_has_no_surface(
    command: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its connection file names no OSC door: controllers knock at the computer that it runs on."""
    from bridge.cli import run

    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.touch(mode=0o600)
    known = json.loads((command.home / "run" / "daemon.json").read_text())
    public, secret = (key.decode() for key in zmq.curve_keypair())
    keys = {"name": "laptop", "server": public, "public": public, "secret": secret}
    elsewhere.write_text(json.dumps(known | keys | {"osc_port": 0, "pid": 0}))
    monkeypatch.setenv(connection.VARIABLE, str(elsewhere))
    use(Device(), monkeypatch)
    assert run(["play", "--surface", "--json"]) != 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["error"]["code"] == "no_surface"


def test_a_controller_plays_what_it_chooses(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Chosen, played, located, stopped, another one chosen; and the same after the daemon was started anew."""
    monkeypatch.setattr(surface_link, "LOOK_S", 0.1)
    device = Device()
    use(device, monkeypatch)
    takes = sorted(file.parent for file in (command.home / "takes").glob("*/take.json"))
    sounds = [np.clip(soundfile.read(take / "mix.wav", dtype="float32")[0], -1, 1) for take in takes]
    playing = Playing(device, "--surface", "--loop")
    time.sleep(0.3)
    assert where(device, sounds[1]) is None and not np.concatenate(device.heard).any()
    knob("play")
    wait_for(lambda: where(device, sounds[1]) is not None)  # the newest take is chosen
    knob("stop")
    wait_for(lambda: not np.concatenate(device.heard[-4:]).any())
    knob("choose", 1)
    knob("locate", 8.0)
    knob("continue")
    frame = wait_for(lambda: where(device, sounds[0]))
    assert 176_400 < frame < 176_400 + RATE  # beat 8 of 120 BPM is at 4 s; the stand-in is four times as fast
    assert command("daemon", "stop").code == 0
    assert command("daemon", "start").code == 0
    time.sleep(0.5)
    knob("stop")
    wait_for(lambda: not np.concatenate(device.heard[-4:]).any())
    playing.end()
    said = capsys.readouterr().err
    assert f"take: {takes[1].name}" in said and f"take: {takes[0].name}" in said
    assert "the daemon is gone" in said and "the daemon is there again" in said


def test_the_head_turns_and_sounds_stay(command: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a controller while it plays; and at once with --head: what is heard is what the headphones render."""
    device = Device()
    use(device, monkeypatch)
    playing = Playing(device, "--surface", "last", "--binaural", "--loop")
    knob("play")
    wait_for(lambda: playing.loud().any())
    sides = {}
    for yaw in (90.0, -90.0):
        knob("head", yaw, 0.0, 0.0)
        time.sleep(0.3)
        knob("play")  # the same two bars both times
        sides[yaw] = playing.loud(0.6)
    knob("stop")
    playing.end()
    balance = {yaw: 20 * np.log10(left / right) for yaw, (left, right) in sides.items()}
    assert balance[90.0] < -0.2 and balance[-90.0] > 0.2, balance  # what was in front is now right of the nose
    from bridge.audition.headphones import Headphones
    from bridge.audition.sounds import take_folder

    device = Device()
    use(device, monkeypatch)
    Playing(device, "last", "--binaural", "--head", "30,-10")._thread.join(20)
    headphones = Headphones.of_take(take_folder("last"))
    headphones.turn(30, -10)
    wanted = np.concatenate([piece.T for piece in headphones.stream(4096)])
    np.testing.assert_allclose(np.concatenate(device.heard)[: len(wanted)], np.clip(wanted, -1, 1), atol=1e-6)


def test_without_a_daemon(monkeypatch: pytest.MonkeyPatch, run_here: Any) -> None:
    use(Device(), monkeypatch)
    ran = run_here("play", "--surface")
    assert ran.code == 3 and "no daemon is running" in ran.err and ran.err.count("\n") == 1


class Sine:
    frames = 10 * RATE

    def render(self, start_frame: int, frames: int) -> np.ndarray:
        return np.full((2, frames), (start_frame + 1) / self.frames, np.float32)


class Turning(Sine):
    """Headphones that remember where the head was turned."""

    def __init__(self) -> None:
        self.turned: list[tuple[float, float, float]] = []

    def turn(self, yaw: float, pitch: float, roll: float) -> None:
        self.turned.append((yaw, pitch, roll))


def test_the_transport_is_followed_and_what_is_told_again_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [10.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    deck = Deck(RATE, 2)
    surface = OnSurface(deck, Output(None, 2, RATE), "binaural", (0.0, 0.0, 0.0))
    head = Turning()
    surface.take = Playable("x", head, Selection.from_bars(2, 120, "4/4", RATE), 2, head)  # type: ignore[arg-type]
    out = np.zeros((441, 2), np.float32)
    surface.hear("transport", [1, 2.0, 120.0])
    deck.fill(out)
    assert deck.playing and deck.frame == RATE + 441
    now[0] += 1.0
    surface.hear("transport", [1, 4.0, 120.0])  # as a subscription that is renewed is told
    deck.fill(out)
    assert deck.frame == RATE + 882
    surface.hear("transport", [1, 4.5, 120.0])
    deck.fill(out)
    assert deck.frame == 9 * RATE // 4 + 441
    surface.hear("head", [30.0, -10.0, 5.0])
    assert head.turned == [(30.0, -10.0, 5.0)]
    surface.hear("transport", [0, 4.5, 120.0])
    deck.fill(out)
    assert not deck.playing and surface.beat == 4.5


def test_angles_and_what_does_not_go_together(run_here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    use(Device(), monkeypatch)
    for words, said in (
        (("last", "--head", "30"), "--head is for headphones"),
        (("last", "--binaural", "--head", "30,200"), "30,200"),
        (("last", "--surface", "--clock", "x"), "leave out --clock"),
        (("last", "--clock", "x", "--options"), "one is played"),
        ((str(Path(__file__)), "--clock", "x"), "its tempo must be known"),
        (("tune.wav", "--clock", "x"), "there is no file tune.wav"),
        (("last", "--midi-out", "x", "--volume", "-6"), "--midi-out sends notes"),
        (("last", "--midi-out", "x", "--binaural"), "--midi-out sends notes"),
    ):
        ran = run_here("play", *words)
        assert ran.code == 2 and said in ran.err and ran.err.count("\n") == 1, ran.err


def test_ports_that_are_not_there(run_here: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("rtmidi")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", f"none{os.getpid()}")
    from harmonicflow.score.midi import write_midi
    from harmonicflow.score.score import Note, Score

    score = Score((Note("bass", Fraction(0), Fraction(1), 40, 90),))
    write_midi(score, Selection.from_bars(1, 120, "4/4", RATE), tmp_path / "score.mid")
    ran = run_here("play", str(tmp_path / "score.mid"), "--clock", "no such port", "--midi-out", "virtual")
    assert ran.code == 6 and "no MIDI port 'no such port'" in ran.err and ran.err.count("\n") == 1
    assert run_here("play", "--list-ports", "--json").code == 0
    monkeypatch.setitem(__import__("sys").modules, "rtmidi", None)
    with pytest.raises(HarmonicFlowError, match=r"harmonicflow\[play\]"):
        library()


def test_takes_by_the_beginning_of_their_name_and_one_instrument_of_their_notes(command: CommandLine) -> None:
    first, second = sorted(file.parent for file in takes_folder().glob("*/take.json"))
    assert take_folder(first.name) == first and take_folder("no-such") == takes_folder() / "no-such"
    with pytest.raises(HarmonicFlowError, match="2 takes"):
        take_folder(first.name[:10])
    second.rename(hidden := second.with_name(".elsewhere"))
    try:
        assert take_folder(first.name[:10]) == first
    finally:
        hidden.rename(second)
    whole, bass = notes_of(str(first), {}), notes_of(str(first), {}, "bass")
    played = {each.channel for each in mido.MidiFile(file=io.BytesIO(bass.data)) if each.type == "note_on"}
    assert len(played) == 1 and len(bass.data) < len(whole.data) and bass.selection == whole.selection
    with pytest.raises(HarmonicFlowError, match="no stem 'voice'"):
        notes_of(str(first), {}, "voice")
