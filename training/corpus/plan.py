"""Which tracks a corpus holds, in which order: a pure function of the pack, the parts and the seed.

A longer corpus only goes further down the same list, so a build can be stopped, resumed and
extended. Each part has its own range of track numbers and its own order; the splits are the pack's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from harmonicflow.core.constants import DEFAULT_STEMS

from .manifest import Row

PARTS: Final[dict[str, str]] = {
    "A": "band pieces as their authors wrote them",
    "B": "human piano and drums, arranged bass and guitar",
    "C": "chord charts, arranged, some with human drums",
    "D": "solo guitar or piano, and piano with human drums",
}
FIRST_NUMBER: Final = {"A": 0, "B": 20_000, "C": 40_000, "D": 80_000}
SHARE: Final = {"A": 0.25, "B": 0.25, "C": 0.35, "D": 0.15}  # of the hours, among the parts asked for
LONGEST_S: Final = 90.0  # of one track: variety is worth more than whole songs
ARRANGED_S: Final = 62.0  # of an arranged chart, on average
TAIL_S: Final = 1.5  # after the last bar, for the sound to end
# Of ten tracks one is for validation and one for test, while there are songs of that split.
_PATTERN: Final = ("train",) * 4 + ("validation",) + ("train",) * 4 + ("test",)
# Part D: what comes how often, in twentieths.
_SOLO_TURNS: Final = {"pop909": 10, "guitar_score": 6, "piano_score": 4}


@dataclass(frozen=True)
class Track:
    """One track to make."""

    number: int
    part: str
    split: str
    row: Row
    turn: int  # how often the song was used before; later turns take another window, key and drummer
    seconds: float  # about how long it will be
    seed: int

    @property
    def name(self) -> str:
        """The folder's name, as in Slakh2100."""
        return f"Track{self.number:05d}"


def part_of(number: int) -> str:
    """The part of the corpus a track belongs to, by its number."""
    return max(part for part, first in FIRST_NUMBER.items() if number > first or part == "A")


def plan(rows: list[Row], parts: str, hours: float, seed: int) -> list[Track]:
    """The tracks of a corpus of about `hours`, the parts interleaved so that any beginning of the list is a mixture."""
    chosen = sorted(set(parts))
    total = sum(SHARE[part] for part in chosen)
    placed: list[tuple[float, Track]] = []
    for part in chosen:
        budget_s = hours * 3600 * SHARE[part] / total
        done_s = 0.0
        for track in tracks_of(rows, part, seed):
            if done_s >= budget_s:
                break
            placed.append((done_s / budget_s, track))
            done_s += track.seconds
    return [track for _, track in sorted(placed, key=lambda entry: (entry[0], entry[1].number))]


def tracks_of(rows: list[Row], part: str, seed: int) -> Iterator[Track]:
    """The endless (or exhausted) list of one part's tracks."""
    songs = {split: _songs(rows, part, split, seed) for split in ("train", "validation", "test")}
    number = FIRST_NUMBER[part]
    for position in range(FIRST_NUMBER["B"]):
        split = _PATTERN[position % len(_PATTERN)]
        found = next(songs[split], None)
        if found is None and split != "train":
            split, found = "train", next(songs["train"], None)
        if found is None:
            return
        row, turn = found
        number += 1
        own = ARRANGED_S if part == "C" else row.duration_s
        seconds = min(own, LONGEST_S) + TAIL_S
        yield Track(number, part, split, row, turn, seconds, _hash(seed, part, number) >> 1)


def _songs(rows: list[Row], part: str, split: str, seed: int) -> Iterator[tuple[Row, int]]:
    """Songs of a split in a random order; training songs come again and again, those of the other splits once."""
    candidates = [row for row in rows if row.split == split and fits(row, part)]
    for turn in range(50 if split == "train" and candidates else 1):
        order = sorted(candidates, key=lambda row: _hash(seed, part, turn, row.path))
        yield from ((row, turn) for row in (_by_turns(order) if part == "D" else order))


def _by_turns(rows: list[Row]) -> Iterator[Row]:
    """Part D's kinds mixed by `_SOLO_TURNS` until one runs out."""
    waiting = {kind: [row for row in rows if _solo_kind(row) == kind] for kind in _SOLO_TURNS}
    used = dict.fromkeys(_SOLO_TURNS, 0)
    while all(used[kind] < len(waiting[kind]) for kind in _SOLO_TURNS):
        kind = min(_SOLO_TURNS, key=lambda kind: (used[kind] + 1) / _SOLO_TURNS[kind])
        yield waiting[kind][used[kind]]
        used[kind] += 1


def _solo_kind(row: Row) -> str:
    return "pop909" if row.corpus == "pop909" else row.kind


def fits(row: Row, part: str) -> bool:
    """Whether a song of the pack can be used for a part of the corpus."""
    if part == "A":
        return row.kind == "multitrack" and len(row.parts & set(DEFAULT_STEMS)) >= 2
    if part == "B":
        return row.corpus == "pop909"
    if part == "C":
        return row.kind in ("chord_chart", "progression", "leadsheet")
    return row.corpus == "pop909" or row.kind in ("guitar_score", "piano_score")


def _hash(*values: object) -> int:
    """64 stable bits of anything that prints the same everywhere."""
    return int.from_bytes(hashlib.sha256(":".join(map(str, values)).encode()).digest()[:8], "big")
