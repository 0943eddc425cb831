"""Tempo map, meters, clip and notes of a REAPER project as the protocol has them, at every rate."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import soundfile as sf

from bridge.daw.reaper import install
from harmonicflow.core.messages import SelectionSpec
from harmonicflow.core.tempo import Selection

from .reaper_host import Reaper, Script
from .reaper_project import Project
from .reaper_tempo import Marker, TempoMap

RATES = (44_100, 48_000, 96_000)
# 93.7 from the start; a change inside of bar 3 at 137.3; 3/4 from beat 12.
CHANGE_S = 8 * 60 / 93.7
METER_S = CHANGE_S + 4 * 60 / 137.3
STEPS = TempoMap(93.7, (4, 4), (Marker(0, 93.7, 4, 4), Marker(CHANGE_S, 137.3), Marker(METER_S, 137.3, 3, 4)))


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts as they are installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARMONICFLOW_HOME", str(tmp_path_factory.mktemp("flow") / "home"))
        return install.install(tmp_path_factory.mktemp("reaper")).config / "Scripts" / install.FOLDER


class Bench:
    """A project, and our library loaded in a script that does nothing else."""

    def __init__(self, folder: Path, scripts: Path, **project: Any) -> None:
        self.project = Project(folder, str(folder / "song.rpp"), **project)
        self.reaper = Reaper(self.project, scripts)
        (folder / "bench.lua").write_text(
            f'host = assert(loadfile("{scripts}/lib/main.lua"))("{scripts}").host\n'
            f'json = assert(loadfile("{scripts}/lib/json.lua"))()\n'
        )
        self.script: Script = self.reaper.start(folder / "bench.lua")

    def eval(self, code: str) -> Any:
        return self.script.runtime.eval(code)

    def selection(self, first: float, last: float) -> Selection:
        """The selection of a range on the grid, as the daemon reads it."""
        frames = self.project.frame(first), self.project.frame(last)
        text = self.eval("function(from, upto) return json.encode((host.selection(from, upto))) end")(*frames)
        self.reaper.tidy()
        return Selection.from_wire(msgspec.json.decode(text, type=SelectionSpec))


@pytest.mark.parametrize("rate", RATES)
def test_a_tempo_change_inside_the_selection_is_exact(rate: int, scripts: Path, tmp_path: Path) -> None:
    """Not a float comes through: 93.7 is 937/10, and the section after the change begins at a fraction of a frame."""
    found = Bench(tmp_path, scripts, tempo=STEPS, rate=rate).selection(4, 18)
    first, second = Fraction(60 * rate * 10, 937), Fraction(60 * rate * 10, 1373)
    assert found.rate == rate
    assert (found.start_frame, found.end_frame) == (round(4 * first), round(8 * first + 10 * second))
    for beat in (4, Fraction(13, 2), 8, 9, 12, Fraction(50, 3), 18):
        expected = beat * first if beat <= 8 else 8 * first + (beat - 8) * second
        assert found.tempo.frame_at(Fraction(beat)) == expected, beat
    assert [str(bar.meter) for bar in found.bars()] == ["4/4", "4/4", "3/4", "3/4"]
    assert found.start_beat == 0


@pytest.mark.parametrize("bpm", [120, 97.25, 400 / 3, 93.71234567, 59.94])
def test_one_tempo(bpm: float, scripts: Path, tmp_path: Path) -> None:
    found = Bench(tmp_path, scripts, tempo=TempoMap(bpm)).selection(8, 24)
    assert abs(float(found.tempo.frame_at(Fraction(24))) - 24 * 60 * 48_000 / bpm) < 1e-6
    assert len(found.tempo.anchors) == 2


def test_a_ramp_is_within_a_third_of_a_millisecond(scripts: Path, tmp_path: Path) -> None:
    tempo = TempoMap(120, (4, 4), (Marker(0, 120, 4, 4), Marker(4, 120, linear=True), Marker(10, 150)))
    bench = Bench(tmp_path, scripts, tempo=tempo)
    found = bench.selection(4, 28)
    for beat in np.arange(4, 28, 1 / 16):
        off_s = float(found.tempo.frame_at(Fraction(beat))) / 48_000 - tempo.time(beat)
        assert abs(off_s) < 0.0003, (beat, off_s)


@pytest.mark.parametrize("by_meter", [False, True])
def test_a_tempo_is_in_quarter_notes_whatever_the_meters_beat_is(by_meter: bool, scripts: Path, tmp_path: Path) -> None:
    tempo = TempoMap(93.7, (6, 8), (Marker(0, 93.7, 6, 8), Marker(6 * 60 / 93.7, 137.3)))
    found = Bench(tmp_path, scripts, tempo=tempo, tempo_by_meter=by_meter).selection(3, 12)
    first, second = (Fraction(60 * 48_000 * 10, tenths) for tenths in (937, 1373))
    assert found.tempo.frame_at(Fraction(5)) == 5 * first
    assert found.tempo.frame_at(Fraction(12)) == 6 * first + 6 * second
    assert {str(bar.meter) for bar in found.bars()} == {"6/8"}


def test_a_selection_that_begins_inside_a_bar(scripts: Path, tmp_path: Path) -> None:
    """In 7/8, whose bars are 3 1/2 quarter notes: from the second eighth of bar 2."""
    found = Bench(tmp_path, scripts, tempo=TempoMap(110, (7, 8))).selection(4, 14)
    assert found.start_beat == Fraction(1, 2)
    assert {str(bar.meter) for bar in found.bars()} == {"7/8"}


@pytest.mark.parametrize("bpm", [93.7, 117.3, 137.3, 151.9])
def test_every_bar_line_is_the_start_of_its_bar(bpm: float, scripts: Path, tmp_path: Path) -> None:
    """Whichever way the floats of its time are rounded."""
    bench = Bench(tmp_path, scripts, tempo=TempoMap(bpm), rate=44_100)
    for bar in range(1, 40):
        found = bench.selection(4 * bar, 4 * bar + 4)
        assert found.start_beat == 0 and len(found.bars()) == 1, bar


def test_a_bar_that_a_new_meter_cuts_short_is_told_by_its_length(scripts: Path, tmp_path: Path) -> None:
    tempo = TempoMap(120, (4, 4), (Marker(0, 120, 4, 4), Marker(3.0, 120, 3, 4)))  # at beat 6, inside of bar 2
    found = Bench(tmp_path, scripts, tempo=tempo).selection(0, 12)
    assert [str(bar.meter) for bar in found.bars()] == ["4/4", "2/4", "3/4", "3/4"]


def test_a_selection_off_the_grid_is_within_half_a_frame(scripts: Path, tmp_path: Path) -> None:
    bench = Bench(tmp_path, scripts, tempo=STEPS)
    found = bench.selection(4.123456, 17.654321)
    assert found.start_frame == bench.project.frame(4.123456)
    for beat in (5, 9, 13.5, 17):
        assert abs(float(found.tempo.frame_at(Fraction(beat))) - STEPS.time(beat) * 48_000) < 1e-6


def test_a_thousand_tempos_are_not_too_many(scripts: Path, tmp_path: Path) -> None:
    """The denominators of a chain of tempos grow without end: then REAPER's own float is as good."""
    random = np.random.default_rng(8)
    times = np.cumsum(random.uniform(0.3, 0.9, 1000))
    markers = [Marker(0, 100, 4, 4), *(Marker(float(time), round(float(random.uniform(60, 200)), 3)) for time in times)]
    tempo = TempoMap(100, (4, 4), tuple(markers))
    last = int(tempo.quarters(float(times[-1])))
    found = Bench(tmp_path, scripts, tempo=tempo).selection(last // 2, last)
    for beat in range(last // 2, last, 7):
        assert abs(float(found.tempo.frame_at(Fraction(beat))) - tempo.time(beat) * 48_000) < 0.01, beat


@pytest.mark.parametrize(
    ("used", "device", "rate"), [(True, 44_100, 96_000), (False, 44_100, 44_100), (False, None, 96_000)]
)
def test_the_rate_is_the_projects_only_where_it_is_used(
    used: bool, device: int | None, rate: int, scripts: Path, tmp_path: Path
) -> None:
    bench = Bench(tmp_path, scripts, rate=96_000, rate_used=used, device_rate=device)
    assert bench.eval("host.selection(0, 400000).rate") == rate


def test_the_clip_is_the_sum_of_the_tracks_sample_for_sample(scripts: Path, tmp_path: Path) -> None:
    bench = Bench(tmp_path, scripts, rate=44_100)
    project, noise = bench.project, np.random.default_rng(3).standard_normal((70_000, 2)).astype(np.float32) * 0.1
    sf.write(tmp_path / "a.wav", noise, 44_100, subtype="FLOAT")
    sf.write(tmp_path / "b.wav", noise[:, 0], 44_100, subtype="FLOAT")
    stereo, mono = project.add_track("Vox"), project.add_track("Gtr")
    project.add_sound(stereo, tmp_path / "a.wav", 1001)
    project.add_sound(mono, tmp_path / "b.wav", 30_000)
    project.add_sound(mono, tmp_path / "b.wav", 30_000).values["B_MUTE"] = 1.0
    project.selected_tracks = [stereo, mono, project.add_track("Empty")]
    code = """function(from, upto)
        local found = {}
        local _, _, tracks = host.range()
        host.sound(tracks, from, upto, function(channels, name)
            found = { channels[1](0, upto - from), channels[2](0, upto - from), name }
        end)
        return table.unpack(found)
    end"""
    left, right, name = bench.eval(code)(500, 50_000)
    expected = project.sound(stereo, 500, 49_500) + project.sound(mono, 500, 49_500)
    assert np.array_equal(np.array([list(left.values()), list(right.values())], np.float32).T, expected)
    assert name == "Vox"
    project.selected_tracks = [mono]
    assert bench.eval(code.replace("channels[2](0, upto - from)", "#channels"))(30_000, 31_000)[1] == 1
    bench.reaper.tidy()


def test_midi_tracks_that_name_an_instrument_are_parts(scripts: Path, tmp_path: Path) -> None:
    bench = Bench(tmp_path, scripts, tempo=STEPS)
    project = bench.project
    bass, pad = project.add_track("Bass line"), project.add_track("Pad")
    notes = [
        (3.5, 5.0, 40, 90),
        (6.0, 6.0 + 1 / 3, 43, 80),
        (9.25, 10.0, 45, 1),
        (17.5, 19.0, 47, 127),
        (19, 20, 50, 9),
    ]
    project.add_notes(bass, 2, 20, notes)
    project.add_notes(pad, 2, 20, notes)
    project.select(4, 18, bass, pad)
    text = bench.eval(
        "function(from, upto) local _, _, tracks = host.range() return json.encode(host.score(tracks, from, upto)) end"
    )(project.frame(4), project.frame(18))
    score = msgspec.json.decode(text)
    assert score["name"] == "Bass line"
    rows = [(row[0], Fraction(row[1]), Fraction(row[2]), row[3], row[4]) for row in score["notes"]]
    assert rows == [
        ("bass", 2, Fraction(1, 3), 43, 80), ("bass", Fraction(21, 4), Fraction(3, 4), 45, 1),
        ("bass", Fraction(27, 2), Fraction(1, 2), 47, 127),
    ]  # fmt: skip
    names = "function(a, b) local _, _, t = host.range() return table.concat(host.heard(t, a, b), ', ') end"
    assert bench.eval(names)(0, 400_000) == "Bass line (MIDI: bass)"


def test_items_are_the_range_where_no_time_is_selected(scripts: Path, tmp_path: Path) -> None:
    bench = Bench(tmp_path, scripts)
    sf.write(tmp_path / "a.wav", np.zeros(1000, np.float32) + 0.1, 48_000, subtype="FLOAT")
    project = bench.project
    one, two, ours = (project.add_track(name) for name in ("One", "Two", "HF Bass"))
    project.selected_items = [
        project.add_sound(track, tmp_path / "a.wav", at) for track, at in ((two, 7000), (one, 3001), (ours, 9000))
    ]
    code = """function()
        local from, upto, tracks = host.range()
        local names = {}
        for index, track in ipairs(tracks) do names[index] = host.track_name(track) end
        return from, upto, table.concat(names, ",")
    end"""
    assert bench.eval(code)() == (3001, 10_000, "Two,One")
    project.selection = (1.0, 2.0)
    assert bench.eval(code)() == (48_000, 96_000, "Two,One")
    project.selected_tracks = [one]
    assert bench.eval(code)() == (48_000, 96_000, "One")
