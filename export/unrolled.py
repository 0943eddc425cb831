"""The sampler unrolled: all steps of a fixed number as one graph, noise in, latents out.

For runtimes that are fed once a window (TensorRT, a GPU's captured graph). What does not depend on the flow time, the
score's encoder above all, is computed once, since equal nodes are shared; the arithmetic is that of
`harmonicflow.engine.sampler`, so the latents are those of the steps one by one.

Legend: B batch, R rows, S stems, L latent frame, C channels.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from harmonicflow.engine.sampler import flow_times, sample, told_step
from harmonicflow.nn.performer import Performer, PerformerConfig
from harmonicflow.nn.readback import weights_of

from .onnx_graphs import UNROLLED, export_graph
from .parity import check, differences


class Unrolled(nn.Module):
    """Every step of the sampler over a performer."""

    def __init__(self, performer: Performer, times: Sequence[float], interval: bool) -> None:
        super().__init__()
        self.performer, self.config = performer, performer.config
        self.times, self.interval = tuple(times), interval

    def forward(self, x: Tensor, known: Tensor, *conditions: Tensor) -> Tensor:
        """Latents [B, S, L, C] of the stems from `x` [B, R, L, C], which holds noise where `known` [B, R, L] is 0.

        `conditions`: the performer's other inputs but flow time and step, in its order. Known cells come back as given.
        """
        clip, unknown = x[:, :1], (1 - known[:, 1:])[..., None]

        def velocity(stems: Tensor, time: float, step: float) -> Tensor:
            told = (torch.tensor([time]), torch.tensor([told_step(step, self.interval)]))
            found, _edges = self.performer(torch.cat([clip, stems], dim=1), known, *told, *conditions)
            return found * unknown

        latents: Tensor = sample(velocity, x[:, 1:], self.times)
        return latents


def unrolled_graph(performer: bytes, row: Mapping[str, Any], steps: int, space: str) -> tuple[bytes, float]:
    """The ONNX file of `steps` steps, and its largest difference from its weights in torch.

    `performer` is the exported file of one step, `row` what model.json says of it. Raises `bad_steps`, `bad_export`.
    """
    config = PerformerConfig(**{**row["config"], "stems": tuple(row["config"]["stems"])})
    network = Performer(config)
    weights = weights_of(memoryview(performer))
    network.load_state_dict({name: torch.from_numpy(weights[name].copy()) for name in network.state_dict()})
    times = flow_times(steps, row.get("schedule"))
    whole = Unrolled(network.eval(), times, bool(row.get("interval", False))).eval()
    data = export_graph(UNROLLED, whole, config, {"latent_space": space, "steps": str(steps)})
    return data, check(UNROLLED, differences(UNROLLED, whole, data, len(config.stems)))
