"""Training windows drawn from mixes in memory, transposed, coloured and at any level on the way.

Legend: B batch, N frame, W spectrum band, H chord row.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from harmonicflow.analysis.listening import (
    BANDS_PER_SEMITONE,
    CHORD_FRAMES,
    HARMONY_COLUMNS,
    HELD,
    SCALE,
    TIME_COLUMNS,
    bands_hz,
)
from harmonicflow.core.errors import HarmonicFlowError

from .mixes import read
from .mixing import FRAMES, Example
from .truth import UNKNOWN, moved_key

WINDOW: Final = 1376  # frames, 16 s
STARTS: Final = (FRAMES - WINDOW) // CHORD_FRAMES + 1
SHIFTS: Final = 3  # semitones up or down, beyond what the mixes were moved
LEVELS_DB: Final = (-26.0, 5.0)
REFRESH: Final = 200  # batches after which new mixes are looked for


@dataclass(frozen=True)
class Batch:
    """What is heard and what is true of it; `UNKNOWN` is not to be learned from."""

    spectrum: Any  # [B, N, W]
    beats: Any  # [B, N, 2] in percent
    chords: Any  # [B, H, 14]
    key: Any  # [B]


class MixData:
    """Draws batches of windows; the same seed draws the same ones from the same mixes."""

    def __init__(self, folder: Path, batch_size: int, seed: int, varied: bool = True) -> None:
        self.folder, self.batch_size, self.varied = folder, batch_size, varied
        self.random = np.random.default_rng(seed)
        self.files: set[Path] = set()
        self.examples: list[Example] = []
        self.refresh()
        if not self.examples:
            raise HarmonicFlowError("no_corpus", path=str(folder))

    def refresh(self) -> None:
        """Take in mixes that have been made since."""
        for path in sorted(set(self.folder.glob("*.npz")) - self.files):
            self.files.add(path)
            self.examples += read(path)

    def __iter__(self) -> Iterator[Batch]:
        while True:
            self.refresh()
            for _ in range(REFRESH):
                chosen = self.random.integers(len(self.examples), size=self.batch_size)
                yield collate([self.window(self.examples[place]) for place in chosen])

    def batches(self) -> Iterator[Batch]:
        """Every mix once, as it is."""
        for start in range(0, len(self.examples), self.batch_size):
            yield collate([self.window(example) for example in self.examples[start : start + self.batch_size]])

    def window(self, example: Example) -> Batch:
        """One window, as a batch without its first axis."""
        random = self.random
        row = int(random.integers(STARTS)) if self.varied else STARTS // 2
        first = row * CHORD_FRAMES
        time = example.time[first : first + WINDOW].astype(np.float32)
        harmony = example.harmony[first // HELD : (first + WINDOW) // HELD].astype(np.float32)
        beats = example.beats[first : first + WINDOW]
        chords, key = example.chords[row : row + WINDOW // CHORD_FRAMES], example.key
        if self.varied:
            time, harmony = coloured(time, harmony, random)
            steps = int(random.integers(-SHIFTS, SHIFTS + 1))
            harmony, chords, key = transposed(harmony, chords, key, steps)
        spectrum = np.concatenate([time, np.repeat(harmony, HELD, axis=0)], axis=1)
        return Batch(spectrum, beats.astype(np.float32), chords.astype(np.int64), np.int64(key))


def collate(windows: list[Batch]) -> Batch:
    """Windows of one length, side by side."""
    names = ("spectrum", "beats", "chords", "key")
    return Batch(*(torch.from_numpy(np.stack([getattr(window, name) for window in windows])) for name in names))


def coloured(
    time: NDArray[np.float32], harmony: NDArray[np.float32], random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The same sound at another level and through an equaliser, which multiplies the magnitudes of the bands."""
    octave = np.log2(bands_hz() / 1000.0)
    curve = np.full(len(octave), random.uniform(*LEVELS_DB))
    if random.random() < 0.7:
        curve += random.uniform(-3, 3) * octave
        for _ in range(2):
            bell = (octave - random.uniform(-4, 3.5)) / random.uniform(0.4, 1.5)
            curve += random.normal(0, 5) * np.exp(-(bell**2))
        if random.random() < 0.3:  # a narrow microphone, a small loudspeaker, a lossy file
            curve -= 24 * np.maximum(octave - random.uniform(1.5, 4), 0)
            curve -= 18 * np.maximum(-random.uniform(2.5, 4.5) - octave, 0)
    gain = (10 ** (np.clip(curve, -70, 24) / 20)).astype(np.float32)
    return _louder(time, gain[TIME_COLUMNS]), _louder(harmony, gain[HARMONY_COLUMNS])


def _louder(loud: NDArray[np.float32], gain: NDArray[np.float32]) -> NDArray[np.float32]:
    return SCALE * np.log1p(np.expm1(loud / SCALE) * gain)


def transposed(
    harmony: NDArray[np.float32], chords: NDArray[np.uint8], key: int, steps: int
) -> tuple[NDArray[np.float32], NDArray[np.uint8], int]:
    """Harmony bands and labels some semitones higher; what moves in from outside is silence."""
    if steps == 0:
        return harmony, chords, key
    moved, width = np.zeros_like(harmony), abs(steps) * BANDS_PER_SEMITONE
    if steps > 0:
        moved[:, width:] = harmony[:, :-width]
    else:
        moved[:, :-width] = harmony[:, width:]
    told = chords.copy()
    known = chords[:, :2] < 12
    told[:, :2][known] = (chords[:, :2][known].astype(int) + steps) % 12
    told[:, 2:] = np.roll(chords[:, 2:], steps, axis=1)
    return moved, told, key if key == UNKNOWN else moved_key(key, steps)
