"""Takes compared by ear from the command line: which ones, how loud, and which one it was in the end."""

import json
import os
import pty
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bridge.audition import audition
from tests.bridge.conftest import ROOT
from tests.bridge.stand_in_device import Device, noise, use

RATE = 44_100


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    device = Device()
    use(device, monkeypatch)
    return device


def made(home: Path, name: str, request: str, level: float = 1.0) -> np.ndarray:
    """A take as far as playing looks at it."""
    folder = home / "takes" / name
    folder.mkdir(parents=True)
    sound = noise(20_000) * np.float32(level)
    soundfile.write(folder / "mix.wav", sound, RATE, "FLOAT")
    (folder / "take.json").write_text(json.dumps({"request": {"id": request}, "summary": {"files": []}}))
    return sound


def test_two_in_turn_equally_loud(device: Device, tmp_path: Path, run_here: Any) -> None:
    for n, level in enumerate((1.0, 0.5)):
        soundfile.write(tmp_path / f"{n}.wav", noise(20_000) * level, RATE, "FLOAT")
    words = ("play", f"{tmp_path}/0.wav", "--against", f"{tmp_path}/1.wav", "--every", "0.2")
    ran = run_here(*words, "--json")
    heard = np.concatenate(device.heard)[:20_000]
    np.testing.assert_allclose(heard, noise(20_000) / 2, atol=2e-4)  # one as loud as the other, all along
    (said,) = ran.objects
    assert said["playing"] == f"{tmp_path}/0.wav" and said["ended"] == "end"
    assert [voice["offset_db"] for voice in said["voices"]] == [pytest.approx(-6.02, abs=0.02), 0]
    assert sum(voice["heard_s"] for voice in said["voices"]) == pytest.approx(20_000 / RATE, abs=1e-3)
    assert "A   -6.0 dB" in ran.err and "B   +0.0 dB" in ran.err
    device.heard.clear()
    assert run_here(*words, "--no-match").out == f"{tmp_path}/0.wav\n"
    heard = np.concatenate(device.heard)
    np.testing.assert_array_equal(heard[:8_820], noise(20_000)[:8_820])
    np.testing.assert_array_equal(heard[9_261:17_640], noise(20_000)[9_261:17_640] / 2)


