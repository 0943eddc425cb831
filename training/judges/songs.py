"""The songs of a corpus as the judges hear them: pictures of every stem, made once and kept in a folder.

One safetensors file a song, FOLDER/pictures/<split>/<song>.safetensors, with `<stem>.mel` and `<stem>.pitch`. Its
metadata says which version of the pictures it holds and the size and time of change of the sounds it was made from;
when either differs it is made again.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from harmonicflow.core.constants import HEARD_GENRES
from harmonicflow.core.paths import atomic_file

from ..data import Track, tracks
from .features import VERSION, Picture, picture

Report = Callable[[str], None]


@dataclass(frozen=True)
class Heard:
    """One song: its name, what is known about it, and the pictures of the stems it has."""

    name: str
    pictures: dict[str, Picture]
    labels: dict[str, Any] = field(default_factory=dict)

    @property
    def frames(self) -> int:
        """Pitch frames (latent frames) that every stem has."""
        return min((each.frames for each in self.pictures.values()), default=0)

    @property
    def genre(self) -> str | None:
        """The genre it was arranged in, else the one it is filed under unless that is one songs are arranged in.

        A file's genre is often its collection's word for all of them; where there is a style to hear, that counts.
        """
        filed = self.labels.get("genre")
        return self.labels.get("genre_arranged") or (None if filed in HEARD_GENRES else filed)

    def program(self, stem: str) -> str | None:
        """The sound that plays a stem, `font:bank:program`; None where the labels do not say."""
        program = (self.labels.get("programs") or {}).get(stem)
        if program is None:
            return None
        bank = (self.labels.get("banks") or {}).get(stem) or (128 if stem == "drums" else 0)
        return f"{self.labels.get('sound_font') or 'default'}:{bank}:{program}"


def load_songs(root: Path, split: str, stems: Sequence[str], folder: Path, report: Report) -> list[Heard]:
    """The songs of a split with their pictures, made now where they are not there yet.

    Raises `no_corpus`, `bad_corpus`, `disk`.
    """
    found = tracks(root, split, stems, report)
    out, made = [], 0
    for number, track in enumerate(found):
        path = folder / "pictures" / split / f"{track.folder.name}.safetensors"
        parts = [stem for stem in stems if stem in track.places]
        pictures = read_pictures(path, identity(track, parts))
        if pictures is None:
            pictures = {stem: picture(track.read(stem, 0, track.samples)) for stem in parts}
            write_pictures(path, pictures, identity(track, parts))
            made += 1
            if made % 20 == 0:
                report(f"heard {number + 1} of {len(found)} songs of {split}")
        out.append(Heard(track.folder.name, pictures, dict(track.labels or {})))
    return out


def identity(track: Track, parts: Sequence[str]) -> str:
    """What pictures of a song depend on: the version of the pictures, and its files' sizes and times of change."""
    facts: list[Any] = [VERSION]
    for part in parts:
        state = track.places[part].path.stat()
        facts.append((part, state.st_size, state.st_mtime_ns))
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def read_pictures(path: Path, wanted: str) -> dict[str, Picture] | None:
    """The pictures of a file if it is whole and of this identity."""
    try:
        with safe_open(path, framework="numpy") as file:
            if (file.metadata() or {}).get("identity") != wanted:
                return None
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (OSError, SafetensorError):
        return None
    names = dict.fromkeys(name.split(".")[0] for name in arrays)
    return {name: Picture(arrays[f"{name}.mel"], arrays[f"{name}.pitch"]) for name in names}


def write_pictures(path: Path, pictures: dict[str, Picture], identity: str) -> None:
    """Write a song's pictures whole or not at all; raises `disk`."""
    arrays: dict[str, NDArray[np.uint8]] = {}
    for stem, each in pictures.items():
        arrays |= {f"{stem}.mel": np.ascontiguousarray(each.mel), f"{stem}.pitch": np.ascontiguousarray(each.pitch)}
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as file:
        file.write(save(arrays, {"identity": identity}))
