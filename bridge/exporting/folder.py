"""A folder of WAV and MIDI files for hosts without a project format, with a README.txt that says where they belong."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Final
from uuid import uuid4

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.paths import atomic_file, disk_errors, publish_folder, remove_folder

from .found import Take
from .readme import readme
from .wanted import Wanted, write_sound

README: Final = "README.txt"
SCORE: Final = "score.mid"

Write = Callable[[IO[bytes]], None]


def write_folder(folder: Path, take: Take, wanted: Wanted) -> list[str]:
    """Write a take's files and return their names. A new folder is there whole or not at all.

    In a folder that is there already each file is replaced whole, and nothing else is touched. Raises `unknown_stem`,
    `bad_take`, `disk` and what reading sound raises.
    """
    files = dict(_files(take, wanted))
    with _target(folder) as place:
        for name, write in files.items():
            with atomic_file(place / name, mode=0o666) as file:
                write(file)
    return list(files)


def _files(take: Take, wanted: Wanted) -> Iterator[tuple[str, Write]]:
    for row in wanted.sounds_of(take):
        yield row.file, partial(write_sound, take=take, row=row, bits=wanted.bits, tempo=wanted.tempo)
    names = [take.summary.parts[name] for name in wanted.stems_of(take) if name in take.summary.parts]
    if not wanted.stems:
        names.append(SCORE)
    for name in names:
        yield name, partial(_copy, take=take, name=name)
    yield README, partial(_text, text=readme(take, wanted))


def _text(file: IO[bytes], text: str) -> None:
    file.write(text.replace("\n", "\r\n").encode())  # for the Notepad of old


def _copy(target: IO[bytes], take: Take, name: str) -> None:
    try:
        with (take.folder / name).open("rb") as source:
            shutil.copyfileobj(source, target)
    except OSError as error:
        raise HarmonicFlowError("bad_take", take=take.folder, reason=f"{name}: {error.strerror}") from None


@contextmanager
def _target(folder: Path) -> Iterator[Path]:
    """Where to write: the folder itself where it is there, else one that gets its name at the end."""
    if folder.exists():
        yield folder
        return
    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = folder.with_name(f".{folder.name}.{uuid4().hex[:8]}.tmp")
        temporary.mkdir()
    try:
        yield temporary
        publish_folder(temporary, folder)
    except BaseException:
        remove_folder(temporary)
        raise
