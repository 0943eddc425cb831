"""The two XML files of a .dawproject, version 1.0 (github.com/bitwig/dawproject, Project.xsd and MetaData.xsd).

Positions on the arrangement are beats. A sound clip's `time` and `duration` are beats as well, for they belong to the
arrangement; inside it time is seconds (`contentTimeUnit`), and `raw` says that nothing is stretched: the file's samples
are played as they are. Where they are to follow the tempo, warps tie beats to seconds at both ends and at each change
of tempo. Volumes are linear, 1 as recorded; pans are 0 to 1, the middle 0.5.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import IO

import harmonicflow
from harmonicflow.core.constants import MAX_BPM, MIN_BPM

from .found import Take
from .markup import Xml
from .timeline import Timeline
from .tracks import AUDIO, NOTES, STEREO, TRACKS, AudioClip, NoteClip, Track

VERSION = "1.0"
MASTER, MASTER_CHANNEL = "master", "master-channel"
TEMPO, METER = "tempo", "meter"  # ids that automation points to
FULL_VELOCITY = 127


def write_metadata(file: IO[bytes], take: Take) -> None:
    """metadata.xml: what DAWs show of a file before it is opened."""
    summary, xml = take.summary, Xml(file)
    with xml.element("MetaData"):
        xml.text("Title", summary.title or take.name)
        if summary.created:
            xml.text("Year", summary.created[:4])
        if summary.genre:
            xml.text("Genre", summary.genre)
        key = f", {take.key}" if take.key else ""
        xml.text("Comment", f"HarmonicFlow take {take.name}, seed {summary.seed}{key}")
    xml.close()


def write_project(file: IO[bytes], takes: Sequence[Take], timeline: Timeline, tracks: Sequence[Track]) -> None:
    """project.xml: tempo, meters, tracks, clips and markers. Of several takes the first names the sections."""
    end = timeline.start + max(take.selection.beats for take in takes)
    xml = Xml(file)
    with xml.element("Project", version=VERSION):
        xml.leaf("Application", name="HarmonicFlow", version=harmonicflow.__version__)
        _transport(xml, timeline)
        with xml.element("Structure"):
            for track in tracks:
                _track(xml, track, MASTER_CHANNEL)
            with xml.element("Track", id=MASTER, name="Master", contentType=f"{AUDIO} {NOTES}", loaded=True):
                _channel(xml, MASTER_CHANNEL, "master", STEREO)
        with xml.element("Arrangement", id="arrangement"):
            with xml.element("Lanes", id="lanes", timeUnit="beats"):
                for track in tracks:
                    for each in track.walk():
                        _lane(xml, each, timeline.start)
            _markers(xml, takes[0], timeline)
            _automation(xml, timeline, end)
        xml.leaf("Scenes")
    xml.close()


def _transport(xml: Xml, timeline: Timeline) -> None:
    meter = timeline.meters[0][1]
    with xml.element("Transport"):
        xml.leaf(
            "Tempo", id=TEMPO, name="Tempo", unit="bpm", value=timeline.tempos[0][1], min=float(MIN_BPM),
            max=float(MAX_BPM),
        )  # fmt: skip
        xml.leaf("TimeSignature", id=METER, numerator=meter.numerator, denominator=meter.denominator)


# ------------------------------------------------------------------------------------------------------ the structure


def _track(xml: Xml, track: Track, destination: str) -> None:
    group = track.holds == TRACKS
    with xml.element(
        "Track", id=track.id, name=track.name, color=track.colour, comment=track.comment or None,
        contentType=track.holds, loaded=True,
    ):  # fmt: skip
        _channel(xml, track.channel, "submix" if group else "regular", track.channels, destination, track.muted)
        for inside in track.inside:
            _track(xml, inside, track.channel)


def _channel(
    xml: Xml, name: str, role: str, channels: int, destination: str | None = None, muted: bool = False
) -> None:
    with xml.element("Channel", id=name, role=role, audioChannels=channels, destination=destination, solo=False):
        xml.leaf("Mute", id=f"{name}-mute", name="Mute", value=muted)
        xml.leaf("Pan", id=f"{name}-pan", name="Pan", unit="normalized", value=0.5, min=0.0, max=1.0)
        xml.leaf("Volume", id=f"{name}-volume", name="Volume", unit="linear", value=1.0, min=0.0, max=2.0)


# ---------------------------------------------------------------------------------------------------- the arrangement


def _lane(xml: Xml, track: Track, start: Fraction) -> None:
    """The clips of one track; `start` is the beat of the take's first frame."""
    if track.holds == TRACKS:
        return
    with xml.element("Lanes", id=f"{track.id}-lanes", track=track.id):
        with xml.element("Clips", id=f"{track.id}-clips"):
            for number, clip in enumerate(track.clips, 1):
                if isinstance(clip, AudioClip):
                    _audio(xml, track, clip, start)
                else:
                    _notes(xml, track, clip, start, number)


