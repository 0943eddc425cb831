"""The table of a MIDI pack (manifest.csv): one row a song, pattern or chart, with its split."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from harmonicflow.core.constants import GENRES
from harmonicflow.core.errors import HarmonicFlowError

SPLITS: Final = ("train", "validation", "test")

# Words of the packs for genres of the app; what is neither here nor in GENRES has no genre.
GENRE_WORDS: Final[dict[str, str]] = {
    "punk": "rock", "neworleans": "jazz", "gospel": "soul", "dance": "electronic", "funk / soul": "funk",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One line of the manifest; numbers parsed, missing ones 0."""

    path: str  # relative to the pack; "file.jsonl#id" is a line of that file
    corpus: str
    kind: str
    title: str
    genre: str
    tempo_bpm: float
    time_signature: str
    key: str
    duration_s: float
    parts: frozenset[str]  # those with at least 16 notes
    offgrid_share: float  # onsets off a twelfth-of-a-beat grid; high = human time or beats unrelated to ticks
    group: str
    split: str

    @property
    def label_genre(self) -> str | None:
        """The genre in the app's words, or None."""
        word = GENRE_WORDS.get(self.genre, self.genre)
        return word if word in GENRES else None


def read_manifest(folder: Path) -> list[Row]:
    """All rows of the training, validation and test splits, in the file's order; raises `missing_file`."""
    path = folder / "manifest.csv"
    if not path.is_file():
        raise HarmonicFlowError("missing_file", path=str(path))
    with path.open(encoding="utf-8", newline="") as file:
        return [_row(line) for line in csv.DictReader(file) if line["split"] in SPLITS]


def _row(line: dict[str, str]) -> Row:
    return Row(
        path=line["path"], corpus=line["corpus"], kind=line["kind"], title=line["title"], genre=line["genre"],
        tempo_bpm=float(line["tempo_bpm"] or 0), time_signature=line["time_signature"], key=line["key"],
        duration_s=float(line["duration_s"] or 0),
        parts=frozenset(part for part in line["parts"].split(";") if part),
        offgrid_share=float(line["offgrid_share"] or 0), group=line["song_group"], split=line["split"],
    )  # fmt: skip


@lru_cache(maxsize=8)
def lines_by_id(path: Path) -> dict[str, dict[str, Any]]:
    """The lines of a .jsonl file by their "id"."""
    with path.open(encoding="utf-8") as file:
        return {line["id"]: line for line in map(json.loads, file)}
