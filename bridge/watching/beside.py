"""What lies beside a clip: its takes in `riff - HarmonicFlow`, or why there are none in `riff - HarmonicFlow.txt`.

Both name the clip they belong to by a digest of its name and its sound, so that nothing else needs to be kept: who
looks sees what is done, also after a crash, on another computer, or when the folder was moved. Each appears whole or
not at all, and nothing that is there is written over but a text of ours about the same clip.

Files are copied and not linked: who edits a stem beside the clip must not edit the take that it came from.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import TakeSummary
from harmonicflow.core.paths import disk_errors, publish_folder, remove_folder, write_atomic

from ..results import copy_take, read_details
from .clips import RESULT, printable

ID: Final = "watch-"  # how the ids of our requests begin; the digest follows
UNFINISHED: Final = ".tmp"
OWN: Final = "Clip: "  # how the last line of a text begins
LONGEST_STEM: Final = 180  # bytes: file systems take 255, and what we add must fit
LARGEST_TEXT: Final = 10_000


class Place(NamedTuple):
    """One pair of names beside a clip."""

    folder: Path
    text: Path

    @property
    def free(self) -> bool:
        """Whether nothing has them."""
        return not (os.path.lexists(self.folder) or os.path.lexists(self.text))


def places(clip: Path) -> Iterator[Place]:
    """The pairs of names beside a clip, without end: the first, then with numbers from 2."""
    stem = os.fsdecode(os.fsencode(clip.stem)[:LONGEST_STEM]).rstrip() if _is_long(clip) else clip.stem
    number = 1
    while True:
        name = f"{stem}{RESULT}{f' {number}' if number > 1 else ''}"
        yield Place(clip.with_name(name), clip.with_name(f"{name}.txt"))
        number += 1


def known(clip: Path, digest: str) -> bool:
    """Whether what a clip of that digest has come to lies beside it."""
    for place in _taken(clip):
        if _digest_of_takes(place.folder) == digest:
            _remove_texts(clip, but=digest)  # of what it was before; a crash may have left it
            return True
        if _owner(place.text) == (clip.name, digest):
            return True
    return False


def has_result(clip: Path) -> bool:
    """Whether there is any result of that name."""
    return not next(places(clip)).free


def put(clip: Path, takes: Sequence[TakeSummary]) -> Path:
    """Put the files of takes beside their clip, several in folders of their own; returns the folder. Raises `disk`."""
    place = next(place for place in places(clip) if place.free or _is_own_text(place, clip))
    temporary = place.folder.with_name(f".{place.folder.name}.{secrets.token_hex(4)}{UNFINISHED}")
    try:
        for number, take in enumerate(takes, 1):
            folder = temporary if len(takes) == 1 else temporary / f"{number:02d}"
            with disk_errors(folder):
                folder.mkdir(parents=True)
            copy_take(take, folder)
        publish_folder(temporary, place.folder)
    except BaseException:
        with contextlib.suppress(HarmonicFlowError):
            remove_folder(temporary)
        raise
    _remove_texts(clip)
    return place.folder


def explain(clip: Path, digest: str, error: HarmonicFlowError) -> Path:
    """Put the sentence why there is no take beside a clip, in the place of an older one; returns it. Raises `disk`."""
    place = next(place for place in places(clip) if place.free or _is_own_text(place, clip))
    text = f"{printable(sentence(clip, error))}\n\n{OWN}{digest} {clip.name}\n"
    write_atomic(place.text, text.encode("utf-8", "surrogateescape"), mode=0o644)
    return place.text


def sentence(clip: Path, error: HarmonicFlowError) -> str:
    """An error with the clip's name alone: who reads it has the clip before them."""
    return str(error).replace(printable(clip), printable(clip.name))


def sweep(folder: Path, recursive: bool) -> None:
    """Remove what a crash has left behind while it was being put beside a clip. Raises `disk`."""
    with disk_errors(folder), os.scandir(folder) as entries:
        found = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
    for entry in found:
        if entry.name.startswith(".") and RESULT in entry.name and entry.name.endswith(UNFINISHED):
            remove_folder(Path(entry.path))
        elif recursive and not entry.name.startswith("."):
            with contextlib.suppress(HarmonicFlowError):
                sweep(Path(entry.path), recursive)


def _is_long(clip: Path) -> bool:
    return len(os.fsencode(clip.stem)) > LONGEST_STEM


def _taken(clip: Path) -> Iterator[Place]:
    """The places that have something, up to a gap; the first one may have been removed."""
    for number, place in enumerate(places(clip), 1):
        if not place.free:
            yield place
        elif number > 1:
            return


def _digest_of_takes(folder: Path) -> str:
    """The digest of the clip that the takes in a folder were made for; "" where that cannot be said."""
    for each in (folder, folder / "01"):
        request = read_details(each).get("request")
        name = request.get("id") if isinstance(request, dict) else None
        if isinstance(name, str) and name.startswith(ID):
            return name.removeprefix(ID).partition("-")[0]
    return ""


def _owner(text: Path) -> tuple[str, str]:
    """The clip that a text is about, by name and digest; empty where it is none of ours."""
    try:
        if not text.is_file() or text.stat().st_size > LARGEST_TEXT:
            return "", ""
        last = text.read_text("utf-8", "surrogateescape").rstrip("\n").rpartition("\n")[2]
    except OSError:
        return "", ""
    digest, _, name = last.removeprefix(OWN).partition(" ")
    return (name, digest) if last.startswith(OWN) else ("", "")


def _is_own_text(place: Place, clip: Path) -> bool:
    return not os.path.lexists(place.folder) and _owner(place.text)[0] == clip.name


def _remove_texts(clip: Path, but: str = "") -> None:
    for place in _taken(clip):
        name, digest = _owner(place.text)
        if name == clip.name and digest != but:
            with disk_errors(place.text):
                place.text.unlink(missing_ok=True)
