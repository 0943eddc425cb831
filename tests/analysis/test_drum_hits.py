"""The drum probe on planted strokes: kinds of drum that a listener tells apart at once, at times that are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harmonicflow.analysis.drum_hits import (
    KINDS,
    DrumProbe,
    drum_counts,
    fit_drum_probe,
    onset_features,
    onsets_by_kind,
)
from harmonicflow.analysis.metrics import Counts, onsets
from harmonicflow.core.instruments import DRUM_CLASSES

RATE = 44100
SECONDS = 12.0
KICK, SNARE, HAT, COWBELL = 36, 38, 42, 56
Note = tuple[float, float, int, int]


def stroke(pitch: int, rng: np.random.Generator) -> NDArray[Any]:
    """A low tone that falls, a burst of noise over a tone, a burst of high noise."""
    t = np.arange(round(0.25 * RATE)) / RATE
    noise = rng.standard_normal(len(t))
    if pitch == KICK:
        return 0.8 * np.sin(2 * np.pi * (50 * t + 3 * (1 - np.exp(-40 * t)))) * np.exp(-15 * t)
    if pitch == SNARE:
        return (0.25 * noise + 0.4 * np.sin(2 * np.pi * 190 * t)) * np.exp(-22 * t)
    return 0.25 * np.diff(noise, 2, prepend=[0.0, 0.0]) / 2.4 * np.exp(-60 * t)


def groove(seed: int) -> list[Note]:
    """Strokes with no grid, two at once now and then, all three kinds."""
    rng = np.random.default_rng(seed)
    notes: list[Note] = []
    at = 0.3
    while at < SECONDS - 0.5:
        struck = rng.choice([KICK, SNARE, HAT], 1 + int(rng.random() < 0.3), replace=False)
        notes += [(at, at + 0.1, int(pitch), int(rng.integers(80, 127))) for pitch in struck]
        at += rng.uniform(0.12, 0.35)
    return notes


def played(notes: list[Note], seed: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    out = 1e-4 * rng.standard_normal(round(SECONDS * RATE))
    for onset, _, pitch, velocity in notes:
        sound = stroke(pitch, rng) * velocity / 127
        start = round(onset * RATE)
        out[start : start + len(sound)] += sound[: len(out) - start]
    return out.astype(np.float32)


@pytest.fixture(scope="module")
def probe() -> DrumProbe:
    grooves = [groove(seed) for seed in range(4)]
    found = fit_drum_probe([(played(notes, seed), notes) for seed, notes in enumerate(grooves)], RATE)
    assert found is not None
    return found


def scored(probe: DrumProbe, sound: NDArray[np.float32], notes: list[Note]) -> dict[str, Counts]:
    return drum_counts(probe, sound, RATE, onsets(sound, RATE), notes, 0.0, 0.1, SECONDS - 0.1)


def test_every_class_of_the_score_is_of_one_kind() -> None:
    names = [name for kind in KINDS.values() for name in kind]
    assert sorted(names) == sorted(row.name for row in DRUM_CLASSES)
    times = onsets_by_kind([(1.0, 1.1, 36, 90), (1.01, 1.1, 35, 90), (2.0, 2.1, 40, 90), (3.0, 3.1, 3, 90)])
    assert times["kick"].tolist() == [1.0] and times["snare"].tolist() == [2.0]
    assert times["percussion"].tolist() == [3.0] and not len(times["hat"])


def test_planted_strokes_are_told_apart(probe: DrumProbe) -> None:
    assert probe.kinds == ("kick", "snare", "hat"), "what was never struck is not asked about"
    notes = groove(77)
    found = scored(probe, played(notes, 77), notes)
    assert {kind: (counts.f1 or 0) > 0.9 for kind, counts in found.items()} == dict.fromkeys(probe.kinds, True)
    quieter = scored(probe, 0.3 * played(notes, 77), notes)
    for kind, counts in found.items():
        assert abs(counts.hits - quieter[kind].hits) <= 1, "loudness is not what makes a drum"


def test_the_wrong_drum_at_the_right_time_is_no_hit(probe: DrumProbe) -> None:
    notes = groove(78)
    swapped = [(a, b, {KICK: SNARE, SNARE: HAT, HAT: KICK}[pitch], v) for a, b, pitch, v in notes]
    right = sum(scored(probe, played(notes, 1), notes).values(), Counts())
    wrong = sum(scored(probe, played(swapped, 1), notes).values(), Counts())
    assert (right.f1 or 0) > 0.9 and (wrong.f1 or 0) < 0.3


def test_the_right_drum_at_the_wrong_time_is_no_hit(probe: DrumProbe) -> None:
    notes = groove(79)
    sound = played(notes, 2)
    late = np.pad(sound, (round(0.08 * RATE), 0))[: len(sound)]
    other = played(groove(80), 3)
    noise = 0.1 * np.random.default_rng(0).standard_normal(len(sound)).astype(np.float32)
    for wrong in (late, other, noise):
        assert (sum(scored(probe, wrong, notes).values(), Counts()).f1 or 0) < 0.45


def test_what_is_rare_is_not_learnt_and_silence_is_nothing(probe: DrumProbe) -> None:
    few = [(1.0, 1.1, KICK, 90), (2.0, 2.1, SNARE, 90)]
    assert fit_drum_probe([(played(few, 0), few)], RATE) is None
    assert fit_drum_probe([], RATE) is None
    silence = np.zeros(round(SECONDS * RATE), np.float32)
    found = scored(probe, silence, [(1.0, 1.1, KICK, 90), (2.0, 2.1, COWBELL, 90)])
    assert found == {"kick": Counts(0, 1, 0), "snare": Counts(), "hat": Counts()}
    assert np.isfinite(onset_features(silence, RATE, np.array([0.0, 5.0, 99.0]))).all()
