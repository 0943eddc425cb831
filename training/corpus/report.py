"""Counts what a corpus holds: hours, genres, tempi, voices, notes, and whether its splits are apart."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile

from harmonicflow.core.constants import DEFAULT_STEMS
from harmonicflow.core.errors import HarmonicFlowError

from .manifest import SPLITS
from .plan import part_of
from .sounds import DEFAULT_VOICES, Voice, voice_name

SHOWN: Final = 5  # of the songs in two splits


@dataclass
class SplitReport:
    """The totals of one split."""

    tracks: int = 0
    seconds: float = 0.0
    full_tracks: int = 0  # those with all four stems
    labelled: int = 0  # those with a labels.json; what follows counts these alone
    varied: int = 0
    groups: int = 0  # different songs
    shared: list[str] = field(default_factory=list)  # songs and drum takes that another split has as well
    stem_tracks: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    genres: Counter[str] = field(default_factory=Counter)
    genre_seconds: Counter[str] = field(default_factory=Counter)
    part_seconds: Counter[str] = field(default_factory=Counter)  # of the parts A to D
    tempi_bpm: list[float] = field(default_factory=list)  # of tracks with beats
    meters: Counter[str] = field(default_factory=Counter)
    corpora: Counter[str] = field(default_factory=Counter)
    sound_fonts: Counter[str] = field(default_factory=Counter)
    programs: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))  # stem: "funk (8:28)"
    pitches: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))  # stem: MIDI pitch
    made: Counter[str] = field(default_factory=Counter)


def report(root: Path) -> dict[str, SplitReport]:
    """Read every labels.json under `root`, split by split; tracks without labels are counted by their files alone.

    Raises `no_corpus`, `bad_labels`.
    """
    out = {split: SplitReport() for split in SPLITS}
    used: dict[str, set[_Source]] = {split: set() for split in SPLITS}
    for split, totals in out.items():
        for folder in sorted((root / split).glob("Track*")):
            used[split] |= _add(totals, folder)
        totals.groups = sum(kind == "song" for kind, _ in used[split])
    for split, totals in out.items():
        others = {source for other in SPLITS if other != split for source in used[other]}
        totals.shared = sorted(f"{kind} {name}" for kind, name in used[split] & others)
    if not any(totals.tracks for totals in out.values()):
        raise HarmonicFlowError("no_corpus", path=str(root))
    return out


_Source = tuple[str, str]  # "song" and its group, or "drum take" and its file


def _add(totals: SplitReport, folder: Path) -> set[_Source]:
    """Count a track; what it is made from."""
    stems = [name for name in DEFAULT_STEMS if (folder / f"{name}.wav").is_file()]
    totals.tracks += 1
    totals.stem_tracks.update(stems)
    totals.full_tracks += len(stems) == len(DEFAULT_STEMS)
    labels = read_labels(folder)
    if labels is None:
        totals.seconds += soundfile.info(folder / f"{stems[0]}.wav").duration if stems else 0.0
        return set()
    try:
        return _add_labels(totals, labels, int(folder.name.removeprefix("Track")))
    except (KeyError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise HarmonicFlowError("bad_labels", path=str(folder / "labels.json"), reason=reason) from error


def _add_labels(totals: SplitReport, labels: dict[str, Any], number: int) -> set[_Source]:
    seconds, genre = labels["seconds"], labels["genre"] or "none"
    totals.seconds += seconds
    totals.labelled += 1
    totals.varied += labels["varied"]
    totals.notes.update({name: len(notes) for name, notes in labels["notes"].items()})
    totals.genres[genre] += 1
    totals.genre_seconds[genre] += seconds
    totals.part_seconds[part_of(number)] += seconds
    totals.tempi_bpm += [labels["tempo_bpm"]] if labels["tempo_bpm"] else []
    totals.meters[labels["meter"]] += 1
    totals.corpora[labels["corpus"]] += 1
    totals.sound_fonts[labels["sound_font"]] += 1
    for name, voice in voices_of(labels).items():
        totals.programs[name][voice_name(voice)] += 1
    for name, notes in labels["notes"].items():
        totals.pitches[name].update(int(note[2]) for note in notes)
    totals.made.update(labels["made"])
    take = labels["drums_from"]
    return {("song", str(labels["group"])), *([("drum take", str(take))] if take else [])}


def shared_sources(splits: dict[str, SplitReport]) -> list[str]:
    """The songs and drum takes that are in more than one split; there should be none."""
    return sorted({name for totals in splits.values() for name in totals.shared})


def read_labels(folder: Path) -> dict[str, Any] | None:
    """A track's labels.json, or None where there is none. Raises `bad_labels`."""
    path = folder / "labels.json"
    try:
        labels = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise HarmonicFlowError("bad_labels", path=str(path), reason=str(error)) from error
    if not isinstance(labels, dict):
        raise HarmonicFlowError("bad_labels", path=str(path), reason="no JSON object")
    return labels


