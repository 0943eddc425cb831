"""Audio windows from a corpus in any of the layouts of `training.layouts`.

What is already 16-bit mono WAV at 44.1 kHz is read where it lies; everything else (FLAC, MP3, stereo, other rates,
several stems that make one part) is converted once (`training.cache`). Labels are optional.

Legend: S stems, T samples.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from harmonicflow.core.constants import DEFAULT_STEMS
from harmonicflow.core.errors import HarmonicFlowError

from .cache import Wish, ready
from .layouts import OTHER, Report, Song, is_divided, songs
from .pcm import Audio, Pcm

__all__ = ["MIX", "OTHER", "Audio", "Track", "tracks"]

MIX = "mix"  # all of a song together
DRAWN = "80, 10 and 10 % of the songs are drawn by their names"

log = logging.getLogger("harmonicflow.training")


@dataclass(frozen=True)
class Track:
    """One song: its folder, where the samples of each part that it has lie, and the length of the longest part.

    The folder's name is the song's, unique in its split. It need not exist: a song can be a single file.
    """

    folder: Path
    places: dict[str, Pcm]
    samples: int

    @property
    def parts(self) -> dict[str, Path]:
        """The file that each part is read from."""
        return {part: place.path for part, place in self.places.items()}

    @property
    def labels(self) -> dict[str, object] | None:
        """What is known about the song, or None for a user's own stems."""
        path = self.folder / "labels.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def read(self, part: str, start: int, length: int) -> Audio:
        """Samples [length] of a part, zero where the part or the song has none."""
        return self.places.get(part, Pcm(self.folder, 0, 0)).read(start, length)


def tracks(
    root: Path, split: str, stems: Sequence[str] = DEFAULT_STEMS, report: Report = log.warning
) -> list[Track]:
    """The songs of a split, sorted by name. Files that cannot be read are left out, a line each.

    `report` also hears when files have to be converted and how far that is; by default it is the log. Raises
    `no_corpus` (no songs), `bad_corpus` (none that can be read), `disk` (no space to convert) and `missing_package`.
    """
    root = Path(root)
    where = str(root / split) if is_divided(root) else f"{root} ({split})"
    say_once = partial(_say_once, report)
    chosen = songs(root, split, stems, say_once)
    if not chosen:
        raise HarmonicFlowError("no_corpus", path=where)
    if not is_divided(root):
        say_once(f"{root.resolve()} has no folders train, validation and test: {DRAWN}")
    wishes = {song.name: [Wish(song.name, part, files) for part, files in song.sources.items()] for song in chosen}
    found, faults = ready(root, [wish for each in wishes.values() for wish in each], report)
    for wish, fault in faults.items():
        say_once(f"{wish.song}: {wish.part} is left out: {fault.message}")
    made = [_track(song, {wish.part: found[wish] for wish in wishes[song.name] if wish in found}) for song in chosen]
    left = [track for track in made if track.samples]
    if not left:
        raise HarmonicFlowError("bad_corpus", path=where, reason=next(iter(faults.values())).message)
    return left


def _track(song: Song, places: dict[str, Pcm]) -> Track:
    return Track(song.folder, places, max((place.samples for place in places.values()), default=0))


@cache
def _say_once(report: Report, line: str) -> None:
    report(line)
