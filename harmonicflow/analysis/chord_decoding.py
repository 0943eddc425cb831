"""Chords and keys from the analyst's harmony logits: evidence per beat, then the search of `score.chord_search`.

Logits are averaged over the rows of a beat, the middle ones most: near its edges a row hears the neighbours too. How
well templates fit the spectrum (`harmony.BeatHarmony.fit_KQ`) is added as a second, independent opinion: the network
knows roots and thirds better, the spectrum knows sevenths and ninths.

Shapes: N row of logits, K beat, P pitch class (12), M key (24), Q chord of the table.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from .harmony import carried, counted
from .listening import BASS, KEY, NO_ROOT, PITCH_CLASSES, ROOT
from .spectra import Floats, Times

if TYPE_CHECKING:
    from harmonicflow.score.chord_search import FoundChord, SearchOptions

EDGE_WEIGHT: Final = 0.4  # of a row at a beat's edge, against one in its middle
SURE: Final = 6.0  # log odds; beyond them a network knows no more
FIT_WEIGHT: Final = 0.8  # of the templates' opinion beside the network's
NONE_COST: Final = 1.0  # nats: silence is left to those who measure it


def decode_chords(
    harmony_logits: Floats,
    rate: float,
    edges_s: Times,
    place_K: NDArray[np.int64],
    held_K: Floats | None = None,
    key_M: Floats | None = None,
    silent_K: NDArray[np.bool_] | None = None,
    options: SearchOptions | None = None,
    fit_KQ: Floats | None = None,
) -> list[FoundChord]:
    """The chords between consecutive edges (seconds) from logits [N, HARMONY_OUT] at `rate` rows a second.

    Row i is about the time from i / rate to (i + 1) / rate. `place_K`: where in its bar each beat lies
    (`chord_search`). `held_K`: what a change costs more where nothing new is struck (`harmony.held_costs`), in nats.
    `fit_KQ`: the templates' opinion. `key_M` [M] or [K, M]: probabilities of keys, by default the network's own.
    """
    from harmonicflow.score.chord_search import Evidence, SearchOptions, chord_scores, find_chords

    options = options or (SearchOptions() if fit_KQ is None else _with_fit())
    pooled_KO = pool_logits(harmony_logits, rate, edges_s)
    tones = np.clip(pooled_KO[:, PITCH_CLASSES], -SURE, SURE)
    tones = tones if held_K is None else carried(tones, held_K)
    root, bass = _log_softmax(pooled_KO[:, ROOT]), _log_softmax(pooled_KO[:, BASS])
    key_M = key_probabilities_of(harmony_logits).mean(axis=0) if key_M is None else key_M
    scores = chord_scores(Evidence(tones, root[:, :12], bass[:, :12]), key_M, options)
    if fit_KQ is not None:
        scores += FIT_WEIGHT * (fit_KQ - fit_KQ.max(axis=1, keepdims=True))  # no chord fits as the best one does
    none = (options.tones * -np.logaddexp(0.0, tones).sum(axis=1) + options.root * root[:, NO_ROOT]
            + options.bass * bass[:, NO_ROOT] - NONE_COST)  # fmt: skip
    change = options.change(place_K)
    if held_K is not None:
        scores, none, change = scores * counted(held_K)[:, None], none * counted(held_K), change + held_K
    return find_chords(scores, change, none_K=none, silent_K=silent_K)


@lru_cache(maxsize=1)
def _with_fit() -> SearchOptions:
    """Chosen by hand on rendered songs of the training and the validation split; the test split had no say."""
    from harmonicflow.score.chord_search import SearchOptions

    return SearchOptions(
        tones=0.4, root=1.5, bass=1.0, rarity=0.4, key=1.5, change_on_bar=3.5, change_on_half=5.0, change_on_beat=7.0
    )


def key_probabilities_of(harmony_logits: Floats) -> Floats:
    """Probabilities of the keys in each row [N, M]."""
    return np.exp(_log_softmax(np.asarray(harmony_logits, np.float64)[:, KEY]))


def pool_logits(logits_NO: Floats, rate: float, edges_s: Times) -> Floats:
    """Mean logits of each beat [K, O], weighted by how far a row lies from its edges; a short beat has its nearest."""
    logits_NO = np.asarray(logits_NO, np.float64)
    centre = (np.arange(len(logits_NO)) + 0.5) / rate
    out = np.empty((len(edges_s) - 1, logits_NO.shape[1]))
    for beat, (start, end) in enumerate(zip(edges_s, edges_s[1:], strict=False)):
        low, high = np.searchsorted(centre, (start, end))
        if high <= low:
            low = min(max(int((start + end) / 2 * rate), 0), len(logits_NO) - 1)
            high = low + 1
        inside = (centre[low:high] - start) / max(end - start, 1e-9)
        weight = EDGE_WEIGHT + (1 - EDGE_WEIGHT) * np.sin(np.pi * np.clip(inside, 0, 1))
        out[beat] = weight @ logits_NO[low:high] / weight.sum()
    return out


def _log_softmax(x: Floats) -> Floats:
    return np.asarray(x - np.logaddexp.reduce(x, axis=-1, keepdims=True))
