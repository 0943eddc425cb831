"""Ardour's session file, read and written without Ardour.

Ardour 7 writes times as whole superclock ticks, 282,240,000 a second: every sample of every usual rate is a whole
number of them, so positions here are exact. A time in beats ("b1920@b0") has 1920 ticks a quarter note. A length
stands with its position, as "length@position".
"""

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile as sf

SUPERCLOCK = 282_240_000  # ticks a second
TICKS = 1920  # a quarter note
OSC = "Open Sound Control (OSC)"


@dataclass(frozen=True)
class Tempo:
    """One row of the session's tempo map; `omega` is above 0 where the tempo rises up to the next row."""

    beat: Fraction
    tick: int  # superclock
    bpm: float
    omega: float

    def tick_at(self, beat: Fraction | float) -> float:
        """Superclock ticks of a beat (quarter notes) at or after this row."""
        ticks_per_beat, beats = round(SUPERCLOCK * 60 / self.bpm), float(beat - self.beat)
        if self.omega == 0:
            return self.tick + beats * ticks_per_beat
        return self.tick + math.log1p(ticks_per_beat * self.omega * beats) / self.omega


@dataclass(frozen=True)
class Region:
    """A region on a playlist; frames are the session's, and fractions only where Ardour did not hit a sample."""

    name: str
    kind: str  # "audio" or "midi"
    position: Fraction  # frames
    length: Fraction  # frames
    start: Fraction  # frames of the source that are left out at its beginning
    layer: int
    sources: tuple[str, ...]  # file names inside the session, one a channel

    @property
    def span(self) -> tuple[Fraction, Fraction]:
        """First frame, and the first one after it."""
        return self.position, self.position + self.length


@dataclass(frozen=True)
class Track:
    """A track and what lies on the playlist that it plays."""

    name: str
    kind: str  # "audio" or "midi"
    color: int
    regions: tuple[Region, ...]  # by position, then layer


@dataclass(frozen=True)
class SessionState:
    """What a session file says."""

    path: Path  # the folder
    rate: int
    tracks: dict[str, Track]
    playlists: dict[str, tuple[Region, ...]]  # those that no track plays, too
    sources: frozenset[str]
    tempos: tuple[Tempo, ...]
    markers: tuple[str, ...]  # names of ranges and places in time
    undo: tuple[str, ...]  # the steps that can be undone, the newest last

    def frame_at(self, beat: Fraction | float) -> float:
        """The frame of a beat, counted in quarter notes from the session's start."""
        row = [tempo for tempo in self.tempos if tempo.beat <= beat][-1]
        return row.tick_at(beat) * self.rate / SUPERCLOCK

    def sound(self, region: Region) -> np.ndarray:
        """What a region plays, float32 [channels, frames], from the session's own files."""
        folder = audio_folder(self.path)
        first, count = (int(value) for value in (region.start, region.length))
        channels = [sf.read(folder / name, first + count, dtype="float32")[0][first:] for name in region.sources]
        return np.stack(channels)


def session_file(session: Path) -> Path:
    """The file of a session's folder."""
    return session / f"{session.name}.ardour"


def audio_folder(session: Path) -> Path:
    """Where a session keeps its sound."""
    return session / "interchange" / session.name / "audiofiles"


def read_session(session: Path) -> SessionState:
    """Read a session's file as it was last saved."""
    root = ET.parse(session_file(session)).getroot()
    rate = int(root.attrib["sample-rate"])
    tempos = tuple(_tempos(root))
    sources = {source.attrib["id"]: source.attrib["name"] for source in root.iterfind("Sources/Source")}
    playlists, names = {}, {}
    for playlist in [*root.iterfind("Playlists/Playlist"), *root.iterfind("UnusedPlaylists/Playlist")]:
        regions = [_region(region, rate, tempos, sources) for region in playlist.iterfind("Region")]
        playlists[playlist.attrib["id"]] = tuple(sorted(regions, key=lambda region: (region.position, region.layer)))
        names[playlist.attrib["id"]] = playlist.attrib["name"]
    tracks = {}
    for route in root.iterfind("Routes/Route"):
        for kind in ("audio", "midi"):
            if identity := route.get(f"{kind}-playlist"):
                color = int(route.find("PresentationInfo").attrib["color"])  # type: ignore[union-attr]
                name = route.attrib["name"]
                tracks[name] = Track(name, kind, color, playlists.get(identity, ()))
    markers = tuple(location.attrib["name"] for location in root.iterfind("Locations/Location"))
    by_name = {names[identity]: regions for identity, regions in playlists.items()}
    return SessionState(session, rate, tracks, by_name, frozenset(sources.values()), tempos, markers, _undo(session))


def _undo(session: Path) -> tuple[str, ...]:
    file = session_file(session).with_suffix(".history")
    if not file.exists():  # nothing can be undone
        return ()
    return tuple(step.attrib["name"] for step in ET.parse(file).getroot().iterfind("UndoTransaction"))


