"""What each of ReaScript's functions does in the stub: methods named like them. `reaper_host` checks the arguments.

Beyond the types: handles must be of this project and alive, names of values must be listed, the project changes inside
undo blocks only, accessors and sources are used between their making and their end.
"""

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import reaper_api as api
from .reaper_project import TICKS, Accessor, Item, Project, Source, Take, Track, copied

if TYPE_CHECKING:
    from .reaper_host import Reaper


AUTOMATIC = {"D_FADEINLEN": 0.01, "D_FADEOUTLEN": 0.01}  # as preferences may have it for new items


class Misuse(Exception):
    """Something that a script must not do; the test fails, whatever the script makes of it."""


def need(right: bool, what: str) -> None:
    if not right:
        raise Misuse(what)


class Calls:
    """The functions; `host` is the REAPER around the project in front."""

    def __init__(self, host: "Reaper") -> None:
        self.host = host

    @property
    def project(self) -> Project:
        return self.host.project

    # What must be so.

    def alive(self, thing: Any) -> None:
        """A handle that REAPER would still know."""
        if isinstance(thing, Track):
            need(thing in self.project.tracks, f"a track that is gone: {thing.name}")
        elif isinstance(thing, Item):
            self.alive(thing.track)
            need(thing in thing.track.items, "an item that is gone")
        elif isinstance(thing, Take):
            self.alive(thing.item)
            need(thing in thing.item.takes, "a take that is gone")
        elif isinstance(thing, Source | Accessor):
            need(thing.alive, f"a {thing.kind} that was given back")

    def changes(self) -> None:
        need(self.project.depth > 0, "the project is changed outside of an undo block")

    # Undo and screen.

    def Undo_BeginBlock2(self, _: object) -> None:
        need(self.project.depth == 0, "an undo block inside of another")
        self.project.depth += 1
        self.host.before = copied(self.project.tracks)

    def Undo_EndBlock2(self, _: object, title: str, flags: int) -> None:
        need(self.project.depth > 0, "an undo block ends that was not begun")
        need(flags == -1, "an undo block that does not cover everything")
        self.project.depth -= 1
        self.project.undo.append((title, self.host.before, copied(self.project.tracks)))
        self.project.redo.clear()

    def Undo_CanUndo2(self, _: object) -> str | None:
        return self.project.undo[-1][0] if self.project.undo else None

    def Undo_DoUndo2(self, _: object) -> int:
        need(self.project.depth == 0, "undo inside of an undo block")
        self.project.back()
        return 1

    def PreventUIRefresh(self, count: int) -> None:
        self.project.prevented += count
        need(self.project.prevented >= 0, "the screen is released more often than held")

    def UpdateArrange(self) -> None: ...

    def TrackList_AdjustWindows(self, minor: bool) -> None:
        need(not minor, "new tracks are not shown by a minor look")
        self.host.unseen = False

    def UpdateItemInProject(self, item: Item) -> None: ...

    def Main_OnCommand(self, command: int, flag: int) -> None:
        self.host.command(command)

    # The project.

    def EnumProjects(self, index: int) -> tuple[Any, str]:
        need(index == -1, "only the project in front is asked for")
        return self.project.tab, self.project.file

    def GetProjectPathEx(self, _: object) -> str:
        return str(self.project.folder)

    def GetProjExtState(self, _: object, section: str, key: str) -> tuple[int, str]:
        value = self.project.ext.get((section, key), "")
        return len(value), value

    def SetProjExtState(self, _: object, section: str, key: str, value: str) -> int:
        need(not self.project.file, "a project that has a file is not written into")
        self.project.ext[section, key] = value
        return len(value)

    def GetSetProjectInfo(self, _: object, name: str, value: float, is_set: bool) -> float:
        need(not is_set and name in ("PROJECT_SRATE", "PROJECT_SRATE_USE"), name)
        return float(self.project.rate if name == "PROJECT_SRATE" else self.project.rate_used)

    def GetAudioDeviceInfo(self, name: str) -> tuple[bool, str]:
        need(name in api.DEVICE_VALUES, name)
        rate = self.project.device_rate
        return rate is not None, str(rate or "")

    def GetSet_LoopTimeRange2(self, _: object, is_set: bool, is_loop: bool, *rest: object) -> tuple[float, float]:
        need(not is_set and not is_loop, "the time selection is only asked for")
        return self.project.selection

    def CountSelectedTracks(self, _: object) -> int:
        return len(self.project.selected_tracks)

    def GetSelectedTrack(self, _: object, index: int) -> Track:
        return self.project.selected_tracks[index]

    def CountSelectedMediaItems(self, _: object) -> int:
        return len(self.project.selected_items)

    def GetSelectedMediaItem(self, _: object, index: int) -> Item:
        return self.project.selected_items[index]

    # Tempo.

    def CountTempoTimeSigMarkers(self, _: object) -> int:
        return len(self.project.tempo.markers)

    def GetTempoTimeSigMarker(self, _: object, index: int) -> tuple[Any, ...]:
        marker, tempo = self.project.tempo.markers[index], self.project.tempo
        measure = tempo.measure_at(marker.time + 1e-9)
        beat = tempo.quarters(marker.time) - tempo.measures(measure)[measure][0]
        meter = marker.numerator or -1, marker.denominator or -1
        told = marker.bpm * (tempo.measures(measure)[measure][3] / 4 if self.project.tempo_by_meter else 1)
        return True, marker.time, measure, beat, told, *meter, marker.linear

    def TimeMap_timeToQN_abs(self, _: object, time: float) -> float:
        return self.project.tempo.quarters(time)

    def TimeMap_QNToTime_abs(self, _: object, quarters: float) -> float:
        return self.project.tempo.time(quarters)

    def TimeMap2_timeToBeats(self, _: object, time: float) -> tuple[float, int, int, float, int]:
        measure = self.project.tempo.measure_at(time)
        start, _end, numerator, denominator = self.project.tempo.measures(measure)[measure]
        quarters = self.project.tempo.quarters(time)
        return (quarters - start) * denominator / 4, measure, numerator, quarters, denominator

    def TimeMap_GetMeasureInfo(self, _: object, measure: int) -> tuple[Any, ...]:
        start, end, numerator, denominator = self.project.tempo.measures(measure)[measure]
        time = self.project.tempo.time(start)
        return time, start, end, numerator, denominator, self.project.tempo.tempo(time)

    # Tracks.

    def CountTracks(self, _: object = None) -> int:
        return len(self.project.tracks)

    def GetTrack(self, _: object, index: int) -> Track | None:
        return self.project.tracks[index] if index < len(self.project.tracks) else None

    def GetTrackName(self, track: Track) -> tuple[bool, str]:
        return True, track.name or f"Track {self.project.tracks.index(track) + 1}"

    def InsertTrackAtIndex(self, index: int, defaults: bool) -> None:
        self.changes()
        self.project.tracks.insert(index, Track())
        self.host.unseen = True

    def GetSetMediaTrackInfo_String(self, track: Track, name: str, value: str, is_set: bool) -> tuple[bool, str]:
        need(name == "P_NAME" and is_set, name)
        self.changes()
        track.name = value
        return True, value

    def SetMediaTrackInfo_Value(self, track: Track, name: str, value: float) -> bool:
        need(name in api.TRACK_VALUES, name)
        self.changes()
        track.values[name] = value
        return True

    def ColorToNative(self, red: int, green: int, blue: int) -> int:
        return blue << 16 | green << 8 | red  # as on Windows

    # Items and takes.

    def CountTrackMediaItems(self, track: Track) -> int:
        return len(track.items)

    def GetTrackMediaItem(self, track: Track, index: int) -> Item:
        return track.items[index]

    def GetMediaItem_Track(self, item: Item) -> Track:
        return item.track

    def AddMediaItemToTrack(self, track: Track) -> Item:
        self.changes()
        track.items.append(Item(track))
        track.items[-1].values |= AUTOMATIC
        return track.items[-1]

    def GetMediaItemInfo_Value(self, item: Item, name: str) -> float:
        need(name in api.ITEM_VALUES, name)
        return item.values.get(name, 0.0)

    def SetMediaItemInfo_Value(self, item: Item, name: str, value: float) -> bool:
        need(name in api.ITEM_VALUES, name)
        self.changes()
        item.values[name] = float(value)
        return True

    def SplitMediaItem(self, item: Item, time: float) -> Item | None:
        self.changes()
        start = item.values["D_POSITION"]
        end = start + item.values["D_LENGTH"]
        if not start < time < end:
            return None
        lap = self.project.split_overlap_s / 2
        right = next(
            other for track in copied([item.track]) for other, old in zip(track.items, item.track.items, strict=True)
            if old is item
        )  # fmt: skip
        right.track = item.track
        item.track.items.insert(item.track.items.index(item) + 1, right)
        item.values["D_LENGTH"] = time + lap - start
        right.values |= {"D_POSITION": time - lap, "D_LENGTH": end - time + lap}
        for take in right.takes:
            take.values["D_STARTOFFS"] = take.values.get("D_STARTOFFS", 0.0) + time - lap - start
        return right

    def CountTakes(self, item: Item) -> int:
        return len(item.takes)

    def GetMediaItemTake(self, item: Item, index: int) -> Take | None:
        return None if item.takes[index].empty else item.takes[index]

    def GetActiveTake(self, item: Item) -> Take | None:
        return item.take

    def SetActiveTake(self, take: Take) -> None:
        self.changes()
        take.item.active = take.item.takes.index(take)

    def AddTakeToMediaItem(self, item: Item) -> Take:
        self.changes()
        item.takes.append(Take(item, values={"D_STARTOFFS": 0.0, "D_PLAYRATE": 1.0}))
        return item.takes[-1]

    def GetTakeName(self, take: Take) -> str:
        return take.name

    def GetSetMediaItemTakeInfo_String(self, take: Take, name: str, value: str, is_set: bool) -> tuple[bool, str]:
        need(name == "P_NAME" and is_set, name)
        self.changes()
        take.name = value
        return True, value

    def GetMediaItemTakeInfo_Value(self, take: Take, name: str) -> float:
        need(name in api.TAKE_VALUES, name)
        return take.values.get(name, 1.0 if name == "D_PLAYRATE" else 0.0)

    def SetMediaItemTakeInfo_Value(self, take: Take, name: str, value: float) -> bool:
        need(name in api.TAKE_VALUES, name)
        self.changes()
        take.values[name] = float(value)
        return True

    # Sources.

    def PCM_Source_CreateFromFile(self, path: str) -> Source | None:
        source = Source.from_file(path)
        if source:
            self.host.sources.append(source)
        return source

    def PCM_Source_Destroy(self, source: Source) -> None:
        need(not source.owned, "a source is given back that a take plays")
        source.alive = False

    def SetMediaItemTake_Source(self, take: Take, source: Source) -> bool:
        self.changes()
        need(not source.owned, "a source that another take plays")
        take.source, source.owned = source, True
        return True

    def GetMediaItemTake_Source(self, take: Take) -> Source | None:
        return take.source

    def GetMediaSourceLength(self, source: Source) -> tuple[float, bool]:
        return (source.frames / source.rate, False) if source.rate else (4.0, True)

    def GetMediaSourceSampleRate(self, source: Source) -> int:
        return source.rate

    def GetMediaSourceNumChannels(self, source: Source) -> int:
        return 0 if source.inside else source.channels

    def GetMediaSourceParent(self, source: Source) -> Source | None:
        return source.inside

    # MIDI.

    def TakeIsMIDI(self, take: Take) -> bool:
        return bool(take.source and take.source.type == "MIDI")

    def CreateNewMIDIItemInProj(self, track: Track, start: float, end: float, in_quarters: bool = False) -> Item:
        need(not in_quarters, "times are given in seconds")
        self.changes()
        item = Item(track, {"D_POSITION": start, "D_LENGTH": end - start, "B_LOOPSRC": 1.0, **AUTOMATIC})
        source = Source("MIDI", takes_notes=True, owned=True)
        item.takes.append(Take(item, source, start_quarters=self.project.tempo.quarters(start)))
        track.items.append(item)
        return item

    def MIDI_GetPPQPosFromProjTime(self, take: Take, time: float) -> float:
        return (self.project.tempo.quarters(time) - take.start_quarters) * TICKS

    def MIDI_GetProjTimeFromPPQPos(self, take: Take, ticks: float) -> float:
        return self.project.tempo.time(take.start_quarters + ticks / TICKS)

    def MIDI_CountEvts(self, take: Take) -> tuple[int, int, int, int]:
        return len(take.notes), len(take.notes), 0, 0

    def MIDI_GetNote(self, take: Take, index: int) -> tuple[Any, ...]:
        start, end, channel, pitch, velocity = take.notes[index]
        return True, False, False, float(start), float(end), channel, pitch, velocity

    def MIDI_InsertNote(
        self, take: Take, selected: bool, muted: bool, start: float, end: float, channel: int, pitch: int,
        velocity: int, unsorted: bool = False,
    ) -> bool:  # fmt: skip
        self.changes()
        need(end > start and 0 <= channel < 16 and 0 <= pitch < 128 and 1 <= velocity < 128, "an impossible note")
        if not take.source or not take.source.takes_notes:
            return False
        take.notes.append((start, end, channel, pitch, velocity))
        return True

    def MIDI_Sort(self, take: Take) -> None:
        take.notes.sort()

    # Sound.

    def CreateTrackAudioAccessor(self, track: Track) -> Accessor:
        self.host.accessors.append(Accessor(track))
        return self.host.accessors[-1]

    def DestroyAudioAccessor(self, accessor: Accessor) -> None:
        accessor.alive = False

    def GetAudioAccessorSamples(
        self, accessor: Accessor, rate: int, channels: int, start: float, count: int, buffer: "Any"
    ) -> int:
        need(rate == self.project.rate and channels == 2, "the clip is read at the project's rate")
        first = start * rate
        need(abs(first - round(first)) < 1e-3, f"the clip is read at {first} frames")
        sound = self.project.sound(accessor.track, round(first), count)
        if not sound.any():
            return 0  # and the buffer stays as it was
        buffer(np.ascontiguousarray(sound).ravel().tolist())
        return 1

    # REAPER itself.

    def time_precise(self) -> float:
        return self.host.now_s()

    def genGuid(self) -> str:
        return "{" + str(uuid.uuid4()).upper() + "}"

    def GetOS(self) -> str:
        return "Other"

    def RecursiveCreateDirectory(self, path: str, _: int) -> int:
        os.makedirs(path, exist_ok=True)
        return int(Path(path).is_dir())

    def GetExtState(self, section: str, key: str) -> str:
        return self.host.ext.get((section, key), "")

    def SetExtState(self, section: str, key: str, value: str, persist: bool) -> None:
        need(not persist, "nothing of ours outlives REAPER in its own files")
        self.host.ext[section, key] = value

    def DeleteExtState(self, section: str, key: str, persist: bool) -> None:
        self.host.ext.pop((section, key), None)

    def NamedCommandLookup(self, name: str) -> int:
        return self.host.commands.get(name, 0)

    def AddRemoveReaScript(self, add: bool, section: int, path: str, commit: bool) -> int:
        need(add and section == 0 and commit and Path(path).is_file(), path)
        return self.host.register(f"_RSadded{len(self.host.commands)}", Path(path))

    def ShowMessageBox(self, text: str, title: str, kind: int) -> int:
        need(title == "HarmonicFlow" and kind == 0, title)
        self.host.messages.append(text)
        return 1

    def ShowConsoleMsg(self, text: str) -> None:
        need(text.startswith("!SHOW:"), "the console is not to open")
        self.host.console.append(text)

    def GetUserInputs(self, title: str, count: int, captions: str, values: str) -> tuple[bool, str]:
        need(1 <= count <= 16, "REAPER's box has 1 to 16 fields")
        self.host.asked.append((captions, values))
        answer = self.host.answers.pop(0)
        return answer is not None, values if answer is None else answer
