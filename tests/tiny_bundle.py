"""A stand-in bundle of about 50 kB with real graphs, for tests that need sound but no weights, no torch and no GPU.

Legend: B batch, R rows (1 + S), S stems, L latent frames, C 32 channels, K beats, T samples.

Codec: channel c of a latent is the amplitude of one sine of k_c periods per frame (so phase runs on over frame
borders); amplitudes go in straight lines from frame centre to frame centre, which gives the decoder a true context of
one frame on each side. Performer: a note drives the channels next to its pitch and its first two harmonics, a drum
those of its class; the noise, the clip, the known past, the beats and the request's tags each leave a small trace.
The velocity is (data - x) / (1 - t): Euler lands on the data for any number of steps. No score at all gives a hum.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HOP, CHANNELS, STEMS = 2048, 32, ("bass", "drums", "guitar", "piano")
GUIDE, SCORE, TEXT, GENRES, EMOTION, TIMBRE = 79, 441, 256, 16, 3, 65
PLANE = 88  # columns of one of the score's planes: active, onset, position, age, phase
AMPLITUDE = 0.08  # of one channel at latent value 1
PERIODS = np.array(  # sine periods in a latent frame: 21.5 Hz each
    [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20, 22, 24, 28, 32, 36, 40, 48, 56, 64]
    + [80, 96, 112, 144, 192, 256, 320, 400], np.float32)  # fmt: skip
FLOAT = TensorProto.FLOAT


class Graph:
    """Collects nodes; every call returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def const(self, value: object, dtype: type = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def add(self, op: str, *inputs: str, out: str = "", **attributes: object) -> str:
        name = out or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def cut(self, x: str, axis: int, start: int, end: int) -> str:
        return self.add("Slice", x, *(self.const([v], np.int64) for v in (start, end, axis)))

    def model(self, name: str, inputs: dict[str, list], outputs: dict[str, list]) -> bytes:
        infos = [[helper.make_tensor_value_info(n, FLOAT, s) for n, s in d.items()] for d in (inputs, outputs)]
        graph = helper.make_graph(self.nodes, name, *infos, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        return model.SerializeToString()


def _sines(g: Graph) -> str:
    """[2048, 32]: the sine of every channel, made inside the graph (weights stay small)."""
    n = g.const(np.arange(HOP)[:, None] * (2 * np.pi / HOP))
    return g.add("Sin", g.add("MatMul", n, g.const(PERIODS[None, :])))


def encoder() -> bytes:
    g = Graph()
    frames = g.add("Reshape", "audio", g.const([0, -1, HOP], np.int64))
    latents = g.add("MatMul", frames, _sines(g))
    g.add("Mul", latents, g.const(2 / HOP / AMPLITUDE), out="latents")
    return g.model("encoder", {"audio": ["batch", "samples"]}, {"latents": ["batch", "length", CHANNELS]})


def decoder() -> bytes:
    g = Graph()
    at = (np.arange(HOP) + 0.5) / HOP - 0.5  # position against the frame's centre, in frames
    weights = [np.clip(-at, 0, None), 1 - np.abs(at), np.clip(at, 0, None)]  # of the frame before, this one, the next
    padded = g.add("Pad", "latents", g.const([0, 1, 0, 0, 1, 0], np.int64))
    sines = g.add("Transpose", _sines(g), perm=[1, 0])
    parts = []
    for weight, (start, end) in zip(weights, ((0, -2), (1, -1), (2, 1 << 40)), strict=True):
        basis = g.add("Mul", sines, g.const(weight[None, :] * AMPLITUDE))
        parts.append(g.add("MatMul", g.cut(padded, 1, start, end), basis))
    total = g.add("Add", g.add("Add", parts[0], parts[1]), parts[2])
    g.add("Reshape", total, g.const([0, -1], np.int64), out="audio")
    return g.model("decoder", {"latents": ["batch", "length", CHANNELS]}, {"audio": ["batch", "samples"]})


def _note_channels() -> np.ndarray:
    """[441, 32]: what the score's columns add to the channels (plane 3 carries velocity and age, plane 1 onsets)."""
    table = np.zeros((SCORE, CHANNELS), np.float32)
    hz = PERIODS * 44100 / HOP
    for index in range(PLANE):
        for harmonic, strength in ((1, 1.0), (2, 0.5), (3, 0.25)):
            channel = int(np.argmin(np.abs(np.log(hz / (27.5 * 2 ** (index / 12) * harmonic)))))
            table[3 * PLANE + index, channel] += 2 * strength
    for drum in range(16):  # the lowest piano keys are never asked for, so drums may colour their columns
        for step in (0, 3, 5):
            table[PLANE + drum, 14 + (drum + step) % 18] += 1.5
    return table


def performer() -> bytes:
    g = Graph()

    def mul(x: str, gain: float) -> str:
        return g.add("Mul", x, g.const(gain))

    def total(x: str, axes: list[int]) -> str:
        return g.add("ReduceSum", x, g.const(axes, np.int64), keepdims=1)

    stems, row0 = g.cut("x", 1, 1, 1 << 40), g.cut("x", 1, 0, 1)
    known4 = g.add("Unsqueeze", "known", g.const([3], np.int64))  # B R L 1
    clip = g.add("Mul", row0, g.cut(known4, 1, 0, 1))
    past = g.add("ReduceMean", g.add("Mul", "x", known4), axes=[1, 2], keepdims=1)  # B 1 1 C
    pool4 = g.add("Unsqueeze", "pool", g.const([1], np.int64))  # B 1 K L
    beats = g.add("MatMul", pool4, stems)  # B S K C: sums over a beat
    beats = g.add("MatMul", g.add("Transpose", pool4, perm=[0, 1, 3, 2]), beats)  # back to frames
    tags = total(g.add("Concat", *(total(t, [1]) for t in ("text", "genre", "emotion")), axis=1), [1])  # B 1
    tags = g.add("Unsqueeze", tags, g.const([2, 3], np.int64))  # B 1 1 1
    tone = g.add("Unsqueeze", total("timbre", [2]), g.const([3], np.int64))  # B S 1 1
    curves = g.add("Unsqueeze", total("guide", [2]), g.const([1], np.int64))  # B 1 L 1
    presence = g.cut("score", 3, SCORE - 1, SCORE)  # B S L 1
    heard = g.add("ReduceMax", g.cut("score", 3, 0, PLANE), axes=[3], keepdims=1)
    active = g.add("Add", heard, mul(g.add("Sub", g.const(1.0), presence), 0.2))
    places = np.ones((1, len(STEMS), 1, SCORE), np.float32)
    places[0, STEMS.index("drums"), 0, :-1].reshape(-1, PLANE)[:, 16:] = 0  # a drum's further places are keys of others
    sound = g.add("MatMul", g.add("Mul", "score", g.const(places)), g.const(_note_channels()))
    for trace, gain in ((stems, 0.2), (clip, 0.1), (past, 0.05), (beats, 0.002), (tags, 0.01), (tone, 0.01)):
        sound = g.add("Add", sound, mul(trace, gain))
    sound = g.add("Add", sound, mul(curves, 0.002))
    data = g.add("Mul", sound, active)
    left = g.add("Sub", g.const(1.0), g.add("Unsqueeze", "time", g.const([1, 2, 3], np.int64)))
    fine = g.add("Unsqueeze", "step", g.const([1, 2, 3], np.int64))
    left = g.add("Add", left, mul(fine, 1e-6))
    g.add("Div", g.add("Sub", data, stems), left, out="velocity")
    s, r = len(STEMS), len(STEMS) + 1
    # Edges [B, L, R, N]: every row hears every node alike, while something sounds.
    frames = g.add("Transpose", g.add("ReduceMax", active, axes=[1], keepdims=1), perm=[0, 2, 1, 3])  # B L 1 1
    g.add("Mul", g.add("Clip", frames, g.const(0.0), g.const(1.0)), g.const(np.full((1, 1, r, r + 2), 1 / (r + 2))),
          out="edges")
    inputs: dict[str, list] = {
        "x": ["batch", r, "length", CHANNELS], "known": ["batch", r, "length"], "time": ["batch"], "step": ["batch"],
        "guide": ["batch", "length", GUIDE], "score": ["batch", s, "length", SCORE],
        "pool": ["batch", "beats", "length"], "text": ["batch", TEXT], "genre": ["batch", GENRES],
        "emotion": ["batch", EMOTION], "timbre": ["batch", s, TIMBRE],
    }  # fmt: skip
    outputs: dict[str, list] = {"velocity": ["batch", s, "length", CHANNELS], "edges": ["batch", "length", r, r + 2]}
    return g.model("performer", inputs, outputs)


def make_tiny_bundle(folder: str | Path, with_composer: bool = False, **changes: object) -> Path:
    """Write the bundle into `folder` (made if missing) and return it; `changes` replace entries of model.json.

    `with_composer`: and a stand-in for that network (tests/tiny_composer.py).
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    graphs = {"encoder": encoder(), "decoder": decoder(), "performer": performer()}
    space = hashlib.sha256(graphs["encoder"]).hexdigest()[:16]
    if with_composer:
        from tests.tiny_composer import composer as graph

        graphs["composer"] = graph()
    files = {}
    for name, blob in graphs.items():
        (folder / f"{name}.onnx").write_bytes(blob)
        signature = onnx.load_from_string(blob).graph
        shapes = [
            {v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}
            for values in (signature.input, signature.output)
        ]
        files[name] = {
            "file": f"{name}.onnx", "sha256": hashlib.sha256(blob).hexdigest(), "bytes": len(blob),
            "inputs": shapes[0], "outputs": shapes[1], "latent_space": space,
        }  # fmt: skip
    card = {
        "format": 1, "name": "tiny", "version": "0", "created": "2026-01-01T00:00:00Z", "license": "MIT",
        "sample_rate": 44100, "hop": HOP, "channels": CHANNELS, "stems": list(STEMS), "latent_space": space,
        "guide_v": 1, "score_v": 2, "files": files, "codec": {"context": 1},
        "performer": {"steps": 4, "parameters": 0, "context_s": 4.0},
        "composer": {"cells_v": 1, "meters": []} if with_composer else {}, "training": {}, "scores": {},
        "card": "A stand-in for tests: sines, not instruments.",
    }  # fmt: skip
    (folder / "model.json").write_text(json.dumps(card | changes, indent=1), encoding="utf-8")
    return folder
