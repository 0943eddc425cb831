"""Audio windows from a corpus in Slakh's layout: ROOT/<split>/Track*/{bass,drums,guitar,piano,other}.wav.

Files are 16-bit mono at 44.1 kHz and are mapped, not read: a window costs its own bytes only.

Legend: S stems, T samples.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from harmonicflow.core.constants import DEFAULT_STEMS, SAMPLE_RATE
from harmonicflow.core.errors import HarmonicFlowError

FULL_SCALE = 32768.0
OTHER = "other"  # instruments outside the four
MIX = "mix"  # all of a song together

Audio = NDArray[np.float32]


@dataclass(frozen=True)
class Track:
    """One song: its folder and the samples of each part that it has."""

    folder: Path
    parts: dict[str, Path]
    samples: int

    @property
    def labels(self) -> dict[str, object] | None:
        """What is known about the song, or None for a user's own stems."""
        path = self.folder / "labels.json"
        return json.loads(path.read_text()) if path.exists() else None

    def read(self, part: str, start: int, length: int) -> Audio:
        """Samples [length] of a part, zero where the part or the song has none."""
        out = np.zeros(length, np.float32)
        if part in self.parts:
            piece = _mapped(self.parts[part])[start : start + length]
            out[: len(piece)] = piece.astype(np.float32) / FULL_SCALE
        return out


_MAPS: dict[Path, NDArray[np.int16]] = {}


def _mapped(path: Path) -> NDArray[np.int16]:
    if path not in _MAPS:
        with path.open("rb") as file:
            head = file.read(4096)
        at = head.find(b"data")
        _MAPS[path] = np.memmap(path, np.int16, "r", offset=at + 8)
    return _MAPS[path]


def tracks(root: Path, split: str, stems: Sequence[str] = DEFAULT_STEMS) -> list[Track]:
    """The songs of a split, sorted.  Raises: HarmonicFlowError `no_corpus`."""
    found = []
    for folder in sorted((root / split).glob("Track*")):
        parts = {part: folder / f"{part}.wav" for part in (*stems, OTHER) if (folder / f"{part}.wav").exists()}
        if not parts:
            continue
        infos = [soundfile.info(path) for path in parts.values()]
        if any(i.samplerate != SAMPLE_RATE or i.channels != 1 or i.subtype != "PCM_16" for i in infos):
            raise HarmonicFlowError("bad_corpus", path=str(folder))
        found.append(Track(folder, parts, min(i.frames for i in infos)))
    if not found:
        raise HarmonicFlowError("no_corpus", path=str(root / split))
    return found
