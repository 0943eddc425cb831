"""A judge of genre on scores: fitted to songs of the train split, first asked about true songs it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch.nn import functional as F

from harmonicflow.core.constants import DEFAULT_STEMS, GENRES

from .features import features
from .pieces import Floats, Piece

DECAY: Final = 0.3  # of the weights, chosen on songs of the train split left out
STEPS: Final = 60
CLIP: Final = 4.0  # standard deviations: one odd piece does not decide
TIMES_CHANCE: Final = 4.0


@dataclass(frozen=True)
class Judge:
    """Logistic regression on scaled features: scores = clip((x - mean) / scale) @ weights + bias."""

    genres: tuple[str, ...]
    parts: tuple[str, ...]
    mean: Floats
    scale: Floats
    weights: Floats
    bias: Floats

    def scores(self, pieces: Sequence[Piece]) -> Floats:
        """Log probabilities, [pieces, genres]."""
        rows = np.stack([features(piece, self.parts) for piece in pieces])
        logits = np.clip((rows - self.mean) / self.scale, -CLIP, CLIP) @ self.weights + self.bias
        top = logits.max(axis=1, keepdims=True)
        return np.asarray(logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True)))

    def named(self, pieces: Sequence[Piece]) -> list[str]:
        """The genre each piece sounds like."""
        return [self.genres[place] for place in self.scores(pieces).argmax(axis=1)]


def fit(pieces: Sequence[Piece], parts: tuple[str, ...] = DEFAULT_STEMS, decay: float = DECAY) -> Judge:
    """The judge of the genres that the pieces have; every genre weighs the same, however many its pieces."""
    genres = tuple(genre for genre in GENRES if any(piece.genre == genre for piece in pieces))
    rows = np.stack([features(piece, parts) for piece in pieces])
    labels = np.array([genres.index(str(piece.genre)) for piece in pieces])
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-3
    x = torch.from_numpy(np.clip((rows - mean) / scale, -CLIP, CLIP))
    y = torch.from_numpy(labels)
    balance = 1.0 / np.bincount(labels, minlength=len(genres))
    weight = torch.from_numpy(balance[labels] / balance[labels].sum())
    matrix = torch.zeros((x.shape[1], len(genres)), dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(len(genres), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([matrix, bias], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        nats = (F.cross_entropy(x @ matrix + bias, y, reduction="none") * weight).sum()
        total = nats + decay / 2 * (matrix**2).mean() * len(genres)
        total.backward()
        return total

    optimizer.step(loss)
    return Judge(genres, parts, mean, scale, matrix.detach().numpy(), bias.detach().numpy())


def accuracy(judge: Judge, pieces: Sequence[Piece]) -> dict[str, float]:
    """Genre -> the share of its pieces that are named so; "all" is the mean over genres."""
    pieces = [piece for piece in pieces if piece.genre in judge.genres]
    if not pieces:
        return {}
    named = judge.named(pieces)
    found = {
        genre: float(
            np.mean([name == genre for name, piece in zip(named, pieces, strict=True) if piece.genre == genre])
        )
        for genre in judge.genres
        if any(piece.genre == genre for piece in pieces)
    }
    return found | {"all": float(np.mean(list(found.values())))}


def mistaken(judge: Judge, pieces: Sequence[Piece]) -> dict[str, str]:
    """Genre -> what its pieces are most often taken for instead."""
    out = {}
    named = judge.named(pieces)
    for genre in judge.genres:
        wrong = [n for n, piece in zip(named, pieces, strict=True) if piece.genre == genre and n != genre]
        if wrong:
            out[genre] = max(sorted(set(wrong)), key=wrong.count)
    return out
