"""What `harmonicflow play` gives to a JACK server, captured sample by sample: nothing added, nothing lost, no click."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from harmonicflow.audio.loudness import integrated_lufs
from harmonicflow.audio.resample import resample
from tests.daw.jack import DEVICE, PERIOD, RATE, Jack, Recorder, require

pytestmark = pytest.mark.daw

ROOT = Path(__file__).parents[2]
FADE = 480  # frames


@pytest.fixture(scope="module")
def jack() -> Iterator[Jack]:
    require()
    with Jack() as server:
        yield server


class Player:
    """`harmonicflow play` on its way to the recorder, on a terminal of its own where it is to have one."""

    def __init__(self, jack: Jack, *words: str, device: str = DEVICE, terminal: bool = False) -> None:
        self.terminal, inside = pty.openpty() if terminal else (-1, subprocess.DEVNULL)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bridge", "play", *words, "--device", device], cwd=ROOT, text=True, stdin=inside,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=jack.env | {"PYTHONWARNINGS": ""},
            start_new_session=terminal, preexec_fn=_take_terminal if terminal else None,
        )  # fmt: skip
        if terminal:
            os.close(inside)

    def press(self, key: str) -> None:
        os.write(self.terminal, key.encode())

    def end(self, timeout: float = 30) -> tuple[str, str]:
        """What it wrote to stdout and to stderr, once it has ended by itself."""
        try:
            return self.process.communicate(timeout=timeout)
        finally:
            self.process.kill()
            if self.terminal >= 0:
                os.close(self.terminal)


def _take_terminal() -> None:
    """Make stdin the terminal of the new process, as a shell does."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def noise(path: Path, frames: int, seed: int, level: float = 0.5, rate: int = RATE) -> np.ndarray:
    sound = np.random.default_rng(seed).uniform(-level, level, (frames, 2)).astype(np.float32)
    soundfile.write(path, sound, rate, "FLOAT")
    return sound


def wait_for(recorder: Recorder, frames: int) -> None:
    """Until that much more has been recorded."""
    end = recorder.frames + frames
    deadline = time.monotonic() + 30
    while recorder.frames < end:
        assert time.monotonic() < deadline, "nothing is recorded any more"
        time.sleep(0.005)


def wait_for_sound(recorder: Recorder) -> None:
    deadline = time.monotonic() + 30
    while not np.fromfile(recorder.file, "<f4").any():
        assert time.monotonic() < deadline, "nothing is heard"
        time.sleep(0.05)


def test_every_sample_arrives_in_its_place(jack: Jack, tmp_path: Path) -> None:
    """Clicks planted 4,800 frames apart in soft noise: they stay so, and all in between is as it is in the file."""
    sound = noise(tmp_path / "clicks.wav", 60_001, 1, 0.01)
    sound[::4800] = 1.0
    soundfile.write(tmp_path / "clicks.wav", sound, RATE, "FLOAT")
    with Recorder(jack, tmp_path / "tape.raw") as recorder:
        player = Player(jack, str(tmp_path / "clicks.wav"), "--json")
        out, err = player.end()
    heard = recorder.sound()
    assert player.process.returncode == 0 and recorder.late == 0, err
    np.testing.assert_array_equal(np.diff(np.flatnonzero(heard[:, 0] == 1.0)), 4800)
    np.testing.assert_array_equal(heard[:60_001], sound)
    assert not heard[60_001:].any()
    said = json.loads(out)
    assert said["gaps"] == 0 and said["ended"] == "end" and said["position_s"] == pytest.approx(60_001 / RATE, abs=1e-3)


