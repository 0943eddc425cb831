"""A project as REAPER keeps one, in plain objects: tracks, items, takes, sources, undo. As much as the bridge meets."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf

from .reaper_tempo import TempoMap

TICKS = 960  # of a quarter note


@dataclass(eq=False)
class Source:
    """What a take plays: a sound file, or MIDI."""

    kind = "PCM_source"
    type: str  # "WAVE", or "MIDI"
    path: str = ""
    rate: int = 0
    channels: int = 0
    frames: int = 0
    takes_notes: bool = False  # MIDI made by CreateNewMIDIItemInProj; others refuse notes
    owned: bool = False  # by a take
    alive: bool = True
    inside: "Source | None" = None  # of a section: what it is a part of

    @classmethod
    def from_file(cls, path: str) -> "Source | None":
        if not Path(path).is_file():
            return None
        if path.endswith(".mid"):
            return cls("MIDI", path)
        info = sf.info(path)
        return cls("WAVE", path, info.samplerate, info.channels, info.frames)

    def samples(self) -> np.ndarray:
        return sf.read(self.path, dtype="float32", always_2d=True)[0]


@dataclass(eq=False)
class Take:
    """One of an item's."""

    kind = "MediaItem_Take"
    item: "Item"
    source: Source | None = None
    name: str = ""
    empty: bool = False  # a lane without a take: REAPER counts it and gives nil
    values: dict[str, float] = field(default_factory=dict)
    start_quarters: float = 0.0  # MIDI: where tick 0 lies
    # Start, end, channel, pitch, velocity.
    notes: list[tuple[float, float, int, int, int]] = field(default_factory=list)


@dataclass(eq=False)
class Item:
    """On a track."""

    kind = "MediaItem"
    track: "Track"
    values: dict[str, float] = field(default_factory=lambda: {"D_POSITION": 0.0, "D_LENGTH": 0.0, "B_LOOPSRC": 1.0})
    takes: list[Take] = field(default_factory=list)
    active: int = 0

    @property
    def take(self) -> Take | None:
        return self.takes[self.active] if self.takes and not self.takes[self.active].empty else None

    def span(self, rate: int) -> tuple[int, int]:
        """First and last frame (not included); what lies off a whole frame is a fault."""
        edges = self.values["D_POSITION"] * rate, (self.values["D_POSITION"] + self.values["D_LENGTH"]) * rate
        whole = tuple(round(edge) for edge in edges)
        assert max(abs(edge - near) for edge, near in zip(edges, whole, strict=True)) < 1e-6, edges
        return whole[0], whole[1]


@dataclass(eq=False)
class Track:
    """A track."""

    kind = "MediaTrack"
    name: str = ""
    items: list[Item] = field(default_factory=list)
    values: dict[str, float] = field(default_factory=dict)


@dataclass(eq=False)
class Accessor:
    """Reads what a track sounds like."""

    kind = "AudioAccessor"
    track: Track
    alive: bool = True


@dataclass(eq=False)
class Tab:
    """The project itself, as a handle."""

    kind = "ReaProject"


def copied(tracks: list[Track]) -> list[Track]:
    """Everything anew but the sources."""
    found = []
    for track in tracks:
        new = Track(track.name, [], dict(track.values))
        for item in track.items:
            other = Item(new, dict(item.values), [], item.active)
            other.takes = [
                replace(take, item=other, values=dict(take.values), notes=list(take.notes)) for take in item.takes
            ]
            new.items.append(other)
        found.append(new)
    return found


