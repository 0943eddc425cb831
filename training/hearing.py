"""What the probes hear in a row's sounds, added up over songs.

Onsets are asked for where the instrument speaks: the score's onset plus the median delay of the true audio's onsets,
one number a stem, because a bass takes 20 ms to sound and a snare none.

Shapes: T sample at 44.1 kHz.
"""

from __future__ import annotations

import weakref
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harmonicflow.analysis.drum_hits import DrumProbe, drum_counts, fit_drum_probe
from harmonicflow.analysis.metrics import (
    beat_resultants,
    chord_score,
    log_mel_distance_db,
    merged_onsets,
    offsets_s,
    onset_counts,
    onsets,
    pitch_counts,
)
from harmonicflow.analysis.pitches import VOICES
from harmonicflow.core.constants import SAMPLE_RATE
from harmonicflow.core.instruments import INSTRUMENTS

from .excerpts import EDGE_S, FEWEST_ONSETS, Excerpt
from .rows import Sounds
from .scoreboard import Tally

MOST_VOICES: Final = {"bass": 1}  # pitches at once, for the pitch probe
SILENCE: Final = 1e-3  # root mean square under which a stem has no level to compare
DRUMS: Final = "drums"


class Ears:
    """The onset detector, which hears an array that is kept only once: shuffled rows hold other rows' arrays."""

    def __init__(self) -> None:
        self._heard: dict[int, tuple[weakref.ref[Any], NDArray[np.float64]]] = {}

    def onsets(self, x_T: NDArray[np.float32]) -> NDArray[np.float64]:
        """Onset times in seconds."""
        known = self._heard.get(id(x_T))
        if known is None or known[0]() is not x_T:
            known = self._heard[id(x_T)] = weakref.ref(x_T), onsets(x_T, SAMPLE_RATE)
        return known[1]


class Hearing:
    """Everything that is asked of a row's sounds, on the same excerpts and with the same ears for all rows."""

    def __init__(
        self, truths: list[Sounds], excerpts: list[Excerpt], stems: tuple[str, ...], drums: DrumProbe | None = None
    ) -> None:
        self.ears = Ears()
        self.excerpts, self.stems, self.truths, self.drums = excerpts, stems, truths, drums
        self.speaks = attack_delays(self.ears, truths, excerpts, stems)

    def add(self, tally: Tally, sounds: Sounds, place: int, beside_truth: bool = False) -> None:
        """Add what is heard in one song's sounds; `beside_truth`: they are also compared with the true ones."""
        excerpt, truth = self.excerpts[place], self.truths[place]
        asked = [stem for stem in asked_stems(excerpt, self.stems) if stem in sounds]
        for stem in asked:
            self._onsets(tally, stem, sounds[stem], excerpt)
            self._notes(tally, stem, sounds[stem], excerpt)
            if beside_truth:
                compare_sound(tally, stem, sounds[stem], truth[stem])
        pitched = [sounds[stem] for stem in asked if INSTRUMENTS[stem].pitched]
        if excerpt.chords and pitched:
            right_s, asked_s = chord_score(np.sum(pitched, axis=0), SAMPLE_RATE, excerpt.chords, 0.0, excerpt.seconds)
            tally.chord_right_s += right_s
            tally.chord_asked_s += asked_s

    def _onsets(self, tally: Tally, stem: str, x_T: NDArray[np.float32], excerpt: Excerpt) -> None:
        heard = self._heard(x_T, excerpt)
        wanted = _inside(excerpt.onsets(stem), excerpt) + self.speaks[stem]
        _add(tally.onsets_50, stem, onset_counts(wanted, heard, 0.05))
        _add(tally.onsets_20, stem, onset_counts(wanted, heard, 0.02))
        tally.offsets_s.setdefault(stem, []).extend(offsets_s(wanted, heard))
        for part, resultant in beat_resultants(heard, excerpt.beats_s).items():
            tally.phases.setdefault(part, {}).setdefault(stem, []).append(resultant)

    def _notes(self, tally: Tally, stem: str, x_T: NDArray[np.float32], excerpt: Excerpt) -> None:
        notes, last_s = excerpt.notes[stem], excerpt.seconds - EDGE_S
        if INSTRUMENTS[stem].pitched:
            voices = MOST_VOICES.get(stem, VOICES)
            _add(tally.pitches, stem, pitch_counts(x_T, SAMPLE_RATE, notes, EDGE_S, last_s - 0.2, voices))
        elif stem == DRUMS and self.drums is not None:
            found = drum_counts(
                self.drums, x_T, SAMPLE_RATE, self.ears.onsets(x_T), notes, self.speaks[stem], EDGE_S, last_s
            )
            for kind, counts in found.items():
                _add(tally.drums, kind, counts)

    def _heard(self, x_T: NDArray[np.float32], excerpt: Excerpt) -> NDArray[np.float64]:
        heard = self.ears.onsets(x_T)
        return heard[(heard >= EDGE_S) & (heard < excerpt.seconds - EDGE_S)]


def drum_probe(excerpts: list[Excerpt]) -> DrumProbe | None:
    """A probe of the drums of excerpts that no score is measured on; None where they hold too few."""
    struck = [excerpt for excerpt in excerpts if len(excerpt.onsets(DRUMS)) >= FEWEST_ONSETS]
    return fit_drum_probe([(excerpt.truth(DRUMS), excerpt.notes[DRUMS]) for excerpt in struck], SAMPLE_RATE)


def attack_delays(
    ears: Ears, truths: list[Sounds], excerpts: list[Excerpt], stems: tuple[str, ...]
) -> dict[str, float]:
    """Seconds from a note's onset to where the detector hears it in the true audio, the median per stem."""
    found: dict[str, list[float]] = {stem: [] for stem in stems}
    for truth, excerpt in zip(truths, excerpts, strict=True):
        for stem in asked_stems(excerpt, stems):
            found[stem] += offsets_s(_inside(excerpt.onsets(stem), excerpt), ears.onsets(truth[stem])).tolist()
    return {stem: float(np.median(values)) if values else 0.0 for stem, values in found.items()}


def asked_stems(excerpt: Excerpt, stems: tuple[str, ...]) -> list[str]:
    """The stems with enough onsets to be asked about."""
    return [stem for stem in stems if len(excerpt.onsets(stem)) >= FEWEST_ONSETS]


def compare_sound(tally: Tally, stem: str, x_T: NDArray[np.float32], truth_T: NDArray[np.float32]) -> None:
    """Distance and level against the true sound."""
    tally.mel_db.setdefault(stem, []).append(log_mel_distance_db(x_T, truth_T, SAMPLE_RATE))
    level, true = (float(np.sqrt(np.mean(np.square(s, dtype=np.float64)))) for s in (x_T, truth_T))
    if true > SILENCE:
        tally.level_db.setdefault(stem, []).append(20 * np.log10(max(level, 1e-5) / true))


def _inside(times_s: list[float] | NDArray[np.float64], excerpt: Excerpt) -> NDArray[np.float64]:
    times = merged_onsets(times_s)
    return times[(times >= EDGE_S) & (times < excerpt.seconds - EDGE_S)]


def _add(counts: dict[str, Any], key: str, more: Any) -> None:
    counts[key] = counts[key] + more if key in counts else more
