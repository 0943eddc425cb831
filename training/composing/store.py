"""Keeps collections of pieces in a folder, one safetensors file each, so that a second evaluation starts at once.

A collection's file is named by what it was made from: its own name, the pack's table and what the arranger plays
today; whatever changes one of these makes a new file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from harmonicflow.core.constants import GENRES, SAMPLE_RATE
from harmonicflow.core.tempo import Selection
from harmonicflow.score.arrange import Arranger, ComposeRequest

from .pieces import Floats, Piece

VERSION: Final = 1
_SAID: Final = ("name", "key", "meter", "genre", "group", "corpus", "split")


def kept(
    folder: Path | None, name: str, stamp: str, make: Callable[[], Iterable[Piece]], report: Callable[[str], None]
) -> list[Piece]:
    """The collection, read from `folder` or made and written there; None keeps nothing."""
    path = None if folder is None else folder / f"{name}-{stamp}.safetensors"
    if path is not None and path.is_file():
        return read(path)
    report(f"making the collection {name}")
    pieces = list(make())
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, pieces)
    return pieces


def stamp(midi: Path, options: object) -> str:
    """Ten letters that change with the pack, the arranger and the options."""
    found = hashlib.sha256(repr((VERSION, options)).encode())
    found.update((midi / "manifest.csv").read_bytes())
    for genre in GENRES:
        selection = Selection.from_bars(4, "100", "4/4", SAMPLE_RATE)
        notes = Arranger().compose(ComposeRequest(selection, genre=genre, seed=1)).notes
        found.update(repr(notes).encode())
    return found.hexdigest()[:10]


def write(path: Path, pieces: list[Piece]) -> None:
    """Write pieces; arrays as tensors end to end, everything else in the header."""
    about = []
    columns: dict[str, list[Floats]] = {"notes": [], "bars": [], "beats_s": []}
    for piece in pieces:
        columns["notes"] += list(piece.parts.values())
        columns["bars"].append(piece.bars)
        columns["beats_s"].append(piece.beats_s)
        about.append(
            {word: getattr(piece, word) for word in _SAID}
            | {"parts": {name: len(part) for name, part in piece.parts.items()}, "bars": len(piece.bars),
               "beats": len(piece.beats_s), "chords": piece.chords, "sections": piece.sections,
               "emotion": piece.emotion, "human": piece.human, "tags": dict(piece.tags)}
        )  # fmt: skip
    tensors = {name: np.concatenate(rows) if rows else np.zeros(0) for name, rows in columns.items()}
    part = path.with_suffix(".part")
    save_file({name: np.ascontiguousarray(rows) for name, rows in tensors.items()}, part, {"pieces": json.dumps(about)})
    part.replace(path)


def read(path: Path) -> list[Piece]:
    """The pieces of a file."""
    with safe_open(path, framework="numpy") as file:
        about: list[dict[str, Any]] = json.loads((file.metadata() or {})["pieces"])
        notes, bars, beats_s = (file.get_tensor(name) for name in ("notes", "bars", "beats_s"))
    pieces, at = [], {"notes": 0, "bars": 0, "beats": 0}

    def take(rows: Floats, what: str, count: int) -> Floats:
        at[what] += count
        return rows[at[what] - count : at[what]]

    for row in about:
        parts = {name: take(notes, "notes", count) for name, count in row["parts"].items()}
        pieces.append(
            Piece(
                parts=parts, bars=take(bars, "bars", row["bars"]), beats_s=take(beats_s, "beats", row["beats"]),
                chords=tuple((a, b, name) for a, b, name in row["chords"]),
                sections=tuple((a, b, name) for a, b, name in row["sections"]),
                emotion=tuple(row["emotion"]) if row["emotion"] else None,
                human=tuple(row["human"]), tags=row["tags"], **{word: row[word] for word in _SAID},
            )
        )  # fmt: skip
    return pieces
