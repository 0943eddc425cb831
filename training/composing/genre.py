"""A judge of genre on scores: fitted to songs of the train split, first asked about true songs it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from harmonicflow.core.constants import DEFAULT_STEMS, GENRES

from .features import features
from .pieces import Floats, Piece

DECAY: Final = 1.0  # of the weights, shared out over the features
STEPS: Final = 300
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
    x = np.clip((rows - mean) / scale, -CLIP, CLIP)
    x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    balance = 1.0 / np.bincount(labels, minlength=len(genres))
    weight = balance[labels] / balance[labels].sum()
    matrix = _descend(x, np.eye(len(genres))[labels], weight, decay / len(rows[0]))
    return Judge(genres, parts, mean, scale, matrix[:-1], matrix[-1])


def _descend(x: Floats, wanted: Floats, weight: Floats, decay: float) -> Floats:
    """Weights that minimise the cross-entropy and decay / 2 of their squares (the last row, the bias, is free).

    Accelerated gradient descent (Nesterov 1983) with the step that the curvature allows.
    """
    free = np.ones((x.shape[1], 1))
    free[-1] = 0.0
    step = 1.0 / (0.5 * np.linalg.norm(x * np.sqrt(weight)[:, None], 2) ** 2 + decay)
    found = ahead = np.zeros((x.shape[1], wanted.shape[1]))
    for number in range(STEPS):
        logits = x @ ahead
        likely = np.exp(logits - logits.max(axis=1, keepdims=True))
        likely /= likely.sum(axis=1, keepdims=True)
        before, found = found, ahead - step * (x.T @ ((likely - wanted) * weight[:, None]) + decay * free * ahead)
        ahead = found + number / (number + 3) * (found - before)
    return found


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
