"""Results and progress: what is written, where, and how often."""

import io
import json
import re

from bridge.output import decibels, result_json, table
from harmonicflow.core.progress import PLAIN_EVERY_S, Progress, bar, time_left


def test_json_is_one_line_without_nan(capsys):
    result_json({"a": float("nan"), "b": [float("inf"), 1.5], "c": "two\nlines", "d": (None, "ü")})
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out) == {"a": None, "b": [None, 1.5], "c": "two\nlines", "d": [None, "ü"]}


def test_columns_line_up_and_numbers_stand_right():
    lines = table(("stem", "peak"), [("bass", "-3.1"), ("drums", "-12.0")]).splitlines()
    assert lines == ["stem    peak", "bass    -3.1", "drums  -12.0"]


def test_silence_has_a_level():
    assert decibels(float("-inf")) == "-inf" and decibels(-6.02) == "-6.0"


def test_time_left_in_words():
    assert [time_left(s) for s in (-1, 3.6, 59.4, 65, 600)] == [
        "0 s left", "4 s left", "59 s left", "1 min 05 s left", "10 min 00 s left",
    ]  # fmt: skip


def test_a_bar_says_its_share():
    assert bar(0.25, 8) == "[##------] 25 %"
    assert [bar(share, 2) for share in (-1, 0.999, 1, 7)] == ["[--] 0 %", "[#-] 99 %", "[##] 100 %", "[##] 100 %"]


class Screen(io.StringIO):
    """A stream and a clock; `at` moves the clock on and gives what was written since."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal
        self.now_s = 0.0
        self.read_to = 0

    def isatty(self) -> bool:
        return self.terminal

    def clock(self) -> float:
        return self.now_s

    def new(self) -> str:
        text = self.getvalue()[self.read_to :]
        self.read_to += len(text)
        return text


def test_a_terminal_sees_one_line_that_is_rewritten_and_cleared():
    screen = Screen(terminal=True)
    with Progress(screen, screen.clock) as progress:
        for step in (2, 3):
            progress.update("perform", step, 4, 5.0 - step)
            screen.now_s += 1
        assert screen.new().split("\r")[1:] == ["playing 2 of 4, 3 s left\x1b[K", "playing 3 of 4, 2 s left\x1b[K"]
    assert screen.new() == "\r\x1b[K" and "\n" not in screen.getvalue()


def test_nothing_flickers_on_a_terminal():
    screen = Screen(terminal=True)
    with Progress(screen, screen.clock) as progress:
        for stage in ("queued", "loading", "analyse", "compose"):  # a moment each, as when the model is loaded
            progress.update(stage)
            screen.now_s += 0.01
        for step in range(1, 101):
            progress.update("perform", step, 100, 1 - step / 100)
            screen.now_s += 0.01
        assert 9 <= screen.new().count("\r") <= 12, "one drawing in a tenth of a second"


def test_what_is_over_at_once_as_a_rule_is_shown_when_it_lasts():
    for terminal in (True, False):
        screen = Screen(terminal)
        progress = Progress(screen, screen.clock)
        progress.update("queued")
        screen.now_s += 0.2
        progress.tick()
        assert not screen.new()
        screen.now_s += 0.2
        progress.tick()
        assert "waiting" in screen.new()
        progress.update("waiting, 2 before it")
        screen.now_s += 0.2
        progress.tick()
        assert "2 before it" in screen.new()


def seconds_said(screen):
    found = re.findall(r"(\d+) s left", screen.new())
    return int(found[-1]) if found else None


def test_the_time_left_is_sane():
    screen = Screen(terminal=True)
    progress = Progress(screen, screen.clock)
    progress.update("perform", 1, 8, 40.0)  # the first step also warms up
    assert seconds_said(screen) is None
    screen.now_s = 1.0
    progress.update("perform", 2, 8, 6.0)
    assert seconds_said(screen) == 6
    screen.now_s = 2.0
    progress.tick()
    assert seconds_said(screen) == 5, "it goes on by itself"
    screen.now_s = 2.5
    progress.update("perform", 3, 8, 5.2)
    assert seconds_said(screen) in (4, 5), "it does not go up for a trifle"
    screen.now_s = 3.5
    progress.update("perform", 4, 8, 9.0)
    assert seconds_said(screen) == 9, "but for a good reason"
    screen.now_s = 4.0
    progress.update("perform", 5, 8, 2.0)
    assert seconds_said(screen) == 2
    screen.now_s = 9.0
    progress.tick()
    assert "left" not in screen.new(), "nobody is told of no seconds"
    progress.update("mix", 0, 0, 0.0)
    screen.now_s += 1
    progress.tick()
    assert screen.new().split("\r")[-1] == "mixing\x1b[K"
    progress.update("perform", 1, 1, 3.0)
    screen.now_s += 0.2
    progress.tick()
    assert seconds_said(screen) == 3, "where there is one step it is the one to go by"


def test_a_pipe_sees_a_line_per_stage_and_then_one_in_a_while():
    screen = Screen(terminal=False)
    with Progress(screen, screen.clock) as progress:
        progress.update("analyse")
        for step in range(100):
            screen.now_s += 0.1
            progress.update("perform", step, 100, 10 - screen.now_s)
        progress.update("mix")
    lines = screen.getvalue().splitlines()
    assert lines[0] == "listening" and lines[-1] == "mixing"
    assert lines[1:3] == ["playing 0 of 100", "playing 2 of 100, 10 s left"], "the first time left is news too"
    assert len(lines) == 4 + int(9.9 // PLAIN_EVERY_S)