@pytest.mark.parametrize("rate", [RATE, 44_100])
def test_a_loop_has_no_seam_and_ends_without_a_click(rate: int, jack: Jack, tmp_path: Path) -> None:
    """A length that fits no block. Converted, it is what the whole of all rounds is when it is converted at once."""
    sound = noise(tmp_path / "loop.wav", 20_011, 2, rate=rate)
    with Recorder(jack, tmp_path / "tape.raw") as recorder:
        player = Player(jack, str(tmp_path / "loop.wav"), "--loop")
        wait_for_sound(recorder)
        wait_for(recorder, 4 * 20_011 * RATE // rate)
        player.process.send_signal(signal.SIGINT)
        out, err = player.end()
    heard = recorder.sound()
    assert player.process.returncode == 130 and "Traceback" not in err and recorder.late == 0 and "broke off" not in err
    ends = int(np.flatnonzero(heard.any(axis=1))[-1]) + 1
    rounds = np.tile(sound, (20, 1))
    whole = rounds if rate == RATE else np.clip(resample(rounds.T, rate, RATE).T, -1, 1)
    full, fading = heard[: ends - FADE], heard[ends - FADE : ends]
    assert len(full) > 3 * 20_011 * RATE // rate
    np.testing.assert_array_equal(full, whole[: len(full)])
    share = np.abs(fading).max(axis=1) / np.abs(whole[ends - FADE : ends]).max(axis=1)
    assert (np.diff(share) < 1e-6).all() and share[0] > 0.99 and share[-1] < 1e-3


def test_takes_change_in_step_and_are_equally_loud(jack: Jack, tmp_path: Path) -> None:
    """By itself every 0.25 s: outside of 10 ms after each change it is exactly what that file holds at that place."""
    one, two = noise(tmp_path / "one.wav", 60_000, 3), noise(tmp_path / "two.wav", 50_000, 4, 0.2)
    with Recorder(jack, tmp_path / "tape.raw") as recorder:
        words = (str(tmp_path / "one.wav"), "--against", str(tmp_path / "two.wav"), "--every", "0.25")
        as_they_are = Player(jack, *words, "--no-match", "--json")
        said = json.loads(as_they_are.end()[0])
    heard = recorder.sound()
    two = np.concatenate([two, np.zeros((10_000, 2), np.float32)])  # it rests until the longer one is over
    for turn, start in enumerate(range(0, 60_000, 12_000)):
        fade = FADE if turn else 0
        wanted, before = ((one, two), (two, one))[turn % 2]
        place = slice(start + fade, start + 12_000)
        np.testing.assert_array_equal(heard[place], wanted[place], f"turn {turn}")
        place = slice(start, start + fade)
        low, high = np.minimum(wanted, before)[place], np.maximum(wanted, before)[place]
        assert (heard[place] >= low - 1e-6).all() and (heard[place] <= high + 1e-6).all()
    assert [voice["heard_s"] for voice in said["voices"]] == [0.75, 0.5] and said["path"].endswith("one.wav")
    with Recorder(jack, tmp_path / "matched.raw") as recorder:
        out, err = Player(jack, *words).end()
    heard = recorder.sound()
    assert out.strip() == str(tmp_path / "one.wav") and "not equally long" in err
    softer = [integrated_lufs(heard[n + FADE : n + 12_000].T, RATE) for n in (0, 12_000, 24_000)]
    assert max(softer) - min(softer) < 0.3
    np.testing.assert_array_equal(heard[12_480:24_000], two[12_480:24_000])  # the softer one is left as it is


def test_keys_choose_at_once_and_without_a_click(jack: Jack, tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.wav" for name in "abc"]
    sounds = [noise(file, 30_000, seed) for seed, file in enumerate(files)]
    with Recorder(jack, tmp_path / "tape.raw") as recorder:
        player = Player(jack, str(files[0]), "--against", str(files[1]), "--against", str(files[2]), "--loop",
                        "--no-match", terminal=True)  # fmt: skip
        wait_for_sound(recorder)
        pressed = []
        for key in "b 1x3":  # x means nothing
            wait_for(recorder, 8_000)
            pressed.append(recorder.frames)
            player.press(key)
        wait_for(recorder, 8_000)
        player.press("q")
        out, err = player.end()
    assert player.process.returncode == 0 and out == f"{files[2]}\n" and "keys: a to c" in err, err
    whole = np.fromfile(recorder.file, "<f4").reshape(-1, 2)
    first = int(np.argmax(whole.any(axis=1)))
    heard = whole[first:]
    rounds = np.stack([np.tile(sound, (len(heard) // 30_000 + 1, 1))[: len(heard)] for sound in sounds])
    same = (heard == rounds).all(axis=2)  # [file, frame]
    ends = int(np.flatnonzero(heard.any(axis=1))[-1]) + 1 - FADE
    changes = np.flatnonzero(np.diff(same[:, :ends].any(axis=0).astype(int)))
    begins, overs = changes[::2] + 1, changes[1::2] + 1
    assert len(begins) == len(overs) == 4
    np.testing.assert_array_less(overs - begins, FADE + 1)
    order = [int(np.argmax(same[:, frame])) for frame in (*(begins - 1), ends - 1)]
    assert order == [0, 1, 2, 0, 2]
    late = [begin + first - frame for begin, frame in zip(begins, (pressed[n] for n in (0, 1, 2, 4)), strict=True)]
    print("from key to change, ms:", [round(1000 * n / RATE) for n in late])
    assert max(late) < 8 * PERIOD, f"heard {[round(1000 * n / RATE) for n in late]} ms after the key"


def test_a_server_that_goes_away_is_said(tmp_path: Path) -> None:
    require()
    noise(tmp_path / "loop.wav", 20_000, 5)
    with Jack(f"hfgone{os.getpid()}") as jack:
        player = Player(jack, str(tmp_path / "loop.wav"), "--loop", device="system")
        assert player.process.stderr is not None
        assert "around" in player.process.stderr.readline()
        time.sleep(1)
    began = time.monotonic()
    _, err = player.end()
    assert player.process.returncode == 6 and "the device has gone" in err, err
    assert time.monotonic() - began < 5
