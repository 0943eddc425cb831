"""A .dawproject of the real command line, read by others: lxml with the schema, libsndfile, mido.

Nothing of the exporter is used to read it: places in time are worked out anew from what project.xml says.
"""

import io
import os
from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import mido
import numpy as np
import pytest
import soundfile
from lxml import etree

from tests.dawproject_schema import METADATA, PROJECT, schema
from tests.exported_takes import CASES
from tests.ran import Ran

OURS = {"project.xml": schema(PROJECT), "metadata.xml": schema(METADATA)}
PUBLISHED = os.environ.get("HARMONICFLOW_DAWPROJECT_XSD")  # a folder with Project.xsd and MetaData.xsd
Export = Callable[..., Ran]


class Project:
    """A .dawproject as its second reader sees it."""

    def __init__(self, file: Path) -> None:
        self.zip = ZipFile(file)
        assert self.zip.testzip() is None
        self.xml = {name: etree.fromstring(self.zip.read(name)) for name in ("project.xml", "metadata.xml")}
        self.root = self.xml["project.xml"]
        self.tracks = {track.get("id"): track for track in self.root.iter("Track")}

    def check(self) -> None:
        """Both files are valid, ids are unique, and what points somewhere points to what it should."""
        for name, root in self.xml.items():
            assert OURS[name].validate(root), OURS[name].error_log
            if PUBLISHED:
                file = Path(PUBLISHED, "Project.xsd" if name == "project.xml" else "MetaData.xsd")
                theirs = etree.XMLSchema(etree.parse(file))
                assert theirs.validate(root), theirs.error_log
        ids = self.root.xpath("//@id")
        assert len(ids) == len(set(ids))
        kinds = {element.get("id"): element.tag for element in self.root.xpath("//*[@id]")}
        assert {kinds[name] for name in self.root.xpath("//@track")} == {"Track"}
        assert {kinds[name] for name in self.root.xpath("//@destination")} == {"Channel"}
        assert [kinds[name] for name in self.root.xpath("//TempoAutomation/Target/@parameter")] in ([], ["Tempo"])
        meters = self.root.xpath("//TimeSignatureAutomation/Target/@parameter")
        assert [kinds[name] for name in meters] in ([], ["TimeSignature"])
        sounds = set(self.root.xpath("//File/@path"))
        assert sounds == set(self.zip.namelist()) - {"project.xml", "metadata.xml"}

    def clips(self, track: str) -> list[etree._Element]:
        """The clips of the first track of a name."""
        name = next(key for key, each in self.tracks.items() if each.get("name") == track)
        return self.root.xpath("/Project/Arrangement/Lanes/Lanes[@track=$name]/Clips/Clip", name=name)

    def seconds(self, beat: float) -> float:
        """The time of a beat from the beginning of the arrangement, by the tempos in the file."""
        points = [(float(p.get("time")), float(p.get("value"))) for p in self.root.xpath("//TempoAutomation/RealPoint")]
        points = points or [(0.0, float(self.root.find("Transport/Tempo").get("value")))]
        ends = [time for time, _ in points[1:]] + [float("inf")]
        return sum(
            (min(beat, end) - time) * 60 / bpm for (time, bpm), end in zip(points, ends, strict=True) if beat > time
        )


@pytest.mark.parametrize("case", CASES)
def test_sound_lies_where_the_selection_was(export: Export, exports: Path, tmp_path: Path, case: str) -> None:
    ran = export(f"20260102-{case}", "--out", "x")
    assert ran.code == 0 and ran.out.strip() == str(tmp_path / "x.dawproject"), ran.err
    project, selection = Project(tmp_path / "x.dawproject"), CASES[case]()
    project.check()
    names = ["Bass", "Drums", "Guitar", "Piano"] if case == "plain" else ["Bass", "Drums"]
    for name in (*names, "Mix", "Binaural"):
        (clip,) = project.clips(name)
        start, beats = float(clip.get("time")), float(clip.get("duration"))
        assert start == float(selection.start_beat)
        # The tempos of the file make the clip exactly as long as its samples, to a thousandth of a sample.
        length = (project.seconds(start + beats) - project.seconds(start)) * selection.rate
        assert length == pytest.approx(selection.frames, abs=1e-3)
        audio = clip.find("Audio")
        assert clip.get("contentTimeUnit") == "seconds" and audio.get("algorithm") == "raw"
        assert float(audio.get("duration")) == selection.frames / selection.rate == float(clip.get("playStop"))
        about = project.zip.getinfo(audio.find("File").get("path"))
        assert about.compress_type == ZIP_STORED
        sound, rate = soundfile.read(io.BytesIO(project.zip.read(about)), dtype="float32")
        assert (rate, len(sound)) == (selection.rate, selection.frames)
        assert (int(audio.get("sampleRate")), int(audio.get("channels"))) == (rate, sound.shape[1])
        take, _ = soundfile.read(exports / "takes" / f"20260102-{case}-1" / f"{name.lower()}.wav", dtype="float32")
        assert np.array_equal(sound, take)
    muted = {t.get("name"): t.find("Channel/Mute").get("value") for t in project.tracks.values()}
    assert {name for name, mute in muted.items() if mute == "false"} == {*names, "Master"}


