"""Counts what a corpus holds: hours, genres, programs, notes per part."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from harmonicflow.core.constants import DEFAULT_STEMS

from .manifest import SPLITS


@dataclass
class SplitReport:
    """The totals of one split."""

    tracks: int = 0
    seconds: float = 0.0
    full_tracks: int = 0  # those with all four stems
    stem_tracks: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    genres: Counter[str] = field(default_factory=Counter)
    meters: Counter[str] = field(default_factory=Counter)
    corpora: Counter[str] = field(default_factory=Counter)
    programs: Counter[str] = field(default_factory=Counter)  # "guitar 25"
    made: Counter[str] = field(default_factory=Counter)


def report(root: Path) -> dict[str, SplitReport]:
    """Read every labels.json under `root`, split by split; tracks without labels are counted by their files alone."""
    out = {}
    for split in SPLITS:
        totals = SplitReport()
        for folder in sorted((root / split).glob("Track*")):
            _add(totals, folder)
        out[split] = totals
    return out


def _add(totals: SplitReport, folder: Path) -> None:
    stems = [name for name in DEFAULT_STEMS if (folder / f"{name}.wav").is_file()]
    totals.tracks += 1
    totals.stem_tracks.update(stems)
    totals.full_tracks += len(stems) == len(DEFAULT_STEMS)
    path = folder / "labels.json"
    if not path.is_file():
        return
    labels = json.loads(path.read_text(encoding="utf-8"))
    totals.seconds += labels["seconds"]
    totals.notes.update({name: len(notes) for name, notes in labels["notes"].items()})
    totals.genres[labels["genre"] or "none"] += 1
    totals.meters[labels["meter"]] += 1
    totals.corpora[labels["corpus"]] += 1
    totals.programs.update(f"{name} {program}" for name, program in labels["programs"].items())
    totals.made.update(labels["made"])
