"""A stand-in for the composer's graph: it writes by a rule that a test can foresee, and hears what it is told.

Each slot of a cell sounds when its random number is below sigmoid(base + 6 (density - 0.5) + bias); of the cells that
are told to be like something, as many as the likeness says are copied from it. Places are the chord's root (drums:
kick, snare or hat), an octave higher for each sixth of the register; velocities rise with loudness and, a little, with
the share of the window's cells that are known, so that whatever is shown in another order sounds different. Slots with
a bias below -100 are never written, and forced notes come back first.

Legend: B batch, P parts, K cells, N notes, F fields, M cells to write.
"""

import numpy as np
from onnx import TensorProto, helper

from tests.tiny_bundle import Graph

PARTS, NOTES, FIELDS, SLOTS = 4, 16, 5, 12
HARMONY, TIME, STYLE, CONTROLS = 76, 34, 19, 10
BASE = np.array([1.5, -5, -3, -1.5, -3, -5, 0.5, -5, -3, -1.5, -3, -5], np.float32)
NONE = 99.0  # the key of a row without a note


def composer() -> bytes:
    """The graph, with the bundle's names."""
    g = Graph()

    def const(*values: float) -> str:
        return g.const(np.array(values, np.float32))

    def ints(*values: int) -> str:
        return g.const(list(values), np.int64)

    cells = g.add("Gather", g.add("Shape", "known"), g.const(2, np.int64))
    steps = g.add("Range", g.const(0, np.int64), cells, g.const(1, np.int64))
    part = g.add("Cast", g.add("Equal", g.cut("write", 2, 0, 1), const(0, 1, 2, 3)), to=TensorProto.FLOAT)  # B M P
    place = g.add("Cast", g.add("Equal", g.cut("write", 2, 1, 2), g.add("Cast", steps, to=TensorProto.FLOAT)),
                  to=TensorProto.FLOAT)  # fmt: skip

    def pick(value: str, letters: str) -> str:
        """What [B, P, K, ...] holds for the cells to write."""
        return g.add("Einsum", part, place, value, equation=f"bmp,bmk,bpk{letters}->bm{letters}")

    def control(number: int, rest: float) -> str:
        """The value of a control [B, M, 1], `rest` where it is not told."""
        value, there = (g.cut(told, 2, 2 * number + i, 2 * number + i + 1) for i in (0, 1))
        return g.add("Add", value, g.add("Mul", g.add("Sub", const(1), there), const(rest)))

    told = pick("controls", "c")
    density, register, loudness = control(0, 0.5), control(2, 0.25), control(3, 0.5)
    bias = g.cut("bias", 2, 0, SLOTS)
    logits = g.add("Add", g.add("Add", bias, g.const(BASE)), g.add("Mul", g.add("Sub", density, const(0.5)), const(6)))
    draw = g.add("Squeeze", g.cut(g.cut("uniform", 2, 0, SLOTS), 3, 0, 1), ints(3))
    sounds = g.add("Less", draw, g.add("Sigmoid", logits))  # B M 12

    octave = g.add("Mul", g.add("Floor", g.add("Mul", register, const(6))), const(12))
    root = g.add("MatMul", g.cut("harmony", 2, 0, 12), g.const(np.arange(12, dtype=np.float32)[:, None]))  # B K 1
    root = g.add("MatMul", place, root)  # B M 1
    drums = g.add("MatMul", part, g.const(np.array([[0], [1], [0], [0]], np.float32)))
    high = g.add("MatMul", part, g.const(np.array([[15], [0], [27], [27]], np.float32)))
    pitch = g.add("Add", g.add("Add", root, octave), high)
    lifted = g.add("Mul", g.add("Sub", const(1), drums), pitch)  # B M 1
    which = g.add("Floor", g.add("Mul", g.add("Squeeze", g.cut(g.cut("uniform", 2, 0, SLOTS), 3, 1, 2), ints(3)),
                                 const(4.99)))  # fmt: skip
    places = g.add("Add", lifted, g.add("Mul", drums, which))  # B M 12
    heard = g.add("ReduceMean", "known", axes=[1, 2], keepdims=1)  # B 1 1
    force = g.add("Add", g.add("Mul", g.add("Sub", loudness, const(0.5)), const(14)), g.add("Mul", heard, const(3)))
    force = g.add("Clip", g.add("Floor", g.add("Add", force, const(6))), const(0), const(15))
    flat = g.add("Mul", places, const(0))
    slot = g.add("Add", flat, g.const(np.arange(SLOTS, dtype=np.float32)))
    fields = [slot, places, g.add("Add", flat, const(2)), g.add("Add", flat, force), g.add("Add", flat, const(8))]
    own = g.add("Concat", *(g.add("Unsqueeze", field, ints(3)) for field in fields), axis=3)  # B M 12 F
    own = g.add("Pad", own, ints(0, 0, 0, 0, 0, 0, NOTES - SLOTS, 0), g.const(0.0))
    sounds = g.add("Pad", g.add("Cast", sounds, to=TensorProto.FLOAT), ints(0, 0, 0, 0, 0, NOTES - SLOTS), g.const(0.0))

    alike = g.add("Unsqueeze", pick("likeness", ""), ints(2))  # B M 1
    chance = g.add("Squeeze", g.cut(g.cut("uniform", 2, 15, 16), 3, 0, 1), ints(3))
    copies = g.add("Less", chance, alike)  # B M 1
    recall = pick("recall", "nf")
    recalled = g.add("Squeeze", g.cut(recall, 3, 0, 1), ints(3))  # B M N: slots
    at = g.add("Cast", g.add("Clip", recalled, const(0), const(SLOTS)), to=TensorProto.INT64)
    allowed = g.add("Greater", g.add("GatherElements", "bias", at, axis=2), const(-100))
    there = g.add("And", g.add("GreaterOrEqual", recalled, const(0)), allowed)
    there = g.add("Cast", there, to=TensorProto.FLOAT)
    rows = g.add("Where", g.add("Unsqueeze", copies, ints(3)), recall, own)
    sounds = g.add("Where", copies, there, sounds)

    forced = g.add("Cast", g.add("GreaterOrEqual", g.cut("forced", 3, 0, 1), const(0)), to=TensorProto.FLOAT)
    forced = g.add("Squeeze", forced, ints(3))
    rows = g.add("Concat", "forced", rows, axis=2)  # B M 2N F
    sounds = g.add("Concat", forced, sounds, axis=2)
    slots = g.add("Squeeze", g.cut(rows, 3, 0, 1), ints(3))
    key = g.add("Add", g.add("Mul", slots, sounds), g.add("Mul", g.add("Sub", const(1), sounds), const(NONE)))
    g.nodes.append(
        helper.make_node("TopK", [key, ints(NOTES)], ["keys", "order"], axis=2, largest=0, sorted=1)
    )  # the first notes by slot, [B, M, N]
    valid = g.add("Unsqueeze", g.add("Less", "keys", const(SLOTS)), ints(3))
    index = g.add("Expand", g.add("Unsqueeze", "order", ints(3)), ints(1, 1, 1, FIELDS))
    g.add("Where", valid, g.add("GatherElements", rows, index, axis=2), const(-1), out="written")
    warm = g.add("Mul", g.add("ReduceSum", "heat", ints(1, 2), keepdims=0), const(0))
    style = g.add("Mul", g.add("ReduceSum", "style", ints(1), keepdims=0), const(0))
    time = g.add("Mul", g.add("ReduceSum", "time", ints(1, 2), keepdims=0), const(0))
    notes = g.add("Mul", g.add("ReduceSum", "notes", ints(1, 2, 3, 4), keepdims=0), const(0))
    traces = g.add("Sum", warm, style, time, notes)
    g.add("Sub", g.add("Unsqueeze", traces, ints(1, 2)), g.add("Cast", g.add("Less", "keys", const(SLOTS)),
                                                              to=TensorProto.FLOAT), out="logp")  # fmt: skip
    b, m, k = "batch", "picks", "cells"
    inputs: dict[str, list] = {
        "notes": [b, PARTS, k, NOTES, FIELDS], "known": [b, PARTS, k], "recall": [b, PARTS, k, NOTES, FIELDS],
        "likeness": [b, PARTS, k], "harmony": [b, k, HARMONY], "time": [b, k, TIME], "style": [b, STYLE],
        "controls": [b, PARTS, k, CONTROLS], "write": [b, m, 2], "uniform": [b, m, NOTES, FIELDS],
        "forced": [b, m, NOTES, FIELDS], "bias": [b, m, SLOTS + 1], "heat": [b, m, 2],
    }  # fmt: skip
    return g.model("composer", inputs, {"written": [b, m, NOTES, FIELDS], "logp": [b, m, NOTES]})
