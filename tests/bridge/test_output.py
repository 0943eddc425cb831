"""Results and progress: what is written, where, and how often."""

import io
import json

from bridge.output import decibels, result_json, table
from bridge.progress import PLAIN_EVERY_S, Progress, time_left


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


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


def test_a_terminal_sees_one_line_that_is_rewritten_and_cleared():
    stream = Terminal()
    with Progress(stream) as progress:
        progress.update("perform", 1, 4, 3.0)
        progress.update("perform", 2, 4, 2.0)
    text = stream.getvalue()
    assert "\n" not in text
    assert text.split("\r")[1:] == ["playing 1 of 4, 3 s left\x1b[K", "playing 2 of 4, 2 s left\x1b[K", "\x1b[K"]


def test_a_pipe_sees_a_line_per_stage_and_then_one_in_a_while():
    now = [0.0]
    stream = io.StringIO()
    with Progress(stream, clock=lambda: now[0]) as progress:
        progress.update("analyse")
        for step in range(100):
            now[0] += 0.1
            progress.update("perform", step, 100, 10 - now[0])
        progress.update("mix")
    lines = stream.getvalue().splitlines()
    assert lines[0] == "listening" and lines[-1] == "mixing"
    assert lines[1].startswith("playing 0 of 100")
    assert len(lines) == 3 + int(9.9 // PLAIN_EVERY_S)
