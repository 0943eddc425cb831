"""A score is heard while it is still being performed: block for block what the take will hold."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bridge.audition.arriving import Arriving, enough
from bridge.audition.audition import Audition
from harmonicflow.core.messages import Block
from harmonicflow.core.tempo import Selection
from harmonicflow.score.midi import write_midi
from harmonicflow.score.score import Note, Score
from tests.bridge.stand_in_device import Device, use


@pytest.mark.parametrize(
    ("arrived_s", "left_s", "begins"),
    [
        (0, 1, False), (4, None, False), (4, 10, True),  # ten times real time
        (4, 60, False), (8, 60, True),  # 1.7 times: the next eight seconds take 4.8 s, with a margin 6 s
        (20, 100, False), (70, 45, True),  # slower than real time: the rest would not catch up, and later it does
        (104, None, True), (104, 0, True),
    ],
)  # fmt: skip
def test_it_begins_when_the_rest_comes_in_time(arrived_s: float, left_s: float | None, begins: bool) -> None:
    assert enough(arrived_s, 104, left_s) is begins


@pytest.mark.parametrize("speed", [0.3, 0.8, 1.0, 1.5, 4.0])
def test_what_has_begun_does_not_run_out(speed: float) -> None:
    """Blocks of 8 s that each take `speed` times as long to make: from where it begins, each is there in time."""
    blocks, whole_s = 12, 96.0
    arrived = next(n for n in range(1, blocks + 1) if enough(8.0 * n, whole_s, speed * (whole_s - 8 * n)))
    began_s = 8 * speed * arrived
    assert all(8 * speed * (n + 1) <= began_s + 8 * n for n in range(arrived, blocks))
    assert arrived == 1 or speed > 0.75


def score(path: Path, bars: int) -> None:
    notes = tuple(Note(name, Fraction(n), Fraction(1), 45, 90) for name in ("bass", "piano") for n in range(4 * bars))
    write_midi(Score(notes), Selection.from_bars(bars, 120, "4/4", 44_100), path)


@pytest.mark.parametrize("part", ["mix", "bass"])
def test_what_is_heard_is_what_the_take_holds(
    part: str, tmp_path: Path, cli: Any, run_here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, blocks = Device(), []
    use(device, monkeypatch)
    monkeypatch.setenv("HARMONICFLOW_HOME", str(cli.home))
    keep = Arriving._keep

    def counted(self: Arriving, block: Block, buffers: Any) -> None:
        blocks.append(block.frames)
        keep(self, block, buffers)

    monkeypatch.setattr(Arriving, "_keep", counted)
    score(tmp_path / "song.mid", 5)
    words = ["--stem", part] * (part != "mix")
    ran = run_here("play", str(tmp_path / "song.mid"), *words, "--seed", "1", "--preview", "--json")
    assert ran.code == 0, ran.err
    (said,) = ran.objects
    sound, _ = soundfile.read(said["path"], dtype="float32")
    heard = np.concatenate(device.heard)
    assert len(blocks) > 1 and said["gaps"] == 0 and said["path"].endswith(f"{said['playing']}/{part}.wav")
    np.testing.assert_array_equal(heard[: len(sound)], np.clip(sound, -1, 1))
    assert not heard[len(sound) :].any()


def test_stopping_cancels_the_rest(tmp_path: Path, cli: Any, run_here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the first block of a long score: heard before the take is there, which then never comes."""
    device = Device()
    use(device, monkeypatch)
    monkeypatch.setenv("HARMONICFLOW_HOME", str(cli.home))
    look = Audition._look

    def impatient(self: Audition, wait_s: float) -> None:
        if len(device.heard) > 10:
            self._press("q")
        look(self, wait_s)

    monkeypatch.setattr(Audition, "_look", impatient)
    score(tmp_path / "long.mid", 100)
    before = set((cli.home / "takes").glob("*/take.json"))
    ran = run_here("play", str(tmp_path / "long.mid"), "--seed", "1", "--preview", "--json")
    assert ran.code == 0 and "before the take was finished" in ran.err, ran.err
    assert ran.objects[0]["ended"] == "quit" and np.concatenate(device.heard).any()
    assert set((cli.home / "takes").glob("*/take.json")) == before
    assert "no stem" in run_here("play", str(tmp_path / "long.mid"), "--stem", "drums").err  # nobody plays them
