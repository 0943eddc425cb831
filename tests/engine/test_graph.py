"""The audio graph of a take: the right windows, frames and names; the table, the JSON and the picture of it."""

import json
import re
import struct
import zlib
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from bridge.cli import run
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.engine.api import HarmonicFlow
from harmonicflow.engine.graph import AudioGraph, read_graph
from harmonicflow.engine.graph_picture import DARK, STRIP, STRIPS_WIDTH, picture
from harmonicflow.engine.result import Result
from harmonicflow.engine.runtime import Runtime
from harmonicflow.engine.take import write_take
from harmonicflow.score.score import Score
from tests.ran import Ran

STEMS = ("bass", "drums", "guitar", "piano")


@pytest.fixture(scope="module")
def take(flow: HarmonicFlow) -> Result:
    """Sixteen seconds: three blocks."""
    (made,) = flow.generate(bars=8, tempo=120, chords="Am | F | C | G", seed=5, steps=1)
    return made


def test_every_frame_has_its_edges_and_its_time(flow: HarmonicFlow, take: Result) -> None:
    before = take.latents.copy()
    graph = read_graph(flow, take)
    assert graph.rows == ("clip", *STEMS) and graph.nodes == ("clip", *STEMS, "harmony", "rhythm")
    assert graph.edges.shape == (take.canvas.frames, 5, 7) and not graph.clip
    assert np.allclose(graph.beats, 2 * graph.seconds) and graph.seconds[0] == pytest.approx(1024 / 44100)
    assert graph.bars == tuple((bar, 2.0 * (bar - 1)) for bar in range(1, 9))
    assert np.array_equal(take.latents, before) and take.canvas.known[1:].all(), "the take is as it was"


def test_edges_are_those_of_their_own_frame(flow: HarmonicFlow, take: Result) -> None:
    """The stand-in's nodes are heard alike where something sounds: with notes in bar 4 alone, in bar 4 alone."""
    notes = tuple(note for note in take.score.notes if 12 <= note.start < 16 and note.instrument != "drums")
    only = replace(take, score=replace(take.score, notes=tuple(replace(note, velocity=127) for note in notes)))
    graph = read_graph(flow, only)
    sounding = graph.edges[:, 0, 0] > 0.1
    assert np.allclose(graph.edges, sounding[:, None, None] / 7, atol=1e-3)
    first, last = np.flatnonzero(sounding)[[0, -1]]
    start = float(min(note.start for note in notes))
    assert first == np.searchsorted(graph.beats, start - 0.5 * graph.beats[1] + 0.5 * graph.beats[0]), "the very frame"
    assert graph.beats[last] < 18 and not read_graph(flow, replace(take, score=Score())).edges.any()