def test_all_options_of_one_request(device: Device, tmp_path: Path, run_here: Any) -> None:
    home = tmp_path / "home"
    for name, request in (("now-1", "r"), ("now-2", "r"), ("now-10", "r"), ("now-3", "other"), ("then-1", "r")):
        made(home, name, request)
    ran = run_here("play", "now-2", "--options", "--every", "0.1", "--json")
    assert [voice["name"] for voice in ran.objects[0]["voices"]] == ["now-1", "now-2", "now-10"]
    ran = run_here("play", "now-3", "--options", "--against", str(home / "takes" / "then-1"), "--json")
    assert [voice["name"] for voice in ran.objects[0]["voices"]] == ["now-3", "then-1"] and "no terminal" in ran.err
    assert run_here("play", "now-3", "--options").out == ""  # it is the only one


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--every", "2"), "for comparing"), (("--no-match",), "for comparing"),
        (("--against", "{0}", "--every", "0.01"), "at least 0.1"), (("--against", "{1}"), "there is no file"),
        (("--against", "{0}") * 9, "9 at most"), (("--against", "{0}", "--midi-out", "x"), "one is played"),
        (("--against", "nothing"), "no take 'nothing'"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared(
    words: tuple[str, ...], said: str, device: Device, tmp_path: Path, run_here: Any
) -> None:
    soundfile.write(tmp_path / "a.wav", noise(4_000), RATE)
    ran = run_here("play", f"{tmp_path}/a.wav", *(w.format(tmp_path / "a.wav", tmp_path / "none.wav") for w in words))
    assert ran.code == 2 and said in ran.err and ran.err.count("\n") == 1, ran.err
    assert not device.heard


def test_gaps_are_said(device: Device, tmp_path: Path, run_here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that is too slow: nobody takes the holes for the music."""
    soundfile.write(tmp_path / "a.wav", noise(60_000), RATE)
    from bridge.audition import playback

    monkeypatch.setattr(playback, "AHEAD", 1)
    put = playback.Playback._put

    def slowly(self: playback.Playback, piece: Any) -> bool:
        time.sleep(0.1)
        return put(self, piece)

    monkeypatch.setattr(playback.Playback, "_put", slowly)
    ran = run_here("play", f"{tmp_path}/a.wav", "--json")
    assert ran.objects[0]["gaps"] > 0 and "the sound broke off" in ran.err
    heard = np.concatenate(device.heard)
    np.testing.assert_allclose(heard[heard.any(axis=1)], noise(60_000), atol=1e-4)  # late, but all of it


def test_a_device_that_goes_away_is_said(
    device: Device, tmp_path: Path, run_here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "a.wav", noise(4_000), RATE)

    def pull() -> None:
        while len(device.heard) < 20:
            time.sleep(0.01)
        device.running.clear()

    threading.Thread(target=pull, daemon=True).start()
    ran = run_here("play", f"{tmp_path}/a.wav", "--loop")
    assert ran.code == 6 and "the device has gone" in ran.err


TERMINAL = """
import sys, termios
from bridge.audition import audition, device, sounding
from bridge.cli import run
from tests.bridge.stand_in_device import Device
sounding.library = device.library = lambda device=Device(): device
before = termios.tcgetattr(0)
code = run(sys.argv[1:])
sys.exit(99 if termios.tcgetattr(0) != before else code)
"""


def test_keys_on_a_terminal(tmp_path: Path) -> None:
    """A real terminal: the line shows what is heard, keys are not shown, and the terminal is left as it was."""
    for n in range(3):
        soundfile.write(tmp_path / f"{n}.wav", noise(300_000), RATE)
    words = ["play", f"{tmp_path}/0.wav", "--against", f"{tmp_path}/1.wav", "--against", f"{tmp_path}/2.wav", "--loop"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        out = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)
        os.dup2(out, 1)
        os.execv(sys.executable, [sys.executable, "-c", TERMINAL, *words])
    shown = ""

    def wait_for(text: str) -> None:
        nonlocal shown
        deadline = time.monotonic() + 20
        while text not in shown:
            assert time.monotonic() < deadline, shown
            shown += os.read(terminal, 4096).decode()
        shown = shown.partition(text)[2]

    try:
        wait_for("keys: a to c choose, space goes on to the next, l loops or not, q ends")
        wait_for("[A] of 3")
        assert not termios.tcgetattr(terminal)[3] & (termios.ECHO | termios.ICANON)
        for line in ("dB  0.wav", "dB  looped"):
            os.write(terminal, b"l")
            wait_for(line)
        for key, voice in (("b", "B"), ("3", "C"), (" ", "A"), ("\x1b[Cx2", "B"), ("C", "C")):  # an arrow, x: nothing
            os.write(terminal, key.encode())
            wait_for(f"[{voice}] of 3")
        os.write(terminal, b"q")
        wait_for("the last one heard:")
        _, status = os.waitpid(pid, 0)
    except BaseException:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        raise
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert (tmp_path / "out").read_text() == f"{tmp_path}/2.wav\n"


def test_without_a_terminal_there_are_no_keys() -> None:
    code = "from bridge.audition.keys import Keys\nwith Keys() as keys: print(keys.there, repr(keys.pressed(0)))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True)
    assert ran.stdout.split() == [b"False", b"''"]


def test_the_loop_may_be_chosen_while_it_plays(device: Device, tmp_path: Path) -> None:
    """On, after everything has been read: it goes around. Off, after the next round has been read: it ends there."""
    from tests.bridge.stand_in_device import playback_of

    soundfile.write(tmp_path / "a.wav", noise(20_000), RATE, "FLOAT")
    playing = playback_of(tmp_path / "a.wav")
    listening = audition.Audition(playing, [audition.Voice("a", "a")])
    presses = {5: "l", 70: "l"}  # of the device's blocks

    def look(wait_s: float) -> None:
        for block in [block for block in presses if block <= len(device.heard)]:
            listening._press(presses.pop(block))
        time.sleep(0.001)

    playing.run(look)
    heard = np.concatenate(device.heard)
    np.testing.assert_array_equal(heard[:40_000], np.tile(noise(20_000), (2, 1)))
    assert not heard[40_000:].any() and len(heard) < 41_000 and playing.gaps == 0
