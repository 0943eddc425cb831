"""Which drums are struck when: onsets of a drum stem, each told what it is by a linear probe of its spectrum.

The probe is fitted to true audio with known notes: per onset the log-mel levels before, at and after it, and for each
kind of drum a ridge regression onto "struck" or "not" whose threshold gives the best F1 on what it was fitted to. It is
no transcriber; its score is read as a share of what it scores on true audio that it has not seen.

Shapes: T sample, N onset, F feature (its last one is 1), G kind of drum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.core.instruments import DRUM_CLASSES, drum_class

from .metrics import Counts, f1_score, mel_levels_db, merged_onsets, offsets_s, onset_counts, onsets
from .onsets import APART_S
from .spectra import Floats, Times

KINDS: Final[dict[str, tuple[str, ...]]] = {
    "kick": ("kick",),
    "snare": ("snare", "sidestick", "clap"),
    "hat": ("closed hat", "pedal hat"),
    "open hat": ("open hat",),
    "toms": ("low tom", "mid tom", "high tom"),
    "cymbals": ("crash", "ride", "ride bell", "china or splash"),
    "percussion": ("tambourine or cowbell", "other percussion"),
}
"""The 16 classes of the score, brought together to what a linear probe tells apart."""

SIZE_S: Final = 1024 / 44100
HOP_S: Final = 256 / 44100
WINDOWS_HOPS: Final = ((-6, -3), (0, 3), (3, 6), (6, 12), (12, 20))  # from the onset's frame
FEWEST: Final = 30  # onsets with and without a kind that the probe must have seen to be asked about it
RIDGE: Final = 100.0  # on features of unit deviation
THRESHOLDS: Final = 200
DYNAMICS_DB: Final = 80.0

Notes = Sequence[Sequence[float]]  # onset s, offset s, MIDI pitch, ...


@dataclass(frozen=True)
class DrumProbe:
    """The probe: `kinds` [G], feature `mean` and `deviation` [F - 1], `weights` [F, G], `thresholds` [G]."""

    kinds: tuple[str, ...]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    weights: NDArray[np.float64]
    thresholds: NDArray[np.float64]

    def struck(self, x_T: Floats, rate: int, times_s: Times) -> NDArray[np.bool_]:
        """Which kinds are struck at each time: bool [N, G]."""
        if len(times_s) == 0:
            return np.zeros((0, len(self.kinds)), bool)
        rows = (onset_features(x_T, rate, times_s) - self.mean) / self.deviation
        return np.asarray(_with_one(rows) @ self.weights > self.thresholds)


def fit_drum_probe(recordings: Sequence[tuple[Floats, Notes]], rate: int) -> DrumProbe | None:
    """The probe of drum stems [T] with their notes; None where no kind is struck often enough."""
    heard = [onsets(x_T, rate) for x_T, _ in recordings]
    asked = [onsets_by_kind(notes) for _, notes in recordings]
    delay_s = attack_delay_s(heard, asked)
    features = [onset_features(x_T, rate, times) for (x_T, _), times in zip(recordings, heard, strict=True)]
    labels = [_labels(times, kinds, delay_s) for times, kinds in zip(heard, asked, strict=True)]
    rows = np.concatenate([np.zeros((0, _width())), *features])
    told = np.concatenate([np.zeros((0, len(KINDS)), bool), *labels])
    often = [g for g in range(len(KINDS)) if FEWEST <= told[:, g].sum() <= len(told) - FEWEST]
    if not often:
        return None
    told = told[:, often]
    mean = np.asarray(rows.mean(axis=0), np.float64)
    deviation = np.asarray(rows.std(axis=0) + 1e-3, np.float64)
    rows = _with_one((rows - mean) / deviation)
    weights = np.linalg.solve(rows.T @ rows + RIDGE * np.eye(rows.shape[1]), rows.T @ (2.0 * told - 1.0))
    scores = rows @ weights
    thresholds = np.array([_best_threshold(scores[:, g], told[:, g]) for g in range(len(often))], np.float64)
    kinds = list(KINDS)
    return DrumProbe(tuple(kinds[g] for g in often), mean, deviation, np.asarray(weights, np.float64), thresholds)


def drum_counts(
    probe: DrumProbe, x_T: Floats, rate: int, heard_s: Times, notes: Notes, delay_s: float, start_s: float, end_s: float
) -> dict[str, Counts]:
    """Is each drum asked for heard within 50 ms, and no other? By kind, of the kinds the probe knows.

    `heard_s` are the stem's onsets; asked for are those from `start_s` up to `end_s`, `delay_s` later.
    """
    heard_s = heard_s[(heard_s >= start_s) & (heard_s < end_s)]
    struck = probe.struck(x_T, rate, heard_s)
    asked = onsets_by_kind(notes)
    out = {}
    for place, kind in enumerate(probe.kinds):
        wanted = asked[kind][(asked[kind] >= start_s) & (asked[kind] < end_s)] + delay_s
        out[kind] = onset_counts(wanted, heard_s[struck[:, place]], 0.05)
    return out


def onsets_by_kind(notes: Notes) -> dict[str, Times]:
    """Onsets of each kind of drum in a score, strokes that fall together counted once."""
    kind_of = {name: kind for kind, names in KINDS.items() for name in names}
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for note in notes:
        times[kind_of[DRUM_CLASSES[drum_class(int(note[2]))].name]].append(float(note[0]))
    return {kind: merged_onsets(found) for kind, found in times.items()}


def attack_delay_s(heard: Sequence[Times], asked: Sequence[dict[str, Times]]) -> float:
    """Median seconds from an asked onset to where it is heard; 0 where nothing matches."""
    late = [
        offsets_s(merged_onsets(np.concatenate(list(kinds.values()))), times)
        for times, kinds in zip(heard, asked, strict=True)
    ]
    found = np.concatenate([np.zeros(0), *late])
    return float(np.median(found)) if len(found) else 0.0


def onset_features(x_T: Floats, rate: int, times_s: Times) -> NDArray[np.float64]:
    """Mean log-mel levels [N, F - 1] in windows around each time, 1 for each 20 dB, below the recording's loudest."""
    hop = max(1, round(HOP_S * rate))
    levels = mel_levels_db(x_T, rate, 2 ** round(np.log2(SIZE_S * rate)), hop, len(x_T) // hop + 1)
    levels = np.maximum(levels - levels.max(), -DYNAMICS_DB) / 20.0
    frames = np.round(np.asarray(times_s, np.float64) * rate / hop).astype(int)[:, None]
    parts = [levels[np.clip(frames + np.arange(*span), 0, len(levels) - 1)].mean(axis=1) for span in WINDOWS_HOPS]
    return np.concatenate(parts, axis=1).astype(np.float64)


def _width() -> int:
    return int(onset_features(np.zeros(1), 44100, np.zeros(0)).shape[1])


def _labels(heard_s: Times, asked: dict[str, Times], delay_s: float) -> NDArray[np.bool_]:
    """Whether each kind is asked for where something is heard [N, all kinds]."""
    out = np.zeros((len(heard_s), len(KINDS)), bool)
    for place, times in enumerate(asked.values()):
        if len(times):
            out[:, place] = (np.abs(times[None] + delay_s - heard_s[:, None]) <= APART_S).any(axis=1)
    return out


def _best_threshold(scores: NDArray[Any], told: NDArray[np.bool_]) -> float:
    places = np.quantile(scores, np.linspace(0, 1, THRESHOLDS))
    return float(max(places, key=lambda place: f1_score(scores > place, told)))


def _with_one(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