@pytest.mark.parametrize("case", CASES)
def test_tempo_and_meter_are_those_of_the_song(export: Export, tmp_path: Path, case: str) -> None:
    assert export(f"20260102-{case}", "--midi-only", "--out", "x").code == 0
    root = Project(tmp_path / "x.dawproject").root
    ramp = [(0.0, 100.0)] + [(2.5 + step / 2, 100.0 + 3 * step) for step in range(1, 12)]
    tempos = {"change": [(0.0, 93.7), (5.0, 137.3), (7.0, 120.0)], "ramp": ramp}
    told = [(float(p.get("time")), float(p.get("value"))) for p in root.xpath("//TempoAutomation/RealPoint")]
    assert told == tempos.get(case, [])
    assert set(root.xpath("//RealPoint/@interpolation")) <= {"hold"}
    first = {"plain": 93.7, "seven": 137.3, "change": 93.7, "meters": 137.3, "ramp": 100.0}[case]
    assert float(root.find("Transport/Tempo").get("value")) == first
    meters = [
        (float(p.get("time")), p.get("numerator") + "/" + p.get("denominator"))
        for p in root.xpath("//TimeSignatureAutomation/TimeSignaturePoint")
    ]
    assert meters == ([(0.0, "4/4"), (4.0, "7/8"), (7.5, "3/4")] if case == "meters" else [])
    meter = root.find("Transport/TimeSignature")
    expected = {"seven": ("7", "8"), "ramp": ("3", "4")}.get(case, ("4", "4"))
    assert (meter.get("numerator"), meter.get("denominator")) == expected


@pytest.mark.parametrize("case", CASES)
def test_notes_are_those_of_the_midi_files(export: Export, exports: Path, tmp_path: Path, case: str) -> None:
    """Against mido: the same pitches and velocities, within half a tick of where MIDI has to round them."""
    assert export(f"20260102-{case}", "--midi-only", "--out", "x").code == 0
    project, selection = Project(tmp_path / "x.dawproject"), CASES[case]()
    midi = mido.MidiFile(exports / "takes" / f"20260102-{case}-1" / "score.mid")
    for track in midi.tracks[1:]:
        (clip,) = project.clips(f"{track.name.capitalize()} MIDI")
        assert float(clip.get("time")) == float(selection.start_beat)
        assert float(clip.get("duration")) == float(selection.beats)
        ours = sorted(
            (int(n.get("key")), float(n.get("time")), round(float(n.get("vel")) * 127)) for n in clip.iter("Note")
        )
        theirs, tick = [], 0
        for message in track:
            tick += message.time
            if message.type == "note_on" and tick < selection.beats * 960 - 1:
                theirs.append((message.note, tick / 960, message.velocity))
        theirs.sort()
        assert len(ours) == len(theirs) >= 5
        for one, other in zip(ours, theirs, strict=True):
            assert (one[0], one[2]) == (other[0], other[2]) and abs(one[1] - other[1]) <= 0.5001 / 960
        ends = [float(n.get("time")) + float(n.get("duration")) for n in clip.iter("Note")]
        assert max(ends) <= float(selection.beats) + 1e-12
        channels = {message.channel for message in track if message.type == "note_on"}
        assert {int(n.get("channel")) for n in clip.iter("Note")} == channels


def test_lengths_of_notes_are_those_of_the_midi_files(export: Export, exports: Path, tmp_path: Path) -> None:
    """But where MIDI strikes a pitch again that still sounds: the clip's note ends there."""
    assert export("20260102-plain", "--out", "x").code == 0
    project = Project(tmp_path / "x.dawproject")
    checked = 0
    for name in ("bass", "guitar", "piano"):
        tick, on, lengths = 0, {}, {}
        for message in mido.MidiFile(exports / "takes" / "20260102-plain-1" / f"{name}.mid").tracks[1]:
            tick += message.time
            if message.type == "note_on":
                if message.note in on:
                    lengths[on[message.note], message.note] = tick - on[message.note]
                on[message.note] = tick
            elif message.type == "note_off" and message.note in on:
                began = on.pop(message.note)
                lengths[began, message.note] = tick - began
        (clip,) = project.clips(f"{name.capitalize()} MIDI")
        for note in clip.iter("Note"):
            key = round(float(note.get("time")) * 960), int(note.get("key"))
            assert abs(float(note.get("duration")) * 960 - lengths.pop(key)) <= 1.001
            checked += 1
    assert checked > 20


