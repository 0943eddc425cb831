"""Where the songs of a corpus lie, in the layouts people have. Nothing is decoded here.

| layout | a song | its parts |
|---|---|---|
| stems | SONG/{bass,drums,guitar,piano,other}.{wav,flac,...} | the files |
| Slakh2100 (Manilow et al. 2019) | TrackNNNNN/stems/S00.flac ... + metadata.yaml | stems of one `inst_class` summed |
| files | any sound file in any folder | `other`: it is not known what plays |

Each in ROOT/{train,validation,test} or, without these folders, directly in ROOT: then a song's split is drawn from the
hash of its group, so that songs which belong together (one MIDI file rendered twice, one album) share a split and
stay there on every machine.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harmonicflow.core.errors import HarmonicFlowError

SPLITS: Final = ("train", "validation", "test")
TRAIN_SHARE, VALIDATION_SHARE = 0.8, 0.1  # of songs without split folders; the rest is the test
OTHER = "other"  # instruments outside the bundle's
DRUMS: Final = "drums"
SUFFIXES: Final = (".wav", ".flac", ".aiff", ".aif", ".ogg", ".mp3")  # in the order of preference
OMITTED: Final = "omitted"  # Slakh's folder of songs that are in another split too
LONGEST_NAME: Final = 150  # bytes: file systems allow 255, and endings are added
METADATA: Final = "metadata.yaml"

Report = Callable[[str], None]


@dataclass(frozen=True)
class Song:
    """A song: its name (unique in the corpus), its folder, what it must share a split with, the files of each part.

    Several files of a part are summed. A song that is a single file has a folder that does not exist.
    """

    name: str
    folder: Path
    group: str
    sources: Mapping[str, tuple[Path, ...]]


def songs(root: Path, split: str, stems: Sequence[str], report: Report) -> list[Song]:
    """The songs of a split, sorted by name; `report` hears about those that are left out.

    Raises `missing_package` where metadata.yaml has to be read without PyYAML.
    """
    divided = is_divided(root)
    base = root / split if divided else root
    found = list(_folders(base, stems, report)) or list(_files(base))
    if not divided and found:
        place = _drawn_splits({song.group for song in found})
        found = [song for song in found if place[song.group] == split]
    return sorted(found, key=lambda song: song.name)


def is_divided(root: Path) -> bool:
    """Whether a corpus has split folders; otherwise splits are drawn."""
    return any((root / name).is_dir() for name in SPLITS)


def _drawn_splits(groups: set[str]) -> dict[str, str]:
    """The split of each group: by its hash, but for so few groups that a split would stay empty."""
    def place(group: str) -> float:
        return int.from_bytes(_digest(group)[:8]) / 2**64

    ordered = sorted(groups, key=place)
    train = sum(place(group) < TRAIN_SHARE for group in ordered)
    known = sum(place(group) < TRAIN_SHARE + VALIDATION_SHARE for group in ordered)
    known = max(1, min(known, len(ordered) - 1)) if len(ordered) > 2 else len(ordered)
    train = max(1, min(train, known - 1))
    return {g: SPLITS[0 if n < train else 1 if n < known else 2] for n, g in enumerate(ordered)}


def _digest(text: str) -> bytes:
    return hashlib.sha256(os.fsencode(text)).digest()


def _folders(base: Path, stems: Sequence[str], report: Report) -> Iterator[Song]:
    """Folders that hold stems, in either layout."""
    for folder in sorted(_entries(base)):
        if not folder.is_dir() or folder.name == OMITTED:
            continue
        files = _sounds(folder)
        sources: dict[str, tuple[Path, ...]] = {part: (files[part],) for part in (*stems, OTHER) if part in files}
        group = folder.name
        if not sources and (folder / METADATA).is_file():
            try:
                about = _metadata(folder / METADATA)
                sources = _summed(about, _sounds(folder / "stems"), stems)
            except (ValueError, AttributeError, TypeError, OSError) as error:  # ValueError: not UTF-8, not YAML
                report(f"{folder} is left out: its {METADATA} is not understood ({' '.join(str(error).split())})")
                continue
            group = str(about.get("UUID") or group)  # the MIDI file: Slakh rendered some of them more than once
        if sources:
            yield Song(folder.name, folder, group, sources)


def _metadata(path: Path) -> Mapping[str, Any]:
    try:
        import yaml
    except ImportError as error:
        install = 'python -m pip install "harmonicflow[train]"'
        raise HarmonicFlowError("missing_package", package="pyyaml", install=install) from error
    try:
        about = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise ValueError(error) from error
    if not isinstance(about, Mapping):
        raise ValueError("it holds no fields")
    return about


def _summed(about: Mapping[str, Any], files: Mapping[str, Path], stems: Sequence[str]) -> dict[str, tuple[Path, ...]]:
    """The files of each part, by the instrument class of each stem; stems that were not rendered are passed over."""
    parts: dict[str, list[Path]] = {}
    for name, stem in sorted(about["stems"].items()) if about.get("stems") else ():
        if str(name).lower() in files and stem.get("audio_rendered", True):
            kind = DRUMS if stem.get("is_drum") else str(stem.get("inst_class")).lower()
            parts.setdefault(kind if kind in stems else OTHER, []).append(files[str(name).lower()])
    return {part: tuple(paths) for part, paths in parts.items()}


def _files(base: Path) -> Iterator[Song]:
    """Every sound file below a folder. Its group is its folder, or its name where all files lie in one folder."""
    found: list[Path] = []
    for folder, inner, names in os.walk(base):
        inner[:] = sorted(name for name in inner if not name.startswith(".") and name != OMITTED)
        found += [Path(folder, name) for name in names if _is_sound(Path(name))]
    alone = len({path.parent for path in found}) == 1
    taken: set[str] = set()
    for path in sorted(found):
        place = path.relative_to(base)
        group = place.stem if alone else place.parent.as_posix()
        name = " - ".join(place.parts)
        if name in taken or len(os.fsencode(name)) > LONGEST_NAME:
            start = os.fsencode(name)[:LONGEST_NAME].decode(errors="ignore")
            name = f"{start} {_digest(place.as_posix()).hex()[:10]}"
        taken.add(name)
        yield Song(name, base / name, group, {OTHER: (path,)})


def _sounds(folder: Path) -> dict[str, Path]:
    """The sound files of a folder by lower-case name without suffix, the preferred suffix where there are several."""
    sounds = sorted((p for p in _entries(folder) if _is_sound(p)), key=lambda p: SUFFIXES.index(p.suffix.lower()))
    return {path.stem.lower(): path for path in reversed(sounds)}


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder, hidden entries left out; nothing where there is no folder."""
    return [path for path in folder.iterdir() if not path.name.startswith(".")] if folder.is_dir() else []


def _is_sound(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
