"""A .dawproject: a zip of metadata.xml, project.xml and the WAV files, in which nothing is compressed that is sound."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.paths import atomic_file

from .found import Take
from .project_xml import write_metadata, write_project
from .timeline import Timeline
from .tracks import tracks_of
from .wanted import Wanted, wav_size, write_sound

ENDING: Final = ".dawproject"
READABLE: Final = 0o644 << 16  # the permissions of what is unpacked, where zip keeps them
FIRST_DAY: Final = (1980, 1, 1, 0, 0, 0)  # of zip's calendar


def write_dawproject(file: Path, takes: Sequence[Take], wanted: Wanted) -> list[str]:
    """Write takes as one project, whole or not at all, and return its tracks. The same takes give the same bytes.

    Raises `mixed_takes` for takes that do not lie in the same song at the same place, `unknown_stem`, `bad_take`,
    `disk` and what reading sound raises.
    """
    timeline = _one_timeline(takes)
    tracks, files = tracks_of(takes, wanted)
    day = _zip_time(takes[0].summary.created)
    with atomic_file(file, mode=0o666) as out, ZipFile(out, "w") as container:
        with _entry(container, "metadata.xml", day) as entry:
            write_metadata(entry, takes[0])
        with _entry(container, "project.xml", day) as entry:
            write_project(entry, takes, timeline, tracks)
        for path, (take, row) in files.sources.items():
            with _entry(container, path, day, wav_size(row, wanted.bits)) as entry:
                write_sound(entry, take, row, wanted.bits, tempo=False)  # the project says it all
    return [track.name for track in tracks]


def _one_timeline(takes: Sequence[Take]) -> Timeline:
    first = Timeline.of(takes[0].selection)
    for take in takes[1:]:
        if Timeline.of(take.selection) != first:
            raise HarmonicFlowError("mixed_takes", take=take.name, first=takes[0].name)
    return first


def _entry(container: ZipFile, name: str, day: tuple[int, int, int, int, int, int], sound: int = 0) -> IO[bytes]:
    """A file in the container, to be written piece by piece; `sound`: the bytes of a WAV file, which is only stored."""
    about = ZipInfo(name, day)
    about.external_attr = READABLE
    about.compress_type = ZIP_STORED if sound else ZIP_DEFLATED
    about.file_size = sound  # so that files too large for plain zip are written as zip64
    return container.open(about, "w")


def _zip_time(created: str) -> tuple[int, int, int, int, int, int]:
    """A take's date as zip has it, in UTC, so that it does not depend on where the file is made."""
    try:
        time = datetime.fromisoformat(created).astimezone(UTC)
    except ValueError:
        return FIRST_DAY
    return max((time.year, time.month, time.day, time.hour, time.minute, time.second), FIRST_DAY)