@dataclass(eq=False)
class Project:
    """One project."""

    folder: Path
    file: str = ""  # "" while it was never saved
    tempo: TempoMap = field(default_factory=TempoMap)
    tempo_by_meter: bool = False  # markers tell eighths a minute in 6/8; the help does not say which
    rate: int = 48_000
    rate_used: bool = True
    device_rate: int | None = None  # None: the device is closed
    tracks: list[Track] = field(default_factory=list)
    selection: tuple[float, float] = (0.0, 0.0)
    selected_tracks: list[Track] = field(default_factory=list)
    selected_items: list[Item] = field(default_factory=list)
    ext: dict[tuple[str, str], str] = field(default_factory=dict)
    undo: list[tuple[str, list[Track], list[Track]]] = field(default_factory=list)  # name, before, after
    redo: list[tuple[str, list[Track], list[Track]]] = field(default_factory=list)
    depth: int = 0  # of undo blocks
    prevented: int = 0  # refreshes
    split_overlap_s: float = 0.0  # a preference: items overlap where they are split
    tab: Tab = field(default_factory=Tab)

    def add_track(self, name: str) -> Track:
        """A track of the musician's."""
        self.tracks.append(Track(name))
        return self.tracks[-1]

    def add_sound(self, track: Track, path: Path, start_frame: int) -> Item:
        """A recording of the musician's, at a frame of the project."""
        source = Source.from_file(str(path))
        assert source and source.rate
        source.owned = True
        item = Item(track)
        item.values |= {"D_POSITION": start_frame / source.rate, "D_LENGTH": source.frames / source.rate}
        item.takes.append(Take(item, source, path.name))
        track.items.append(item)
        return item

    def add_notes(self, track: Track, first: float, last: float, notes: list[tuple[float, float, int, int]]) -> Item:
        """MIDI of the musician's; notes as (start, end, pitch, velocity) in quarter notes of the project."""
        item = Item(track)
        start, stop = self.tempo.time(first), self.tempo.time(last)
        item.values |= {"D_POSITION": start, "D_LENGTH": stop - start}
        take = Take(item, Source("MIDI", takes_notes=True, owned=True), "mine", start_quarters=first)
        take.notes = [((a - first) * TICKS, (b - first) * TICKS, 0, pitch, vel) for a, b, pitch, vel in notes]
        item.takes.append(take)
        track.items.append(item)
        return item

    def named(self, name: str) -> Track:
        [track] = [track for track in self.tracks if track.name == name]
        return track

    def ours(self) -> dict[str, Track]:
        """The tracks that the bridge has made."""
        return {track.name: track for track in self.tracks if track.name.startswith("HF ")}

    def frame(self, quarters: float) -> int:
        """The frame next to a beat."""
        return round(self.tempo.time(quarters) * self.rate)

    def select(self, first: float, last: float, *tracks: Track) -> None:
        """A time selection on the grid, in quarter notes, and tracks."""
        self.selection = (self.tempo.time(first), self.tempo.time(last))
        self.selected_tracks, self.selected_items = list(tracks), []

    def sound(self, track: Track, start: int, frames: int) -> np.ndarray:
        """What a track's unmuted items sound like: float32 [frames, 2]."""
        out = np.zeros((frames, 2), np.float32)
        for item in track.items:
            take = item.take
            if item.values.get("B_MUTE") or not take or not take.source or take.source.type != "WAVE":
                continue
            first, last = item.span(self.rate)
            from_frame, upto_frame = max(first, start), min(last, start + frames)
            offset = round(take.values.get("D_STARTOFFS", 0.0) * self.rate)
            if upto_frame > from_frame:
                samples = take.source.samples()[offset + from_frame - first : offset + upto_frame - first]
                samples = samples if samples.shape[1] == 2 else np.repeat(samples[:, :1], 2, axis=1)
                out[from_frame - start : from_frame - start + len(samples)] += samples
        return out

    def state(self) -> list[Any]:
        """All that a musician would see, to be compared."""
        return [
            (track.name, dict(track.values), [
                (dict(item.values), item.active, [
                    (take.name, dict(take.values), take.source and take.source.path, tuple(take.notes))
                    for take in item.takes
                ])
                for item in track.items
            ])
            for track in self.tracks
        ]  # fmt: skip

    def back(self) -> None:
        """Undo, as the musician does it."""
        name, before, after = self.undo.pop()
        self.redo.append((name, before, after))
        self.tracks = copied(before)

    def again(self) -> None:
        """Redo."""
        name, before, after = self.redo.pop()
        self.undo.append((name, before, after))
        self.tracks = copied(after)