def test_chords_are_clips_that_bear_their_names_and_sections_are_markers(export: Export, tmp_path: Path) -> None:
    assert export("20260102-plain", "--midi-only", "--out", "x").code == 0
    project = Project(tmp_path / "x.dawproject")
    chords = [(c.get("name"), float(c.get("time")), float(c.get("duration"))) for c in project.clips("Chords")]
    assert chords == [("Am7", 0.0, 2.0), ("D9/F#", 2.0, 2.0), ("Gmaj7", 4.0, 4.0)]
    keys = [{int(note.get("key")) % 12 for note in clip.iter("Note")} for clip in project.clips("Chords")]
    assert keys == [{9, 0, 4, 7}, {2, 6, 9, 0, 4}, {7, 11, 2, 6}]
    assert min(int(key) for key in project.clips("Chords")[1].xpath(".//@key")) % 12 == 6  # F# is the bass
    markers = project.root.xpath("//Markers/Marker")
    assert [(m.get("name"), float(m.get("time"))) for m in markers][0][1] == 0.0


@pytest.mark.parametrize("case", CASES)
def test_sound_that_follows_the_tempo_is_tied_where_it_changes(export: Export, tmp_path: Path, case: str) -> None:
    """Played at the tempos in the file, no moment of the sound is moved by as much as a thousandth of a sample."""
    assert export(f"20260102-{case}", "--warp", "--stems", "bass", "--out", "x").code == 0
    project, selection = Project(tmp_path / "x.dawproject"), CASES[case]()
    project.check()
    (clip,) = project.clips("Bass")
    start, (warps,) = float(clip.get("time")), clip
    assert (warps.tag, warps.get("timeUnit"), warps.get("contentTimeUnit")) == ("Warps", "beats", "seconds")
    ties = [(float(warp.get("time")), float(warp.get("contentTime"))) for warp in warps.findall("Warp")]
    assert len(ties) == {"change": 4, "ramp": 13}.get(case, 2)
    assert ties[0] == (0.0, 0.0) and ties[-1][1] == selection.frames / selection.rate
    for beat in np.linspace(0, ties[-1][0], 200):
        here = np.interp(beat, *zip(*ties, strict=True))
        assert abs(project.seconds(start + beat) - project.seconds(start) - here) * selection.rate < 1e-3


def test_notes_without_sound_are_heard(export: Export, tmp_path: Path) -> None:
    assert export("20260102-plain", "--midi-only", "--out", "x").code == 0
    tracks = Project(tmp_path / "x.dawproject").tracks.values()
    muted = {track.get("name"): track.find("Channel/Mute").get("value") for track in tracks}
    assert {name for name, mute in muted.items() if mute == "true"} == {"Chords"}


def test_colours_and_levels(export: Export, tmp_path: Path) -> None:
    from harmonicflow.core.instruments import INSTRUMENTS

    assert export("20260102-plain", "--out", "x").code == 0
    project = Project(tmp_path / "x.dawproject")
    for name, row in INSTRUMENTS.items():
        colours = {t.get("color") for t in project.tracks.values() if t.get("name") in (row.title, f"{row.title} MIDI")}
        assert colours == {row.colour}, name
    for channel in project.root.iter("Channel"):
        volume, pan = channel.find("Volume"), channel.find("Pan")
        assert (volume.get("unit"), float(volume.get("value"))) == ("linear", 1.0)
        assert (pan.get("unit"), float(pan.get("value"))) == ("normalized", 0.5)


def test_options_of_one_request_are_groups_of_which_the_first_is_heard(export: Export, tmp_path: Path) -> None:
    assert export("20260102-options-1", "--options", "--out", "x").code == 0
    project = Project(tmp_path / "x.dawproject")
    project.check()
    groups = project.root.xpath("/Project/Structure/Track[@contentType='tracks']")
    assert [group.get("name") for group in groups] == ["Option 1", "Option 2"]
    assert [group.find("Channel/Mute").get("value") for group in groups] == ["false", "true"]
    for group in groups:
        inside = group.findall("Track")
        assert {"Bass", "Piano", "Mix"} < {track.get("name") for track in inside}
        assert {track.find("Channel").get("destination") for track in inside} == {group.find("Channel").get("id")}
    names = project.zip.namelist()
    assert "audio/1-bass.wav" in names and "audio/2-bass.wav" in names
    assert project.xml["metadata.xml"].findtext("Title") == '"<&> '  # the bell is nothing that XML could say


def test_what_takes_share_is_in_the_file_once(export: Export, exports: Path, tmp_path: Path) -> None:
    assert export("20260102-plain-1", str(exports / "takes" / "20260102-plain-1"), "--out", "x").code == 0
    assert len(Project(tmp_path / "x.dawproject").zip.namelist()) == 8  # named twice, it is one take


def test_the_same_take_is_the_same_bytes(export: Export, tmp_path: Path) -> None:
    assert export("20260102-change", "--out", "a").code == export("20260102-change", "--out", "b").code == 0
    assert (tmp_path / "a.dawproject").read_bytes() == (tmp_path / "b.dawproject").read_bytes()


def test_takes_of_different_songs_do_not_fit(export: Export, tmp_path: Path) -> None:
    ran = export("20260102-plain", "20260102-seven", "--out", "x")
    assert ran.code == 2 and "has another place, tempo or meter" in ran.err
    assert not any(tmp_path.iterdir())
