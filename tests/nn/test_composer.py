"""The composer's network: forced, drawn and impossible notes, in torch and in the exported graph."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest
import torch

from export.onnx_graphs import TENSORRT_OPERATORS, example_inputs, export_graph, operators
from export.parity import check, differences
from export.weights import rounded_network
from harmonicflow.nn.composer import NO_ROOT, Composer, ComposerConfig, degree
from harmonicflow.score.cell_features import HARMONY_COLUMNS
from harmonicflow.score.cells import DURATION, NOTES, PLACE, SIZES, SLOT, SLOTS

TINY = ComposerConfig(dim=32, heads=2, layers=2, expansion=2, note=16, writer=32)
SIZE = {"batch": 2, "cells": 12, "picks": 9, "length": 1}


@pytest.fixture(scope="module")
def composer() -> Composer:
    torch.manual_seed(3)
    network = rounded_network(Composer(TINY))
    with torch.no_grad():
        network.writer.slot_head.bias[SLOTS] = -1.0  # some cells go on to the last place
    return network


@pytest.fixture(scope="module")
def graph(composer: Composer) -> bytes:
    return export_graph("composer", composer, TINY)


def inputs(seed: int = 0, draw: bool = True) -> dict[str, torch.Tensor]:
    found = example_inputs("composer", SIZE, seed)
    if draw:
        found["forced"].fill_(-1)
    return found


def run(network: Composer, given: dict[str, torch.Tensor]) -> tuple[np.ndarray, np.ndarray]:
    with torch.no_grad():
        written, logp = network(*given.values())
    return written.numpy(), logp.numpy()


def test_what_is_drawn_is_a_cell(composer: Composer) -> None:
    given = inputs()
    written, logp = run(composer, given)
    slots, places = written[..., SLOT], written[..., PLACE]
    there = slots >= 0
    assert 0.2 < there.mean() < 1 and (written[~there] == -1).all()
    assert not (there[..., 1:] & ~there[..., :-1]).any()
    for field, size in enumerate(SIZES):
        assert written[there][:, field].max() < size and written[there][:, field].min() >= 0
    both = there[..., 1:] & there[..., :-1]
    later, higher = np.diff(slots), np.diff(places)
    assert (later[both] >= 0).all() and (higher[both & (later == 0)] > 0).all()
    drums = given["write"][..., 0].numpy() == 1
    assert places[drums].max() < 16
    assert (logp[there] < 0).all() and (logp[..., 1:][~there[..., 1:] & ~there[..., :-1]] == 0).all()


def test_forcing_what_was_drawn_gives_it_back_with_its_likelihood(composer: Composer) -> None:
    given = inputs(1)
    written, logp = run(composer, given)
    forced = written.copy()
    forced[..., SLOT] = np.where(written[..., SLOT] < 0, SLOTS, written[..., SLOT])
    again, same = run(composer, given | {"forced": torch.from_numpy(forced)})
    assert (again == written).all()
    assert np.abs(same - logp).max() < 1e-4


def test_the_likelihoods_of_all_first_notes_add_up_to_one(composer: Composer) -> None:
    given = {name: value[:1] for name, value in inputs(2).items()}
    given["write"] = torch.tensor([[[1.0, 4.0]]])  # a drum: slot, place, force and timing
    for name in ("uniform", "forced", "heat"):
        given[name] = given[name][:, :1]
    given["bias"] = torch.zeros(1, 1, SLOTS + 1)
    end = given["forced"].clone()
    end[..., 0, SLOT] = SLOTS
    total = float(np.exp(run(composer, given | {"forced": end})[1][0, 0, 0]))
    rng = np.random.default_rng(0)
    # Importance sampling over the rest: the mean of p / q under uniform q is one minus the end's share.
    count, shares = 4000, []
    notes = np.stack([rng.integers(size, size=count) for size in (SLOTS, 16, 1, SIZES[3], SIZES[4])], -1)
    for part in np.split(notes, 8):
        forced = torch.full((1, len(part), NOTES, 5), -1.0)
        forced[0, :, 0] = torch.from_numpy(part).float()
        many = dict(given)
        many["forced"], many["uniform"] = forced, torch.zeros_like(forced)
        many["heat"] = given["heat"].expand(1, len(part), 2)
        many["write"] = given["write"].expand(1, len(part), 2)
        many["bias"] = torch.zeros(1, len(part), SLOTS + 1)
        shares.append(np.exp(run(composer, many)[1][0, :, 0].astype(np.float64)))
    mean = np.concatenate(shares).mean() * SLOTS * 16 * SIZES[3] * SIZES[4]
    assert total + mean == pytest.approx(1, abs=0.05)


def test_temperature_and_min_p_leave_the_likeliest(composer: Composer) -> None:
    given = inputs(3)
    cold = {"heat": torch.tensor([1e-3, 0.9]).expand(2, 9, 2)}
    first = run(composer, given | cold)[0]
    other = run(composer, given | cold | {"uniform": given["uniform"].flip(0)})[0]
    assert (first == other).mean() > 0.99, "almost without heat nothing is left to chance"


def test_a_bias_keeps_slots_out(composer: Composer) -> None:
    given = inputs(4)
    bias = torch.zeros_like(given["bias"])
    bias[..., 6:SLOTS] = -1e4
    written = run(composer, given | {"bias": bias})[0]
    assert written[..., SLOT].max() < 6 and (written[..., SLOT] >= 0).any()


def test_what_is_unknown_is_not_looked_at_and_drums_have_no_harmony(composer: Composer) -> None:
    given = inputs(5)
    other = given["notes"].clone()
    unknown = given["known"] < 0.5
    given["known"] = (~unknown).float()
    other[unknown] = 3.0
    assert (run(composer, given)[0] == run(composer, given | {"notes": other})[0]).all()
    assert int(degree(torch.tensor(40), torch.tensor(NO_ROOT))) == NO_ROOT
    assert int(degree(torch.tensor(39), torch.tensor(0))) == 0, "middle C above C"


def test_in_training_the_same_is_computed(composer: Composer) -> None:
    given = list(inputs(6).values())[:8]
    given[1] = (given[1] > 0.5).float()
    with torch.no_grad():
        asked = composer.hidden(*given)
        try:
            composer.train()
            learned = composer.hidden(*given)
        finally:
            composer.eval()
    assert float((asked - learned).abs().max()) < 1e-5


def test_the_graph_gives_what_the_network_gives(composer: Composer, graph: bytes) -> None:
    check("composer", differences("composer", composer, graph, 4))
    assert {name for _, name in operators(graph)} <= TENSORRT_OPERATORS
    session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    given = inputs(7)
    written, _ = session.run(None, {name: value.numpy() for name, value in given.items()})
    # A draw may fall on the other side of an edge when the last digit of a likelihood differs.
    assert (written == run(composer, given)[0]).all(axis=(2, 3)).mean() > 0.8


def test_roots_out_of_the_harmony_change_what_is_written(composer: Composer) -> None:
    given = inputs(8)
    bare = given["harmony"].clone()
    bare[..., HARMONY_COLUMNS["root"]] = 0
    assert (run(composer, given)[1] != run(composer, given | {"harmony": bare})[1]).any()
    assert DURATION == 2