def voices_of(labels: dict[str, Any]) -> dict[str, Voice]:
    """What each stem is played on; labels without banks were made with the default ones."""
    banks = labels.get("banks", {})
    return {
        name: Voice(banks.get(name, DEFAULT_VOICES[name].bank), program) for name, program in labels["programs"].items()
    }


def as_json(splits: dict[str, SplitReport]) -> str:
    """The report as one JSON object, a field for each split."""
    # Not dataclasses.asdict, which counts a Counter's pairs instead of copying it.
    return json.dumps(
        {split: {row.name: getattr(totals, row.name) for row in fields(totals)} for split, totals in splits.items()}
    )


def as_lines(splits: dict[str, SplitReport]) -> Iterator[str]:
    """The report for people, line by line."""
    for split, totals in splits.items():
        hours = totals.seconds / 3600
        yield f"{split}: {totals.tracks} tracks, {hours:.2f} h, {totals.full_tracks} with all stems"
        for title, text in _rows(totals):
            if text:
                yield f"  {title}: {text}"
    shared = shared_sources(splits)
    if shared:
        more = f" and {len(shared) - SHOWN} more" if len(shared) > SHOWN else ""
        yield f"In more than one split: {', '.join(shared[:SHOWN])}{more}."
    else:
        yield "No song group and no drum take is in two splits."


def _rows(totals: SplitReport) -> Iterator[tuple[str, str]]:
    def counts(counter: Counter[str]) -> str:
        return ", ".join(f"{name} {count}" for name, count in counter.most_common())

    def hours(counter: Counter[str]) -> str:
        return ", ".join(f"{name} {seconds / 3600:.2f} h" for name, seconds in sorted(counter.items()))

    yield "parts", hours(totals.part_seconds)
    yield "tracks with", counts(totals.stem_tracks)
    yield "notes", counts(totals.notes)
    yield "arranged", counts(totals.made)
    yield "genres", counts(totals.genres)
    yield "tempo", _tempo(totals)
    yield "meters", counts(totals.meters)
    yield "corpora", counts(totals.corpora)
    yield "SoundFonts", counts(totals.sound_fonts)
    yield "varied sounds", f"{totals.varied / totals.labelled:.0%} of the tracks" if totals.labelled else ""
    for name in DEFAULT_STEMS:
        yield f"{name} sounds", counts(totals.programs.get(name, Counter()))


def _tempo(totals: SplitReport) -> str:
    if not totals.tempi_bpm:
        return ""
    low, quarter, middle, three_quarters, high = np.percentile(totals.tempi_bpm, (0, 25, 50, 75, 100))
    unknown = totals.labelled - len(totals.tempi_bpm)
    return (
        f"{low:.0f} to {high:.0f} bpm, median {middle:.0f}, half of the tracks {quarter:.0f} to {three_quarters:.0f}"
        + (f", {unknown} without beats" if unknown else "")
    )
