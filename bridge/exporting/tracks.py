"""The tracks and clips of a .dawproject: what stands on them, before it is written.

Of each take: for each instrument a track with its sound and one with its notes, then the mix and the binaural render,
then the chords as clips that bear their names. What would double the stems is muted: the renders, and the notes, which
some hosts give an instrument unasked. Of several takes each is a group; all but the first are muted, so that one click
changes from one to another.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from harmonicflow.core.instruments import INSTRUMENTS
from harmonicflow.core.messages import FileRow

from .found import Take
from .notes import Played, chord_notes, chord_spans, played
from .timeline import warps
from .wanted import OTHER_COLOUR, RENDERS, Wanted, colour_of, title_of

AUDIO, NOTES, TRACKS = "audio", "notes", "tracks"  # what a track holds
STEREO: Final = 2


@dataclass(frozen=True)
class AudioClip:
    """A whole sound file; `path` is its place in the container. With `warps` (beat, second) it follows the tempo."""

    path: str
    row: FileRow
    beats: Fraction
    warps: tuple[tuple[Fraction, Fraction], ...] = ()


@dataclass(frozen=True)
class NoteClip:
    """Notes from a beat of the take on."""

    name: str
    start: Fraction
    beats: Fraction
    notes: list[Played]
    channel: int = 0


@dataclass
class Track:
    """One track with its channel, or a group of tracks. Ids are given where it is made, and unique in the project."""

    id: str
    name: str
    colour: str
    holds: str
    muted: bool = False
    comment: str = ""
    channels: int = STEREO
    clips: list[AudioClip | NoteClip] = field(default_factory=list)
    inside: "list[Track]" = field(default_factory=list)

    @property
    def channel(self) -> str:
        """The id of its channel."""
        return f"{self.id}-channel"

    def walk(self) -> "Iterator[Track]":
        """This track and those inside it."""
        yield self
        for track in self.inside:
            yield from track.walk()


class Files:
    """Where sound files lie in the container; what takes share is there once."""

    def __init__(self, several: bool) -> None:
        self.sources: dict[str, tuple[Take, FileRow]] = {}  # by path
        self._paths: dict[str, str] = {}  # by hash
        self._several = several

    def place(self, take: Take, row: FileRow, number: int) -> str:
        """The path of a file of take `number`, counted from 1."""
        path = self._paths.get(row.sha256)
        if path is None:
            path = f"audio/{number}-{row.file}" if self._several else f"audio/{row.file}"
            self._paths[row.sha256] = path
            self.sources[path] = (take, row)
        return path


def tracks_of(takes: Sequence[Take], wanted: Wanted) -> tuple[list[Track], Files]:
    """The tracks of takes that fit the same song, and the sound files on them."""
    files = Files(len(takes) > 1)
    tracks = []
    for number, take in enumerate(takes, 1):
        own = _tracks(take, number, files, wanted)
        if len(takes) == 1:
            return own, files
        tracks.append(
            Track(
                f"take{number}", label(take, takes, number), OTHER_COLOUR, TRACKS, number > 1, _comment(take),
                inside=own,
            )
        )  # fmt: skip
    return tracks, files


def label(take: Take, takes: Sequence[Take], number: int) -> str:
    """What a take among others is called."""
    same = take.request and all(each.request == take.request for each in takes)
    return f"Option {take.summary.option or number}" if same else f"{number} {take.summary.title or take.name}"


def _tracks(take: Take, number: int, files: Files, wanted: Wanted) -> list[Track]:
    sounds = {row.stem: row for row in wanted.sounds_of(take)}
    beats = take.selection.beat_at_frame(take.selection.frames)
    follows = warps(take.selection) if wanted.warp else ()
    tracks = []
    for place, name in enumerate([*wanted.stems_of(take), *wanted.renders_of(take)], 1):
        identity = f"take{number}-{place}"
        if row := sounds.get(name):
            clip = AudioClip(files.place(take, row, number), row, beats, follows)
            tracks.append(
                Track(
                    identity, title_of(name), colour_of(name), AUDIO, name in RENDERS, _comment(take), row.channels,
                    [clip],
                )
            )  # fmt: skip
        if name not in RENDERS and (notes := played(take.score, name, take.selection)):
            channel = INSTRUMENTS[name].midi_channel if name in INSTRUMENTS else 0
            part = NoteClip(title_of(name), Fraction(0), take.selection.beats, notes, channel)
            title = f"{title_of(name)} MIDI"
            tracks.append(Track(f"{identity}-midi", title, colour_of(name), NOTES, name in sounds, clips=[part]))
    chords: list[AudioClip | NoteClip] = [
        NoteClip(span.chord.name, start, beats, chord_notes(span.chord, beats))
        for start, beats, span in chord_spans(take.score, take.selection)
    ]
    if chords:
        tracks.append(Track(f"take{number}-chords", "Chords", OTHER_COLOUR, NOTES, True, clips=chords))
    return tracks


def _comment(take: Take) -> str:
    return f"HarmonicFlow take {take.name}, seed {take.summary.seed}"