def test_the_network_is_asked_on_the_way_from_the_takes_noise_to_its_latents(
    flow: HarmonicFlow, take: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At time 0 it hears what it heard when the take was made, before every block what was known; near 1 the take."""
    heard: dict[str, list[dict[str, np.ndarray]]] = {"made": [], "read": []}
    whole = Runtime.outputs

    def listen(
        runtime: Runtime, name: str, wanted: Sequence[str], /, *, again: bool = False, **inputs: np.ndarray
    ) -> dict[str, np.ndarray]:
        if name == "performer":
            heard["read" if "edges" in wanted else "made"].append(inputs)
        return whole(runtime, name, wanted, again=again, **inputs)

    monkeypatch.setattr(Runtime, "outputs", listen)
    (made,) = flow.generate(bars=8, tempo=120, chords="Am | F | C | G", seed=5, steps=1)
    read_graph(flow, made, [0.0])
    assert len(heard["made"]) == len(heard["read"]) == 3
    for first, second in zip(heard["made"], heard["read"], strict=True):
        assert all(np.array_equal(first[key], second[key]) for key in first if key != "step")
    heard["read"].clear()
    read_graph(flow, made, [0.999])
    last = heard["read"][-1]["x"][0, 1:]
    assert np.abs(last - made.latents[1:, -last.shape[1] :]).max() < 0.01
    assert {tuple(inputs["time"]) for inputs in heard["read"]} == {(np.float32(0.999),)}


def test_outputs_that_are_not_wanted_are_not_computed(flow: HarmonicFlow, take: Result) -> None:
    flow.runtime.load("performer")
    window = flow.conditions(take.selection, take.score, take.plan, None).window(STEMS, 0, 20)
    inputs = window | {"x": np.zeros((1, 5, 20, 32), np.float32), "known": np.zeros((1, 5, 20), np.float32)}
    inputs |= {"time": np.zeros(1, np.float32), "step": np.zeros(1, np.float32)}
    both = flow.runtime.outputs("performer", ("velocity", "edges"), **inputs)
    assert list(both) == ["velocity", "edges"]
    for name, value in both.items():
        assert np.array_equal(flow.runtime.outputs("performer", (name,), **inputs)[name], value)
    assert np.array_equal(flow.runtime.run("performer", **inputs), both["velocity"])


def test_what_cannot_be_read_is_said(flow: HarmonicFlow, take: Result) -> None:
    for times in ([], [1.0], [-0.1]):
        with pytest.raises(HarmonicFlowError, match="flow times"):
            read_graph(flow, take, times)
    with pytest.raises(HarmonicFlowError, match="latent spaces differ"):
        read_graph(flow, replace(take, bundle=take.bundle | {"latent_space": "another"}))


# ------------------------------------------------------------------------------------------------------- the picture


def planted(clip: bool = False) -> AudioGraph:
    """Bass hears drums alone in the first half and harmony alone in the second; the others hear themselves."""
    rows = ("clip", *STEMS)
    edges = np.zeros((200, 5, 7), np.float32)
    edges[:, range(5), range(5)] = 1
    edges[:, 1] = 0
    edges[:100, 1, 2] = edges[100:, 1, 5] = 1
    seconds = (np.arange(200) + 0.5) * 2048 / 44100
    bars = ((1, 0.0), (2, 2.0))
    return AudioGraph(rows, (*rows, "harmony", "rhythm"), edges, seconds, 2 * seconds, bars, clip, (0.5,))


def pixels(svg: str, group: int) -> np.ndarray:
    """The strips of one listener, read back from the page with the standard library alone."""
    data = b64decode(re.findall(r"data:image/png;base64,([^\"]+)", svg)[group])
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    length = struct.unpack(">I", data[33:37])[0]
    raw = np.frombuffer(zlib.decompress(data[41 : 41 + length]), np.uint8)
    return raw.reshape(height, 1 + 3 * width)[:, 1:].reshape(height, width, 3)


def test_the_picture_shows_which_edge_is_heavy_and_when() -> None:
    svg = picture(planted(), "a take & <more>")
    page = ElementTree.fromstring(svg)  # well-formed, its title escaped
    said = [element.text for element in page.iter() if element.text and element.text.strip()]
    assert "Who listens to whom: a take & <more>" in said and {"bass hears", "piano hears", "harmony"} <= set(said)
    assert "clip" not in said, "a take without a clip has no such node"
    bass = pixels(svg, 0)
    assert bass.shape == (6 * STRIP, STRIPS_WIDTH, 3)
    drums, harmony = bass[STRIP + 2], bass[4 * STRIP + 2]
    assert (drums[:200] == DARK).all() and (drums[-200:] == 255).all()
    assert (harmony[:200] == 255).all() and (harmony[-200:] == DARK).all()
    titles = [element.text for element in page.iter("{http://www.w3.org/2000/svg}title")]
    assert "bass hears drums: 50.0%" in titles and "drums hears itself: 100.0%" in titles
    assert "clip" in [element.text for element in ElementTree.fromstring(picture(planted(True), "t")).iter()]


def test_the_widest_arrow_is_the_heaviest_edge() -> None:
    page = ElementTree.fromstring(picture(planted(), "t"))
    space = "{http://www.w3.org/2000/svg}"
    widths = {
        str(group.findtext(f"{space}title")).split(":")[0]: float(group.find(f"{space}path").get("stroke-width"))  # type: ignore[union-attr,arg-type]
        for group in page.iter(f"{space}g")
    }
    assert {name for name, width in widths.items() if width > 2} == {"bass hears drums", "bass hears harmony"}


# ------------------------------------------------------------------------------------------------------- the command


@pytest.fixture
def hf(tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    monkeypatch.setenv("HARMONICFLOW_BUNDLE", str(tiny))
    return lambda *words: Ran(run([str(word) for word in words]), *capsys.readouterr())


def test_the_command(
    hf: Callable[..., Ran], flow: HarmonicFlow, take: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARMONICFLOW_HOME", str(tmp_path))
    write_take(take, tmp_path / "takes" / "verse")
    shown = hf("graph", "last", "--threads", "1")
    assert shown.code == 0 and [line.split()[0] for line in shown.out.splitlines()] == ["hears", "clip", *STEMS]
    found = hf("graph", tmp_path / "takes" / "verse", "--json", "--at", "0.5", "--threads", "1")
    graph = json.loads(found.out)
    assert graph["take"] == "verse" and graph["flow_times"] == [0.5]
    assert np.allclose(graph["edges"], read_graph(flow, take, [0.5]).edges, atol=1e-4)
    drawn = hf("graph", "verse", "--picture", tmp_path / "graph.svg", "--threads", "1")
    assert drawn.out.strip() == str(tmp_path / "graph.svg") and (tmp_path / "graph.svg").read_text().startswith("<svg")
    assert hf("graph", "verse", "--picture", "graph.png").code == 2
    assert "there is no take 'chorus'" in hf("graph", "chorus").err
