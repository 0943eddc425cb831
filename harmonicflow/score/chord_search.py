"""From evidence beat by beat to a chart of chords: every chord scored on every beat, then the best path (Viterbi).

With z the log odds that a pitch class is part of the chord, a chord c of tones T, root r and bass b scores

    log p(T) + w_root log p(r) + w_bass log p(b) - w_rare rarity(c) + w_key home(c)
    log p(T) = sum over T of log sigmoid(z) + sum over the rest of log sigmoid(-z)

(a tone that may be missing, the fifth of a large chord, counts by log(0.75 sigmoid(z) + 0.25 sigmoid(-z)),)

and a path pays for each change, least on a bar line, where most chords change (Bello & Pickens 2005). The evidence may
come from a network, from a spectrum or from notes: all use this search and `chord_table`.

Shapes: K beat, P pitch class (12), Q chord, M key (24).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .chord_table import ChordTable, chord_table
from .chords import Chord

Reals = NDArray[Any]
"""float64."""

WITHIN, HALF_BAR, BAR_LINE = 0, 1, 2
PLAYED: Final = 0.75  # probability that a tone which may be missing is there


@dataclass(frozen=True)
class Evidence:
    """What is heard on each beat [K, P]."""

    tones_KP: Reals  # log odds that the pitch class belongs to the chord
    root_KP: Reals  # log probability, or any number that grows with it
    bass_KP: Reals


@dataclass(frozen=True)
class SearchOptions:
    """What counts how much, all in nats or factors of log probabilities."""

    tones: float = 1.0
    root: float = 1.0
    bass: float = 1.0
    rarity: float = 1.0
    key: float = 1.5  # for a chord all of whose tones are the key's, against one with none
    change_on_bar: float = 2.0
    change_on_half: float = 3.0  # in the middle of a bar of four beats or more
    change_on_beat: float = 4.0

    def change(self, place_K: NDArray[np.int64]) -> Reals:
        """What a new chord costs on each beat, by `BAR_LINE`, `HALF_BAR`, `WITHIN`."""
        costs = np.array([self.change_on_beat, self.change_on_half, self.change_on_bar])
        return np.asarray(costs[place_K])


@dataclass(frozen=True)
class FoundChord:
    """A chord over beats `first` up to `last`, not included. None is no chord; confidence 0..1."""

    first: int
    last: int
    chord: Chord | None
    confidence: float


def find_chords(
    scores_KQ: Reals,
    change_K: Reals,
    none_K: Reals | None = None,
    silent_K: NDArray[np.bool_] | None = None,
) -> list[FoundChord]:
    """The chart of some beats: stretches of one chord, in order, None where there is none.

    `change_K` is what a new chord costs on each beat (`SearchOptions.change`), `none_K` the score of no chord at all
    (without it there always is one), `silent_K` the beats that say nothing and get none.
    """
    if not len(scores_KQ):
        return []
    table = chord_table()
    states = scores_KQ if none_K is None else np.column_stack([scores_KQ, none_K])
    path = best_path(states, change_K)
    sure = _confidence(states, path, table)
    found: list[FoundChord] = []
    for beat, state in enumerate(path):
        silent = silent_K is not None and bool(silent_K[beat])
        chord = None if silent or state == len(table.chords) else table.chords[state]
        if found and found[-1].chord == chord:
            before = found[-1]
            share = 1 / (beat + 1 - before.first)
            mean = before.confidence + (float(sure[beat]) - before.confidence) * share
            found[-1] = FoundChord(before.first, beat + 1, chord, mean)
        else:
            found.append(FoundChord(beat, beat + 1, chord, float(sure[beat])))
    return _thinned(found)


def _thinned(found: list[FoundChord]) -> list[FoundChord]:
    """Where a chord thins out to its root and fifth it goes on: nothing says that its third has changed."""
    out: list[FoundChord] = []
    for one in found:
        before = out[-1] if out else None
        if (
            before is not None and before.chord is not None and one.chord is not None and one.chord.quality == "5"
            and one.chord.root == before.chord.root and one.chord.pitch_classes <= before.chord.pitch_classes
        ):  # fmt: skip
            share = (one.last - one.first) / (one.last - before.first)
            sure = before.confidence + (one.confidence - before.confidence) * share
            out[-1] = FoundChord(before.first, one.last, before.chord, sure)
        else:
            out.append(one)
    return out


def chord_scores(evidence: Evidence, key_M: Reals | None, options: SearchOptions) -> Reals:
    """The score of each chord of the table on each beat [K, Q], without the costs of changing.

    `key_M` are probabilities of keys, [M] for all beats or [K, M].
    """
    table = chord_table()
    tones = np.asarray(evidence.tones_KP, np.float64)
    inside, outside = _log_sigmoid(tones), _log_sigmoid(-tones)
    perhaps = np.logaddexp(np.log(PLAYED) + inside, np.log(1 - PLAYED) + outside)
    needed = table.tones_QP * ~table.optional_QP
    scores = inside @ needed.T + perhaps @ table.optional_QP.T + outside @ (1 - table.tones_QP).T
    scores *= options.tones
    scores += options.root * np.asarray(evidence.root_KP)[:, table.roots_Q]
    scores += options.bass * np.asarray(evidence.bass_KP)[:, table.basses_Q]
    return np.asarray(scores + leanings(key_M, options))


def leanings(key_M: Reals | None, options: SearchOptions) -> Reals:
    """What speaks for a chord before anything is heard: that it is common, and at home in the key [1 or K, Q]."""
    table = chord_table()
    lean = -options.rarity * table.rarity_Q[None]
    return np.asarray(lean if key_M is None else lean + options.key * (np.atleast_2d(key_M) @ table.at_home_QM.T))


def best_path(scores_KQ: Reals, change_K: Reals) -> list[int]:
    """The states with the largest sum of scores less what their changes cost: `change_K[k]` on the way into beat k."""
    total = scores_KQ[0].astype(np.float64)
    stay = np.arange(scores_KQ.shape[1])
    came_from: list[NDArray[np.intp]] = []
    for scores, cost in zip(scores_KQ[1:], change_K[1:], strict=True):
        best = int(total.argmax())
        changed = total[best] - cost
        came_from.append(np.where(changed > total, best, stay))
        total = np.maximum(total, changed) + scores
    path = [int(total.argmax())]
    for origin in reversed(came_from):
        path.append(int(origin[path[-1]]))
    return path[::-1]


def _confidence(states_KQ: Reals, path: list[int], table: ChordTable) -> Reals:
    """On each beat, the probability of chords with the same root and third as the path's [K]."""
    weights = np.exp(states_KQ - states_KQ.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    minor = np.array([chord.is_minor for chord in table.chords])
    family = table.roots_Q * 2 + minor
    family = np.append(family, -1)[: states_KQ.shape[1]]  # -1: no chord
    return np.array([weights[beat, family == family[state]].sum() for beat, state in enumerate(path)])


def _log_sigmoid(x: Reals) -> Reals:
    return np.asarray(-np.logaddexp(0.0, -x))
