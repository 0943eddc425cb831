"""The performer: what may and what may not change its output."""

import pytest
import torch
from torch import Tensor

from harmonicflow.nn.attention import GraphAttention
from harmonicflow.nn.performer import (
    EMOTION_WIDTH,
    GENRE_WIDTH,
    TEXT_WIDTH,
    TIMBRE_WIDTH,
    Performer,
    PerformerConfig,
    precondition,
    waves,
)
from harmonicflow.score.rolls import ACTIVE, AGE, PHASE, SCORE_WIDTH

CONFIG = PerformerConfig(dim=32, heads=2, layers=2, modulation=8, reach=4)
ROWS, STEMS = CONFIG.rows, len(CONFIG.stems)


@pytest.fixture
def performer() -> Performer:
    torch.manual_seed(0)
    network = Performer(CONFIG).eval()
    with torch.no_grad():  # a fresh head is zero, which would hide everything
        network.head.normal_(0, 0.1)
        for name, parameter in network.named_parameters():
            if "modulation.2" in name:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    return network


def inputs(frames: int = 24, beats: int = 5) -> dict[str, Tensor]:
    torch.manual_seed(1)
    pool = torch.zeros(1, beats, frames)
    pool[0, torch.arange(frames) * beats // frames, torch.arange(frames)] = 1
    return {
        "x": torch.randn(1, ROWS, frames, CONFIG.channels), "known": (torch.rand(1, ROWS, frames) > 0.5).float(),
        "time": torch.tensor([0.3]), "step": torch.zeros(1), "guide": torch.randn(1, frames, 79),
        "score": torch.rand(1, STEMS, frames, SCORE_WIDTH), "pool": pool, "text": torch.randn(1, TEXT_WIDTH),
        "genre": torch.randn(1, GENRE_WIDTH), "emotion": torch.randn(1, EMOTION_WIDTH),
        "timbre": torch.randn(1, STEMS, TIMBRE_WIDTH),
    }


def play(performer: Performer, given: dict[str, Tensor]) -> Tensor:
    """The velocity alone."""
    return performer(**given)[0]


@pytest.mark.parametrize("name", ["x", "known", "time", "step", "guide", "score", "text", "genre", "emotion", "timbre"])
def test_every_input_is_heard(performer: Performer, name: str) -> None:
    given = inputs()
    before = play(performer, given)
    assert before.shape == (1, STEMS, 24, CONFIG.channels)
    given[name] = 1 - given[name] if name == "known" else given[name] + 0.5
    assert (play(performer, given) - before).abs().max() > 1e-5


def test_empty_beats_change_nothing(performer: Performer) -> None:
    given = inputs()
    before = play(performer, given)
    given["pool"] = torch.cat([given["pool"], torch.zeros(1, 3, 24)], dim=1)
    assert torch.allclose(play(performer, given), before, atol=1e-5)


def test_beats_carry_what_local_attention_cannot_reach(performer: Performer) -> None:
    """Two blocks reach 8 frames nearby; only the beat tokens hear the other end of the window."""
    given = inputs(frames=40, beats=4)
    before = play(performer, given)
    given["score"] = given["score"].clone()
    given["score"][:, :, 0] += 1
    moved = (play(performer, given) - before).abs().amax((0, 1, 3))
    assert moved[30:].max() > 1e-6


def test_batches_do_not_mix(performer: Performer) -> None:
    one, other = inputs(), {name: value.flip(-1) for name, value in inputs().items() if name != "pool"}
    other["pool"] = inputs()["pool"]
    other["known"] = 1 - one["known"]
    both = {name: torch.cat([one[name], other[name]]) for name in one}
    assert torch.allclose(play(performer, both)[0], play(performer, one)[0], atol=1e-5)


def test_edge_weights_are_shares() -> None:
    torch.manual_seed(0)
    graph = GraphAttention(dim=16, heads=2, rows=3, nodes=5)
    rows = torch.randn(2, 7, 3, 16)
    weights, _ = graph.weights(rows, torch.cat([rows, torch.randn(2, 7, 2, 16)], dim=2))
    assert weights.shape == (2, 7, 2, 3, 5)
    assert torch.allclose(weights.sum(-1), torch.ones(2, 7, 2, 3), atol=1e-5)
    with torch.no_grad():
        graph.edges[:, 0, 4] = 50.0  # a learned edge can outweigh what the nodes hold
    weights, _ = graph.weights(rows, torch.cat([rows, torch.randn(2, 7, 2, 16)], dim=2))
    assert weights[:, :, :, 0, 4].min() > 0.99


def test_the_graph_is_given_with_the_velocity(performer: Performer) -> None:
    edges = performer(**inputs())[1]
    assert edges.shape == (1, 24, ROWS, ROWS + 2)
    assert torch.allclose(edges.sum(-1), torch.ones(1, 24, ROWS), atol=1e-5)
    given = inputs()
    given["guide"] = given["guide"] + 1
    assert (performer(**given)[1] - edges).abs().max() > 1e-5


def test_phases_are_told_as_turns(performer: Performer) -> None:
    """A whole turn is no turn; a quarter of one is heard where something sounds and nowhere else."""
    given = inputs()
    before = play(performer, given)
    for turn, heard in ((1.0, False), (0.25, True)):
        moved = {**given, "score": given["score"].clone()}
        moved["score"][..., PHASE] += turn
        assert ((play(performer, moved) - before).abs().max() > 1e-4) == heard
    silent = {**given, "score": given["score"].clone()}
    silent["score"][..., ACTIVE] = silent["score"][..., AGE] = 0
    before = play(performer, silent)
    silent["score"][..., PHASE] += 0.25
    assert torch.equal(play(performer, silent), before)


@pytest.mark.parametrize("t", [0.0, 0.3, 0.5, 0.9, 1.0])
def test_the_network_is_asked_for_unit_variance(t: float) -> None:
    """With independent data and noise, F = (velocity - skip * x_t) / scale has variance 1 and knows nothing of x_t."""
    generator = torch.Generator().manual_seed(2)
    data, noise = (torch.randn(1, 1, 100, 1000, generator=generator) for _ in range(2))
    x = (1 - t) * noise + t * data
    skip, scale = precondition(torch.tensor([t]))
    asked = (data - noise - skip * x) / scale
    assert float(asked.var()) == pytest.approx(1, abs=0.02)
    assert float((asked * x).mean()) == pytest.approx(0, abs=0.02)


def test_flow_times_are_told_apart() -> None:
    codes = waves(torch.linspace(0, 1, 101))
    distance = torch.cdist(codes, codes) + torch.eye(101) * 9
    assert distance.min() > 0.1
