"""Facts about ReaScript's functions in Lua: names, parameters, what they return. The stub of the tests obeys them.

Source: REAPER's own ReaScript help (reaper.fm, REAPER 7) as GoranKovac/ReaScripts lists it in
ApiParser/DefinitionsOutput/reaper_defs.lua; facts only. All that the bridge uses, and neighbours of it, so that a name
that is nearly right or an argument that belongs to another function is found. Functions that exist in Lua alone (defer,
atexit, new_array, get_action_context, gfx) have no counterpart in lists made for Python.

`project` stands for a ReaProject, nil or 0; a type with `?` may be left out; `array` is a reaper.array.
"""

import re
from typing import Final, NamedTuple

HANDLES: Final = ("MediaTrack", "MediaItem", "MediaItem_Take", "PCM_source", "AudioAccessor", "ReaProject", "HWND")

TEXT: Final = """
AddMediaItemToTrack(MediaTrack) MediaItem
AddProjectMarker(project, boolean, number, number, string, integer) integer
AddProjectMarker2(project, boolean, number, number, string, integer, integer) integer
AddRemoveReaScript(boolean, integer, string, boolean) integer
AddTakeToMediaItem(MediaItem) MediaItem_Take
AddTempoTimeSigMarker(project, number, number, integer, integer, boolean) boolean
AnyTrackSolo(project) boolean
APIExists(string) boolean
AudioAccessorStateChanged(AudioAccessor) boolean
AudioAccessorUpdate(AudioAccessor)
AudioAccessorValidateState(AudioAccessor) boolean
Audio_IsRunning() integer
ClearConsole()
ColorFromNative(integer) integer, integer, integer
ColorToNative(integer, integer, integer) integer
CountMediaItems(project) integer
CountSelectedMediaItems(project) integer
CountSelectedTracks(project) integer
CountSelectedTracks2(project, boolean) integer
CountTakes(MediaItem) integer
CountTempoTimeSigMarkers(project) integer
CountTrackMediaItems(MediaTrack) integer
CountTracks(project?) integer
CreateNewMIDIItemInProj(MediaTrack, number, number, boolean?) MediaItem
CreateTakeAudioAccessor(MediaItem_Take) AudioAccessor
CreateTrackAudioAccessor(MediaTrack) AudioAccessor
CreateTrackSend(MediaTrack, MediaTrack?) integer
DeleteExtState(string, string, boolean)
DeleteTrack(MediaTrack)
DeleteTrackMediaItem(MediaTrack, MediaItem) boolean
DestroyAudioAccessor(AudioAccessor)
EnumProjExtState(project, string, integer) boolean, string?, string?
EnumProjectMarkers(integer) integer, boolean, number, number, string, integer
EnumProjects(integer) ReaProject, string?
ExecProcess(string, integer) string?
FindTempoTimeSigMarker(project, number) integer
GetActiveTake(MediaItem) MediaItem_Take?
GetAppVersion() string
GetAudioAccessorEndTime(AudioAccessor) number
GetAudioAccessorSamples(AudioAccessor, integer, integer, number, integer, array) integer
GetAudioAccessorStartTime(AudioAccessor) number
GetAudioDeviceInfo(string) boolean, string
GetCursorPosition() number
GetCursorPositionEx(project) number
GetExtState(string, string) string
GetItemProjectContext(MediaItem) ReaProject
GetItemStateChunk(MediaItem, string, boolean?) boolean, string
GetLastTouchedTrack() MediaTrack?
GetMainHwnd() HWND
GetMasterTrack(project) MediaTrack
GetMediaItem(project, integer) MediaItem?
GetMediaItemInfo_Value(MediaItem, string) number
GetMediaItemNumTakes(MediaItem) integer
GetMediaItemTake(MediaItem, integer) MediaItem_Take?
GetMediaItemTakeInfo_Value(MediaItem_Take, string) number
GetMediaItemTake_Item(MediaItem_Take) MediaItem
GetMediaItemTake_Source(MediaItem_Take) PCM_source?
GetMediaItemTake_Track(MediaItem_Take) MediaTrack
GetMediaItemTrack(MediaItem) MediaTrack
GetMediaItem_Track(MediaItem) MediaTrack
GetMediaSourceFileName(PCM_source) string
GetMediaSourceLength(PCM_source) number, boolean
GetMediaSourceNumChannels(PCM_source) integer
GetMediaSourceParent(PCM_source) PCM_source?
GetMediaSourceSampleRate(PCM_source) integer
GetMediaSourceType(PCM_source) string
GetMediaTrackInfo_Value(MediaTrack, string) number
GetNumTracks() integer
GetOS() string
GetParentTrack(MediaTrack) MediaTrack?
GetPlayState() integer
GetProjExtState(project, string, string) integer, string
GetProjectLength(project) number
GetProjectName(project) string
GetProjectPath() string
GetProjectPathEx(project) string
GetProjectStateChangeCount(project) integer
GetProjectTimeOffset(project, boolean) number
GetProjectTimeSignature2(project) number, number
GetResourcePath() string
GetSelectedMediaItem(project, integer) MediaItem?
GetSelectedTrack(project, integer) MediaTrack?
GetSelectedTrack2(project, integer, boolean) MediaTrack?
GetSetMediaItemInfo_String(MediaItem, string, string, boolean) boolean, string
GetSetMediaItemTakeInfo_String(MediaItem_Take, string, string, boolean) boolean, string
GetSetMediaTrackInfo_String(MediaTrack, string, string, boolean) boolean, string
GetSetProjectInfo(project, string, number, boolean) number
GetSetProjectInfo_String(project, string, string, boolean) boolean, string
GetSetRepeat(integer) integer
GetSet_LoopTimeRange(boolean, boolean, number, number, boolean) number, number
GetSet_LoopTimeRange2(project, boolean, boolean, number, number, boolean) number, number
GetTake(MediaItem, integer) MediaItem_Take?
GetTakeName(MediaItem_Take) string
GetTempoTimeSigMarker(project, integer) boolean, number, integer, number, number, integer, integer, boolean
GetTrack(project, integer) MediaTrack?
GetTrackColor(MediaTrack) integer
GetTrackDepth(MediaTrack) integer
GetTrackGUID(MediaTrack) string
GetTrackMediaItem(MediaTrack, integer) MediaItem?
GetTrackName(MediaTrack) boolean, string
GetTrackNumMediaItems(MediaTrack) integer
GetTrackNumSends(MediaTrack, integer) integer
GetUserFileNameForRead(string, string, string) boolean, string
GetUserInputs(string, integer, string, string) boolean, string
HasExtState(string, string) boolean
InsertMedia(string, integer) integer
InsertTrackAtIndex(integer, boolean)
InsertTrackInProject(project, integer, integer)
IsMediaItemSelected(MediaItem) boolean
IsProjectDirty(project) integer
IsTrackSelected(MediaTrack) boolean
MB(string, string, integer) integer
MIDI_CountEvts(MediaItem_Take) integer, integer, integer, integer
MIDI_DeleteNote(MediaItem_Take, integer) boolean
MIDI_DisableSort(MediaItem_Take)
MIDI_GetNote(MediaItem_Take, integer) boolean, boolean, boolean, number, number, integer, integer, integer
MIDI_GetPPQPosFromProjQN(MediaItem_Take, number) number
MIDI_GetPPQPosFromProjTime(MediaItem_Take, number) number
MIDI_GetProjQNFromPPQPos(MediaItem_Take, number) number
MIDI_GetProjTimeFromPPQPos(MediaItem_Take, number) number
MIDI_InsertCC(MediaItem_Take, boolean, boolean, number, integer, integer, integer, integer) boolean
MIDI_InsertEvt(MediaItem_Take, boolean, boolean, number, string) boolean
MIDI_InsertNote(MediaItem_Take, boolean, boolean, number, number, integer, integer, integer, boolean?) boolean
MIDI_SelectAll(MediaItem_Take, boolean)
MIDI_SetAllEvts(MediaItem_Take, string) boolean
MIDI_SetItemExtents(MediaItem, number, number) boolean
MIDI_Sort(MediaItem_Take)
Main_OnCommand(integer, integer)
Main_OnCommandEx(integer, integer, project)
Main_SaveProject(project, boolean?)
Main_openProject(string)
MarkProjectDirty(project)
Master_GetTempo() number
MoveMediaItemToTrack(MediaItem, MediaTrack) boolean
NamedCommandLookup(string) integer
OnPlayButton()
OnStopButton()
PCM_Source_BuildPeaks(PCM_source, integer) integer
PCM_Source_CreateFromFile(string) PCM_source?
PCM_Source_CreateFromFileEx(string, boolean) PCM_source?
PCM_Source_CreateFromType(string) PCM_source?
PCM_Source_Destroy(PCM_source)
PreventUIRefresh(integer)
ReaScriptError(string)
RecursiveCreateDirectory(string, integer) integer
RefreshToolbar(integer)
ReverseNamedCommandLookup(integer) string?
SelectAllMediaItems(project, boolean)
SetActiveTake(MediaItem_Take)
SetCurrentBPM(project, number, boolean)
SetEditCurPos(number, boolean, boolean)
SetExtState(string, string, string, boolean)
SetMediaItemInfo_Value(MediaItem, string, number) boolean
SetMediaItemLength(MediaItem, number, boolean) boolean
SetMediaItemPosition(MediaItem, number, boolean) boolean
SetMediaItemSelected(MediaItem, boolean)
SetMediaItemTakeInfo_Value(MediaItem_Take, string, number) boolean
SetMediaItemTake_Source(MediaItem_Take, PCM_source) boolean
SetMediaTrackInfo_Value(MediaTrack, string, number) boolean
SetOnlyTrackSelected(MediaTrack)
SetProjExtState(project, string, string, string) integer
SetToggleCommandState(integer, integer, integer) boolean
SetTrackColor(MediaTrack, integer)
SetTrackSelected(MediaTrack, boolean)
ShowConsoleMsg(string)
ShowMessageBox(string, string, integer) integer
SplitMediaItem(MediaItem, number) MediaItem?
TakeIsMIDI(MediaItem_Take) boolean
TimeMap2_GetDividedBpmAtTime(project, number) number
TimeMap2_GetNextChangeTime(project, number) number
TimeMap2_QNToTime(project, number) number
TimeMap2_beatsToTime(project, number, integer?) number
TimeMap2_timeToBeats(project, number) number, integer?, integer?, number?, integer?
TimeMap2_timeToQN(project, number) number
TimeMap_GetDividedBpmAtTime(number) number
TimeMap_GetMeasureInfo(project, integer) number, number, number, integer, integer, number
TimeMap_GetTimeSigAtTime(project, number) integer, integer, number
TimeMap_QNToMeasures(project, number) integer, number?, number?
TimeMap_QNToTime(number) number
TimeMap_QNToTime_abs(project, number) number
TimeMap_curFrameRate(project) number, boolean
TimeMap_timeToQN(number) number
TimeMap_timeToQN_abs(project, number) number
TrackList_AdjustWindows(boolean)
Undo_BeginBlock()
Undo_BeginBlock2(project)
Undo_CanRedo2(project) string?
Undo_CanUndo2(project) string?
Undo_DoRedo2(project) integer
Undo_DoUndo2(project) integer
Undo_EndBlock(string, integer)
Undo_EndBlock2(project, string, integer)
Undo_OnStateChange(string)
Undo_OnStateChange2(project, string)
UpdateArrange()
UpdateItemInProject(MediaItem)
UpdateTimeline()
ValidatePtr(any, string) boolean
ValidatePtr2(project, any, string) boolean
atexit(function) boolean
defer(function) boolean
file_exists(string) boolean
genGuid() string
get_action_context() boolean, string, integer, integer, integer, integer, number, string
get_config_var_string(string) boolean, string
get_ini_file() string
new_array(integer) array
runloop(function) boolean
set_action_options(integer)
time_precise() number
"""

