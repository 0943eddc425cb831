"""The files of takes: where they get a home of their own that no clean-up of takes removes, and what lies in a Set.

Live copies nothing: a clip plays the file it was made from, and Live writes its analysis (`.asd`) beside it. So a
take's files are copied to `Samples/HarmonicFlow/TAKE` of the Set's project, or of the User Library while the Set is
unsaved.
A stretch of a take is a file `bass.FIRST.TOTAL.wav`, in frames; its name tells where it belongs.
"""

import os
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from . import notes_file, sound
from .words import EXTRAS, TAKE, Trouble

STEP_BYTES = 1 << 20  # copied at once
PIECE = re.compile(r"[a-z]+\.(\d+)\.(\d+)\.wav$")


class Part(NamedTuple):
    """What goes to one track: a whole file or the notes of a take, and in regenerated takes the changed stretch."""

    stem: str
    take: str
    number: int  # of the take among the options, from 0
    frames: int  # of the take
    rate: int  # Hz
    path: str  # of the copied file; "" for notes
    piece: str  # of the copied stretch; "" where all is new
    notes: list[notes_file.Note]
    first: int  # of the changed frames
    last: int

    @property
    def midi(self) -> bool:
        """Whether these are notes."""
        return not self.path


class Sounding(NamedTuple):
    """A take that lies in the Set."""

    take: str
    origin: float  # beats: where its frame 0 lies
    rate: int
    frames: int


def home_of(song: Any, library: str) -> str:
    """The folder that gets a folder for each take."""
    path = str(song.file_path or "") if song is not None else ""
    base = os.path.dirname(path) if path and os.path.isdir(os.path.dirname(path)) else library
    return os.path.join(base, "Samples", "HarmonicFlow")


def fetch(takes: list[dict[str, Any]], wish: dict[str, Any], homes: list[str], parts: list[Part]) -> Iterator[None]:
    """Check and copy all that is wanted, a little at each step, and fill `parts`. Raises Trouble and OSError."""
    for number, take in enumerate(takes):
        edit = take.get("edit")
        first, last = (edit["start_frame"], edit["end_frame"]) if edit else (0, take["frames"])
        for row in take["files"]:
            stem = str(row["stem"])
            if not (wish.get(stem) if stem in EXTRAS else not edit or stem in edit["stems"]):
                continue
            layout = sound.look(str(row["path"]))
            if (layout.frames, layout.rate) != (take["frames"], take["rate"]):
                raise Trouble(f"{row['path']} has {layout.frames} frames instead of {take['frames']}")
            folder = _folder(homes, str(take["take"]))
            path, piece = os.path.join(folder, f"{stem}.wav"), ""
            yield from _copied(layout, path, 0, layout.frames)
            if edit and stem not in EXTRAS:
                piece = os.path.join(folder, f"{stem}.{first}.{layout.frames}.wav")
                yield from _copied(layout, piece, first, last)
            common = (stem, str(take["take"]), number, layout.frames, layout.rate)
            parts.append(Part(*common, path, piece, [], first, last))
            score = (take.get("parts") or {}).get(stem)
            if wish.get("midi", True) and score:
                parts.append(Part(*common, "", "", notes_file.read(str(score)), first, last))
                yield


def _folder(homes: list[str], take: str) -> str:
    """The folder of a take in the first home that can be written."""
    for home in homes:
        folder = os.path.join(home, take)
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError:
            if home == homes[-1]:
                raise
        else:
            return folder
    raise OSError(2, "no folder for takes")


def _copied(layout: sound.Layout, target: str, first: int, last: int) -> Iterator[None]:
    if os.path.exists(target):  # files of takes never change, and half ones have other names
        found = sound.look(target)
        if (found.frames, found.rate) == (last - first, layout.rate):
            return
    yield from sound.cut(layout, target, first, last, STEP_BYTES)


def sounding(clips: list[Any], start: float, end: float, tempo: float) -> Sounding | None:
    """The newest take among the audio clips of our tracks that one hears between two beats."""
    newest: tuple[str, Any] | None = None
    for clip in clips:
        found = TAKE.match(str(clip.name))
        if found and clip.is_audio_clip and not clip.muted and clip.start_time < end and clip.end_time > start:
            if newest is None or found[2] > newest[0]:
                newest = (found[2], clip)
    if newest is None:
        return None
    take, clip = newest
    path = str(clip.file_path)
    layout = sound.look(path)
    piece = PIECE.search(os.path.basename(path))
    before, frames = (int(piece[1]), int(piece[2])) if piece else (0, layout.frames)
    into_s = before / layout.rate + (0.0 if clip.warping else float(clip.loop_start))
    return Sounding(take, float(clip.start_time) - into_s * tempo / 60, layout.rate, frames)
