"""From the archives of single instruments to songs: bass_22050/train/Track00001.wav becomes
slakh2100/train/Track00001/bass.wav, and so on for drums, guitar and piano.

The archives are those of Multi-Source Diffusion Models (Mariani et al. 2023), Slakh2100 at 22.05 kHz summed by
instrument. A song in them is a file, or a folder that holds it as mix.wav or under the instrument's name. The new
names are hard links, or copies where the file system has none (or the folders lie on two of them); the archives are
read only. Run again, it goes on where it stopped.
"""

import os
import secrets
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from harmonicflow.core.constants import DEFAULT_STEMS
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.paths import disk_errors

from .layouts import SPLITS, SUFFIXES

ENDING: Final = "_22050"  # of an archive's folder: the rate in Hz
SAY_SECONDS: Final = 2.0  # between two lines of progress

Report = Callable[[str], None]


class Step(NamedTuple):
    """One file to give a new name: from where, to where, and whose it is."""

    source: Path
    target: Path
    split: str
    song: str
    stem: str


@dataclass
class Prepared:
    """What was done, in files, and what the corpus holds afterwards: the stems of each song of each split."""

    out: Path
    linked: int = 0
    copied: int = 0
    there: int = 0
    kept: list[Path] = field(default_factory=list)  # names that belong to other files already
    songs: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    def full(self, split: str) -> int:
        """Songs of a split that have every stem."""
        return sum(stems >= set(DEFAULT_STEMS) for stems in self.songs.get(split, {}).values())

    def lacking(self, split: str) -> Counter[str]:
        """How many songs of a split lack each stem."""
        songs = self.songs.get(split, {}).values()
        return Counter(stem for stems in songs for stem in DEFAULT_STEMS if stem not in stems)


def prepare(source: Path, out: Path, dry_run: bool, report: Report) -> Prepared:
    """Give every file of the archives in `source` its name in `out`; with `dry_run` only say what would be done.

    A name that another file has already is left alone and listed. Raises `no_archives`, `bad_option` (an `out` inside
    an archive) and `disk`.
    """
    archives = {stem: source / f"{stem}{ENDING}" for stem in DEFAULT_STEMS if (source / f"{stem}{ENDING}").is_dir()}
    if not archives:
        folders = ", ".join(f"{stem}{ENDING}" for stem in DEFAULT_STEMS)
        raise HarmonicFlowError("no_archives", folders=folders, path=source)
    for archive in archives.values():
        if out.resolve().is_relative_to(archive.resolve()):
            raise HarmonicFlowError("bad_option", option="--out", value=str(out), reason="it lies inside an archive")
    steps = [step for stem, archive in archives.items() for step in _steps(stem, archive, out)]
    done = Prepared(out)
    said = time.monotonic()
    for number, step in enumerate(steps, 1):
        _take(step, done, dry_run)
        if time.monotonic() - said > SAY_SECONDS:
            said = time.monotonic()
            report(f"{number}/{len(steps)} {step.split}/{step.song} {step.stem}")
    for path in done.kept:
        report(f"{path} is another file already and was left alone: delete it and run this again to replace it")
    return done


def _steps(stem: str, archive: Path, out: Path) -> Iterator[Step]:
    for split in SPLITS:
        entries = sorted((archive / split).iterdir()) if (archive / split).is_dir() else []
        for entry in entries:
            file = _sound(entry, stem) if not entry.name.startswith(".") else None
            if file is not None:
                song = entry.name if entry.is_dir() else entry.stem
                yield Step(file, out / split / song / f"{stem}{file.suffix.lower()}", split, song, stem)


def _sound(entry: Path, stem: str) -> Path | None:
    """The file of a song: itself, or what its folder holds under one of two names."""
    if entry.is_dir():
        names = (entry / f"{name}{suffix}" for name in (stem, "mix") for suffix in SUFFIXES)
        return next((path for path in names if path.is_file()), None)
    return entry if entry.suffix.lower() in SUFFIXES else None


def _take(step: Step, done: Prepared, dry_run: bool) -> None:
    source = step.source.resolve()  # the file itself, where the archive holds symbolic links
    if step.target.exists():
        if os.path.samefile(source, step.target) or source.stat().st_size == step.target.stat().st_size:
            done.there += 1
        else:
            done.kept.append(step.target)
    elif dry_run or _link(source, step.target):
        done.linked += 1
    else:
        _copy(source, step.target)
        done.copied += 1
    done.songs.setdefault(step.split, {}).setdefault(step.song, set()).add(step.stem)


def _link(source: Path, target: Path) -> bool:
    """Whether the file system gave the file a second name."""
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        return False
    return True


def _copy(source: Path, target: Path) -> None:
    """Copy a file whole or not at all, its time of change too; raises `disk`."""
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    with disk_errors(target):
        try:
            shutil.copy2(source, temporary)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