def _tempos(root: ET.Element) -> Iterator[Tempo]:
    for row in root.iterfind("TempoMap/Tempos/Tempo"):
        beat, ticks = row.attrib["quarters"].split(":")
        at = Fraction(int(beat)) + Fraction(int(ticks), TICKS)
        bpm = float(row.attrib["npm"]) * 4 / int(row.attrib["note-type"])
        yield Tempo(at, int(row.attrib["sclock"]), bpm, float(row.attrib["omega"]))


def _region(region: ET.Element, rate: int, tempos: tuple[Tempo, ...], sources: dict[str, str]) -> Region:
    def ticks(time: str) -> Fraction:
        """Superclock of "a123" (ticks) or "b1920" (beats from the session's start)."""
        if time[0] == "a":
            return Fraction(int(time[1:]))
        beat = Fraction(int(time[1:]), TICKS)
        return Fraction(round([tempo for tempo in tempos if tempo.beat <= beat][-1].tick_at(beat)))

    def frames(superclock: Fraction) -> Fraction:
        return superclock * rate / SUPERCLOCK

    length, position = region.attrib["length"].split("@")
    at = ticks(position)
    if length[0] == "a":
        duration = ticks(length)
    elif position[0] == "b":
        duration = ticks(f"b{int(position[1:]) + int(length[1:])}") - at
    else:
        beat = _beat_at(tempos, float(at)) * TICKS + int(length[1:])
        duration = ticks(f"b{round(beat)}") - at
    files = [sources[region.attrib[f"source-{index}"]] for index in range(int(region.get("channels", 1)))]
    return Region(
        region.attrib["name"], region.attrib["type"], frames(at), frames(duration),
        frames(ticks(region.attrib["start"])), int(region.attrib["layering-index"]), tuple(files),
    )  # fmt: skip


def _beat_at(tempos: tuple[Tempo, ...], tick: float) -> float:
    row = [tempo for tempo in tempos if tempo.tick <= tick][-1]
    ticks_per_beat, ticks = round(SUPERCLOCK * 60 / row.bpm), tick - row.tick
    if row.omega == 0:
        return float(row.beat) + ticks / ticks_per_beat
    return float(row.beat) + math.expm1(row.omega * ticks) / (ticks_per_beat * row.omega)


def place(session: Path, track: str, wav: Path, position: int) -> None:
    """Put a sound on a track at a frame, as if Ardour had imported it: one mono file in the session a channel."""
    tree = ET.parse(session_file(session))
    root = tree.getroot()
    rate, identity = int(root.attrib["sample-rate"]), int(root.attrib["id-counter"])
    sound, its_rate = sf.read(wav, dtype="float32", always_2d=True)
    assert its_rate == rate, f"{wav.name} has {its_rate} Hz, the session {rate} Hz"
    sources, regions = root.find("Sources"), root.find("Regions")
    route = next(route for route in root.iterfind("Routes/Route") if route.get("name") == track)
    playlist = root.find(f"Playlists/Playlist[@id='{route.get('audio-playlist')}']")
    assert sources is not None and regions is not None and playlist is not None

    shared = {"name": wav.stem, "type": "audio", "channels": str(sound.shape[1]), "start": "a0", "opaque": "1"}
    shared |= {"fade-in-active": "0", "fade-out-active": "0", "layering-index": "0"}  # the sound as it is, to its edges
    for channel in range(sound.shape[1]):
        identity += 1
        name = wav.stem + ("" if sound.shape[1] == 1 else "%" + "LR"[channel]) + ".wav"
        sf.write(audio_folder(session) / name, sound[:, channel], rate, subtype="FLOAT")
        ET.SubElement(sources, "Source", {"name": name, "type": "audio", "id": str(identity), "channel": "0"})
        shared |= {f"source-{channel}": str(identity), f"master-source-{channel}": str(identity)}
    unit = SUPERCLOCK // rate
    for parent, whole, at in ((regions, "1", 0), (playlist, "0", position)):
        identity += 1
        length = f"a{len(sound) * unit}@a{at * unit}"
        ET.SubElement(parent, "Region", shared | {"id": str(identity), "whole-file": whole, "length": length})
    root.set("id-counter", str(identity + 1))
    tree.write(session_file(session), encoding="UTF-8", xml_declaration=True)


def open_osc(session: Path) -> None:
    """Switch Ardour's OSC surface on in this session: the session's word counts, not the configuration's."""
    file = session_file(session)
    text, count = re.subn(
        rf'<Protocol name="{re.escape(OSC)}" active="0" ?/>',
        f'<Protocol name="{OSC}" feedback="0" debugmode="0" address-only="0" remote-port="8000" banksize="0" '
        'striptypes="159" gainmode="0" active="1"/>',
        file.read_text(),
    )
    assert count == 1, f"no OSC surface in {file.name}"
    file.write_text(text)
