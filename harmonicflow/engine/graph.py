"""The audio graph of a finished take: who listens to whom while the performer plays, read out of its attention.

In every block of the performer each instrument (and the clip) asks, frame by frame, the clip, all instruments, harmony
and rhythm what they play; a softmax shares its attention among them. Those shares, averaged over blocks and heads, are
the graph's edges. The performer goes over the take once more as it did when the take was made, block by block and from
the same noise, on the straight line from noise to the take's own latents:

    x_t = (1 - t) noise + t latents,    at some flow times t

Legend: L latent frames, R rows (the clip, then the stems), N nodes (the rows, harmony, rhythm).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np

from harmonicflow.core.constants import LATENT_RATE_EXACT
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.score.keys import parse_key

from .api import HarmonicFlow
from .blocks import latent_length, schedule
from .canvas import Canvas
from .perform import Window
from .result import Result

FORMAT: Final = 1
CLIP: Final = "clip"
GIVEN: Final = ("harmony", "rhythm")
FLOW_TIMES: Final = (0.25, 0.5, 0.75)  # what is heard changes as the sound comes out of the noise
DIGITS: Final = 4  # of the weights in JSON


@dataclass(frozen=True)
class AudioGraph:
    """Edge weights over time: `edges[l, r, n]` is the share of its attention that row r gives to node n."""

    rows: tuple[str, ...]  # who listens
    nodes: tuple[str, ...]  # who is heard
    edges: np.ndarray  # float32 [L, R, N], adds up to 1 over N
    seconds: np.ndarray  # float64 [L], the frames' centres from the selection's first frame
    beats: np.ndarray  # float64 [L], the same in quarter notes
    bars: tuple[tuple[int, float], ...]  # number and first second of every bar
    clip: bool  # whether the take was made to a clip; without one its node is empty
    flow_times: tuple[float, ...]

    def mean(self) -> np.ndarray:
        """Weights over the whole take, float64 [R, N]."""
        means: np.ndarray = self.edges.mean(axis=0, dtype=np.float64)
        return means

    def to_json(self) -> dict[str, Any]:
        """Plain values; weights are rounded."""
        return {
            "format": FORMAT, "rows": list(self.rows), "nodes": list(self.nodes), "clip": self.clip,
            "flow_times": list(self.flow_times), "bars": [list(bar) for bar in self.bars],
            "mean": _rounded(self.mean()), "seconds": _rounded(self.seconds), "beats": _rounded(self.beats),
            "edges": _rounded(self.edges),
        }  # fmt: skip


def read_graph(flow: HarmonicFlow, take: Result, flow_times: Sequence[float] = FLOW_TIMES) -> AudioGraph:
    """The graph of a take, mean over `flow_times`. Raises `bad_option` for times outside 0 to 1, `latent_mismatch`.

    A take that was regenerated in part is read as if it had been made whole.
    """
    if not flow_times or not all(0 <= time < 1 for time in flow_times):
        reason = "flow times go from 0, all noise, to below 1, the sound itself"
        raise HarmonicFlowError("bad_option", option="--at", value=" ".join(map(str, flow_times)), reason=reason)
    _check_fit(flow, take)
    selection, length = take.selection, latent_length(take.selection)
    conditions = flow.conditions(selection, take.score, take.plan, parse_key(take.plan.key) if take.plan.key else None)
    canvas = Canvas(take.latents, np.concatenate([take.canvas.known[:1], np.zeros((len(flow.stems), length), bool)]))
    rows = (CLIP, *flow.stems)
    edges = np.zeros((length, len(rows), len(rows) + len(GIVEN)), np.float32)
    for block in schedule(selection, flow.bundle.card.codec.context):
        window = Window.of(flow.bundle, canvas, conditions, block, take.seed)
        inside = slice(block.start - window.low, block.end - window.low)
        for time in flow_times:
            edges[block.start : block.end] += _edges(flow, take, window, time)[inside] / len(flow_times)
        canvas.known[1:, block.start : block.end] = True
    centres = [Fraction(2 * frame + 1, 2) / LATENT_RATE_EXACT for frame in range(length)]
    return AudioGraph(
        rows, (*rows, *GIVEN), edges,
        seconds=np.array([float(centre) for centre in centres]),
        beats=np.array([float(selection.beat_at_frame(centre * selection.rate)) for centre in centres]),
        bars=tuple((bar.number, bar.start_frame / selection.rate) for bar in selection.bars()),
        clip=bool(take.canvas.known[0].any()), flow_times=tuple(flow_times),
    )  # fmt: skip


def _edges(flow: HarmonicFlow, take: Result, window: Window, time: float) -> np.ndarray:
    """Edges [n, R, N] of a window at one flow time."""
    x_RnC = window.x.copy()
    data_SnC = take.latents[1:, window.low : window.high]
    x_RnC[1:][window.unknown] = ((1 - time) * x_RnC[1:] + time * data_SnC)[window.unknown]
    told = {"time": np.array([time], np.float32), "step": np.zeros(1, np.float32)}
    found = flow.runtime.outputs("performer", ("edges",), again=False, x=x_RnC[None], **window.inputs, **told)
    edges_nRN: np.ndarray = found["edges"][0]
    return edges_nRN


def _check_fit(flow: HarmonicFlow, take: Result) -> None:
    """Raise `latent_mismatch` for a take whose latents this bundle does not read."""
    space = flow.bundle.card.latent_space
    if take.bundle["latent_space"] != space or len(take.latents) != 1 + len(flow.stems):
        reason = f"the take was made in {take.bundle['latent_space']}, the bundle {flow.bundle.path} reads {space}"
        hint = "Name the bundle it was made with: --bundle FOLDER"
        raise HarmonicFlowError("latent_mismatch", reason=reason, hint=hint)


def _rounded(values: np.ndarray) -> Any:
    return np.round(values.astype(np.float64), DIGITS).tolist()
