-- The project in front: its rate, its name and place, its tracks.

local project = {}

local SECTION, UNSAVED = "HarmonicFlow", "unsaved"
local LIKELY_HZ = 48000

--- The rate at which frames are counted, Hz: the project's own where it has one, else the audio device's.
function project.rate()
	local own = reaper.GetSetProjectInfo(0, "PROJECT_SRATE", 0, false)
	if reaper.GetSetProjectInfo(0, "PROJECT_SRATE_USE", 0, false) == 0 then
		local open, rate = reaper.GetAudioDeviceInfo("SRATE")
		own = open and tonumber(rate) or own -- REAPER may have closed the device while it stands still
	end
	return own >= 8000 and math.floor(own + 0.5) or LIKELY_HZ
end

--- Name and place of the project. One that was never saved has for its place what `identify` gave it.
function project.identity()
	local _, path = reaper.EnumProjects(-1)
	if path and path ~= "" then
		return path:match("([^/\\]+)$"):gsub("%.[^.]*$", ""), path
	end
	local _, id = reaper.GetProjExtState(0, SECTION, UNSAVED)
	return UNSAVED, id
end

--- Make sure that a project without a file is known again when it has one.
function project.identify()
	local name, place = project.identity()
	if name == UNSAVED and place == "" then
		reaper.SetProjExtState(0, SECTION, UNSAVED, reaper.genGuid())
	end
end

--- Name and place that this project had before it was saved first; nil where it has no file yet, or always had one.
function project.before()
	local _, path = reaper.EnumProjects(-1)
	local _, id = reaper.GetProjExtState(0, SECTION, UNSAVED)
	if path and path ~= "" and id ~= "" then
		return UNSAVED, id
	end
	return nil
end

--- A track's name.
function project.track_name(track)
	local _, name = reaper.GetTrackName(track)
	return name
end

--- The first track of a name; nil for none.
function project.track_named(name)
	for index = 0, reaper.CountTracks(0) - 1 do
		local track = reaper.GetTrack(0, index)
		if project.track_name(track) == name then
			return track
		end
	end
	return nil
end

--- The frame that is nearest to a time.
function project.frame(seconds, rate)
	return math.floor(seconds * rate + 0.5)
end

--- First and last frame (not included) of an item.
function project.span(item, rate)
	local start = reaper.GetMediaItemInfo_Value(item, "D_POSITION")
	local length = reaper.GetMediaItemInfo_Value(item, "D_LENGTH")
	return project.frame(start, rate), project.frame(start + length, rate)
end

--- Every item of a track: a list, so that it may be changed meanwhile.
function project.items(track)
	local found = {}
	for index = 0, reaper.CountTrackMediaItems(track) - 1 do
		found[#found + 1] = reaper.GetTrackMediaItem(track, index)
	end
	return found
end

--- Whether an item is muted.
function project.is_muted(item)
	return reaper.GetMediaItemInfo_Value(item, "B_MUTE") ~= 0
end

return project
