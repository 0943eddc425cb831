"""Co-composing from the command line: options, the chosen one extended, and the tree they make."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.tree import grow, tree_table
from harmonicflow.core.messages import TakeSummary
from harmonicflow.core.tempo import Selection
from harmonicflow.score.midi import write_midi
from harmonicflow.score.score import Score

STEMS = ("bass", "drums", "guitar", "piano", "mix", "binaural")


def opened(cli, *words):
    """The takes that a command makes."""
    ran = cli(*words, "--json")
    assert ran.code == 0, ran.err
    return ran.objects


def test_three_openings_one_goes_on_and_another_later(fresh_cli, tmp_path):
    """The whole way of the musician, with a restart in the middle."""
    openings = opened(fresh_cli, "generate", "--bars", "1", "--tempo", "240", "--seed", "1", "--options", "3")
    assert [take["option"] for take in openings] == [1, 2, 3]
    second = openings[1]["take"]
    following = opened(fresh_cli, "extend", second, "--bars", "1", "--options", "2", "--title", "b", "--seed", "5")
    assert {(take["parent"], take["bars"], take["made"]) for take in following} == {(second, 2, "extend")}
    (last,) = opened(fresh_cli, "extend", "last", "--beats", "2", "--out", str(tmp_path / "out"))
    assert last["parent"] == following[1]["take"] and last["title"] == "b"
    assert last["frames"] == 44_100 * 5 // 2
    for name in STEMS:
        sounds = [soundfile.read(Path(take["folder"]) / f"{name}.wav", dtype="float32")[0]
                  for take in (openings[1], following[1], last)]  # fmt: skip
        assert np.array_equal(sounds[2][: len(sounds[1])], sounds[1]), name
        assert np.array_equal(sounds[2][: len(sounds[0])], sounds[0]), name
    assert json.loads((tmp_path / "out" / "take.json").read_text())["request"]["beats"] == "2"

    assert fresh_cli("daemon", "stop").code == 0
    (other,) = opened(fresh_cli, "extend", openings[0]["take"], "--seconds", "0.5", "--seed", "6")
    (named,) = opened(fresh_cli, "extend", str(tmp_path / "out"), "--bars", "1", "--stems", "drums")
    assert named["parent"] == last["take"] and named["bars"] == 4, "half a bar is filled up, then one follows"

    path = opened(fresh_cli, "takes", named["take"], "--path")
    assert [take["take"] for take in path] == [second, following[1]["take"], last["take"], named["take"]]
    assert [take["depth"] for take in path] == [0, 1, 2, 3]
    tree = opened(fresh_cli, "takes", "--tree")
    assert [(take["depth"], take["take"]) for take in tree] == [
        (0, openings[2]["take"]),
        (0, second), (1, following[0]["take"]), (1, following[1]["take"]), (2, last["take"]), (3, named["take"]),
        (0, openings[0]["take"]), (1, other["take"]),
    ]  # fmt: skip
    assert [take["take"] for take in opened(fresh_cli, "takes", other["take"], "--tree")] == [
        openings[0]["take"], other["take"],
    ]  # fmt: skip
    ran = fresh_cli("takes", "--tree", "--limit", "2")
    assert "1 older openings" in ran.err and openings[0]["take"] not in ran.out
    line = next(line for line in ran.out.splitlines() if line.startswith(f"    {last['take']} "))
    assert line.split()[1:3] == ["3-3", "extend"]


def test_a_midi_file_and_steering_for_the_new_bars(cli, tmp_path):
    """The bass line of the opening, given as a file, comes again a bar later."""
    (parent,) = opened(cli, "generate", "--bars", "1", "--tempo", "240", "--seed", "1")
    line = written_score(parent).part("bass")
    file = tmp_path / "line.mid"
    file.write_bytes(write_midi(Score(line), Selection.from_bars(1, 240, "4/4", 44_100)))
    words = ("--bars", "1", "--midi-part", f"bass={file}", "--density", "0.8", "--seed", "2")
    (child,) = opened(cli, "extend", parent["take"], *words)
    bass = written_score(child).part("bass")
    assert line and bass[: len(line)] == line
    assert [(note.start - 4, note.pitch, note.velocity) for note in bass[len(line) :]] == [
        (note.start, note.pitch, note.velocity) for note in line
    ]
    assert len(written_score(child).part("drums")) > len(written_score(parent).part("drums"))


def written_score(take):
    return Score.from_wire(json.loads((Path(take["folder"]) / "take.json").read_text())["score"])


def test_a_take_that_is_not_there_and_one_too_long(cli):
    assert cli("generate", "--bars", "1", "--stems", "bass", "--preview").code == 0
    for words, code in (
        ("no-such-take --bars 1", "unknown_take"), ("last --bars 9999", "too_long"),
        ("last --bars 1 --stems piano", "unknown_stem"),
    ):  # fmt: skip
        ran = cli("extend", *words.split(), "--json")
        assert (ran.code, ran.objects[-1]["error"]["code"]) == (2, code), ran


def summary(take: str, parent: str = "", **fields: object) -> TakeSummary:
    return TakeSummary(take=take, folder="", parent=parent, **fields)


def test_trees_of_any_shape() -> None:
    """Lost parents make openings, loops end, a deep chain is no recursion."""
    takes = [summary("d", "c"), summary("c", "gone"), summary("b", "a"), summary("a")]
    nodes = grow(takes)
    assert [node.take.take for node in nodes["a"].walk()] == ["a", "b"]
    assert [node.take.take for node in nodes["d"].path()] == ["c", "d"] and nodes["d"].depth == 1
    assert "gone (gone)" in tree_table(list(nodes["c"].walk()))
    loop = grow([summary("y", "x"), summary("x", "y")])
    assert [node.take.take for node in loop["x"].walk()] == ["x", "y"]
    deep = grow([summary(f"t{n}", f"t{n - 1}" if n else "") for n in reversed(range(3000))])
    assert sum(1 for _ in deep["t0"].walk()) == 3000 and deep["t2999"].depth == 2999


@pytest.mark.parametrize("chosen", ["", "b"])
def test_the_table_shows_bars_and_options(chosen: str) -> None:
    opening = summary("a", bars=4, made="generate", option=2, seed=7, genre="rock", title="x")
    nodes = grow([summary("b", "a", bars=8, made="extend", option=1, seed=9), opening])
    lines = tree_table(list(nodes["a"].walk()), chosen).splitlines()
    assert lines[1].split() == ["a", "1-4", "generate", "2", "7", "rock", "x"]
    assert lines[2].split() == ["b", *(["*"] if chosen else []), "5-8", "extend", "1", "9"] and lines[2].startswith(
        "  b"
    )
