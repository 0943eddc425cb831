"""Every name of REAPER's API that our scripts use is published, and the stand-in refuses what REAPER would not take."""

import importlib.metadata
import re
from pathlib import Path

import pytest

from . import reaper_api as api
from .reaper_calls import Calls
from .reaper_host import Reaper
from .reaper_project import Project

LIBRARY = Path(__file__).parents[2] / "bridge" / "daw" / "reaper"
USED = {
    kind: {name for file in LIBRARY.rglob("*.lua") for name in re.findall(rf"\b{kind}\.(\w+)", file.read_text())}
    for kind in ("reaper", "gfx")
}

# Not called by python-reapy. These were looked up, by hand, in an older listing of REAPER's help too (stubs for an
# editor's completion, of the time of REAPER 6): the same names and parameters, but that GetAudioDeviceInfo and genGuid
# took a text to fill, which REAPER 7 no longer asks for.
NOT_IN_REAPY = frozenset(
    "CountSelectedTracks CountTakes ExecProcess GetAudioDeviceInfo GetMediaItem_Track GetMediaSourceParent GetOS "
    "GetTempoTimeSigMarker PCM_Source_CreateFromFile RecursiveCreateDirectory SetMediaItemTake_Source "
    "TimeMap2_timeToBeats TimeMap_GetMeasureInfo TimeMap_QNToTime_abs TimeMap_timeToQN_abs TrackList_AdjustWindows "
    "genGuid time_precise".split()
)


def test_every_name_is_published() -> None:
    assert USED["reaper"] - api.FACTS.keys() == set()
    assert USED["gfx"] - api.GFX.keys() - api.GFX_FIELDS == set()
    assert len(USED["reaper"]) > 70 and len(api.FACTS) > 190
    print(f"{len(USED['reaper'])} functions of reaper, {len(USED['gfx'])} of gfx; 0 unknown")


def test_every_name_is_known_to_a_second_list() -> None:
    """python-reapy calls REAPER through Python by the same names; what exists in Lua alone it cannot know."""
    files = importlib.metadata.files("python-reapy") or []
    text = "\n".join(file.read_text(encoding="utf-8") for file in files if file.suffix == ".py")
    known = set(re.findall(r"\bRPR\.(\w+)", text))
    assert len(known) > 200
    assert USED["reaper"] - known - api.LUA_ONLY == NOT_IN_REAPY
    assert len(USED["reaper"] & known) > 60


def test_the_stub_knows_no_function_that_is_not_published() -> None:
    names = {name for name in vars(Calls) if name[0].isupper() or name in ("time_precise", "genGuid")}
    assert names <= api.FACTS.keys()


@pytest.fixture
def reaper(tmp_path: Path) -> Reaper:
    project = Project(tmp_path)
    project.selected_tracks = [project.add_track("One")]
    return Reaper(project, tmp_path)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("reaper.GetTracks(0)", "there is no reaper.GetTracks"),
        ("gfx.drawtext('x')", "there is no gfx.drawtext"),
        ("gfx.colour = 1", "gfx.colour"),
        ("reaper.CountTracks = 1", "written into"),
        ("reaper.GetTrack(0)", "not 1 arguments"),
        ("reaper.GetTrack(0, 0, 0)", "not 3 arguments"),
        ("reaper.GetTrack(0, nil)", "argument 2 is None"),
        ("reaper.GetTrack(0, 0.5)", "argument 2 is 0.5"),
        ("reaper.GetTrack(0, '0')", "argument 2 is '0'"),
        ("reaper.GetTrack(1, 0)", "argument 1 is 1"),
        ("reaper.PreventUIRefresh(true)", "argument 1 is True"),
        ("reaper.CountTakes(reaper.GetTrack(0, 0))", "not a MediaItem"),
        ("reaper.GetTrack(0, 0).name()", "looked into"),
        ("reaper.AddMediaItemToTrack(reaper.GetTrack(0, 0))", "outside of an undo block"),
        ("reaper.Undo_EndBlock2(0, 'x', -1)", "not begun"),
        ("reaper.Undo_BeginBlock2(0) reaper.Undo_BeginBlock2(0)", "inside of another"),
        ("reaper.PreventUIRefresh(-1)", "more often than held"),
        ("reaper.GetSetProjectInfo(0, 'PROJECT_RATE', 0, false)", "PROJECT_RATE"),
        ("reaper.new_array(2).table(2, 2)", "beyond its end"),
        ("local a = reaper.CreateTrackAudioAccessor(reaper.GetTrack(0, 0)) reaper.DestroyAudioAccessor(a) "
         "reaper.DestroyAudioAccessor(a)", "given back"),
        ("local t = reaper.GetTrack(0, 0) reaper.Undo_BeginBlock2(0) local i = reaper.AddMediaItemToTrack(t) "
         "reaper.Undo_EndBlock2(0, 'x', -1) reaper.Undo_DoUndo2(0) reaper.CountTakes(i)", "that is gone"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_found_whatever_the_script_makes_of_it(
    code: str, said: str, reaper: Reaper, tmp_path: Path
) -> None:
    (tmp_path / "wrong.lua").write_text(f"pcall(function() {code} end)")
    reaper.start(tmp_path / "wrong.lua")
    assert any(said in each for each in reaper.misused), reaper.misused
    with pytest.raises(AssertionError):
        reaper.tidy()


def test_what_is_left_open_is_found(reaper: Reaper, tmp_path: Path) -> None:
    for code in ("reaper.Undo_BeginBlock2(0)", "reaper.PreventUIRefresh(1)",
                 "reaper.CreateTrackAudioAccessor(reaper.GetTrack(0, 0))"):  # fmt: skip
        host = Reaper(Project(tmp_path, tracks=list(reaper.project.tracks)), tmp_path)
        (tmp_path / "open.lua").write_text(code)
        host.start(tmp_path / "open.lua")
        assert host.misused == []
        with pytest.raises(AssertionError):
            host.tidy()
