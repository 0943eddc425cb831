"""Training the composer: the likelihood of the notes of unknown cells, given all that is known.

The loss is the mean negative log likelihood of a cell, in nats: of each note's fields in the order in which they are
written, and of the cell's end. Beside it a head that is dropped at export says how likely each place of the cell's
piano roll is by itself, to measure what writing note after note gains over independent places.

Legend: B batch, M cells to write, R = B * M, N notes of a cell, F fields, D width.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from harmonicflow.nn.composer import Composer, ComposerConfig, Draw, log_probability
from harmonicflow.score.cells import CELL_PARTS, DURATION, FIELDS, NOTES, PLACE, PLACES, SLOT, SLOTS

from .composer_data import CellData, CellExample

ROLL_WEIGHT = 0.02  # of the roll's head, which learns from the encoder and gives it nothing back
FIELD_WEIGHT = (1.0, 1.0, 0.6, 0.6, 0.4)  # of the loss: slots and places are what is heard as wrong


class TrainedComposer(Composer):
    """The composer with a head that is dropped at export: logits of every (slot, place) of a cell."""

    def __init__(self, config: ComposerConfig) -> None:
        super().__init__(config)
        self.heads = nn.ModuleDict({"roll": nn.Linear(config.dim, SLOTS * PLACES)})


class Told(Draw):
    """The fields of the notes that are there, and their log probabilities."""

    def __init__(self, targets: Tensor) -> None:
        self.targets = targets  # [R, F] whole numbers
        self.values, self.logps = [], []

    def field(self, logits: Tensor, field: int) -> Tensor:
        value = self.targets[:, field]
        self.logps.append(log_probability(logits, value))
        return value


def cell_likelihood(network: Composer, batch: CellExample) -> tuple[Tensor, Tensor]:
    """Negative log likelihood of each cell's fields [R, F] in nats, and the encoder's values [R, D] of the cells."""
    h = network.hidden(batch.notes, batch.known, batch.recall, batch.likeness, batch.harmony, batch.time, batch.style,
                       batch.controls)
    h, cells = network.picked(h, batch.harmony, batch.write)
    targets = batch.targets.flatten(0, 1).long()
    count = (targets[..., SLOT] >= 0).sum(1)
    order = torch.argsort(count, descending=True)  # so that the cells that go on are always the first ones
    count, targets = count[order], targets[order]
    ends = torch.where((targets[..., SLOT] < 0)[..., None], torch.zeros_like(targets), targets)
    ends[..., SLOT] = torch.where(targets[..., SLOT] < 0, torch.full_like(count[:, None], SLOTS), targets[..., SLOT])
    h_sorted = h[order]
    state, given = torch.tanh(network.writer.begin(h_sorted)), network.writer.given(h_sorted)
    last = torch.zeros_like(state)
    cells = type(cells)(*(getattr(cells, name)[order] for name in cells.__dataclass_fields__))
    nll = state.new_zeros(len(count), FIELDS)
    slot = torch.zeros_like(count)
    place = torch.zeros_like(count)
    for number in range(NOTES):
        going = int((count >= number).sum())
        if not going:
            break
        part = type(cells)(*(getattr(cells, name)[:going] for name in cells.__dataclass_fields__))
        state = network.writer.step(state[:going], given[:going], last[:going])
        told = Told(ends[:going, number])
        last = network.writer.note(state, part, slot[:going], place[:going], state.new_zeros(1), told)
        logps = torch.stack(told.logps, 1)
        real = (count[:going] > number).to(logps.dtype)
        drums = (part.drums > 0).to(logps.dtype)
        counted = [torch.ones_like(real), *[real] * (FIELDS - 1)]
        counted[DURATION] = real * (1 - drums)
        padded = torch.zeros_like(nll)
        padded[:going] = -logps * torch.stack(counted, 1)
        nll = nll + padded
        slot, place = told.targets[:, SLOT].clamp(max=SLOTS - 1), told.targets[:, PLACE] + 1
    back = torch.argsort(order)
    return nll[back], h


def roll_likelihood(logits: Tensor, targets: Tensor) -> Tensor:
    """Negative log likelihood [R] of cells as rolls of independent (slot, place)s with logits [R, SLOTS * PLACES]."""
    roll = torch.zeros_like(logits)
    there = (targets[..., SLOT] >= 0).to(logits.dtype)
    index = (targets[..., SLOT] * PLACES + targets[..., PLACE]).clamp(min=0).long()
    roll.scatter_reduce_(1, index, there, "amax")
    return functional.binary_cross_entropy_with_logits(logits, roll, reduction="none").sum(-1)


class ComposerTask:
    """The loss and the validation of the composer (see `training.loop.Task`)."""

    def __init__(self, config: ComposerConfig, validation: CellData, batches: int = 10) -> None:
        self.network = TrainedComposer(config)
        self.held_out = [validation.batch() for _ in range(batches)]

    def loss(self, batch: CellExample) -> dict[str, Tensor]:
        nll, h = cell_likelihood(self.network, batch)
        weight = batch.weight.flatten()
        total = weight.sum().clamp(min=1)
        fields = (nll * weight[:, None]).sum(0) / total
        roll = roll_likelihood(self.network.heads["roll"](h.detach()), batch.targets.flatten(0, 1))
        roll = (roll * weight).sum() / total
        loss = (fields * fields.new_tensor(FIELD_WEIGHT)).sum()
        named = dict(zip(("slot", "place", "length", "force", "shift"), fields, strict=True))
        return {"total": loss + ROLL_WEIGHT * roll, **named, "roll": roll}

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Bits a cell, of all parts and of each, and bits of slots and places alone beside the independent roll's."""
        assert isinstance(network, TrainedComposer)
        device = next(network.parameters()).device
        rows: list[np.ndarray] = []
        for held_out in self.held_out:
            batch = CellExample(*(getattr(held_out, name).to(device) for name in held_out.__dataclass_fields__))
            nll, h = cell_likelihood(network, batch)
            roll = roll_likelihood(network.heads["roll"](h), batch.targets.flatten(0, 1))
            part = batch.write[..., 0].flatten()
            row = torch.cat([part[:, None], nll, roll[:, None]], 1)
            rows.append(row[batch.weight.flatten() > 0].cpu().numpy())
        table = np.concatenate(rows)
        bits = table[:, 1:] / math.log(2)
        scores = {"loss": float((bits[:, :FIELDS] * FIELD_WEIGHT).sum(1).mean())}
        scores["bits"] = float(bits[:, :FIELDS].sum(1).mean())
        scores["onsets"] = float(bits[:, : PLACE + 1].sum(1).mean())
        scores["roll"] = float(bits[:, FIELDS].mean())
        for number, name in enumerate(CELL_PARTS):
            mine = table[:, 0] == number
            scores[name] = float(bits[mine, :FIELDS].sum(1).mean()) if mine.any() else 0.0
        return scores