GFX_TEXT: Final = """
arc(number, number, number, number, number, number?) number
circle(number, number, number, number?, number?) number
dock(number, number?, number?, number?, number?) number
drawchar(number) number
drawnumber(number, number) number
drawstr(string, number?, number?, number?) number
getchar(number?, number?) number, number
getfont() number, string
init(string, number?, number?, number?, number?, number?) number
line(number, number, number, number, number?) number
measurestr(string) number, number
quit() number
rect(number, number, number, number, number?) number
roundrect(number, number, number, number, number, number?) number
set(number, number?, number?, number?, number?, number?, number?) number
setfont(number, string?, number?, number?) number
showmenu(string) number
update() number
"""
GFX_FIELDS: Final = frozenset(
    "r g b a a2 mode w h x y clear dest texth ext_retina mouse_x mouse_y mouse_wheel mouse_hwheel mouse_cap".split()
)
LUA_ONLY: Final = frozenset(
    "atexit defer runloop get_action_context new_array set_action_options".split()
)  # not in lists made for other languages


class Fact(NamedTuple):
    """One function."""

    parameters: tuple[str, ...]
    returns: tuple[str, ...]

    @property
    def required(self) -> int:
        """How many arguments it needs at least."""
        return sum(not kind.endswith("?") for kind in self.parameters)


