"""The second judge: which of a stem's sounds (programs and kits) is heard?

A window is described by the mean and spread of its cepstrum and by how fast that changes, over the frames that sound,
loudness left out. Linear discriminant analysis (Fisher 1936; within-class scatter shrunk towards its diagonal) learns
from true audio which of it tells sounds apart; a sound lies where the mean of its training windows does.

Shapes: N mel frame, M mel band, K coefficient, D description, W window.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .features import MELS, STEP_DB, Picture
from .songs import Heard
from .tower import QUIET, RANGE_DB, sounds

Floats = NDArray[np.float64]

WINDOW: Final = 128  # pitch frames, 5.9 s
COEFFICIENTS: Final = 20
SHRINK: Final = 0.1
MOST_WINDOWS: Final = 6  # of a song: more of the same tell little
FEWEST_FRAMES: Final = 8  # that sound


def description(window: Picture) -> Floats | None:
    """Of a window [D = 4 K]: mean and spread of its cepstrum, of its rises and of its changes; None if it is silent."""
    if not sounds(window):
        return None
    level = window.mel.astype(np.float64) * STEP_DB
    level = np.maximum(level, level.max() - RANGE_DB)
    loudest = window.mel.max(axis=1)
    heard = np.flatnonzero(loudest[1:] > max(QUIET, int(loudest.max()) - 40 / STEP_DB)) + 1
    if len(heard) < FEWEST_FRAMES:
        return None
    m = np.arange(MELS)
    basis = np.cos(np.pi / MELS * np.outer(np.arange(1, COEFFICIENTS + 1), m + 0.5)) / np.sqrt(MELS / 2)
    cepstrum = level @ basis.T
    change = np.diff(cepstrum, axis=0)[heard - 1]
    rising = np.diff(level.mean(axis=1))[heard - 1] > 2.0  # attacks
    attack = change[rising].mean(axis=0) if rising.any() else np.zeros(COEFFICIENTS)
    return np.concatenate([cepstrum[heard].mean(axis=0), cepstrum[heard].std(axis=0), attack, change.std(axis=0)])


def windows_of(song: Heard, stem: str, most: int = MOST_WINDOWS) -> list[Picture]:
    """Windows of a stem that sound, evenly over the song."""
    if stem not in song.pictures:
        return []
    whole = song.pictures[stem]
    starts = range(0, max(1, whole.frames - WINDOW + 1), WINDOW // 2)
    found = [window for window in (whole.cut(start, WINDOW) for start in starts) if sounds(window)]
    return [found[place] for place in np.unique(np.linspace(0, len(found) - 1, most).astype(int))] if found else []


@dataclass(frozen=True)
class TimbreJudge:
    """Where each sound of a stem lies in the discriminant's space."""

    map_DE: Floats
    places: dict[str, Floats]  # sound -> [E]

    def distances(self, window: Picture) -> dict[str, float] | None:
        """Of a window to each sound; None for silence."""
        found = description(window)
        if found is None:
            return None
        here = found @ self.map_DE
        return {sound: float(np.linalg.norm(here - place)) for sound, place in self.places.items()}

    def of(self, windows: Iterable[Picture]) -> dict[str, float] | None:
        """Of several windows together: mean distances."""
        found = [each for each in map(self.distances, windows) if each is not None]
        return {sound: float(np.mean([each[sound] for each in found])) for sound in self.places} if found else None


def learn(examples: dict[str, list[Floats]]) -> TimbreJudge:
    """The judge of descriptions by sound; every sound weighs the same in what lies between them."""
    means = {sound: np.mean(rows, axis=0) for sound, rows in examples.items()}
    spread = np.concatenate([np.array(rows) - means[sound] for sound, rows in examples.items()])
    within = spread.T @ spread / max(1, len(spread) - len(means))
    within = (1 - SHRINK) * within + SHRINK * np.diag(np.diag(within)) + 1e-6 * np.eye(len(within))
    values, vectors = np.linalg.eigh(within)
    whiten = vectors / np.sqrt(values)
    centres = np.array(list(means.values())) @ whiten
    _, _, axes = np.linalg.svd(centres - centres.mean(axis=0), full_matrices=False)
    map_DE = whiten @ axes[: max(1, len(means) - 1)].T
    return TimbreJudge(map_DE, {sound: mean @ map_DE for sound, mean in means.items()})


def by_sound(songs: Iterable[Heard], stem: str) -> dict[str, list[Heard]]:
    """The songs in which each sound plays a stem."""
    out: dict[str, list[Heard]] = defaultdict(list)
    for song in songs:
        sound = song.program(stem)
        if sound is not None and windows_of(song, stem, 1):
            out[sound].append(song)
    return dict(out)