def _audio(xml: Xml, track: Track, clip: AudioClip, start: Fraction) -> None:
    unit, stop = ("beats", clip.beats) if clip.warps else ("seconds", Fraction(clip.row.frames, clip.row.rate))
    with xml.element(
        "Clip", name=track.name, color=track.colour, time=start, duration=clip.beats, contentTimeUnit=unit,
        playStart=0.0, playStop=stop,
    ):  # fmt: skip
        if not clip.warps:
            _sound(xml, track, clip, "raw")
            return
        with xml.element("Warps", id=f"{track.id}-warps", timeUnit="beats", contentTimeUnit="seconds"):
            _sound(xml, track, clip, "stretch")
            for beat, second in clip.warps:
                xml.leaf("Warp", time=beat, contentTime=second)


def _sound(xml: Xml, track: Track, clip: AudioClip, algorithm: str) -> None:
    row = clip.row
    with xml.element(
        "Audio", id=f"{track.id}-audio", timeUnit="seconds", algorithm=algorithm, channels=row.channels,
        sampleRate=row.rate, duration=Fraction(row.frames, row.rate),
    ):  # fmt: skip
        xml.leaf("File", path=clip.path)


def _notes(xml: Xml, track: Track, clip: NoteClip, start: Fraction, number: int) -> None:
    with xml.element(
        "Clip", name=clip.name, color=track.colour, time=start + clip.start, duration=clip.beats,
        contentTimeUnit="beats", playStart=0.0,
    ):  # fmt: skip
        with xml.element("Notes", id=f"{track.id}-notes{number}"):
            for note in clip.notes:
                xml.leaf(
                    "Note", time=note.time, duration=note.duration, channel=clip.channel, key=note.pitch,
                    vel=Fraction(note.velocity, FULL_VELOCITY),
                )  # fmt: skip


def _markers(xml: Xml, take: Take, timeline: Timeline) -> None:
    sections = [each for each in take.score.sections if 0 <= each.start < take.selection.beats]
    if sections:
        with xml.element("Markers", id="markers", timeUnit="beats"):
            for section in sections:
                xml.leaf("Marker", name=section.name, time=timeline.start + section.start)


def _automation(xml: Xml, timeline: Timeline, end: Fraction) -> None:
    """Tempo and meter, where they change before `end`."""
    tempos, meters = timeline.tempos_to(end), timeline.meters_to(end)
    if len(tempos) > 1:
        with xml.element("TempoAutomation", id="tempo-points", timeUnit="beats", unit="bpm"):
            xml.leaf("Target", parameter=TEMPO)
            for beat, bpm in tempos:
                xml.leaf("RealPoint", time=beat, value=bpm, interpolation="hold")
    if len(meters) > 1:
        with xml.element("TimeSignatureAutomation", id="meter-points", timeUnit="beats"):
            xml.leaf("Target", parameter=METER)
            for beat, meter in meters:
                xml.leaf("TimeSignaturePoint", time=beat, numerator=meter.numerator, denominator=meter.denominator)