def _read(text: str) -> dict[str, Fact]:
    facts = {}
    for line in text.split("\n"):
        if match := re.fullmatch(r"(\w+)\((.*?)\)\s*(.*)", line):
            name, *lists = match.groups()
            facts[name] = Fact(*(tuple(word.strip() for word in part.split(",") if word.strip()) for part in lists))
    return facts


FACTS: Final = _read(TEXT)
GFX: Final = _read(GFX_TEXT)

# The parameter names of the Get/Set..._Value calls, as the help lists them: of items, takes and tracks. Those that may
# only be read are not to be set.
ITEM_VALUES: Final = frozenset(
    "B_MUTE B_MUTE_ACTUAL B_LOOPSRC B_ALLTAKESPLAY B_UISEL C_BEATATTACHMODE C_LOCK D_VOL D_POSITION D_LENGTH "
    "D_FADEINLEN D_FADEOUTLEN D_FADEINDIR D_FADEOUTDIR D_FADEINLEN_AUTO D_FADEOUTLEN_AUTO C_FADEINSHAPE C_FADEOUTSHAPE "
    "D_SNAPOFFSET I_GROUPID I_CUSTOMCOLOR I_CURTAKE F_FREEMODE_Y F_FREEMODE_H I_FIXEDLANE".split()
)
TAKE_VALUES: Final = frozenset(
    "D_STARTOFFS D_VOL D_PAN D_PANLAW D_PLAYRATE D_PITCH B_PPITCH I_CHANMODE I_PITCHMODE I_CUSTOMCOLOR".split()
)
TRACK_VALUES: Final = frozenset(
    "B_MUTE B_PHASE I_SOLO I_FXEN I_RECARM I_RECINPUT I_NCHAN I_SELECTED I_FOLDERDEPTH I_CUSTOMCOLOR D_VOL D_PAN "
    "D_WIDTH B_SHOWINMIXER B_SHOWINTCP B_MAINSEND I_FREEMODE I_NUMFIXEDLANES C_BEATATTACHMODE".split()
)
PROJECT_VALUES: Final = frozenset("PROJECT_SRATE PROJECT_SRATE_USE RENDER_SRATE RENDER_CHANNELS".split())
DEVICE_VALUES: Final = frozenset("MODE IDENT_IN IDENT_OUT BSIZE SRATE BPS".split())
