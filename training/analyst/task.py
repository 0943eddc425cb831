"""The analyst's loss and validation.

Binary cross-entropy of beats and downbeats against widened targets (Boeck & Davies 2020) and of pitch classes, cross-
entropy of root, bass and key (McFee & Bello 2017), each over what is known.

Legend: B batch, N frame, H chord row.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from harmonicflow.analysis.listening import BASS, BEAT, DOWNBEAT, KEY, PITCH_CLASSES, ROOT
from harmonicflow.nn.analyst import Analyst, AnalystConfig

from .data import Batch, MixData
from .truth import UNKNOWN

WEIGHTS: Final = {"beat": 5.0, "downbeat": 5.0, "root": 1.0, "bass": 0.7, "classes": 3.0, "key": 0.3}


class AnalystTask:
    """See `training.loop.Task`."""

    def __init__(self, config: AnalystConfig, validation: MixData) -> None:
        self.network = Analyst(config)
        self.held_out = validation

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The parts by name and their weighted sum."""
        time, harmony = self.network(batch.spectrum)
        return losses(time, harmony, batch)

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Losses and shares of right answers over the held-out mixes."""
        device = next(network.parameters()).device
        sums: dict[str, float] = defaultdict(float)
        count = 0
        for batch in self.held_out.batches():
            here = Batch(*(value.to(device) for value in (batch.spectrum, batch.beats, batch.chords, batch.key)))
            time, harmony = network(here.spectrum)
            found = losses(time, harmony, here) | right(time, harmony, here)
            for name, value in found.items():
                sums[name] += float(value) * len(here.key)
            count += len(here.key)
        scores = {name: value / count for name, value in sums.items()}
        return {"loss": scores.pop("total"), **scores}


def losses(time: Tensor, harmony: Tensor, batch: Batch) -> dict[str, Tensor]:
    """Losses by name; what is unknown throughout a batch costs nothing."""
    time, harmony = time.float(), harmony.float()
    parts = {}
    for name, column in (("beat", BEAT), ("downbeat", DOWNBEAT)):
        asked = batch.beats[..., column]
        parts[name] = _binary(time[..., column], asked / 100, asked != UNKNOWN)
    parts["root"] = _one_of(harmony[..., ROOT], batch.chords[..., 0])
    parts["bass"] = _one_of(harmony[..., BASS], batch.chords[..., 1])
    classes = batch.chords[..., 2:]
    parts["classes"] = _binary(harmony[..., PITCH_CLASSES], classes.float(), classes != UNKNOWN)
    rows = harmony.shape[1]
    parts["key"] = _one_of(harmony[..., KEY], batch.key[:, None].expand(-1, rows))
    return {"total": _sum(WEIGHTS[name] * value for name, value in parts.items()), **parts}


def right(time: Tensor, harmony: Tensor, batch: Batch) -> dict[str, Tensor]:
    """Share of right roots, bass notes, pitch classes (of whole chords) and keys; logits' rank at beats."""
    classes = batch.chords[..., 2:]
    whole = ((harmony[..., PITCH_CLASSES] > 0) == (classes == 1)).all(-1)
    key = harmony[..., KEY].mean(1).argmax(-1)
    return {
        "root_right": _share(harmony[..., ROOT].argmax(-1) == batch.chords[..., 0], batch.chords[..., 0] != UNKNOWN),
        "chord_right": _share(whole, classes[..., 0] != UNKNOWN),
        "key_right": _share(key == batch.key, batch.key != UNKNOWN),
    }


def _binary(logits: Tensor, asked: Tensor, known: Tensor) -> Tensor:
    error = functional.binary_cross_entropy_with_logits(logits, asked.clamp(0, 1), reduction="none")
    return (error * known).sum() / known.sum().clamp(min=1)


def _one_of(logits: Tensor, asked: Tensor) -> Tensor:
    known = asked != UNKNOWN
    error = functional.cross_entropy(logits.flatten(0, -2), asked.flatten(), ignore_index=UNKNOWN, reduction="sum")
    return error / known.sum().clamp(min=1)


def _share(hits: Tensor, known: Tensor) -> Tensor:
    return (hits & known).sum() / known.sum().clamp(min=1)


def _sum(values: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(values)).sum()
